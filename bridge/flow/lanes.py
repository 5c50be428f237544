"""Runs one task per lane: order within a lane, many lanes at once.

A lane is anything hashable (a conversation; a conversation and an outlet). ``drain`` works on one
lane until there is nothing due and returns how many seconds until there will be, or ``None``. Who
has just stored what is first in a lane may say so: if nobody works on the lane, ``drain`` gets it and need
not look. A lane with much to do takes turns with those that wait for a place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()
L = TypeVar("L", bound=Hashable)
F = TypeVar("F")

PAUSE_AFTER_CRASH_S = 1.0
"""How long a lane rests when its drain itself failed (the database is away, say)."""

TURN_S = 1.0
"""How long a lane may be worked on while others wait for a place."""


class Lanes(Generic[L, F]):
    """The running lanes of one kind."""

    def __init__(
        self, name: str, drain: Callable[[L, F | None], Awaitable[float | None]], *, at_once: int
    ) -> None:
        self._name = name
        self._drain = drain
        self._at_once = at_once
        self._slots = asyncio.Semaphore(at_once)
        self._running: dict[L, asyncio.Task[None]] = {}
        self._again: set[L] = set()
        self._timers: dict[L, asyncio.TimerHandle] = {}
        self._stopping = False
        self._open = False

    def open(self) -> None:
        """Begin to run; what was nudged before is found by a scan."""
        self._open = True

    def nudge(self, lane: L, delay_s: float = 0.0, *, first: F | None = None) -> None:
        """Say that a lane has, or will have in ``delay_s`` seconds, something to do.

        ``first`` was committed as the first thing to do in the lane since this process last came here.
        """
        if self._stopping or not self._open:
            return
        if delay_s > 0:
            self._later(lane, delay_s)
        elif lane in self._running:
            self._again.add(lane)
        else:
            self._running[lane] = asyncio.create_task(self._run(lane, first), name=f"{self._name}")

    def _later(self, lane: L, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        known = self._timers.get(lane)
        if known is not None and known.when() <= loop.time() + delay_s:
            return
        if known is not None:
            known.cancel()
        self._timers[lane] = loop.call_later(delay_s, self._due, lane)

    def _due(self, lane: L) -> None:
        self._timers.pop(lane, None)
        self.nudge(lane)

    def turn(self) -> Callable[[], bool]:
        """Begin a lane's turn; the result tells whether it is over, so that ``drain`` should return 0.

        It is over only if others wait: whoever has a thousand things to do doesn't hold up a new question.
        """
        until = asyncio.get_running_loop().time() + TURN_S
        return lambda: len(self._running) > self._at_once and asyncio.get_running_loop().time() >= until

    async def _run(self, lane: L, first: F | None) -> None:
        wait_s: float | None = None
        if self._slots.locked():
            first = None  # it may be another one by then
        try:
            async with self._slots:
                if not self._stopping:
                    wait_s = await self._drain(lane, first)
        except Exception:
            log.exception("lane.crashed", kind=self._name)
            wait_s = PAUSE_AFTER_CRASH_S
        finally:
            del self._running[lane]
        if lane in self._again:
            self._again.discard(lane)
            self.nudge(lane, 0.0 if wait_s != PAUSE_AFTER_CRASH_S else PAUSE_AFTER_CRASH_S)
        elif wait_s is not None:
            self.nudge(lane, max(wait_s, 0.001))

    def drop(self) -> None:
        """End what runs now: its claims are gone, and another process may already do it."""
        for task in self._running.values():
            task.cancel()

    @property
    def stopping(self) -> bool:
        """Whether drains should return after what they are at."""
        return self._stopping

    async def stop(self, within_s: float) -> None:
        """Let running lanes finish what they are at, then cancel the rest. Nothing is lost by that."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._running.values())
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
