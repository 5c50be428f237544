"""Taking in the homeserver's transactions: ours, durably, against a framework that keeps them in memory.

The servers run in turn under the same client, over one connection, as a homeserver sends; and in a process of
its own, as a homeserver is: in ours, what it does after a commit would find the processor's caches cold, and
that time would be taken for the commit's. What came in counts as decided before the next measurement: a
service that does nothing but take in isn't one.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiohttp import ClientSession, web
from mautrix.appservice import AppService

from bridge.demo.freeport import free_port
from bridge.domain.state import Policy
from bridge.flow.inbox import Inbox
from bridge.matrix.transactions import MAX_BODY, routes
from bridge.ports import Json
from bridge.storage import schema
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.database import Database
from bridge.storage.sharing import sharing
from bridge.utc import SystemClock
from tests.support.postgres import fresh, postgres

SIZES = (1, 10, 100)
ROUNDS = 15
TRANSACTIONS = {1: 300, 10: 150, 100: 30}
NUMBERS = itertools.count()
TOKEN = "the-homeserver's"
Server = Callable[[], Any]
Decided = Callable[[], Awaitable[None]]
Rate = Callable[[int, int], Awaitable[float]]
"""Events per second of the server on this port, by size of transaction."""
BARE = "framework, in memory"


async def intake(directory: Path) -> dict[str, Any]:
    """Events per second by size of transaction, and the ratio to the framework's."""
    loop = asyncio.get_running_loop()
    with ExitStack() as stack:
        client = stack.enter_context(ProcessPoolExecutor(1, multiprocessing.get_context("spawn")))
        postgres_url = await fresh(stack.enter_context(postgres(durable=True)))
        servers: dict[str, Server] = {
            BARE: _framework,
            "ours, SQLite": lambda: _ours(f"sqlite:///{directory}/colloque.db"),
            "ours, PostgreSQL": lambda: _ours(postgres_url),
        }
        async with AsyncExitStack() as running:
            up = {name: await running.enter_async_context(server()) for name, server in servers.items()}
            return await _measured(up, lambda port, size: loop.run_in_executor(client, _rate, port, size))


async def _measured(up: dict[str, tuple[int, Decided]], rate: Rate) -> dict[str, Any]:
    """Each of ours against the bare one, in turn; one database is at rest while the other is measured."""
    rates: dict[tuple[str, int], list[float]] = {}
    ratios: dict[tuple[str, int], list[float]] = {}
    for size, name, number in itertools.product(SIZES, [name for name in up if name != BARE], range(ROUNDS)):
        found: dict[str, float] = {}
        for each in (name, BARE) if number % 2 else (BARE, name):
            port, decided = up[each]
            found[each] = await rate(port, size)
            rates.setdefault((each, size), []).append(found[each])
            await decided()
        ratios.setdefault((name, size), []).append(found[name] / found[BARE])
    return _figures(rates, ratios)


def _figures(
    rates: dict[tuple[str, int], list[float]], ratios: dict[tuple[str, int], list[float]]
) -> dict[str, Any]:
    """Medians; a ratio is of the same round, as the machine's own speed changes between rounds."""
    figures: dict[str, Any] = {}
    for (name, size), found in rates.items():
        figures[f"intake, {name}, {size} a transaction"] = f"{statistics.median(found):.0f} events/s"
        if (name, size) in ratios:
            ratio = statistics.median(ratios[name, size])
            figures[f"intake, {name}, {size} a transaction, ratio"] = round(ratio, 2)
    return figures


def _rate(port: int, size: int) -> float:
    """Events per second, sent from the process that this is called in."""
    return asyncio.run(_sent(port, size))


async def _sent(port: int, size: int) -> float:
    bodies = [{"events": [_event() for _ in range(size)]} for _ in range(TRANSACTIONS[size])]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with ClientSession(headers=headers) as session:
        began = time.perf_counter()
        for body in bodies:
            url = f"http://127.0.0.1:{port}/_matrix/app/v1/transactions/{next(NUMBERS)}"
            async with session.put(url, json=body) as response:
                assert response.status == 200, await response.text()
        return size * len(bodies) / (time.perf_counter() - began)


def _event() -> Json:
    number = next(NUMBERS)
    return {
        "type": "m.room.message",
        "event_id": f"${number:043}",
        "room_id": f"!room{number % 20}:hopital.example",
        "sender": "@dr.petit:hopital.example",
        "origin_server_ts": 1_700_000_000_000 + number,
        "content": {
            "msgtype": "m.text",
            "body": "Bonjour, comment allez-vous depuis hier ?",
            "m.mentions": {},
        },
        "unsigned": {"age": 12},
    }


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[tuple[int, Decided]]:
    database, share = Database(url), sharing(url)
    await share.start(lambda _kind, _names: None, lambda: None)
    await database.migrate()
    inbox = Inbox(database, share, SystemClock(), {}, Policy(), lambda _lanes: None)

    async def keep(events: list[Json]) -> None:
        await inbox.take(matrix_arrivals(events))

    async def decided() -> None:
        async with database.transaction() as connection:
            await connection.execute(sa.update(schema.inbox).values(status=schema.DONE))

    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(routes(hs_token=TOKEN, keep=keep))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port, decided
    finally:
        await runner.cleanup()
        await share.stop()
        await database.close()


@asynccontextmanager
async def _framework() -> AsyncIterator[tuple[int, Decided]]:
    service = AppService(
        server="http://127.0.0.1:1",
        domain="hopital.example",
        as_token="as",
        hs_token=TOKEN,
        bot_localpart="colloque",
        id="colloque",
    )
    heard: list[object] = []

    async def handle(event: object) -> None:
        heard.append(event)

    async def decided() -> None:
        heard.clear()

    handler: Callable[[Any], Awaitable[None]] = handle
    service.matrix_event_handler(handler)
    port = free_port()
    await service.start("127.0.0.1", port)
    try:
        yield port, decided
    finally:
        await service.stop()
