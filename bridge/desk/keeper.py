"""Keeps the running service at what the files say: at start, on SIGHUP, and when a file changes.

A broken file changes nothing: the log and the admins' bot chats say where it is broken. In manual mode
only `colloque apply` changes who is in force; every process then finds it in the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from bridge.config import Config, ConfigError, Settings, load
from bridge.desk.desk import Applied, Desk, tell_admins
from bridge.domain.change import Change
from bridge.domain.organisation import InForce, Organisation
from bridge.matrix.outlet import Place
from bridge.ports import Clock, PortError
from bridge.storage import inforce
from bridge.storage.database import Database, DatabaseAway
from bridge.storage.outbox import Lane
from bridge.storage.sharing import BUSY_S, START, Sharing

log = structlog.get_logger()

LOOK_S = 2.0
"""How often files and database are looked at."""
LATER_S = 15.0
"""When to try again to apply what the homeserver did not take."""
LIVE = ("reconcile", "largest_removal")
"""Keys of config.yaml that count as soon as they are changed; the others with the next start."""

Stamp = tuple[tuple[str, int, int], ...]


def stamp(files: Sequence[Path]) -> Stamp:
    """What shows that one of these files was written."""
    found = []
    for file in files:
        try:
            state = file.stat()
        except OSError:
            found.append((str(file), 0, -1))
        else:
            found.append((str(file), state.st_mtime_ns, state.st_size))
    return tuple(found)


@dataclass(slots=True)
class Keeper:
    """The keeper of one process. ``changed`` is told whenever another organisation is in force."""

    settings: Settings
    desk: Desk
    database: Database
    sharing: Sharing
    clock: Clock
    organisation: InForce
    wake_outbox: Callable[[Sequence[Lane]], None]
    changed: Callable[[], Awaitable[None]]
    place: Place | None = None
    _stamp: Stamp = ()
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _forced: bool = False
    _due: bool = False
    _in_force: str = ""

    def __post_init__(self) -> None:
        self._stamp = stamp(self.settings.files)

    # --- at start ---

    async def begin(self) -> Place:
        """Bring Matrix to the organisation, or leave that to the admin; raises port errors."""
        wanted = self.settings.organisation
        await self.desk.appear(wanted)
        self.place = await self.desk.place()
        if self.settings.config.reconcile == "manual":
            await self._exchange(await self.desk.in_force() or wanted)
        else:
            await self._apply(wanted)
        return self.place

    async def _apply(self, wanted: Organisation) -> Applied:
        assert self.place is not None
        now = self.clock.now().timestamp()
        found = await self.desk.look(wanted, self.place)
        large = found.is_large(self.settings.config.largest_removal)
        applied = await self.desk.apply(wanted, self.place, found, hold=large, by="service", at=now)
        await self._exchange(applied.organisation)
        if applied.report.held:
            await self._tell_held(found)
        return applied

    async def _exchange(self, organisation: Organisation) -> None:
        self.organisation.exchange(organisation)
        await self.changed()

    # --- while it runs ---

    def reload(self) -> None:
        """Read the files now, whether they were written or not."""
        self._forced = True
        self._hurry.set()

    async def run(self) -> None:
        """Look at files and database until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), LATER_S if self._due else LOOK_S)
            self._hurry.clear()
            try:
                await self.look()
            except (PortError, DatabaseAway) as error:
                log.warning("reload.later", error=type(error).__name__)
            except Exception as error:
                log.error("reload.failed", error=type(error).__name__)

    async def look(self) -> None:
        """Reload if there is reason to; then go by what another process or a command put in force."""
        found = stamp(self.settings.files)
        if self._forced or found != self._stamp:
            self._forced, self._stamp = False, found
            await self._read()
        if self._due:
            await self._bring()
        await self._follow()

    async def _read(self) -> None:
        try:
            settings = await asyncio.to_thread(load, self.settings.files[0])
        except ConfigError as error:
            for mistake in error.mistakes:
                log.error("reload.refused", mistake=str(mistake))
            await self._tell("broken", {"mistakes": "\n".join(map(str, error.mistakes[:10]))})
            return
        before, self.settings = self.settings, settings
        self._stamp = stamp(settings.files)
        waiting = restart_needed(before.config, settings.config)
        if waiting:
            log.warning("reload.needs_restart", keys=waiting)
        log.info("reload.read", changed=settings.organisation != before.organisation)
        if settings.config.reconcile == "auto":
            self._due = True
        elif settings.organisation != before.organisation:
            log.info("reload.waits_for_apply")
            await self._tell("waits", {})

    async def _bring(self) -> None:
        while True:
            async with self.sharing.claimed(START, "") as ours:
                if ours:
                    await self.desk.appear(self.settings.organisation)
                    await self._apply(self.settings.organisation)
                    self._due = False
                    return
            await asyncio.sleep(BUSY_S)

    async def _follow(self) -> None:
        async with self.database.reading() as connection:
            text = await inforce.text(connection)
        if text and text != self._in_force:
            self._in_force = text
            organisation = inforce.read(text)
            if organisation != self.organisation.now:
                await self._exchange(organisation)
                log.info("reload.in_force")

    # --- telling ---

    async def _tell_held(self, found: Change) -> None:
        people = ", ".join(access.user_id for access in found.loses)
        values = {"count": str(len(found.loses)), "of": str(found.people), "people": people}
        await self._tell("held", values)

    async def _tell(self, message: str, values: dict[str, str]) -> None:
        """Tell the admins, once for each state of the files and day."""
        now = self.clock.now().timestamp()
        state = hashlib.sha256(repr(self._stamp).encode()).hexdigest()[:12]
        key = f"{message}:{state}:{int(now // 86_400)}"
        self.wake_outbox(await tell_admins(self.database, self.organisation, key, message, values, now))


def restart_needed(before: Config, after: Config) -> list[str]:
    """The keys of config.yaml that were changed and count only from the next start."""
    names = (name for name in type(after).model_fields if name not in LIVE)
    return [name for name in names if getattr(before, name) != getattr(after, name)]
