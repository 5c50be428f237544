"""What is known of a mail once it is read: plain values, which a process of its own hands over."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.content import Kind


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says: the recipient, and the status as in RFC 3463 (``5.1.1``)."""

    recipient: str
    status: str
    final: bool = True
    """Whether the server has given up; else it still tries."""
    about: tuple[str, ...] = ()
    """Message-IDs of the mail that was not delivered, as far as the report names it."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Someone's name and address; the address is valid by syntax, its domain in lower case."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A photo or file with a name of our own making. Sizes are in pixels, 0 when unknown."""

    kind: Kind
    name: str
    mimetype: str
    content: bytes
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read as meant; ``code`` is stable, without words of the mail."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail. ``text`` is everything written, ``reply`` that without quoted history, ``elided`` the history.

    ``sender`` is set only when there is exactly one From with exactly one mailbox. ``automatic``
    says why no person wrote this, or is empty. ``recipients`` are those that its headers name, those of
    the envelope first. ``results`` are its Authentication-Results headers, whoever wrote
    them; ``signed`` its DKIM-Signature headers.
    """

    senders: tuple[Mailbox, ...]
    sender: Mailbox | None
    subject: str
    text: str
    reply: str
    files: tuple[ParsedFile, ...]
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    automatic: str
    problems: tuple[Problem, ...]
    elided: str = ""
    bounce: Bounce | None = None
    recipients: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    signed: tuple[str, ...] = ()
