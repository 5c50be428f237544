"""Finds out whether a mail's sender is who it says, in the order in which verdicts are to be trusted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.mail.parsed import ParsedMail
from bridge.mail.signed import (
    LookupFailed,
    Resolver,
    Signature,
    Verdict,
    by_results,
    keys,
    looked_up,
    published,
    signatures,
)

Verify = Callable[[bytes, Sequence[Signature], dict[str, str]], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class SenderCheck:
    """Our mail server's verdict, else one of our own by DKIM and DMARC. No ``resolver``: never our own."""

    authserv_id: str
    resolver: Resolver | None
    verify: Verify

    async def __call__(self, raw: bytes, mail: ParsedMail) -> Verdict:
        """What is known of the sender of this mail."""
        if mail.sender is None:
            return Verdict.NONE
        address = mail.sender.address
        told = by_results(mail.results, self.authserv_id, address)
        if told is not None:
            return told
        domain = address.rpartition("@")[2]
        if self.resolver is None or not looked_up(domain):
            return Verdict.NONE
        try:
            return await self._own(raw, mail, address, domain, self.resolver)
        except LookupFailed:
            return Verdict.UNKNOWN

    def vouched(self, mail: ParsedMail) -> bool:
        """Whether our mail server says that the sender is who they say; nothing is looked up for that."""
        if mail.sender is None:
            return False
        return by_results(mail.results, self.authserv_id, mail.sender.address) is Verdict.PASS

    async def _own(
        self, raw: bytes, mail: ParsedMail, address: str, domain: str, resolver: Resolver
    ) -> Verdict:
        wanted = signatures(mail.signed, address)
        records = await keys(wanted, resolver)
        if records and await self.verify(raw, wanted, records):
            return Verdict.PASS
        return Verdict.FAIL if await published(domain, resolver) else Verdict.NONE


def sender_check(authserv_id: str, by_name_servers: bool, verify: Verify) -> SenderCheck:
    """As an installation wants it: our mail server's word, and else what name servers tell."""
    if not by_name_servers:
        return SenderCheck(authserv_id, None, verify)
    from bridge.mail.dns import NameServers

    return SenderCheck(authserv_id, NameServers(), verify)
