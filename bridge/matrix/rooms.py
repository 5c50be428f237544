"""What our question rooms are made of: createRoom bodies, power levels and messages, as plain dicts."""

from __future__ import annotations

import hashlib
from typing import Any

from bridge.domain.content import Attachment
from bridge.ports import Json

OWNER_LEVEL = 50
"""The owner speaks at this level; the bridge alone is above. Works in every room version."""

REACTING_LEVEL = 25
"""The owner of a closed question can tap a mark, which reopens it, and not write."""

KEY = "org.colloque.key"
"""Marks what we sent with its effect, so that a retry after a crash can find it."""

COPY_OF = "org.colloque.copy_of"
"""Names the owner's redacted event whose words the bridge put back."""

QUIET_TIMELINE: Json = {
    "type": "im.vector.web.settings",
    "state_key": "",
    "content": {
        "hideJoinLeaves": True,
        "hideRedactions": True,
        "hideAvatarChanges": True,
        "hideDisplaynameChanges": True,
    },
}


def txn_id(key: str) -> str:
    """The Matrix transaction ID of an effect: fixed by its key, revealing nothing."""
    return "colloque-" + hashlib.sha256(key.encode()).hexdigest()[:40]


def creator_is_supreme(room_version: str) -> bool:
    """Whether the creator outranks all and must not be in the power levels (room version 12, MSC4289)."""
    return room_version.isdigit() and int(room_version) >= 12


def power_levels(
    *, bot: str, ghost: str, room_version: str, owner: str | None, locked: bool, closed: bool = False
) -> Json:
    """Who may do what in a question room.

    While it waits everyone may speak. Once ``locked``, only ghost and (if given) owner may; when the
    question is ``closed``, the owner may only react.
    """
    users: dict[str, int] = {ghost: OWNER_LEVEL}
    if not creator_is_supreme(room_version):
        users[bot] = 100
    if owner is not None:
        users[owner] = REACTING_LEVEL if closed else OWNER_LEVEL
    speaking = OWNER_LEVEL if locked else 0
    reacting = REACTING_LEVEL if closed else speaking
    return {
        "users": users,
        "users_default": 0,
        "events_default": speaking,
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": 100,
        "notifications": {"room": OWNER_LEVEL},
        "events": {"m.reaction": reacting, "m.room.redaction": 0, "m.room.power_levels": 100},
    }


def question_room(
    *,
    alias: str,
    name: str,
    group_space: str,
    bot: str,
    ghost: str,
    room_version: str,
    owner: str = "",
    by_invitation: bool = False,
) -> Json:
    """The createRoom body of a question: the group's members may join, and read what was said before.

    With an ``owner`` only they may, once they are asked in, and read what was said since then.
    ``by_invitation``: members may once they are asked in.
    """
    levels = power_levels(
        bot=bot, ghost=ghost, room_version=room_version, owner=owner or None, locked=bool(owner)
    )
    join = {"join_rule": "invite"} if owner or by_invitation else restricted_to(group_space)
    return {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "invite": [ghost],
        "power_level_content_override": levels,
        "initial_state": [
            state("m.room.join_rules", join),
            state("m.room.history_visibility", {"history_visibility": "invited" if owner else "shared"}),
            state("m.room.guest_access", {"guest_access": "forbidden"}),
            QUIET_TIMELINE,
        ],
    }


def listing_space(*, alias: str, name: str, group_space: str, bot: str, room_version: str) -> Json:
    """The createRoom body of a further listing of a group's questions, for when the last one is full."""
    users = {} if creator_is_supreme(room_version) else {bot: 100}
    levels = {"users": users, "users_default": 0, "events_default": 100, "state_default": 100, "invite": 100}
    return {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "creation_content": {"type": "m.space"},
        "power_level_content_override": levels,
        "initial_state": [
            state("m.room.join_rules", restricted_to(group_space)),
            state("m.room.guest_access", {"guest_access": "forbidden"}),
        ],
    }


def group_room(
    *,
    alias: str,
    name: str,
    invite: tuple[str, ...],
    join_rule: Json,
    space: bool,
    bot: str,
    room_version: str,
) -> Json:
    """The createRoom body of a space or waiting room: only the bot writes, everyone may raise a hand."""
    levels: Json = {
        "users": {} if creator_is_supreme(room_version) else {bot: 100},
        "users_default": 0,
        "events_default": 100,
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": 100,
        "events": {"m.reaction": 0, "m.room.redaction": 0, "m.room.power_levels": 100},
    }
    content: Json = {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "invite": list(invite),
        "power_level_content_override": levels,
        "initial_state": [
            state("m.room.join_rules", join_rule),
            state("m.room.history_visibility", {"history_visibility": "shared"}),
            state("m.room.guest_access", {"guest_access": "forbidden"}),
            QUIET_TIMELINE,
        ],
    }
    return content | ({"creation_content": {"type": "m.space"}} if space else {})


def restricted_to(*room_ids: str) -> Json:
    """The join rule by which members of other rooms may join (MSC3083)."""
    allowed = [{"type": "m.room_membership", "room_id": room_id} for room_id in room_ids]
    return {"join_rule": "restricted", "allow": allowed}


def question_alias(stem: str) -> str:
    """The alias of a question's room, without what all of ours begin with."""
    return f"q_{stem.replace(':', '_')}"


def state(event_type: str, content: Json) -> Json:
    """An initial state event."""
    return {"type": event_type, "state_key": "", "content": content}


def words(text: str, html: str = "", *, notice: bool = False) -> Json:
    """A message that mentions nobody, so that no name in it highlights anyone."""
    content: Json = {"msgtype": "m.notice" if notice else "m.text", "body": text, "m.mentions": {}}
    if html:
        content |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return content


def file(attachment: Attachment, mxc: str) -> Json:
    """A photo or file message."""
    info: dict[str, Any] = {"mimetype": attachment.mimetype, "size": attachment.size}
    if attachment.width and attachment.height:
        info |= {"w": attachment.width, "h": attachment.height}
    return {
        "msgtype": f"m.{attachment.kind.value}",
        "body": attachment.name,
        "filename": attachment.name,
        "url": mxc,
        "info": info,
        "m.mentions": {},
    }


def anchored_to(event_id: str) -> Json:
    """A relation that keeps threads off an event: the homeserver refuses them on what has a relation."""
    return {"m.relates_to": {"rel_type": "m.reference", "event_id": event_id}}


CHUNK = 16_000
"""Characters per message: an event may have 65 536 bytes at most, and a character takes up to four."""


def chunks(text: str) -> list[str]:
    """A long text as messages, split at line ends where there are any."""
    parts: list[str] = []
    while len(text) > CHUNK:
        cut = text.rfind("\n", CHUNK // 2, CHUNK)
        cut = CHUNK if cut < 0 else cut
        parts.append(text[:cut])
        text = text[cut:].lstrip("\n")
    return [*parts, text]
