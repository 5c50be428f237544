"""Takes mails in: knows which recipients are ours and stores the raw bytes under a key of their own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.domain.organisation import Organisation
from bridge.mail.addresses import ID_BYTES, read_address
from bridge.mail.listener import Verdict
from bridge.ports import Names

_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^>\r\n]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
_IDENTIFYING = re.compile(rb"^(?:from|date|subject):[^\r\n]*", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ArrivedMail:
    """A raw mail with its envelope, ready for the inbox. ``sender`` is empty for the null sender."""

    key: str
    conversation: str
    recipient: str
    sender: str
    raw: bytes


def mail_key(recipient: str, raw: bytes) -> str:
    """The key under which a mail is the same mail.

    A mail server that got no answer sends again, with other trace headers: what counts is the
    recipient, the Message-ID and the body. Message-IDs alone get reused and would lose mail.
    """
    return f"mail:{_digest(recipient.lower().encode(), *_identity(raw)).hex()}"


def question_of_mail(secret: bytes, raw: bytes) -> str:
    """The ID of the question that a mail asks, whichever groups it is addressed to; not to be guessed."""
    key = hmac.new(secret, _digest(*_identity(raw)), hashlib.sha256).digest()
    return base64.b32encode(key[:ID_BYTES]).decode().lower()


def _identity(raw: bytes) -> tuple[bytes, bytes]:
    """What makes this mail this mail: its Message-ID, or what stands for one, and its body."""
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    match = _MESSAGE_ID.search(head)
    identity = match.group(1) if match else b"\n".join(_IDENTIFYING.findall(head))
    return identity, hashlib.sha256(body).digest()


def _digest(*parts: bytes) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


CHECKED = 100
"""Recipients that are remembered from their check to their mail's end, which comes a moment later."""


@dataclass(frozen=True, slots=True)
class Intake:
    """The listener's sink; ``store`` commits a mail before it returns."""

    organisation: Organisation
    domain: str
    names: Names
    store: Callable[[ArrivedMail], Awaitable[None]]
    secret: bytes
    """Makes question IDs of mails."""
    _checked: OrderedDict[str, str] = field(default_factory=OrderedDict)

    async def check(self, recipient: str) -> Verdict:
        """Whether mail to this recipient is ours."""
        if self.organisation.group_of_address(recipient) is not None:
            return Verdict.ACCEPT
        address = read_address(recipient, self.domain)
        if address is None:
            return Verdict.UNKNOWN
        known = await self.names.question_of_token(address.token)
        if known is None:
            return Verdict.UNKNOWN
        self._checked[address.token] = known
        if len(self._checked) > CHECKED:
            self._checked.popitem(last=False)
        return Verdict.ACCEPT

    async def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        """Store a mail durably; a mail we have already changes nothing."""
        recipient = recipient.strip().lower()
        address = read_address(recipient, self.domain)
        question_id = await self._question(address.token) if address else None
        conversation = question_id or question_of_mail(self.secret, raw)
        await self.store(ArrivedMail(mail_key(recipient, raw), conversation, recipient, sender, raw))

    async def _question(self, token: str) -> str | None:
        return self._checked.pop(token, None) or await self.names.question_of_token(token)
