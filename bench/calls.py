"""How many homeserver calls a question costs: to set it up and to take it, by number of readers."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from bench.idle import idle
from bridge.demo.freeport import free_port
from bridge.demo.stack import Stack
from tests.support.clinic import Clinic, hospital


class Counting:
    """A proxy before the homeserver that counts the bridge's calls by kind."""

    def __init__(self) -> None:
        self.port = free_port()
        self.target = ""
        self.seen: Counter[str] = Counter()
        self._session = ClientSession(auto_decompress=False)
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to pass calls on."""
        app = web.Application(client_max_size=100 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        """End."""
        await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.Response:
        self.seen[f"{request.method} {_kind(request.path)}"] += 1
        headers = {key: value for key, value in request.headers.items() if key.lower() != "host"}
        url = f"{self.target}{request.raw_path}"
        async with self._session.request(
            request.method, url, data=await request.read(), headers=headers
        ) as answer:
            body = await answer.read()
            kind = answer.headers.get("Content-Type", "application/json")
            return web.Response(body=body, status=answer.status, headers={"Content-Type": kind})


def _kind(path: str) -> str:
    """What a call is for, without the IDs in it."""
    path = re.sub(r"/_matrix/client/(v\d|unstable)|/_matrix", "", path)
    path = re.sub(r"/rooms/[^/]+", "", path)
    path = re.sub(r"/(send|state)/([^/]+).*", r"/\1/\2", path)
    return re.sub(r"/redact/.*", "/redact", path)


async def calls(directory: Path) -> dict[str, Any]:
    """Set-up, and claim with 0, 1 and 4 others in the room."""
    proxy = Counting()
    await proxy.start()
    clinic = await _behind(proxy, directory)
    try:
        figures: dict[str, Any] = {}
        for readers in (0, 1, 4):
            figures |= await _one(clinic, proxy, readers)
        return figures
    finally:
        await clinic.close()
        await proxy.stop()


async def _behind(proxy: Counting, directory: Path) -> Clinic:
    """A clinic whose bridge talks to the homeserver through the proxy."""
    clinic = await Clinic.open(directory, hospital({"derm": 5}))
    stack: Stack = clinic.stack
    proxy.target = stack.synapse.url
    await stack.bridge.stop()
    text = stack.config.read_text().replace(stack.synapse.url, f"http://127.0.0.1:{proxy.port}")
    stack.config.write_text(text)
    await stack.bridge.start()
    return clinic


async def _one(clinic: Clinic, proxy: Counting, readers: int) -> dict[str, Any]:
    await idle(clinic)
    proxy.seen.clear()
    asked = await clinic.ask("derm")
    await idle(clinic)
    setup = Counter(proxy.seen)
    owner, *others = clinic.members("derm")[: readers + 1]
    for other in others:
        await other.join(asked.alias)
    proxy.seen.clear()
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    await idle(clinic)
    return {
        f"calls_setup_{readers}": setup.total(),
        f"calls_claim_{readers}_others": proxy.seen.total(),
        f"calls_claim_{readers}_kinds": dict(sorted(proxy.seen.items())),
        "calls_setup_kinds": dict(sorted(setup.items())),
    }
