"""The few outside worlds the flow talks to, as small protocols.

The failure hierarchy that every adapter raises::

    PortError
    ├── Temporary        may succeed later: retried with backoff
    │   ├── Ambiguous        ditto, but the peer may have accepted it
    │   └── TransportDown    the whole transport is down (connection, TLS, login): pauses its lane
    └── Permanent        will never succeed as it stands: recorded as failed and shown to someone

SQL has no port: SQLite is the test double.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bridge.domain.content import Sent
from bridge.domain.effects import Effect
from bridge.domain.events import Event
from bridge.domain.state import Question

Json = dict[str, Any]


class PortError(Exception):
    """The outside world did not do what was asked."""


class Temporary(PortError):
    """The call failed in a way that may pass; ``retry_after`` is in seconds when the peer said so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Ambiguous(Temporary):
    """The peer went away when it may already have accepted: doing it again may double it."""


class TransportDown(Temporary):
    """The peer cannot be reached or refuses our login; every call would fail alike."""


class Permanent(PortError):
    """The peer refused for good; ``code`` is its own code (Matrix errcode or SMTP reply code)."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Member:
    """One ``m.room.member`` state event.

    ``was_joined``: joined now, or perhaps once (a leave or ban whose previous membership wasn't ``invite``).
    """

    user_id: str
    membership: str
    was_joined: bool
    displayname: str | None = None


class Homeserver(Protocol):
    """The Matrix client-server API as the application service uses it.

    ``as_user`` is the full Matrix ID of a ghost to act as; ``None`` is the bot.
    Every method raises :class:`Temporary`, :class:`TransportDown` or :class:`Permanent`.
    """

    async def register(self, localpart: str) -> None:
        """Register a ghost; an existing one is fine (``m.login.application_service``)."""

    async def create_room(self, content: Json) -> str:
        """Create a room from a createRoom body and return its room ID.

        When ``room_alias_name`` already exists (``M_ROOM_IN_USE``: an earlier try succeeded), the
        existing room's ID is returned.
        """

    async def resolve_alias(self, alias: str) -> str | None:
        """The room ID behind a full room alias, or ``None``."""

    async def send(
        self, room_id: str, event_type: str, content: Json, *, txn_id: str, as_user: str | None = None
    ) -> str:
        """Send a message event under a deterministic transaction ID and return its event ID."""

    async def redact(self, room_id: str, event_id: str, *, txn_id: str, reason: str | None = None) -> str:
        """Redact an event as the bot."""

    async def put_state(
        self, room_id: str, event_type: str, state_key: str, content: Json, *, as_user: str | None = None
    ) -> str:
        """Send a state event and return its event ID (``""`` state key included)."""

    async def state(self, room_id: str) -> list[Json]:
        """All current state events of a room."""

    async def state_event(self, room_id: str, event_type: str, state_key: str = "") -> Json | None:
        """The content of one state event, or ``None`` when there is none."""

    async def members(self, room_id: str) -> list[Member]:
        """Every ``m.room.member`` of the room, whatever the membership (``GET /members``)."""

    async def invite(self, room_id: str, user_id: str) -> None:
        """Invite someone; already invited or joined is fine."""

    async def join(self, room_id_or_alias: str, *, as_user: str | None = None) -> str:
        """Join as bot or ghost and return the room ID."""

    async def leave(self, room_id: str, *, as_user: str | None = None) -> None:
        """Leave as bot or ghost."""

    async def kick(self, room_id: str, user_id: str, *, reason: str | None = None) -> None:
        """Remove a member or withdraw an invite; someone already out is fine."""

    async def messages(
        self, room_id: str, *, direction: str = "b", start: str | None = None, limit: int = 50
    ) -> tuple[list[Json], str | None]:
        """One page of ``/messages`` (events, next token) as the bot sees it."""

    async def newest(self, room_id: str, limit: int) -> tuple[list[Json], str | None]:
        """The newest page, newest first, including what a killed homeserver doesn't show yet."""

    async def upload(
        self, content: bytes, *, mimetype: str, filename: str, as_user: str | None = None
    ) -> str:
        """Upload media and return its ``mxc://`` URI."""

    async def download(self, mxc: str, *, limit: int) -> bytes:
        """Download media; :class:`Permanent` with code ``too_large`` above ``limit`` bytes."""

    async def set_displayname(self, name: str, *, as_user: str | None = None) -> None:
        """Set the profile's display name when it differs."""

    async def ping(self) -> None:
        """Ask the homeserver to ping us back, which also ends its retry backoff."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient that the server refused: SMTP reply code and text."""

    recipient: str
    code: int
    text: str


BeforeBody = Callable[[], Awaitable[None]]


class Mailer(Protocol):
    """Hands finished mails to the next mail server."""

    async def send(
        self, *, sender: str, recipients: Sequence[str], message: bytes, before_body: BeforeBody | None = None
    ) -> None:
        """Submit these exact bytes to one or more recipients (envelope addresses).

        ``before_body`` is begun once the server takes the sender and has ended before the body is offered:
        from then on until its reply nobody knows whether it has the mail. It has ended whatever is raised.
        Raises :class:`Ambiguous` when the connection ends in that window, :class:`Permanent` on 5yz
        (``code`` holds the reply code), :class:`Temporary` on 4yz, and :class:`TransportDown` on
        connection, TLS or login failure.
        """


@dataclass(frozen=True, slots=True)
class Remains:
    """What the homeserver has of an erased question: IDs, the localpart of its ghost, keys of spaces.

    ``mentions`` are room ID and event ID of what stands in waiting rooms and bot chats.
    """

    question_id: str
    ghost: str
    rooms: tuple[str, ...]
    mentions: tuple[tuple[str, str], ...]
    spaces: tuple[str, ...]


class Forgetting(Protocol):
    """Makes the homeserver forget."""

    async def forget(self, remains: Remains) -> None:
        """Remove rooms, media and single events; what is gone already is fine. Raises port errors."""

    async def redact(self, events: Sequence[tuple[str, str]]) -> None:
        """Take single events back: room ID and event ID of each. Raises port errors."""


class Clock(Protocol):
    """The time, so that tests can move it."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""


class RawInput(Protocol):
    """A stored input, as an adapter's reader sees it. Times are epoch seconds."""

    @property
    def key(self) -> str:
        """Its unique key."""

    @property
    def conversation(self) -> str:
        """What it is ordered within."""

    @property
    def payload(self) -> bytes:
        """The bytes as they came."""

    @property
    def received_at(self) -> float:
        """When they came."""

    @property
    def recipient(self) -> str:
        """Envelope recipient of a mail."""

    @property
    def sender(self) -> str:
        """Envelope sender of a mail."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an input means: for which question, which events; files to keep come with it.

    ``hold`` is a reason to set the input aside although it was understood (nobody can be shown it).
    ``forget``: that it came is all we keep of it. ``counts`` names what it is one of, where an hour lets in
    only so many (:mod:`bridge.storage.turns`).
    """

    question_id: str = ""
    events: tuple[Event, ...] = ()
    blobs: tuple[bytes, ...] = ()
    hold: str = ""
    forget: bool = False
    counts: str = ""


class NotYet(Exception):
    """The input refers to something that is still being recorded; it will make sense shortly."""


class Reader(Protocol):
    """Turns one kind of raw input into its meaning."""

    async def __call__(self, item: RawInput) -> Reading:
        """Read an input. Raises :class:`NotYet`, or anything for an input that can't be read."""


class Task(Protocol):
    """A stored effect, as its performer sees it. ``started``: an earlier try may have been accepted."""

    @property
    def id(self) -> int:
        """Its row."""

    @property
    def key(self) -> str:
        """Its unique key."""

    @property
    def effect(self) -> Effect:
        """What to do."""

    @property
    def body(self) -> bytes | None:
        """The final bytes of a mail, once they are fixed."""

    @property
    def started(self) -> bool:
        """Whether an earlier try may have reached the peer."""

    @property
    def room(self) -> str:
        """The room of the question that it is about, if that is known already; else empty."""

    @property
    def suppressed(self) -> str:
        """Why nothing is sent to its address (a status of RFC 3463, or ``stopped``); empty when mails are."""

    @property
    def handing_over(self) -> bool:
        """Whether an earlier try of a mail ended without the server's reply to its body."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What performing brought: a result to look up by the effect's key, names, and events to decide on.

    ``rooms`` are room IDs by key, ``anchors`` questions by event ID, ``cards`` kept messages by room key,
    ``mentions`` the questions that what was said is of, where the effect belongs to none;
    events are for ``question_id``.
    """

    result: Json = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)
    anchors: dict[str, str] = field(default_factory=dict)
    cards: dict[str, str] = field(default_factory=dict)
    mentions: tuple[str, ...] = ()
    question_id: str = ""
    events: tuple[Event, ...] = ()


