"""Delivery reports: which recipient a mail did not reach, by RFC 3464 or by what servers write instead.

Only a mail that says by its form that a server wrote it is looked at, so that a patient's words about a
failed mail are never taken for a report.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from typing import Any

from flufl.bounce import all_failures

from bridge.mail.mime import header_text, header_values
from bridge.mail.parsed import Bounce

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)  # its traces are about strangers' bytes

ROBOTS = ("mailer-daemon", "postmaster", "mail-daemon", "mailer_daemon", "mdaemon", "mailadm", "mailerdaemon")
_ADDRESS = re.compile(r"[^\s<>@;,\"()]{1,64}@[^\s<>@;,\"()]{1,255}")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_SUBJECT = re.compile(
    r"undeliver|returned mail|delivery (?:status )?(?:notification|report|failure|has failed|problem)"
    r"|failure notice|mail delivery|delivery failure|could not be delivered|message status|returned to sender"
    r"|non remis|échec de (?:la )?(?:remise|distribution)|unzustellbar|non recapitabile|no se puede entregar",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"<[^<>\s]{1,500}>")
_ANSWERED = re.compile(r"(?:re|ré|tr|fwd?|aw|sv)\s?:", re.IGNORECASE)
MAX_PROSE = 60_000
"""Characters of a report in prose that are searched for a status."""


def read_bounce(message: Message, *, expected: bool = False) -> Bounce | None:
    """The failure a mail reports, if it is such a report.

    ``expected``: it came to the envelope sender of one of our mails, so nobody else writes there.
    """
    report = header_text(message, "content-type").lower()
    if "feedback-report" in report or "disposition-notification" in report:
        return None
    if not expected and not _from_a_server(message, report):
        return None
    found = _failure(message)
    return replace(found, about=_about(message)) if found else None


def _children(part: Message) -> list[Any] | None:
    """The parts of a part; the library decodes any other content on the way, which may fail."""
    payload = part.get_payload() if part.is_multipart() else None
    return payload if isinstance(payload, list) else None


def _about(message: Message) -> tuple[str, ...]:
    """The mail that the report is about: it quotes that mail's headers, or answers to them."""
    quoted = [*_quoted(message), message]
    names = ("in-reply-to", "references", "x-original-message-id")
    found = [m for part in quoted[:-1] for m in _IDENTIFIER.findall(header_text(part, "message-id"))]
    found += [m for name in names for m in _IDENTIFIER.findall(header_text(message, name))]
    return tuple(dict.fromkeys(found))[:20]


def _quoted(message: Message) -> list[Message]:
    payload = _children(message)
    kind = message.get_content_type()
    if kind in ("message/rfc822", "message/global") and isinstance(payload, list):
        return [part for part in payload[:1] if isinstance(part, Message)]
    if kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
        return [_headers(message)]
    if message.get_content_maintype() != "multipart" or not isinstance(payload, list):
        return []
    return [found for part in payload[:20] if isinstance(part, Message) for found in _quoted(part)]


def _headers(part: Message) -> Message:
    """The headers that a part has as its text."""
    content = _content(part).partition(b"\n\n")[0]
    return message_from_bytes(content[:MAX_PROSE] + b"\n\n")


def _failure(message: Message) -> Bounce | None:
    standard = [found for part in _reports(message) for found in _blocks(part)]
    failed = [bounce for action, bounce in standard if action == "failed"]
    if failed or standard:
        worst = failed or [bounce for action, bounce in standard if action == "delayed"]
        return max(worst, key=lambda bounce: bounce.status, default=None)
    return _in_prose(message)


def _from_a_server(message: Message, report: str) -> bool:
    if "delivery-status" in report or header_values(message, "x-failed-recipients"):
        return True
    if any(value.strip() == "<>" for value in header_values(message, "return-path")):
        return True
    sender = header_text(message, "from").lower()
    if any(f"{robot}@" in sender or sender.strip().startswith(robot) for robot in ROBOTS):
        return True
    subject = header_text(message, "subject")
    return bool(_SUBJECT.search(subject)) and not _ANSWERED.match(subject)


