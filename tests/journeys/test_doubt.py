"""A mail from another address than the patient's, through the real command: held, shown, accepted."""

from __future__ import annotations

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually

OTHER = "mari@ailleurs.example"


async def _write(clinic: Clinic, answer: Mail, text: str) -> None:
    await clinic.stack.mailbox.write(
        to=answer.answer_address,
        subject=f"Re: {answer.subject}",
        text=text,
        from_address=OTHER,
        from_name="Jean Dupont",
        in_reply_to=answer,
    )


async def _as_patient(owner: Person, asked: Asked, words: str) -> Json:
    return await owner.wait_for(
        asked.room_id, lambda e: body(e) == words and "_p_" in e["sender"] and e["type"] == "m.room.message"
    )


async def test_the_owner_judges_a_mail_from_another_address_and_sees_it_as_it_came(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    owner = clinic.members("duo")[0]
    await owner.say(asked.room_id, "Bonjour, je regarde.")
    await clinic.sealed(asked, owner)
    answer = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and "je regarde" in m.text
    )
    await _write(clinic, answer, "Ma femme a oublié la photo.")
    notice = await owner.wait_for(asked.room_id, lambda e: "Expéditeur non vérifié" in body(e))
    assert OTHER in body(notice)
    assert "Ma femme a oublié la photo." in body(notice)
    assert "_p_" not in notice["sender"]
    assert not [e for e in await owner.messages(asked.room_id) if body(e) == "Ma femme a oublié la photo."]
    await owner.react(asked.room_id, notice["event_id"], "🔍")
    await owner.wait_for(asked.room_id, lambda e: body(e).endswith(".eml"))
    await owner.react(asked.room_id, notice["event_id"], "📌")
    posted = await _as_patient(owner, asked, "Ma femme a oublié la photo.")
    await _write(clinic, answer, "La voici maintenant.")
    await _as_patient(owner, asked, "La voici maintenant.")
    await owner.react(asked.room_id, posted["event_id"], "🔍")

    async def twice() -> bool:
        return len([e for e in await owner.messages(asked.room_id) if body(e).endswith(".eml")]) == 2

    assert await eventually(twice)
