"""Events about mails that aren't simply words: unusable ones, those that wait, errands; and of pages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


class Errand(StrEnum):
    """What a patient can ask of the service itself; the value stands in links."""

    STATUS = "status"
    """Where does my question stand?"""
    WITHDRAW = "withdraw"
    """I don't need an answer any more."""
    STOP = "stop"
    """No more e-mails."""
    RESUME = "resume"
    """E-mails again."""
    FRENCH = "fr"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class ErrandAsked:
    """The patient asked something of the service, by a mail that says nothing else or by a link of one.

    ``words`` are theirs; ``by_link``: a page has answered them already.
    """

    input_id: str
    errand: Errand
    words: str = ""
    message_id: str = ""
    by_link: bool = False


@dataclass(frozen=True, slots=True)
class AnswerLinkAsked:
    """A patient asks on a page for another link to the answer with this ``number``."""

    input_id: str
    number: int


@dataclass(frozen=True, slots=True)
class FileLeftOut:
    """A file of an answer is too large for its mail, or its page: the patient was told, but hasn't it.

    ``index`` is its line's within the answer ``number``.
    """

    number: int
    index: int
    name: str
