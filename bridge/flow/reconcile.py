"""Brings the homeserver to what the YAML says, item by item: one that fails doesn't stop the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from bridge.domain.plan import Remove, Step
from bridge.domain.stages import Lane, stages
from bridge.ports import Permanent, Temporary, TransportDown

log = structlog.get_logger()

AT_ONCE = 8
"""Steps that are performed at the same time: a homeserver answers one while it works on others."""
PATIENCE_S = 60.0
"""How long a step waits in all, as often as the homeserver asks for time."""


class Target(Protocol):
    """Where the steps are done."""

    async def perform(self, step: Step) -> None:
        """Do one step. Raises :class:`Permanent` when it is refused."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that was refused, and why."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, what was refused, and what waits for someone to allow it."""

    done: tuple[Step, ...]
    failed: tuple[Failure, ...]
    held: tuple[Remove, ...] = ()


async def perform(steps: tuple[Step, ...], target: Target, *, past_temporary: bool = False) -> Report:
    """Do these steps, several at once where their order allows it, going on past those that are refused;
    with ``past_temporary`` also past those that might succeed later. A homeserver that can't be reached
    ends it (``TransportDown``), and so does another ``Temporary``; steps that run by then are completed.
    """
    performing = _Performing(target, past_temporary)
    for stage in stages(steps):
        await performing.lanes(stage)
    done = tuple(step for step in steps if step in performing.done)
    failed = tuple(performing.failed[step] for step in steps if step in performing.failed)
    log.info("reconcile.done", done=len(done), failed=len(failed))
    return Report(done, failed)


@dataclass(slots=True)
class _Performing:
    """The performing of one plan."""

    target: Target
    past_temporary: bool
    done: set[Step] = field(default_factory=set)
    failed: dict[Step, Failure] = field(default_factory=dict)
    _ended_by: Temporary | None = None
    _rest_until: float = 0.0

    async def lanes(self, stage: Iterable[Lane]) -> None:
        """Perform lanes side by side. Raises what ended it."""
        waiting = iter(stage)

        async def work() -> None:
            for lane in waiting:
                for step in lane:
                    if self._ended_by is not None:
                        return
                    await self._step(step)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())
        if self._ended_by is not None:
            raise self._ended_by

    async def _step(self, step: Step) -> None:
        try:
            await self._unhurried(step)
        except Permanent as error:
            self.failed[step] = Failure(step, str(error))
        except Temporary as error:
            if isinstance(error, TransportDown) or not self.past_temporary:
                self._ended_by = self._ended_by or error
            else:
                self.failed[step] = Failure(step, f"{error}; try again later")
        else:
            self.done.add(step)

    async def _unhurried(self, step: Step) -> None:
        """Do a step; when the homeserver asks for time (429), everyone gives it that and it is done again."""
        clock = asyncio.get_running_loop().time
        patient_until = clock() + PATIENCE_S
        while True:
            while (rest := self._rest_until - clock()) > 0:
                await asyncio.sleep(rest)
            try:
                return await self.target.perform(step)
            except Temporary as error:
                if error.retry_after is None or clock() + error.retry_after > patient_until:
                    raise
                self._rest_until = max(self._rest_until, clock() + error.retry_after)
