"""Stands between the service and its homeserver, and notes every call."""

from __future__ import annotations

import aiohttp
from aiohttp import web

WRITES = ("PUT", "POST", "DELETE")
HOP_BY_HOP = ("host", "content-length", "transfer-encoding", "connection", "content-encoding")


class CountingProxy:
    """Forwards HTTP to one target; ``calls`` are methods and paths, in order."""

    def __init__(self, port: int, target: str) -> None:
        self._port = port
        self._target = target
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession
        self.calls: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen."""
        self._session = aiohttp.ClientSession()
        application = web.Application(client_max_size=64 * 1_048_576)
        application.router.add_route("*", "/{path:.*}", self._pass)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        await self._session.close()

    def writes(self) -> list[str]:
        """The paths of all calls that change something, or try to."""
        return [path for method, path in self.calls if method in WRITES]

    async def _pass(self, request: web.Request) -> web.Response:
        self.calls.append((request.method, request.path))
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._session.request(
            request.method,
            f"{self._target}{request.raw_path}",
            data=await request.read(),
            headers=headers,
            allow_redirects=False,
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)
