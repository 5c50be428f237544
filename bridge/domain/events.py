"""What can happen to a question: the inputs of :func:`bridge.domain.question.decide`.

Every event comes from one row of the inbox, whose key makes a replay impossible.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.arriving import AnswerLinkAsked as AnswerLinkAsked
from bridge.domain.arriving import AskedToo as AskedToo
from bridge.domain.arriving import ErrandAsked as ErrandAsked
from bridge.domain.arriving import FileLeftOut as FileLeftOut
from bridge.domain.arriving import MailPostponed as MailPostponed
from bridge.domain.arriving import MailUnusable as MailUnusable
from bridge.domain.commands import Command, UnknownCommand
from bridge.domain.consulting import AgendaChecked as AgendaChecked
from bridge.domain.consulting import ExportFailed as ExportFailed
from bridge.domain.consulting import InvitationAnswered as InvitationAnswered
from bridge.domain.consulting import NoticeFailed as NoticeFailed
from bridge.domain.consulting import VideoDue as VideoDue
from bridge.domain.content import Attachment, Line
from bridge.domain.drafting import Dialogue, Fresh
from bridge.domain.opinions import ChoiceGathered as ChoiceGathered
from bridge.domain.opinions import Link
from bridge.domain.opinions import OpinionRecalled as OpinionRecalled
from bridge.domain.opinions import OpinionTold as OpinionTold
from bridge.domain.opinions import PreviewMarked as PreviewMarked
from bridge.domain.waking import DraftDue as DraftDue
from bridge.domain.waking import MarksDue as MarksDue


class Standing(StrEnum):
    """What the organisation's YAML says of the author of a Matrix event."""

    MEMBER = "member"
    """Practitioner of the question's expert group: may take it."""
    PRACTITIONER = "practitioner"
    """Practitioner of the organisation, but not of this group."""
    STRANGER = "stranger"
    """Unknown to the YAML."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who sent a Matrix event."""

    user_id: str
    name: str
    standing: Standing
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A patient's mail reached the address of an expert group.

    ``token`` makes the reply address, ``ghost`` is the localpart of the patient's ghost; both are
    random and chosen when the mail was taken in. ``problems`` are codes of what could not be read.
    ``requester`` is the Matrix ID of who asks on Matrix, empty by mail. With a ``link`` an opinion is asked.
    ``resumes``: until now they wanted no e-mails.
    """

    question_id: str
    group: str
    members: tuple[str, ...]
    invite_members: bool
    language: str
    subject: str
    address: str
    name: str
    text: str
    files: tuple[Attachment, ...]
    message_id: str
    token: str
    ghost: str
    reference: str
    problems: tuple[str, ...] = ()
    requester: str = ""
    link: Link | None = None
    resumes: bool = False


@dataclass(frozen=True, slots=True)
class PatientWrote:
    """The patient answered by mail; ``text`` is without the quoted history.

    ``answers`` is the key of the effect whose mail it answers, where that is known. ``edited``: on Matrix,
    what they had said before says this now. ``at`` is when they said it, or their mail came (epoch seconds; 0
    where nobody knows).
    """

    input_id: str
    text: str
    files: tuple[Attachment, ...]
    message_id: str
    problems: tuple[str, ...] = ()
    answers: str = ""
    edited: bool = False
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class MailSetAside:
    """A mail for this question that is kept but not shown as the patient's words.

    ``reason`` is a code: ``unverified`` (other sender), ``automatic``, ``bounced``, ``empty``.
    """

    input_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class MailBounced:
    """A mail to the patient came back. ``number`` is the answer's, 0 for another mail of ours.

    ``status`` is as in RFC 3463; unless ``final``, their server still tries.
    """

    input_id: str
    status: str
    number: int = 0
    final: bool = True


@dataclass(frozen=True, slots=True)
class MailDoubted:
    """A mail for this question that may not be the patient's; it is held until the owner judges it.

    ``text`` is its beginning, ``files`` counts its files.
    """

    input_id: str
    address: str
    text: str
    files: int = 0


@dataclass(frozen=True, slots=True)
class MailJudged:
    """The owner's mark on a notice is about this held mail; see :class:`bridge.domain.doubt.Judgement`."""

    author: Author
    event_id: str
    input_id: str
    judgement: str


@dataclass(frozen=True, slots=True)
class MemberWrote:
    """A person (not the bridge) sent a message into the question room.

    ``unsupported`` names a kind that e-mail can't carry (poll, encrypted, …); then ``line`` is
    ``None``. ``relates_to`` is the event this one edits (``replaces``) or whose thread it is in.
    ``internal`` marks notices and commands, which never leave the room. ``generation`` counts the
    question's rooms (0: unknown); ``room_id`` is this one's.
    """

    author: Author
    event_id: str
    line: Line | None
    unsupported: str = ""
    relates_to: str = ""
    replaces: bool = False
    internal: bool = False
    room_id: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Ordered:
    """A person gave a command in the question room; ``message`` is its message, which is internal.

    ``reply_to`` is the event that it answers, if it does.
    """

    message: MemberWrote
    command: Command | UnknownCommand
    reply_to: str = ""


