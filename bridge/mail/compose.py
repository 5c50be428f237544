"""Makes the bytes of a mail: the same input gives the same bytes, whenever and however often.

Text and HTML, photos shown in place, threaded for the mail client, with our marker line on top so that
the answer can be told from the quoted history, and with the headers that keep robots from answering.
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_qp
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from html import escape
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from bridge.locale import DEFAULT, LANGUAGES, text
from bridge.mail.lines import SHOWN_IN_PLACE, shown, unbroken
from bridge.mail.lines import OutgoingFile as OutgoingFile
from bridge.mail.lines import OutgoingLine as OutgoingLine
from bridge.ports import Permanent

MAX_SUBJECT = 200
"""Characters of a subject, its ``Re:`` included."""
MAX_REFERENCES = 20
"""Message-IDs kept beside the thread's first, from its end."""
NOT_AN_ADDRESS = "553"
"""Reply code of a mailbox name that isn't allowed (RFC 5321, 4.2.3)."""
LEFT_OUT_HEADER = "X-Colloque-Left-Out"
"""Numbers of the lines whose file is too large for this mail; whoever hands it over tells their author."""
POLICY = SMTP.clone(max_line_length=78, cte_type="7bit")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_WORDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
# Line ends of every kind, and the marks that make a name read backwards.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_REPLY_PREFIXES = re.compile(r"(?:(?:re|ré|tr|fwd?|aw)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.:\[\]-]{1,255}")
_PLAIN = re.compile(r"[ -~]{0,60}")
_MIMETYPE = re.compile(r"(?!multipart/|message/)[\w.+-]+/[\w.+-]+", re.ASCII | re.IGNORECASE)


class MailKind(StrEnum):
    """What a mail is."""

    ACKNOWLEDGEMENT = "acknowledgement"
    """Says once that a new question has arrived."""
    ANSWER = "answer"
    """A practitioner's words."""
    NOTICE = "notice"
    """Something neutral of the service's own."""


@dataclass(frozen=True, slots=True)
class OutgoingCalendar:
    """A calendar object (RFC 5545) and what a calendar shall do with it: ``REQUEST`` or ``CANCEL``."""

    method: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """Everything a mail is made of. ``practitioner`` is empty unless it is an answer.

    ``links`` are the footer's, label and URL. ``unsubscribe`` are the ways to get no more such mails
    (RFC 2369); the first may be used by a program with one POST (RFC 8058) when it is a page.
    ``left_out`` are the numbers of the owner's lines whose file doesn't fit.
    """

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
    calendar: OutgoingCalendar | None = None
    links: tuple[tuple[str, str], ...] = ()
    unsubscribe: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()

    @property
    def seed(self) -> str:
        """What stands for chance wherever a mail needs some, so that its bytes repeat."""
        return hashlib.sha256(self.message_id.encode()).hexdigest()[:32]


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)


def compose(mail: OutgoingMail) -> bytes:
    """The mail as ASCII bytes with CRLF line ends (RFC 5322, 2045-2047, 2387).

    Raises :class:`bridge.ports.Permanent` for an address that can't stand in a mail, and
    :class:`ValueError` without a Message-ID.
    """
    clean = _cleaned(mail)
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(clean))
    return head.encode("ascii") + _content(clean)


# --- what comes in ----------------------------------------------------------------------------------


def _cleaned(mail: OutgoingMail) -> OutgoingMail:
    """The mail without anything that could start a header of its own or that has no encoding."""
    return replace(
        mail,
        language=mail.language if mail.language in LANGUAGES else DEFAULT,
        organisation=_one_line(mail.organisation, 120),
        group=_one_line(mail.group, 120),
        practitioner=_one_line(mail.practitioner, 120),
        to_name=_one_line(mail.to_name, 120),
        subject=_one_line(mail.subject, 2000),
        reference=_one_line(mail.reference, 40),
        emergency=_words(mail.emergency),
        lines=tuple(_cleaned_line(line) for line in mail.lines),
        message_id=next(_ids([mail.message_id]), ""),
    )


