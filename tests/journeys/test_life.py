"""The life of a question after it is taken, through the real command: closed, released, handed over."""

from __future__ import annotations

import pytest

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person, Refused
from bridge.matrix.rooms import OWNER_LEVEL
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually


async def _taken(
    clinic: Clinic, words: str = "Bonjour, je regarde.", address: str = PATIENT.address
) -> tuple[Asked, Person]:
    asked = await clinic.found("duo", await clinic.write("duo", "Est-ce grave ?", address=address))
    owner = clinic.members("duo")[0]
    await owner.say(asked.room_id, words)
    await clinic.sealed(asked, owner)
    return asked, owner


async def _mail(clinic: Clinic, asked: Asked, words: str, address: str = PATIENT.address) -> Mail:
    return await clinic.stack.mailbox.wait_for(
        address, matching=lambda m: asked.subject in m.subject and words in m.text
    )


async def _heard(clinic: Clinic, person: Person, *words: str) -> bool:
    async def told() -> bool:
        return any(all(word in chat for word in words) for chat in await clinic.bot_chat(person))

    return await eventually(told)


async def _next_room(person: Person, asked: Asked) -> str:
    """The room that the question moved into, joined."""
    alias = asked.alias.replace(":", "_2:")
    joined = []

    async def let_in() -> bool:
        try:
            joined.append(await person.join(alias))
        except Refused:
            return False
        return True

    assert await eventually(let_in)
    return joined[0]


async def _speaks(person: Person, room_id: str) -> bool:
    try:
        await person.say(room_id, "!aide")
    except Refused:
        return False
    return True


async def _closed(asked: Asked, owner: Person) -> Json:
    """The line about it, as soon as it's there: a first sync of all rooms may last longer than an undo."""
    found: list[Json] = []

    async def there() -> bool:
        found.extend(e for e in await owner.messages(asked.room_id) if body(e).startswith("Question close"))
        return bool(found)

    assert await eventually(there)
    return found[0]


async def test_a_closed_question_is_read_not_written_and_a_mail_of_the_patient_reopens_it(
    clinic: Clinic,
) -> None:
    asked, owner = await _taken(clinic)
    answer = await _mail(clinic, asked, "je regarde")
    await owner.say(asked.room_id, "!clore")
    notice = await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Question close"))

    async def locked() -> bool:
        return (await clinic.levels(asked, owner))[owner.user_id] < OWNER_LEVEL

    assert await eventually(locked)
    assert not await _speaks(owner, asked.room_id)
    assert notice
    assert "close" in (await _mail(clinic, asked, "Votre question est close")).text
    await clinic.stack.mailbox.write(
        to=answer.answer_address,
        subject=answer.subject,
        text="Encore une chose.",
        from_address=PATIENT.address,
        from_name=PATIENT.name,
        in_reply_to=answer,
    )
    await owner.wait_for(asked.room_id, lambda e: body(e) == "Encore une chose.")
    await owner.say(asked.room_id, "Dites-moi tout.")
    assert await _mail(clinic, asked, "Dites-moi tout.")


async def test_closing_is_taken_back_with_one_tap_and_the_patient_never_learns(clinic: Clinic) -> None:
    asked, owner = await _taken(clinic)
    await owner.say(asked.room_id, "!close")
    notice = await _closed(asked, owner)
    await owner.react(asked.room_id, notice["event_id"], "↩️")
    await owner.wait_for(asked.room_id, lambda e: body(e).startswith("C'est annulé"))
    await owner.say(asked.room_id, "Je continue.")
    assert await _mail(clinic, asked, "Je continue.")
    mails = clinic.stack.mailbox.mails_to(PATIENT.address)
    assert not any(asked.subject in m.subject and "close" in m.text for m in mails)


async def test_a_released_question_waits_in_a_room_of_its_own_and_its_talk_is_for_the_next_owner(
    clinic: Clinic,
) -> None:
    asked, former = await _taken(clinic, words="Est-ce que cela démange ?")
    _, successor = clinic.members("duo")
    await former.say(asked.room_id, "!note à revoir dans un mois")
    await _mail(clinic, asked, "démange")
    await former.say(asked.room_id, "!rendre je pars en garde")
    again = await clinic.found("duo", asked.subject, not_in=asked.room_id)
    await successor.join(again.alias)
    seen = [body(e) for e in await successor.messages(again.room_id)]
    assert "Est-ce grave ?" in seen
    assert any("je pars en garde" in words for words in seen)
    assert not any("démange" in words for words in seen)

    async def out() -> bool:
        return not await clinic.inside(asked, [former])

    assert await eventually(out)
    await successor.say(again.room_id, "Je reprends.")
    await clinic.sealed(again, successor)
    talk = await successor.wait_for(again.room_id, lambda e: "démange" in body(e))
    assert former.name in body(talk)
    note = await successor.wait_for(again.room_id, lambda e: "à revoir dans un mois" in body(e))
    assert body(note).startswith("📝")
    assert await _mail(clinic, asked, "Je reprends.")