@dataclass(frozen=True, slots=True)
class HandRaised:
    """A practitioner raised a hand on the question or on its card (in a room of this ``generation``)."""

    author: Author
    event_id: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Reacted:
    """A practitioner put another mark than a hand on an event, in the question room or their bot chat."""

    author: Author
    event_id: str
    target: str
    symbol: str
    chat: bool = False
    generation: int = 0


@dataclass(frozen=True, slots=True)
class MemberLeft:
    """A person left a room of the question, or deactivated their account."""

    author: Author
    event_id: str
    generation: int = 0


@dataclass(frozen=True, slots=True)
class WentOut:
    """A practitioner left a room that the YAML puts them into, by hand. ``room``: how its key begins."""

    author: Author
    event_id: str
    room: str


@dataclass(frozen=True, slots=True)
class BotInvited:
    """Someone asked the bot into a room that isn't ours; a ``guest`` may ask, and is no practitioner."""

    author: Author
    event_id: str
    room_id: str
    guest: bool = False


@dataclass(frozen=True, slots=True)
class RequesterUnheard:
    """A requester on Matrix said something in their room that can't be passed on; ``kind`` says what."""

    event_id: str
    kind: str


@dataclass(frozen=True, slots=True)
class CameIn:
    """A practitioner came into their bot chat."""

    author: Author


@dataclass(frozen=True, slots=True)
class DigestDue:
    """It is the hour of someone's digest; ``due`` is that moment in epoch seconds."""

    user_id: str
    due: int


@dataclass(frozen=True, slots=True)
class OwnerGone:
    """The owner can't look after the question. ``reason``: ``absent``, or ``left`` the organisation."""

    user_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """It is time for the net to look at the question."""


@dataclass(frozen=True, slots=True)
class Instructed:
    """A command about this question that was given in a bot chat."""

    author: Author
    event_id: str
    command: Command | UnknownCommand


@dataclass(frozen=True, slots=True)
class MemberRedacted:
    """A person deleted a message in the question room."""

    author: Author
    redacts: str


@dataclass(frozen=True, slots=True)
class BotAsked:
    """Someone wrote to the bot in their bot chat.

    ``line`` is what they wrote, ``None`` for what isn't text or a file; ``command`` is set when it is one.
    ``reply_to`` is the event that it answers; ``admin`` says that they administer the organisation.
    ``unreadable`` names a kind of message that we can't read (encrypted, …). A ``guest`` is nobody of the
    organisation, and may ask. ``dialogue`` is the question that they are writing, ``fresh`` are names for
    one that they may begin now, ``quoted`` is a message of their own that this one answers.
    """

    author: Author
    event_id: str
    line: Line | None = None
    command: Command | UnknownCommand | None = None
    reply_to: str = ""
    admin: bool = False
    unreadable: str = ""
    guest: bool = False
    room_id: str = ""
    fresh: Fresh | None = None
    dialogue: Dialogue | None = None
    quoted: Line | None = None


@dataclass(frozen=True, slots=True)
class SealCompleted:
    """Nobody but owner, patient and bridge is left in the room.

    ``exposed`` maps each of the owner's events that others may have seen to the bridge's event
    that carries its words now (empty when it could stay). ``others``: someone else ever was in the
    room, and keeps reading whatever hangs on an event from that time.
    """

    exposed: tuple[tuple[str, str], ...] = ()
    others: bool = False
    generation: int = 1


@dataclass(frozen=True, slots=True)
class AnswerHandedOver:
    """The next mail server took the owner's answer, made of these Matrix events."""

    number: int
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """The owner's answer was refused for good; ``reason`` is the server's code."""

    number: int
    events: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class PostFailed:
    """Something from the patient could not be posted: the homeserver refused it for good."""

    effect_key: str
    name: str
    reason: str


Event = (
    QuestionAsked
    | PatientWrote
    | MailUnusable
    | MailPostponed
    | AskedToo
    | ErrandAsked
    | AnswerLinkAsked
    | MailSetAside
    | MailBounced
    | MailDoubted
    | MailJudged
    | MemberWrote
    | Ordered
    | HandRaised
    | MemberRedacted
    | Reacted
    | MemberLeft
    | WentOut
    | BotInvited
    | RequesterUnheard
    | CameIn
    | DigestDue
    | OwnerGone
    | AlarmRang
    | Instructed
    | BotAsked
    | SealCompleted
    | DraftDue
    | MarksDue
    | AnswerHandedOver
    | FileLeftOut
    | AnswerFailed
    | NoticeFailed
    | AgendaChecked
    | ChoiceGathered
    | OpinionTold
    | PreviewMarked
    | OpinionRecalled
    | VideoDue
    | InvitationAnswered
    | ExportFailed
    | PostFailed
)
