"""The bot is asked into a room that people made in their client.

A direct chat of two practitioners gets its place in the personal spaces of both, and stays theirs: the bot
changes nothing in it, and what is said there isn't kept. Where the bot is of no use, above all where it
could not read, it says so in plain words, names its own chat, and leaves.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from html import escape

from bridge.domain import house
from bridge.domain import organisation as org
from bridge.domain.house import Section
from bridge.domain.plan import bot_chat_alias
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.acting import Acting
from bridge.matrix.botchat import BotChat
from bridge.matrix.encryption import is_encrypted
from bridge.matrix.guests import INSIDE, Admission
from bridge.matrix.house import GONE, House
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Outcome, Permanent, Task


@dataclass(frozen=True, slots=True)
class Invited:
    """Performs :class:`bridge.domain.house.Welcome`."""

    outlet: Outlet
    organisation: org.Organisation
    acting: Acting | None = None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {house.Welcome: self.welcome}

    async def welcome(self, task: Task, effect: house.Welcome) -> Outcome:
        """Go in, look, and stay only where that is of use."""
        homeserver, room_id = self.outlet.homeserver, effect.room_id
        if effect.guest:
            return await Admission(self.outlet).admit(task, effect)
        if effect.unknown:
            with contextlib.suppress(Permanent):  # it may be withdrawn
                await homeserver.leave(room_id)
            return Outcome(result={"found": "unknown"})
        try:
            await homeserver.join(room_id)
            state = await homeserver.state(room_id)
        except Permanent:  # withdrawn meanwhile, or an earlier try has left again
            return Outcome(result={"found": "shut"})
        found, key = await self._found(effect, state)
        if not key:
            made = await self._own_chat(effect)
            await self._say(task, effect, f"house.{found}")
            await homeserver.leave(room_id)
            return Outcome(result={"found": found}, rooms=made)
        await self.outlet.names.remember(key, room_id)
        for user_id in key.partition(":")[2].split("|"):
            await House(self.outlet, self.organisation, self.acting).show(task, user_id, Section.PRIVATE, key)
        await self._say(task, effect, f"house.{found}")
        return Outcome(result={"found": found})

    async def _found(self, effect: house.Welcome, state: list[Json]) -> tuple[str, str]:
        """What kind of room this is, and the key that it gets if it is a direct chat of two colleagues."""
        if is_encrypted(state):
            return "encrypted", ""
        inside = {
            str(event.get("state_key"))
            for event in state
            if event.get("type") == "m.room.member" and event.get("content", {}).get("membership") in INSIDE
        }
        others = inside - {self.outlet.place.bot, effect.user_id}
        if not others:
            return "with_bot", ""
        (other, *more) = others
        if more or effect.user_id not in inside or self.organisation.practitioner(other) is None:
            return "of_no_use", ""
        names = self.outlet.names
        key = house.direct_key(effect.user_id, other)
        known = await names.room_id(house.private_key(effect.user_id, other)) or await names.room_id(key)
        return ("direct", key) if known in (None, effect.room_id) else ("second", "")

    async def _own_chat(self, effect: house.Welcome) -> dict[str, str]:
        """The bot chat is open to whoever left it."""
        room_id, made = await BotChat(self.outlet).room(effect.user_id, effect.language)
        member = await self.outlet.homeserver.state_event(room_id, "m.room.member", effect.user_id)
        if str((member or {}).get("membership", "")) in GONE:
            await self.outlet.homeserver.invite(room_id, effect.user_id)
        return made

    async def _say(self, task: Task, effect: house.Welcome, message: str) -> None:
        place = self.outlet.place
        alias = f"#{bot_chat_alias(place.namespace, effect.user_id)}:{place.domain}"
        link = f"https://matrix.to/#/{alias}?via={place.domain}"
        said = text(effect.language, message)
        html = (
            f'{escape(said)} <a href="{escape(link)}">{escape(text(effect.language, "names.bot_chat"))}</a>'
        )
        try:
            await self.outlet.send(
                effect.room_id,
                rooms.words(f"{said} {link}", html, notice=True),
                key=task.key,
                doubtful=task.started,
            )
        except Permanent:  # not everyone may write there
            return