@pytest.mark.parametrize("how", ["mark", "command"])
async def test_a_colleague_accepts_reads_everything_and_only_then_the_former_owner_is_out(
    clinic: Clinic, how: str
) -> None:
    asked, former = await _taken(clinic)
    _, colleague = clinic.members("duo")
    await former.say(asked.room_id, f"!transmettre {colleague.user_id} pour avis")
    assert await _heard(clinic, colleague, asked.subject, "pour avis")
    assert await clinic.inside(asked, [former])
    chat = await clinic.bot_room(colleague)
    offer = await colleague.wait_for(chat, lambda e: asked.subject in body(e) and "pour avis" in body(e))
    if how == "mark":
        await colleague.react(chat, offer["event_id"], "✅")
    else:
        await colleague.say(chat, "accepter")

    room_id = await _next_room(colleague, asked)
    await colleague.wait_for(room_id, lambda e: "a repris cette question" in body(e))
    seen = [body(e) for e in await colleague.messages(room_id)]
    assert "Est-ce grave ?" in seen
    assert any("je regarde" in words for words in seen)

    async def out() -> bool:
        return not await clinic.inside(asked, [former])

    assert await eventually(out)
    await colleague.say(room_id, "Bonjour, je prends la suite.")
    assert await _mail(clinic, asked, "je prends la suite")
    assert await _mail(clinic, asked, "autre professionnel")
    with pytest.raises(Refused):
        await former.join(room_id)


async def test_who_takes_over_reads_what_the_patient_got_whatever_became_of_it_since(clinic: Clinic) -> None:
    address = "refus@patients.example"  # the mail that is refused must be none of another test's
    asked, former = await _taken(clinic, address=address)
    _, colleague = clinic.members("duo")
    lines = []
    for words in ("Revenez dans une semaine.", "Prenez deux comprimés.", "Pas de crème."):
        lines.append(await former.say(asked.room_id, words))
        assert await _mail(clinic, asked, words, address)
    await former.edit(asked.room_id, lines[0], "Revenez dans trois jours.")
    await former.wait_for(asked.room_id, lambda e: "n'a pas été envoyée" in body(e))
    await former.edit(asked.room_id, lines[1], "Prenez un comprimé.")
    await former.say(asked.room_id, "!corriger")
    assert await _mail(clinic, asked, "Prenez un comprimé.", address)
    await former.redact(asked.room_id, lines[2])
    await former.wait_for(asked.room_id, lambda e: "le supprimer ici ne le retire pas" in body(e))
    clinic.stack.mailbox.refuse_next(address)
    await former.say(asked.room_id, "Ceci n'arrive pas.")
    await former.wait_for(asked.room_id, lambda e: "a été refusé" in body(e))
    await former.say(asked.room_id, f"!transmettre {colleague.user_id}")
    assert await _heard(clinic, colleague, asked.subject)
    chat = await clinic.bot_room(colleague)
    offer = await colleague.wait_for(chat, lambda e: asked.subject in body(e))
    await colleague.react(chat, offer["event_id"], "✅")

    room_id = await _next_room(colleague, asked)
    await colleague.wait_for(room_id, lambda e: "a repris cette question" in body(e))
    seen = [body(e) for e in await colleague.messages(room_id)]

    def told(sign: str, words: str, note: str = "") -> bool:
        return [line.startswith(sign) and note in line for line in seen if line.endswith(words)] == [True]

    assert told("✉️", "Revenez dans une semaine.")
    assert not any("trois jours" in line for line in seen)
    assert told("✉️", "Prenez deux comprimés.")
    assert told("✉️", "Prenez un comprimé.", "correction envoyée")
    assert told("✉️", "Pas de crème.", "supprimé ici après l'envoi")
    assert told("⚠️", "Ceci n'arrive pas.", "refusé")
