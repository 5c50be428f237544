"""The least that must happen: an application service that does each step directly, with nothing kept.

It has no database, no retries and no second thoughts; what ours takes longer is what those cost.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosmtplib
from aiohttp import web
from ruamel.yaml import YAML

from bridge.demo.freeport import free_port
from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.matrix.client import MatrixClient
from bridge.ports import Json

DOMAIN = "bare.example"
TOKEN = "as"
OWNER = f"@owner:{DOMAIN}"
GHOST = f"@bare_ghost:{DOMAIN}"


class Bare:
    """A homeserver, a service that reacts to the owner's messages, and one room."""

    def __init__(self, directory: Path, submit_to: tuple[str, int]) -> None:
        self._registration = directory / "bare.yaml"
        self._port = free_port()
        self._submit_to = submit_to
        self._numbers = itertools.count()
        self._acting: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self.synapse = LocalSynapse(directory / "bare", domain=DOMAIN, registration=self._registration)
        self.client: MatrixClient
        self.owner: Person
        self.others: list[Person] = []
        self.react: Callable[[str], Any] | None = None

    async def start(self) -> None:
        """Start everything, and log two people in."""
        with self._registration.open("w") as out:
            YAML().dump(self._registered(), out)
        await self._listen()
        await self.synapse.start()
        self.client = MatrixClient(
            url=self.synapse.url, domain=DOMAIN, as_token=TOKEN, bot="bare_bot", service_id="bare"
        )
        await self.client.start()
        await self.client.register("bare_bot")
        await self.client.register("bare_ghost")
        self.owner = await self._person("owner")
        self.others = [await self._person("other")]

    async def _person(self, name: str) -> Person:
        await self.synapse.register_user(name, "password")
        person = Person(self.synapse.url, f"@{name}:{DOMAIN}", name)
        await person.login("password")
        return person

    def _registered(self) -> Json:
        users = [{"exclusive": True, "regex": "@bare_.*"}]
        return {
            "id": "bare",
            "url": f"http://127.0.0.1:{self._port}",
            "as_token": TOKEN,
            "hs_token": "hs",
            "sender_localpart": "bare_service",
            "namespaces": {
                "users": users,
                "aliases": [{"exclusive": True, "regex": "#bare_.*"}],
                "rooms": [],
            },
            "rate_limited": False,
        }

    async def _listen(self) -> None:
        async def transaction(request: web.Request) -> web.Response:
            for event in (await request.json())["events"]:
                body = event.get("content", {}).get("body")
                if event["sender"] == OWNER and isinstance(body, str) and self.react is not None:
                    # Acknowledged first, as libraries for services do: while a transaction is open, a
                    # homeserver sends no other one, and is spared that work for what the reaction does.
                    self._acting.append(asyncio.create_task(self.react(body)))
            return web.json_response({})

        app = web.Application()
        app.router.add_put("/_matrix/app/v1/transactions/{txn}", transaction)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def room(self) -> str:
        """A room that all of them have joined, and that others could join, as a question that waits."""
        people = [self.owner.user_id, *(person.user_id for person in self.others)]
        room_id = await self.client.create_room(
            {
                "room_alias_name": f"bare_{next(self._numbers)}",
                "preset": "private_chat",
                "invite": [GHOST, *people],
                "initial_state": [
                    # What is so already costs a homeserver nothing: closing must close something.
                    {"type": "m.room.join_rules", "content": {"join_rule": "public"}}
                ],
                "power_level_content_override": {"users": {self.client.bot_id: 100}},
                "room_version": "11",
            }
        )
        await self.client.join(room_id, as_user=GHOST)
        for person in (self.owner, *self.others):
            await person.join(room_id)
        return room_id

    async def mail(self, text: str) -> None:
        """Hand one mail over."""
        message = f"From: a@{DOMAIN}\r\nTo: b@{DOMAIN}\r\nSubject: x\r\n\r\n{text}\r\n"
        host, port = self._submit_to
        await aiosmtplib.send(
            message.encode(), sender=f"a@{DOMAIN}", recipients=[f"b@{DOMAIN}"], hostname=host, port=port
        )

    async def seal(self, room_id: str) -> None:
        """Close a room around its owner by the fewest calls."""
        levels = {"users": {self.client.bot_id: 100, OWNER: 50}, "events_default": 50}
        await self.client.put_state(room_id, "m.room.power_levels", "", levels)
        await self.client.put_state(room_id, "m.room.join_rules", "", {"join_rule": "invite"})
        content = {"history_visibility": "joined"}
        await self.client.put_state(room_id, "m.room.history_visibility", "", content)
        for person in self.others:
            await self.client.kick(room_id, person.user_id)

    async def stop(self) -> None:
        """Stop everything. Raises what a reaction raised."""
        await asyncio.gather(*self._acting)
        for person in (self.owner, *self.others):
            await person.close()
        await self.client.close()
        await self.synapse.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.sleep(0)
