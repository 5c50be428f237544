"""What a patient asks of the service itself, from end to end: by words alone, and by the links of a mail."""

from __future__ import annotations

import re

import aiohttp

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from tests.journeys.conftest import PUBLIC_URL
from tests.support.clinic import Asked, Clinic, body, eventually, is_card
from tests.support.ward import port_of


class Patient:
    """One with an address of their own, since what they ask counts for it."""

    def __init__(self, clinic: Clinic, address: str) -> None:
        self.clinic, self.address = clinic, address

    async def ask(self, group: str = "duo") -> Asked:
        subject = await self.clinic.write(group, "Est-ce grave ?", address=self.address)
        return await self.clinic.found(group, subject)

    async def gets(self, words: str, count: int = 1) -> Mail:
        return await self.clinic.stack.mailbox.wait_for(
            self.address, matching=lambda m: words in m.text, count=count
        )

    async def answer(self, mail: Mail, words: str) -> None:
        await self.clinic.stack.mailbox.write(
            to=mail.answer_address,
            subject=f"Re: {mail.subject}",
            text=words,
            from_address=self.address,
            from_name="Marie Dupont",
            in_reply_to=mail,
        )

    async def taken(self) -> tuple[Asked, Person, Mail]:
        asked = await self.ask()
        owner = self.clinic.members("duo")[0]
        await owner.say(asked.room_id, f"Bonjour, {asked.subject}")
        await self.clinic.sealed(asked, owner)
        return asked, owner, await self.gets(f"Bonjour, {asked.subject}")

    async def open(self, url: str, **form: str) -> tuple[int, str]:
        """Follow a link of a mail; with a form, press its button (or do what a mail program does)."""
        port = port_of(self.clinic.stack.config.read_text(), "web")
        local = url.replace(PUBLIC_URL, f"http://127.0.0.1:{port}")
        async with aiohttp.ClientSession() as session:
            call = session.post(local, data=form) if form else session.get(local)
            async with call as response:
                return response.status, await response.text()


def _link(mail: Mail, errand: str) -> str:
    found = re.search(rf"{re.escape(PUBLIC_URL)}/m/{errand}/[a-z2-7.]+", mail.text)
    assert found is not None
    return found[0]


async def test_no_more_mails_by_a_word_is_told_to_the_owner_and_ends_when_the_patient_writes_again(
    clinic: Clinic,
) -> None:
    patient = Patient(clinic, "stop@patients.example")
    asked, owner, mail = await patient.taken()
    await patient.answer(mail, "STOP")
    await owner.wait_for(asked.room_id, lambda e: "ne veut plus recevoir d'e-mails (STOP)" in body(e))
    await patient.gets("vous ne recevrez plus d'e-mails")
    await owner.say(asked.room_id, f"Encore ceci {asked.subject}")
    await owner.wait_for(asked.room_id, lambda e: "demandé à ne plus recevoir" in body(e))
    await owner.say(asked.room_id, "!renvoyer")

    async def refused_again() -> bool:
        events = await owner.messages(asked.room_id)
        return sum("demandé à ne plus recevoir" in body(e) for e in events) == 2

    assert await eventually(refused_again)
    assert not any(
        f"Encore ceci {asked.subject}" in m.text for m in clinic.stack.mailbox.mails_to(patient.address)
    )
    await patient.answer(mail, "Finalement, dites-moi.")
    await owner.wait_for(asked.room_id, lambda e: "reçoit de nouveau des e-mails" in body(e))
    await owner.wait_for(
        asked.room_id, lambda e: body(e) == "Finalement, dites-moi." and "_p_" in e["sender"]
    )
    await owner.say(asked.room_id, "!renvoyer")
    await patient.gets(f"Encore ceci {asked.subject}")


async def test_one_click_on_a_reminder_stops_mails_and_a_look_at_the_link_does_not(clinic: Clinic) -> None:
    patient = Patient(clinic, "clic@patients.example")
    asked, owner, answer = await patient.taken()
    assert answer.header("List-Unsubscribe") == ""
    await owner.say(asked.room_id, "!clore")
    notice = await patient.gets("Votre question est close")
    assert notice.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    page, by_mail = re.findall(r"<([^>]+)>", notice.header("List-Unsubscribe"))
    assert by_mail.startswith(f"mailto:{notice.answer_address}?subject=STOP")
    status, _ = await patient.open(page)
    assert status == 200
    status, _ = await patient.open(page, **{"List-Unsubscribe": "One-Click"})
    assert status == 200
    await owner.wait_for(asked.room_id, lambda e: "ne veut plus recevoir d'e-mails (🔗)" in body(e))
    events = await owner.messages(asked.room_id)
    assert sum("ne veut plus recevoir" in body(e) for e in events) == 1


async def test_a_waiting_question_is_withdrawn_by_its_link_and_waits_again_when_they_write(
    clinic: Clinic,
) -> None:
    patient = Patient(clinic, "retrait@patients.example")
    asked = await patient.ask()
    reader = clinic.members("duo")[0]
    mail = await patient.gets("bien reçu votre question")
    _, page = await patient.open(_link(mail, "status"))
    assert "elle attend" in page
    _, page = await patient.open(_link(mail, "withdraw"))
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    assert nonce is not None
    for _ in range(2):
        assert (await patient.open(_link(mail, "withdraw"), nonce=nonce[1]))[0] == 200
    await reader.wait_for(asked.room_id, lambda e: "Le patient a retiré sa question" in body(e))
    waiting = await reader.join("#colloque_w_duo:hopital.example")

    async def no_card() -> bool:
        return not [e for e in await reader.messages(waiting) if is_card(e, asked.subject)]

    assert await eventually(no_card)
    await patient.answer(mail, "Si, j'en ai encore besoin.")
    await clinic.found("duo", asked.subject, not_in=asked.room_id)


async def test_the_language_and_the_state_are_asked_for_by_words_and_answered_by_mail(clinic: Clinic) -> None:
    patient = Patient(clinic, "langue@patients.example")
    asked, owner, mail = await patient.taken()
    await patient.answer(mail, "In English, please.\n\nMarie Dupont")
    told = await patient.gets("from now on we write to you in English")
    assert told.header("Auto-Submitted") == "auto-replied"
    assert mail.message_id in told.references
    await patient.answer(told, "Status?")
    await patient.gets("A professional is looking after your question")
    await owner.say(asked.room_id, f"Tout va bien {asked.subject}")
    answer = await patient.gets(f"Tout va bien {asked.subject}")
    assert "Reply above this line" in answer.text
    for words in ("In English, please.", "Status?"):
        await owner.wait_for(asked.room_id, lambda e, words=words: words in body(e))
    said = [e for e in await owner.messages(asked.room_id) if "_p_" in e["sender"]]
    assert not [e for e in said if "English" in body(e) or "Status" in body(e)]
