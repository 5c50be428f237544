"""Signs our own mails (DKIM, RFC 6376) where no mail server does, and says which record that needs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

LEAST_BITS, ADVISED_BITS = 1024, 2048
"""Shorter keys count for nothing (RFC 8301, 3.2), and are refused by many below the second."""
ONCE = (
    *("from", "to", "subject", "date", "message-id", "reply-to", "cc", "sender"),
    *("mime-version", "content-type", "list-unsubscribe", "list-unsubscribe-post"),
)
"""Headers of which nobody may add a second one behind our back."""
_RSA = bytes.fromhex("300d06092a864886f70d0101010500")
"""AlgorithmIdentifier of RSA (RFC 8017, A.1)."""
_NAME = re.compile(rb"^([!-9;-~]+):", re.MULTILINE)


class UnusableKey(Exception):
    """What should be a private key isn't one that can sign."""


@dataclass(frozen=True, slots=True)
class Signer:
    """One key and where its public half is published."""

    domain: str
    selector: str
    key: str

    @property
    def record_name(self) -> str:
        """The name of the TXT record."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """That record."""
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public_key(self.key)).decode()}"

    def sign(self, raw: bytes) -> bytes:
        """The mail with its signature in front. Raises :class:`UnusableKey`."""
        import dkim

        checked(self.key)
        signature: bytes = dkim.sign(
            raw,
            self.selector.encode(),
            self.domain.encode(),
            _pem(self.key),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(_signed_headers(raw)),
        )
        return signature + raw


def _signed_headers(raw: bytes) -> Iterator[bytes]:
    """All that there are, and once more those that nobody shall add."""
    names = [name.lower() for name in _NAME.findall(raw.partition(b"\r\n\r\n")[0])]
    yield from names
    yield from (name.encode() for name in ONCE)


def _pem(key: str) -> bytes:
    return key.replace("\r\n", "\n").strip().encode()


def checked(key: str) -> int:
    """How many bits this private key has. Raises :class:`UnusableKey`, with what is wrong."""
    modulus, _ = _numbers(key)
    if modulus.bit_length() < LEAST_BITS:
        raise UnusableKey(f"the key has {modulus.bit_length()} bits; make one of {ADVISED_BITS}")
    return modulus.bit_length()


def _numbers(key: str) -> tuple[int, int]:
    from dkim.crypto import parse_pem_private_key

    try:
        found = parse_pem_private_key(_pem(key))
        return int(found["modulus"]), int(found["publicExponent"])
    except Exception:
        remedy = f"make one with: openssl genrsa -out dkim.pem {ADVISED_BITS}"
        raise UnusableKey(f"it is no private RSA key in PEM; {remedy}") from None


def public_key(key: str) -> bytes:
    """The public half of a private key (SubjectPublicKeyInfo, RFC 5280, 4.1). Raises :class:`UnusableKey`."""
    numbers = b"".join(_integer(number) for number in _numbers(key))
    return _tagged(0x30, _RSA + _tagged(0x03, b"\0" + _tagged(0x30, numbers)))


def published_key(record: str) -> bytes:
    """The key in a TXT record, empty when it is revoked or none (RFC 6376, 3.6.1)."""
    tags = dict(part.strip().partition("=")[::2] for part in record.split(";"))
    try:
        return base64.b64decode(re.sub(r"\s", "", tags.get("p", "")), validate=True)
    except ValueError:
        return b""


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content
