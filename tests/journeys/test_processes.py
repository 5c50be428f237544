"""Three processes on one PostgreSQL behind one address; one of them is killed in the middle of the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.mailbox import Mail
from bridge.demo.stack import BridgeProcess
from tests.support.clinic import PATIENT, Clinic, hospital
from tests.support.postgres import fresh
from tests.support.race import Race, race
from tests.support.ward import Ward

ROUNDS = 9
AT_ONCE = 3


@pytest.fixture
async def ward(tmp_path: Path, postgres_url: str) -> AsyncIterator[Ward]:
    clinic = await Clinic.open(tmp_path, hospital({"derm": 3}), database=await fresh(postgres_url))
    opened = Ward(clinic)
    try:
        await opened.open(3)
        yield opened
    finally:
        await opened.close()
        await clinic.close()


async def test_three_processes_are_one_bridge_even_when_one_is_killed(ward: Ward) -> None:
    clinic = ward.clinic
    races: list[Race] = []
    for number in range(ROUNDS // AT_ONCE):
        killing = asyncio.create_task(_kill_later(ward.processes[0])) if number == 1 else None
        races += await asyncio.gather(*(race(clinic, "derm", 2) for _ in range(AT_ONCE)))
        if killing is not None:
            await killing
            await ward.processes[0].start()
    for one in races:
        assert (one.owners, one.speakers) == (1, 1)
        findings = await one.settle(clinic)
        assert findings.mailed_by_others == 0
        assert findings.handed_back == findings.losers
    mails = _each_once(clinic)
    for one in races:
        assert sum(one.texts[one.owner.user_id] in mail.text for mail in mails) == 1
    assert len(mails) == 2 * len(races), "one acknowledgement and one answer for each question"
    assert all(ward.mail.passed.values())


def _each_once(clinic: Clinic) -> list[Mail]:
    """The mails to the patient; one whose server's word was lost with a process may have come twice."""
    mails = clinic.stack.mailbox.mails_to(PATIENT.address)
    by_id = {mail.message_id: mail for mail in mails}
    assert all(mail.raw == by_id[mail.message_id].raw for mail in mails)
    return list(by_id.values())


async def _kill_later(process: BridgeProcess) -> None:
    await asyncio.sleep(1)
    await process.kill()


async def test_what_is_said_in_a_row_arrives_in_a_row(ward: Ward) -> None:
    clinic = ward.clinic
    asked = await clinic.ask("derm")
    owner = clinic.members("derm")[0]
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    said = [f"Phrase numéro {number} de {asked.subject}." for number in range(12)]
    for words in said:
        await owner.say(asked.room_id, words)
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda mail: said[-1] in mail.text)
    mails = [mail.text for mail in clinic.stack.mailbox.mails_to(PATIENT.address)]
    places = [[number for number, text in enumerate(mails) if words in text.split(">")[0]] for words in said]
    assert [len(place) for place in places] == [1] * len(said)
    assert places == sorted(places)
