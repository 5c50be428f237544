"""Consent to another expert's opinion: asked and given on Matrix, and taken back by mail or in the room."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bridge.demo.mailbox import Attached
from bridge.demo.person import Person, Refused
from bridge.demo.photos import skin_jpeg
from tests.support.asking import ask, chat_of, hears, invited, someone_with_an_account
from tests.support.clinic import DOMAIN, Asked, Clinic, body, eventually, is_card
from tests.support.opinions import answer, choose, everything, mail_with, mailed, reference_in, told

pytestmark = [pytest.mark.timeout(480), pytest.mark.parametrize("clinic", ["12"], indirect=True)]
OPINION = "AVIS-INTERNE-8"


@pytest.fixture
async def patient(clinic: Clinic) -> AsyncIterator[Person]:
    async with someone_with_an_account(clinic) as person:
        yield person


async def _asks_as_patient(clinic: Clinic, patient: Person, title: str) -> str:
    """A patient's question with a photo, from a chat with the bot; their own room."""
    chat = await chat_of(patient)
    await patient.say(chat, f"{title}\nDepuis mardi, sans fièvre.")
    offered = body(await hears(patient, chat, "À quel groupe"))
    await patient.say(
        chat, next(line.partition(".")[0] for line in offered.splitlines() if line.endswith(". Duo"))
    )
    await hears(patient, chat, "Question au groupe Duo")
    await patient.show(chat, skin_jpeg(), "Marie_Dupont.jpg", "image/jpeg")
    await patient.say(chat, "envoyer")
    return await invited(patient, title)


async def _taken(clinic: Clinic, asked: Asked) -> Person:
    owner = clinic.members("duo")[0]
    await owner.react(asked.room_id, asked.event_id, "🙋")
    await clinic.sealed(asked, owner)
    return owner


async def _reads(clinic: Clinic, reference: str) -> tuple[Person, str]:
    """An expert who follows the card of the question that is asked of them, and its room."""
    expert = clinic.members("derm")[2]
    waiting = await expert.join(f"#colloque_w_derm:{DOMAIN}")
    card = await expert.wait_for(waiting, lambda e: is_card(e, reference), deadline_s=60)
    return expert, await expert.join(body(card).partition("matrix.to/#/")[2].partition("/")[0])


async def _shut_out(clinic: Clinic, expert: Person, room_id: str) -> None:
    """Nobody reads on in the question that was asked of the expert, and nobody comes in."""

    async def out() -> bool:
        return room_id not in (await expert.call("GET", "/v3/joined_rooms"))["joined_rooms"]

    assert await eventually(out, 60)
    for person in (expert, clinic.members("derm")[1]):
        with pytest.raises(Refused):
            await person.join(room_id)


async def _answers(asker: Person, own: str, what: str, words: str) -> str:
    """They reply to a certain line in their room."""
    line = await hears(asker, own, what)
    reply = {"m.in_reply_to": {"event_id": line["event_id"]}}
    return await asker.send(own, {"msgtype": "m.text", "body": words, "m.relates_to": reply})


async def _consents(clinic: Clinic, asked: Asked, owner: Person) -> list[tuple[str, str, str]]:
    """What the transcript has on record: what was done, by whom and how."""
    chat = await clinic.bot_room(owner)
    seen = {e["event_id"] for e in await owner.messages(chat) if body(e).endswith(".json")}
    await owner.say(asked.room_id, "!export")
    file = await owner.wait_for(
        chat, lambda e: body(e).endswith(".json") and e["event_id"] not in seen, deadline_s=60
    )
    written: dict[str, Any] = json.loads(await owner.download(file["content"]["url"]))
    return [(act["did"], act["actor"], act["details"].get("how", "")) for act in written["consents"]]


