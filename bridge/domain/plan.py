"""From the organisation as wanted and the homeserver as it is to the steps between them: pure.

Only managed rooms are ever looked at or touched, by key: ``organisation``, ``group:<key>``,
``waiting:<key>``, ``discussion:<key>``, ``bot:<Matrix ID>``, and those of the houses of people who come
or go. A group space also lists question rooms; those are left alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from bridge.domain.house import owners
from bridge.domain.organisation import DiscussionGroup, Organisation

Json = dict[str, Any]
PRESENT = ("join", "invite")


class RoomKind(StrEnum):
    """What a managed room is for."""

    SPACE = "space"
    WAITING = "waiting"
    BOT_CHAT = "bot_chat"
    DISCUSSION = "discussion"


class Writing(IntEnum):
    """Who writes in a discussion room: the power level that it takes."""

    MEMBERS = 0
    MODERATORS = 50
    NOBODY = 100


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do more than read in a discussion room."""

    moderators: frozenset[str] = frozenset()
    writing: Writing = Writing.MEMBERS


@dataclass(frozen=True, slots=True)
class Wanted:
    """A managed room as the YAML wants it. ``parent`` is the key of the space that lists it.

    ``rights`` of a discussion room are the YAML's to say; those of the other rooms never change.
    """

    key: str
    alias: str
    name: str
    kind: RoomKind
    members: tuple[str, ...]
    parent: str = ""
    rights: Rights | None = None


@dataclass(frozen=True, slots=True)
class Actual:
    """A managed room as it is. ``members`` maps Matrix IDs to memberships.

    ``rights`` is ``None`` when the power levels say anything that we would not.
    """

    room_id: str
    name: str
    members: dict[str, str]
    children: frozenset[str] = frozenset()
    rights: Rights | None = None
    went: frozenset[str] = frozenset()
    """Who went out by themselves, or did not accept."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All managed rooms there are, by key, and the practitioners who have no account.

    Rooms of groups and practitioners that the YAML no longer names may be among them. ``belonged`` are
    the members, by key, as the organisation in force until now wants them.
    """

    rooms: dict[str, Actual] = field(default_factory=dict)
    without_account: frozenset[str] = frozenset()
    belonged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def stays_out(self, key: str, user_id: str) -> bool:
        """Whether someone went out of a room that was theirs already: they aren't asked in at each start."""
        members = self.belonged.get("organisation" if owners(key) else key, ())
        return key in self.rooms and user_id in self.rooms[key].went and user_id in members


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """Create a managed room. ``invite``: whom its creation invites; who is refused there prevents it."""

    wanted: Wanted
    invite: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetName:
    """Rename a managed room."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Invite:
    """Invite someone into a managed room."""

    key: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove someone from a managed room."""

    key: str
    user_id: str


@dataclass(frozen=True, slots=True)
class AddChild:
    """List a managed room in its space."""

    key: str
    child: str


@dataclass(frozen=True, slots=True)
class SetRights:
    """Say who moderates and writes in a discussion room."""

    key: str
    rights: Rights


@dataclass(frozen=True, slots=True)
class NoAccount:
    """Nothing to do but to tell: the homeserver has no such account."""

    user_id: str


Step = CreateRoom | SetName | SetRights | Invite | Remove | AddChild | NoAccount


def wanted_rooms(
    organisation: Organisation,
    *,
    namespace: str,
    waiting_names: Mapping[str, str],
    bot_chat_names: dict[str, str],
    archived_name: str = "{name}",
) -> tuple[Wanted, ...]:
    """Every managed room of an organisation, spaces before what they list.

    ``waiting_names`` and ``bot_chat_names`` are what these rooms are called, by language;
    ``archived_name`` makes the name of a discussion room that is archived.
    """
    everyone = tuple(practitioner.user_id for practitioner in organisation.practitioners)
    rooms = [Wanted("organisation", f"{namespace}org", organisation.name, RoomKind.SPACE, everyone)]
    for group in organisation.groups:
        space, waiting = f"group:{group.key}", f"waiting:{group.key}"
        name = f"{waiting_names[group.language]} · {group.name}"
        rooms += [
            Wanted(
                space, f"{namespace}g_{group.key}", group.name, RoomKind.SPACE, group.members, "organisation"
            ),
            Wanted(waiting, f"{namespace}w_{group.key}", name, RoomKind.WAITING, group.members, space),
        ]
    rooms += [_discussion(group, namespace, archived_name) for group in organisation.discussions]
    for practitioner in organisation.practitioners:
        user_id = practitioner.user_id
        alias = bot_chat_alias(namespace, user_id)
        name = bot_chat_names[practitioner.language]
        rooms.append(Wanted(f"bot:{user_id}", alias, name, RoomKind.BOT_CHAT, (user_id,)))
    return tuple(rooms)