class Availability(Protocol):
    """Who is away or wants no reminders, and which question a bot chat's command is about."""

    async def is_quiet(self, user_id: str, scopes: Sequence[str]) -> bool:
        """Whether they are away, or want no reminder of any of these now."""

    async def set_mute(self, user_id: str, scope: str, until: float) -> None:
        """Note until when they want no reminders of this (0: they do)."""

    async def set_away(self, user_id: str, until: float, cause: str) -> int:
        """Note until when they are away (0: they aren't), let their open questions know, count these."""

    async def depart(self, user_id: str, reason: str, cause: str) -> int:
        """Let the questions of someone who is gone (``left``: those that are over, too) know; count them."""

    async def question_named(self, user_id: str, reference: str) -> str | None:
        """The question with this reference that concerns them."""

    async def only_question(self, user_id: str, command: str) -> str | None:
        """The question that a command without a reference must be about."""


class Names(Protocol):
    """What performers and readers may look up of what is stored."""

    async def room_id(self, key: str) -> str | None:
        """The Matrix room ID of one of our rooms."""

    async def room_key(self, room_id: str) -> str | None:
        """Which of our rooms has this room ID."""

    async def in_room(self, room_id: str) -> tuple[str | None, Question | None]:
        """The same, with the question whose room it is or was, as that is now."""

    async def rooms_of(self, kind: str) -> dict[str, str]:
        """All our rooms of one kind (how their keys begin), room IDs by key."""

    async def remember(self, key: str, room_id: str) -> None:
        """Note the room ID of one of our rooms."""

    async def anchored(self, event_id: str) -> str | None:
        """The question a card stands for."""

    async def offering(self, user_id: str) -> bool:
        """Whether an offer to someone is not yet recorded as made."""

    async def card(self, room_key: str) -> str | None:
        """The message that is kept edited in this room."""

    async def result(self, key: str) -> Json | None:
        """What an effect brought, or ``None`` while it hasn't been performed."""

    async def blob(self, digest: str) -> bytes | None:
        """Kept bytes by their SHA-256."""

    async def handing_over(self, task_id: int, body: bytes) -> None:
        """Note that the mail server is about to get a mail's body: from now on its bytes are fixed."""

    async def not_taken(self, task_id: int) -> None:
        """Note that the mail server refused the body it was offered."""

    async def sent(self, question_id: str) -> dict[str, list[Sent]]:
        """The lines of a question's owners as they left, in order, by the event they came from."""

    async def planned(self, key: str) -> bool:
        """Whether an effect is still to be performed."""

    async def followed(self, task_id: int) -> bool:
        """Whether another effect waits in the lane of this one."""

    async def waiting(self, group: str) -> int:
        """How many questions of a group wait."""

    async def listing(self, group: str, question_id: str) -> int:
        """The generation of the group's listing that names this question."""

    async def take_events(self, events: Sequence[Json]) -> None:
        """Take Matrix events into the inbox, as a transaction would; known ones change nothing."""

    async def question(self, question_id: str) -> Question | None:
        """A question as it is now."""

    async def question_of_token(self, token: str) -> str | None:
        """The question whose reply address carries this token."""
