"""Mail and messages that are not as one would wish: each has an outcome that somebody sees."""

from __future__ import annotations

import asyncio
import smtplib
import sys
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.demo.photos import skin_jpeg
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, is_card

pytestmark = pytest.mark.timeout(360)


async def _submit(clinic: Clinic, raw: bytes, to: str, sender: str = PATIENT.address) -> None:
    target = clinic.stack.mailbox.submit_to
    assert target is not None

    def send() -> None:
        with smtplib.SMTP(*target) as client:
            client.sendmail(sender, [to], raw)

    await asyncio.to_thread(send)


def _raw(
    subject: str, rest: bytes = b"bonjour", sender: bytes = b"From: Marie <marie.dupont@patients.example>"
) -> bytes:
    return (
        sender
        + b"\r\nSubject: "
        + subject.encode()
        + b"\r\nMessage-ID: <"
        + subject.encode()
        + b"@x>\r\n"
        + rest
    )


async def _told(clinic: Clinic, address: str, words: str) -> Mail:
    return await clinic.stack.mailbox.wait_for(address, matching=lambda m: words in m.text)


@pytest.mark.parametrize(
    ("name", "sender", "words"),
    [
        ("none", b"X-Nobody: 1", "n'indique pas clairement d'expéditeur"),
        ("two", b"From: a@b.example, c@d.example", "plusieurs expéditeurs"),
    ],
)
async def test_a_mail_without_exactly_one_sender_is_answered_with_the_reason(
    clinic: Clinic, name: str, sender: bytes, words: str
) -> None:
    address = f"{name}@patients.example"
    await _submit(clinic, _raw(f"exp{name}", b"\r\nbonjour", sender), "derm@hopital.example", address)
    mail = await _told(clinic, address, words)
    assert mail.header("Auto-Submitted") == "auto-replied"


async def test_an_empty_mail_is_answered_with_the_reason(clinic: Clinic) -> None:
    sender = b"From: vide@patients.example"
    raw = sender + b"\r\nMessage-ID: <vide@x>\r\n\r\n"
    await _submit(clinic, raw, "derm@hopital.example", "vide@patients.example")
    await _told(clinic, "vide@patients.example", "vide")


async def test_a_mail_of_only_a_photo_becomes_a_question(clinic: Clinic) -> None:
    message = EmailMessage()
    message["From"] = f"{PATIENT.name} <{PATIENT.address}>"
    message["Subject"] = "Photoseule"
    message["Message-ID"] = "<photoseule@x>"
    message.add_attachment(skin_jpeg(), maintype="image", subtype="jpeg", filename="a.jpg")
    await _submit(clinic, message.as_bytes(policy=SMTP), "duo@hopital.example")
    asked = await clinic.found("duo", "Photoseule")
    reader = clinic.members("duo")[0]
    picture = await reader.wait_for(asked.room_id, lambda e: e.get("content", {}).get("msgtype") == "m.image")
    assert picture["event_id"] == asked.event_id


@pytest.mark.parametrize(
    ("name", "rest", "seen"),
    [
        (
            "Mimecasse",
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nAu secours',
            "partie illisible",
        ),
        ("Charsetfaux", b"Content-Type: text/plain; charset=klingon\r\n\r\nfi\xe8vre", "encodage inconnu"),
    ],
)
async def test_what_cannot_be_read_is_said_beside_what_can(
    clinic: Clinic, name: str, rest: bytes, seen: str
) -> None:
    await _submit(clinic, _raw(name, rest), "duo@hopital.example")
    asked = await clinic.found("duo", name)
    await clinic.members("duo")[0].wait_for(asked.room_id, lambda e: seen in body(e))


async def test_a_huge_subject_with_line_breaks_becomes_a_short_title(clinic: Clinic) -> None:
    subject = "=?utf-8?q?Longsujet=0D=0ABcc=3A_x?= " + "trop " * 400
    raw = _raw("plain", b"\r\nbonjour").replace(b"Subject: plain", b"Subject: " + subject.encode())
    await _submit(clinic, raw, "duo@hopital.example")
    asked = await clinic.found("duo", "Longsujet")
    path = f"/v3/rooms/{asked.room_id}/state/m.room.name/"
    name = (await clinic.members("duo")[0].call("GET", path))["name"]
    assert len(name) < 100
    assert "\n" not in name


