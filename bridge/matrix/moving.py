"""A question's moves in Matrix: who may write, who is let in or out, what is listed, which marks go."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain import effects as fx
from bridge.domain.moves import Speaking
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Outcome, Permanent, Task

INSIDE = ("join", "invite", "knock")


@dataclass(frozen=True, slots=True)
class Moving:
    """Performs what closing, releasing, handing over and widening need, besides what a new question does."""

    outlet: Outlet

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.SetSpeaking: self.set_speaking,
            fx.Widen: self.widen,
            fx.Unlist: self.unlist,
            fx.ClearMark: self.clear_mark,
            fx.CloseFormer: self.close_former,
        }

    async def set_speaking(self, _task: Task, effect: fx.SetSpeaking) -> Outcome:
        """One power-level event."""
        place = self.outlet.place
        room_id = await self.outlet.room(f"question:{effect.question_id}")
        levels = rooms.power_levels(
            bot=place.bot,
            ghost=place.ghost(effect.ghost),
            room_version=await self.outlet.earlier(f"{effect.stem}:create", "room_version"),
            owner=effect.owner or None,
            locked=True,
            closed=effect.speaking is not Speaking.OWNER,
        )
        await self.outlet.homeserver.put_state(room_id, "m.room.power_levels", "", levels)
        return Outcome()

    async def widen(self, _task: Task, effect: fx.Widen) -> Outcome:
        """Let further members join."""
        room_id = await self.outlet.room(f"question:{effect.question_id}")
        spaces = [await self.outlet.room(f"group:{group}") for group in effect.groups]
        content = rooms.restricted_to(*spaces)
        await self.outlet.homeserver.put_state(room_id, "m.room.join_rules", "", content)
        return Outcome()

    async def unlist(self, _task: Task, effect: fx.Unlist) -> Outcome:
        """Take the room out of the space that lists it; a space that is gone lists nothing."""
        room_id = await self.outlet.room(effect.room)
        generation = await self.outlet.names.listing(effect.group, effect.stem)
        key = f"group:{effect.group}" if generation <= 1 else f"listing:{effect.group}:{generation}"
        space = await self.outlet.names.room_id(key)
        if space is not None:
            await self.outlet.homeserver.put_state(space, "m.space.child", room_id, {})
        return Outcome()

    async def clear_mark(self, _task: Task, effect: fx.ClearMark) -> Outcome:
        """Redact a reaction of the bot; one that was never put, or went with its message, is no matter."""
        put = await self.outlet.names.result(effect.sent)
        if put is None or "event_id" not in put:
            return Outcome()
        room_id = await self.outlet.room(effect.room)
        try:
            await self.outlet.homeserver.redact(room_id, put["event_id"], txn_id=rooms.txn_id(effect.key))
        except Permanent:
            return Outcome(result={"gone": True})
        return Outcome()

    async def close_former(self, _task: Task, effect: fx.CloseFormer) -> Outcome:
        """Nobody writes in a room that the question has left, and nobody stays."""
        place, homeserver = self.outlet.place, self.outlet.homeserver
        room_id = await self.outlet.room(effect.former)
        reason = text(effect.language, f"bot.{effect.message}", **effect.values)
        kept = {place.bot, place.ghost(effect.ghost)}
        for member in await homeserver.members(room_id):
            if member.membership in INSIDE and member.user_id not in kept:
                await homeserver.kick(room_id, member.user_id, reason=reason)
        return Outcome()
