"""Our own addresses: one random token per question makes its reply and its bounce address."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

TOKEN_BYTES = 15
"""120 bits, which is 24 characters of base32: not to be guessed."""


ID_BYTES = 10
"""80 bits, which is 16 characters of base32, name a question."""


class Purpose(StrEnum):
    """What a token address is for; the value is the part before the ``+``."""

    REPLY = "q"
    """The patient's answers."""
    BOUNCE = "bounce"
    """Envelope sender of our mails: delivery reports come here (VERP)."""


LONG_NAMES = {"question": Purpose.REPLY.value}
"""What else an address of ours may begin with."""


@dataclass(frozen=True, slots=True)
class TokenAddress:
    """An address of ours that carries a token."""

    purpose: Purpose
    token: str


def new_token() -> str:
    """A fresh random token, lower case."""
    return base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()


def new_id() -> str:
    """A fresh random question ID, fit for room aliases."""
    return base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()


REFERENCE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is misread aloud or in handwriting: I, O, 0, 1."""


def new_reference() -> str:
    """A short reference that people can read to each other; it identifies, it does not authorise."""
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(6))


def reply_address(token: str, domain: str) -> str:
    """Where the patient answers."""
    return f"{Purpose.REPLY.value}+{token}@{domain}"


def bounce_address(token: str, domain: str) -> str:
    """Where delivery reports come."""
    return f"{Purpose.BOUNCE.value}+{token}@{domain}"


def read_address(address: str, domain: str) -> TokenAddress | None:
    """What a recipient address of ours carries, or ``None``; case does not matter."""
    local, _, host = address.strip().lower().rpartition("@")
    prefix, plus, token = local.partition("+")
    if host != domain.lower() or not plus or not token:
        return None
    prefix = LONG_NAMES.get(prefix, prefix)
    try:
        return TokenAddress(Purpose(prefix), token)
    except ValueError:
        return None


def message_id_of(key: str, domain: str) -> str:
    """The Message-ID of the mail that an effect makes: the same on every try (RFC 5322, 3.6.4)."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"
