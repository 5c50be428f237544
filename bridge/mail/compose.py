"""Makes the bytes of a mail: the same input gives the same bytes, whenever and however often.

Multipart text and HTML, threaded for the mail client, with our marker line on top so that the
answer can be told from the quoted history, and with the headers that keep robots from answering.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from enum import StrEnum
from html import escape
from pathlib import Path

import nh3
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from bridge.locale import text

MAX_SUBJECT = 200
MAX_REFERENCES = 20
POLICY = SMTP.clone(max_line_length=78, cte_type="7bit")
TAGS = frozenset(
    [
        "p",
        "br",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "del",
        "code",
        "pre",
        "blockquote",
        "ul",
        "ol",
        "li",
        "a",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ]
)
_LINK = {"a": {"href"}}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_REPLY_FALLBACK = re.compile(r"<mx-reply>.*?</mx-reply>", re.DOTALL | re.IGNORECASE)


class MailKind(StrEnum):
    """What a mail is."""

    ACKNOWLEDGEMENT = "acknowledgement"
    """Says once that a new question has arrived."""
    ANSWER = "answer"
    """A practitioner's words."""
    NOTICE = "notice"
    """Something neutral of the service's own."""


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A photo or file as attached."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingLine:
    """One message: text, its formatted form, a file; ``note`` says honestly what could not be attached."""

    text: str = ""
    html: str = ""
    file: OutgoingFile | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """Everything a mail is made of. ``practitioner`` is empty unless it is an answer."""

    kind: MailKind
    language: str
    organisation: str
    group: str
    practitioner: str
    to_address: str
    to_name: str
    from_address: str
    subject: str
    reference: str
    emergency: str
    lines: tuple[OutgoingLine, ...]
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    date: datetime
    reply_within_h: int = 0


def _environment() -> Environment:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(
        loader=loader, autoescape=select_autoescape(["html"]), trim_blocks=True, lstrip_blocks=True
    )


_TEMPLATES = _environment()


def compose(mail: OutgoingMail) -> bytes:
    """The mail as bytes with CRLF line ends, headers in ASCII (RFC 5322, RFC 2047)."""
    message = EmailMessage(policy=POLICY)
    _address(message, mail)
    _identify(message, mail)
    message.set_content(_render("mail.txt", mail), cte="quoted-printable")
    message.add_alternative(_render("mail.html", mail), subtype="html", cte="quoted-printable")
    for line in mail.lines:
        if line.file is not None:
            _attach(message, line.file)
    _fix_boundaries(message, mail.message_id)
    return message.as_bytes(policy=POLICY)


def _one_line(value: str, limit: int = 320) -> str:
    """A header's value: no line break can enter, so no header can be smuggled in."""
    return " ".join(_CONTROL.sub(" ", value).split())[:limit]


def _address(message: EmailMessage, mail: OutgoingMail) -> None:
    who = mail.practitioner or mail.organisation
    message["From"] = formataddr((_one_line(f"{who} – {mail.group}", 120), _one_line(mail.from_address)))
    message["To"] = formataddr((_one_line(mail.to_name, 120), _one_line(mail.to_address)))
    message["Subject"] = subject_of(mail.subject)
    message["Date"] = format_datetime(mail.date)


def subject_of(subject: str) -> str:
    """The thread's subject with one ``Re:`` before it."""
    clean = re.sub(
        r"^(?:(?:re|ré|tr|fwd?|aw)\s*:\s*)+", "", _one_line(subject, MAX_SUBJECT), flags=re.IGNORECASE
    )
    return f"Re: {clean}"


def _identify(message: EmailMessage, mail: OutgoingMail) -> None:
    message["Message-ID"] = _one_line(mail.message_id)
    if mail.in_reply_to:
        message["In-Reply-To"] = _one_line(mail.in_reply_to, 900)
    known = tuple(_one_line(reference, 500) for reference in mail.references if reference)
    if len(known) > MAX_REFERENCES:
        known = (known[0], *known[1 - MAX_REFERENCES :])
    if known:
        message["References"] = " ".join(known)
    if mail.kind is not MailKind.ANSWER:
        message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Colloque-Instance"] = "1"


def _render(template: str, mail: OutgoingMail) -> str:
    def say(key: str, **values: object) -> str:
        return text(mail.language, f"mail.{key}", **values)

    lines = [_shown(line) for line in mail.lines]
    return _TEMPLATES.get_template(template).render(mail=mail, lines=lines, say=say)


def _shown(line: OutgoingLine) -> Mapping[str, object]:
    html = Markup(clean_html(line.html)) if line.html else Markup(escape(line.text).replace("\n", "<br>"))
    name = line.file.name if line.file else ""
    return {"text": line.text, "html": html, "file": name, "note": line.note}


def clean_html(html: str) -> str:
    """A client's formatted body without anything that loads, hides, or styles."""
    return nh3.clean(
        _REPLY_FALLBACK.sub("", html),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in _LINK.items()},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


def _attach(message: EmailMessage, file: OutgoingFile) -> None:
    maintype, _, subtype = file.mimetype.partition("/")
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.mimetype) or maintype in ("multipart", "message"):
        maintype, subtype = "application", "octet-stream"
    name = _one_line(file.name, 150) or "file"
    message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=name, cte="base64")


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Boundaries come from the Message-ID rather than from chance, so that bytes repeat."""
    seed = hashlib.sha256(message_id.encode()).hexdigest()[:32]
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_colloque_{number}_{seed}")
