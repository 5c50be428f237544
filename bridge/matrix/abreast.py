"""Asks for several things at the same time, but not for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
"""Calls under way at the same time."""


async def abreast(ask: Callable[[T], Awaitable[R]], of: Iterable[T]) -> list[R]:
    """The answers in the order of the questions. The first failure is raised, and no call outlives it."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with gate:
            return await ask(item)

    tasks = [asyncio.ensure_future(one(item)) for item in of]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
