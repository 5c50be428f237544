"""Private messages: the room of two practitioners, made once, and in the personal spaces of both."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from bridge.domain import house
from bridge.domain import organisation as org
from bridge.domain.house import Section
from bridge.domain.private import addressee
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.acting import Acting
from bridge.matrix.botchat import BotChat
from bridge.matrix.house import GONE, House
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Outcome, Permanent, Task

TOPIC_LENGTH = 200


def private_room(*, alias: str, name: str, people: tuple[str, str], bot: str, room_version: str) -> Json:
    """The createRoom body of a private room: the two write, and nobody else ever comes in."""
    levels: Json = {
        "users": {} if rooms.creator_is_supreme(room_version) else {bot: 100},
        "users_default": 0,
        "events_default": 0,
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": 100,
        "events": {"m.room.redaction": 0, "m.room.topic": 0, "m.room.power_levels": 100},
    }
    return {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "is_direct": True,
        "invite": list(people),
        "power_level_content_override": levels,
        "initial_state": [
            rooms.state("m.room.history_visibility", {"history_visibility": "shared"}),
            rooms.state("m.room.guest_access", {"guest_access": "forbidden"}),
        ],
    }


@dataclass(frozen=True, slots=True)
class Private:
    """Opens private rooms."""

    outlet: Outlet
    organisation: org.Organisation
    acting: Acting | None = None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {house.OpenPrivate: self._open}

    async def _open(self, task: Task, effect: house.OpenPrivate) -> Outcome:
        author = self.organisation.practitioner(effect.user_id)
        wanted = addressee(self.organisation, effect.named, effect.html)
        if author is None:
            return await self._say(task, effect, "house.not_practitioner")
        if not wanted.found:
            return await self._say(task, effect, "house.nobody" if effect.named else "house.whom")
        if len(wanted.found) > 1:
            people = ", ".join(f"{one.name} ({one.user_id})" for one in wanted.found)
            return await self._say(task, effect, "house.several", people=people)
        (other,) = wanted.found
        if other == author:
            return await self._say(task, effect, "house.yourself")
        try:
            room_id = await self._room(author, other)
        except Permanent:
            return await self._say(task, effect, "house.refused", name=other.name)
        await self._about(task, room_id, author, wanted.rest)
        key = await self.outlet.names.room_key(room_id) or house.private_key(author.user_id, other.user_id)
        for person in (author, other):
            await House(self.outlet, self.organisation, self.acting).show(
                task, person.user_id, Section.PRIVATE, key
            )
        return await self._say(
            task, effect, "house.private", room=self._target(key, room_id, author, other), name=other.name
        )

    def _target(self, key: str, room_id: str, author: org.Practitioner, other: org.Practitioner) -> str:
        """What a link names: the alias, where the room is of our making."""
        return room_id if key.startswith("direct:") else self._alias(author, other)

    async def _room(self, author: org.Practitioner, other: org.Practitioner) -> str:
        """The room of the two; whoever left it is asked in again. Raises port errors."""
        key = house.private_key(author.user_id, other.user_id)
        direct = house.direct_key(author.user_id, other.user_id)
        known = await self.outlet.names.room_id(key) or await self.outlet.names.room_id(direct)
        if known is not None:
            for person in (author, other):
                member = await self.outlet.homeserver.state_event(known, "m.room.member", person.user_id)
                if str((member or {}).get("membership", "")) in GONE:
                    await self.outlet.homeserver.invite(known, person.user_id)
        else:
            first, second = sorted((author, other), key=lambda person: person.user_id)
            content = private_room(
                alias=self._alias_name(author, other),
                name=f"{first.name} · {second.name}",
                people=(first.user_id, second.user_id),
                bot=self.outlet.place.bot,
                room_version=self.outlet.place.room_version,
            )
            known = await self.outlet.homeserver.create_room(content)
            await self.outlet.names.remember(key, known)
        if self.acting is not None:
            for person in (author, other):
                await self.acting.join(known, person.user_id)
        return known

    async def _about(self, task: Task, room_id: str, author: org.Practitioner, about: str) -> None:
        """What it is about, as the topic and as a line that tells who says so."""
        if not about:
            return
        topic = " ".join(about.split())[:TOPIC_LENGTH]
        if await self.outlet.homeserver.state_event(room_id, "m.room.topic") != {"topic": topic}:
            await self.outlet.homeserver.put_state(room_id, "m.room.topic", "", {"topic": topic})
        said = text(author.language, "house.about", name=author.name, about=about)
        await self.outlet.send(
            room_id, rooms.words(said, notice=True), key=f"{task.key}:about", doubtful=task.started
        )

    def _alias_name(self, one: org.Practitioner, other: org.Practitioner) -> str:
        return self.outlet.place.alias(f"m_{house.hidden(*sorted((one.user_id, other.user_id)))}")

    def _alias(self, one: org.Practitioner, other: org.Practitioner) -> str:
        return f"#{self._alias_name(one, other)}:{self.outlet.place.domain}"

    async def _say(
        self, task: Task, effect: house.OpenPrivate, message: str, *, room: str = "", **values: str
    ) -> Outcome:
        """The answer in the bot chat, with a link to the room if there is one."""
        said = text(effect.language, message, **values)
        body, html = said, ""
        if room:
            link = f"https://matrix.to/#/{room}?via={self.outlet.place.domain}"
            # Clients show a link to a room as the room's name alone: the sentence stands beside it.
            body = f"{said}\n{link}"
            html = f'{escape(said)}<br><a href="{escape(link)}">{escape(link)}</a>'
        await BotChat(self.outlet).tell(
            task.key, effect.user_id, effect.language, body, html, doubtful=task.started
        )
        return Outcome()
