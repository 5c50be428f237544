"""SIGKILL after every single step, restart, and the end is the same: everything once."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.mailbox import Attached
from bridge.demo.person import Person
from bridge.demo.photos import skin_jpeg
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, hospital, is_card
from tests.support.fragile import PATIENCE_S
from tests.support.service import crash_at, kills, restarted

COMMAND = (sys.executable, "-m", "tests.support.crashing", "run")


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2}), command=COMMAND)
    async with restarted(opened):
        yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("points", "kinds", "at_least"),
    [
        pytest.param(
            "performed",
            ["CreateQuestionRoom", "PostText", "PostCard", "Lock", "RemoveOthers", "CoverExposed", "Answer"],
            20,
            marks=pytest.mark.xdist_group("v11"),
        ),
        pytest.param(
            "recorded",
            ["JoinGhost", "PostFile", "ListInSpace", "CloseJoin", "HideHistory", "RedactOwn", "Acknowledge"],
            20,
            marks=pytest.mark.xdist_group("v12"),
        ),
        # Two mails, two answers and a result or more; how much of the rest decides anything varies.
        pytest.param("kept decided", ["mail", "matrix", "result"], 12, marks=pytest.mark.xdist_group("v11")),
    ],
)
@pytest.mark.timeout(900)
async def test_a_bridge_killed_after_every_step_does_everything_once(
    fragile: Clinic, points: str, kinds: list[str], at_least: int
) -> None:
    crash_at(fragile, points)
    first, second = fragile.members("derm")
    photo = Attached("photo.jpg", "image/jpeg", skin_jpeg())
    asked = await _asked(fragile, photo)
    await second.join(asked.alias)
    await asyncio.gather(first.say(asked.room_id, "Réponse une."), second.say(asked.room_id, "Réponse deux."))
    owner = await fragile.owner(asked, [first, second], PATIENCE_S)
    loser = second if owner is first else first
    await _patient_answers(fragile, owner, asked)

    async def killed_enough() -> bool:
        """Mails and other rooms are not ordered with the room where the patient's answer is seen."""
        killed = kills(fragile)
        words = {word for line in killed for word in line.split()}
        return sum(killed.values()) >= at_least and words >= set(kinds)

    assert await eventually(killed_enough, PATIENCE_S), kills(fragile)
    crash_at(fragile, "")
    await _assert_once(fragile, asked, owner, loser)


async def _asked(clinic: Clinic, photo: Attached) -> Asked:
    subject = await clinic.write("derm", "Première phrase.", (photo,))
    reader = clinic.members("derm")[0]
    waiting = await reader.join("#colloque_w_derm:hopital.example")
    await reader.wait_for(waiting, lambda e: is_card(e, subject), deadline_s=PATIENCE_S)
    return await clinic.found("derm", subject)


async def _patient_answers(clinic: Clinic, owner: Person, asked: Asked) -> None:
    mine = "Réponse une." if owner is clinic.members("derm")[0] else "Réponse deux."
    mail = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: mine in m.text, deadline_s=PATIENCE_S
    )
    await clinic.stack.mailbox.write(
        to=mail.answer_address,
        subject=mail.subject,
        text="Suite du patient.",
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        in_reply_to=mail,
        deadline_s=PATIENCE_S,
    )
    await owner.wait_for(asked.room_id, lambda e: body(e) == "Suite du patient.", deadline_s=PATIENCE_S)


async def _assert_once(clinic: Clinic, asked: Asked, owner: Person, loser: Person) -> None:
    events = [e for e in await owner.messages(asked.room_id, limit=500) if e["type"] == "m.room.message"]
    said = Counter(body(e) for e in events if e["sender"].startswith("@colloque"))
    assert said["Première phrase."] == 1
    assert said["Suite du patient."] == 1
    assert said["photo.jpg"] == 1
    assert sum(count for words, count in said.items() if words.startswith("Prise en charge")) == 1
    mine = "Réponse une." if owner is clinic.members("derm")[0] else "Réponse deux."
    theirs = "Réponse deux." if mine == "Réponse une." else "Réponse une."
    assert sum(count for words, count in said.items() if mine in words) == 1
    assert await _handed_back_once(clinic, loser, theirs)
    _assert_mails_once(clinic, mine, theirs)
    levels = await clinic.levels(asked, owner)
    assert levels[owner.user_id] == 50
    assert loser.user_id not in levels
    assert [p.user_id for p in await clinic.inside(asked, [owner, loser])] == [owner.user_id]


async def _handed_back_once(clinic: Clinic, loser: Person, words: str) -> bool:
    async def there() -> bool:
        return sum(words in chat for chat in await clinic.bot_chat(loser)) == 1

    return await eventually(there, PATIENCE_S)


def _assert_mails_once(clinic: Clinic, mine: str, theirs: str) -> None:
    """A mail may double only where a server took it and we never heard so: with the same bytes."""
    mails = clinic.stack.mailbox.mails_to(PATIENT.address)
    assert not any(theirs in mail.text for mail in mails)
    by_id: dict[str, set[bytes]] = {}
    for mail in mails:
        by_id.setdefault(mail.message_id, set()).add(mail.raw)
    assert all(len(raws) == 1 for raws in by_id.values())
    answers = {mail.message_id for mail in mails if mine in mail.text and not mail.header("Auto-Submitted")}
    assert len(answers) == 1
    acknowledgements = {mail.message_id for mail in mails if mail.header("Auto-Submitted")}
    assert len(acknowledgements) == 1
