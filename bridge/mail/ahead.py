"""Reads a mail while it is still being committed: whoever decides on it a moment later finds it read.

Nothing follows from a mail that is read so until it comes out of the inbox, with these very bytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bridge.mail.addresses import Purpose, read_address
from bridge.mail.parsed import ParsedMail
from bridge.mail.sandbox import Sandbox

AT_ONCE = 2
"""Mails read ahead at a time; in a flood the inbox's worker reads them as it comes to them."""
LARGEST = 256 * 1024
"""Bytes of a mail that is read ahead: what was read is kept in memory until it is asked for."""
KEPT_S = 20.0
"""Seconds until what nobody asked for is forgotten: a mail that was known already, say."""


@dataclass(slots=True)
class Ahead:
    """A :class:`bridge.mail.read.Parse` of mails to ``domain``, which may have begun before it is asked."""

    sandbox: Sandbox
    domain: str
    _begun: dict[tuple[bytes, bool], asyncio.Task[ParsedMail]] = field(default_factory=dict)

    def begin(self, raw: bytes, recipient: str) -> None:
        """A mail for this recipient is coming in."""
        address = read_address(recipient, self.domain)
        key = (raw, address is not None and address.purpose is Purpose.BOUNCE)
        if len(raw) > LARGEST or len(self._begun) >= AT_ONCE or key in self._begun:
            return
        reading = asyncio.create_task(self._parse(*key), name="mail ahead")
        reading.add_done_callback(_heard)
        self._begun[key] = reading
        asyncio.get_running_loop().call_later(KEPT_S, self._begun.pop, key, None)

    async def __call__(self, raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
        """Read a mail. Raises :class:`bridge.mail.sandbox.ParserDied`."""
        key = (raw, report_expected)
        begun = self._begun.pop(key, None) if domain == self.domain else None
        return await (begun or self.sandbox.parse(raw, domain, report_expected=report_expected))

    async def _parse(self, raw: bytes, report_expected: bool) -> ParsedMail:
        await asyncio.sleep(0)  # the mail's commit is under way first
        return await self.sandbox.parse(raw, self.domain, report_expected=report_expected)


def _heard(reading: asyncio.Task[ParsedMail]) -> None:
    """Whatever went wrong is told to whoever asks; nobody may."""
    if not reading.cancelled():
        reading.exception()