@pytest.mark.parametrize("who", ["patient", "practitioner"])
async def test_who_asks_on_matrix_agrees_in_their_room_and_can_take_it_back_there(
    clinic: Clinic, patient: Person, who: str
) -> None:
    title = f"Placard {secrets.token_hex(3)}"
    if who == "patient":
        asker, own = patient, await _asks_as_patient(clinic, patient, title)
    else:
        asker = clinic.outsider
        own, _ = await ask(clinic, asker, "duo", title)
    asked = await clinic.found("duo", title)
    owner = await _taken(clinic, asked)
    preview = await choose(owner, asked, "!avis derm : Faut-il une biopsie ?")
    await owner.react(asked.room_id, preview["event_id"], "📮")
    question = body(await hears(asker, own, "souhaite l'avis"))
    assert "Derm" in question
    assert "biopsie" not in question
    other = await _answers(asker, own, "est arrivée au groupe", "Oui.")
    await hears(owner, asked.room_id, "Oui.")
    assert not any("est partie" in body(event) for event in await owner.messages(asked.room_id))
    assert other != await _answers(asker, own, "souhaite l'avis", "Oui, je suis d'accord.")
    await hears(asker, own, "vous êtes d'accord")
    left = body(await told(owner, asked.room_id, "est partie"))
    assert ("confrère demandeur est d'accord" in left) == (who == "practitioner")
    reference = reference_in(left)
    expert, room_id = await _reads(clinic, reference)
    await hears(expert, room_id, "sans fièvre")
    await expert.wait_for(room_id, lambda e: e["content"].get("msgtype") == "m.image", deadline_s=60)
    await expert.say(room_id, f"{OPINION} : oui.")
    await told(owner, asked.room_id, "Avis interne", OPINION)
    known = (await everything(expert, room_id)).lower()
    for hidden in ("marie", "dupont", asker.user_id, asker.name.lower(), own.lower(), asked.room_id.lower()):
        assert hidden not in known, hidden
    # A patient's first line is the title and part of their words; the room isn't named after it.
    name = await expert.call("GET", f"/v3/rooms/{room_id}/state/m.room.name/")
    assert title not in name["name"]

    await asker.say(own, "Finalement je retire mon accord.")
    await hears(asker, own, "votre accord est retiré")
    await told(owner, asked.room_id, "a retiré son accord", reference)
    await _shut_out(clinic, expert, room_id)
    assert not any(OPINION in body(event) for event in await asker.messages(own))
    assert await _consents(clinic, asked, owner) == [
        ("consent_asked", owner.user_id, ""),
        ("consent_given", "patient", "written"),
        ("consent_withdrawn", "patient", "written"),
    ]
    # Mails of the questions before may still be coming in.
    about = [m for m in clinic.stack.mailbox.mails if title in m.subject or title in m.text]
    assert about == []


async def test_a_patient_takes_the_consent_back_by_mail_before_the_opinion_is_given(clinic: Clinic) -> None:
    photo = Attached("bras.jpg", "image/jpeg", skin_jpeg())
    asked = await clinic.ask("duo", "Depuis mardi, sans fièvre.", (photo,))
    owner = await _taken(clinic, asked)
    preview = await choose(owner, asked, "!avis derm : Faut-il une biopsie ?")
    await owner.react(asked.room_id, preview["event_id"], "📮")
    consent = await mail_with(clinic, asked, "souhaite l'avis")
    await answer(clinic, consent, "Oui, d'accord.")
    reference = reference_in(body(await told(owner, asked.room_id, "est partie")))
    expert, room_id = await _reads(clinic, reference)
    await hears(expert, room_id, "sans fièvre")

    await answer(clinic, consent, "Bonjour, je retire mon accord. Mon mari préfère que non.\n\nMarie Dupont")
    await told(owner, asked.room_id, "a retiré son accord", reference)
    await owner.wait_for(asked.room_id, lambda e: "Mon mari préfère" in body(e), deadline_s=60)
    done = await mail_with(clinic, asked, "votre accord est retiré")
    assert "Derm" not in done.text.partition("── ")[0]
    await _shut_out(clinic, expert, room_id)
    await owner.say(asked.room_id, f"!avis {reference} : encore un mot")
    await owner.wait_for(asked.room_id, lambda e: "ne porte la référence" in body(e), deadline_s=60)
    assert len({mail.message_id for mail in mailed(clinic, asked) if "est retiré" in mail.text}) == 1
    assert [did for did, _, _ in await _consents(clinic, asked, owner)] == [
        "consent_asked",
        "consent_given",
        "consent_withdrawn",
    ]