def _discussion(group: DiscussionGroup, namespace: str, archived_name: str) -> Wanted:
    writing = Writing.MODERATORS if group.announce_only else Writing.MEMBERS
    return Wanted(
        f"discussion:{group.key}",
        f"{namespace}d_{group.key}",
        archived_name.replace("{name}", group.name) if group.archived else group.name,
        RoomKind.DISCUSSION,
        group.members,
        "organisation",
        Rights(frozenset(group.moderators), Writing.NOBODY if group.archived else writing),
    )


def bot_chat_alias(namespace: str, user_id: str) -> str:
    """The localpart of the alias of someone's bot chat; the Matrix ID itself may not fit in one."""
    return f"{namespace}b_{hashlib.sha256(user_id.encode()).hexdigest()[:16]}"


def plan(rooms: tuple[Wanted, ...], snapshot: Snapshot, *, bot: str) -> tuple[Step, ...]:
    """The steps that bring the homeserver to what is wanted; none when it is that already."""
    people = dict.fromkeys(member for room in rooms for member in room.members)
    steps: list[Step] = [NoAccount(user_id) for user_id in people if user_id in snapshot.without_account]
    keys = {room.key for room in rooms}
    for key in snapshot.rooms:
        if key not in keys:
            steps += _not_wanted(key, snapshot, bot, people)
    for wanted in rooms:
        if _has_nobody(wanted, snapshot):
            continue
        steps += _room(wanted, snapshot, bot)
        if wanted.parent and not _listed(wanted, snapshot):
            steps.append(AddChild(wanted.parent, wanted.key))
    return tuple(steps)


def _not_wanted(key: str, snapshot: Snapshot, bot: str, people: Container[str]) -> Iterator[Step]:
    """A room that the YAML doesn't name: it is emptied, but for those of a house who are still of it.

    Who comes back finds their own space again; a private room waits until one of the two writes.
    """
    actual = snapshot.rooms[key]
    staying = tuple(user_id for user_id in owners(key) if user_id in people)
    if not key.startswith("private:"):
        for user_id in staying:
            if actual.members.get(user_id) not in PRESENT and not snapshot.stays_out(key, user_id):
                yield Invite(key, user_id)
    yield from _removals(key, snapshot, (bot, *staying))


def _has_nobody(wanted: Wanted, snapshot: Snapshot) -> bool:
    """A bot chat isn't opened for someone who could never come; one that exists is kept in order."""
    missing = wanted.kind is RoomKind.BOT_CHAT and wanted.members[0] in snapshot.without_account
    return missing and wanted.key not in snapshot.rooms


def _room(wanted: Wanted, snapshot: Snapshot, bot: str) -> Iterator[Step]:
    reachable = [member for member in wanted.members if member not in snapshot.without_account]
    actual = snapshot.rooms.get(wanted.key)
    if actual is None:
        # One invite that is refused would refuse the whole creation, so each is a step of its own;
        # only a creation can mark a room as direct, and there it is one person's room.
        if wanted.kind is RoomKind.BOT_CHAT:
            yield CreateRoom(wanted, tuple(reachable))
        else:
            yield CreateRoom(wanted, ())
            yield from (Invite(wanted.key, member) for member in reachable)
        return
    if not _is_named(wanted, actual.name):
        yield SetName(wanted.key, wanted.name)
    # Someone who shall moderate may, before they come; someone who no longer shall goes after.
    if wanted.rights is not None and actual.rights != wanted.rights:
        yield SetRights(wanted.key, wanted.rights)
    for member in reachable:
        if actual.members.get(member) not in PRESENT and not snapshot.stays_out(wanted.key, member):
            yield Invite(wanted.key, member)
    yield from _removals(wanted.key, snapshot, (*wanted.members, bot))


def _removals(key: str, snapshot: Snapshot, staying: tuple[str, ...]) -> Iterator[Step]:
    """Who is there and shall not be; of a group also who was of it until now and had left its space by
    hand: being removed from a group is being removed from its waiting questions, too.
    """
    members = snapshot.rooms[key].members
    inside = [user_id for user_id, membership in members.items() if membership in (*PRESENT, "knock")]
    former = snapshot.belonged.get(key, ()) if key.startswith("group:") else ()
    for user_id in dict.fromkeys((*inside, *former)):
        if user_id not in staying:
            yield Remove(key, user_id)


def _is_named(wanted: Wanted, name: str) -> bool:
    """A group space also shows how many questions wait: « Dermatologie (3) » is right, too."""
    if wanted.key.startswith("group:"):
        return re.fullmatch(rf"{re.escape(wanted.name)}( \([0-9]+\))?", name) is not None
    return name == wanted.name


def _listed(wanted: Wanted, snapshot: Snapshot) -> bool:
    parent, child = snapshot.rooms.get(wanted.parent), snapshot.rooms.get(wanted.key)
    return parent is not None and child is not None and child.room_id in parent.children