def _cleaned_line(line: OutgoingLine) -> OutgoingLine:
    file = line.file and replace(line.file, name=_file_name(line.file.name))
    return OutgoingLine(_words(line.text), _words(line.html), file, _words(line.note), line.link)


def _file_name(name: str) -> str:
    """A name that no program decodes into another: parameters know no encoded words (RFC 2047, 5)."""
    return _one_line(name, 150).replace("=?", "_") or "file"


def _words(value: str) -> str:
    """Text as it can be encoded: half characters are marked, control characters go, lines stay."""
    even = value.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_WORDS.sub("", _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", even))


def _one_line(value: str, limit: int) -> str:
    """A header's value: no line break can enter, so no header can be smuggled in."""
    whole = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    return " ".join(_NOT_IN_A_LINE.sub(" ", whole).split())[:limit]


def _ids(values: Iterable[str]) -> Iterator[str]:
    """The Message-IDs in these values; patients' programs write all kinds of things beside them."""
    return (found for value in values for found in _MESSAGE_ID.findall(value))


# --- headers ----------------------------------------------------------------------------------------


def _headers(mail: OutgoingMail) -> Iterator[tuple[str, str]]:
    """Every header with its folded value; MIME's own come with the content.

    The standard library's folding isn't used: it encodes any Message-ID longer than a line (Exchange
    writes such), which breaks the thread, and decodes what merely looks encoded in a name.
    """
    if not mail.message_id:
        raise ValueError("a mail needs a Message-ID")
    who = [mail.practitioner or mail.organisation, mail.group]
    yield "From", _mailbox(" – ".join(filter(None, who)), mail.from_address)
    yield "To", _mailbox(mail.to_name, mail.to_address)
    yield "Subject", "Re: " + _encoded(thread_subject(mail), "Subject: Re")
    yield "Date", format_datetime(mail.date)
    yield "Message-ID", mail.message_id
    yield from _thread(mail)
    if mail.kind is not MailKind.ANSWER:
        yield "Auto-Submitted", "auto-replied"
    if mail.unsubscribe:
        yield "List-Unsubscribe", ",\r\n ".join(f"<{url}>" for url in mail.unsubscribe)
    if mail.unsubscribe and mail.unsubscribe[0].startswith("https:"):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "X-Auto-Response-Suppress", "All"
    yield "X-Colloque-Instance", "1"
    if mail.left_out:
        yield LEFT_OUT_HEADER, ",".join(str(number) for number in mail.left_out)
    yield "MIME-Version", "1.0"


def _thread(mail: OutgoingMail) -> Iterator[tuple[str, str]]:
    parent = list(_ids([mail.in_reply_to]))
    if parent:
        yield "In-Reply-To", parent[-1]
    known = list(_ids(mail.references))
    if len(known) > 1 + MAX_REFERENCES:
        known = [known[0], *known[-MAX_REFERENCES:]]
    if known:
        yield "References", "\r\n ".join(known)


def _mailbox(name: str, address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise Permanent("an address that can't stand in a mail", code=NOT_AN_ADDRESS)
    if not name:
        return address
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    phrase = quoted if _is_plain(name) else _encoded(name, "From")
    between = " " if len(phrase) + len(address) < 64 else "\r\n "
    return f"{phrase}{between}<{address}>"


def _encoded(value: str, header: str) -> str:
    """A header's words, as encoded words of RFC 2047 unless they are short and plain."""
    if _is_plain(value):
        return value
    return Header(value, "utf-8", maxlinelen=75, header_name=header).encode(linesep="\r\n")


def _is_plain(value: str) -> bool:
    return bool(_PLAIN.fullmatch(value)) and "=?" not in value


def thread_subject(mail: OutgoingMail) -> str:
    """The subject to put after one ``Re:``, clipped; without our token, should someone have pasted it."""
    token = mail.from_address.rpartition("@")[0].partition("+")[2]
    subject = re.sub(re.escape(token), "…", mail.subject, flags=re.IGNORECASE) if token else mail.subject
    start = _REPLY_PREFIXES.match(subject)
    topic = subject[start.end() if start else 0 :] or text(mail.language, "names.untitled")
    room = MAX_SUBJECT - len("Re: ")
    return topic if len(topic) <= room else topic[: room - 1] + "…"


# --- content ----------------------------------------------------------------------------------------


def _content(mail: OutgoingMail) -> bytes:
    """Text and HTML first, the photos that the HTML shows beside them, other files at the end.

    The photos are outside the alternative, so that someone who reads the text part gets them too.
    """
    numbered = [(number, line.file) for number, line in enumerate(mail.lines) if line.file]
    photos = [_attached(file, _cid(mail, n)) for n, file in numbered if file.mimetype in SHOWN_IN_PLACE]
    files = [_attached(file) for _, file in numbered if file.mimetype not in SHOWN_IN_PLACE]
    readings = [_reading("plain", _render("mail.txt", mail)), _reading("html", _render("mail.html", mail))]
    if mail.calendar is not None:
        readings.append(_reading("calendar", mail.calendar.content.decode(), mail.calendar.method))
        files.append(_attached(OutgoingFile("invitation.ics", "application/ics", mail.calendar.content)))
    body = _multipart("alternative", readings, mail.seed)
    return _multipart("mixed", [_multipart("related", [body, *photos], mail.seed), *files], mail.seed)


def _multipart(subtype: str, parts: Sequence[bytes], seed: str) -> bytes:
    """The parts in one (RFC 2046, 5.1.1), or the only one.

    ``=_`` occurs in no encoded part, hence the boundary neither.
    """
    if len(parts) == 1:
        return parts[0]
    root = ' type="multipart/alternative";' if subtype == "related" else ""
    boundary = f"=_{subtype}_{seed}"
    head = f'Content-Type: multipart/{subtype};{root}\r\n boundary="{boundary}"\r\n\r\n--{boundary}\r\n'
    between = f"\r\n--{boundary}\r\n".encode()
    return head.encode() + between.join(parts) + f"\r\n--{boundary}--\r\n".encode()


def _reading(subtype: str, words: str, method: str = "") -> bytes:
    """Words as text, quoted-printable (RFC 2045, 6.7).

    A calendar's ``method`` is what mail programs show « accept » and « decline » for (RFC 6047, 2.4).
    """
    more = f"; method={method}" if method else ""
    head = (
        f'Content-Type: text/{subtype}; charset="utf-8"{more}\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = b"\n".join(words.encode().splitlines()) + b"\n"
    return head.encode("ascii") + b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")


def _attached(file: OutgoingFile, cid: str | None = None) -> bytes:
    mimetype = file.mimetype if _MIMETYPE.fullmatch(file.mimetype) else "application/octet-stream"
    maintype, _, subtype = mimetype.partition("/")
    part = MIMEPart(policy=POLICY)
    part.set_content(file.content, maintype=maintype, subtype=subtype, cte="base64", filename=file.name)
    if cid:
        part["Content-ID"] = f"<{cid}>"
    return part.as_bytes(policy=POLICY)


def _cid(mail: OutgoingMail, number: int) -> str:
    return f"{number}.{mail.seed}@colloque.invalid"


def _render(template: str, mail: OutgoingMail) -> str:
    def say(key: str, **values: object) -> str:
        words = text(mail.language, f"mail.{key}", **values)
        return Markup(unbroken(escape(words))) if template.endswith(".html") else words

    lines = [shown(line, _cid(mail, number)) for number, line in enumerate(mail.lines)]
    return _TEMPLATES.get_template(template).render(mail=mail, lines=lines, say=say)
