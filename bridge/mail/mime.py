"""Takes a raw mail apart, safely: compat32 only, own charset chain, bounded in every direction.

``email.policy.default`` is a denial of service on hostile input; compat32 with these limits is not.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import (
    HeaderParseError,
    InvalidBase64CharactersDefect,
    InvalidBase64LengthDefect,
    InvalidBase64PaddingDefect,
)
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from typing import Any

from bridge.mail.flowed import how_flowed
from bridge.mail.winmail import is_winmail, unpack

MAX_PARTS = 200
MAX_DEPTH = 20
MAX_HEADER = 8_000
"""Characters of one header that are looked at."""

MAX_HEADERS = 256_000
"""Bytes of all headers that are looked at; the mail then comes along whole."""

MAX_BOUNDARY_LINES = 5_000
"""Lines that look like boundaries; a mail with more is not taken apart at all."""

SEALED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
"""What only its receiver's key opens (RFC 3156, 8551); we have none, and whoever reads has to know."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One part without parts of its own. ``charset`` is as declared; ``content`` is decoded bytes.

    ``flowed``: see :func:`bridge.mail.flowed.how_flowed`.
    """

    mimetype: str
    charset: str
    name: str
    content: bytes
    attached: bool
    alternative: int
    flowed: tuple[bool, bool] = (False, False)


class _Part(Message):
    """A part of whose headers the library looks at the beginning only: it takes their square in time."""

    def get(self, name: str, failobj: Any = None) -> Any:
        value = super().get(name, failobj)
        return value if value is failobj else str(value)[:MAX_HEADER]


def message_of(raw: bytes) -> Message:
    """These bytes as a message; raises anything for a hostile one."""
    return message_from_bytes(raw, _class=_Part, policy=compat32)


@dataclass(slots=True)
class Taken:
    """A mail taken apart: its leaves in order, and the codes of what went wrong."""

    message: Message
    leaves: list[Leaf] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    incomplete: bool = False
    """Whether some of the mail is in no leaf, so that the whole mail has to come along."""


def take_apart(raw: bytes) -> Taken:
    """All leaves of a mail. Never raises; what can't be read as MIME becomes one leaf of raw bytes."""
    if raw.count(b"\n--") > MAX_BOUNDARY_LINES:
        return _whole(raw, "too_many_parts")
    readable = _bounded(raw)
    try:
        message = message_of(readable)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError):
        return _whole(raw, "broken_mime")
    taken = Taken(message)
    if readable is not raw:
        _note(taken, "headers_too_large")
        taken.incomplete = True
    _walk(message, taken, 0, 0)
    unread = "broken_mime" in taken.problems and not any(leaf.content for leaf in taken.leaves)
    if taken.incomplete or unread:
        taken.leaves.append(Leaf("message/rfc822", "", "message.eml", raw, True, 0))
    return taken


def _bounded(raw: bytes) -> bytes:
    """The mail with as many of its headers as are looked at."""
    ends = [end for end in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if end >= 0]
    end = min(ends, default=len(raw))
    if end <= MAX_HEADERS:
        return raw
    cut = raw.rfind(b"\n", 0, MAX_HEADERS) + 1
    while cut and raw[cut : cut + 1] in (b" ", b"\t"):  # a header goes whole or not at all
        cut = raw.rfind(b"\n", 0, cut - 1) + 1
    return raw[:cut] + b"\n" + raw[end:].lstrip(b"\r\n")


def _whole(raw: bytes, problem: str) -> Taken:
    head, _, _ = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head[: 64 * 1024]
    taken = Taken(message_of(lines + b"\n\n"), problems=[problem])
    taken.leaves.append(Leaf("message/rfc822", "", "message.eml", raw, True, 0))
    return taken


_STOCK = re.compile(r"multi-?part|\bMIME\b", re.IGNORECASE)
"""What programs write above the first part, for those that can't read parts."""


def _walk(part: Message, taken: Taken, depth: int, alternative: int) -> None:
    if len(taken.leaves) >= MAX_PARTS:
        _note(taken, "too_many_parts")
        taken.incomplete = True
        return
    if depth > MAX_DEPTH:
        _note(taken, "too_deep")
        taken.incomplete = True
        return
    if part.defects:
        _note(taken, "broken_mime")
    mimetype = part.get_content_type()
    if mimetype in SEALED:
        _note(taken, "encrypted_mail")
    if mimetype.startswith("message/") and part.is_multipart():
        children = part.get_payload()
        inner = b"\n".join(_flattened(child, taken) for child in children if isinstance(child, Message))
        taken.leaves.append(Leaf(mimetype, "", _name(part) or "message.eml", inner, True, 0))
        return
    if part.is_multipart():
        inside = id(part) if mimetype == "multipart/alternative" else alternative
        for child in part.get_payload():
            if isinstance(child, Message):
                _walk(child, taken, depth + 1, inside)
        if part.preamble and part.preamble.strip() and not _STOCK.search(part.preamble[:1_000]):
            _note(taken, "broken_mime")  # what a program says there is nothing; a broken boundary hides words
            taken.incomplete = True
        if part.epilogue and part.epilogue.strip():  # words behind the last boundary are words too
            content = part.epilogue.encode("utf-8", "surrogateescape")
            taken.leaves.append(Leaf("text/plain", "", "", content, False, 0))
        return
    leaf = _leaf(part, mimetype, alternative, taken)
    taken.leaves += _unpacked(leaf) or [leaf]


