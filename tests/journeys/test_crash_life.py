"""SIGKILL while a question moves, and while a consultation is fixed: the end is the same, everything once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.person import Person, Refused
from bridge.ports import Json
from tests.support.clinic import Asked, Clinic, body, eventually, hospital, is_card
from tests.support.fragile import PATIENCE_S, dying, mail_with, mails_with, points, said_in, taken, times
from tests.support.service import crash_at, kills


@pytest.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[Clinic]:
    async with dying(tmp_path, hospital({"duo": 2}), {"care": {"undo_within_s": 1}}) as opened:
        yield opened


async def _next_room(person: Person, asked: Asked) -> str:
    alias = asked.alias.replace(":", "_2:", 1)
    joined: list[str] = []

    async def let_in() -> bool:
        try:
            joined.append(await person.join(alias))
        except Refused:
            return False
        return True

    assert await eventually(let_in, PATIENCE_S)
    return joined[0]


async def _out(clinic: Clinic, asked: Asked, person: Person) -> bool:
    async def out() -> bool:
        return not await clinic.inside(asked, [person])

    return await eventually(out, PATIENCE_S)


@pytest.mark.timeout(300)
async def test_a_question_that_is_released_among_kills_waits_once_and_is_read_once(fragile: Clinic) -> None:
    asked, former, successor = await taken(fragile)
    crash_at(fragile, points("CreateQuestionRoom", "Replay", "PostCard", "CloseFormer", "TellPatient"))
    await former.say(asked.room_id, "!rendre je pars en garde")
    waiting = await successor.join("#colloque_w_duo:hopital.example")
    alias = asked.alias.replace(":", "_2:", 1)
    await successor.wait_for(waiting, lambda e: alias in body(e), deadline_s=PATIENCE_S)
    room_id = await _next_room(successor, asked)
    assert await _out(fragile, asked, former)
    cards = [e for e in await successor.messages(waiting) if is_card(e, alias)]
    assert len(cards) == 1
    await successor.say(room_id, "Je reprends.")
    await successor.wait_for(room_id, lambda e: "je regarde" in body(e), deadline_s=PATIENCE_S)
    await mail_with(fragile, asked, "Je reprends")
    said = await said_in(successor, room_id)
    assert [times(said, words) for words in ("Est-ce grave ?", "je regarde", "je pars en garde")] == [
        1,
        1,
        1,
    ]
    assert len(mails_with(fragile, asked, "Je reprends")) == 1
    killed = kills(fragile)
    assert {line.split()[1] for line in killed} >= {"CreateQuestionRoom", "Replay", "CloseFormer"}, killed


@pytest.mark.timeout(300)
async def test_a_question_that_is_handed_over_among_kills_has_one_owner_and_one_offer(
    fragile: Clinic,
) -> None:
    asked, former, colleague = await taken(fragile)
    kinds = ("Offer", "CreateQuestionRoom", "InviteMembers", "Replay", "CloseFormer", "TellPatient")
    crash_at(fragile, points(*kinds))
    await former.say(asked.room_id, f"!transmettre {colleague.user_id} pour avis")
    chat = await fragile.bot_room(colleague)

    def offered(event: Json) -> bool:
        return asked.subject in body(event) and "pour avis" in body(event)

    offer = await colleague.wait_for(chat, offered, deadline_s=PATIENCE_S)
    await colleague.react(chat, offer["event_id"], "✅")
    room_id = await _next_room(colleague, asked)
    assert await _out(fragile, asked, former)
    await colleague.wait_for(room_id, lambda e: "a repris cette question" in body(e), deadline_s=PATIENCE_S)
    await colleague.say(room_id, "Bonjour, je prends la suite.")
    await mail_with(fragile, asked, "je prends la suite")
    await mail_with(fragile, asked, "autre professionnel")
    said = await said_in(colleague, room_id)
    assert [times(said, words) for words in ("Est-ce grave ?", "je regarde", "a repris")] == [1, 1, 1]
    assert len([e for e in await colleague.messages(chat) if offered(e)]) == 1
    for words in ("je prends la suite", "autre professionnel"):
        assert len(mails_with(fragile, asked, words)) == 1
    with pytest.raises(Refused):
        await former.join(room_id)
    killed = kills(fragile)
    assert {line.split()[1] for line in killed} >= {"Offer", "Replay", "CloseFormer"}, killed


@pytest.mark.timeout(300)
async def test_a_consultation_that_is_fixed_among_kills_invites_once(fragile: Clinic) -> None:
    asked, owner, _ = await taken(fragile)
    crash_at(fragile, points("CheckAgenda", "TellPatient", "SayAll"))
    await owner.say(asked.room_id, "!visio demain 14h 20min")
    invited = await mail_with(fragile, asked, "vous est proposée")
    await owner.wait_for(asked.room_id, lambda e: "Consultation vidéo n° 1" in body(e), deadline_s=PATIENCE_S)
    await owner.say(asked.room_id, "!visio annuler")
    await mail_with(fragile, asked, "est annulée")
    await owner.wait_for(asked.room_id, lambda e: "annulée" in body(e), deadline_s=PATIENCE_S)
    said = await said_in(owner, asked.room_id)
    assert times(said, "📹 Consultation vidéo n° 1\N{NO-BREAK SPACE}:") == 1
    assert [len(mails_with(fragile, asked, words)) for words in ("vous est proposée", "est annulée")] == [
        1,
        1,
    ]
    assert any(file.name == "invitation.ics" for file in invited.attachments)
    killed = kills(fragile)
    assert {line.split()[1] for line in killed} >= {"CheckAgenda", "TellPatient", "SayAll"}, killed


@pytest.mark.timeout(300)
async def test_notes_silence_the_transcript_and_the_end_come_once_each_among_kills(fragile: Clinic) -> None:
    asked, owner, colleague = await taken(fragile)
    crash_at(fragile, points("React", "Reply", "Say", "SayAll", "TellPatient", "SetSpeaking", "Export"))
    await owner.say(asked.room_id, "!note revoir dans un mois")
    await owner.say(asked.room_id, "!muet 2 jours")
    await owner.say(asked.room_id, "!export")
    chat = await fragile.bot_room(owner)
    await owner.wait_for(chat, lambda e: body(e).endswith(".pdf"), deadline_s=PATIENCE_S)
    await owner.say(asked.room_id, "!clore")
    await mail_with(fragile, asked, "Votre question est close")

    async def locked() -> bool:
        try:
            await owner.say(asked.room_id, "Encore un mot.")
        except Refused:
            return True
        await asyncio.sleep(1)  # each try that isn't refused is a message more in the room
        return False

    assert await eventually(locked, PATIENCE_S)
    files = [body(e) for e in await owner.messages(chat) if body(e).endswith((".pdf", ".json"))]
    assert len(files) == len(set(files)) == 2
    assert len(mails_with(fragile, asked, "Votre question est close")) == 1
    assert not mails_with(fragile, asked, "revoir dans un mois")
    marks = [e for e in await owner.messages(asked.room_id, limit=200) if e["type"] == "m.reaction"]
    keys = Counter(e["content"].get("m.relates_to", {}).get("key") for e in marks if e["content"])
    assert keys["📝"] == 1
    assert not await fragile.inside(asked, [colleague])
    killed = kills(fragile)
    assert {line.split()[1] for line in killed} >= {"React", "TellPatient", "SetSpeaking"}, killed
