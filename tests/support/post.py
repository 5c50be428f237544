"""Mail that comes in by real connections into a real database and is decided there, without a homeserver."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiosmtplib
import sqlalchemy as sa

from bridge.domain import effects as fx
from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.state import Policy
from bridge.flow.inbox import Inbox
from bridge.flow.timers import Timers
from bridge.keptmails import StoredTurns
from bridge.mail.intake import ArrivedMail, Intake
from bridge.mail.listener import MailListener
from bridge.mail.parse import parse_mail
from bridge.mail.parsed import ParsedMail
from bridge.mail.read import MailReader
from bridge.mail.signed import Verdict
from bridge.mail.turns import Gate
from bridge.names import StoredNames
from bridge.storage import inbox, outbox
from bridge.storage.codec import decode_effect
from bridge.storage.database import Database
from bridge.storage.schema import outbox as outbox_table
from bridge.storage.sharing import Alone

DOMAIN = "reponse.test"
GROUP = ExpertGroup("derm", "Dermatologie", f"derm@{DOMAIN}", ("@a:h.example",), Notify.ANNOUNCE, "fr")
ADMIN = Practitioner("@a:h.example", "Dr A", "fr")
SECOND = replace(GROUP, key="cardio", name="Cardiologie", address=f"cardio@{DOMAIN}")
THIRD = replace(GROUP, key="orl", name="ORL", address=f"orl@{DOMAIN}")
ORGANISATION = Organisation("Hôpital", "fr", (ADMIN,), (GROUP, SECOND, THIRD), admins=(ADMIN.user_id,))
LIMIT = 2


class Clock:
    """A clock that a test moves."""

    time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def forward(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


async def _parse(raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
    return parse_mail(raw, domain, report_expected=report_expected)


@dataclass
class Post:
    """Mail that comes in by SMTP and is decided, and what that led to."""

    database: Database
    clock: Clock
    worker: Inbox
    port: int = 0
    verdict: Verdict = Verdict.PASS
    woken: list[str] = field(default_factory=list)

    async def check(self, _raw: bytes, _mail: ParsedMail) -> Verdict:
        return self.verdict

    intake: Intake | None = None

    async def send(self, to: str, *raws: bytes, sender: str = "marie@patients.example") -> None:
        """All of these on one connection, and decided."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            for raw in raws:
                await client.sendmail(sender, [to], raw)
        await self.decide()

    async def decide(self) -> None:
        async with self.database.reading() as connection:
            conversations = await inbox.pending(connection)
        for conversation in conversations:
            await self.worker._drain_ours(conversation)

    async def effects(self, kind: type) -> list[fx.Effect]:
        query = sa.select(outbox_table.c.kind, outbox_table.c.payload).where(
            outbox_table.c.kind == kind.__name__
        )
        async with self.database.reading() as connection:
            return [decode_effect(*row) for row in (await connection.execute(query)).all()]

    async def held(self) -> list[inbox.Input]:
        async with self.database.reading() as connection:
            return await inbox.quarantined(connection)

    async def timers(self) -> None:
        """Perform what is due by now of what was put off."""
        timers = Timers(self.database, self.clock, self.woken.extend)
        async with self.database.reading() as connection:
            waiting_lanes = await outbox.pending(connection)
        for lane, due_at in waiting_lanes.items():
            if lane[1].startswith("timer") and due_at <= self.clock.now().timestamp():
                async with self.database.reading() as connection:
                    row = await outbox.head(connection, lane)
                assert row is not None
                await timers.perform(row)
        await self.decide()


@contextlib.asynccontextmanager
async def opened(folder: Path, limit: int = LIMIT) -> AsyncIterator[Post]:
    """A database with nothing in it, and its way in, by which an hour lets in so many mails."""
    database, clock = Database(f"sqlite:///{folder}/colloque.db"), Clock()
    await database.migrate()

    def woken(_lanes: Sequence[outbox.Lane], _heads: outbox.Heads = outbox.NO_HEADS, /) -> None:
        return None

    worker = Inbox(database, Alone(None), clock, {}, Policy(organisation=ORGANISATION), woken)
    made = Post(database, clock, worker)
    names = StoredNames(database, worker.take, 1000)
    gate = Gate(StoredTurns(database), clock, limit, limit)
    worker.readers["mail"] = MailReader(names, ORGANISATION, DOMAIN, "colloque_", _parse, made.check, gate)

    async def store(mail: ArrivedMail) -> None:
        arrival = inbox.Arrival(mail.key, "mail", mail.conversation, mail.raw, mail.recipient, mail.sender)
        await worker.take([arrival])

    intake = Intake(ORGANISATION, DOMAIN, names, store, b"secret")
    listener = MailListener(intake, host="127.0.0.1", port=0)
    await listener.start()
    made.port = listener.port
    made.intake = intake
    yield made
    await listener.stop()
    await database.close()
