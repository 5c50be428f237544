"""Proposes changes of groups in an administrator's bot chat, and makes those that they agree to.

A proposal lives in its own message: it needs no place in the database, survives a restart, and can be
agreed to through any process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.domain.administration import YES, Act, GroupOrder, understood
from bridge.domain.effects import Phrase
from bridge.domain.house import Administer, Agree
from bridge.domain.organisation import Organisation
from bridge.matrix import rooms
from bridge.matrix.botchat import BotChat
from bridge.matrix.outlet import Handlers, Outlet, lines
from bridge.ports import Clock, Json, Outcome, Task

PROPOSAL = "org.colloque.proposal"
"""In a message of the bot's: the change that it proposes, or which proposal it answers."""
DONE = "answers"
VALID_S = 3600.0
LOOK_BACK = 50


class Office(Protocol):
    """Where the organisation's file is. Raises port errors only."""

    async def preview(self, order: GroupOrder) -> Sequence[Phrase]:
        """What this would change, read from the file and from Matrix; nothing is written."""

    async def possible(self, order: GroupOrder) -> Phrase | None:
        """Why it can't be done to the file as it is; ``None`` if it can."""

    async def make(self, order: GroupOrder, by: str) -> Phrase | None:
        """Write it into the file, note who wanted it, and have it applied. Returns why it isn't."""


@dataclass(frozen=True, slots=True)
class Administration:
    """Performs :class:`Administer` and :class:`Agree`."""

    outlet: Outlet
    organisation: Organisation
    office: Office
    clock: Clock

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {Administer: self.propose, Agree: self.agree}

    async def propose(self, task: Task, effect: Administer) -> Outcome:
        """Tell what the change would mean; it waits for a yes."""
        order = understood(self.organisation, effect.words, effect.html)
        if isinstance(order, Phrase):
            return await self._say(task, effect, (order,), {})
        if (refusal := await self.office.possible(order)) is not None:
            return await self._say(task, effect, (refusal,), {})
        phrases = (self._named("admin", order), *await self.office.preview(order), Phrase("admin.agree", {}))
        proposal = {"act": order.act.value, "group": order.group, "user_id": order.user_id}
        said = await self._say(task, effect, phrases, proposal)
        target = str((said.result or {})["event_id"])
        room_id, _ = await BotChat(self.outlet).room(effect.user_id, effect.language)
        relation = {"m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": YES}}
        await self.outlet.send(
            room_id, relation, key=f"{task.key}:yes", doubtful=task.started, event_type="m.reaction"
        )
        return said

    async def agree(self, task: Task, effect: Agree) -> Outcome:
        """Make the change that was proposed in this message, or last, if it is fresh and not made yet."""
        proposal, order = await self._proposed(task, effect)
        if order is None:
            if effect.proposal and not proposal:
                return Outcome()  # a mark on something that proposes nothing
            return await self._say(task, effect, (Phrase("admin.nothing_proposed", {}),), {})
        if effect.user_id not in self.organisation.admins:
            return await self._say(task, effect, (Phrase("admin.only", {}),), {})
        refusal = await self.office.possible(order)
        if refusal is not None and not (task.started and refusal.text == "admin.already"):
            return await self._say(task, effect, (refusal,), {DONE: proposal})
        if refusal is None and (refused := await self.office.make(order, effect.user_id)) is not None:
            return await self._say(task, effect, (refused,), {DONE: proposal})
        return await self._say(task, effect, (self._named("admin.done", order),), {DONE: proposal})

    async def _proposed(self, task: Task, effect: Agree) -> tuple[str, GroupOrder | None]:
        """The message that proposes what is agreed to, and what may still be done of it."""
        room_id, _ = await BotChat(self.outlet).room(effect.user_id, effect.language)
        events, _ = await self.outlet.homeserver.messages(room_id, limit=LOOK_BACK)
        over: set[object] = set()
        for event in events:
            content = event.get("content", {})
            said = content.get(PROPOSAL)
            ours = event.get("sender") == self.outlet.place.bot and isinstance(said, dict)
            if not ours or content.get(rooms.KEY) == rooms.txn_id(task.key):
                continue  # also our own answer, from a try that was cut off
            over.add(said.get(DONE))
            if "act" in said and effect.proposal in ("", event["event_id"]):
                age = self.clock.now().timestamp() - float(event["origin_server_ts"]) / 1000
                valid = age <= VALID_S and event["event_id"] not in over
                return event["event_id"], _read(said) if valid else None
        return "", None

    def _named(self, section: str, order: GroupOrder) -> Phrase:
        group, person = self.organisation.group(order.group), self.organisation.practitioner(order.user_id)
        name = "admin.done" if section == "admin.done" else f"admin.{order.act.value}"
        values = {"group": group.name if group else order.group}
        if section != "admin.done" and order.user_id:
            values["person"] = f"{person.name} ({order.user_id})" if person else order.user_id
        return Phrase(name, values)

    async def _say(
        self, task: Task, effect: Administer | Agree, phrases: Sequence[Phrase], proposal: Json
    ) -> Outcome:
        room_id, made = await BotChat(self.outlet).room(effect.user_id, effect.language)
        content = rooms.words(lines(effect.language, phrases), notice=True) | {PROPOSAL: proposal}
        event_id = await self.outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome(result={"event_id": event_id}, rooms=made)


def _read(proposal: Json) -> GroupOrder | None:
    try:
        return GroupOrder(Act(proposal["act"]), str(proposal["group"]), str(proposal["user_id"]))
    except (KeyError, TypeError, ValueError):
        return None
