"""Brings the homeserver to what the YAML says, item by item: one that fails doesn't stop the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import structlog

from bridge.domain.plan import Remove, Snapshot, Step, Wanted, plan
from bridge.ports import Permanent, Temporary, TransportDown

log = structlog.get_logger()


class Target(Protocol):
    """Where the steps are done."""

    async def snapshot(self, wanted: tuple[Wanted, ...]) -> Snapshot:
        """What there is."""

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


async def reconcile(wanted: tuple[Wanted, ...], target: Target, *, bot: str) -> Report:
    """Plan and perform. Raises ``Temporary`` when the homeserver is away; starting over is harmless."""
    return await perform(plan(wanted, await target.snapshot(wanted), bot=bot), target)


async def perform(steps: tuple[Step, ...], target: Target, *, past_temporary: bool = False) -> Report:
    """Do these steps, going on past those that are refused; with ``past_temporary`` also past those
    that might succeed later. A homeserver that can't be reached ends it (``TransportDown``)."""
    done: list[Step] = []
    failed: list[Failure] = []
    for step in steps:
        try:
            await target.perform(step)
        except TransportDown:
            raise
        except Permanent as error:
            failed.append(Failure(step, str(error)))
        except Temporary as error:
            if not past_temporary:
                raise
            failed.append(Failure(step, f"{error}; try again later"))
        else:
            done.append(step)
    log.info("reconcile.done", done=len(done), failed=len(failed))
    return Report(tuple(done), tuple(failed))
