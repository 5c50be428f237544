"""Probes and metrics: is the process alive, is it ready to work, and what waits?"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web

Check = Callable[[], Awaitable[dict[str, bool]]]
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


def probes(check: Check) -> list[web.RouteDef]:
    """``/live`` answers while the loop runs; ``/ready`` says of each need whether it is met (200 or 503)."""

    async def live(_request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_request: web.Request) -> web.Response:
        needs = await check()
        return web.json_response(needs, status=200 if all(needs.values()) else 503)

    return [web.get("/_matrix/mau/live", live), web.get("/_matrix/mau/ready", ready)]


def metrics(text: Callable[[], Awaitable[bytes]], token: str) -> list[web.RouteDef]:
    """``/metrics`` in Prometheus' text format, for who has the token.

    Without a token, only for programs of this machine that don't come through a proxy.
    """

    async def answer(request: web.Request) -> web.Response:
        if not _may_read(request, token):
            said = "set web.metrics_token and send it as a bearer token"
            return web.Response(status=401, text=said, headers={"WWW-Authenticate": "Bearer"})
        return web.Response(body=await text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    return [web.get("/metrics", answer)]


def _may_read(request: web.Request, token: str) -> bool:
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        # Bytes that are no UTF-8 come as surrogates.
        same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
        return scheme.lower() == "bearer" and same
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
