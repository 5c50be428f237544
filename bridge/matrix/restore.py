"""Finds and repairs what someone changed in a question room: an admin's tool, a lost event, a mistake."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain import effects as fx
from bridge.domain.state import Question
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.drift import OPEN_TO_GROUP, differences, intruders, wanted_state
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Outcome, Task


def settled(question: Question) -> bool:
    """Whether the room should be as the question says: during a claim it is on its way."""
    return question.sealed or question.status in OPEN_TO_GROUP


@dataclass(frozen=True, slots=True)
class Restorer:
    """Compares question rooms with their questions."""

    outlet: Outlet

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {fx.Restore: self.restore}

    async def problems(self, question: Question) -> tuple[str, ...]:
        """What is wrong with this question's room now. Raises port errors."""
        room_id = await self.outlet.room(question.room)
        state = await self.outlet.homeserver.state(room_id)
        others = ("members",) if intruders(state, question, self.outlet.place) else ()
        return differences(state, await self._wanted(question)) + others

    async def _wanted(self, question: Question) -> dict[str, Json]:
        return wanted_state(
            question,
            self.outlet.place,
            room_version=await self.outlet.earlier(f"{question.stem}:create", "room_version"),
            spaces=[await self.outlet.room(f"group:{group}") for group in question.groups],
        )

    async def restore(self, task: Task, effect: fx.Restore) -> Outcome:
        """Bring the room back, and say so in it."""
        question = await self.outlet.names.question(effect.question_id)
        if question is None or not settled(question):
            return Outcome()
        room_id = await self.outlet.room(question.room)
        homeserver = self.outlet.homeserver
        state = await homeserver.state(room_id)
        wanted = await self._wanted(question)
        for kind in differences(state, wanted):
            await homeserver.put_state(room_id, kind, "", wanted[kind])
        reason = text(effect.language, "bot.removed", owner=question.owner_name)
        for user_id in intruders(state, question, self.outlet.place):
            await homeserver.kick(room_id, user_id, reason=reason)
        content = rooms.words(text(effect.language, "bot.restored"), notice=True)
        if question.status in OPEN_TO_GROUP:
            content |= rooms.anchored_to(await self.outlet.earlier(f"{question.stem}:ghost"))
        await self.outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome()
