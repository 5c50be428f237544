"""The homeserver loses events, and people change rooms: both are found and mended, without being told."""

from __future__ import annotations

import re
import sqlite3
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ruamel.yaml import YAML

from bridge.demo.person import Person, Refused
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, hospital, is_card
from tests.support.idle import idle

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def mended(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 3}))
    yield opened
    await opened.close()


async def _taken(clinic: Clinic) -> tuple[Asked, Person]:
    asked = await clinic.ask("derm")
    owner = clinic.members("derm")[0]
    await owner.say(asked.room_id, "Je m'en occupe.")
    await clinic.sealed(asked, owner)
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "Je m'en occupe." in m.text)
    await idle(clinic)  # a room in which something is still to be done is left for a later round
    return asked, owner


async def _lose_everything_waiting(clinic: Clinic) -> None:
    """What a homeserver that is restarted at a bad moment does: it forgets what it had to send us."""
    await clinic.stack.synapse.stop()
    file = clinic.stack.directory / "synapse" / "homeserver.db"
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM application_services_txns")
        newest = "(SELECT MAX(stream_ordering) FROM events)"
        connection.execute(f"UPDATE appservice_stream_position SET stream_ordering = {newest}")
    connection.close()
    await clinic.stack.synapse.start()


async def test_lost_messages_reach_the_patient_and_before_the_one_that_was_not_lost(mended: Clinic) -> None:
    asked, owner = await _taken(mended)
    await mended.stack.bridge.stop()
    for number in range(3):
        await owner.say(asked.room_id, f"perdu{number}")
    await _lose_everything_waiting(mended)
    await owner.say(asked.room_id, "arrivé")
    await mended.stack.bridge.start()
    mailbox = mended.stack.mailbox
    await mailbox.wait_for(PATIENT.address, matching=lambda m: "arrivé" in m.text)
    texts = " ".join(mail.text for mail in mailbox.mails_to(PATIENT.address))
    words = re.findall(r"perdu\d|arrivé", texts)
    assert words == ["perdu0", "perdu1", "perdu2", "arrivé"]


async def test_lost_messages_reach_the_patient_though_nothing_follows_them(mended: Clinic) -> None:
    asked, owner = await _taken(mended)
    await mended.stack.bridge.stop()
    await owner.say(asked.room_id, "perdu")
    await _lose_everything_waiting(mended)
    await mended.stack.bridge.start()
    await mended.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "perdu" in m.text)


async def test_a_hand_raised_while_the_homeserver_forgets_still_takes_the_question(mended: Clinic) -> None:
    subject = await mended.write("derm", "Est-ce grave ?")
    owner = mended.members("derm")[1]
    waiting = await owner.join("#colloque_w_derm:hopital.example")
    card = await owner.wait_for(waiting, lambda e: is_card(e, subject))
    await mended.stack.bridge.stop()
    await owner.react(waiting, card["event_id"], "🙋")
    await _lose_everything_waiting(mended)
    await mended.stack.bridge.start()
    alias = body(card).partition("matrix.to/#/")[2].partition("?")[0].partition("/")[0]

    async def mine() -> bool:
        await owner.accept_invites()
        try:
            room_id = await owner.join(alias)
        except Refused:  # closed already, and the invitation is still on its way
            return False
        return any(body(e).startswith("Prise en charge") for e in await owner.messages(room_id))

    assert await eventually(mine)


async def _as_bot(clinic: Clinic, asked: Asked, kind: str, content: dict[str, Any] | None = None) -> Any:
    """What an administrator's tool could do in our name; without content, what there is."""
    registration = YAML(typ="safe").load(clinic.stack.directory / "registration.yaml")
    room = urllib.parse.quote(asked.room_id)
    url = f"{clinic.stack.synapse.url}/_matrix/client/v3/rooms/{room}/state/{kind}"
    bot = {"user_id": "@colloque:hopital.example"}
    headers = {"Authorization": f"Bearer {registration['as_token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request("PUT" if content else "GET", url, json=content, params=bot) as response,
    ):
        assert response.status == 200, await response.text()
        return await response.json()


async def test_a_room_that_was_opened_by_hand_is_closed_again_and_its_owner_told(mended: Clinic) -> None:
    asked, owner = await _taken(mended)
    stranger = mended.members("derm")[2]
    levels = await _as_bot(mended, asked, "m.room.power_levels")
    before = {kind: await _as_bot(mended, asked, kind) for kind in ("m.room.join_rules",)}
    await mended.stack.bridge.stop()
    await _as_bot(mended, asked, "m.room.join_rules", {"join_rule": "public"})
    await _as_bot(mended, asked, "m.room.history_visibility", {"history_visibility": "shared"})
    await _as_bot(mended, asked, "m.room.power_levels", levels | {"events_default": 0})
    await stranger.join(asked.room_id)
    await mended.stack.bridge.start()
    await owner.wait_for(asked.room_id, lambda e: "sont rétablis" in body(e))
    assert await _as_bot(mended, asked, "m.room.power_levels") == levels
    assert await _as_bot(mended, asked, "m.room.join_rules") == before["m.room.join_rules"]
    visibility = await _as_bot(mended, asked, "m.room.history_visibility")
    assert visibility == {"history_visibility": "joined"}
    assert await mended.inside(asked, mended.members("derm")) == [owner]


async def test_a_room_as_it_should_be_is_left_alone(mended: Clinic) -> None:
    waiting = await mended.ask("derm")
    asked, owner = await _taken(mended)
    await mended.stack.bridge.stop()
    log = mended.stack.directory / "bridge.log"
    before = log.read_text().count("repair.round")
    await mended.stack.bridge.start()

    async def went_round() -> bool:
        return log.read_text().count("repair.round") > before

    assert await eventually(went_round)
    assert "repair.drift" not in log.read_text()
    for room in (waiting, asked):
        assert not any("rétablis" in body(e) for e in await owner.messages(room.room_id))
