"""Whether a mail really comes from where its From says: by our mail server's verdict, else by our own.

The verdict is DMARC's (RFC 7489): a DKIM signature or an SPF result must be of the sender's own domain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


MAX_SIGNATURES = 3
RESERVED = ("test", "example", "invalid", "localhost", "local", "internal", "onion")
"""Top-level names that no public name server knows (RFC 6761)."""

_TAG = re.compile(r"(?:^|;)\s*([a-z]{1,3})\s*=\s*([^;]*)", re.IGNORECASE)
_RESULT = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*([a-z]+)([^;]*)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?", re.IGNORECASE)


class Verdict(StrEnum):
    """What is known of a mail's sender."""

    PASS = "pass"  # noqa: S105
    """The domain of the From answers for this mail."""
    FAIL = "fail"
    """That domain says how its mail is to be known, and this mail isn't."""
    NONE = "none"
    """That domain says nothing."""
    UNKNOWN = "unknown"
    """It could not be looked up now."""


class Resolver(Protocol):
    """Looks up names of the Internet."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name, none if there is no such name. Raises :class:`LookupFailed`."""


class LookupFailed(Exception):
    """No name server gave an answer."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM signature that speaks for the sender's domain; ``index`` counts the mail's signatures."""

    index: int
    record: str
    """Name of the TXT record with its key."""


def by_results(results: Sequence[str], authserv_id: str, address: str) -> Verdict | None:
    """The verdict of our own mail server, or ``None`` when it gave none (RFC 8601).

    Whoever writes a mail can write such a header into it; only those in our server's name count, and of
    several the worst.
    """
    found = [_one_result(value, address) for value in results if _authserv_id(value) == authserv_id.lower()]
    if not authserv_id or not found:
        return None
    return next(verdict for verdict in (Verdict.FAIL, Verdict.PASS, Verdict.NONE) if verdict in found)


def _authserv_id(value: str) -> str:
    first = _COMMENT.sub(" ", value).partition(";")[0].split()
    return first[0].strip('"').lower() if first else ""


def _one_result(value: str, address: str) -> Verdict:
    _, _, rest = _COMMENT.sub(" ", value).partition(";")
    found = [(m.group(1).lower(), m.group(2).lower(), m.group(3)) for m in _RESULT.finditer(rest)]
    dmarc = [said for method, said, _ in found if method == "dmarc"]
    if "fail" in dmarc:
        return Verdict.FAIL
    if "pass" in dmarc:
        return Verdict.PASS
    domain = address.rpartition("@")[2]
    for method, said, properties in found:
        if said == "pass" and any(aligned(other, domain) for other in _named(method, properties)):
            return Verdict.PASS
    return Verdict.NONE


def _named(method: str, properties: str) -> list[str]:
    """The domains that a DKIM or SPF result is about."""
    wanted = r"header\.(?:d|i)" if method == "dkim" else r"smtp\.mailfrom"
    values = re.findall(wanted + r"\s*=\s*\"?([^\s;\"]+)", properties, re.IGNORECASE)
    return [value.rpartition("@")[2] for value in values]


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # ten megabytes, which most installations don't need

    return PublicSuffixList()


def organisational(domain: str) -> str:
    """The domain that someone registered: ``example.co.uk`` of ``mail.example.co.uk``."""
    return str(_suffixes().privatesuffix(domain.lower().rstrip(".")) or domain.lower())


def aligned(one: str, other: str) -> bool:
    """Whether two domains belong to the same registered one (relaxed alignment, RFC 7489, 3.1)."""
    return organisational(one) == organisational(other)


def signatures(headers: Sequence[str], address: str) -> tuple[Signature, ...]:
    """The signatures that speak for the sender's domain, of all DKIM-Signature headers in their order."""
    domain = address.rpartition("@")[2]
    found = []
    for index, header in enumerate(headers[:20]):
        tags = {name.lower(): re.sub(r"\s", "", value) for name, value in _TAG.findall(header)}
        signer, selector = tags.get("d", ""), tags.get("s", "")
        if not (_DOMAIN.fullmatch(signer) and _DOMAIN.fullmatch(selector)):
            continue
        if "l" in tags or not aligned(signer, domain):  # with « l » anyone may add words at the end
            continue
        found.append(Signature(index, f"{selector}._domainkey.{signer}"))
    return tuple(found[:MAX_SIGNATURES])


def verify(raw: bytes, wanted: Sequence[Signature], records: Mapping[str, str]) -> bool:
    """Whether one of these signatures is right, by the keys in these records (RFC 6376)."""
    import dkim

    normal = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    for signature in wanted:
        record = records.get(signature.record, "")
        try:
            message = dkim.DKIM(normal, minkey=1024)
            if record and message.verify(
                idx=signature.index, dnsfunc=lambda _name, timeout=0, record=record: record.encode()
            ):
                return True
        except Exception:  # noqa: S112 - a stranger's signature and key may be anything
            continue
    return False


def looked_up(domain: str) -> bool:
    """Whether a name server can know this domain."""
    return domain.rpartition(".")[2].lower() not in RESERVED and "." in domain


async def published(domain: str, resolver: Resolver) -> bool:
    """Whether this domain, or the registered one that it belongs to, has a DMARC policy."""
    for name in dict.fromkeys((domain.lower(), organisational(domain))):
        records = await resolver.txt(f"_dmarc.{name}")
        if any(record.lower().replace(" ", "").startswith("v=dmarc1") for record in records):
            return True
    return False


async def keys(wanted: Sequence[Signature], resolver: Resolver) -> dict[str, str]:
    """The records that these signatures need; those that don't exist are left out."""
    found = {}
    for signature in wanted:
        records = [record for record in await resolver.txt(signature.record) if "p=" in record]
        if records:
            found[signature.record] = records[0]
    return found
