"""The whole service: the only place that constructs and connects things."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from functools import partial

import structlog
from aiohttp import web

from bridge.answering import all_pages, read_answer_link, read_file_left_out
from bridge.asking import asked, asking, reader
from bridge.availability import StoredAvailability
from bridge.care import policy, secret_for
from bridge.choosing import cleaned, expertise
from bridge.config import Config, Settings
from bridge.desk.desk import Desk, acting, client, identity, is_ours
from bridge.desk.keeper import Keeper
from bridge.desk.office import FileOffice
from bridge.domain.events import Event
from bridge.domain.organisation import InForce
from bridge.doorway import Doorway
from bridge.flow.inbox import Inbox
from bridge.flow.meter import Meter
from bridge.flow.outbox import Outbox
from bridge.flow.repair import Repair
from bridge.flow.streams import Streams
from bridge.flow.timelines import Timelines
from bridge.flow.timers import Timers
from bridge.flow.watch import Watch
from bridge.mail.ahead import Ahead
from bridge.mail.intake import Intake
from bridge.mail.listener import MailListener
from bridge.mail.sandbox import Sandbox
from bridge.mailing import StoredErrands, mail_performer, mail_reader, mailer, read_errand
from bridge.matrix.administering import Administration
from bridge.matrix.attention import Attention
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.own import KINDS
from bridge.matrix.perform import MatrixPerformer
from bridge.matrix.pulse import pulse
from bridge.matrix.restore import Restorer, settled
from bridge.matrix.transactions import MAX_BODY, routes
from bridge.names import StoredNames
from bridge.ports import RawInput, Reading, Temporary
from bridge.protecting import retention
from bridge.record.documents import StoredTranscripts
from bridge.secondway import mailbox_reader
from bridge.storage.codec import decode_event
from bridge.storage.database import Database
from bridge.storage.figures import Figures, figures
from bridge.storage.identity import belongs
from bridge.storage.outbox import NO_HEADS, Heads, Lane, lane_named
from bridge.storage.sharing import BUSY_S, START, sharing
from bridge.utc import SystemClock
from bridge.web.routes import metrics, probes
from bridge.wishing import StoredWishes

log = structlog.get_logger()

SCAN_S = 5.0
"""How often the workers look for what a lost nudge, or a process that died, may have left waiting."""

STOP_WITHIN_S = 8.0
"""From the signal until what is still under way is cut off."""


async def read_result(item: RawInput) -> Reading:
    """An event that performing an effect brought back; the inbox holds its class name as the sender."""
    event: Event = decode_event(item.sender, item.payload)
    return Reading(item.recipient, (event,))


class Bridge:
    """One running Colloque."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        config = settings.config
        self.clock = SystemClock()
        self.database = Database(config.database.url)
        self.sharing = sharing(config.database.url)
        self.organisation = InForce(settings.organisation)
        self.inbox = Inbox(
            self.database,
            self.sharing,
            self.clock,
            {},
            policy(config, self.organisation),
            self._wake_outbox,
        )
        self.watch = Watch(self.database, self.clock, self.inbox.take, self.organisation)
        self.homeserver = client(config)
        self.streams = Streams(self._connected)
        self.ahead = Ahead(Sandbox(), config.mail.domain)
        self.doorway = Doorway(self.inbox.take, is_ours(config), self.streams, self.ahead.begin)
        self.own_rooms = self.doorway.own_rooms
        limit = config.claim.listing_limit
        self.names = StoredNames(self.database, self.inbox.take, limit, self.own_rooms.noted)
        self.wishes = StoredWishes(self.database, self.clock, self.inbox.take, self.organisation)
        self.meter = Meter()
        self.inbox.meter = self.meter
        self.outbox = Outbox(self.database, self.sharing, self.clock, {}, self.inbox.wake, meter=self.meter)
        self.homeserver.on_making = self.streams.making
        self.acting = acting(config)
        self.keeper = Keeper(
            settings,
            Desk(config, self.database, self.homeserver, self.names),
            self.database,
            self.sharing,
            self.clock,
            self.organisation,
            self._wake_outbox,
            self._in_force,
        )
        desk, reload = self.keeper.desk, self.keeper.reload
        self.office = FileOffice(settings.files, desk, self.database, self.clock, reload)
        self.mailer = mailer(config)
        intake = self._intake(config)
        self.listener = self._listener(config, intake)
        self.mailbox = mailbox_reader(config, intake, self.database, self.sharing, self.clock)
        self._runner: web.AppRunner | None = None
        self._running: list[asyncio.Task[None]] = []
        self._look = asyncio.Event()
        self._repair: Repair | None = None
        self.homeserver.on_answer = self._answered

    def _answered(self, status: int, seconds: float) -> None:
        self.meter.answered(status, seconds)
        if self._repair is not None:
            self._repair.heard(status, seconds)
            if not self._repair.reachable:
                self.streams.broke()

    def _connected(self) -> None:
        if self._repair is not None:
            self._repair.connected()

    def _wake_outbox(self, lanes: Sequence[Lane], heads: Heads = NO_HEADS, /) -> None:
        self.outbox.wake(lanes, heads)

    def _woken(self, kind: str, names: Sequence[str]) -> None:
        """Another process left something to do; without names, a scan finds it."""
        if not names:
            self._look.set()
        elif kind == "inbox":
            self.inbox.wake(names)
        else:
            self.outbox.wake([lane_named(name) for name in names])

    def _claims_lost(self) -> None:
        self.inbox.lanes.drop()
        self.outbox.lanes.drop()

    def _intake(self, config: Config) -> Intake:
        secret = secret_for("question", config)
        return Intake(self.organisation, config.mail.domain, self.names, self.doorway.mail, secret)

    def _listener(self, config: Config, intake: Intake) -> MailListener:
        listen = config.mail.listen
        return MailListener(
            intake,
            host=listen.host,
            port=listen.port,
            lmtp=listen.protocol == "lmtp",
            max_size=listen.max_size_mb * 1024 * 1024,
            hostname=config.mail.domain,
        )

    async def start(self) -> None:
        """Bring everything up.

        The ways in open first: what arrives is kept from then on, even while the homeserver is away.
        """
        config = self.settings.config
        await self.sharing.start(self._woken, self._claims_lost)
        await self.database.migrate()
        await belongs(self.database, identity(config))
        await self.homeserver.start()
        if self.acting is not None:
            await self.acting.start()
        await self._listen_http(config)
        await self.listener.start()
        if self.mailbox is not None:
            self.mailbox.start()
        log.info("bridge.listening", mail_port=self.listener.port, http_port=self.http_port)
        await self._prepared(config)
        self.inbox.lanes.open()
        self.outbox.lanes.open()
        assert self._repair is not None
        kept = retention(self.settings, self.database, self.sharing, self.clock, self.organisation)
        works = {
            "scan": self._scan(),
            "repair": self._repair.run(),
            "watch": self.watch.run(),
            "keeper": self.keeper.run(),
            "retention": kept.run(),
            "wishes": self.wishes.run(),
        }
        self._running = [asyncio.create_task(work, name=name) for name, work in works.items()]
        log.info("bridge.ready")

    async def _prepared(self, config: Config) -> None:
        """Wait for the homeserver as long as it takes; it may start after us."""
        wait_s = 0.5
        while True:
            try:
                async with self.sharing.claimed(START, "") as ours:
                    if ours:
                        await self._prepare_matrix(config)
                        return
                await asyncio.sleep(BUSY_S)  # another process is at it; then there is nothing left to do
            except Temporary as error:
                log.warning(
                    "homeserver.waiting", error=type(error).__name__, why=str(error)[:120], wait=wait_s
                )
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 15.0)

    async def _listen_http(self, config: Config) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        token = config.homeserver.hs_token.get_secret_value()
        app.add_routes(routes(hs_token=token, keep=self.doorway.events, line=self.streams))
        metrics_token = config.web.metrics_token
        app.add_routes(metrics(self._metrics, metrics_token.get_secret_value() if metrics_token else ""))
        app.add_routes(probes(self._needs))
        errands = StoredErrands(self.names, self.database, self.clock, self.inbox.take)
        app.add_routes(all_pages(config, self.organisation, errands, self.homeserver))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, config.web.host, config.web.port).start()

    async def _needs(self) -> dict[str, bool]:
        return {
            "database": await self.database.answers(),
            "started": bool(self._running),
            "homeserver": self._repair is not None and self._repair.reachable,
            "listener": self.listener.listening,
        }

    async def _metrics(self) -> bytes:
        needs = await self._needs()
        found = Figures(needs=needs)
        if needs["database"]:
            async with self.database.reading() as connection:
                groups = [group.key for group in self.organisation.groups]
                found = await figures(connection, self.clock.now().timestamp(), needs, groups)
        return self.meter.text(found)

    @property
    def http_port(self) -> int:
        """The port that the homeserver's transactions come to."""
        assert self._runner is not None
        port: int = self._runner.addresses[0][1]
        return port

    async def _prepare_matrix(self, config: Config) -> None:
        self._connect(config, await self.keeper.begin())

    async def _in_force(self) -> None:
        """Another organisation is in force; everyone who holds it sees that by themselves but these."""
        self.inbox.policy = policy(self.settings.config, self.organisation)
        await self.watch.roll_call()
        for kind in KINDS:
            for room_id in (await self.names.rooms_of(kind)).values():
                self.own_rooms.learn(room_id)

    def _connect(self, config: Config, place: Place) -> None:
        organisation = self.organisation
        self.inbox.readers |= {
            "matrix": reader(self.names, organisation, place, self.own_rooms, config, self.homeserver),
            "mail": mail_reader(
                config, self.names, organisation, place.namespace, self.ahead, self.database, self.clock
            ),
            "web": read_errand,
            "answer_link": read_answer_link,
            "file_left_out": read_file_left_out,
            "result": read_result,
        }
        outlet = Outlet(self.homeserver, self.names, place)
        self._watch(outlet)
        self.outbox.brought = self.names.brought
        self.outbox.performers |= {
            "matrix": MatrixPerformer(
                outlet,
                organisation,
                grant_at_once_up_to=config.claim.grant_at_once_up_to,
                more={
                    **asking(outlet, organisation, self.database, self.clock, self.inbox.wake, self.wishes),
                    **asked(outlet, organisation, config.care),
                    **expertise(outlet, self.database, self.homeserver, self.ahead.sandbox),
                    **Attention(
                        outlet, StoredAvailability(self.database, self.clock, self.inbox.take)
                    ).handlers,
                    **Administration(outlet, organisation, self.office, self.clock).handlers,
                },
                acting=self.acting,
                present=self.doorway.present,
                clean=partial(cleaned, self.ahead.sandbox),
                transcripts=StoredTranscripts(self.database, organisation, self.clock.now),
            ),
            "mail": mail_performer(
                config, self.mailer, self.homeserver, self.names, organisation, self.database, self.clock
            ),
            "timer": Timers(self.database, self.clock, self.inbox.wake),
        }

    def _watch(self, outlet: Outlet) -> None:
        """Have rooms compared with the homeserver: before a decision, and in rounds."""
        place = outlet.place
        self.inbox.timelines = Timelines(
            self.database,
            self.homeserver,
            self.names,
            self.clock,
            place.bot,
            (f"@{place.namespace}", f":{place.domain}"),
            self.streams,
        )
        self._repair = Repair(
            self.database,
            self.sharing,
            self.clock,
            self.meter,
            alive=self.homeserver.alive,
            pulse=lambda: pulse(self.homeserver, self.names, place),
            doubt=self.inbox.doubt,
            doubted=lambda: self.inbox.doubted,
            problems=Restorer(outlet).problems,
            settled=settled,
            wake_outbox=self._wake_outbox,
        )

    async def _scan(self) -> None:
        while True:
            self._look.clear()
            try:
                await self.inbox.scan()
                await self.outbox.scan()
            except Exception as error:
                log.error("scan.failed", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), SCAN_S)

    async def stop(self) -> None:
        """Stop taking in, finish what is under way, close everything. What waits is kept."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + STOP_WITHIN_S
        await self.listener.stop()
        if self.mailbox is not None:
            await self.mailbox.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await self.inbox.lanes.stop((ends - loop.time()) / 2)
        await self.outbox.lanes.stop(ends - loop.time())
        await self.mailer.close()
        await self.ahead.sandbox.close()
        await self.homeserver.close()
        if self.acting is not None:
            await self.acting.close()
        await self.sharing.stop()
        await self.database.close()


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    bridge = Bridge(settings)
    loop.add_signal_handler(signal.SIGHUP, bridge.keeper.reload)
    starting = asyncio.create_task(bridge.start())
    signalled = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([starting, signalled], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await signalled
        log.info("bridge.stopping")
    finally:
        for task in (starting, signalled):
            task.cancel()
        await asyncio.gather(starting, signalled, return_exceptions=True)
        await bridge.stop()
