"""What breaks, and when: chosen by a seeded chance, mended a little later."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.demo.homeserver import SynapseFailed
from bridge.demo.stack import BridgeProcess, NotReady
from chaos.mailserver import Fault, MailServer
from tests.support.clinic import Clinic
from tests.support.gap import leave_a_gap

STARTING = 0.25
"""How many of the bridges' deaths come while they start; the others come while they work, however slow the
machine is: what never gets to work says nothing about what a death does to it."""
READY_S = 15.0
"""How long to wait for that at most: the homeserver may be away."""
UP_FOR = 2.0
"""How many times as long as its start took a homeserver runs before the next restart: on a slow machine it
would be away more than there."""
WITH_GAP = 0.5
"""How many of the homeserver's kills leave out a number before its newest event, unless that is state."""
FULL_BYTES = 64 * 1024
"""Nothing can be written behind this place of a file while the disk is full."""


def _runs(process: BridgeProcess) -> bool:
    return process.process is not None and process.process.returncode is None


@dataclass(slots=True)
class Breaker:
    """Breaks one thing after the other. ``restart_database`` is ``None`` where that is a file."""

    clinic: Clinic
    processes: list[BridgeProcess]
    mails: MailServer
    chance: random.Random
    restart_database: Callable[[], Awaitable[None]] | None
    counts: Counter[str] = field(default_factory=Counter)
    _homeserver_rests_until: float = field(default=0.0, init=False)

    async def run(self, ending: asyncio.Event) -> None:
        """Break things until the end; everything runs again when this returns."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._killing(ending))
            group.create_task(self._breaking(ending))
        self.mails.fault = Fault.NONE
        for process in self.processes:
            await self._up(process)

    async def _killing(self, ending: asyncio.Event) -> None:
        """A bridge dies every few seconds, whatever else is broken."""
        while not ending.is_set():
            process = self.chance.choice(self.processes)
            await self._lives_a_while(process)
            await self.kill_bridge(process)

    async def _lives_a_while(self, process: BridgeProcess) -> None:
        if self.chance.random() < STARTING:
            await asyncio.sleep(self.chance.uniform(0, 3))
            return
        with contextlib.suppress(TimeoutError, NotReady):
            async with asyncio.timeout(READY_S):
                await process.wait_ready()
        await asyncio.sleep(self.chance.uniform(0.3, 3.5))

    async def _breaking(self, ending: asyncio.Event) -> None:
        """Everything around the bridges, one after the other."""
        faults: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (2, self.freeze_bridge),
            (3, self.restart_homeserver),
            (1, self.freeze_homeserver),
            (1, self.freeze_bridge_past_a_restart),
            (3, self.trouble_mails),
            (1, self.break_database if self.restart_database is not None else self.fill_disk),
        ]
        weights, actions = zip(*faults, strict=True)
        while not ending.is_set():
            (action,) = self.chance.choices(actions, weights)
            await action()
            await asyncio.sleep(self.chance.uniform(0.5, 6))

    async def _up(self, process: BridgeProcess) -> None:
        """See to it that a process runs; one that ended for lack of a database is started again."""
        while not _runs(process):
            with contextlib.suppress(NotReady):
                await process.start(wait=False)
                await asyncio.sleep(0.5)

    async def kill_bridge(self, process: BridgeProcess) -> None:
        """SIGKILL, and start again at once, as a service manager does."""
        if _runs(process):
            await process.kill()
            self.counts["kills"] += 1
            await asyncio.sleep(self.chance.uniform(0, 0.5))
        await self._up(process)

    async def freeze_bridge(self) -> None:
        """A machine that swaps: it is there, and does nothing for a while."""
        await self._frozen(lambda: asyncio.sleep(self.chance.uniform(1, 5)))

    async def freeze_bridge_past_a_restart(self) -> None:
        """What it was at when the homeserver went it goes on with when the homeserver is back."""
        await self._frozen(self.restart_homeserver)

    async def _frozen(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        process = self.chance.choice(self.processes).process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGSTOP)
        await meanwhile()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
        self.counts["bridge_freezes"] += 1

    async def restart_homeserver(self) -> None:
        """SIGKILL or SIGTERM, a moment of absence, and a start."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._homeserver_rests_until:
            return
        synapse = self.clinic.stack.synapse
        if self.chance.random() < 0.5:
            await synapse.kill()
            self._leave_a_gap()
        else:
            await synapse.stop()
        await asyncio.sleep(self.chance.uniform(0, 3))
        began = loop.time()
        while True:
            with contextlib.suppress(SynapseFailed):
                await synapse.start()
                break
        self._homeserver_rests_until = loop.time() + UP_FOR * (loop.time() - began)
        self.counts["homeserver_restarts"] += 1

    def _leave_a_gap(self) -> None:
        """What such a death leaves once in a while, more often."""
        if self.chance.random() < WITH_GAP:
            file = self.clinic.stack.synapse.directory / "homeserver.db"
            self.counts["homeserver_gaps"] += leave_a_gap(file)

    async def freeze_homeserver(self) -> None:
        """A homeserver that takes its time."""
        synapse = self.clinic.stack.synapse
        synapse.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(1, 5))
        synapse.send_signal(signal.SIGCONT)
        self.counts["homeserver_freezes"] += 1

    async def break_database(self) -> None:
        """The database server dies and comes back."""
        assert self.restart_database is not None
        await self.restart_database()
        self.counts["database_restarts"] += 1
        for process in self.processes:
            await self._up(process)

    async def fill_disk(self) -> None:
        """No file may grow for a while: SQLite then fails as on a full disk."""
        process = self.processes[0].process
        if process is None or process.returncode is not None:
            return
        before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (FULL_BYTES, before[1]))
        await asyncio.sleep(self.chance.uniform(1, 5))
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)
        self.counts["full_disks"] += 1

    async def trouble_mails(self) -> None:
        """The mail server answers errors, hangs, drops, or isn't there for a while."""
        self.counts["mail_faults"] += 1
        if self.chance.random() < 0.25:
            await self.mails.stop()
            await asyncio.sleep(self.chance.uniform(1, 5))
            await self.mails.start()
            return
        self.mails.fault = self.chance.choice([fault for fault in Fault if fault is not Fault.NONE])
        await asyncio.sleep(self.chance.uniform(1, 6))
        self.mails.fault = Fault.NONE
