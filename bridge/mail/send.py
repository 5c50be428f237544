"""Submits mails to the next mail server over one kept connection; never in clear text to another machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

import aiosmtplib

from bridge.ports import Permanent, PortError, Temporary, TransportDown
from bridge.sections import is_loopback

SERVICE_NOT_AVAILABLE = 421


class SmtpMailer:
    """The :class:`bridge.ports.Mailer` of one mail server. Raises :class:`ValueError` for unsafe settings."""

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
        self._client = aiosmtplib.SMTP(
            hostname=host,
            port=port,
            # Not given, STARTTLS would be tried and silently done without.
            start_tls=tls == "starttls",
            use_tls=tls == "tls",
            username=username or None,
            password=password or None,
            timeout=timeout,
            local_hostname=hostname,
        )
        self._one_at_a_time = asyncio.Lock()

    async def close(self) -> None:
        """End the session politely, if there is one."""
        async with self._one_at_a_time:
            if self._client.is_connected:
                try:
                    await self._client.quit()
                except (aiosmtplib.SMTPException, OSError):
                    self._client.close()

    async def send(self, *, sender: str, recipients: Sequence[str], message: bytes) -> None:
        """Submit these exact bytes. Raises port errors; see :class:`bridge.ports.Mailer`."""
        async with self._one_at_a_time:
            await self._connected()
            try:
                refused, _ = await self._client.sendmail(sender, list(recipients), message)
            except aiosmtplib.SMTPException as error:
                raise _failure(error) from None
            except (OSError, TimeoutError) as error:
                self._client.close()
                raise Temporary(f"mail server: {type(error).__name__}") from None
        for response in refused.values():  # some were taken: the rest is judged by its own code
            raise _by_code(response.code)

    async def _connected(self) -> None:
        if self._client.is_connected:
            try:
                await self._client.noop()
            except (aiosmtplib.SMTPException, OSError):
                self._client.close()
            else:
                return
        try:
            await self._client.connect()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._client.close()
            raise TransportDown(f"mail server: {type(error).__name__}") from None


def _failure(error: aiosmtplib.SMTPException) -> PortError:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _by_code(max(refusal.code for refusal in error.recipients))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _by_code(error.code)
    # The connection broke or stalled, perhaps after the body was taken: the same bytes again later.
    return Temporary(f"mail server: {type(error).__name__}")


def _by_code(code: int) -> PortError:
    """What a reply code means (RFC 5321, 4.2.1)."""
    if code == SERVICE_NOT_AVAILABLE:
        return TransportDown(f"mail server: {code}")
    if 500 <= code < 600:
        return Permanent(f"mail server: {code}", code=str(code))
    return Temporary(f"mail server: {code}")
