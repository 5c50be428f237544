"""What a message costs with a thousand and with a million questions stored: time, memory, start-up."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.state import Policy, Status
from bridge.flow.inbox import Inbox
from bridge.flow.meter import Meter
from bridge.flow.outbox import Outbox
from bridge.flow.retry import MATRIX
from bridge.matrix.outlet import Place
from bridge.matrix.read import MatrixReader
from bridge.names import StoredNames
from bridge.ports import Outcome, Task
from bridge.storage import questions as stored
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.codec import encode
from bridge.storage.database import Database
from bridge.storage.schema import inbox, listings, outbox, questions, rooms, tokens
from bridge.storage.sharing import Alone
from bridge.utc import SystemClock
from tests.domain.given import waiting

FEW, MANY = 1_000, 1_000_000
RUNS = 7
"""How often a process starts with each, in turn: one start takes milliseconds, and varies by a third."""
MESSAGES = 100
BATCH = 5_000
DOMAIN = "hopital.example"
OWNER = Practitioner(f"@dr:{DOMAIN}", "Dr Petit", "fr")


async def scale(directory: Path) -> dict[str, Any]:
    """Per-message time, memory and start-up with many questions, and the ratios to few."""
    urls = {count: f"sqlite:///{directory}/{count}.db" for count in (FEW, MANY)}
    for count, url in urls.items():
        await _filled(url, count)
    runs: dict[int, list[dict[str, float]]] = {FEW: [], MANY: []}
    for _ in range(RUNS):
        for count, url in urls.items():
            runs[count].append(await _in_a_process(url, count))
    found = {count: _medians(results) for count, results in runs.items()}
    figures: dict[str, Any] = {}
    for name in found[FEW]:
        figures[f"scale, {name}, {FEW} questions"] = round(found[FEW][name], 2)
        figures[f"scale, {name}, {MANY} questions"] = round(found[MANY][name], 2)
        figures[f"scale, {name}, ratio"] = round(found[MANY][name] / found[FEW][name], 2)
    return figures


async def _in_a_process(url: str, count: int) -> dict[str, float]:
    """A process of its own: memory is a process's, and it starts only once."""
    words = [sys.executable, "-m", "bench.scale", url, str(count)]
    output = await asyncio.to_thread(subprocess.check_output, words)
    measured: dict[str, float] = json.loads(output.splitlines()[-1])
    return measured


def _medians(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


async def _filled(url: str, count: int) -> None:
    database = Database(url)
    await database.migrate()
    for start in range(0, count, BATCH):
        async with database.transaction() as connection:
            await _add(connection, range(start, min(start + BATCH, count)))
    await database.close()


async def _add(connection: Any, numbers: range) -> None:
    """Taken questions, each with the rows that its life left behind."""
    taken = replace(waiting(), status=Status.TAKEN, owner=OWNER.user_id, owner_name=OWNER.name, sealed=True)
    ids = [f"q{number:026}" for number in numbers]
    state = encode(taken)
    base = {"group_key": "derm", "status": "taken", "owner": OWNER.user_id, "version": 5}
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    rows = [
        base
        | {"id": key, "asked_at": at + n, "active_at": at + n, "state": state.replace('"q1"', f'"{key}"')}
        for n, key in zip(numbers, ids, strict=True)
    ]
    await connection.execute(sa.insert(questions), rows)
    await connection.execute(sa.insert(tokens), [{"hash": f"t{key}", "question_id": key} for key in ids])
    names = [{"key": f"question:{key}", "room_id": f"!{key}:{DOMAIN}"} for key in ids]
    await connection.execute(sa.insert(rooms), names)
    named = [{"group_key": "derm", "question_id": k, "generation": n // 400} for n, k in enumerate(ids)]
    await connection.execute(sa.insert(listings), named)
    done = {"kind": "matrix", "payload": b"{}", "status": "done", "received_at": at, "due_at": at}
    came = [done | {"key": f"matrix:${key}", "conversation": f"!{key}:{DOMAIN}"} for key in ids]
    await connection.execute(sa.insert(inbox), came)
    sent = {"kind": "Say", "payload": "{}", "status": "sent", "created_at": at, "due_at": at}
    result = json.dumps({"group": "derm", "room_version": "12"})
    effects = [
        sent | {"key": f"{key}:create", "conversation": key, "lane": "matrix", "result": result}
        for key in ids
    ]
    await connection.execute(sa.insert(outbox), effects)


class Performs:
    """Takes every effect as done: what is measured is ours, not the homeserver's."""

    backoff = MATRIX

    async def perform(self, task: Task) -> Outcome:
        """Done."""
        return Outcome()

    async def failed(self, task: Task, error: str) -> Outcome:
        """Never."""
        return Outcome()


async def _measured(url: str, count: int) -> dict[str, float]:
    began = time.perf_counter()
    database = Database(url)
    await database.migrate()
    clock, meter = SystemClock(), Meter()
    worker = Inbox(
        database, Alone(None), clock, {}, Policy(0), lambda lanes, heads: effects.wake(lanes, heads)
    )
    effects = Outbox(database, Alone(None), clock, {}, worker.wake, meter=meter)
    names = StoredNames(database, worker.take, 400)
    organisation = Organisation("H", "fr", (OWNER,), ())
    place = Place(f"@colloque:{DOMAIN}", DOMAIN, "colloque_", "12")
    worker.readers["matrix"] = MatrixReader(names, organisation, place)
    effects.performers |= dict.fromkeys(("matrix", "mail", "timer"), Performs())
    worker.lanes.open()
    effects.lanes.open()
    await worker.scan()
    await effects.scan()
    start_ms = (time.perf_counter() - began) * 1000
    times = []
    for number in range(MESSAGES):
        times.append(await _one(worker, database, f"q{number * (count // MESSAGES):026}", number))
    await worker.lanes.stop(2)
    await effects.lanes.stop(2)
    await database.close()
    return {"ms a message": statistics.median(times) * 1000, "ms to start": start_ms, "MB": _most_mb()}


def _most_mb() -> float:
    """The most memory that was resident since this program began; ``ru_maxrss`` counts its parent's, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


RUN = itertools.count(int(time.time()))


async def _one(worker: Inbox, database: Database, question_id: str, number: int) -> float:
    """From the intake of the owner's message to the decision's commit."""
    event = {
        "type": "m.room.message",
        "event_id": f"$run{next(RUN)}-{number}",
        "room_id": f"!{question_id}:{DOMAIN}",
        "sender": OWNER.user_id,
        "content": {"msgtype": "m.text", "body": "Bonjour"},
    }
    async with database.reading() as connection:
        before = await stored.load(connection, question_id)
    assert before is not None
    began = time.perf_counter()
    await worker.take(matrix_arrivals([event]))
    while True:
        async with database.reading() as connection:
            now = await stored.load(connection, question_id)
        if now is not None and now.version > before.version:
            return time.perf_counter() - began
        await asyncio.sleep(0)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print(json.dumps(asyncio.run(_measured(sys.argv[1], int(sys.argv[2])))))
