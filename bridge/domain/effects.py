"""What the bridge shall do in the outside world: the outputs of :func:`bridge.domain.question.decide`.

An effect is frozen and complete. Its ``key`` is fixed before the first try and unique for ever, so
that a replay changes nothing (it becomes the Matrix transaction ID or the mail's Message-ID).
Rooms are named by their key (``question:<id>``, ``waiting:<group>``, ``group:<group>``,
``bot:<Matrix ID>``); earlier effects by their key. Both are resolved when the effect is performed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from bridge.domain.consulting import CheckAgenda as CheckAgenda
from bridge.domain.consulting import Export as Export
from bridge.domain.consulting import TellPatient as TellPatient
from bridge.domain.consulting import WakeVideo as WakeVideo
from bridge.domain.content import Attachment, Line
from bridge.domain.drafting import AskingEffect as AskingEffect
from bridge.domain.drafting import OpenAsked as OpenAsked
from bridge.domain.house import HouseEffect
from bridge.domain.keeping import KeepingEffect as KeepingEffect
from bridge.domain.keeping import LetIn as LetIn
from bridge.domain.keeping import ReadAgain as ReadAgain
from bridge.domain.keeping import SettleMail as SettleMail
from bridge.domain.keeping import ShowOriginal as ShowOriginal
from bridge.domain.keeping import Suppress as Suppress
from bridge.domain.keeping import Weigh as Weigh
from bridge.domain.moves import ClearMark as ClearMark
from bridge.domain.moves import CloseFormer as CloseFormer
from bridge.domain.moves import KeepAbsence as KeepAbsence
from bridge.domain.moves import KeepMute as KeepMute
from bridge.domain.moves import Offer as Offer
from bridge.domain.moves import PassOn as PassOn
from bridge.domain.moves import Remind as Remind
from bridge.domain.moves import Replay as Replay
from bridge.domain.moves import SetSpeaking as SetSpeaking
from bridge.domain.moves import Unlist as Unlist
from bridge.domain.moves import Widen as Widen
from bridge.domain.opinions import OpinionEffect
from bridge.domain.sealing import CloseJoin as CloseJoin
from bridge.domain.sealing import CoverExposed as CoverExposed
from bridge.domain.sealing import GrantOwner as GrantOwner
from bridge.domain.sealing import HideHistory as HideHistory
from bridge.domain.sealing import Lock as Lock
from bridge.domain.sealing import RemoveOthers as RemoveOthers
from bridge.domain.waking import Wake as Wake
from bridge.domain.waking import WakeMarks as WakeMarks


class Lane(StrEnum):
    """Effects of one conversation are performed in order within a lane, and independently across."""

    MATRIX = "matrix"
    MAIL = "mail"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class CreateQuestionRoom:
    """Register the ghost and create the question room (createRoom with a deterministic alias).

    With an ``owner`` nobody else is ever asked in; ``by_invitation``: being of the group lets nobody in.
    """

    key: str
    question_id: str
    group: str
    ghost: str
    title: str
    reference: str
    stem: str = ""
    generation: int = 1
    owner: str = ""
    by_invitation: bool = False


@dataclass(frozen=True, slots=True)
class JoinGhost:
    """Let the ghost join, under the patient's name in this room only (a profile is public, this is not)."""

    key: str
    question_id: str
    ghost: str
    name: str


@dataclass(frozen=True, slots=True)
class PostText:
    """The patient's words (``m.text`` from the ghost). ``exposed``: others can read the room."""

    key: str
    question_id: str
    ghost: str
    text: str
    exposed: bool
    stem: str = ""


@dataclass(frozen=True, slots=True)
class PostFile:
    """The patient's photo or file."""

    key: str
    question_id: str
    ghost: str
    attachment: Attachment
    exposed: bool
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Say:
    """A notice of the bot in the question room; ``message`` is a key of the locale."""

    key: str
    question_id: str
    message: str
    language: str
    values: dict[str, str] = field(default_factory=dict)
    exposed: bool = False
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text of the locale (``text``: its whole key, as in ``help.close``) with its values."""

    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SayAll:
    """One notice of the bot in the question room, a line a phrase."""

    key: str
    question_id: str
    language: str
    phrases: tuple[Phrase, ...]
    exposed: bool = False
    stem: str = ""


@dataclass(frozen=True, slots=True)
class TellAll:
    """One message of the bot in someone's bot chat, a line a phrase; as a ``notice`` it raises no count."""

    key: str
    user_id: str
    language: str
    phrases: tuple[Phrase, ...]
    notice: bool = False


