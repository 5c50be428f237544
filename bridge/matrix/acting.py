"""Acting as the practitioner, where the admin allows it: joining for them, and leaving them no badge.

This is a second registration of the homeserver (no URL, so it brings us no events), by whose token we may
call as any practitioner that it names. Only what stands here is ever done with it. Everything works without
it, by invitations that people accept themselves; so whatever goes wrong here is only noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote

import structlog

from bridge.matrix.calls import HomeserverCalls
from bridge.ports import PortError

log = structlog.get_logger()

READ_WITHIN_S = 1.0
"""Removals never wait longer than this for badges."""


class Acting(Protocol):
    """What may be done as a practitioner. Never raises port errors: people can do all of it themselves."""

    async def join(self, room_id: str, user_id: str) -> bool:
        """Let them join a room that they may join; ``False`` when that was refused."""

    async def read(self, room_id: str, people: Sequence[str]) -> None:
        """Mark everything in a room as read for these people, before they are removed from it."""


class ActingClient(HomeserverCalls):
    """The :class:`Acting` of a second registration."""

    def __init__(self, *, url: str, as_token: str, bot: str) -> None:
        super().__init__(url, as_token, user_id=bot, timeout=15)

    async def known(self) -> None:
        """Raises port errors unless the homeserver knows this registration."""
        await self._call("GET", "/client/v3/account/whoami", as_user="")

    async def join(self, room_id: str, user_id: str) -> bool:
        """Let them join a room that they may join; ``False`` when that was refused."""
        try:
            await self._call("POST", f"/client/v3/join/{quote(room_id, safe='')}", {}, as_user=user_id)
        except PortError as error:
            log.warning("acting.refused", act="join", error=type(error).__name__)
            return False
        return True

    async def read(self, room_id: str, people: Sequence[str]) -> None:
        """Mark everything in a room as read for these people, before they are removed from it."""
        marks = asyncio.gather(*(self._read(room_id, user_id) for user_id in people))
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await marks
        except TimeoutError:
            log.warning("acting.slow", act="read", people=len(people))

    async def _read(self, room_id: str, user_id: str) -> None:
        room = f"/client/v3/rooms/{quote(room_id, safe='')}"
        try:
            query = {"dir": "b", "limit": "1"}
            page = await self._call("GET", f"{room}/messages", as_user=user_id, query=query)
            for event in page.get("chunk", [])[:1]:
                path = f"{room}/receipt/m.read/{quote(event['event_id'], safe='')}"
                await self._call("POST", path, {}, as_user=user_id)
        except PortError as error:
            # Who is only invited has nothing to read; who isn't named by the registration stays as they are.
            log.debug("acting.refused", act="read", error=type(error).__name__)
