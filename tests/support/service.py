"""What a service manager does for a bridge that dies."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from tests.support.clinic import Clinic


async def _restart_for_ever(clinic: Clinic) -> None:
    while True:
        process = clinic.stack.bridge.process
        assert process is not None
        await process.wait()
        await clinic.stack.bridge.start(wait=False)


@contextlib.asynccontextmanager
async def restarted(clinic: Clinic) -> AsyncIterator[None]:
    """Start the bridge again whenever it dies within this block."""
    keeper = asyncio.create_task(_restart_for_ever(clinic))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


def kills(clinic: Clinic) -> Counter[str]:
    """How often the bridge was killed at which point, for which kind of thing."""
    file = clinic.stack.directory / "crashed"
    lines = file.read_text().splitlines() if file.exists() else []
    return Counter(" ".join(line.split()[:2]) for line in lines)


def crash_at(clinic: Clinic, points: str) -> None:
    """At which points the bridge is killed from now on; see :mod:`tests.support.crashing`."""
    written = clinic.stack.directory / "crash-at.new"
    written.write_text(points)
    written.replace(clinic.stack.directory / "crash-at")
