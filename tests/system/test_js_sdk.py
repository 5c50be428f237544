"""With matrix-js-sdk, which Element is made of: from the waiting room to an answer, and who is out then.

The version is one that the Node of a stable Debian runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clinic import PATIENT, Clinic, hospital
from tests.system.js_person import WITHIN_S, Denied, JsPerson

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2}))
    yield opened
    await opened.close()


@pytest.fixture
async def two(clinic: Clinic) -> AsyncIterator[list[JsPerson]]:
    """Both members of the group, each with a further device."""
    people = [
        await JsPerson.log_in(
            clinic.stack.synapse.url, person.user_id, clinic.stack.passwords[person.user_id]
        )
        for person in clinic.members("derm")
    ]
    yield people
    for person in people:
        await person.close()


async def _forgotten(person: JsPerson, room: str) -> None:
    """Wait until they read nothing of a room: it is forgotten a moment after somebody is out of it."""
    async with asyncio.timeout(WITHIN_S):
        while (read := await _read(person, room)) is not None:
            assert not any("profil" in words for words in read)
            await asyncio.sleep(0.1)


async def _read(person: JsPerson, room: str) -> list[str] | None:
    try:
        return list(await person.do("read", room_id=room))
    except Denied as denied:
        if str(denied) != "M_FORBIDDEN":
            raise
        return None


async def test_the_first_to_answer_speaks_and_the_second_is_out_and_reads_no_further(
    clinic: Clinic, two: list[JsPerson]
) -> None:
    first, second = two
    rooms = {room["name"]: room for room in await first.do("rooms")}
    waiting = rooms["Questions en attente · Derm"]
    assert rooms["Derm"]["space"]
    assert waiting["room_id"] in rooms["Derm"]["children"]
    assert waiting["unread"] == 0

    subject = await clinic.write("derm", "Une tache qui grandit.")
    card = (await first.do("wait", room_id=waiting["room_id"], words=subject))["content"]["body"]
    alias = card.partition("matrix.to/#/")[2].partition("?")[0].partition("/")[0]
    room = (await first.do("join", alias=alias))["room_id"]
    assert (await second.do("join", alias=alias))["room_id"] == room
    for person in two:
        await person.do("wait", room_id=room, words="Une tache qui grandit.")
        assert (await person.do("powers", room_id=room))["may_write"]

    await first.do("say", room_id=room, text="Montrez-la de près.")
    await first.do("wait", room_id=room, words="Prise en charge par")
    powers = await first.do("powers", room_id=room)
    assert powers == {"membership": "join", "may_write": True, "level": 50}
    await second.do("out", room_id=room)
    assert not (await second.do("powers", room_id=room))["may_write"]

    await first.do("say", room_id=room, text="Et de profil, s'il vous plaît.")
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "de profil" in m.text)
    await _forgotten(second, room)
    with pytest.raises(Denied, match="M_FORBIDDEN"):
        await second.do("say", room_id=room, text="Et moi ?")
    with pytest.raises(Denied):
        await second.do("join", alias=alias)
    assert not any("profil" in str(event["content"]) for event in await second.do("seen", room_id=room))
    assert any("profil" in words for words in await first.do("read", room_id=room))
