"""Receives mail by SMTP or LMTP: says 250 only after the raw bytes are committed.

The guards here are against what such servers do by default: bouncing a mail because of an error of
ours, one LMTP status for all recipients, details of exceptions in replies.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum
from typing import Any, Protocol

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

log = structlog.get_logger()

TRY_LATER = "451 4.3.0 Not now, please try again later"
UNKNOWN = "550 5.1.1 No such address here"
KEPT = "250 2.0.0 Kept"
AT_ONCE = 8
"""Mails whose bytes are being taken in at the same time; more are asked to come again."""

MADE_AFTER_S = 0.1
"""After a connection came, the next one is made ready: the library looks up all its hooks each time."""

MAX_LINE = 4 * 1024 * 1024
"""Bytes of one line. Some programs send a whole HTML text as one; the RFC's 998 would bounce those."""


class Verdict(Enum):
    """What is known of a recipient."""

    ACCEPT = "accept"
    UNKNOWN = "unknown"
    TRY_LATER = "try_later"


class MailSink(Protocol):
    """Where mails go."""

    async def check(self, recipient: str) -> Verdict:
        """Whether this recipient is ours."""

    async def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        """Commit a mail for one recipient; ``sender`` is empty for the null sender.

        Storing the same mail again must change nothing. Whatever it raises becomes 451.
        """


class _Handler:
    def __init__(self, sink: MailSink, *, per_recipient: bool) -> None:
        self._sink = sink
        self.per_recipient = per_recipient
        self.busy = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Commands may come without waiting for replies (RFC 2920); LMTP must allow that (RFC 2033, 5)."""
        session.host_name = hostname
        return [responses[0], "250-PIPELINING", *responses[1:]]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        try:
            verdict = await self._sink.check(address)
        except Exception as error:
            log.error("listener.not_checked", error=type(error).__name__)
            return TRY_LATER
        if verdict is Verdict.UNKNOWN:
            return UNKNOWN
        if verdict is Verdict.TRY_LATER:
            return TRY_LATER
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Welcome"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self._statuses([await self._keep(envelope, rcpt) for rcpt in envelope.rcpt_tos])

    async def _keep(self, envelope: Envelope, recipient: str) -> str:
        # aiosmtpd gives the null sender as "<>" or "", by how it was written.
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        content = envelope.original_content
        raw = content if isinstance(content, bytes) else (content or "").encode("utf-8", "surrogateescape")
        try:
            await self._sink.keep(sender=sender, recipient=recipient, raw=raw)
        except Exception as error:
            log.error("listener.not_kept", error=type(error).__name__)
            return TRY_LATER
        return KEPT

    def _statuses(self, each: list[str]) -> str:
        """LMTP wants one reply per recipient (RFC 2033, 4.2); SMTP one for all, and the worst one."""
        if self.per_recipient:
            return "\r\n".join(each)
        return TRY_LATER if TRY_LATER in each else KEPT

    async def handle_exception(self, error: Exception) -> str:
        """An error of ours must not bounce the mail, nor be told to strangers."""
        log.error("listener.crashed", error=type(error).__name__)
        return TRY_LATER


class _Guards:
    """What both protocols need beyond the library; mixed in before its class."""

    line_length_limit = MAX_LINE
    handler: _Handler
    transports: set[asyncio.BaseTransport]
    _owed = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transports.add(transport)
        super().connection_made(transport)  # type: ignore[misc]

    def connection_lost(self, error: Exception | None) -> None:
        self.transports.discard(self.transport)  # type: ignore[attr-defined]
        super().connection_lost(error)  # type: ignore[misc]

    async def smtp_DATA(self, arg: str) -> None:
        """Refuse before the bytes come, since it is they that cost memory."""
        if self.handler.busy >= AT_ONCE:
            await self.push(TRY_LATER)
            return
        self.handler.busy += 1
        try:
            await super().smtp_DATA(arg)  # type: ignore[misc]
        finally:
            self.handler.busy -= 1

    async def push(self, status: str) -> None:
        """Answer; whatever the end of an LMTP mail is answered with, each recipient gets one."""
        if status.startswith("354") and self.handler.per_recipient:
            self._owed = len(self.envelope.rcpt_tos)  # type: ignore[attr-defined]
            await super().push(status)  # type: ignore[misc]
            return
        owed, self._owed = self._owed, 1
        single = "\r\n" not in status
        await super().push("\r\n".join([status] * owed) if single else status)  # type: ignore[misc]


class _Smtp(_Guards, SMTP):  # type: ignore[misc]
    pass


class _Lmtp(_Guards, LMTP):  # type: ignore[misc]
    pass


class MailListener:
    """One listening socket on the running event loop; ``max_size`` is in bytes."""

    def __init__(
        self,
        sink: MailSink,
        *,
        host: str,
        port: int,
        lmtp: bool = False,
        max_size: int = 35 * 1024 * 1024,
        hostname: str = "localhost",
    ) -> None:
        # The library tells envelope addresses at the info level.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self._handler = _Handler(sink, per_recipient=lmtp)
        self._protocol: type[_Smtp] | type[_Lmtp] = _Lmtp if lmtp else _Smtp
        self._host = host
        self._wanted_port = port
        self._options: dict[str, Any] = {
            "data_size_limit": max_size,
            "enable_SMTPUTF8": True,
            "hostname": hostname,
            "ident": "Colloque",
        }
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.BaseTransport] = set()
        self._next: _Smtp | _Lmtp | None = None
        self._making: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """The real port, also when 0 was asked for."""
        if self._server is None:
            return self._wanted_port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def listening(self) -> bool:
        """Whether mail can come in."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, self._host, self._wanted_port)
        self._make_next()

    def _connect(self) -> asyncio.BaseProtocol:
        connection, self._next = self._next or self._made(), None
        if self._making is None:
            self._making = asyncio.get_running_loop().call_later(MADE_AFTER_S, self._make_next)
        protocol: asyncio.BaseProtocol = connection
        return protocol

    def _make_next(self) -> None:
        self._making = None
        self._next = self._made()

    def _made(self) -> _Smtp | _Lmtp:
        connection = self._protocol(self._handler, **self._options)
        connection.handler = self._handler
        connection.transports = self._transports
        return connection

    async def stop(self) -> None:
        """Stop listening and end open connections; a mail without its 250 is sent again by its sender."""
        if self._server is None:
            return
        self._server.close()
        if self._making is not None:
            self._making.cancel()
        self._next = self._making = None
        for transport in tuple(self._transports):
            transport.close()
        await self._server.wait_closed()
        self._server = None
