"""Synapse's administration API, as far as erasing needs it: rooms, media and accounts for good.

https://element-hq.github.io/synapse/latest/usage/administration/admin_api/
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

from bridge.matrix.calls import HomeserverCalls
from bridge.ports import Permanent, Temporary

DELETED_WITHIN_S = 120.0
LOOK_S = 0.1
TRIES = 3
"""A deletion fails as a whole when the room's tables change under it; the next one mostly doesn't."""
AGAIN_S = 1.0


def _q(part: str) -> str:
    return quote(part, safe="")


class SynapseAdmin(HomeserverCalls):
    """The homeserver as one of its administrators."""

    ROOT = "/_synapse/admin"

    def __init__(self, url: str, token: str, timeout: float = 60) -> None:
        super().__init__(url, token, user_id="", timeout=timeout)

    async def delete_room(self, room_id: str) -> None:
        """Remove everyone and delete every event of a room. Raises port errors."""
        deadline = time.monotonic() + DELETED_WITHIN_S
        for _ in range(TRIES):
            if await self._deleted(room_id, deadline):
                return
            await asyncio.sleep(AGAIN_S)
        raise Temporary("the homeserver could not delete a room")

    async def _deleted(self, room_id: str, deadline: float) -> bool:
        """Try once; ``False`` when the homeserver says that it failed."""
        body = {"block": False, "purge": True, "force_purge": True}
        try:
            answer = await self._call("DELETE", f"/v2/rooms/{_q(room_id)}", body)
        except Permanent as error:
            if error.code == "M_NOT_FOUND":
                return True
            raise
        while time.monotonic() < deadline:
            status = await self._call("GET", f"/v2/rooms/delete_status/{_q(answer['delete_id'])}")
            if status["status"] in ("complete", "failed"):
                return bool(status["status"] == "complete")
            await asyncio.sleep(LOOK_S)
        raise Temporary("the homeserver is still deleting a room")

    async def delete_media_in(self, room_id: str) -> int:
        """Delete the files that stand in a room; returns how many."""
        try:
            listed = await self._call("GET", f"/v1/room/{_q(room_id)}/media")
        except Permanent as error:
            if error.code in ("M_NOT_FOUND", "M_UNKNOWN"):
                return 0
            raise
        for mxc in listed["local"]:
            await self.delete_media(mxc)
        return len(listed["local"])

    async def delete_media(self, mxc: str) -> None:
        """Delete one file of this homeserver; one that is gone is fine. Raises port errors."""
        server, _, media_id = mxc.removeprefix("mxc://").partition("/")
        try:
            await self._call("DELETE", f"/v1/media/{_q(server)}/{_q(media_id)}")
        except Permanent as error:
            if error.code != "M_NOT_FOUND":
                raise

    async def delete_media_of(self, user_id: str) -> None:
        """Delete every file that an account uploaded."""
        while (await self._call("DELETE", f"/v1/users/{_q(user_id)}/media"))["total"]:
            pass

    async def deactivate(self, user_id: str) -> None:
        """End an account and have its profile forgotten."""
        try:
            await self._call("POST", f"/v1/deactivate/{_q(user_id)}", {"erase": True})
        except Permanent as error:
            if error.code != "M_NOT_FOUND":
                raise
