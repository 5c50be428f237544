"""The second way in: a mailbox that the hospital gives us, read by IMAP.

A mail is fetched without a trace, committed, and only then marked as read; a crash in between fetches it
again, which its key makes harmless. What was taken is known by UIDVALIDITY and UID, so that a mail which
somebody reads in another program is taken all the same. Recipients are looked up in the headers; a mail for
none of ours is set aside with its bytes, where the administrator finds it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

import structlog

from bridge.mail.envelope import Envelope, envelope_of
from bridge.mail.imap import ImapSession, MailboxAccess, NotFetched
from bridge.mail.listener import MailSink, Verdict
from bridge.ports import Clock

log = structlog.get_logger()
T = TypeVar("T")

IDLE_S = (300.0, 540.0)
"""How long a server is listened to at a time: networks forget connections that are silent for longer."""
POLL_S = 60.0
"""How often a server is asked that can't tell by itself."""
WAITS_S = (1.0, 5.0, 15.0, 60.0, 300.0)
"""How long to leave a server alone after the first failure, the second, and so on."""
BUSY_S = 5.0
"""When to look again at a mailbox that another process reads."""
REFUSALS = 5
"""How often a server may refuse one mail before the others go on without it."""
STOP_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class MailboxPlace:
    """How far a mailbox is taken: every mail up to this UID, as its UIDVALIDITY counts (RFC 3501, 2.3.1.1).

    ``since`` is the day on which we began to read it, as IMAP writes days (``01-Feb-2026``).
    """

    validity: int
    uid: int
    since: str


class MailboxPlaces(Protocol):
    """Where the places are noted, by the mailbox's name."""

    async def load(self, mailbox: str) -> MailboxPlace | None:
        """How far this mailbox is taken; ``None`` when it was never read."""

    async def save(self, mailbox: str, place: MailboxPlace) -> None:
        """Note that everything up to this place is committed."""


class Undecided(Exception):
    """We can't say now whether a recipient is ours; the mail stays unread until we can."""


@dataclass(slots=True)
class MailboxReader:
    """Takes what comes into one folder. ``claim`` lets one process at a time read it; sizes are in bytes."""

    access: MailboxAccess
    sink: MailSink
    places: MailboxPlaces
    clock: Clock
    claim: Callable[[], AbstractAsyncContextManager[bool]]
    max_size: int
    waits_s: tuple[float, ...] = WAITS_S
    reachable: bool = False
    _refused: Counter[int] = field(default_factory=Counter)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "mailbox"))
    _session: ImapSession | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read."""
        self._task = asyncio.create_task(self._run(), name="mailbox")

    async def _run(self) -> None:
        """Read for ever; whatever a server does, it is tried again."""
        failures = 0
        while True:
            try:
                async with self.claim() as ours:
                    if ours:
                        await self._read()
                await asyncio.sleep(BUSY_S)
            except Exception as error:
                # Without its text, which may quote an address or a server's words.
                failures = 0 if self.reachable else failures
                wait_s = self.waits_s[min(failures, len(self.waits_s) - 1)]
                failures += 1
                self.reachable = False
                log.warning("mailbox.down", error=type(error).__name__, wait=wait_s)
                await asyncio.sleep(wait_s)

    async def stop(self) -> None:
        """Stop reading; a mail that isn't marked as read yet is taken again by the next process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        ending = asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        done, _ = await asyncio.wait([ending], timeout=STOP_WITHIN_S)
        if not done and self._session is not None:
            self._session.cut()
            await ending

    async def _call(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))

    async def _read(self) -> None:
        """One session: everything new, then wait, and so on until it fails."""
        session = self._session = ImapSession(self.access)
        try:
            validity = await self._call(session.open)
            place, wanted = await self._begin(session, validity)
            while True:
                await self._take(session, place, wanted)
                self.reachable = True
                await self._call(session.wait, random.uniform(*IDLE_S), POLL_S)  # noqa: S311
                wanted = await self._call(session.above, place.uid)
                place = replace(place, uid=max(wanted, default=place.uid))
        finally:
            session.end()
            self._thread.submit(session.close)

    async def _begin(self, session: ImapSession, validity: int) -> tuple[MailboxPlace, list[int]]:
        """What to take first, and where we are once it is taken.

        In a mailbox that is new to us, what somebody has read already isn't ours to answer. One that was
        made anew has other numbers: what may have come since we began is looked at again.
        """
        known = await self.places.load(self.access.name)
        if known is not None and known.validity == validity:
            wanted = await self._call(session.above, known.uid)
            return replace(known, uid=max(wanted, default=known.uid)), wanted
        highest = max(await self._call(session.above, 0), default=0)
        if known is None:
            since = self.clock.now().strftime("%d-%b-%Y")
            return MailboxPlace(validity, highest, since), await self._call(session.unread)
        log.warning("mailbox.renumbered")
        again = await self._call(session.unread_or_since, known.since)
        return MailboxPlace(validity, highest, known.since), again

    async def _take(self, session: ImapSession, place: MailboxPlace, wanted: Iterable[int]) -> None:
        """Take these mails in their order, and note where we are then."""
        for uid in wanted:
            await self._take_one(session, uid)
        if await self.places.load(self.access.name) != place:
            await self.places.save(self.access.name, place)

    async def _take_one(self, session: ImapSession, uid: int) -> None:
        if await self._call(session.size, uid) > self.max_size:
            await self._leave(session, uid, "too_large")
            return
        try:
            raw = await self._call(session.fetch, uid)
        except NotFetched:
            self._refused[uid] += 1
            if self._refused[uid] < REFUSALS:
                raise
            await self._leave(session, uid, "not_given")
            return
        if raw is not None:  # else somebody deleted it before we could have it
            await self._keep(raw)
            await self._call(session.seen, uid)

    async def _leave(self, session: ImapSession, uid: int, reason: str) -> None:
        """It stays in the mailbox, unread and flagged, for whoever looks after that."""
        log.error("mailbox.left", uid=uid, reason=reason)
        await self._call(session.flagged, uid)

    async def _keep(self, raw: bytes) -> None:
        envelope = envelope_of(raw)
        for recipient in await self._recipients(envelope) or ("",):
            await self.sink.keep(sender=envelope.sender, recipient=recipient, raw=raw)

    async def _recipients(self, envelope: Envelope) -> list[str]:
        """Those of ours among whom mail servers name; else among whom the author named."""
        for addresses in (envelope.delivered, envelope.addressed):
            if ours := [address for address in addresses if await self._is_ours(address)]:
                return ours
        return []

    async def _is_ours(self, address: str) -> bool:
        verdict = await self.sink.check(address)
        if verdict is Verdict.TRY_LATER:
            raise Undecided(address.rpartition("@")[2])
        return verdict is Verdict.ACCEPT
