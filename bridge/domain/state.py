"""What is known of a question, and what a decision is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bridge.domain import effects as fx
from bridge.domain.acts import Act
from bridge.domain.consulting import Video, VideoPolicy
from bridge.domain.content import Line
from bridge.domain.drafting import Dialogue
from bridge.domain.keeping import HeldMail
from bridge.domain.opinions import Link, Opinion
from bridge.domain.organisation import Organisation

NOBODY = Organisation("", "fr", (), ())
THREAD_KEPT = 20
"""How many mails of a thread its References name (RFC 5322, 3.6.4)."""
EVENTS_KEPT = 100
"""How many of the owner's events a question remembers the fate of; whatever is older counts as mailed."""

SEAL_FIRST_S = 1.0
"""After a claim the homeserver's first second belongs to the seal; listings and numbers can wait."""


class Status(StrEnum):
    """Where a question stands."""

    WAITING = "waiting"
    """The expert group can read it; nobody has answered yet."""
    TAKEN = "taken"
    """One practitioner owns it; nobody else may read or write."""
    CLOSED = "closed"
    """The owner has finished: the room can be read and not written; a mail of the patient reopens it."""
    ARCHIVED = "archived"
    """Out of sight; from here the days until erasure count. A mail of the patient reopens it, too."""
    WITHDRAWN = "withdrawn"
    """Set aside without an owner; a mail of the patient makes it wait again."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long what may wait, in hours; see ``care`` in the configuration."""

    remind_h: float = 4.0
    widen_h: float = 8.0
    tell_patient_h: float = 24.0
    alert_h: float = 24.0
    silent_h: float = 24.0
    silent_alert_h: float = 48.0
    silent_release_h: float = 72.0
    idle_h: float = 336.0
    archive_h: float = 720.0
    handover_h: float = 24.0
    consent_h: float = 72.0
    undo_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Policy:
    """What a decision goes by, besides question and event. ``quiet_period_s`` is in seconds.

    ``time_zone`` (IANA) is the one in which people's dates are read. ``away`` are the practitioners who
    said that they are absent now. ``acting``: we may act as practitioners.
    """

    quiet_period_s: float = 20.0
    time_zone: str = "Europe/Paris"
    video: VideoPolicy = field(default_factory=VideoPolicy)
    waits: Waits = Waits()
    organisation: Organisation = NOBODY
    away: frozenset[str] = frozenset()
    acting: bool = False

    def reachable(self, user_id: str) -> bool:
        """Whether this practitioner is of the organisation, and there."""
        known = self.organisation is NOBODY or self.organisation.practitioner(user_id) is not None
        return known and user_id not in self.away