def _reports(message: Message) -> list[Message]:
    """The delivery-status parts of this mail, not those of a mail inside it."""
    kind = message.get_content_type()
    if kind == "message/delivery-status":
        return [message]
    if kind == "message/global-delivery-status":
        return [_international(message)]
    payload = _children(message)
    if message.get_content_maintype() != "multipart" or not isinstance(payload, list):
        return []
    return [found for part in payload[:20] if isinstance(part, Message) for found in _reports(part)]


def _international(part: Message) -> Message:
    """The same in Unicode (RFC 6533), whose blocks the library doesn't take apart."""
    payload = _children(part)
    inner = payload[0] if isinstance(payload, list) and payload else part
    assert isinstance(inner, Message)
    text = _content(inner).replace(b"\r\n", b"\n")
    blocks = [message_from_bytes(block.lstrip() + b"\n\n") for block in text.split(b"\n\n")[:200]]
    whole = Message()
    whole.set_payload([inner, *blocks])
    return whole


def _blocks(part: Message) -> list[tuple[str, Bounce]]:
    """Action and failure of each recipient's block (RFC 3464, 2.3)."""
    payload = _children(part)
    blocks = payload if isinstance(payload, list) else [part]
    found = []
    for block in blocks[:200]:
        if not isinstance(block, Message):
            continue
        names = ("final-recipient", "original-recipient")
        address = next((a for name in names if (a := _recipient(header_text(block, name)))), "")
        action = header_text(block, "action").lower().partition(" ")[0]
        if not address and not action:
            continue
        status = _STATUS.search(header_text(block, "status"))
        if action not in ("failed", "delayed", "delivered", "relayed", "expanded"):
            action = "failed" if status and status.group(1) == "5" else action
        diagnosed = _STATUS.search(header_text(block, "diagnostic-code"))
        general = "4.0.0" if action == "delayed" else "5.0.0"
        told = status or diagnosed
        if status and diagnosed and status.group().endswith(".0.0") and action == "failed":
            told = diagnosed  # « 5.0.0 » beside a precise « 5.1.1 »
        status_told = told.group() if told else general
        found.append((action, Bounce(address, status_told, final=action != "delayed")))
    return found


def _recipient(value: str) -> str:
    _, semicolon, address = value.partition(";")
    match = _ADDRESS.search(address if semicolon else value)
    return match.group().strip(".").lower() if match else ""


def _in_prose(message: Message) -> Bounce | None:
    """What servers write without the standard's form, as known by a collection of them."""
    try:
        temporary, permanent = (set(found) for found in all_failures(message))
    except Exception:  # detectors for dozens of servers, on a stranger's bytes
        temporary, permanent = set(), set()
    found = sorted(_text(address) for address in permanent) or sorted(_text(address) for address in temporary)
    if not found:
        headers = [_recipient(value) for value in header_values(message, "x-failed-recipients")]
        found, permanent = [address for address in headers if address], {b"x"}
    if not found:
        return None
    told = [status.group() for status in _STATUS.finditer(_prose(message))]
    wanted = "5" if permanent else "4"
    status = next((status for status in told if status.startswith(wanted)), f"{wanted}.0.0")
    return Bounce(found[0], status, final=bool(permanent))


def _text(address: bytes | str) -> str:
    text = address.decode("utf-8", "replace") if isinstance(address, bytes) else address
    return text.strip("<>").lower()


def _prose(message: Message) -> str:
    """The first text of the mail, as far as it is searched."""
    part: Message | None = message
    for _ in range(10):
        payload = _children(part) if part is not None else None
        if not isinstance(payload, list):
            break
        part = next((child for child in payload if isinstance(child, Message)), None)
    if part is None:
        return ""
    return _content(part)[:MAX_PROSE].decode("latin-1")


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""
    return content if isinstance(content, bytes) else b""
