"""An event of our own, so that the homeserver's queue to us moves.

After a restart a homeserver that had given us up sends nothing until some event concerns us; a ping
alone moves only a queue that it still remembers (application service API).
"""

from __future__ import annotations

import contextlib
import uuid

from bridge.matrix.outlet import Place
from bridge.matrix.rooms import creator_is_supreme
from bridge.ports import Homeserver, Json, Names, PortError

KEY = "service"
EVENT = "org.colloque.pulse"


async def pulse(homeserver: Homeserver, names: Names, place: Place) -> None:
    """Ping, and send an event to a room that only the bot is in. Raises port errors."""
    with contextlib.suppress(PortError):  # the homeserver may not reach us yet; the event then waits
        await homeserver.ping()
    room_id = await names.room_id(KEY)
    if room_id is None:
        room_id = await homeserver.create_room(_room(place))
        await names.remember(KEY, room_id)
    await homeserver.send(room_id, EVENT, {}, txn_id=f"colloque-pulse-{uuid.uuid4().hex}")


def _room(place: Place) -> Json:
    users = {} if creator_is_supreme(place.room_version) else {place.bot: 100}
    return {
        "room_alias_name": place.alias(KEY),
        "name": "Colloque",
        "preset": "private_chat",
        "visibility": "private",
        "room_version": place.room_version,
        "power_level_content_override": {"users": users, "events_default": 100, "invite": 100},
    }
