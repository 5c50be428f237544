"""What discussion rooms are made of: ordinary rooms for colleagues, in which the bridge only keeps order."""

from __future__ import annotations

from bridge.domain.plan import Rights, Wanted, Writing
from bridge.matrix import rooms
from bridge.ports import Json

MODERATOR_LEVEL = 50


def levels(rights: Rights, *, bot: str, room_version: str) -> Json:
    """The power levels that say these rights. Who comes and goes is the YAML's to say, so the bot's to do."""
    users = dict.fromkeys(sorted(rights.moderators), MODERATOR_LEVEL)
    if not rooms.creator_is_supreme(room_version):
        users[bot] = 100
    silent = rights.writing is Writing.NOBODY
    return {
        "users": users,
        "users_default": 0,
        "events_default": int(rights.writing),
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": MODERATOR_LEVEL,
        "notifications": {"room": MODERATOR_LEVEL},
        "events": {
            "m.reaction": 100 if silent else 0,
            "m.room.redaction": 0,
            "m.room.topic": MODERATOR_LEVEL,
            "m.room.pinned_events": MODERATOR_LEVEL,
            "m.room.power_levels": 100,
        },
    }


def rights(content: Json, *, bot: str) -> Rights | None:
    """What power levels say, or ``None`` when they aren't what :func:`levels` makes of any rights."""
    users = content.get("users")
    writing = content.get("events_default")
    if not isinstance(users, dict) or writing not in [int(known) for known in Writing]:
        return None
    others = {user for user in users if user != bot}
    found = Rights(frozenset(others), Writing(writing))
    version = "11" if bot in users else "12"
    wanted = levels(found, bot=bot, room_version=version)
    # The homeserver adds levels of its own at the creation.
    return found if all(content.get(key) == value for key, value in wanted.items()) else None


def version_of(create: Json | None) -> str:
    """The room version that ``m.room.create`` names (1 when it names none)."""
    return str((create or {}).get("room_version", "1"))


def discussion_room(wanted: Wanted, *, bot: str, room_version: str) -> Json:
    """The createRoom body of a discussion room: who comes later reads what was said before."""
    assert wanted.rights is not None
    return {
        "room_alias_name": wanted.alias,
        "name": wanted.name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "power_level_content_override": levels(wanted.rights, bot=bot, room_version=room_version),
        "initial_state": [
            rooms.state("m.room.join_rules", {"join_rule": "invite"}),
            rooms.state("m.room.history_visibility", {"history_visibility": "shared"}),
            rooms.state("m.room.guest_access", {"guest_access": "forbidden"}),
        ],
    }