@dataclass(frozen=True, slots=True)
class Undo:
    """What its author may still take back: ``did`` is the act, ``before`` the status it came from."""

    did: str
    by: str
    by_name: str
    before: Status
    until: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail of the owner that no mail server has yet, or that was ``refused``: it can be sent again."""

    number: int
    generation: int
    lines: tuple[Line, ...]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Unmarked:
    """A mail that a server took ``at`` that time, and whose lines don't show it yet."""

    number: int
    generation: int
    events: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one requester to one expert group.

    ``thread`` lists the mails so far: a Message-ID in angle brackets, or the key of the effect
    that made it. ``draft`` holds the owner's lines that wait for the quiet period. ``exposed`` maps
    the owner's events that others may have read to the bridge's copies; ``had_others`` says that
    somebody else ever was in the room. ``unsettled`` are the
    owner's edits and thread replies that came before the seal was known to be complete. ``answered_at``
    is when the first answer left.

    ``generation`` counts its rooms, ``turn`` its transitions. ``since`` is when the status began,
    ``waits_since`` since when the patient waits for the owner, ``spoke_at`` when the owner last did.
    ``steps`` are those that the net has taken since, the last at ``step_at``; ``alarm_at`` is when it looks
    again, ``rings`` how often it has. ``also`` is the fallback group once that may take it.
    ``mailed`` and ``internal`` are the owner's latest events that went to the patient, and that never will;
    ``correction`` is an edit that came after the mail and waits for the owner's word; ``correction_offer``
    is the key of the line that offers it.
    ``handed`` are the latest mails that a server took, should one come back; ``unmarked`` those that
    aren't shown as taken yet. ``held`` are mails whose
    sender the owner still has to judge, ``admitted`` those that they let in; ``also_from`` are further
    addresses of the patient.

    ``requester`` is the Matrix ID of who asks on Matrix (then ``address`` is the same), empty by e-mail.
    ``opinions`` are those of other experts that the owner wants; ``chosen`` the owner's marks on what is to
    go along, and what they are on. With a ``link`` the question itself is asked for an opinion.
    """

    id: str
    group: str
    status: Status
    title: str
    reference: str
    language: str
    address: str
    name: str
    token: str
    ghost: str
    asked_at: datetime
    owner: str = ""
    owner_name: str = ""
    taken_at: datetime | None = None
    sealed: bool = False
    exposed: tuple[tuple[str, str], ...] = ()
    had_others: bool = False
    unsettled: tuple[tuple[str, str, Line | None], ...] = ()
    draft: tuple[Line, ...] = ()
    draft_number: int = 0
    thread: tuple[str, ...] = ()
    answered_at: datetime | None = None
    videos: tuple[Video, ...] = ()
    generation: int = 1
    turn: int = 0
    since: datetime | None = None
    waits_since: datetime | None = None
    spoke_at: datetime | None = None
    steps: tuple[str, ...] = ()
    step_at: datetime | None = None
    alarm_at: datetime | None = None
    rings: int = 0
    archived_at: datetime | None = None
    also: str = ""
    offered_to: str = ""
    offered_name: str = ""
    offered_at: datetime | None = None
    undo: Undo | None = None
    outgoing: tuple[Outgoing, ...] = ()
    mailed: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    correction: Line | None = None
    correction_offer: str = ""
    requester: str = ""
    handed: tuple[Outgoing, ...] = ()
    unmarked: tuple[Unmarked, ...] = ()
    held: tuple[HeldMail, ...] = ()
    admitted: tuple[str, ...] = ()
    also_from: tuple[str, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    chosen: tuple[tuple[str, str], ...] = ()
    link: Link | None = None
    patient_language: str = ""

    @property
    def mail_language(self) -> str:
        """The language that the patient reads: the group's, unless they asked for another."""
        return self.patient_language or self.language

    @property
    def room(self) -> str:
        """The key of the question room."""
        return f"question:{self.id}"

    @property
    def asker(self) -> str:
        """The Matrix ID of the practitioner or patient who asks, and so can't take it; empty by e-mail."""
        return self.link.user_id if self.link else self.requester

    @property
    def about(self) -> str:
        """The Matrix ID of who must not read it, since an opinion on what they asked is none of theirs."""
        return self.link.about if self.link else ""

    @property
    def by_invitation(self) -> bool:
        """Whether members join only if asked in: a group's space can't leave out one of its members."""
        return bool(self.about)

    @property
    def addressed(self) -> str:
        """What locale keys begin with that tell the owner who reads what they write; nothing: the patient."""
        return "opinion_" if self.link else "asked_" if self.requester else ""

    @property
    def stem(self) -> str:
        """What the keys of effects that happen once in each room begin with."""
        return self.id if self.generation == 1 else f"{self.id}:{self.generation}"

    @property
    def began(self) -> datetime:
        """When it came into its status."""
        return self.since or self.taken_at or self.asked_at

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups whose members may take it."""
        return (self.group, self.also) if self.also else (self.group,)


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state (``None``: the input belongs to no question), what to do, and what goes on record.

    ``dialogue`` is a question that someone is writing, where that changed.
    """

    question: Question | None
    effects: tuple[fx.Planned, ...] = ()
    acts: tuple[Act, ...] = ()
    dialogue: Dialogue | None = None

    def then(self, later: Decision) -> Decision:
        """This decision and one that was made on its question, as one."""
        return Decision(
            later.question,
            self.effects + later.effects,
            self.acts + later.acts,
            later.dialogue or self.dialogue,
        )


class UnknownQuestion(Exception):
    """An event for a question that does not exist reached the decision."""


def in_room(question: Question, *effects: fx.Effect) -> tuple[fx.Planned, ...]:
    """These effects, in the order of this question."""
    return tuple(fx.Planned(effect, question.id) for effect in effects)


POSTED_AFTER_S = 2.0
"""When a new question's words are in its room, so that the card of all that wait can lead to them."""


def counted(group: str, key: str, after_s: float = 0.0) -> fx.Planned:
    """The number of waiting questions in the group space's name is to be brought up to date."""
    return fx.Planned(fx.CountWaiting(f"{key}:count", group), f"group:{group}", after_s)


def counted_for_all(question: Question, key: str, after_s: float = 0.0) -> tuple[fx.Planned, ...]:
    """The same in each group whose members may take it."""
    own = counted(question.group, key, after_s)
    return (own, counted(question.also, f"{key}:also", after_s)) if question.also else (own,)


def thread_of(mails: tuple[str, ...]) -> tuple[str, ...]:
    """The first mail and the latest ones, so that References stays bounded (RFC 5322, 3.6.4)."""
    known = tuple(mail for mail in mails if mail)
    return known if len(known) <= THREAD_KEPT else (known[0], *known[1 - THREAD_KEPT :])


def said(question: Question, message: str, cause: str, **values: str) -> Decision:
    """One line of the bridge in the question room (``message``: locale key)."""
    exposed = question.status is Status.WAITING
    say = fx.Say(
        f"{question.id}:say:{message}:{cause}",
        question.id,
        message,
        question.language,
        values,
        exposed,
        question.stem,
    )
    return Decision(question, in_room(question, say))


def moved(question: Question, status: Status, now: datetime, **changes: Any) -> Question:
    """The question in another status: the net begins anew, and the next transition has another number."""
    begun: dict[str, Any] = {"since": now, "steps": (), "step_at": None, "undo": None, "waits_since": None}
    return replace(question, status=status, turn=question.turn + 1, **(begun | changes))


def latest(events: tuple[str, ...], *more: str) -> tuple[str, ...]:
    """These and those, as many as are kept."""
    return (*events, *more)[-EVENTS_KEPT:]
