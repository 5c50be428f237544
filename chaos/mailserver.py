"""The mail server behind the bridge: keeps what it accepts, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import email
import email.policy
import random
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Fault(StrEnum):
    """What the server does with the mails of a while."""

    NONE = "none"
    BUSY = "451"
    REFUSES = "552"
    HANGS = "hangs after the body"
    DROPS = "takes the body and drops the connection"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that the server has, and whether it got to say so."""

    recipient: str
    message_id: str
    text: str
    subject: str
    answer_to: str


@dataclass(slots=True)
class MailServer:
    """Listens on loopback; ``taken`` is what patients find in their mailboxes."""

    chance: random.Random
    taken: list[Taken] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    fault: Fault = Fault.NONE
    port: int = 0
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the port of an earlier start if there was one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", enable_SMTPUTF8=True), "127.0.0.1", self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take, refuse, or leave the client in doubt."""
        # A while of faults has mails that go well, too.
        fault = self.fault if self.chance.random() < 0.7 else Fault.NONE
        raw = bytes(envelope.original_content or b"")
        if fault is Fault.BUSY:
            return "451 4.3.0 later"
        if fault is Fault.REFUSES:
            self.refused.append(_read(raw, envelope).text)
            return "552 5.2.2 mailbox full"
        if fault is Fault.SLOW:
            await asyncio.sleep(2)
        self.taken.append(_read(raw, envelope))
        if fault is Fault.HANGS:
            await asyncio.sleep(20)
        if fault in (Fault.HANGS, Fault.DROPS):
            transport: Any = server.transport
            if transport is not None:
                transport.abort()
        return "250 OK"


def _read(raw: bytes, envelope: Envelope) -> Taken:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    return Taken(
        str(envelope.rcpt_tos[0]),
        str(message["Message-ID"]),
        body.get_content() if body is not None else "",
        str(message["Subject"]),
        message["From"].addresses[0].addr_spec,
    )
