"""Personal spaces: made when there is something to list in them, and kept as questions move."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain import house
from bridge.domain import organisation as org
from bridge.domain.effects import Phrase
from bridge.domain.house import Section
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.acting import Acting
from bridge.matrix.botchat import BotChat
from bridge.matrix.outlet import Handlers, Outlet, lines
from bridge.ports import Json, Outcome, Permanent, Task

ORDER = {Section.QUESTIONS: "1", Section.PRIVATE: "2", Section.ARCHIVES: "3"}
GONE = ("leave", "ban", "")


@dataclass(frozen=True, slots=True)
class House:
    """Performs what happens in personal spaces. ``acting``: they need no invitation to be accepted."""

    outlet: Outlet
    organisation: org.Organisation
    acting: Acting | None = None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {house.ShowInSpace: self._show, house.TakeFromSpace: self._take, house.Readmit: self._readmit}

    async def _show(self, task: Task, effect: house.ShowInSpace) -> Outcome:
        await self.show(task, effect.user_id, effect.section, effect.room)
        return Outcome()

    async def show(self, task: Task, user_id: str, section: Section, room: str) -> None:
        """List a room in someone's personal space. Who left the organisation has none."""
        person = self.organisation.practitioner(user_id)
        if person is None:
            return
        room_id = await self.outlet.room(room)
        space = await self._section(task, person, section, await self._generation(user_id, section, room))
        await self._child(space, room_id, {"via": [self.outlet.place.domain], "suggested": True})

    async def _take(self, _task: Task, effect: house.TakeFromSpace) -> Outcome:
        generation = await self._generation(effect.user_id, effect.section, effect.room)
        key = house.section_key(effect.user_id, effect.section, generation)
        space = await self.outlet.names.room_id(key)
        if space is not None:
            await self._child(space, await self.outlet.room(effect.room), {})
        return Outcome()

    async def _generation(self, user_id: str, section: Section, room: str) -> int:
        """A sub-space has so many keys in its state at most; then another one goes on."""
        return await self.outlet.names.listing(house.section_key(user_id, section), room)

    async def _child(self, space: str, room_id: str, content: Json) -> None:
        await self.outlet.homeserver.put_state(space, "m.space.child", room_id, content)

    # --- making them ---

    async def _section(self, task: Task, person: org.Practitioner, section: Section, generation: int) -> str:
        key = house.section_key(person.user_id, section, generation)
        known = await self.outlet.names.room_id(key)
        if known is not None:
            return known
        above = await self._space(task, person)
        name = text(person.language, f"names.{section.value}")
        suffix = f"_{section.value}" + (f"_{generation}" if generation > 1 else "")
        made = await self._made(
            key,
            person,
            f"{name} · {generation}" if generation > 1 else name,
            suffix,
            rooms.restricted_to(above),
        )
        child = {"via": [self.outlet.place.domain], "suggested": True, "order": ORDER[section]}
        await self._child(above, made, child)
        await self._admitted(key, made, person)
        return made

    async def _space(self, task: Task, person: org.Practitioner) -> str:
        key = house.space_key(person.user_id)
        known = await self.outlet.names.room_id(key)
        if known is not None:
            return known
        name = text(person.language, "names.personal")
        made = await self._made(key, person, name, "", {"join_rule": "invite"})
        if not await self._admitted(key, made, person):
            await self._told(f"{key}:made", person, "house.invited", task.started)
        return made

    async def _made(self, key: str, person: org.Practitioner, name: str, suffix: str, rule: Json) -> str:
        place = self.outlet.place
        content = rooms.group_room(
            alias=place.alias(f"s_{house.hidden(person.user_id)}{suffix}"),
            name=name,
            invite=(person.user_id,),
            join_rule=rule,
            space=True,
            bot=place.bot,
            room_version=place.room_version,
        )
        return await self.outlet.homeserver.create_room(content)

    async def _admitted(self, key: str, room_id: str, person: org.Practitioner) -> bool:
        """Whether they are in without accepting an invitation.

        The room is remembered once it is complete: until then, a retry goes through all of it again.
        """
        joined = self.acting is not None and await self.acting.join(room_id, person.user_id)
        await self.outlet.names.remember(key, room_id)
        return joined

    async def _told(self, key: str, person: org.Practitioner, message: str, doubtful: bool) -> None:
        """A line in the bot chat, once."""
        said = lines(person.language, (Phrase(message),))
        await BotChat(self.outlet).tell(key, person.user_id, person.language, said, doubtful=doubtful)

    # --- coming back ---

    async def _readmit(self, task: Task, effect: house.Readmit) -> Outcome:
        person = self.organisation.practitioner(effect.user_id)
        invited = 0
        if person is not None:
            for key in self._rooms_of(person.user_id):
                invited += await self._again(key, person.user_id)
        message = "house.invited_again" if invited else "house.everywhere"
        said = lines(effect.language, (Phrase(message, {"count": str(invited)}),))
        await BotChat(self.outlet).tell(
            task.key, effect.user_id, effect.language, said, doubtful=task.started
        )
        return Outcome(result={"invited": invited})

    def _rooms_of(self, user_id: str) -> list[str]:
        """Where someone belongs by the YAML, and their own spaces."""
        keys = ["organisation"]
        for group in self.organisation.groups:
            if user_id in group.members:
                keys += [f"group:{group.key}", f"waiting:{group.key}"]
        keys += [f"discussion:{one.key}" for one in self.organisation.discussions if user_id in one.members]
        return [*keys, house.space_key(user_id), *(house.section_key(user_id, one) for one in Section)]

    async def _again(self, key: str, user_id: str) -> bool:
        room_id = await self.outlet.names.room_id(key)
        if room_id is None:
            return False
        member = await self.outlet.homeserver.state_event(room_id, "m.room.member", user_id)
        if str((member or {}).get("membership", "")) not in GONE:
            return False
        try:
            await self.outlet.homeserver.invite(room_id, user_id)
        except Permanent:  # one room that is closed to them must not keep them out of the others
            return False
        if self.acting is not None:
            await self.acting.join(room_id, user_id)
        return True
