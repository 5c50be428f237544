"""What time brings, with waits of seconds: reminders, silence, absence, offers declined or forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person, Refused
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, hospital

SECOND = 1 / 3600
CHANGES = {
    "care": {"remind_after_h": 2 * SECOND, "handover_expires_after_h": 15 * SECOND, "undo_within_s": 1},
}


@pytest.fixture(scope="module")
async def brisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path_factory.mktemp("brisk"), hospital({"duo": 2}), changes=CHANGES)
    yield opened
    await opened.close()


pytestmark = pytest.mark.xdist_group("brisk")


async def _taken(clinic: Clinic) -> tuple[Asked, Person, Person]:
    """A question with its owner and the one colleague."""
    asked = await clinic.ask("duo")
    owner, colleague = clinic.members("duo")
    await owner.say(asked.room_id, "Bonjour, je regarde.")
    await clinic.sealed(asked, owner)
    return asked, owner, colleague


async def _mail(clinic: Clinic, asked: Asked, words: str) -> Mail:
    return await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and words in m.text
    )


async def _heard(clinic: Clinic, person: Person, *words: str) -> Json:
    """The bot's line to someone in their chat that has all these words."""
    chat = await clinic.bot_room(person)
    return await person.wait_for(
        chat, lambda e: e["sender"].startswith("@colloque:") and all(word in body(e) for word in words)
    )


async def _asks_bot(clinic: Clinic, person: Person, words: str) -> None:
    """Say something to the bot, and wait until it has answered that and whatever came before."""
    chat = await clinic.bot_room(person)
    said = await person.say(chat, words)

    async def answered() -> bool:
        events = await person.messages(chat)
        newest = [e["event_id"] for e in events if e["type"] == "m.room.message"]
        return bool(newest) and newest[0] != said

    assert await eventually(answered)


async def test_a_group_is_reminded_but_for_who_asked_for_silence(brisk: Clinic) -> None:
    reader, quiet = brisk.members("duo")
    await _asks_bot(brisk, quiet, "muet duo")
    asked = await brisk.ask("duo")
    await _heard(brisk, reader, asked.subject, "attend une réponse")
    # Lines to one person keep their order: with this answer, a reminder decided before would be there.
    await _asks_bot(brisk, quiet, "aide")
    assert not any(asked.subject in words for words in await brisk.bot_chat(quiet))
    await _asks_bot(brisk, quiet, "sonore duo")
    other = await brisk.ask("duo")
    await _heard(brisk, quiet, other.subject, "attend une réponse")


async def test_what_was_refused_is_sent_again_once_though_the_bridge_was_killed(brisk: Clinic) -> None:
    asked, owner, _ = await _taken(brisk)
    await _mail(brisk, asked, "je regarde")
    brisk.stack.mailbox.refuse_next(PATIENT.address)
    event = await owner.say(asked.room_id, "REFUSEE-UNE-FOIS")

    def warned(e: Json) -> bool:
        relation = e.get("content", {}).get("m.relates_to", {})
        return relation.get("event_id") == event and str(relation.get("key")).startswith("⚠")

    await owner.wait_for(asked.room_id, warned)
    await brisk.stack.bridge.kill()
    await owner.say(asked.room_id, "!renvoyer")
    await brisk.stack.bridge.start()
    await _mail(brisk, asked, "REFUSEE-UNE-FOIS")
    await owner.wait_for(asked.room_id, lambda e: body(e) == "Renvoyé.")
    await owner.say(asked.room_id, "!renvoyer")
    await owner.wait_for(asked.room_id, lambda e: "Aucun message refusé" in body(e))
    mails = [m for m in brisk.stack.mailbox.mails_to(PATIENT.address) if "REFUSEE-UNE-FOIS" in m.text]
    assert len(mails) == 1


async def test_what_waits_for_an_absent_owner_goes_to_the_group_and_its_patient_is_told(
    brisk: Clinic,
) -> None:
    asked, owner, colleague = await _taken(brisk)
    mail = await _mail(brisk, asked, "je regarde")
    await brisk.stack.mailbox.write(
        to=mail.answer_address,
        subject=mail.subject,
        text="Cela empire.",
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        in_reply_to=mail,
    )
    await owner.wait_for(asked.room_id, lambda e: "Cela empire" in body(e))
    await _asks_bot(brisk, owner, "absent pendant 2 jours")
    try:
        await _mail(brisk, asked, "reste entre nos mains")
        again = await _found_by(brisk, colleague, asked)
        await colleague.say(again, "Je reprends.")
        await _mail(brisk, asked, "Je reprends")
        await colleague.wait_for(again, lambda e: body(e).startswith("Prise en charge par"))
        with pytest.raises(Refused):
            await owner.join(again)
    finally:
        await _asks_bot(brisk, owner, "présent")


async def _found_by(clinic: Clinic, person: Person, asked: Asked) -> str:
    """The room that the question waits in now."""
    waiting = await person.join("#colloque_w_duo:hopital.example")
    alias = asked.alias.replace(":", "_2:", 1)
    await person.wait_for(waiting, lambda e: alias in body(e))
    return await person.join(alias)


async def test_an_offer_that_is_declined_leaves_the_question_where_it_is(brisk: Clinic) -> None:
    asked, owner, colleague = await _taken(brisk)
    await owner.say(asked.room_id, f"!transmettre {colleague.user_id} pour avis")
    offer = await _heard(brisk, colleague, asked.subject, "vous propose")
    await colleague.react(await brisk.bot_room(colleague), offer["event_id"], "❌")
    told = await _heard(brisk, owner, asked.subject, "ne prend pas")
    assert body(told).endswith("). La question reste à vous.")  # no reason was given
    assert body(await owner.wait_for(asked.room_id, lambda e: "ne prend pas" in body(e))) == body(told)
    await owner.say(asked.room_id, "Je continue.")
    await _mail(brisk, asked, "Je continue")
    assert await brisk.inside(asked, [owner, colleague]) == [owner]


async def test_an_offer_that_nobody_answers_expires_even_while_the_bridge_is_away(brisk: Clinic) -> None:
    asked, owner, colleague = await _taken(brisk)
    await owner.say(asked.room_id, f"!transmettre {colleague.user_id}")
    offer = await _heard(brisk, colleague, asked.subject, "vous propose")
    await brisk.stack.bridge.kill()
    await brisk.stack.bridge.start()
    await _heard(brisk, owner, asked.subject, "n'a pas répondu")
    await owner.wait_for(asked.room_id, lambda e: "n'a pas répondu" in body(e))
    await colleague.react(await brisk.bot_room(colleague), offer["event_id"], "✅")
    await owner.say(asked.room_id, "Toujours à moi.")
    await _mail(brisk, asked, "Toujours à moi")
    assert await brisk.inside(asked, [owner, colleague]) == [owner]
