"""Probes: is the process alive, and is it ready to work?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

Check = Callable[[], Awaitable[dict[str, bool]]]


def probes(check: Check) -> list[web.RouteDef]:
    """``/live`` answers while the loop runs; ``/ready`` says of each need whether it is met (200 or 503)."""

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_request: web.Request) -> web.Response:
        needs = await check()
        return web.json_response(needs, status=200 if all(needs.values()) else 503)

    return [web.get("/_matrix/mau/live", live), web.get("/_matrix/mau/ready", ready)]
