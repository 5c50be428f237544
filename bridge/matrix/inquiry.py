"""Answers to what practitioners ask about their own conversations, looked up when they are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.domain.commands import SIGN
from bridge.domain.findings import Catalogue, Listed, Queue
from bridge.domain.inquiries import Inquire, Kind, Standing, Topic, wanted
from bridge.domain.organisation import ExpertGroup, Organisation
from bridge.domain.sight import groups_of, scopes_of
from bridge.domain.state import Question, Status
from bridge.domain.titles import keywords
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.asked import asked_alias
from bridge.matrix.botchat import BotChat
from bridge.matrix.links import Part, Row, link_to, mentioned, room_link, written
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Clock, Outcome, Task

SHOWN = 20
"""Rows of one part; a list that is longer says so."""

OPEN = (Status.TAKEN,)
CLOSED = (Status.CLOSED, Status.ARCHIVED)
ASKED = {Standing.WAITING: (Status.WAITING,), Standing.OPEN: OPEN, Standing.CLOSED: CLOSED}
STANDING = {
    Status.WAITING: "list.stands_waiting",
    Status.TAKEN: "list.stands_open",
    Status.CLOSED: "list.stands_closed",
    Status.ARCHIVED: "list.stands_archived",
    Status.WITHDRAWN: "list.stands_withdrawn",
}


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Performs :class:`Inquire`."""

    outlet: Outlet
    organisation: Organisation
    catalogue: Catalogue
    clock: Clock

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {Inquire: self.answer}

    async def answer(self, task: Task, effect: Inquire) -> Outcome:
        """Look it up and say it in the bot chat, as a notice: whoever asked is there. A digest counts."""
        parts = await self._parts(effect)
        body, html = written(parts)
        room_id, made = await BotChat(self.outlet).room(effect.user_id, effect.language)
        content = rooms.words(body, html, notice=effect.topic is not Topic.DIGEST)
        event_id = await self.outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome(result={"event_id": event_id}, rooms=made, mentions=mentioned(parts))

    async def _parts(self, effect: Inquire) -> list[Part]:
        match effect.topic:
            case Topic.SEARCH:
                return await self._search(effect)
            case Topic.WAITING:
                return await self._waiting(effect)
            case Topic.LIST:
                return await self._list(effect)
            case Topic.DIGEST:
                return await self._digest(effect)

    # --- searching ---

    async def _search(self, effect: Inquire) -> list[Part]:
        language, sought = effect.language, keywords(effect.words)
        if not sought:
            return [
                Part(text(language, "list.search_what", command=_command("chercher", "search", language)))
            ]
        allowed = scopes_of(effect.user_id, self.organisation)
        found = await self.catalogue.search(allowed, sought, SHOWN)
        shown = effect.words[:100]
        if not found.questions:
            return [Part(text(language, "list.nothing_found", words=shown))]
        rows = await self._rows(language, found.questions, effect.user_id)
        parts = [Part(text(language, "list.found", words=shown), rows)]
        return [*parts, Part(text(language, "list.more_found"))] if found.more else parts

    # --- how many wait ---

    async def _waiting(self, effect: Inquire) -> list[Part]:
        language, groups = effect.language, groups_of(effect.user_id, self.organisation)
        if not groups:
            return [Part(text(language, "list.no_group"))]
        keys = [group.key for group in groups]
        queues = await self.catalogue.queues(keys)
        rows: list[Row] = []
        for group in groups:
            queue = queues.get(group.key)
            rows.append(self._group(language, group, queue))
            if queue is not None:
                rows += await self._rows(language, (queue.oldest,))
        # What waits for two groups of theirs is one question.
        total = (await self.catalogue.waiting(keys, 1)).total
        return [Part(text(language, "list.waiting", count=total), tuple(rows))]

    def _group(self, language: str, group: ExpertGroup, queue: Queue | None) -> Row:
        link = link_to(self.outlet.place, f"w_{group.key}")
        if queue is None:
            return Row(group.called(language), link, text(language, "list.queue_empty"))
        age = self._age(language, queue.oldest.asked_at)
        return Row(group.called(language), link, text(language, "list.queue", count=queue.count, age=age))

    # --- lists ---

    async def _list(self, effect: Inquire) -> list[Part]:
        language, asked = effect.language, wanted(effect.words)
        if asked is None:
            return [Part(text(language, "list.not_understood", words=effect.words[:100]))]
        groups = groups_of(effect.user_id, self.organisation)
        keys = [group.key for group in groups]
        parts: list[Part] = []
        if asked.shows(Kind.QUESTIONS, Standing.WAITING):
            listed = await self.catalogue.waiting(keys, SHOWN)
            parts.append(await self._listed(language, "list.questions_waiting", listed, effect.user_id))
        for standing, statuses in ((Standing.OPEN, OPEN), (Standing.CLOSED, CLOSED)):
            if asked.shows(Kind.QUESTIONS, standing):
                listed = await self.catalogue.owned(effect.user_id, statuses, SHOWN)
                parts.append(await self._listed(language, f"list.questions_{standing.value}", listed))
        asked_ones = [one for standing, one in ASKED.items() if asked.shows(Kind.QUESTIONS, standing)]
        if asked_ones:
            states = [status for some in asked_ones for status in some]
            listed = await self.catalogue.requested(effect.user_id, states, SHOWN)
            if listed.total:  # who never asks needn't read that they didn't
                parts.append(await self._listed(language, "list.questions_asked", listed, effect.user_id))
        if asked.shows(Kind.PRIVATE):
            parts.append(await self._private(language, effect.user_id))
        if asked.shows(Kind.GROUPS):
            parts.append(await self._groups(language, effect.user_id, groups))
        return parts

    async def _listed(self, language: str, heading: str, listed: Listed, user_id: str = "") -> Part:
        rows = await self._rows(language, listed.questions, user_id)
        missing = listed.total - len(rows)
        if missing > 0:
            rows = (*rows, Row(text(language, "list.more_listed", count=missing)))
        return Part(text(language, heading, count=listed.total), rows, plain=not rows)

    async def _private(self, language: str, user_id: str) -> Part:
        names = self.outlet.names
        known = await names.rooms_of("direct") | await names.rooms_of("private")
        people = {other: room_id for key, room_id in known.items() for other in _others(key, user_id)}
        rows = [
            Row(self._name(other), room_link(self.outlet.place, room_id)) for other, room_id in people.items()
        ]
        rows.sort(key=lambda row: row.label)
        return Part(text(language, "list.private", count=len(rows)), tuple(rows), plain=not rows)

    def _name(self, user_id: str) -> str:
        person = self.organisation.practitioner(user_id)
        return person.name if person else user_id

    async def _groups(self, language: str, user_id: str, groups: tuple[ExpertGroup, ...]) -> Part:
        queues = await self.catalogue.queues([group.key for group in groups])
        rows = [self._group(language, group, queues.get(group.key)) for group in groups]
        known = await self.outlet.names.rooms_of("discussion")
        for discussion in self.organisation.discussions:
            room_id = known.get(f"discussion:{discussion.key}")
            if room_id is not None and user_id in discussion.members:
                rows.append(Row(discussion.name, room_link(self.outlet.place, room_id)))
        return Part(text(language, "list.groups", count=len(rows)), tuple(rows), plain=not rows)

    async def _digest(self, effect: Inquire) -> list[Part]:
        open_ones = await self.catalogue.owned(effect.user_id, OPEN, SHOWN)
        mine = await self._listed(effect.language, "list.questions_open", open_ones)
        if not groups_of(effect.user_id, self.organisation):
            return [mine]
        return [*await self._waiting(effect), mine]

    # --- questions ---

    async def _rows(
        self, language: str, questions: tuple[Question, ...], user_id: str = ""
    ) -> tuple[Row, ...]:
        firsts = await self.catalogue.first_events([question.stem for question in questions])
        return tuple(
            self._row(language, question, firsts.get(question.stem, ""), user_id) for question in questions
        )

    def _row(self, language: str, question: Question, event_id: str, user_id: str) -> Row:
        if user_id and user_id == question.requester:  # their own room of it; the other isn't for them
            link = link_to(self.outlet.place, asked_alias(question.id))
        else:
            link = link_to(self.outlet.place, rooms.question_alias(question.stem), event_id)
        stands = text(language, STANDING[question.status], age=self._age(language, question.asked_at))
        return Row(f"{question.title} · {question.reference}", link, stands, question.id)

    def _age(self, language: str, since: datetime) -> str:
        return age(language, (self.clock.now() - since).total_seconds())


def age(language: str, seconds: float) -> str:
    """How long something lasts, in the largest unit that fits."""
    for unit, length in (("days", 86_400), ("hours", 3_600)):
        if seconds >= length:
            return text(language, f"list.{unit}", count=int(seconds // length))
    return text(language, "list.minutes", count=max(0, int(seconds // 60)))


def _others(key: str, user_id: str) -> list[str]:
    """The other person of a private room, if this one is in it."""
    people = key.partition(":")[2].split("|")
    return [person for person in people if person != user_id] if user_id in people else []


def _command(french: str, english: str, language: str) -> str:
    return SIGN + (english if language == "en" else french)
