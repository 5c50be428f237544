"""Unread counts of waiting rooms are made right again, where we may act as their readers.

A homeserver sums its counts up now and then (Synapse: every 30 seconds), and doesn't take off a sum what is
withdrawn later: a card that went would stay counted until its reader opens the room. A receipt makes it count
anew. Ours is private, so nobody else learns of it, and ends before the first thing that its reader has not
seen and that still stands there: nothing that waits is ever marked as read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.house import CorrectCounts
from bridge.matrix.acting import Acting, Unread
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Outcome, Task, Temporary

PAGES = 5
PAGE = 100
"""How far back is looked for what somebody read last."""

COUNTED_ANEW_MS = 20 * 3600 * 1000
"""What is older may no more be among what a homeserver counts anew (Synapse keeps it for a day)."""

SILENT = ("m.reaction", "m.room.redaction")


@dataclass(frozen=True, slots=True)
class Timeline:
    """A room's latest events, oldest first; ``whole``: they are all there are."""

    events: tuple[Json, ...]
    whole: bool

    def read_up_to(self, user_id: str, receipts: Sequence[str]) -> int | None:
        """The place of what somebody has read last, at least their coming; ``None`` if it is too far back."""
        known = [
            place
            for place, event in enumerate(self.events)
            if event["event_id"] in receipts or _joins(event, user_id)
        ]
        return max(known, default=-1 if self.whole else None)

    def before_unseen(self, read: int, count: int) -> str:
        """The event up to which a receipt hides nothing and makes a wrong ``count`` right; empty if none.

        Where something unseen stands, it goes one event further only: each next card that goes out of turn
        needs a receipt that is newer than the last one.
        """
        unseen = [place for place in range(read + 1, len(self.events)) if _counts(self.events[place])]
        if count <= len(unseen):
            return ""
        if not unseen:
            return str(self.events[-1]["event_id"])
        first = unseen[0]
        age = self.events[-1]["origin_server_ts"] - self.events[first]["origin_server_ts"]
        step = min(read + 1, first - 1)
        return str(self.events[step]["event_id"]) if step >= 0 and age < COUNTED_ANEW_MS else ""


def _joins(event: Json, user_id: str) -> bool:
    return (
        event.get("type") == "m.room.member"
        and event.get("state_key") == user_id
        and event["content"].get("membership") == "join"
    )


def _counts(event: Json) -> bool:
    """Whether an event may be among the unread: all that isn't known to be silent, or withdrawn."""
    if event["type"] == "m.room.tombstone":
        return True
    if "state_key" in event or event["type"] in SILENT or not event["content"]:
        return False
    return bool(event["content"].get("msgtype") != "m.notice")


@dataclass(frozen=True, slots=True)
class Badges:
    """Performs :class:`bridge.domain.house.CorrectCounts`."""

    outlet: Outlet
    acting: Acting | None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {CorrectCounts: self.correct}

    async def correct(self, task: Task, effect: CorrectCounts) -> Outcome:
        """Look at each reader's count, unless another card of the group went meanwhile: that one looks."""
        if self.acting is None or await self.outlet.names.followed(task.id):
            return Outcome()
        if await self.outlet.names.result(effect.after) is None:
            raise Temporary("the card still stands there")
        room_id = await self.outlet.room(f"waiting:{effect.group}")
        timeline, marked = await self._timeline(room_id), 0
        for member in await self.outlet.homeserver.members(room_id):
            if member.membership != "join" or self.outlet.place.is_ours(member.user_id):
                continue
            unread = await self.acting.unread(room_id, member.user_id)
            event_id = _wrong(timeline, member.user_id, unread)
            if event_id:
                marked += await self.acting.mark(room_id, member.user_id, event_id)
        return Outcome(result={"marked": marked})

    async def _timeline(self, room_id: str) -> Timeline:
        found: list[Json] = []
        start: str | None = None
        for _ in range(PAGES):
            events, start = await self.outlet.homeserver.messages(room_id, start=start, limit=PAGE)
            found += events
            if not events or start is None:
                return Timeline(tuple(reversed(found)), whole=True)
        return Timeline(tuple(reversed(found)), whole=False)


def _wrong(timeline: Timeline, user_id: str, unread: Unread | None) -> str:
    """Where a receipt of this reader makes a wrong count right; empty where it is right, or can't be."""
    if unread is None or not unread.count:
        return ""
    read = timeline.read_up_to(user_id, unread.receipts)
    return "" if read is None else timeline.before_unseen(read, unread.count)
