"""Managed rooms on the homeserver: reading them as they are, and performing a plan's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from bridge.domain import house, plan
from bridge.matrix import discussion, rooms
from bridge.matrix.abreast import abreast
from bridge.matrix.botchat import bot_chat
from bridge.matrix.inside import state_inside
from bridge.matrix.outlet import Place
from bridge.ports import Homeserver, Json, Permanent

NOBODY: Mapping[str, tuple[str, ...]] = MappingProxyType({})
LASTING = ("group", "waiting", "discussion", "bot")
"""How the keys begin of rooms that stay when the YAML no longer names them; the organisation's is always
wanted."""


class Accounts(Protocol):
    """Knows who has an account."""

    async def account_exists(self, user_id: str) -> bool:
        """Whether the homeserver knows this Matrix ID."""


class RoomNames(Protocol):
    """Knows our rooms by key."""

    async def room_id(self, key: str) -> str | None:
        """The Matrix room ID of one of our rooms."""

    async def room_key(self, room_id: str) -> str | None:
        """Which of our rooms has this room ID."""

    async def remember(self, key: str, room_id: str) -> None:
        """Note the room ID of one of our rooms."""

    async def rooms_of(self, kind: str) -> dict[str, str]:
        """All our rooms of one kind (how their keys begin), room IDs by key."""

    async def waiting_rooms(self, group: str) -> list[str]:
        """The rooms of a group's questions that nobody has taken."""


