"""Who takes a question, on a real homeserver: exactly one, and nobody else is heard or reads on."""

from __future__ import annotations

import asyncio

import pytest

from bridge.demo.person import Person, Refused
from bridge.demo.probe import Secret, probe
from tests.support.clinic import PATIENT, Clinic, body, eventually, is_card
from tests.support.race import race

OWNER_LEVEL = 50


@pytest.mark.parametrize("contenders", [2, 3, 4, 5])
async def test_of_several_who_answer_at_once_exactly_one_owns_the_question(
    clinic: Clinic, contenders: int
) -> None:
    for _ in range(3):
        result = await race(clinic, "derm", contenders)
        assert result.owners == 1
        assert result.speakers == 1
    findings = await result.settle(clinic)
    assert findings.mailed_by_others == 0
    assert findings.handed_back == findings.losers


async def test_the_loser_learns_who_was_first_and_the_text_leaves_the_room(clinic: Clinic) -> None:
    asked = await clinic.ask("derm")
    first, second = clinic.members("derm")[:2]
    await second.join(asked.alias)
    reply = await first.say(asked.room_id, "Je m'en occupe.")
    late = ""
    try:
        late = await second.say(asked.room_id, f"Moi aussi, {asked.subject}.")
    except Refused:
        return  # the lock was quicker: nothing was said, nothing is lost
    await clinic.sealed(asked, first)

    async def handed_back() -> bool:
        chats = await clinic.bot_chat(second)
        return any(asked.subject in chat and first.name in chat and "Moi aussi" in chat for chat in chats)

    async def gone() -> bool:
        event = await first.call("GET", f"/v3/rooms/{asked.room_id}/event/{late}")
        return not event["content"]

    assert await eventually(handed_back)
    assert await eventually(gone)
    mails = clinic.stack.mailbox.mails_to(PATIENT.address)
    assert not any("Moi aussi" in mail.text and asked.subject in mail.text for mail in mails)
    assert reply


@pytest.mark.parametrize("where", ["card", "question"])
async def test_a_raised_hand_takes_the_question(clinic: Clinic, where: str) -> None:
    asked = await clinic.ask("duo")
    _, member = clinic.members("duo")
    if where == "card":
        waiting = await member.join("#colloque_w_duo:hopital.example")
        await member.react(waiting, asked.card, "🙋")

        async def invited() -> bool:
            return asked.room_id in await member.invites()

        assert await eventually(invited)
    else:
        await member.join(asked.alias)
        await member.react(asked.room_id, asked.event_id, "🙋🏽")
    if where == "card":
        await member.join(asked.room_id)
    await clinic.sealed(asked, member)
    assert (await clinic.levels(asked, member))[member.user_id] == OWNER_LEVEL
    question = await member.wait_for(asked.room_id, lambda e: body(e) == "Est-ce grave ?")
    assert question["sender"].startswith("@colloque_p_")