async def test_a_mail_of_thirty_megabytes_arrives_whole(clinic: Clinic) -> None:
    message = EmailMessage()
    message["From"] = PATIENT.address
    message["Subject"] = "Trentemega"
    message["Message-ID"] = "<trentemega@x>"
    message.set_content("voici le scanner")
    content = bytes(range(256)) * (22 * 1024 * 4)
    message.add_attachment(content, maintype="application", subtype="dicom", filename="scanner.dcm")
    raw = message.as_bytes(policy=SMTP)
    assert len(raw) > 29_000_000
    await _submit(clinic, raw, "duo@hopital.example")
    reader = clinic.members("duo")[0]
    waiting = await reader.join("#colloque_w_duo:hopital.example")
    await reader.wait_for(waiting, lambda e: is_card(e, "Trentemega"), deadline_s=120)
    asked = await clinic.found("duo", "Trentemega")
    file = await reader.wait_for(asked.room_id, lambda e: body(e) == "scanner.dcm", deadline_s=60)
    assert await reader.download(file["content"]["url"]) == content


async def test_the_patient_of_a_group_without_members_is_told(clinic: Clinic) -> None:
    await clinic.stack.mailbox.write(
        to="vide@hopital.example",
        subject="Personne",
        text="Il y a quelqu'un ?",
        from_address="seul@patients.example",
        from_name="Seul",
    )
    mail = await clinic.stack.mailbox.wait_for("seul@patients.example")
    assert "Aucun professionnel n'est disponible" in mail.text


async def test_an_unknown_address_is_refused_for_good(clinic: Clinic) -> None:
    for recipient in ("nobody@hopital.example", f"q+{'a' * 24}@hopital.example"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            await _submit(clinic, _raw("x", b"\r\nx"), recipient)
        assert refused.value.recipients[recipient][0] == 550


async def test_the_same_mail_twice_is_one_question_and_another_body_is_another(clinic: Clinic) -> None:
    for words in (b"\r\nune fois", b"\r\nune fois", b"\r\nautre corps"):
        await _submit(clinic, _raw("Doublon", words), "duo@hopital.example")
    reader = clinic.members("duo")[0]
    waiting = await reader.join("#colloque_w_duo:hopital.example")

    async def cards() -> int:
        return sum(is_card(e, "Doublon") for e in await reader.messages(waiting))

    async def two() -> bool:
        return await cards() == 2

    assert await eventually(two)
    await clinic.ask("duo")
    assert await cards() == 2


async def test_automatic_mail_opens_no_question_and_gets_no_answer(clinic: Clinic) -> None:
    raw = _raw("Absence", b"Auto-Submitted: auto-replied\r\n\r\nje suis absent")
    await _submit(clinic, raw, "duo@hopital.example", "robot@patients.example")
    await clinic.ask("duo")
    assert clinic.stack.mailbox.mails_to("robot@patients.example") == ()


async def _taken(clinic: Clinic) -> tuple[Asked, Person, Mail]:
    asked = await clinic.ask("duo")
    owner = clinic.members("duo")[0]
    words = f"Bonjour, {asked.subject}"
    await owner.say(asked.room_id, words)
    await clinic.sealed(asked, owner)
    mail = await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: words in m.text)
    return asked, owner, mail


async def test_a_mail_from_another_address_is_held_and_not_shown_as_the_patients(clinic: Clinic) -> None:
    asked, owner, mail = await _taken(clinic)
    raw = _raw("Faux", b"\r\nDonnez-moi tout", b"From: eve@evil.example")
    await _submit(clinic, raw, mail.answer_address, "eve@evil.example")
    notice = await owner.wait_for(asked.room_id, lambda e: "Expéditeur non vérifié" in body(e))
    assert notice["content"]["msgtype"] == "m.notice"
    told = [e for e in await owner.messages(asked.room_id) if "Donnez-moi tout" in body(e)]
    assert {e["event_id"] for e in told} == {notice["event_id"]}


async def _lifted(clinic: Clinic) -> bool:
    """Whether an admin can have the patient's address written to again."""
    words = ("mail", "suppressed", "lift", PATIENT.address, "-c", str(clinic.stack.config))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *words, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait() == 0


async def test_a_delivery_report_is_told_to_the_owner(clinic: Clinic) -> None:
    asked, owner, mail = await _taken(clinic)
    report = _raw(
        "Undelivered",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nfailed\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        b"Final-Recipient: rfc822; m@p.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
    )
    await _submit(clinic, report, mail.sender, "")
    await owner.wait_for(asked.room_id, lambda e: "est revenu" in body(e))
    assert await eventually(lambda: _lifted(clinic), 90)
    assert not await _lifted(clinic)


