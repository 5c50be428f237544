"""The patients' mail server of the demonstration: receives, keeps, waits for and writes real mails.

It listens with SMTP on the loopback interface for any address, keeps every message as the exact bytes
that came (in memory and as ``.eml`` files), and submits the patients' own mails to the bridge over SMTP.
"""

from __future__ import annotations

import asyncio
import email
import html as html_words
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from typing import NamedTuple

import aiosmtplib
from aiosmtpd.smtp import SMTP, Envelope, Session

from bridge.demo.writing import fill, headed
from bridge.ports import Permanent, Temporary

_SIZE_LIMIT = 50 * 1024 * 1024
_TRY_AGAIN_S = 0.5
_MARK = "X-Local-Mailbox: "


class Attached(NamedTuple):
    """A file of a mail: its name as the sender gave it, its declared type and its decoded bytes."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One message of the mailbox, parsed for reading. ``raw`` holds the exact bytes.

    ``number`` counts from 1 over received and sent mails; ``at`` is when it was sent or came in (UTC).
    ``sender`` and ``recipients`` are the envelope's, ``""`` being the null sender (RFC 5321, 4.5.5).
    ``inline`` maps a Content-ID (RFC 2392) to the file it names, which is in ``attachments`` too;
    ``headers`` are as they came, not decoded. ``text`` is the plain part,
    or the words of the HTML part in a mail that has no other.
    """

    number: int
    sent: bool
    at: datetime
    raw: bytes
    sender: str
    recipients: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Attached, ...]
    inline: dict[str, Attached]

    def header(self, name: str) -> str:
        """The first header of this name, decoded (RFC 2047), or ``""``."""
        return _decoded(self._undecoded(name))

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return self.header("Subject")

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets."""
        return self.header("Message-ID").strip()

    @property
    def from_name(self) -> str:
        """The display name of the author."""
        return self._first_mailbox("From")[0]

    @property
    def from_address(self) -> str:
        """The address of the author, as a mail client shows it."""
        return self._first_mailbox("From")[1]

    @property
    def answer_address(self) -> str:
        """Where an answer goes: Reply-To when there is one, else From."""
        return self._first_mailbox("Reply-To")[1] or self.from_address

    @property
    def references(self) -> tuple[str, ...]:
        """The Message-IDs this mail follows, oldest first, without repetition."""
        named = re.findall(r"<[^<>\s]+>", f"{self.header('References')} {self.header('In-Reply-To')}")
        return tuple(dict.fromkeys(named))

    def _first_mailbox(self, header: str) -> tuple[str, str]:
        # Split before decoding: a decoded name may hold the comma or bracket that its encoding hid.
        name, address = (getaddresses([self._undecoded(header)]) or [("", "")])[0]
        return _decoded(name), address

    def _undecoded(self, name: str) -> str:
        return next((value for key, value in self.headers if _same(key, name)), "")


class LocalMailbox:
    """A mail server for patients, on the running event loop.

    ``submit_to`` is the host and port of the bridge's own listener; it may be set after the start.
    Messages already in ``directory`` are shown again.
    """

    host = "127.0.0.1"

    def __init__(self, directory: Path, *, port: int = 0, submit_to: tuple[str, int] | None = None) -> None:
        self.port = port
        self.submit_to = submit_to
        self._directory = directory
        self._mails: list[Mail] = []
        self._arrival = asyncio.Condition()
        self._refused: set[str] = set()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self) -> None:
        """Read what the directory holds, then listen; ``port`` is the real one afterwards."""
        # The library tells envelope addresses at the info level.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self._mails = [_read_file(file) for file in sorted(self._directory.glob("*.eml"))]
        connect = partial(_Connection, self, self._connections)
        self._server = await asyncio.get_running_loop().create_server(connect, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end open connections; what was accepted stays on disk."""
        if self._server is None:
            return
        self._server.close()
        open_now = tuple(self._connections)
        for connection in open_now:
            if connection.transport is not None:
                connection.transport.close()
        await asyncio.gather(*(connection.lost.wait() for connection in open_now))
        await self._server.wait_closed()
        self._server = None

    def refuse_next(self, address: str) -> None:
        """Refuse the next mail to this address for good, as a full or closed mailbox does."""
        self._refused.add(address.casefold())

    @property
    def mails(self) -> tuple[Mail, ...]:
        """Every mail, received and sent, in the order they were kept."""
        return tuple(self._mails)

    def mails_to(self, address: str) -> tuple[Mail, ...]:
        """The mails received for this envelope recipient (case-insensitive), oldest first."""
        return tuple(m for m in self._mails if not m.sent and _is_for(m, address))

    def mails_of(self, address: str) -> tuple[Mail, ...]:
        """The mails received for, or sent by, this address, in order of time."""
        own = (m for m in self._mails if (_same(m.sender, address) if m.sent else _is_for(m, address)))
        return tuple(sorted(own, key=lambda m: m.at))

    async def wait_for(
        self,
        address: str,
        *,
        count: int = 1,
        deadline_s: float = 60,
        matching: Callable[[Mail], bool] | None = None,
    ) -> Mail:
        """The ``count``-th mail received for this address among those ``matching`` (all when ``None``).

        Raises :class:`TimeoutError` when it isn't there within ``deadline_s`` seconds.
        """
        found: list[Mail] = []

        def enough() -> bool:
            found[:] = [m for m in self.mails_to(address) if matching is None or matching(m)]
            return len(found) >= count

        try:
            async with asyncio.timeout(deadline_s), self._arrival:
                await self._arrival.wait_for(enough)
        except TimeoutError:
            raise TimeoutError(f"{len(found)} of {count} mails came within {deadline_s} s") from None
        return found[count - 1]

    async def write(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        from_address: str,
        from_name: str,
        photos: Sequence[Attached] = (),
        in_reply_to: Mail | None = None,
        quote: bool = True,
        deadline_s: float = 60,
    ) -> str:
        """Write a mail as a patient's client would, submit it and return its Message-ID.

        An answer keeps the thread and, with ``quote``, holds the original below an attribution line.
        A 4yz reply or a dead connection is tried again with the same bytes for ``deadline_s`` seconds.
        Raises :class:`Permanent` (``code``: the SMTP reply) on 5yz, :class:`Temporary` when time is up.
        """
        written_at = datetime.now(UTC)
        message = headed(to, subject, from_address, from_name, in_reply_to)
        fill(message, text, in_reply_to if quote else None)
        for photo in photos:
            maintype, _, subtype = photo.mimetype.partition("/")
            message.add_attachment(photo.content, maintype=maintype, subtype=subtype, filename=photo.name)
        raw = message.as_bytes()
        await self._submit(from_address, to, raw, deadline_s)
        await self._keep(True, written_at, raw, from_address, (to,))
        return str(message["Message-ID"])

    async def _submit(self, sender: str, to: str, raw: bytes, deadline_s: float) -> None:
        if self.submit_to is None:
            raise Temporary("no mail server to submit to yet")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while True:
            try:
                return await _deliver(*self.submit_to, sender, to, raw)
            except Temporary:
                if loop.time() + _TRY_AGAIN_S > deadline:
                    raise
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _keep(self, sent: bool, at: datetime, raw: bytes, sender: str, to: tuple[str, ...]) -> None:
        async with self._arrival:
            mail = _read(self._mails[-1].number + 1 if self._mails else 1, sent, at, raw, sender, to)
            await asyncio.to_thread(_write_file, self._directory, mail)
            self._mails.append(mail)
            self._arrival.notify_all()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message, then acknowledge it, unless it is to be refused (aiosmtpd hook)."""
        raw = envelope.original_content or b""
        sender = (envelope.mail_from or "").removeprefix("<").removesuffix(">")
        recipients = tuple(str(recipient) for recipient in envelope.rcpt_tos)
        if refused := self._refused & {recipient.casefold() for recipient in recipients}:
            self._refused -= refused
            return "554 5.2.2 Mailbox full"
        await self._keep(False, datetime.now(UTC), raw, sender, recipients)
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Ask the peer to try again; the library's own reply would be a refusal for good (aiosmtpd hook)."""
        return "451 4.3.0 Try again later"


