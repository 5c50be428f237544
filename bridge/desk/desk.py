"""Keeps Matrix in step with the organisation: looks, and performs what may be performed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from bridge.config import Config
from bridge.domain.change import (
    Change,
    OpenQuestions,
    change,
    keeping,
    settings_between,
    without_removals,
)
from bridge.domain.effects import Phrase, Planned, TellAll
from bridge.domain.house import Depart
from bridge.domain.organisation import Organisation
from bridge.domain.plan import CreateRoom, Invite, Remove, Wanted, plan, wanted_rooms
from bridge.flow.reconcile import Report, perform
from bridge.locale import LANGUAGES, text
from bridge.matrix.acting import ActingClient
from bridge.matrix.client import MatrixClient
from bridge.matrix.managed import ManagedRooms, RoomNames
from bridge.matrix.outlet import Place
from bridge.storage import audit, inforce, outbox
from bridge.storage.database import Database

log = structlog.get_logger()


def identity(config: Config) -> dict[str, str]:
    """What rooms and ghosts are made under."""
    homeserver = config.homeserver
    return {
        "homeserver.domain": homeserver.domain,
        "homeserver.namespace": homeserver.namespace,
        "homeserver.bot": homeserver.bot,
    }


def client(config: Config) -> MatrixClient:
    """The homeserver of this configuration; ``start()`` it first."""
    return MatrixClient(
        url=config.homeserver.url,
        domain=config.homeserver.domain,
        as_token=config.homeserver.as_token.get_secret_value(),
        bot=config.homeserver.bot,
        service_id=config.homeserver.service_id,
    )


def is_ours(config: Config) -> Callable[[object], bool]:
    """Tells the bot and our ghosts from everybody else."""
    home = config.homeserver
    return Place(f"@{home.bot}:{home.domain}", home.domain, home.namespace, "").is_ours


def acting(config: Config) -> ActingClient | None:
    """Acting as practitioners, where the admin allows it; ``start()`` it first."""
    token, home = config.homeserver.acting_token, config.homeserver
    if token is None:
        return None
    bot = f"@{home.namespace}acting:{home.domain}"
    return ActingClient(url=home.url, as_token=token.get_secret_value(), bot=bot)


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a change, and the organisation that is in force since."""

    change: Change
    report: Report
    organisation: Organisation


