"""What one person may do in one room, tried on the homeserver; and the table of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from urllib.parse import quote

from bridge.demo.person import Person, Refused
from bridge.ports import Json

YES, NO = "yes", "–"
TITLE = """# Who may do what

Written by `make permissions`, which tries every cell on a real homeserver with the real service; the suite
fails when one of them is different from what stands here.

*See*: the room is among theirs, or shown in a space of theirs. *Join*: they get in when they try (those
who are in already: "in"). *Invite*: they can ask another account in. *Find*: the homeserver's search
finds what was said (in spaces, waiting rooms and archives of these tests nobody said the word). A
*former member* joined the question to read it before somebody else took it. Patients have no account:
they have their mails. The bot is in every room.
"""


FINDING = """## Found by its title with `!search` in the bot chat

The owner is of the group, too: a member finds what waits there, and afterwards only the owner does.
"""


@dataclass(frozen=True, slots=True)
class May:
    """One row of the table."""

    see: str
    join: str
    read: str
    write: str
    invite: str
    find: str


async def _allowed(person: Person, method: str, path: str, body: Json | None = None) -> bool:
    try:
        await person.call(method, path, body)
    except Refused as refused:
        if refused.status not in (403, 404):
            raise
        return False
    return True


def _said(allowed: bool) -> str:
    return YES if allowed else NO


async def tried(person: Person, room_id: str, event_id: str, *, spaces: Sequence[str], other: str) -> May:
    """Try everything as this person; writing comes last, since it may take the question."""
    room = f"/v3/rooms/{quote(room_id)}"
    inside = room_id in (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    seen = inside or room_id in await person.invites() or await _shown(person, room_id, spaces)
    joins = inside or await _allowed(person, "POST", f"/v3/join/{quote(room_id)}", {})
    return May(
        see=_said(seen),
        join="in" if inside else _said(joins),
        read=_said(await _allowed(person, "GET", f"{room}/event/{quote(event_id)}")),
        find=_said(await _searched(person, room_id)),
        invite=_said(await _allowed(person, "POST", f"{room}/invite", {"user_id": other})),
        write=_said(await _writes(person, room_id)),
    )


async def _writes(person: Person, room_id: str) -> bool:
    try:
        await person.say(room_id, "essai")
    except Refused as refused:
        if refused.status != 403:
            raise
        return False
    return True


async def _shown(person: Person, room_id: str, spaces: Sequence[str]) -> bool:
    """Whether one of these spaces shows the room to this person."""
    for space in spaces:
        try:
            if room_id in await _rooms_of(person, space):
                return True
        except Refused:
            continue
    return False


async def _rooms_of(person: Person, space: str) -> set[str]:
    """All that a space shows, whose first page may be full of what earlier tests left there."""
    found: set[str] = set()
    query: dict[str, str] = {}
    while True:
        shown = await person.call("GET", f"/v1/rooms/{quote(space)}/hierarchy", **query)
        found |= {room["room_id"] for room in shown["rooms"]}
        if "next_batch" not in shown:
            return found
        query = {"from": shown["next_batch"]}


async def _searched(person: Person, room_id: str) -> bool:
    body = {"search_categories": {"room_events": {"search_term": "marque", "filter": {"rooms": [room_id]}}}}
    found = await person.call("POST", "/v3/search", body)
    return bool(found["search_categories"]["room_events"]["results"])


def written(table: dict[str, dict[str, May]], finding: dict[str, dict[str, str]]) -> str:
    """The document. ``finding`` says, by the question's state and by role, who finds it with the bot."""
    names = [field.name for field in fields(May)]
    parts = [TITLE]
    for room, rows in table.items():
        parts.append(f"## {room}\n\n| | {' | '.join(names)} |\n|---{'|---' * len(names)}|")
        parts += [f"| {role} | {' | '.join(getattr(may, n) for n in names)} |" for role, may in rows.items()]
        parts.append("")
    roles = list(next(iter(finding.values())))
    parts.append(f"{FINDING}\n| | {' | '.join(roles)} |\n|---{'|---' * len(roles)}|")
    parts += [f"| {state} | {' | '.join(by[role] for role in roles)} |" for state, by in finding.items()]
    return "\n".join((*parts, ""))