class _Connection(SMTP):
    """One SMTP session that the mailbox can end when it closes."""

    def __init__(self, mailbox: LocalMailbox, connections: set[_Connection]) -> None:
        super().__init__(mailbox, data_size_limit=_SIZE_LIMIT, enable_SMTPUTF8=True, hostname="localhost")
        self._connections = connections
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._connections.discard(self)
        self.lost.set()


def _is_for(mail: Mail, address: str) -> bool:
    return any(_same(recipient, address) for recipient in mail.recipients)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


async def _deliver(host: str, port: int, sender: str, to: str, raw: bytes) -> None:
    try:
        await aiosmtplib.send(
            raw, sender=sender, recipients=[to], hostname=host, port=port, use_tls=False, start_tls=False
        )
    except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
        refused = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
        if 500 <= refused.code <= 599:
            raise Permanent("the mail server refused the mail", code=str(refused.code)) from None
        raise Temporary("the mail server asks to try again later") from None
    except (aiosmtplib.SMTPException, OSError):
        raise Temporary("the mail server could not be reached") from None


def _read(number: int, sent: bool, at: datetime, raw: bytes, sender: str, to: tuple[str, ...]) -> Mail:
    message = email.message_from_bytes(raw)
    headers = tuple((name, str(value)) for name, value in message.items())
    words: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attachments: list[Attached] = []
    inline: dict[str, Attached] = {}
    for part in message.walk():
        if part.is_multipart():
            continue
        mimetype = part.get_content_type()
        if mimetype in words and part.get_content_disposition() != "attachment" and not part.get_filename():
            words[mimetype].append(_decoded_text(part))
            continue
        attached = Attached(_decoded(part.get_filename() or "fichier"), mimetype, _bytes_of(part))
        attachments.append(attached)
        if content_id := str(part.get("Content-ID", "")).strip().strip("<>"):
            inline[content_id] = attached
    page = "\n".join(words["text/html"])
    text = "\n".join(words["text/plain"]) or html_words.unescape(re.sub(r"<[^>]*>", "", page))
    return Mail(number, sent, at, raw, sender, to, headers, text, page, tuple(attachments), inline)


