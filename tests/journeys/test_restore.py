"""The database is lost in the middle of a conversation; from its backup the conversation goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.demo.stack import NotReady
from tests.support.clinic import PATIENT, Asked, Clinic, body, hospital
from tests.support.postgres import fresh, programs

pytestmark = pytest.mark.timeout(400)


@dataclass
class Kept:
    """A clinic with its database, which can be lost and restored as docs/operate.md says."""

    clinic: Clinic
    url: str
    copy: Path

    async def back_up(self) -> None:
        command = (
            sys.executable,
            "-m",
            "bridge",
            "backup",
            str(self.copy),
            "-c",
            str(self.clinic.stack.config),
        )
        await _run(*command, PATH=f"{programs()}:{os.environ['PATH']}")

    async def lose(self) -> None:
        if self.url.startswith("sqlite"):
            file = self.clinic.stack.directory / "colloque.db"
            file.write_bytes(os.urandom(20_000))
            return
        connection = await asyncpg.connect(self.url)
        await connection.execute(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE rooms (x int)"
        )
        await connection.close()

    async def restore(self) -> None:
        if self.url.startswith("sqlite"):
            for name in ("colloque.db-wal", "colloque.db-shm"):
                (self.clinic.stack.directory / name).unlink(missing_ok=True)
            shutil.copy(self.copy, self.clinic.stack.directory / "colloque.db")
            return
        connection = await asyncpg.connect(self.url)
        await connection.execute("DROP TABLE rooms")
        await connection.close()
        restore = str(programs() / "pg_restore")
        await _run(restore, "--no-owner", "--exit-on-error", f"--dbname={self.url}", str(self.copy))


async def _run(*command: str, **environ: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environ},
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@pytest.fixture(params=["sqlite", "postgres"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    url = "sqlite:///colloque.db"
    if request.param == "postgres":
        url = await fresh(request.getfixturevalue("postgres_url"))
    clinic = await Clinic.open(tmp_path, hospital({"derm": 2}), database=url)
    yield Kept(clinic, url, tmp_path / "mailbox" / "colloque.backup")
    await clinic.close()


async def _reply(clinic: Clinic, mail: Mail, text: str) -> None:
    await clinic.stack.mailbox.write(
        to=mail.answer_address,
        subject=f"Re: {mail.subject}",
        text=text,
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        in_reply_to=mail,
    )


async def _conversation(clinic: Clinic) -> tuple[Asked, Person, Mail]:
    asked = await clinic.ask("derm", "Est-ce grave ?")
    owner = clinic.members("derm")[0]
    await owner.say(asked.room_id, "avant la panne")
    await clinic.sealed(asked, owner)
    mail = await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "avant la panne" in m.text)
    await _reply(clinic, mail, "réponse d'avant")
    await owner.wait_for(asked.room_id, lambda e: body(e) == "réponse d'avant")
    return asked, owner, mail


async def test_a_conversation_goes_on_from_a_backup_and_nothing_is_lost_or_doubled(kept: Kept) -> None:
    clinic, stack = kept.clinic, kept.clinic.stack
    asked, owner, mail = await _conversation(clinic)
    waits = await clinic.write("derm", "J'attends encore.")
    waiting = await clinic.found("derm", waits)
    await kept.back_up()
    await stack.bridge.stop()
    await kept.lose()
    with pytest.raises(NotReady):
        await stack.bridge.start()
    assert "Traceback" not in stack.directory.joinpath("bridge.log").read_text()

    await owner.say(asked.room_id, "pendant la panne")
    await kept.restore()
    await stack.bridge.start()
    await stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "pendant la panne" in m.text)
    await _reply(clinic, mail, "réponse d'après")
    await owner.wait_for(asked.room_id, lambda e: body(e) == "réponse d'après")
    await owner.say(asked.room_id, "après la panne")
    await stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "après la panne" in m.text)

    second = clinic.members("derm")[1]
    await second.join(waiting.alias)
    await second.say(waiting.room_id, "Me voici.")
    await clinic.sealed(waiting, second)
    await stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "Me voici." in m.text)

    mails = " ".join(one.text for one in stack.mailbox.mails_to(PATIENT.address))
    for words in ("avant la panne", "pendant la panne", "après la panne", "Me voici."):
        assert mails.count(words) == 1, words
    said = Counter(body(event) for event in await owner.messages(asked.room_id, limit=500))
    for words in ("Est-ce grave ?", "réponse d'avant", "réponse d'après"):
        assert said[words] == 1, words
