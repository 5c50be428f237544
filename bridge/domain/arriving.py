"""Events about mails that can't simply be read: unusable ones, and those that wait for their turn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailUnusable:
    """A new mail to an expert group that can't become a question now, from someone who can be told why.

    ``reason`` is a code: ``no_sender``, ``several_senders``, ``empty``, ``many``. ``address`` is the
    envelope sender.
    """

    input_id: str
    group: str
    address: str
    language: str
    reason: str
    subject: str
    message_id: str


@dataclass(frozen=True, slots=True)
class MailPostponed:
    """A mail is held, and will be read again at ``until`` (epoch seconds); see :mod:`bridge.domain.floods`.

    ``conversation`` is its question, or the one that it would become. ``first``: nothing was said of such
    mails for an hour. ``told``: the person who wrote it can be answered.
    """

    input_id: str
    conversation: str
    reason: str
    until: float
    first: bool = False
    told: MailUnusable | None = None


@dataclass(frozen=True, slots=True)
class AskedToo:
    """The mail that asked the question was addressed to another group (its key), too."""

    input_id: str
    group: str
