"""Rooms that we are in, told from rooms that we were in."""

from __future__ import annotations

from bridge.ports import Homeserver, Json, Permanent


async def state_inside(homeserver: Homeserver, room_id: str, bot: str) -> list[Json] | None:
    """All current state events of a room, or ``None`` if there is no such room or the bot isn't in it.

    A homeserver goes on answering whoever has left with the state as they left it (client-server API,
    ``GET /rooms/{roomId}/state``), until they forget the room. Raises port errors.
    """
    try:
        state = await homeserver.state(room_id)
    except Permanent as error:
        if error.code not in ("M_FORBIDDEN", "M_NOT_FOUND"):
            raise
        return None
    return state if any(_is_in(event, bot) for event in state) else None


async def is_made_by(homeserver: Homeserver, room_id: str, bot: str) -> bool:
    """Whether the bot made this room and is in it (``m.room.create``). Raises port errors."""
    state = await state_inside(homeserver, room_id, bot)
    made = [event.get("sender") for event in state or () if event.get("type") == "m.room.create"]
    return made == [bot]


def _is_in(event: Json, user_id: str) -> bool:
    about = (event.get("type"), event.get("state_key"))
    return about == ("m.room.member", user_id) and event.get("content", {}).get("membership") == "join"
