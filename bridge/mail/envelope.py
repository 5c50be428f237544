"""The envelope of a mail that comes out of a mailbox: its headers are all that is left of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

from bridge.mail.mime import header_values
from bridge.mail.parse import read_mailbox, split_addresses

TRACE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "x-delivered-to")
"""Where mail servers write the recipient that a mail really was for."""
ADDRESSED = ("to", "cc", "resent-to", "resent-cc")
MAX_HEAD = 256 * 1024
"""Bytes of headers that are looked at."""
MOST = 100
"""Addresses of one mail that are looked at."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who a mail came from (empty for the null sender) and who it may be for, in lower case.

    ``delivered`` is what mail servers noted, ``addressed`` what its author wrote.
    """

    sender: str
    delivered: tuple[str, ...]
    addressed: tuple[str, ...]


def envelope_of(raw: bytes) -> Envelope:
    """What the headers tell of the envelope. Never raises."""
    head = raw[:MAX_HEAD].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    return Envelope(_sender(message), _addresses(message, TRACE), _addresses(message, ADDRESSED))


def _sender(message: Message) -> str:
    """The reverse-path as the last mail server wrote it; else the author, who was not a robot then."""
    noted = [value.strip() for value in header_values(message, "return-path")]
    if noted:
        return _address(noted[0]) if noted[0] != "<>" else ""
    return next(_each(message, ("from",)), "")


def _addresses(message: Message, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(address for address, _ in zip(_each(message, names), range(MOST), strict=False))
    )


def _each(message: Message, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        for value in header_values(message, name):
            yield from filter(None, map(_address, split_addresses(value)))


def _address(part: str) -> str:
    found = read_mailbox(part)
    return found.address.lower() if found else ""