@dataclass(frozen=True, slots=True)
class PostCard:
    """One card in the group's waiting room, linking to the question's first event (key ``links_to``)."""

    key: str
    question_id: str
    group: str
    title: str
    reference: str
    language: str
    links_to: str
    stem: str = ""


@dataclass(frozen=True, slots=True)
class ListInSpace:
    """List the question room in the group space; suggested while it waits."""

    key: str
    question_id: str
    group: str
    suggested: bool
    stem: str = ""


@dataclass(frozen=True, slots=True)
class InviteMembers:
    """Invite these people into the question room."""

    key: str
    question_id: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountWaiting:
    """Show in the group space's name how many questions wait, as it is when this is performed."""

    key: str
    group: str


@dataclass(frozen=True, slots=True)
class RedactOwn:
    """Redact what an earlier effect (``sent``: its key) posted in ``room``."""

    key: str
    room: str
    sent: str


@dataclass(frozen=True, slots=True)
class RedactEvent:
    """Redact a person's event in the question room, or in the room with this ID."""

    key: str
    question_id: str
    event_id: str
    room_id: str = ""


@dataclass(frozen=True, slots=True)
class PutBack:
    """Put the owner's words back as a quote of the bridge, after :class:`RedactEvent`."""

    key: str
    question_id: str
    owner_name: str
    line: Line


@dataclass(frozen=True, slots=True)
class HandBack:
    """Give someone their own words back in their bot chat, and say why (``message``: locale key)."""

    key: str
    user_id: str
    message: str
    language: str
    line: Line | None
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class React:
    """Show a state on a message (``m.reaction`` of the bot)."""

    key: str
    room: str
    event_id: str = ""
    sent: str = ""
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The one acknowledgement of a new question, with reference and emergency wording."""

    key: str
    question_id: str
    group: str
    language: str
    address: str
    name: str
    subject: str
    reference: str
    token: str
    in_reply_to: str
    unattended: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The owner's lines, as one mail to the patient."""

    key: str
    question_id: str
    number: int
    group: str
    language: str
    owner: str
    owner_name: str
    address: str
    name: str
    subject: str
    reference: str
    token: str
    lines: tuple[Line, ...]
    references: tuple[str, ...]
    correction: bool = False


@dataclass(frozen=True, slots=True)
class TellSender:
    """Tell the sender of an unusable mail, in neutral words, what to do (``message``: locale key)."""

    key: str
    group: str
    language: str
    address: str
    subject: str
    message: str
    in_reply_to: str


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring a question room's state back to what the question says: someone changed it."""

    key: str
    question_id: str
    language: str


MatrixEffect = (
    Restore
    | CreateQuestionRoom
    | JoinGhost
    | PostText
    | PostFile
    | Say
    | SayAll
    | TellAll
    | PostCard
    | ListInSpace
    | InviteMembers
    | CountWaiting
    | Lock
    | CloseJoin
    | HideHistory
    | RemoveOthers
    | CoverExposed
    | GrantOwner
    | RedactOwn
    | RedactEvent
    | PutBack
    | HandBack
    | React
    | Export
    | HouseEffect
    | AskingEffect
    | SetSpeaking
    | ClearMark
    | Widen
    | Unlist
    | Replay
    | CloseFormer
    | Offer
    | Remind
    | PassOn
    | KeepAbsence
    | KeepMute
    | KeepingEffect
    | OpinionEffect
)
MailEffect = Acknowledge | Answer | TellPatient | TellSender | Suppress
Effect = MatrixEffect | MailEffect | Wake | WakeMarks | WakeVideo | CheckAgenda | ReadAgain

NEVER_GIVEN_UP = (
    CreateQuestionRoom,
    JoinGhost,
    PostCard,
    Lock,
    CloseJoin,
    HideHistory,
    RemoveOthers,
    CoverExposed,
    GrantOwner,
    RedactOwn,
    RedactEvent,
    SetSpeaking,
    Widen,
    Replay,
    CloseFormer,
    OpenAsked,
)
"""A refusal of these is retried and reported, since what comes after relies on them."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An effect with the conversation whose order it keeps and the seconds to wait before the first try."""

    effect: Effect
    conversation: str
    delay_s: float = 0.0

    @property
    def lane(self) -> str:
        """The lane: timers each have their own, since they don't wait for each other."""
        match self.effect:
            case Acknowledge() | Answer() | TellPatient() | TellSender() | Suppress():
                return Lane.MAIL
            case Wake() | WakeMarks() | WakeVideo() | CheckAgenda() | ReadAgain():
                return f"{Lane.TIMER}:{self.effect.key}"
            case _:
                return Lane.MATRIX