@dataclass(frozen=True, slots=True)
class ManagedRooms:
    """The homeserver as reconciling sees it."""

    homeserver: Homeserver
    accounts: Accounts
    names: RoomNames
    place: Place

    async def snapshot(
        self, wanted: tuple[plan.Wanted, ...], belonged: Mapping[str, tuple[str, ...]] = NOBODY
    ) -> plan.Snapshot:
        """Every wanted room that exists, rooms no longer wanted, and who has no account. Reads only.

        ``belonged``: the members, by key, as the organisation in force until now wants them.
        """
        pairs = zip(wanted, await abreast(self._find, wanted), strict=True)
        found = await self._look({room.key: room_id for room, room_id in pairs if room_id is not None})
        found |= await self._look(await self._left_over(wanted, found.get("organisation")))
        found |= await self._look(await self._houses(wanted, found, belonged))
        present = {
            user_id
            for actual in found.values()
            for user_id, membership in actual.members.items()
            if membership == "join"
        }
        people = dict.fromkeys(member for room in wanted for member in room.members)
        absent = [user_id for user_id in people if user_id not in present]
        known = await abreast(self.accounts.account_exists, absent)
        missing = frozenset(user_id for user_id, there in zip(absent, known, strict=True) if not there)
        return plan.Snapshot(found, missing, belonged)

    async def _look(self, room_ids: Mapping[str, str]) -> dict[str, plan.Actual]:
        """These rooms as they are, by key, without those that are gone."""

        async def state(room_id: str) -> list[Json] | None:
            return await state_inside(self.homeserver, room_id, self.place.bot)

        seen = zip(room_ids, await abreast(state, room_ids.values()), strict=True)
        return {
            key: _actual(room_ids[key], found, self.place.bot) for key, found in seen if found is not None
        }

    async def _left_over(
        self, wanted: tuple[plan.Wanted, ...], organisation: plan.Actual | None
    ) -> dict[str, str]:
        """Rooms that belonged to groups and practitioners whom the YAML no longer names, IDs by key.

        We know them, also when somebody took them off the organisation's list or has left that by hand.
        """
        left: dict[str, str] = {}
        for kind in LASTING:
            left |= await self.names.rooms_of(kind)
        keys = {room.key for room in wanted}
        return {key: room_id for key, room_id in left.items() if key not in keys}

    async def _houses(
        self,
        wanted: tuple[plan.Wanted, ...],
        found: Mapping[str, plan.Actual],
        belonged: Mapping[str, tuple[str, ...]],
    ) -> dict[str, str]:
        """The rooms of the houses of those who come or go; nobody else's are looked at."""
        organisation = found.get("organisation")
        there = organisation.members.items() if organisation else ()
        present = {user_id for user_id, membership in there if membership in plan.PRESENT}
        people = {member for room in wanted if room.key == "organisation" for member in room.members}
        # Who left the organisation's space by hand may still be in rooms of their own.
        gone = set(belonged.get("organisation", ())) - people
        moving = ((present ^ people) | gone) - {self.place.bot}
        if not moving:
            return {}
        rooms_by_key = [await self.names.rooms_of(kind) for kind in house.KINDS]
        return {
            key: room_id
            for rooms in rooms_by_key
            for key, room_id in rooms.items()
            if moving.intersection(house.owners(key))
        }

    async def _find(self, room: plan.Wanted) -> str | None:
        known = await self.names.room_id(room.key)
        if known is not None:
            return known
        found = await self.homeserver.resolve_alias(f"#{room.alias}:{self.place.domain}")
        if found is not None:
            await self.names.remember(room.key, found)
        return found

    async def perform(self, step: plan.Step) -> None:
        """Do one step. Raises port errors."""
        match step:
            case plan.CreateRoom():
                await self._create(step)
            case plan.SetName():
                room_id = await self._room(step.key)
                await self.homeserver.put_state(room_id, "m.room.name", "", {"name": step.name})
            case plan.SetRights():
                room_id = await self._room(step.key)
                version = discussion.version_of(await self.homeserver.state_event(room_id, "m.room.create"))
                levels = discussion.levels(step.rights, bot=self.place.bot, room_version=version)
                await self.homeserver.put_state(room_id, "m.room.power_levels", "", levels)
            case plan.Invite():
                await self.homeserver.invite(await self._room(step.key), step.user_id)
            case plan.Remove():
                await self._remove(step)
            case plan.AddChild():
                content = {"via": [self.place.domain], "suggested": True}
                space, child = await self._room(step.key), await self._room(step.child)
                await self.homeserver.put_state(space, "m.space.child", child, content)
            case plan.NoAccount():
                raise Permanent(f"the homeserver has no account {step.user_id}", code="M_NOT_FOUND")

    async def _remove(self, step: plan.Remove) -> None:
        """Who leaves a group also leaves its waiting questions. The group's space comes last, since it
        is by its membership that the next plan sees whether all of this was done."""
        room_id = await self._room(step.key)
        if step.key.startswith("group:"):
            for waiting in await self.names.waiting_rooms(step.key.removeprefix("group:")):
                await self.homeserver.kick(waiting, step.user_id)
        await self.homeserver.kick(room_id, step.user_id)

    async def _room(self, key: str) -> str:
        room_id = await self.names.room_id(key)
        if room_id is None:
            raise Permanent(f"the room {key} could not be created", code="M_NOT_FOUND")
        return room_id

    async def _create(self, step: plan.CreateRoom) -> None:
        content = await self._content(step)
        room_id = await self.homeserver.create_room(content)
        await self.names.remember(step.wanted.key, room_id)

    async def _content(self, step: plan.CreateRoom) -> Json:
        wanted = step.wanted
        if wanted.kind is plan.RoomKind.BOT_CHAT:
            return bot_chat(
                alias=wanted.alias,
                name=wanted.name,
                user_id=wanted.members[0],
                bot=self.place.bot,
                room_version=self.place.room_version,
            )
        if wanted.kind is plan.RoomKind.DISCUSSION:
            return discussion.discussion_room(
                wanted, bot=self.place.bot, room_version=self.place.room_version
            )
        rule: Json = {"join_rule": "invite"}
        if wanted.kind is plan.RoomKind.WAITING:
            rule = rooms.restricted_to(await self._room(wanted.parent))
        return rooms.group_room(
            alias=wanted.alias,
            name=wanted.name,
            invite=step.invite,
            join_rule=rule,
            space=wanted.kind is plan.RoomKind.SPACE,
            bot=self.place.bot,
            room_version=self.place.room_version,
        )


def _actual(room_id: str, state: list[Json], bot: str) -> plan.Actual:
    name, members, children, went = "", {}, set(), set()
    rights: plan.Rights | None = None
    for event in state:
        content, key = event.get("content", {}), event.get("state_key", "")
        match event.get("type"):
            case "m.room.name":
                name = str(content.get("name", ""))
            case "m.room.member":
                members[str(key)] = str(content.get("membership", "leave"))
                if members[str(key)] == "leave" and event.get("sender") == key:
                    went.add(str(key))
            case "m.space.child" if content.get("via"):
                children.add(str(key))
            case "m.room.power_levels":
                rights = discussion.rights(content, bot=bot)
    return plan.Actual(room_id, name, members, frozenset(children), rights, frozenset(went))
