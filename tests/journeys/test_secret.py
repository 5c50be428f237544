"""A group whose mails say nothing: the patient reads on a page what the owner wrote, photo included."""

from __future__ import annotations

import io
import re

import aiohttp
import pytest
from PIL import Image

from bridge.demo.photos import skin_jpeg
from bridge.ports import Json
from tests.journeys.conftest import PUBLIC_URL
from tests.support.clinic import PATIENT, Clinic, body
from tests.support.ward import port_of

pytestmark = pytest.mark.timeout(400)
ADDRESS = "secret@patients.example"


async def test_mails_say_nothing_of_what_they_are_about_and_the_page_has_the_answer(clinic: Clinic) -> None:
    subject = await clinic.write("secret", "Un bouton mal placé", address=ADDRESS)
    asked = await clinic.found("secret", subject)
    owner = clinic.members("secret")[0]
    await owner.say(asked.room_id, f"Rien de grave, {subject}.")
    await clinic.sealed(asked, owner)
    mailbox = clinic.stack.mailbox
    mail = await mailbox.wait_for(ADDRESS, matching=lambda m: "/m/answer/" in m.text)
    await owner.show(asked.room_id, skin_jpeg(), "grain.jpg", "image/jpeg")
    second = await mailbox.wait_for(ADDRESS, matching=lambda m: "/m/answer/" in m.text, count=2)
    for one in mailbox.mails_to(ADDRESS):
        words = one.raw.decode("ascii") + one.subject + one.text + one.html
        for secret in (subject, "Rien de grave", "Secret", owner.name, "grain.jpg", "secret@hopital.example"):
            assert secret not in words, secret
        assert one.attachments == ()
        assert one.from_name == "Hôpital d'essai"
        assert one.subject.startswith("Re: Votre question ")

    port = port_of(clinic.stack.config.read_text(), "web")
    base = f"http://127.0.0.1:{port}/m/answer/"

    def link(text: str) -> str:
        found = re.search(rf"{re.escape(PUBLIC_URL)}/m/answer/(\S+)", text)
        assert found is not None
        return base + found[1]

    async with aiohttp.ClientSession() as session:
        async with session.get(link(mail.text)) as looked:
            assert "Rien de grave" not in await looked.text()
        async with session.post(link(mail.text)) as read:
            page = await read.text()
        assert f"Rien de grave, {subject}." in page
        assert owner.name in page
        async with session.post(link(second.text)) as read:
            shown = re.search(r'<img src="([^"]+)"', await read.text())
        assert shown is not None
        async with session.get(base + shown[1]) as got:
            with Image.open(io.BytesIO(await got.read())) as photo:
                assert photo.format == "JPEG"
                assert not photo.getexif()
    await mailbox.write(
        to=mail.answer_address,
        subject="Re: x",
        text="Merci, je suis rassurée.",
        from_address=ADDRESS,
        from_name=PATIENT.name,
        in_reply_to=mail,
    )
    said = await owner.wait_for(asked.room_id, lambda e: body(e) == "Merci, je suis rassurée.")
    assert "_p_" in said["sender"]


async def test_a_file_too_large_for_the_page_is_told_to_patient_and_owner_once(clinic: Clinic) -> None:
    address = "large@patients.example"
    subject = await clinic.write("secret", "Une IRM à regarder", address=address)
    asked = await clinic.found("secret", subject)
    owner = clinic.members("secret")[0]
    await owner.say(asked.room_id, "Je vous envoie les images.")
    await clinic.sealed(asked, owner)
    mailbox = clinic.stack.mailbox
    await mailbox.wait_for(address, matching=lambda m: "/m/answer/" in m.text)
    info = {"mimetype": "application/zip", "size": 200 * 1024 * 1024}
    mxc = "mxc://hopital.example/neverasked"
    await owner.send(asked.room_id, {"msgtype": "m.file", "body": "irm.zip", "url": mxc, "info": info})
    mail = await mailbox.wait_for(address, matching=lambda m: "/m/answer/" in m.text, count=2)

    def told(event: Json) -> bool:
        return "« irm.zip »" in plain(body(event))

    def plain(words: str) -> str:
        return words.replace("\N{NO-BREAK SPACE}", " ")

    await owner.wait_for(asked.room_id, told)
    found = re.search(rf"{re.escape(PUBLIC_URL)}(/m/answer/\S+)", mail.text)
    assert found is not None
    page_of = f"http://127.0.0.1:{port_of(clinic.stack.config.read_text(), 'web')}{found[1]}"
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.post(page_of) as read:
                page = plain(await read.text())
            assert "« irm.zip » est trop volumineux" in page
            assert "<a href" not in page
    assert len([event for event in await owner.messages(asked.room_id) if told(event)]) == 1
