"""Through real mail servers: Postfix gives us mail by LMTP and takes ours, the patient reads from Dovecot."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bridge.demo.mailbox import Attached, Mail
from bridge.demo.photos import skin_heic, skin_jpeg
from tests.support.clinic import PATIENT, body
from tests.support.service import crash_at, kills, restarted
from tests.system.conftest import RealClinic

pytestmark = pytest.mark.timeout(900)

PATIENCE_S = 240.0
"""Postfix itself may rest a mail for a minute after each time that the bridge died over it."""


async def test_a_heic_photo_in_and_a_jpeg_out_arrive_once_though_the_bridge_dies_around_the_commit(
    by_lmtp: RealClinic,
) -> None:
    clinic = by_lmtp
    first, second = clinic.members("derm")
    heic = Attached("IMG_0042.HEIC", "image/heic", skin_heic())
    async with restarted(clinic):
        crash_at(clinic, "arrived:mail kept:mail")
        subject = await clinic.write("derm", "Cette tache a grandi.", (heic,))
        waiting = await first.join("#colloque_w_derm:hopital.example")
        await first.wait_for(waiting, lambda e: subject in body(e), deadline_s=PATIENCE_S)
        asked = await clinic.found("derm", subject)
        crash_at(clinic, "")
        await second.join(asked.alias)
        await first.show(asked.room_id, skin_jpeg(), "schéma.jpg", "image/jpeg")
        answer = await clinic.mailbox.wait_for(
            PATIENT.address, matching=lambda m: bool(m.attachments), deadline_s=PATIENCE_S
        )
        await clinic.owner(asked, [first, second])
    killed = kills(clinic)
    assert killed["arrived mail"] == 1
    assert killed["kept mail"] == 1
    assert clinic.postfix.deferred() >= 2

    events = await first.messages(asked.room_id)
    images = [event for event in events if event["content"].get("msgtype") == "m.image"]
    theirs = [event for event in images if event["sender"].startswith("@colloque_p_")]
    assert len(theirs) == 1
    assert sum(body(event) == "Cette tache a grandi." for event in events) == 1
    _is_clean_jpeg(await first.download(theirs[0]["content"]["url"]))
    await _one_answer(clinic, answer)


async def test_a_mail_fetched_from_a_mailbox_arrives_once_though_the_bridge_dies_before_it_is_marked_as_read(
    by_imap: RealClinic,
) -> None:
    clinic = by_imap
    first, second = clinic.members("derm")
    async with restarted(clinic):
        crash_at(clinic, "arrived:mail kept:mail")
        subject = await clinic.write("derm", "Le grain a saigné.")
        waiting = await first.join("#colloque_w_derm:hopital.example")
        await first.wait_for(waiting, lambda e: subject in body(e), deadline_s=PATIENCE_S)
    killed = kills(clinic)
    assert killed["arrived mail"] == 1
    assert killed["kept mail"] == 1
    asked = await clinic.found("derm", subject)
    await second.join(asked.alias)
    events = await second.messages(asked.room_id)
    assert sum(body(event) == "Le grain a saigné." for event in events) == 1


async def _one_answer(clinic: RealClinic, answer: Mail) -> None:
    assert [(file.name, file.mimetype) for file in answer.attachments] == [("schéma.jpg", "image/jpeg")]
    _is_clean_jpeg(answer.attachments[0].content)
    assert answer.from_name == "Dr Numéro 0 – Derm"
    assert answer.inline
    mails = clinic.mailbox.mails_to(PATIENT.address)
    assert len([mail for mail in mails if mail.attachments]) == 1
    assert len([mail for mail in mails if mail.header("Auto-Submitted")]) == 1
    assert len(mails) == 2


def _is_clean_jpeg(content: bytes) -> None:
    photo = Image.open(BytesIO(content))
    assert photo.format == "JPEG"
    assert photo.size == (900, 1200)
    assert not photo.getexif()
