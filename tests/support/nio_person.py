"""A practitioner with another client than ours: matrix-nio, which reads rooms and counts by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from nio import AsyncClient, Event, JoinResponse, LoginResponse, MatrixRoom, RoomSendResponse, SyncResponse

SYNC_MS = 1000


class NioPerson:
    """One logged-in client; what it was shown so far is in ``seen``, by room."""

    def __init__(self, url: str, user_id: str) -> None:
        self.client = AsyncClient(url, user_id)
        self.user_id = user_id
        self.seen: dict[str, list[Event]] = {}
        self.client.add_event_callback(self._shown, Event)

    async def _shown(self, room: MatrixRoom, event: Event) -> None:
        self.seen.setdefault(room.room_id, []).append(event)

    async def login(self, password: str) -> None:
        """Log in, accept what one is invited to, and read what there is."""
        assert isinstance(await self.client.login(password, "nio"), LoginResponse)
        await self.sync()
        for room_id in list(self.client.invited_rooms):
            await self.join(room_id)

    async def close(self) -> None:
        """Close the connection."""
        await self.client.close()

    async def sync(self, timeout_ms: int = 0) -> None:
        """What is new."""
        assert isinstance(await self.client.sync(timeout=timeout_ms, full_state=False), SyncResponse)

    async def join(self, room: str) -> str:
        """Join by room ID or alias."""
        joined = await self.client.join(room)
        assert isinstance(joined, JoinResponse), joined
        await self.sync()
        return str(joined.room_id)

    async def open(self, link: str) -> str:
        """Open a matrix.to link, as an app does when it is tapped."""
        target = unquote(link.partition("matrix.to/#/")[2].partition("?")[0])
        return await self.join(target.partition("/")[0])

    async def say(self, room_id: str, text: str) -> str:
        """Send a text."""
        return await self._send(room_id, "m.room.message", {"msgtype": "m.text", "body": text})

    async def react(self, room_id: str, event_id: str, symbol: str) -> str:
        """Put a mark on an event."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": symbol}
        return await self._send(room_id, "m.reaction", {"m.relates_to": relation})

    async def _send(self, room_id: str, kind: str, content: dict[str, Any]) -> str:
        sent = await self.client.room_send(room_id, kind, content)
        assert isinstance(sent, RoomSendResponse), sent
        return str(sent.event_id)

    async def read(self, room_id: str) -> None:
        """Mark everything in a room as read."""
        newest = self.seen[room_id][-1].event_id
        await self.client.room_read_markers(room_id, newest, newest)
        await self.sync()

    def unread(self, room_id: str) -> int:
        """The number that the client shows beside the room."""
        return int(self.client.rooms[room_id].unread_notifications)

    async def shown(self, room_id: str, words: str, within_s: float = 60) -> Event:
        """The newest event from others in a room that has these words, once it is shown."""

        def found() -> Event | None:
            events = self.seen.get(room_id, [])
            return next((e for e in events[::-1] if e.sender != self.user_id and words in _body(e)), None)

        await self.until(lambda: found() is not None, within_s)
        event = found()
        assert event is not None
        return event

    async def until(self, holds: Callable[[], bool], within_s: float = 60) -> None:
        """Sync until something holds."""
        end = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end, f"{self.user_id} waited {within_s:g} s"
            await self.sync(SYNC_MS)


def _body(event: Event) -> str:
    return str(event.source.get("content", {}).get("body", ""))
