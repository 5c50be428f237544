"""Submits mails to the next mail server over one kept connection; never in clear text to another machine."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import aiosmtplib

from bridge.ports import Ambiguous, BeforeBody, Permanent, PortError, Temporary, TransportDown
from bridge.sections import is_loopback

SERVICE_NOT_AVAILABLE = 421
LOGIN_CODES = (530, 534, 535, 538)
"""The server wants another login, or any: our settings are wrong, not the mail (RFC 4954, 6)."""
NOT_AN_ADDRESS = 553
PATIENCE_AFTER_BODY = 10
"""How many times longer than for other replies we wait for the one that takes the mail.

A minute becomes ten (RFC 5321, 4.5.3.2.6): who gives up earlier sends again what has been accepted.
"""
SLOWEST_LINE = 16 * 1024
"""Bytes per second; a large body is given the time that it takes at this speed."""

_ENVELOPE = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.:\[\]-]+")


class SmtpMailer:
    """The :class:`bridge.ports.Mailer` of one mail server. Raises :class:`ValueError` for unsafe settings.

    ``timeout`` is in seconds, for connecting and for each reply; ``hostname`` is how we greet.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Literal["starttls", "tls", "none"],
        username: str = "",
        password: str = "",
        timeout: float = 60,
        hostname: str | None = None,
    ) -> None:
        if tls == "none" and not is_loopback(host):
            raise ValueError(f"mail to {host} must be encrypted: use starttls or tls")
        self._timeout = timeout
        self._new_client = partial(
            aiosmtplib.SMTP,
            hostname=host,
            port=port,
            # Left out, STARTTLS would be tried and silently done without.
            start_tls=tls == "starttls",
            use_tls=tls == "tls",
            username=username or None,
            password=password or None,
            timeout=timeout,
            local_hostname=hostname,
        )
        self._client: aiosmtplib.SMTP | None = None
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """End the session politely, if there is one."""
        async with self._one_at_a_time:
            client, self._client = self._client, None
            if client is None:
                return
            try:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                    await client.quit()
            finally:
                client.close()

    async def send(
        self, *, sender: str, recipients: Sequence[str], message: bytes, before_body: BeforeBody | None = None
    ) -> None:
        """Submit these exact bytes. Raises port errors; see :class:`bridge.ports.Mailer`.

        When only some recipients were refused the others have the mail; the worst code is raised, so
        that a mail is sent again to those who have it only if nobody was refused for good.
        """
        _check_envelope(sender, recipients)
        async with self._one_at_a_time:
            exchange = _Exchange(before_body or _nothing)
            try:
                await self._transaction(exchange, sender, recipients, message)
            except (aiosmtplib.SMTPException, OSError) as error:
                self._forget()
                raise _failure(error, exchange.offered) from None
            except BaseException:
                # Cancelled, say: a late reply to this mail must not be read as the next one's.
                self._forget()
                raise
            finally:
                if exchange.noting is not None:
                    await _ended(exchange.noting)

    async def _transaction(
        self, exchange: _Exchange, sender: str, recipients: Sequence[str], message: bytes
    ) -> None:
        client = await self._begun(sender)
        # While the server considers recipients; not before it is there: a mail that waits isn't in doubt.
        exchange.noting = asyncio.ensure_future(exchange.before_body())
        refused: list[int] = []
        for recipient in recipients:
            try:
                await client.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                refused.append(error.code)
        if len(refused) < len(recipients):
            patience = self._timeout * PATIENCE_AFTER_BODY + len(message) / SLOWEST_LINE
            await exchange.noting
            exchange.offered = True
            await client.data(message, timeout=patience)
        if refused:
            raise _by_code(max(refused))

    async def _begun(self, sender: str) -> aiosmtplib.SMTP:
        """A connection on which an envelope has begun: the kept one, unless its server has ended it."""
        if (kept := self._client) is not None:
            try:
                await kept.mail(sender)
            except aiosmtplib.SMTPResponseException as error:
                if error.code != SERVICE_NOT_AVAILABLE:
                    raise
            except (aiosmtplib.SMTPException, OSError):
                pass
            else:
                return kept
            self._forget()
        client = await self._connected()
        await client.mail(sender)
        return client

    async def _connected(self) -> aiosmtplib.SMTP:
        self._client = client = self._new_client()
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise TransportDown(f"mail server: {type(error).__name__}") from None
        return client

    def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


@dataclass(slots=True)
class _Exchange:
    """One mail's way through a session; ``offered`` once the server may have its body."""

    before_body: BeforeBody
    noting: asyncio.Future[None] | None = None
    offered: bool = False


async def _ended(noting: asyncio.Future[None]) -> None:
    """Wait until it is noted, or wasn't; where that mattered, its error has been raised."""
    await asyncio.wait({noting})
    if not noting.cancelled():
        noting.exception()


async def _nothing() -> None:
    """Nobody wants to know."""


def _check_envelope(sender: str, recipients: Sequence[str]) -> None:
    """Refuse whatever could be read as another address, or as more than one; the null sender is fine."""
    if not recipients:
        raise ValueError("a mail without recipient")
    for address in (*([sender] if sender else []), *recipients):
        if not _ENVELOPE.fullmatch(address):
            raise Permanent("not an address that mail can be sent to", code=str(NOT_AN_ADDRESS))


def _failure(error: Exception, offered: bool) -> PortError:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _by_code(error.code)
    if offered:  # perhaps the body was taken: the same bytes again later
        return Ambiguous(f"mail server: {type(error).__name__}")
    return Temporary(f"mail server: {type(error).__name__}")


def _by_code(code: int) -> PortError:
    """What a reply code means (RFC 5321, 4.2.1)."""
    if code == SERVICE_NOT_AVAILABLE or code in LOGIN_CODES:
        return TransportDown(f"mail server: {code}")
    if 500 <= code < 600:
        return Permanent(f"mail server: {code}", code=str(code))
    return Temporary(f"mail server: {code}")
