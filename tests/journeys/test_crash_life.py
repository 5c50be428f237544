"""SIGKILL while a question moves, and while a consultation is fixed: the end is the same, everything once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.person import Person, Refused
from bridge.matrix.rooms import OWNER_LEVEL
from bridge.ports import Json
from tests.support.clinic import Asked, Clinic, body, eventually, hospital, is_card
from tests.support.fragile import PATIENCE_S, dying, mail_with, mails_with, points, said_in, taken, times
from tests.support.service import crash_at, kills

pytestmark = pytest.mark.timeout(900)


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


async def _killed(clinic: Clinic, *kinds: str) -> bool:
    """Whether the bridge dies after each of these; what they bring is seen before it does."""

    async def died() -> bool:
        return {line.split()[1] for line in kills(clinic)} >= set(kinds)

    return await eventually(died, PATIENCE_S)


async def _out(clinic: Clinic, asked: Asked, person: Person) -> bool:
    async def out() -> bool:
        return not await clinic.inside(asked, [person])

    return await eventually(out, PATIENCE_S)


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
    assert await _killed(fragile, "CreateQuestionRoom", "Replay", "CloseFormer"), kills(fragile)


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
    assert await _killed(fragile, "Offer", "Replay", "CloseFormer"), kills(fragile)


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
    assert await _killed(fragile, "CheckAgenda", "TellPatient", "SayAll"), kills(fragile)


async def test_notes_silence_the_transcript_and_the_end_come_once_each_among_kills(fragile: Clinic) -> None:
    asked, owner, colleague = await taken(fragile)
    crash_at(fragile, points("React", "Reply", "Say", "SayAll", "TellPatient", "SetSpeaking", "Export"))
    await owner.say(asked.room_id, "!note revoir dans un mois")
    await owner.say(asked.room_id, "!muet 2 jours")
    await owner.say(asked.room_id, "!export")
    chat = await fragile.bot_room(owner)
    for ending in (".pdf", ".json"):
        await owner.wait_for(chat, lambda e, end=ending: body(e).endswith(end), deadline_s=PATIENCE_S)
    await owner.say(asked.room_id, "!clore")
    await mail_with(fragile, asked, "Votre question est close")

    async def locked() -> bool:
        return (await fragile.levels(asked, owner)).get(owner.user_id, 0) < OWNER_LEVEL

    assert await eventually(locked, PATIENCE_S)
    with pytest.raises(Refused):
        await owner.say(asked.room_id, "Encore un mot.")
    files = [body(e) for e in await owner.messages(chat) if body(e).endswith((".pdf", ".json"))]
    assert len(files) == len(set(files)) == 2
    assert len(mails_with(fragile, asked, "Votre question est close")) == 1
    assert not mails_with(fragile, asked, "revoir dans un mois")
    marks = [e for e in await owner.messages(asked.room_id, limit=200) if e["type"] == "m.reaction"]
    keys = Counter(e["content"].get("m.relates_to", {}).get("key") for e in marks if e["content"])
    assert keys["📝"] == 1
    assert not await fragile.inside(asked, [colleague])
    assert await _killed(fragile, "React", "TellPatient", "SetSpeaking"), kills(fragile)