def _unpacked(leaf: Leaf) -> list[Leaf]:
    """The leaves of a winmail.dat, or none when it is something else."""
    packed = unpack(leaf.content) if is_winmail(leaf.mimetype, leaf.content) else None
    if packed is None:
        return []
    same = id(packed)
    leaves = [Leaf("application/octet-stream", "", name, content, True, 0) for name, content in packed.files]
    if packed.html:
        leaves.insert(0, Leaf("text/html", "", "", packed.html, False, same))
    if packed.text:
        leaves.insert(0, Leaf("text/plain", "utf-8", "", packed.text.encode("utf-8", "replace"), False, same))
    return leaves


def _note(taken: Taken, problem: str) -> None:
    if problem not in taken.problems:
        taken.problems.append(problem)


def _flattened(part: Message, taken: Taken) -> bytes:
    try:
        return part.as_bytes()
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        taken.incomplete = True
        return b""


def _leaf(part: Message, mimetype: str, alternative: int, taken: Taken) -> Leaf:
    disposition = header_text(part, "content-disposition").lower()
    name = _name(part)
    if mimetype.startswith("multipart/"):  # without a single boundary: whatever it is can be read
        mimetype = "text/plain"
    textual = mimetype in ("text/plain", "text/html")
    attached = disposition.startswith("attachment") or not textual or bool(name and disposition)
    content, flowed = _content(part, taken), how_flowed(part)
    return Leaf(mimetype, _charset(part), name, content, attached, alternative, flowed)


def _content(part: Message, taken: Taken) -> bytes:
    known = len(part.defects)
    try:
        decoded = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        decoded = None
    if len(part.defects) > known or decoded is None:
        _note(taken, "broken_mime")
    content = decoded if isinstance(decoded, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    dropping = (InvalidBase64CharactersDefect, InvalidBase64PaddingDefect)
    if any(isinstance(defect, dropping) for defect in part.defects[known:]):
        taken.incomplete = True  # the decoder drops what isn't base64; it may be words
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects[known:]):
        # A cut-off photo is one; a cut-off text may as well be words that never were base64.
        taken.incomplete = taken.incomplete or part.get_content_maintype() == "text"
        return _unbase64(content)
    return content


def _unbase64(raw: bytes) -> bytes:
    """What is whole of a cut-off base64 text."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def header_text(part: Message, name: str) -> str:
    """A header as text on one line, with encoded words decoded (RFC 2047); empty when there is none."""
    values = header_values(part, name)
    return clean_line(decode_words(values[0])) if values else ""


def header_values(part: Message, name: str) -> list[str]:
    """Every header of this name, clipped, encoded words left as they are, eight-bit text decoded.

    Headers are read raw: the library would replace each eight-bit character (RFC 6532) by a question mark.
    """
    wanted = name.lower()
    return [_eight_bit(str(value)[:MAX_HEADER]) for key, value in part.raw_items() if key.lower() == wanted]


def _eight_bit(value: str) -> str:
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047), each by its charset or the nearest that fits."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError, LookupError, binascii.Error, TypeError):
        return value
    return "".join(_word(part, charset) for part, charset in parts)


def _word(part: str | bytes, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    if charset is None:  # how the library hands over what stands between encoded words
        charset = "raw-unicode-escape"
    return decode_text(part, charset)[0]


def decode_text(content: bytes, charset: str) -> tuple[str, bool]:
    """Text by the declared charset, else UTF-8, else what Windows used; and whether that was a guess."""
    for candidate, guessed in ((charset, False), ("utf-8", bool(charset)), ("cp1252", True)):
        if not candidate:
            continue
        try:
            return content.decode(candidate), guessed and not content.isascii()
        except (LookupError, ValueError, UnicodeError, TypeError):
            continue
    return content.decode("latin-1"), True


def clean_line(text: str) -> str:
    """One line without control and direction characters."""
    return " ".join(CONTROL.sub(" ", text).split())


def _charset(part: Message) -> str:
    try:
        value = part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return value if isinstance(value, str) else ""


def _name(part: Message) -> str:
    """The file name someone gave, as one clean line; what it is worth is decided elsewhere."""
    readable = Message()
    for header in ("content-disposition", "content-type"):
        for value in header_values(part, header)[:1]:
            readable[header] = value
    try:
        name = readable.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
    return clean_line(decode_words(name[:MAX_HEADER])) if isinstance(name, str) else ""
