"""What a raw mail says: sender, text, files, and everything about it that is worth knowing. Pure."""

from __future__ import annotations

import re
from email.message import Message

from email_validator import EmailNotValidError, validate_email

from bridge.domain.content import Kind
from bridge.mail.automatic import automatic_reason
from bridge.mail.bounce import read_bounce
from bridge.mail.flowed import unflowed
from bridge.mail.html import MAX_HTML, html_text, visible
from bridge.mail.mime import (
    Leaf,
    Taken,
    clean_line,
    decode_text,
    header_text,
    header_values,
    take_apart,
)
from bridge.mail.parsed import Mailbox, ParsedFile, ParsedMail, Problem
from bridge.mail.photos import clean_photo
from bridge.mail.reply import read_reply

MAX_SUBJECT = 200
MAX_TEXT = 200_000
"""Characters of text that go on; a longer text also goes on whole, as a file."""

MAX_REPORT = 256_000
"""Bytes of a delivery report that are read: what it says comes first, the mail it is about last."""

MAX_NAME = 100
_FORWARDED = re.compile(r"(?:tr|fwd?|wg|rv|doorst|vb|i)\s?:", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")


def parse_mail(raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
    """Read a mail. Never raises: what can't be read is a problem, and its bytes stay as a file.

    ``domain`` is that of our own addresses; ``report_expected`` says that the mail came to one of those
    that only delivery reports come to.
    """
    taken = take_apart(raw)
    problems = list(taken.problems)
    text, files = _body(taken, problems)
    senders, single = _senders(taken.message, problems)
    if not text and not files:
        problems.append("empty_body")
    identifiers = _MESSAGE_ID.findall(_raw_header(taken.message, "references"))
    subject = header_text(taken.message, "subject")
    reply = read_reply(text, forwarded=bool(_FORWARDED.match(subject)), ours=domain)
    whole = taken.message if len(raw) <= MAX_REPORT else take_apart(raw[:MAX_REPORT]).message
    bounce = read_bounce(whole, expected=report_expected)
    addresses = tuple(sender.address for sender in senders)
    automatic = automatic_reason(taken.message, addresses, domain)
    return ParsedMail(
        senders=senders,
        sender=senders[0] if single else None,
        subject=subject[:MAX_SUBJECT],
        text=text,
        reply=reply.text,
        files=tuple(files),
        message_id=_first_id(taken.message, "message-id"),
        in_reply_to=_first_id(taken.message, "in-reply-to"),
        references=tuple(identifiers[-50:]),
        automatic=automatic or ("report" if bounce else ""),
        problems=tuple(Problem(code) for code in dict.fromkeys(problems)),
        elided=reply.elided,
        bounce=bounce,
        recipients=_recipients(taken.message),
        results=tuple(header_values(taken.message, "authentication-results")[:20]),
        signed=tuple(header_values(taken.message, "dkim-signature")[:20]),
    )


# --- who ---


def _raw_header(message: Message, name: str) -> str:
    return "".join(header_values(message, name)[:1])


def _first_id(message: Message, name: str) -> str:
    found = _MESSAGE_ID.search(_raw_header(message, name))
    return found.group() if found else ""


def _recipients(message: Message) -> tuple[str, ...]:
    """Whom the mail was for: as the servers on its way noted, then as its writer did."""
    names = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "to", "cc")
    headers = [value for name in names for value in header_values(message, name)[:20]]
    parts = [part for header in headers for part in split_addresses(header)[:200]]
    found = (read_mailbox(part) for part in parts[:400])
    return tuple(dict.fromkeys(mailbox.address.lower() for mailbox in found if mailbox))


def _senders(message: Message, problems: list[str]) -> tuple[tuple[Mailbox, ...], bool]:
    """Every mailbox in every From, and whether it is exactly one (RFC 5322, 3.6.2)."""
    headers = header_values(message, "from")
    parts = [part for header in headers for part in split_addresses(header)]
    mailboxes = tuple(found for part in parts if (found := read_mailbox(part)))
    if len(parts) > 1 or len(headers) > 1:
        problems.append("several_senders")
    elif not mailboxes:
        problems.append("invalid_sender" if parts else "no_sender")
    return mailboxes, len(headers) == 1 and len(parts) == 1 and len(mailboxes) == 1


def split_addresses(header: str) -> list[str]:
    """Split an address list at its commas, but not at those in quotes or comments; in linear time."""
    parts: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    depth = 0
    for letter in header:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and not quoted and depth:
            depth -= 1
        elif letter in ",;" and not quoted and not depth:
            parts.append("".join(current))
            current = []
            continue
        current.append(letter)
    parts.append("".join(current))
    return [part.strip() for part in parts if part.strip()]


def read_mailbox(part: str) -> Mailbox | None:
    """``Name <address>`` or a bare address; anything doubtful (two addresses, say) is refused."""
    opened = part.count("<")
    if opened > 1 or part.count(">") != opened:
        return None
    if opened:
        name, _, rest = part.partition("<")
        address, _, behind = rest.partition(">")
        if behind.strip() and not behind.strip().startswith("("):
            return None
        unquoted = not name.lstrip().startswith('"')
        name = name.strip().strip('"').replace('\\"', '"').replace("\\\\", "\\")
    else:
        unquoted = False
        name, address = "", re.sub(r"\([^()]*\)", "", part)
    name = _decoded_name(name)
    found = _mailbox("" if "@" in name else name, address.strip())
    if found and unquoted and "@" in name and _plain(name) != found.address.lower():
        return None  # « a@b.c <d@e.f> » reads as one person and answers as another (CVE-2023-27043)
    return found


def _plain(name: str) -> str:
    return name.strip(" '\"").lower()


def _decoded_name(name: str) -> str:
    holder = Message()
    holder["from"] = name
    return header_text(holder, "from")[:MAX_NAME]


def _mailbox(name: str, address: str) -> Mailbox | None:
    if not address or len(address) > 320:
        return None
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return Mailbox(name, found.ascii_email or found.normalized)


# --- what ---


def _body(taken: Taken, problems: list[str]) -> tuple[str, list[ParsedFile]]:
    """The text of all text parts, one of each set of alternatives, and everything else as files."""
    readable = {n: _read(leaf, problems) for n, leaf in enumerate(taken.leaves) if _is_text(leaf)}
    unused = _unused(taken.leaves, readable)
    files: list[ParsedFile] = []
    for number, leaf in enumerate(taken.leaves):
        long_page = number not in unused and _is_long_page(leaf)
        if number in readable and long_page:
            problems.append("text_clipped")
            files.append(ParsedFile(Kind.FILE, "message.html", "text/html", leaf.content))
        elif number not in readable and leaf.content:
            files.append(_file(leaf, number + 1))
    text = "\n\n".join(words for number, words in readable.items() if words and number not in unused)
    if len(text) > MAX_TEXT:
        problems.append("text_clipped")
        files.append(ParsedFile(Kind.FILE, "message.txt", "text/plain", text.encode()))
        text = text[:MAX_TEXT]
    return text, files


def _is_long_page(leaf: Leaf) -> bool:
    """Whether not all of a page's words are read."""
    if leaf.mimetype != "text/html" or len(leaf.content) <= MAX_HTML:
        return False
    return len(visible(decode_text(leaf.content, leaf.charset)[0])) > MAX_HTML


def _is_text(leaf: Leaf) -> bool:
    return leaf.mimetype in ("text/plain", "text/html") and not leaf.attached


def _read(leaf: Leaf, problems: list[str]) -> str:
    text = _decoded(leaf, problems)
    flowed, delsp = leaf.flowed
    if flowed and leaf.mimetype == "text/plain":
        text = unflowed(text, delsp=delsp)
    return _tidy(html_text(text) if leaf.mimetype == "text/html" else text)


def _unused(leaves: list[Leaf], readable: dict[int, str]) -> set[int]:
    """Which of each set of alternatives not to show: the HTML ones, unless they say far more.

    Some programs send « your program can't show HTML » as the plain alternative: the words are in the other.
    """
    unused: set[int] = set()
    for alternative in {leaves[n].alternative for n in readable} - {0}:
        plain, rich = (
            [n for n in readable if (leaves[n].alternative, leaves[n].mimetype) == (alternative, kind)]
            for kind in ("text/plain", "text/html")
        )
        told, meant = (sum(len(readable[n].split()) for n in some) for some in (plain, rich))
        outdone = meant > 2 * told + 20 or (meant and not told)
        unused.update(plain if outdone else rich if told else ())
    return unused


def _decoded(leaf: Leaf, problems: list[str]) -> str:
    text, guessed = decode_text(leaf.content, leaf.charset)
    if guessed:
        problems.append("unknown_charset")
    return text


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def _file(leaf: Leaf, number: int) -> ParsedFile:
    photo = clean_photo(leaf.content)
    if photo is not None:
        name = f"{_stem(leaf.name) or f'photo-{number}'}.{photo.extension}"
        return ParsedFile(Kind.IMAGE, name, photo.mimetype, photo.content, photo.width, photo.height)
    mimetype = (
        leaf.mimetype if re.fullmatch(r"[\w.+-]+/[\w.+-]+", leaf.mimetype) else "application/octet-stream"
    )
    kind = {"audio": Kind.AUDIO, "video": Kind.VIDEO}.get(mimetype.partition("/")[0], Kind.FILE)
    return ParsedFile(kind, safe_name(leaf.name) or f"fichier-{number}", mimetype, leaf.content)


def safe_name(name: str) -> str:
    """A file name of our own making from a stranger's: no path, no control or direction characters."""
    last = re.split(r"[/\\]", clean_line(name))[-1]
    kept = re.sub(r'[<>:"|?*]', "_", last).strip(" .")
    stem, dot, extension = kept.rpartition(".")
    if dot and len(extension) <= 10:
        return f"{stem[: MAX_NAME - 11]}.{extension}" if stem else extension
    return kept[:MAX_NAME]


def _stem(name: str) -> str:
    safe = safe_name(name)
    return safe.rpartition(".")[0] or safe