def _decoded(header: str) -> str:
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", header)
    try:
        return str(make_header(decode_header(unfolded)))
    except (LookupError, UnicodeError, ValueError):
        return unfolded


def _bytes_of(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded_text(part: Message) -> str:
    content = _bytes_of(part)
    try:
        text = content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        text = content.decode("utf-8", errors="replace")
    return text.replace("\r\n", "\n")


def _write_file(directory: Path, mail: Mail) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    kind = "sent" if mail.sent else "received"
    envelope = [f"Return-Path: <{mail.sender}>", *(f"Delivered-To: {to}" for to in mail.recipients)]
    trace = "".join(f"{line}\r\n" for line in (*envelope, f"{_MARK}{kind} {mail.at.isoformat()}"))
    (directory / f"{mail.number:06d}-{kind}.eml").write_bytes(trace.encode() + mail.raw)


def _read_file(file: Path) -> Mail:
    trace, _, rest = file.read_bytes().partition(_MARK.encode())
    mark, _, raw = rest.partition(b"\r\n")
    kind, _, at = mark.decode().partition(" ")
    sender, *recipients = (line.partition(": ")[2] for line in trace.decode().splitlines())
    number, written_at = int(file.name.partition("-")[0]), datetime.fromisoformat(at)
    return _read(number, kind == "sent", written_at, raw, sender.strip("<>"), tuple(recipients))
