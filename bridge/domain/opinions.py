"""What tele-expertise is made of: what a question remembers of each opinion, its effects and its events.

See :mod:`bridge.domain.effects` and :mod:`bridge.domain.events` for what those are. The rules stand in
:mod:`bridge.domain.expertise` (the question that an opinion is about) and :mod:`bridge.domain.linked` (the
question that is asked of the expert).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.domain.content import Attachment, Line
from bridge.domain.drafting import Fresh
from bridge.domain.marks import OnMessage


class Stage(StrEnum):
    """How far an opinion has come."""

    GATHERING = "gathering"
    """What was chosen is being looked up."""
    SHOWN = "shown"
    """The owner sees what would leave, and has to say so."""
    ASKED = "asked"
    """The patient was asked for consent."""
    OPEN = "open"
    """The patient agreed: the linked question is asked."""
    ENDED = "ended"
    """Refused, dropped, or nobody answered: nothing left, or nothing more will."""


class Consent(StrEnum):
    """How a patient's consent, or refusal, is known."""

    WRITTEN = "written"
    """By an answer to the mail that asked for it (or in the requester's room on Matrix)."""
    UNVERIFIED = "unverified"
    """By a mail that may not be the patient's, though the owner let it in: it counts as none."""
    SPOKEN = "spoken"
    """Told to the owner, who put it on record."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One thing that the owner chose: a text, or a photo without its metadata and under a neutral name.

    ``patient``: it is the patient's; else a practitioner said it.
    """

    patient: bool
    text: str = ""
    file: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the expert said, as it goes into the room of the question that it is about.

    ``number`` and ``events`` are those of the expert's answer, ``at`` when it was given (epoch seconds).
    """

    key: str
    number: int
    user_id: str
    name: str
    at: float
    lines: tuple[Line, ...]
    correction: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """One opinion that the owner wants. ``number`` counts those of a question.

    ``expert`` is a Matrix ID, or empty where a ``group`` is asked; ``called`` is how people read either.
    ``linked`` names the question that is asked of them. ``undelivered`` came while nobody owned the
    question that it is about. ``left_by`` wanted it and left the question, until the next owner knows.
    """

    number: int
    stage: Stage
    group: str
    called: str
    asks: str
    expert: str = ""
    chosen: tuple[Chosen, ...] = ()
    asked_at: datetime | None = None
    linked: Fresh | None = None
    undelivered: tuple[Said, ...] = ()
    left_by: str = ""

    @property
    def pending(self) -> bool:
        """Whether nothing has left yet, and still may."""
        return self.stage in (Stage.GATHERING, Stage.SHOWN, Stage.ASKED)

    @property
    def reference(self) -> str:
        """The reference of the linked question."""
        return self.linked.reference if self.linked else ""


@dataclass(frozen=True, slots=True)
class Link:
    """What makes a question one for an opinion: whose it is about, and who wants it.

    ``origin`` is the question that it is about. ``named``: one expert is asked, and nobody else ever is.
    ``recalled``: it was taken back, and is open to nobody. ``about`` is who asked the origin, where that is
    somebody on Matrix (a Matrix ID): whatever groups they are in or come into, this is never theirs to read.
    """

    origin: str
    user_id: str
    named: bool = False
    recalled: bool = False
    about: str = ""


# --- effects ---


@dataclass(frozen=True, slots=True)
class GatherChosen:
    """Look up what was chosen, clean its photos, and bring :class:`ChoiceGathered`.

    ``ghost`` is the patient's; ``targets`` are events in the question's room.
    """

    key: str
    question_id: str
    number: int
    ghost: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenLinked:
    """Ask the expert: a question of its own, with what was chosen and nothing else.

    ``members`` of ``group`` may take it; with an ``expert`` it is theirs from the beginning. ``who`` wants
    it, and is called ``name``. ``about`` asked the question that it is about, on Matrix, and never reads it;
    ``by_colleague``: a practitioner asked it.
    """

    key: str
    question_id: str
    linked: Fresh
    group: str
    members: tuple[str, ...]
    invite_members: bool
    language: str
    who: str
    name: str
    asks: str
    chosen: tuple[Chosen, ...]
    expert: str = ""
    expert_name: str = ""
    about: str = ""
    by_colleague: bool = False


@dataclass(frozen=True, slots=True)
class BringBack:
    """Bring :class:`OpinionTold` from a linked question to the one that it is about (``origin``)."""

    key: str
    question_id: str
    origin: str
    message: str = ""
    values: dict[str, str] = field(default_factory=dict)
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class NoteOpinion:
    """Post what an expert said as an internal note; then the expert's line is marked as delivered.

    ``by_colleague``: a practitioner asked the question that it is about.
    """

    key: str
    question_id: str
    language: str
    linked: str
    reference: str
    said: Said
    by_colleague: bool = False


@dataclass(frozen=True, slots=True)
class AskMore:
    """Say something further in a linked question, in the name of who wants the opinion."""

    key: str
    question_id: str
    linked: str
    text: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Take a linked question back: bring :class:`OpinionRecalled` to it."""

    key: str
    question_id: str
    linked: str
    who: str


@dataclass(frozen=True, slots=True)
class Recognise(OnMessage):
    """Find out whether ``target`` is the preview with this key, and bring :class:`PreviewMarked`."""

    number: int
    preview: str


OpinionEffect = GatherChosen | OpenLinked | BringBack | NoteOpinion | AskMore | Recall | Recognise


# --- events ---


@dataclass(frozen=True, slots=True)
class ChoiceGathered:
    """What :class:`GatherChosen` found. ``problems`` are codes of what can't go along.

    ``linked`` are names for the question that may come of it.
    """

    number: int
    chosen: tuple[Chosen, ...]
    problems: tuple[str, ...]
    linked: Fresh


@dataclass(frozen=True, slots=True)
class PreviewMarked:
    """Somebody put 📮 on a message (``event_id``): whether it is the preview of this ``number``."""

    user_id: str
    name: str
    language: str
    standing: str
    event_id: str
    number: int
    right: bool


@dataclass(frozen=True, slots=True)
class OpinionTold:
    """Something happened in a linked question: the expert ``said`` something, or ``message`` tells it."""

    cause: str
    linked: str
    message: str = ""
    values: dict[str, str] = field(default_factory=dict)
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class OpinionRecalled:
    """``who`` wanted the opinion, and wants it no more: the patient took their consent back, say."""

    cause: str
    who: str
