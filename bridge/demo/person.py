"""A person with a Matrix client: logs in, joins, reads, writes. Plain HTTP, as any client speaks it."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from typing import Any
from urllib.parse import quote

import aiohttp

from bridge.ports import Json


class Refused(Exception):
    """The homeserver said no: ``status`` and ``errcode``."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.errcode = body.get("errcode", "") if isinstance(body, dict) else ""


class Waited(Exception):
    """Something that should have come did not come in time."""


class Person:
    """One logged-in user."""

    def __init__(self, url: str, user_id: str, name: str = "") -> None:
        self.url = url
        self.user_id = user_id
        self.name = name or user_id
        self.token = ""
        self._session = aiohttp.ClientSession()
        self._numbers = itertools.count()
        self._run = uuid.uuid4().hex[:8]

    async def close(self) -> None:
        """Close the connection; the login stays."""
        await self._session.close()

    async def login(self, password: str) -> None:
        """Log in with a password."""
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self.user_id},
            "password": password,
            "initial_device_display_name": "Colloque",
        }
        self.token = (await self.call("POST", "/v3/login", body))["access_token"]

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> Json:
        """Any call of the client-server API below ``/_matrix/client``. Raises :class:`Refused`."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(
            method, f"{self.url}/_matrix/client{path}", json=body, params=query, headers=headers
        ) as response:
            answer = await response.json(content_type=None)
            if response.status != 200:
                raise Refused(response.status, answer)
            return dict(answer)

    async def join(self, room: str) -> str:
        """Join a room by ID or alias; returns its ID."""
        server = self.user_id.partition(":")[2]
        return str((await self.call("POST", f"/v3/join/{quote(room)}", {}, server_name=server))["room_id"])

    async def send(self, room_id: str, content: Json, event_type: str = "m.room.message") -> str:
        """Send any message event; returns its ID."""
        txn = f"{self._run}-{next(self._numbers)}"
        path = f"/v3/rooms/{quote(room_id)}/send/{event_type}/{txn}"
        return str((await self.call("PUT", path, content))["event_id"])

    async def say(self, room_id: str, text: str, html: str = "") -> str:
        """Send a text."""
        content: Json = {"msgtype": "m.text", "body": text}
        if html:
            content |= {"format": "org.matrix.custom.html", "formatted_body": html}
        return await self.send(room_id, content)

    async def edit(self, room_id: str, event_id: str, text: str) -> str:
        """Edit an own text (``m.replace``)."""
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": event_id}
        return await self.send(
            room_id, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation}
        )

    async def thread(self, room_id: str, root: str, text: str) -> str:
        """Answer in a thread."""
        relation = {"rel_type": "m.thread", "event_id": root}
        return await self.send(room_id, {"msgtype": "m.text", "body": text, "m.relates_to": relation})

    async def react(self, room_id: str, event_id: str, key: str) -> str:
        """React to an event."""
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.send(room_id, {"m.relates_to": relation}, "m.reaction")

    async def redact(self, room_id: str, event_id: str) -> None:
        """Delete an own event."""
        path = f"/v3/rooms/{quote(room_id)}/redact/{quote(event_id)}/{self._run}-{next(self._numbers)}"
        await self.call("PUT", path, {})

    async def show(self, room_id: str, content: bytes, name: str, mimetype: str) -> str:
        """Upload and send a picture."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": mimetype}
        async with self._session.post(
            f"{self.url}/_matrix/media/v3/upload", data=content, params={"filename": name}, headers=headers
        ) as response:
            mxc = (await response.json())["content_uri"]
        info = {"mimetype": mimetype, "size": len(content)}
        return await self.send(room_id, {"msgtype": "m.image", "body": name, "url": mxc, "info": info})

    async def download(self, mxc: str) -> bytes:
        """Download media."""
        server, _, media_id = mxc.removeprefix("mxc://").partition("/")
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.url}/_matrix/client/v1/media/download/{server}/{media_id}"
        async with self._session.get(url, headers=headers) as response:
            response.raise_for_status()
            return await response.read()

    async def messages(self, room_id: str, *, direction: str = "b", limit: int = 200) -> list[Json]:
        """One page of a room's events."""
        path = f"/v3/rooms/{quote(room_id)}/messages"
        return list((await self.call("GET", path, dir=direction, limit=str(limit)))["chunk"])

    async def invites(self) -> list[str]:
        """The rooms this person is invited to."""
        synced = await self.call("GET", "/v3/sync", timeout="0")
        return list(synced.get("rooms", {}).get("invite", {}))

    async def accept_invites(self) -> None:
        """Join every room this person is invited to, but for what is withdrawn meanwhile."""
        for room_id in await self.invites():
            try:
                await self.join(room_id)
            except Refused:
                if room_id in await self.invites():
                    raise

    async def wait_for(self, room_id: str, wanted: Any, *, deadline_s: float = 60.0) -> Json:
        """The first event of the room (newest last) that ``wanted`` accepts. Raises :class:`Waited`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        since = ""
        while True:
            for event in reversed(await self._readable(room_id)):
                if wanted(event):
                    return event
            if loop.time() >= end:
                raise Waited(f"{self.user_id} waited {deadline_s:g} s in {room_id}")
            query = {"since": since, "timeout": "1000"} if since else {"timeout": "0"}
            since = (await self.call("GET", "/v3/sync", **query))["next_batch"]

    async def _readable(self, room_id: str) -> list[Json]:
        try:
            return await self.messages(room_id)
        except Refused:
            return []
