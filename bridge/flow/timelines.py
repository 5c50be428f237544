"""Compares rooms with the homeserver's timeline: what it lost enters the inbox, in its place.

A homeserver that restarts with a transaction under way loses those events, and may send later ones
all the same. So a person's event in a question room is decided only when everything before it in the
room is known to have come, which one look at the newest page of the room tells; and rooms in doubt
are compared though nothing comes.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

import structlog

from bridge.flow.streams import Streams
from bridge.ports import Clock, Homeserver, Json, Names, Permanent, RawInput, Temporary
from bridge.storage import timeline
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.database import Database

log = structlog.get_logger()

AWAY_S = 1.0
"""When to look again whether the homeserver can be asked, or shows an event."""
SHOWN_S = 5.0
"""So long after it came, an event may not be shown in its room: one part of a homeserver tells us of it, and
another one, which is asked, may be behind."""
PATIENCE_S = 60.0
"""How long a person's words wait for that: then a mail goes out rather than wait for the homeserver. Failures
further apart than that are of two outages."""
FIRST_PAGE, PAGE, MAX_PAGES = 20, 100, 50
REMEMBERED = 1000
"""Rooms whose newest page is remembered, so that a burst of messages takes one look."""


class Completeness(Enum):
    """Whether an event may be decided."""

    COMPLETE = "everything before it was there"
    CHANGED = "something before it was missing: the room's next input is another one now"
    UNKNOWN = "the homeserver can't be asked now, or doesn't show the event yet"
    UNSURE = "it has waited long enough for that"


@dataclass(slots=True)
class Timelines:
    """What the homeserver has, against what came. ``own`` is the prefix and server of our ghosts."""

    database: Database
    homeserver: Homeserver
    names: Names
    clock: Clock
    bot: str
    ghosts: tuple[str, str]
    streams: Streams = field(default_factory=Streams)
    found: int = 0
    """How many lost events were found."""
    _seen: OrderedDict[str, frozenset[str]] = field(default_factory=OrderedDict)
    _unanswered: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By room, the first and the last time in a row that the homeserver could not be asked."""

    async def complete(self, item: RawInput) -> Completeness:
        """Whether everything before this event has come; what hasn't is put before it."""
        event: Json = json.loads(item.payload)
        room_id, event_id = item.conversation, event.get("event_id") if isinstance(event, dict) else None
        if not isinstance(event_id, str) or not self._is_said(event):
            return Completeness.COMPLETE
        if event_id in self._seen.get(room_id, ()) or self.streams.whole(room_id, event_id):
            return Completeness.COMPLETE
        if not (await self.names.room_key(room_id) or "").startswith(("question:", "asked:")):
            return Completeness.COMPLETE
        came_by = self.streams.came_by(event_id)
        try:
            changed = await self.compare(room_id, before=True)
        except Temporary:
            waited_s = self._unanswered_for(room_id, item.received_at)
            return Completeness.UNKNOWN if waited_s < PATIENCE_S else Completeness.UNSURE
        self._unanswered.pop(room_id, None)
        if shown := event_id in self._seen.get(room_id, ()):
            self.streams.complete(room_id, came_by)
        if shown or changed:
            return Completeness.CHANGED if changed else Completeness.COMPLETE
        log.info("timeline.not_shown")
        since_s = self.clock.now().timestamp() - item.received_at
        return Completeness.UNKNOWN if since_s < SHOWN_S else Completeness.UNSURE

    def _unanswered_for(self, room_id: str, received_at: float) -> float:
        """How long something has waited for the homeserver, in seconds: not for its turn, or for us."""
        now = self.clock.now().timestamp()
        first, last = self._unanswered.get(room_id, (now, now))
        first = first if now - last < PATIENCE_S else now
        self._unanswered[room_id] = (first, now)
        return now - max(first, received_at)

    async def compare(self, room_id: str, *, before: bool = False, note: bool = False) -> bool:
        """Take what hasn't come of a room; returns whether its order changed. Raises ``Temporary``.

        ``before``: it is about what comes before an event that came, which a homeserver shows.
        ``note`` keeps how far that went, so that the next comparison ends there.
        """
        try:
            events, reached = await self._new_events(room_id, before)
        except Permanent as error:
            # Removed from the room, or the room is gone: there is nothing left to compare with.
            log.warning("timeline.unreadable", code=error.code)
            return False
        newest = events[-1]["event_id"] if events else reached
        arrivals = matrix_arrivals([event for event in events if self._is_foreign(event)])
        async with self.database.reading() as connection:
            gaps = await timeline.gaps(connection, arrivals)
        if gaps or (note and newest != reached):
            async with self.database.transaction() as connection:
                gaps = await timeline.close(connection, arrivals, self.clock.now().timestamp())
                if newest is not None:
                    await timeline.note_compared(connection, room_id, newest)
        if gaps:
            log.info("timeline.gap", missing=len(gaps.missing), moved=len(gaps.moves))
        self.found += len(gaps.missing)
        self._remember(room_id, events)
        return bool(gaps)

    async def _new_events(self, room_id: str, before: bool) -> tuple[list[Json], str | None]:
        """Everything since what is known to be complete, and some before it, oldest first."""
        async with self.database.reading() as connection:
            reached = await timeline.compared_up_to(connection, room_id)
        page, start = await (
            self.homeserver.messages(room_id, limit=FIRST_PAGE)
            if before
            else self.homeserver.newest(room_id, FIRST_PAGE)
        )
        events = page
        for _ in range(MAX_PAGES):
            if not page or start is None or await self._complete_before(page, reached):
                break
            page, start = await self.homeserver.messages(room_id, start=start, limit=PAGE)
            events = events + page
        else:
            log.warning("timeline.long", pages=MAX_PAGES)
        return [event | {"room_id": room_id} for event in reversed(events)], reached

    async def _complete_before(self, page: list[Json], reached: str | None) -> bool:
        if any(event["event_id"] == reached or event.get("type") == "m.room.create" for event in page):
            return True
        said = [event["event_id"] for event in page if self._is_said(event)]
        async with self.database.reading() as connection:
            return await timeline.any_decided(connection, said)

    def _is_said(self, event: Json) -> bool:
        """Whether a person said or did this, other than changing the room's state."""
        return "state_key" not in event and self._is_foreign(event)

    def _is_foreign(self, event: Json) -> bool:
        """Whether this isn't from the bot or a ghost: nothing waits for the echo of our own events."""
        sender = event.get("sender")
        prefix, server = self.ghosts
        return (
            isinstance(sender, str)
            and sender != self.bot
            and not (sender.startswith(prefix) and sender.endswith(server))
        )

    def _remember(self, room_id: str, events: list[Json]) -> None:
        self._seen[room_id] = frozenset(event["event_id"] for event in events)
        self._seen.move_to_end(room_id)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
