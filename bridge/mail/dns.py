"""Asks the name servers of this machine."""

from __future__ import annotations

import dns.asyncresolver
import dns.exception
import dns.resolver

from bridge.mail.signed import LookupFailed

WITHIN_S = 3.0


class NameServers:
    """The :class:`bridge.mail.signed.Resolver` of this machine's configuration."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name, none if there is no such name. Raises :class:`LookupFailed`."""
        try:
            answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=WITHIN_S, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(type(error).__name__) from None
        return tuple(b"".join(record.strings).decode("utf-8", "replace") for record in answer)

    async def mx(self, name: str) -> tuple[str, ...]:
        """The hosts that take a domain's mail, the first choice first. Raises :class:`LookupFailed`."""
        try:
            answer = await dns.asyncresolver.resolve(name, "MX", lifetime=WITHIN_S, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return ()
        except (dns.exception.DNSException, OSError) as error:
            raise LookupFailed(type(error).__name__) from None
        ordered = sorted(answer, key=lambda record: int(record.preference))
        return tuple(str(record.exchange).rstrip(".") for record in ordered)
