"""The way in from the homeserver: transactions are acknowledged only after they are kept.

The application service API of the Matrix specification, with the token compared in constant time.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
import structlog
from aiohttp import web

from bridge.ports import Json

log = structlog.get_logger()

MAX_BODY = 50 * 1024 * 1024
"""A homeserver retries what we refuse for ever: take anything up to this many bytes."""

NOTHING = b"{}"
"""The answer to what was kept."""

Keep = Callable[[list[Json]], Awaitable[None]]

FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP")
"""What proxies add to a request (RFC 7239 and custom)."""


class Line(Protocol):
    """Told of transactions as they come."""

    def began(self, connection: object, txn_id: str, *, direct: bool) -> None:
        """A transaction comes by this connection, ``direct`` unless a proxy shows."""

    def broke(self) -> None:
        """It was not kept."""


class _NoLine:
    def began(self, connection: object, txn_id: str, *, direct: bool) -> None:
        pass

    def broke(self) -> None:
        pass


def _error(status: int, errcode: str, error: str) -> web.Response:
    return web.json_response({"errcode": errcode, "error": error}, status=status)


def routes(*, hs_token: str, keep: Keep, line: Line | None = None) -> list[web.RouteDef]:
    """The routes that the homeserver calls; ``keep`` returns once events are committed."""
    service = _Service(hs_token.encode(), keep, line or _NoLine())
    top = "/_matrix/app/v1"
    return [
        web.put(top + "/transactions/{txn_id}", service.transaction),
        web.post(top + "/ping", service.ping),
        web.get(top + "/users/{user_id}", service.unknown),
        web.get(top + "/rooms/{alias}", service.unknown),
    ]


def _read(content: bytes) -> Any:
    """JSON as homeservers write it, else as the standard library understands it. Raises ``ValueError``."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return json.loads(content)


class _Service:
    def __init__(self, token: bytes, keep: Keep, line: Line) -> None:
        self._token = token
        self._keep = keep
        self._line = line

    def _refusal(self, request: web.Request) -> web.Response | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given:
            return _error(401, "M_UNAUTHORIZED", "the homeserver's token is missing")
        # Bytes that are no UTF-8 come as surrogates.
        if not hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token):
            return _error(403, "M_FORBIDDEN", "the homeserver's token is wrong")
        return None

    async def transaction(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        direct = not any(name in request.headers for name in FORWARDED)
        self._line.began(request.protocol, request.match_info["txn_id"], direct=direct)
        kept = False
        try:
            answer = await self._kept(request)
            kept = answer.status == 200
        finally:
            if not kept:
                self._line.broke()
        return answer

    async def _kept(self, request: web.Request) -> web.Response:
        try:
            body: Any = _read(await request.read())
        except web.HTTPRequestEntityTooLarge:
            return _error(413, "M_TOO_LARGE", f"a transaction has {MAX_BODY} bytes at most")
        except (ValueError, RecursionError):
            return _error(400, "M_NOT_JSON", "the body is not JSON")
        events = body.get("events") if isinstance(body, dict) else None
        if not isinstance(events, list):
            return _error(400, "M_BAD_JSON", "the body has no list of events")
        try:
            await self._keep(events)
        except Exception as error:
            log.error("transaction.not_kept", error=type(error).__name__)
            return _error(500, "M_UNKNOWN", "the events could not be kept; send them again")
        return web.Response(body=NOTHING, content_type="application/json")

    async def ping(self, request: web.Request) -> web.Response:
        return self._refusal(request) or web.json_response({})

    async def unknown(self, request: web.Request) -> web.Response:
        """Everything of ours exists before anyone asks for it."""
        return self._refusal(request) or _error(404, "M_NOT_FOUND", "no such user or room")