@dataclass(frozen=True, slots=True)
class Desk:
    """One organisation's desk. Methods raise port errors; a look needs no database, nor to write names."""

    config: Config
    database: Database | None
    homeserver: MatrixClient
    names: RoomNames

    async def place(self) -> Place:
        """Who we are on the homeserver."""
        config = self.config.homeserver
        version = config.room_version or await self.homeserver.default_room_version()
        return Place(self.homeserver.bot_id, config.domain, config.namespace, version)

    async def appear(self, organisation: Organisation) -> None:
        """See to it that the bot is there under its name."""
        if not await self.homeserver.is_registered():
            await self.homeserver.register(self.config.homeserver.bot)
        name = f"{text(organisation.language, 'names.bot')} · {organisation.name}"
        await self.homeserver.set_displayname(name)

    def wanted(self, organisation: Organisation) -> tuple[Wanted, ...]:
        """Every managed room as the organisation wants it."""
        return wanted_rooms(
            organisation,
            namespace=self.config.homeserver.namespace,
            waiting_names={known: text(known, "names.waiting_room") for known in LANGUAGES},
            bot_chat_names={known: text(known, "names.bot_chat") for known in LANGUAGES},
            archived_name=text(organisation.language, "names.archived", name="{name}"),
        )

    async def look(
        self, organisation: Organisation, place: Place, questions: Sequence[OpenQuestions] = ()
    ) -> Change:
        """What would have to be done, and what becomes of these open questions. Reads only."""
        wanted = self.wanted(organisation)
        rooms = ManagedRooms(self.homeserver, self.homeserver, self.names, place)
        before = await self.in_force() if self.database is not None else None
        belonged = {room.key: room.members for room in self.wanted(before)} if before else {}
        snapshot = await rooms.snapshot(wanted, belonged)
        steps = plan(wanted, snapshot, bot=place.bot)
        found = change(steps, snapshot, bot=place.bot, organisation=organisation, questions=questions)
        if before is None:
            return replace(found, left=organisation.inactive)
        return replace(
            found,
            settings=settings_between(before, organisation),
            left=(*organisation.inactive, *before.practitioners, *before.inactive),
        )

    async def open_questions(self) -> tuple[OpenQuestions, ...]:
        """How many questions are open, by group and owner."""
        assert self.database is not None
        async with self.database.reading() as connection:
            return await inforce.open_questions(connection)

    async def in_force(self) -> Organisation | None:
        """The organisation that decisions go by; ``None`` before the first was applied."""
        assert self.database is not None
        async with self.database.reading() as connection:
            return await inforce.load(connection)

    async def apply(
        self,
        organisation: Organisation,
        place: Place,
        found: Change,
        *,
        by: str,
        at: float,
        hold: bool = False,
        past_temporary: bool = False,
    ) -> Applied:
        """Do what was found, without the removals if they are to be held; then it is in force.

        ``by`` is who wanted it, for the audit.
        """
        steps, held = without_removals(found.steps) if hold else (found.steps, ())
        rooms = ManagedRooms(self.homeserver, self.homeserver, self.names, place)
        done = await perform(steps, rooms, past_temporary=past_temporary)
        for failure in done.failed:
            log.error("reconcile.refused", step=type(failure.step).__name__, reason=failure.reason)
        if held:
            log.warning("reconcile.held", people=len(found.loses), of=found.people)
        report = Report(done.done, done.failed, held)
        before = await self.in_force()
        now = keeping(organisation, before, held)
        if now != before or report.done:
            assert self.database is not None
            async with self.database.transaction() as connection:
                await inforce.save(connection, now)
                for entry in entries(now, report, by, at):
                    await audit.note(connection, entry)
                gone = tuple(departures(before, now, at))
                await outbox.add(connection, gone, at, self.database.process)
        return Applied(found, report, now)


def departures(before: Organisation | None, now: Organisation, at: float) -> Iterator[Planned]:
    """What has the questions of those who are no longer of the organisation learn it."""
    for practitioner in before.practitioners if before else ():
        if now.practitioner(practitioner.user_id) is None:
            user_id = practitioner.user_id
            yield Planned(Depart(f"depart:{user_id}:{at}", user_id), f"bot:{user_id}")


def entries(organisation: Organisation, report: Report, by: str, at: float) -> Iterator[audit.Entry]:
    """What the audit keeps of an application: that it was, and who gained and lost which access."""
    counts = {"done": len(report.done), "failed": len(report.failed), "held": len(report.held)}
    detail = {name: str(count) for name, count in counts.items()}
    yield audit.Entry(by, "organisation.apply", organisation.name, detail, at)
    for step in report.done:
        match step:
            case Invite() | Remove():
                action = "access.give" if isinstance(step, Invite) else "access.take"
                yield audit.Entry(by, action, step.user_id, {"room": step.key}, at)
            case CreateRoom(invite=people):
                for user_id in people:
                    yield audit.Entry(by, "access.give", user_id, {"room": step.wanted.key}, at)


async def tell_admins(
    database: Database, organisation: Organisation, key: str, message: str, values: dict[str, str], now: float
) -> Sequence[outbox.Lane]:
    """Tell each admin in their bot chat (``message``: key of the section ``desk``), once for each ``key``."""
    planned = []
    for user_id in organisation.admins:
        practitioner = organisation.practitioner(user_id)
        language = practitioner.language if practitioner else organisation.language
        tell = TellAll(f"desk:{key}:{user_id}", user_id, language, (Phrase(f"desk.{message}", values),))
        planned.append(Planned(tell, f"bot:{user_id}"))
    if not planned:
        return ()
    async with database.transaction() as connection:
        return await outbox.add(connection, planned, now, database.process)
