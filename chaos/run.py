"""One run: the world, its people, what breaks, and the count at the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage.database import Database
from bridge.storage.schema import inbox, outbox
from chaos.count import WORD, Count, count
from chaos.faults import Breaker
from chaos.mailserver import MailServer
from chaos.people import Talk, World
from tests.support.clinic import Clinic, hospital
from tests.support.postgres import Server, fresh
from tests.support.ward import Ward, port_of

AT_ONCE = 4
"""Patients who ask in turn."""
QUESTIONS_PER_MINUTE = 6
SETTLE_S = 240.0
COMMAND = (sys.executable, "-m", "chaos.bridge", "run")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: ``server`` is the PostgreSQL to use, ``None`` for SQLite."""

    seed: int
    minutes: float
    processes: int
    directory: Path
    server: Server | None


async def play(plan: Plan) -> dict[str, Any]:
    """Run it; returns the figures."""
    chance = random.Random(plan.seed)
    mails = MailServer(random.Random(chance.random()))
    await mails.start()
    url = await fresh(plan.server.url) if plan.server else "sqlite:///colloque.db"
    clinic = await Clinic.open(plan.directory, hospital({"derm": 4}), command=COMMAND, database=url)
    ward = Ward(clinic, COMMAND)
    try:
        _mail_through(clinic, mails)
        await ward.open(plan.processes)
        return await _broken(plan, clinic, ward, mails, chance)
    finally:
        await ward.close()
        await clinic.close()
        await mails.stop()


def _mail_through(clinic: Clinic, mails: MailServer) -> None:
    """Let the bridge hand its mails to the server that misbehaves."""
    config = clinic.stack.config
    text = config.read_text()
    config.write_text(re.sub(rf"port: {port_of(text, 'smtp')}\b", f"port: {mails.port}", text))


async def _broken(
    plan: Plan, clinic: Clinic, ward: Ward, mails: MailServer, chance: random.Random
) -> dict[str, Any]:
    ending = asyncio.Event()
    world = World(clinic, mails, ward.listener, random.Random(chance.random()), ending)
    restart = plan.server.restart if plan.server else None
    breaker = Breaker(clinic, ward.processes, mails, random.Random(chance.random()), restart)
    talks: list[Talk] = []
    people = asyncio.gather(*(_ask_on(world, talks, plan.minutes) for _ in range(AT_ONCE)))
    breaking = asyncio.create_task(breaker.run(ending))
    await asyncio.sleep(plan.minutes * 60)
    ending.set()
    await breaking
    await people
    result, settled_s = await _settled(clinic, talks, mails, ward)
    await _explain(ward, result)
    return (
        {"seed": plan.seed, "minutes": plan.minutes, "processes": plan.processes}
        | {"db": "postgres" if plan.server else "sqlite", "questions": len(talks)}
        | result.as_json()
        | {"kills": 0, "homeserver_restarts": 0}
        | dict(breaker.counts)
        | {"settled_s": round(settled_s, 1)}
    )


async def _ask_on(world: World, talks: list[Talk], minutes: float) -> None:
    """One patient after the other."""
    running: list[asyncio.Task[None]] = []
    pause_s = 60 * AT_ONCE / QUESTIONS_PER_MINUTE
    while not world.ending.is_set():
        talk = Talk(next(world.numbers))
        talks.append(talk)
        running.append(asyncio.create_task(world.talk(talk)))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(world.ending.wait(), pause_s)
        # Who still waits doesn't ask again: what a slow machine can't do must not pile up without end.
        while not (world.ending.is_set() or talk.room_id or talk.trouble):
            await asyncio.sleep(0.5)
    await asyncio.gather(*running)


async def _settled(clinic: Clinic, talks: list[Talk], mails: MailServer, ward: Ward) -> tuple[Count, float]:
    """Count until nothing is missing any more, or the time for that is over."""
    started = time.monotonic()
    while True:
        result = await count(clinic, talks, mails.taken, await _doubtful(ward))
        taken_s = time.monotonic() - started
        missing = any(result.figures[name] for name in ("lost", "owners_wrong", "unmarked"))
        if not missing or taken_s > SETTLE_S:
            return result, taken_s
        await asyncio.sleep(2)


async def _explain(ward: Ward, result: Count) -> None:
    """Add what the database knows to what was lost, came twice, or in another order."""
    database = Database(ward.database)
    try:
        async with database.reading() as connection:
            for number, finding in enumerate(result.findings):
                if found := re.search(r"\$\S+", finding):
                    result.findings[number] += await _traces(connection, found[0])
                elif finding.startswith("duplicated:") and (found := WORD.search(finding)):
                    result.findings[number] += await _tries(connection, found[0])
                elif finding.startswith("order_inversions:"):
                    for word in WORD.findall(finding):
                        result.findings[number] += f" {word}: {await _way(connection, word)}"
    finally:
        await database.close()


async def _traces(connection: AsyncConnection, event_id: str) -> str:
    came = sa.select(inbox.c.status, inbox.c.error, inbox.c.attempts).where(
        inbox.c.key == f"matrix:{event_id}"
    )
    row = (await connection.execute(came)).first()
    columns = [outbox.c[name] for name in ("kind", "key", "status", "error", "attempts", "result")]
    told = sa.select(*columns).where(outbox.c.payload.contains(event_id))
    effects = [tuple(effect) for effect in await connection.execute(told)]
    return f" inbox: {tuple(row) if row else 'never came'} outbox: {effects}"


async def _way(connection: AsyncConnection, word: str) -> str:
    """When an input with this word came, where it was put, and what was done to have it said."""
    names = ("id", "key", "before", "place", "unsure", "attempts", "received_at")
    said = word.encode()
    rows = await connection.execute(sa.select(inbox.c.payload, *(inbox.c[name] for name in names)))
    came = [tuple(row)[1:] for row in rows if said in row.payload]
    return f"inbox: {came}{await _tries(connection, word)}"


async def _tries(connection: AsyncConnection, word: str) -> str:
    """What was done to have this word said."""
    columns = [outbox.c[name] for name in ("kind", "key", "process", "attempts", "started_at", "finished_at")]
    said = sa.select(*columns).where(outbox.c.payload.contains(word))
    return f" outbox: {[tuple(effect) for effect in await connection.execute(said)]}"


async def _doubtful(ward: Ward) -> set[str]:
    """The Message-IDs of mails whose hand-over was done again."""
    database = Database(ward.database)
    try:
        async with database.reading() as connection:
            query = sa.select(outbox.c.body).where(outbox.c.handed_over_again > 0)
            bodies = (await connection.execute(query)).scalars().all()
    finally:
        await database.close()
    found = (re.search(rb"(?im)^message-id:\s*(<[^>]+>)", body) for body in bodies if body)
    return {match[1].decode() for match in found if match}
