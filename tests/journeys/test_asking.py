"""Asking on Matrix, as a practitioner and as a patient: the same life, no e-mail, and a room of one's own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import pytest

from bridge.demo.person import Person, Refused
from bridge.demo.photos import skin_jpeg
from bridge.ports import Json
from tests.support.asking import BOT, ask, chat_of, hears, invited, someone_with_an_account
from tests.support.clinic import DOMAIN, Asked, Clinic, body, eventually


async def _shown_clean(person: Person, asked: Asked) -> bool:
    """Whether the photo is in the question's room, and tells neither place nor device."""
    pictures = [e for e in await person.messages(asked.room_id) if e["content"].get("msgtype") == "m.image"]
    (content,) = [await person.download(event["content"]["url"]) for event in pictures]
    assert b"Exif" in skin_jpeg()
    return content[:3] == b"\xff\xd8\xff" and b"Exif" not in content


async def _senders(person: Person, room_id: str) -> set[str]:
    members = await person.call("GET", f"/v3/rooms/{room_id}/members")
    return {event["state_key"] for event in members["chunk"] if event["content"]["membership"] == "join"}


def _mailed(clinic: Clinic, title: str) -> bool:
    """Whether any mail is about this question; those of questions before may still be coming in."""
    return any(title in mail.subject or title in mail.text for mail in clinic.stack.mailbox.mails)


@pytest.mark.timeout(360)
async def test_a_practitioner_asks_a_group_they_are_not_in_and_hears_the_owner_only(clinic: Clinic) -> None:
    asker, title = clinic.outsider, f"Avis {secrets.token_hex(3)}"
    own, _ = await ask(clinic, asker, "duo", title)
    owner, other = clinic.members("duo")
    asked = await clinic.found("duo", title)
    said = [body(event) for event in (await owner.messages(asked.room_id))]
    assert any("Depuis mardi" in words and "Les deux bras." in words for words in said)
    assert await _shown_clean(owner, asked)
    await owner.say(asked.room_id, "Montrez-moi l'autre bras.")
    await clinic.sealed(asked, owner)
    answer = await hears(asker, own, "Montrez-moi l'autre bras.")
    name = await asker.call("GET", f"/v3/rooms/{own}/state/m.room.member/{answer['sender']}")
    assert name["displayname"] == owner.name
    await owner.say(asked.room_id, "!note eczéma nummulaire ?")
    await asker.say(own, "Le voici.")
    await hears(owner, asked.room_id, "Le voici.")
    await owner.say(asked.room_id, "Merci, c'est bénin.")
    await hears(asker, own, "Merci, c'est bénin.")
    assert not any("nummulaire" in body(event) for event in await asker.messages(own))
    assert await _senders(asker, own) == {asker.user_id, BOT, answer["sender"]}
    assert owner.user_id not in await _senders(asker, own)
    with pytest.raises(Refused):
        await asker.join(asked.alias)
    with pytest.raises(Refused):
        await other.messages(own)
    assert not _mailed(clinic, title)


@pytest.mark.timeout(360)
async def test_a_member_of_the_group_asks_it_and_does_not_take_their_own_question(clinic: Clinic) -> None:
    asker, colleague = clinic.members("duo")
    title = f"Entre nous {secrets.token_hex(3)}"
    own, _ = await ask(clinic, asker, "duo", title)
    asked = await clinic.found("duo", title)
    await asker.say(asked.room_id, "Une précision.")
    chat = await clinic.bot_room(asker)
    await hears(asker, chat, "votre propre question")
    await colleague.join(asked.alias)
    await colleague.react(asked.room_id, asked.event_id, "🙋")
    await clinic.sealed(asked, colleague)
    with pytest.raises(Refused):
        await asker.say(asked.room_id, "Encore là.")
    await colleague.say(asked.room_id, "Je regarde.")
    await hears(asker, own, "Je regarde.")
    await colleague.say(asked.room_id, "!clore")
    await hears(asker, own, "Votre question est close")
    await asker.say(own, "Encore une chose.")
    await hears(colleague, asked.room_id, "Encore une chose.")


