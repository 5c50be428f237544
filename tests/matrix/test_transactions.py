"""What the homeserver sends us is kept before it is acknowledged, or not acknowledged at all."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bridge.matrix.transactions import MAX_BODY, routes
from bridge.storage.arrivals import matrix_arrivals

EVENT = {"event_id": "$1", "room_id": "!r", "type": "m.room.message", "content": {}}
GOOD = {"Authorization": "Bearer secret"}


class Book:
    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.broken = False

    async def keep(self, events: list[Any]) -> None:
        if self.broken:
            raise RuntimeError("disk full")
        self.kept += events


async def _put(book: Book, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(routes(hs_token="secret", keep=book.keep))
    async with TestClient(TestServer(app)) as client:
        response = await client.put(
            "/_matrix/app/v1/transactions/1", data=BytesIO(body), headers=GOOD if headers is None else headers
        )
        return response.status, await response.json()


async def test_events_are_kept_and_then_acknowledged() -> None:
    book = Book()
    assert await _put(book, json.dumps({"events": [EVENT, EVENT]}).encode()) == (200, {})
    assert book.kept == [EVENT, EVENT]


async def test_a_transaction_without_events_is_fine() -> None:
    assert await _put(Book(), b'{"events": []}') == (200, {})


async def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    book = Book()
    book.broken = True
    status, body = await _put(book, json.dumps({"events": [EVENT]}).encode())
    assert status == 500
    assert "disk" not in json.dumps(body)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 403), ({"Authorization": "Basic secret"}, 401)],
)
async def test_without_the_right_token_nothing_is_taken(headers: dict[str, str], status: int) -> None:
    book = Book()
    assert (await _put(book, json.dumps({"events": [EVENT]}).encode(), headers))[0] == status
    assert book.kept == []


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"events": 3}', b"\xff", b"[" * 100_000])
async def test_nonsense_is_refused_in_words(body: bytes) -> None:
    status, answer = await _put(Book(), body)
    assert status == 400
    assert answer["errcode"] in ("M_NOT_JSON", "M_BAD_JSON")


async def test_five_megabytes_are_taken() -> None:
    book = Book()
    body = json.dumps({"events": [EVENT | {"content": {"body": "x" * 5_000_000}}]}).encode()
    assert (await _put(book, body))[0] == 200
    assert len(book.kept) == 1


def test_events_that_are_none_are_kept_all_the_same_and_told_apart() -> None:
    odd = ["text", {"type": "x"}, {"event_id": 3, "room_id": []}, EVENT]
    arrivals = matrix_arrivals(odd)  # type: ignore[arg-type]
    assert len({arrival.key for arrival in arrivals}) == 4
    assert [arrival.conversation for arrival in arrivals] == ["matrix", "matrix", "matrix", "!r"]


def test_half_a_surrogate_pair_does_not_hold_back_the_queue() -> None:
    event = json.loads('{"event_id":"$e","room_id":"!r","content":{"body":"avant\\ud83d apr\u00e8s"}}')
    (arrival,) = matrix_arrivals([event])
    assert json.loads(arrival.payload)["content"]["body"] == "avant? après"


async def test_a_token_that_is_no_text_is_wrong_like_any_other() -> None:
    app = web.Application()
    app.add_routes(routes(hs_token="secret", keep=Book().keep))
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"POST /_matrix/app/v1/ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n")
        writer.write(b"Authorization: Bearer \xff\xfe\r\nContent-Length: 0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("path", ["users/@colloque_p_1:h", "rooms/%23colloque_q_1:h"])
async def test_nobody_learns_of_users_and_rooms_by_asking(path: str) -> None:
    app = web.Application()
    app.add_routes(routes(hs_token="secret", keep=Book().keep))
    async with TestClient(TestServer(app)) as client:
        url = f"/_matrix/app/v1/{path}"
        assert (await client.get(url)).status == 401
        response = await client.get(url, headers=GOOD)
        assert (response.status, (await response.json())["errcode"]) == (404, "M_NOT_FOUND")


async def test_the_acknowledgement_waits_for_the_commit() -> None:
    committed = asyncio.Event()

    async def keep(_events: list[Any]) -> None:
        await committed.wait()

    app = web.Application()
    app.add_routes(routes(hs_token="secret", keep=keep))
    async with TestClient(TestServer(app)) as client:
        url = "/_matrix/app/v1/transactions/1"
        answer = asyncio.create_task(client.put(url, json={"events": [EVENT]}, headers=GOOD))
        done, _ = await asyncio.wait([answer], timeout=0.2)
        assert not done
        committed.set()
        assert (await answer).status == 200


class Line:
    """Notes what it is told of transactions."""

    def __init__(self) -> None:
        self.began_by: list[tuple[object, str, bool]] = []
        self.broken = 0

    def began(self, connection: object, txn_id: str, *, direct: bool) -> None:
        self.began_by.append((connection, txn_id, direct))

    def broke(self) -> None:
        self.broken += 1


async def test_what_carries_transactions_and_whether_they_were_kept_is_told() -> None:
    book, line = Book(), Line()
    app = web.Application()
    app.add_routes(routes(hs_token="secret", keep=book.keep, line=line))
    async with TestClient(TestServer(app)) as client:

        async def put(number: int, body: bytes = b'{"events": []}', headers: dict[str, str] = GOOD) -> int:
            path = f"/_matrix/app/v1/transactions/{number}"
            return (await client.put(path, data=body, headers=headers)).status

        assert [await put(1), await put(2)] == [200, 200]
        (first, *told), (second, *_) = line.began_by
        assert told == ["1", True]
        assert first is second
        assert await put(3, headers=GOOD | {"X-Forwarded-For": "10.0.0.1"}) == 200
        assert line.began_by[-1][1:] == ("3", False)
        assert line.broken == 0
        book.broken = True
        assert [await put(4), await put(5, b"nonsense")] == [500, 400]
        assert line.broken == 2
        assert await put(6, headers={"Authorization": "Bearer wrong"}) == 403
        assert len(line.began_by) == 5
