"""Acting as the practitioner, where the admin allows it: joining for them, and leaving them no badge.

This is a second registration of the homeserver (no URL, so it brings us no events), by whose token we may
call as any practitioner that it names. Only what stands here is ever done with it. Everything works without
it, by invitations that people accept themselves; so whatever goes wrong here is only noted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import structlog

from bridge.matrix.calls import HomeserverCalls
from bridge.ports import Json, PortError

log = structlog.get_logger()

READ_WITHIN_S = 1.0
"""Removals never wait longer than this for badges."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Somebody's unread count in a room, and the events that they said they have read up to."""

    count: int
    receipts: tuple[str, ...]


class Acting(Protocol):
    """What may be done as a practitioner. Never raises port errors: people can do all of it themselves."""

    async def join(self, room_id: str, user_id: str) -> bool:
        """Let them join a room that they may join; ``False`` when that was refused."""

    async def read(self, room_id: str, people: Sequence[str]) -> None:
        """Mark everything in a room as read for these people, before they are removed from it."""

    async def unread(self, room_id: str, user_id: str) -> Unread | None:
        """What the homeserver counts for them in a room; ``None`` for whom we may not act as."""

    async def mark(self, room_id: str, user_id: str, event_id: str) -> bool:
        """Mark a room as read for them up to this event, seen by nobody else; ``False`` if refused."""


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

    async def unread(self, room_id: str, user_id: str) -> Unread | None:
        """What the homeserver counts for them in a room; ``None`` for whom we may not act as.

        Only their own sync tells; it shows nobody that they are there.
        """
        query = {"filter": json.dumps(_counts_of(room_id)), "timeout": "0", "set_presence": "offline"}
        try:
            synced = await self._call("GET", "/client/v3/sync", as_user=user_id, query=query)
        except PortError as error:
            log.debug("acting.refused", act="unread", error=type(error).__name__)
            return None
        found = synced.get("rooms", {}).get("join", {}).get(room_id, {})
        count = found.get("unread_notifications", {}).get("notification_count", 0)
        return Unread(count, _read_up_to(user_id, found.get("ephemeral", {}).get("events", [])))

    async def mark(self, room_id: str, user_id: str, event_id: str) -> bool:
        """Mark a room as read for them up to this event, seen by nobody else; ``False`` if refused."""
        room, event = quote(room_id, safe=""), quote(event_id, safe="")
        try:
            await self._call(
                "POST", f"/client/v3/rooms/{room}/receipt/m.read.private/{event}", {}, as_user=user_id
            )
        except PortError as error:
            log.warning("acting.refused", act="mark", error=type(error).__name__)
            return False
        return True


def _counts_of(room_id: str) -> Json:
    nothing: Json = {"types": []}
    return {
        "presence": nothing,
        "account_data": nothing,
        "room": {
            "rooms": [room_id],
            "timeline": {"limit": 1},
            "state": nothing,
            "account_data": nothing,
            "ephemeral": {"types": ["m.receipt"]},
        },
    }


def _read_up_to(user_id: str, ephemeral: Sequence[Json]) -> tuple[str, ...]:
    """The events of somebody's receipts, those of single threads left out."""
    return tuple(
        event_id
        for event in ephemeral
        if event.get("type") == "m.receipt"
        for event_id, kinds in event["content"].items()
        for kind in ("m.read", "m.read.private")
        if (mark := kinds.get(kind, {}).get(user_id)) is not None and mark.get("thread_id") in (None, "main")
    )