async def _listed(person: Person, chat: str, words: str) -> str:
    """What the bot says to this list, asked for once; of a new personal space it tells by itself."""
    order = await person.say(chat, words)
    seen: list[Json] = []

    async def answered() -> bool:
        events = await person.messages(chat)
        newer = events[: [event["event_id"] for event in events].index(order)]
        seen[:] = [e for e in newer if e["sender"] == BOT and "espace personnel" not in body(e)]
        return bool(seen)

    assert await eventually(answered)
    return body(seen[0])


@pytest.mark.timeout(360)
async def test_a_message_that_is_answered_becomes_the_question_and_the_asker_finds_it_in_their_list(
    clinic: Clinic,
) -> None:
    asker, title = clinic.outsider, f"Repris {secrets.token_hex(3)}"
    chat = await clinic.bot_room(asker)
    forwarded = await asker.say(chat, "Trois lésions en cocarde depuis hier.")
    await hears(asker, chat, "aide")  # the bot answers what it doesn't understand
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": forwarded}}}
    await asker.send(chat, {"msgtype": "m.text", "body": f"!question duo {title}", **reply})
    await hears(asker, chat, "en fait partie")
    await asker.say(chat, "envoyer")
    await hears(asker, chat, f"«\N{NO-BREAK SPACE}{title}\N{NO-BREAK SPACE}»")
    own = await invited(asker, title)
    owner = clinic.members("duo")[0]
    asked = await clinic.found("duo", title)
    words = [body(event) for event in await owner.messages(asked.room_id)]
    assert any("Trois lésions en cocarde depuis hier." in said for said in words)
    listed = await _listed(asker, chat, "!liste questions en attente")
    assert "Questions que vous avez posées" in listed
    assert title in listed
    await owner.say(asked.room_id, "Je regarde.")
    await clinic.sealed(asked, owner)
    await hears(asker, own, "Je regarde.")
    assert title not in await _listed(asker, chat, "!liste questions en attente")
    assert title in await _listed(asker, chat, "!liste questions ouvertes")


@pytest.fixture
async def patient(clinic: Clinic) -> AsyncIterator[Person]:
    """Someone with an account and nothing else."""
    async with someone_with_an_account(clinic) as person:
        yield person


@pytest.mark.timeout(360)
async def test_a_patient_writes_to_the_bot_chooses_a_group_and_is_answered(
    clinic: Clinic, patient: Person
) -> None:
    title = f"Tache {secrets.token_hex(3)}"
    chat = await chat_of(patient)
    await patient.say(chat, f"{title}\nElle change de couleur.")  # before the bot has come
    offered = body(await hears(patient, chat, "À quel groupe"))
    number = next(line.partition(".")[0] for line in offered.splitlines() if line.endswith(". Duo"))
    await patient.say(chat, number)
    await hears(patient, chat, "Question au groupe Duo")
    await patient.say(chat, "envoyer")
    own = await invited(patient, title)
    await hears(patient, own, "Elle change de couleur.")
    owner = clinic.members("duo")[0]
    asked = await clinic.found("duo", title)
    await owner.say(asked.room_id, "Depuis quand ?")
    await clinic.sealed(asked, owner)
    await hears(patient, own, "Depuis quand ?")
    await patient.say(own, "Depuis Noël.")
    words = await hears(owner, asked.room_id, "Depuis Noël.")
    ghost = await owner.call("GET", f"/v3/rooms/{asked.room_id}/state/m.room.member/{words['sender']}")
    assert ghost["displayname"] == "Marie Dupont"
    joined = (await patient.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    assert set(joined) == {chat, own}
    for hidden in (asked.alias, f"#colloque_w_duo:{DOMAIN}", f"#colloque_g_duo:{DOMAIN}"):
        with pytest.raises(Refused):
            await patient.join(hidden)
    assert not _mailed(clinic, title)


async def test_a_patient_whose_chat_is_encrypted_is_led_to_one_that_is_not(
    clinic: Clinic, patient: Person
) -> None:
    encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
    theirs = await chat_of(patient, {"type": "m.room.encryption", "state_key": "", "content": encryption})
    await hears(patient, theirs, "chiffré")
    chat = await invited(patient, "Colloque")
    await hears(patient, chat, "Ici, vous pouvez poser une question")
    await patient.say(chat, "J'ai une question.")
    await hears(patient, chat, "À quel groupe")
    await patient.say(chat, "abandonner")
    await hears(patient, chat, "rien n'a été envoyé")
