"""Has the homeserver forget a question: its rooms and files, and what stands of it in other rooms.

With the administration API rooms and files are deleted for good. Without it everything that says
something is redacted, everyone is removed and the room forgotten: what the homeserver itself still
keeps of that, and for how long, is in docs/data-protection.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from bridge.matrix.asked import asked_alias
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Place
from bridge.matrix.rooms import txn_id
from bridge.matrix.synapse import SynapseAdmin
from bridge.ports import Json, Names, Permanent, Remains

GONE = ("M_FORBIDDEN", "M_NOT_FOUND", "M_UNKNOWN")
"""What a homeserver says of a room or event that it has forgotten, or that we were removed from."""
SAYS_NOTHING = ("m.room.create", "m.room.power_levels", "m.room.join_rules", "m.room.history_visibility")
PAGE, MAX_PAGES = 100, 500


@dataclass(frozen=True, slots=True)
class MatrixForgetting:
    """The :class:`bridge.ports.Forgetting` of one homeserver."""

    homeserver: MatrixClient
    names: Names
    place: Place
    admin: SynapseAdmin | None

    async def forget(self, remains: Remains) -> None:
        """Remove rooms, media and single events; what is gone already is fine."""
        await self._unlist(remains)
        await self.redact(remains.mentions)
        ghost = self.place.ghost(remains.ghost)
        for number, room_id in enumerate(remains.rooms, start=1):
            if self.admin is not None:
                await self.admin.delete_media_in(room_id)
                await self.admin.delete_room(room_id)
            else:
                await self._empty(room_id, ghost)
            name = f"q_{remains.question_id}" + (f"_{number}" if number > 1 else "")
            await self.homeserver.remove_alias(f"#{self.place.alias(name)}:{self.place.domain}")
        asked = self.place.alias(asked_alias(remains.question_id))
        await self.homeserver.remove_alias(f"#{asked}:{self.place.domain}")
        if self.admin is not None:
            await self.admin.delete_media_of(ghost)
            await self.admin.deactivate(ghost)

    async def redact(self, events: Sequence[tuple[str, str]]) -> None:
        """Take single events back, and first the files in those of the bot, as transcripts are."""
        for room_id, event_id in events:
            with _gone_is_fine():
                await self._drop_file(room_id, event_id)
                await self.homeserver.redact(room_id, event_id, txn_id=txn_id(f"erase:{event_id}"))

    async def _drop_file(self, room_id: str, event_id: str) -> None:
        if self.admin is None:
            return
        event = await self.homeserver.event(room_id, event_id)
        mxc = str(event.get("content", {}).get("url", ""))
        if event.get("sender") == self.place.bot and mxc.startswith(f"mxc://{self.place.domain}/"):
            await self.admin.delete_media(mxc)

    async def _unlist(self, remains: Remains) -> None:
        for key in remains.spaces:
            space = await self.names.room_id(key)
            for room_id in remains.rooms:
                if space is not None and await self._lists(space, room_id):
                    await self.homeserver.put_state(space, "m.space.child", room_id, {})

    async def _lists(self, space: str, room_id: str) -> bool:
        return bool(await self.homeserver.state_event(space, "m.space.child", room_id))

    async def _empty(self, room_id: str, ghost: str) -> None:
        """Redact what says something, remove everyone, and leave."""
        with _gone_is_fine():
            async for event in self._said(room_id):
                await self.redact([(room_id, event["event_id"])])
            for member in await self.homeserver.members(room_id):
                if member.membership in ("join", "invite") and member.user_id not in (self.place.bot, ghost):
                    await self.homeserver.kick(room_id, member.user_id)
            for user in (ghost, self.place.bot):
                await self.homeserver.leave(room_id, as_user=user)
                await self.homeserver.forget(room_id, as_user=user)

    async def _said(self, room_id: str) -> AsyncIterator[Json]:
        events, start = await self.homeserver.newest(room_id, PAGE)
        for _ in range(MAX_PAGES):
            for event in events:
                empty = not event.get("content") or "redacted_because" in event.get("unsigned", {})
                if event["type"] not in SAYS_NOTHING and not empty:
                    yield event
            if not events or start is None:
                return
            events, start = await self.homeserver.messages(room_id, start=start, limit=PAGE)


@contextlib.contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except Permanent as error:
        if error.code not in GONE:
            raise