async def test_an_answer_that_comes_back_is_shown_on_its_message_and_its_address_is_left_alone(
    clinic: Clinic,
) -> None:
    asked, owner, mail = await _taken(clinic)
    report = _raw(
        "Undelivered",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        b"--b\r\n\r\nfailed\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        b"Final-Recipient: rfc822; m@p.example\r\nAction: failed\r\nStatus: 5.2.2\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: "
        + mail.message_id.encode()
        + b"\r\n--b--\r\n",
    )
    await _submit(clinic, report, mail.sender, "")
    await owner.wait_for(asked.room_id, lambda e: "est pleine" in body(e))
    await owner.say(asked.room_id, "Avez-vous reçu ceci ?")
    await owner.wait_for(asked.room_id, lambda e: "suppressed, 5.2.2" in body(e))
    await owner.say(asked.room_id, "!renvoyer")
    await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: asked.subject in m.subject and "reçu ceci" in m.text
    )


SENT = {
    "emote": ({"msgtype": "m.emote", "body": "réfléchit"}, "réfléchit", "m.room.message"),
    "location": (
        {"msgtype": "m.location", "body": "Accueil B", "geo_uri": "geo:48.8,2.3"},
        "geo:48.8,2.3",
        "m.room.message",
    ),
}
TOLD = {
    "poll": ({"org.matrix.msc1767.text": "?"}, "sondage", "org.matrix.msc3381.poll.start"),
    "encrypted": ({"algorithm": "m.megolm.v1.aes-sha2"}, "chiffré", "m.room.encrypted"),
    "unknown": ({"msgtype": "x.y", "body": "?"}, "inconnu", "m.room.message"),
}


@pytest.mark.parametrize("kind", SENT)
async def test_emotes_and_places_reach_the_patient_as_words(clinic: Clinic, kind: str) -> None:
    asked, owner, _ = await _taken(clinic)
    content, words, event_type = SENT[kind]
    await owner.send(asked.room_id, content, event_type)
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: words in m.text)


@pytest.mark.parametrize("kind", TOLD)
async def test_what_mail_cannot_carry_is_said_to_the_owner(clinic: Clinic, kind: str) -> None:
    asked, owner, _ = await _taken(clinic)
    content, words, event_type = TOLD[kind]
    await owner.send(asked.room_id, content, event_type)
    await owner.wait_for(asked.room_id, lambda e: words in body(e) and e["sender"].startswith("@colloque:"))


@pytest.mark.parametrize(
    ("msgtype", "event_type", "mimetype"),
    [
        ("m.audio", "m.room.message", "audio/ogg"),
        ("m.video", "m.room.message", "video/mp4"),
        ("", "m.sticker", "image/png"),
    ],
)
async def test_voice_notes_videos_and_stickers_reach_the_patient_as_files(
    clinic: Clinic, msgtype: str, event_type: str, mimetype: str
) -> None:
    asked, owner, mail = await _taken(clinic)
    shown = await owner.show(asked.room_id, b"octets", "premier.bin", mimetype)
    url = (await owner.call("GET", f"/v3/rooms/{asked.room_id}/event/{shown}"))["content"]["url"]
    name = f"{asked.subject}.bin"
    content = {"body": name, "url": url, "info": {"mimetype": mimetype, "size": 6}}
    await owner.send(asked.room_id, content | ({"msgtype": msgtype} if msgtype else {}), event_type)
    got = await clinic.stack.mailbox.wait_for(
        PATIENT.address, matching=lambda m: any(file.name == name for file in m.attachments)
    )
    assert any(file.content == b"octets" for file in got.attachments)
    assert mail.answer_address == got.answer_address


async def test_a_poll_does_not_take_a_question_and_its_author_is_told(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    member = clinic.members("duo")[0]
    content, words, event_type = TOLD["poll"]
    await member.send(asked.room_id, content, event_type)
    await member.wait_for(asked.room_id, lambda e: words in body(e))
    assert member.user_id not in await clinic.levels(asked, member)


async def test_notices_and_commands_never_leave(clinic: Clinic) -> None:
    asked, owner, _ = await _taken(clinic)
    secret = f"SECRET-{asked.subject}"
    await owner.say(asked.room_id, f"!note {secret}")
    await owner.send(asked.room_id, {"msgtype": "m.notice", "body": secret})
    await owner.say(asked.room_id, f"Fin {asked.subject}")
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: f"Fin {asked.subject}" in m.text)
    assert not any(secret in mail.text for mail in clinic.stack.mailbox.mails_to(PATIENT.address))


async def test_the_log_holds_no_word_name_or_address_of_anyone(clinic: Clinic) -> None:
    await _taken(clinic)
    log = (clinic.stack.directory / "bridge.log").read_text()
    assert "bridge.ready" in log
    for word in ("Dupont", "marie", "patients.example", "grave", "Bonjour", "Sujet n", "q+", "scanner"):
        assert word not in log, word
