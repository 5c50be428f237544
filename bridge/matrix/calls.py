"""One call to the homeserver: connection pool, masquerading, and what each failure means."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bridge.ports import Permanent, Temporary, TransportDown

GONE_OR_BUSY = (502, 503, 504)

NO_ANSWER = object()
"""Stands for a body that isn't JSON: whoever sent it, it wasn't the homeserver."""


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send no PUT again when its connection breaks off: the library would, at once and without a word.

    The homeserver may have done it and have forgotten the transaction ID since (it restarted); we look first.
    """
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method == "GET":
            raise
        raise aiohttp.ClientConnectionError("the connection broke off") from error


class HomeserverCalls:
    """Calls below ``/_matrix``, as ``user_id`` unless a call says otherwise.

    ``on_call`` is told method and path of every call, ``on_answer`` its status (0: none came) and the
    seconds it took.
    """

    ROOT = "/_matrix"

    def __init__(self, url: str, as_token: str, *, user_id: str, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._token = as_token
        self._user_id = user_id
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None
        self.on_call: Callable[[str, str], None] = lambda _method, _path: None
        self.on_answer: Callable[[int, float], None] = lambda _status, _seconds: None

    async def start(self) -> None:
        """Open the connection pool; the homeserver need not be up."""
        connector = aiohttp.TCPConnector(limit=32)
        headers = {"Authorization": f"Bearer {self._token}"}
        self._session = aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=self._timeout, middlewares=(_once,)
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def _response(
        self, method: str, path: str, params: dict[str, str], options: dict[str, Any]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to one call. Redirects aren't followed: a POST would silently turn into a GET."""
        assert self._session is not None, "start() first"
        self.on_call(method, path)
        began, status = time.monotonic(), 0
        try:
            async with self._session.request(
                method, f"{self._url}{self.ROOT}{path}", params=params, allow_redirects=False, **options
            ) as response:
                yield response
                status = response.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            raise TransportDown(f"no answer from {self._url} ({type(error).__name__})") from error
        except PortErrorWithStatus as error:
            status = error.status
            raise error.meaning from None
        finally:
            self.on_answer(status, time.monotonic() - began)

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        as_user: str | None = None,
        query: dict[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """One call that answers JSON; an empty ``as_user`` is the service itself. Raises port errors."""
        user_id = self._user_id if as_user is None else as_user
        params = {**({"user_id": user_id} if user_id else {}), **(query or {})}
        if body is not None:
            options["json"] = body
        async with self._response(method, path, params, options) as response:
            answer = await _json(response)
            if response.status == 200 and isinstance(answer, dict | list):
                return answer
            meaning = _failure(response.status, answer, response.headers.get("Retry-After"))
            raise PortErrorWithStatus(response.status, meaning)

    async def _file(self, path: str, limit: int) -> bytes:
        """One call that answers a file of at most ``limit`` bytes. Raises port errors."""
        async with self._response("GET", path, {"user_id": self._user_id}, {}) as response:
            if response.status == 200:
                return await _within(response, limit)
            answer = await _json(response)
            meaning = _file_failure(response.status, answer, response.headers.get("Retry-After"))
            raise PortErrorWithStatus(response.status, meaning)


class PortErrorWithStatus(Exception):
    """A refusal on its way to whoever called, with the status for counting."""

    def __init__(self, status: int, meaning: Exception) -> None:
        super().__init__(status)
        self.status = status
        self.meaning = meaning


async def _within(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for part in response.content.iter_chunked(64 * 1024):
        content += part
        if len(content) > limit:
            raise Permanent(f"the file has more than {limit} bytes", code="too_large")
    return bytes(content)


async def _json(response: aiohttp.ClientResponse) -> Any:
    try:
        return await response.json(content_type=None)
    except ValueError:
        return NO_ANSWER


def _file_failure(status: int, answer: Any, retry_after: str | None) -> Exception:
    """A file that isn't uploaded yet, or lies on a server that is away, says nothing about our homeserver."""
    if status in GONE_OR_BUSY and isinstance(answer, dict) and answer.get("errcode"):
        return Temporary(f"{status} {answer['errcode']}")
    return _failure(status, answer, retry_after)


def _failure(status: int, answer: Any, retry_after: str | None) -> Exception:
    """What a refusal means for trying again."""
    body = answer if isinstance(answer, dict) else {}
    # Not the homeserver but something in front of it, as during maintenance: a page, or a redirect.
    if status < 400 or (status == 404 and not body.get("errcode")):
        return TransportDown(f"{status} from something that is no homeserver")
    code, message = str(body.get("errcode", "")), f"{status} {body.get('errcode', '')}"
    if status == 429:
        milliseconds = body.get("retry_after_ms")
        seconds = milliseconds / 1000 if isinstance(milliseconds, int | float) else None
        if seconds is None and retry_after is not None and retry_after.isdigit():
            seconds = float(retry_after)
        return Temporary(message, retry_after=seconds)
    if status in GONE_OR_BUSY or status == 401 or code == "M_UNKNOWN_TOKEN":
        return TransportDown(message)
    if status >= 500 or status in (408, 425):  # too slow or too early: not a refusal
        return Temporary(message)
    return Permanent(f"{message} {body.get('error', '')}", code=code or str(status))
