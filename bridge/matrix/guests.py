"""People from outside the organisation who ask on Matrix: who is welcome, and into which room the bot goes.

A guest's own unencrypted chat with the bot becomes theirs for asking. Where the bot can't read, or others
listen, it opens a chat of its own, says so in clear, and leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape

from bridge.domain.commands import TABLE
from bridge.domain.drafting import Fresh
from bridge.domain.house import Welcome
from bridge.domain.plan import bot_chat_alias
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.botchat import bot_chat
from bridge.matrix.encryption import is_encrypted
from bridge.matrix.links import link_to, room_link
from bridge.matrix.outlet import Outlet
from bridge.matrix.parse import CONTENT_TYPES
from bridge.ports import Json, Outcome, Permanent, Task

INSIDE = ("join", "invite")


@dataclass(frozen=True, slots=True)
class Guests:
    """Who from outside may ask (by their server), how they are called in a room, and names for a question."""

    servers: frozenset[str]
    called: Callable[[str, str], Awaitable[str]]
    fresh: Callable[[], Fresh]

    def welcome(self, user_id: str) -> bool:
        """Whether this person may ask."""
        return user_id.partition(":")[2] in self.servers


@dataclass(frozen=True, slots=True)
class Admission:
    """Answers the invitation of a guest."""

    outlet: Outlet

    async def admit(self, task: Task, effect: Welcome) -> Outcome:
        """Stay where the two of us are alone and can read; else say where we can talk, and leave."""
        homeserver, room_id, key = self.outlet.homeserver, effect.room_id, f"bot:{effect.user_id}"
        known = await self.outlet.names.room_id(key)
        other = (
            known if known not in (None, room_id) and await self._is_in(str(known), effect.user_id) else ""
        )
        if not other:
            # Known before we are in: what is said from then on is theirs to say.
            await self.outlet.names.remember(key, room_id)
        try:
            await homeserver.join(room_id)
            state = await homeserver.state(room_id)
        except Permanent:  # withdrawn meanwhile, or an earlier try has left again
            return Outcome(result={"found": "shut"})
        encrypted, crowded = is_encrypted(state), bool(self._others(state, effect.user_id))
        if other or encrypted or crowded:
            found = "encrypted" if encrypted else "of_no_use" if crowded else "with_bot"
            link = room_link(self.outlet.place, other) if other else await self._own_chat(task, effect)
            await self._point(task, effect, found, link)
            await homeserver.leave(room_id)
            return Outcome(result={"found": found})
        if not await self._take_up(room_id, effect.user_id):
            await self._hello(room_id, task, effect)
        return Outcome(result={"found": "guest"})

    async def _is_in(self, room_id: str, user_id: str) -> bool:
        try:
            member = await self.outlet.homeserver.state_event(room_id, "m.room.member", user_id)
        except Permanent:  # we aren't in it any more
            return False
        return (member or {}).get("membership") in INSIDE

    def _others(self, state: list[Json], user_id: str) -> set[str]:
        inside = {
            str(event.get("state_key"))
            for event in state
            if event.get("type") == "m.room.member" and event.get("content", {}).get("membership") in INSIDE
        }
        return inside - {self.outlet.place.bot, user_id}

    async def _take_up(self, room_id: str, user_id: str) -> bool:
        """What they said before we came counts, too; the homeserver didn't send it. Whether there was any."""
        page, _ = await self.outlet.homeserver.messages(room_id)
        said = [event for event in page if event["sender"] == user_id and event["type"] in CONTENT_TYPES]
        await self.outlet.names.take_events([event | {"room_id": room_id} for event in said[::-1]])
        return bool(said)

    async def _own_chat(self, task: Task, effect: Welcome) -> str:
        """A chat of our making, in which nobody can turn encryption on; returns a link to it."""
        place, language = self.outlet.place, effect.language
        content = bot_chat(
            alias=bot_chat_alias(place.namespace, effect.user_id),
            name=text(language, "names.bot_chat"),
            user_id=effect.user_id,
            bot=place.bot,
            room_version=place.room_version,
        )
        room_id = await self.outlet.homeserver.create_room(content)
        await self.outlet.names.remember(f"bot:{effect.user_id}", room_id)
        if not await self._is_in(room_id, effect.user_id):
            await self.outlet.homeserver.invite(room_id, effect.user_id)
        await self._hello(room_id, task, effect)
        return link_to(place, bot_chat_alias("", effect.user_id))

    async def _hello(self, room_id: str, task: Task, effect: Welcome) -> None:
        language = effect.language
        words = {spec.name: spec.word(language) for spec in TABLE if spec.name in ("send", "cancel")}
        said = text(language, "asking.hello", **words)
        await self.outlet.send(room_id, rooms.words(said), key=f"{task.key}:hello", doubtful=task.started)

    async def _point(self, task: Task, effect: Welcome, found: str, link: str) -> None:
        said, label = text(effect.language, f"house.{found}"), text(effect.language, "names.bot_chat")
        html = f'{escape(said)} <a href="{escape(link)}">{escape(label)}</a>'
        content = rooms.words(f"{said} {link}", html, notice=True)
        await self.outlet.send(effect.room_id, content, key=task.key, doubtful=task.started)
