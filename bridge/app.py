"""The whole service: the only place that constructs and connects things."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from aiohttp import web

from bridge.config import Config, Settings
from bridge.domain.events import Event
from bridge.domain.plan import wanted_rooms
from bridge.domain.state import Policy
from bridge.flow.inbox import Inbox
from bridge.flow.outbox import Outbox
from bridge.flow.reconcile import Report, reconcile
from bridge.flow.timers import Timers
from bridge.locale import LANGUAGES, text
from bridge.mail.intake import ArrivedMail, Intake
from bridge.mail.listener import MailListener
from bridge.mail.perform import MailPerformer, MailSettings
from bridge.mail.read import MailReader
from bridge.mail.send import SmtpMailer
from bridge.matrix.client import MatrixClient
from bridge.matrix.managed import ManagedRooms
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.perform import MatrixPerformer
from bridge.matrix.read import MatrixReader
from bridge.matrix.transactions import MAX_BODY, routes
from bridge.names import StoredNames, matrix_arrivals
from bridge.ports import Json, PortError, RawInput, Reading, Temporary
from bridge.storage.codec import decode_event
from bridge.storage.database import Database
from bridge.storage.identity import belongs
from bridge.storage.inbox import Arrival
from bridge.storage.outbox import Lane, lane_named
from bridge.storage.sharing import BUSY_S, sharing
from bridge.web.routes import probes

log = structlog.get_logger()

SCAN_S = 30.0
"""How often the workers look for what a lost nudge may have left waiting."""

STOP_WITHIN_S = 8.0


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)


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
        self.inbox = Inbox(
            self.database,
            self.sharing,
            self.clock,
            {},
            Policy(config.mail.quiet_period_s),
            self._wake_outbox,
        )
        self.names = StoredNames(self.database, self.inbox.take, config.claim.listing_limit)
        self.outbox = Outbox(self.database, self.sharing, self.clock, {}, self.inbox.wake)
        self.homeserver = MatrixClient(
            url=config.homeserver.url,
            domain=config.homeserver.domain,
            as_token=config.homeserver.as_token.get_secret_value(),
            bot=config.homeserver.bot,
            service_id=config.homeserver.service_id,
        )
        self.mailer = _mailer(config)
        self.listener = self._listener(config)
        self._runner: web.AppRunner | None = None
        self._scanner: asyncio.Task[None] | None = None
        self._look = asyncio.Event()

    def _wake_outbox(self, lanes: Sequence[Lane]) -> None:
        self.outbox.wake(lanes)

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

    def _listener(self, config: Config) -> MailListener:
        intake = Intake(self.settings.organisation, config.mail.domain, self.names, self._store_mail)
        listen = config.mail.listen
        return MailListener(
            intake,
            host=listen.host,
            port=listen.port,
            lmtp=listen.protocol == "lmtp",
            max_size=listen.max_size_mb * 1024 * 1024,
            hostname=config.mail.domain,
        )

    async def _store_mail(self, mail: ArrivedMail) -> None:
        arrival = Arrival(mail.key, "mail", mail.conversation, mail.raw, mail.recipient, mail.sender)
        await self.inbox.take([arrival])

    async def _store_events(self, events: list[Json]) -> None:
        await self.inbox.take(matrix_arrivals(events))

    async def start(self) -> Report:
        """Bring everything up; returns what became of the organisation in Matrix.

        The ways in open first: what arrives is kept from then on, even while the homeserver is away.
        """
        config = self.settings.config
        await self.sharing.start(self._woken, self._claims_lost)
        await self.database.migrate()
        await belongs(self.database, _identity(config))
        await self.homeserver.start()
        await self._listen_http(config)
        await self.listener.start()
        log.info("bridge.listening", mail_port=self.listener.port, http_port=self.http_port)
        report = await self._prepared(config)
        self.inbox.lanes.open()
        self.outbox.lanes.open()
        self._scanner = asyncio.create_task(self._scan(), name="scan")
        log.info("bridge.ready")
        return report

    async def _prepared(self, config: Config) -> Report:
        """Wait for the homeserver as long as it takes; it may start after us."""
        wait_s = 0.5
        while True:
            try:
                async with self.sharing.claimed("start", "") as ours:
                    if ours:
                        return await self._prepare_matrix(config)
                await asyncio.sleep(BUSY_S)  # another process is at it; then there is nothing left to do
            except Temporary as error:
                log.warning("homeserver.waiting", error=type(error).__name__, wait=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 15.0)

    async def _listen_http(self, config: Config) -> None:
        app = web.Application(client_max_size=MAX_BODY)
        token = config.homeserver.hs_token.get_secret_value()
        app.add_routes(routes(hs_token=token, keep=self._store_events))
        app.add_routes(probes(self._needs))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, config.web.host, config.web.port).start()

    async def _needs(self) -> dict[str, bool]:
        return {
            "database": await self.database.answers(),
            "matrix": self._scanner is not None,
            "listener": self.listener.listening,
        }

    @property
    def http_port(self) -> int:
        """The port that the homeserver's transactions come to."""
        assert self._runner is not None
        port: int = self._runner.addresses[0][1]
        return port

    async def _prepare_matrix(self, config: Config) -> Report:
        organisation = self.settings.organisation
        await self.homeserver.register(config.homeserver.bot)
        name = f"{text(config.language, 'names.bot')} · {organisation.name}"
        await self.homeserver.set_displayname(name)
        version = config.homeserver.room_version or await self.homeserver.default_room_version()
        place = Place(self.homeserver.bot_id, config.homeserver.domain, config.homeserver.namespace, version)
        wanted = wanted_rooms(
            organisation,
            namespace=place.namespace,
            waiting_name=text(config.language, "names.waiting_room"),
            bot_chat_names={known: text(known, "names.bot_chat") for known in LANGUAGES},
        )
        managed = ManagedRooms(self.homeserver, self.homeserver, self.names, place)
        report = await reconcile(wanted, managed, bot=place.bot)
        for failure in report.failed:
            log.error("reconcile.refused", step=type(failure.step).__name__, reason=failure.reason)
        self._connect(config, place)
        with contextlib.suppress(PortError):  # the homeserver's backoff then ends by itself
            await self.homeserver.ping()
        return report

    def _connect(self, config: Config, place: Place) -> None:
        organisation = self.settings.organisation
        self.inbox.readers |= {
            "matrix": MatrixReader(self.names, organisation, place),
            "mail": MailReader(self.names, organisation, config.mail.domain, place.namespace),
            "result": read_result,
        }
        outlet = Outlet(self.homeserver, self.names, place)
        mail_settings = MailSettings(
            config.mail.domain,
            {"fr": config.care.emergency.fr, "en": config.care.emergency.en},
            config.mail.max_attachments_mb * 1024 * 1024,
            config.care.question_reply_within_h,
        )
        self.outbox.performers |= {
            "matrix": MatrixPerformer(
                outlet, organisation, grant_at_once_up_to=config.claim.grant_at_once_up_to
            ),
            "mail": MailPerformer(
                self.mailer, self.homeserver, self.names, self.clock, organisation, mail_settings
            ),
            "timer": Timers(),
        }

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
        await self.listener.stop()
        if self._scanner is not None:
            self._scanner.cancel()
            await asyncio.gather(self._scanner, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
        await self.inbox.lanes.stop(STOP_WITHIN_S / 2)
        await self.outbox.lanes.stop(STOP_WITHIN_S / 2)
        await self.mailer.close()
        await self.homeserver.close()
        await self.sharing.stop()
        await self.database.close()


def _identity(config: Config) -> dict[str, str]:
    """What rooms and ghosts are made under."""
    homeserver = config.homeserver
    return {
        "homeserver.domain": homeserver.domain,
        "homeserver.namespace": homeserver.namespace,
        "homeserver.bot": homeserver.bot,
    }


def _mailer(config: Config) -> SmtpMailer:
    smtp = config.mail.smtp
    return SmtpMailer(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else "",
        hostname=config.mail.domain,
    )


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    bridge = Bridge(settings)
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