async def test_the_owner_goes_on_typing_without_a_refusal(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    owner = clinic.members("duo")[0]
    for number in range(12):
        await owner.say(asked.room_id, f"Ligne {number} {asked.subject}.")
    await clinic.sealed(asked, owner)

    async def all_mailed() -> bool:
        text = "\n".join(mail.text for mail in clinic.stack.mailbox.mails_to(PATIENT.address))
        return all(f"Ligne {number} {asked.subject}." in text for number in range(12))

    assert await eventually(all_mailed)


async def test_an_outsider_can_neither_see_nor_take_a_question(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    with pytest.raises(Refused):
        await clinic.outsider.join(asked.alias)
    findings = await probe(
        clinic.outsider, Secret(asked.room_id, "!none", ("Est-ce grave ?",), (asked.event_id,))
    )
    assert findings.leaks == []


async def test_nobody_reads_on_after_the_seal(clinic: Clinic) -> None:
    asked = await clinic.ask("derm")
    owner, reader, loser, unjoined = clinic.members("derm")[:4]
    await reader.join(asked.alias)
    await loser.join(asked.alias)
    before = await reader.send(asked.room_id, {"msgtype": "m.notice", "body": "Je lis."})
    reply, late = await asyncio.gather(
        owner.say(asked.room_id, "Première réponse."),
        loser.say(asked.room_id, "Seconde réponse."),
        return_exceptions=True,
    )
    winner = await clinic.owner(asked, [owner, reader, loser])
    others = [p for p in (owner, reader, loser, unjoined, clinic.outsider) if p is not winner]
    claimed = reply if winner is owner else late
    assert isinstance(claimed, str)  # who is second may be refused: the lock was quicker
    marks = ("APRES-LE-SCEAU", "EDITE-APRES", "FIL-APRES")
    await winner.say(asked.room_id, marks[0])
    edit = await winner.edit(asked.room_id, claimed, marks[1])
    threads = [await winner.thread(asked.room_id, root, marks[2]) for root in (claimed, before)]
    with pytest.raises(Refused, match="Cannot start threads"):
        await winner.thread(asked.room_id, asked.event_id, marks[2])

    async def covered() -> bool:
        found = [await _content(winner, asked.room_id, event) for event in (edit, *threads)]
        return not any(found)

    assert await eventually(covered)
    space = await winner.join("#colloque_g_derm:hopital.example")
    events = tuple(event for event in (asked.event_id, before, reply, late) if isinstance(event, str))
    for person in others:
        findings = await probe(person, Secret(asked.room_id, space, marks, events))
        assert findings.leaks == [], person.user_id
        assert findings.tried > 30


async def _content(person: Person, room_id: str, event_id: str) -> object:
    return (await person.call("GET", f"/v3/rooms/{room_id}/event/{event_id}"))["content"]


async def test_the_owner_keeps_the_words_that_were_covered_and_the_patient_gets_them(clinic: Clinic) -> None:
    asked = await clinic.ask("derm")
    owner, reader = clinic.members("derm")[:2]
    await reader.join(asked.alias)
    words = f"Bonjour, à propos de {asked.subject}"
    await owner.say(asked.room_id, words)
    await clinic.sealed(asked, owner)
    copy = await owner.wait_for(
        asked.room_id, lambda e: words in body(e) and e["sender"].startswith("@colloque:")
    )
    assert owner.name in body(copy)
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: words in m.text)


async def test_who_was_alone_in_the_room_keeps_the_message_as_it_was(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    owner = clinic.members("duo")[0]
    event = await owner.say(asked.room_id, "Seul lecteur.")
    await clinic.sealed(asked, owner)
    assert await _content(owner, asked.room_id, event)


async def test_the_spaces_name_counts_up_and_down(clinic: Clinic) -> None:
    owner, colleague = clinic.members("duo")
    space = await colleague.join("#colloque_g_duo:hopital.example")
    waiting = await colleague.join("#colloque_w_duo:hopital.example")

    async def number() -> int:
        name = str((await colleague.call("GET", f"/v3/rooms/{space}/state/m.room.name/"))["name"])
        return int(name.partition("(")[2].rstrip(")") or 0)

    async def cards() -> int:
        """How many stand in the waiting room, withdrawn ones and the summary left out."""
        return sum(is_card(event, "") for event in await colleague.messages(waiting, limit=1000))

    async def is_right() -> bool:
        return await number() == await cards()

    asked = await clinic.ask("duo")
    assert await eventually(is_right)
    with_it = await cards()
    assert with_it >= 1
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)

    async def one_less_stands() -> bool:
        return await cards() < with_it

    assert await eventually(one_less_stands)
    assert await eventually(is_right)


async def test_members_of_an_inviting_group_are_invited_and_those_invites_end_with_the_claim(
    clinic: Clinic,
) -> None:
    asked = await clinic.ask("cardio")
    owner, colleague = clinic.members("cardio")

    async def invited() -> bool:
        return asked.room_id in await colleague.invites()

    assert await eventually(invited)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    assert asked.room_id not in await colleague.invites()
