"""How many questions wait: in the group space's name, and on the waiting room's pinned card.

The card is one notice that is edited: it counts as unread for nobody, and stays where it was pinned. Its
edits stay in the room, so it names questions by reference: titles go with the cards of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.domain import effects as fx
from bridge.domain.findings import Catalogue
from bridge.domain.organisation import ExpertGroup, Organisation
from bridge.domain.state import Question
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.links import Part, Row, link_to, written
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Clock, Json, Outcome, Task, Temporary

SHOWN = 10
"""Questions on the card; the number is of all."""
ARRIVES_WITHIN_S = 60.0
"""So long the card waits for a question whose first words aren't in its room yet: no link leads to it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Performs :class:`bridge.domain.effects.CountWaiting`."""

    outlet: Outlet
    organisation: Organisation
    catalogue: Catalogue
    clock: Clock

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {fx.CountWaiting: self.count}

    async def count(self, task: Task, effect: fx.CountWaiting) -> Outcome:
        """Bring both to the number as it is now. Raises :class:`Temporary` while a question still arrives."""
        group = self.organisation.group(effect.group)
        waiting = await self.outlet.names.waiting(effect.group)
        await self._name(effect.group, group.name if group else effect.group, waiting)
        cards = await self._card(task, group) if group else {}
        return Outcome(result={"waiting": waiting}, cards=cards)

    async def _name(self, key: str, name: str, waiting: int) -> None:
        space = await self.outlet.room(f"group:{key}")
        wanted = {"name": f"{name} ({waiting})" if waiting else name}
        if await self.outlet.homeserver.state_event(space, "m.room.name") != wanted:
            await self.outlet.homeserver.put_state(space, "m.room.name", "", wanted)

    async def _card(self, task: Task, group: ExpertGroup) -> dict[str, str]:
        key = f"waiting:{group.key}"
        room_id = await self.outlet.room(key)
        content = await self._content(group)
        card = await self.outlet.names.card(key)
        if card is not None:
            relation = {"rel_type": "m.replace", "event_id": card}
            edit = {
                **content,
                "body": f"* {content['body']}",
                "m.new_content": content,
                "m.relates_to": relation,
            }
            await self.outlet.send(room_id, edit, key=f"{task.key}:card", doubtful=task.started)
            return {}
        # One card per room, whichever effect comes first: its key is the room's.
        card = await self.outlet.send(room_id, content, key=f"{key}:card", doubtful=True)
        await self.outlet.homeserver.put_state(room_id, "m.room.pinned_events", "", {"pinned": [card]})
        return {key: card}

    async def _content(self, group: ExpertGroup) -> Json:
        language = group.language
        listed = await self.catalogue.waiting([group.key], SHOWN)
        queue = (await self.catalogue.queues([group.key])).get(group.key)
        if not listed.total or queue is None:  # the last one may have been taken between the two
            body, html = written([Part(text(language, "list.card_empty"))])
            return rooms.words(body, html, notice=True)
        oldest = queue.oldest
        since = self._moment(language, oldest.asked_at)
        heading = text(language, "list.card", count=listed.total, since=since)
        shown = listed.questions if oldest in listed.questions else (*listed.questions[:-1], oldest)
        firsts = await self.catalogue.first_events([question.stem for question in shown])
        if any(question.stem not in firsts and self._arrives(question) for question in shown):
            raise Temporary("a question isn't in its room yet")
        rows = [
            Row(
                question.reference,
                self._link(question.stem, firsts.get(question.stem, "")),
                self._moment(language, question.asked_at),
            )
            for question in shown
        ]
        if listed.total > len(rows):
            rows.append(Row(text(language, "list.more_listed", count=listed.total - len(rows))))
        return rooms.words(*written([Part(heading, tuple(rows))]), notice=True)

    def _arrives(self, question: Question) -> bool:
        return (self.clock.now() - question.began).total_seconds() < ARRIVES_WITHIN_S

    def _link(self, stem: str, event_id: str) -> str:
        """None without an event: clients would show the alias of a room that they don't know."""
        return link_to(self.outlet.place, rooms.question_alias(stem), event_id) if event_id else ""

    def _moment(self, language: str, at: datetime) -> str:
        """A moment, since an age would be wrong a minute later."""
        local = at.astimezone(ZoneInfo(self.organisation.time_zone))
        return text(language, "list.moment", date=f"{local:%d/%m}", time=f"{local:%H:%M}")
