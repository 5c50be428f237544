"""A patient is erased, and no file of the whole stack has a word, an address or a photo of theirs left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import smtplib
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.demo.mailbox import Attached, Mail
from bridge.demo.person import Person, Refused
from bridge.demo.photos import skin_jpeg
from tests.support.clinic import PATIENT, Asked, Clinic, body, eventually, hospital
from tests.support.traces import found_in

pytestmark = pytest.mark.timeout(480)

HERS = {
    "first": "Prurit zorglubien depuis vendredi",
    "second": "Palpitations frumieuses la nuit",
    "reply": "Le krokodinol ne m'aide guère",
    "automatic": "Absente, bandersnatchement vôtre",
    "held": "Ma voisine snarkissante écrit",
    "refused": "Un mot jubjubien de trop",
}
ABOUT_HER = {
    "answer": "Arrêtez le krokodinol, madame Quelconque",
    "second": "Évitez le gluglucide, madame",
    "note": "soupçon de vorpalite",
    "why": "la babélutte me dépasse",
    "lost": "Prenez du tulgeydrate, madame",
    "never": "Et du gimblecarbonate, madame",
}
NAME, ADDRESS, PHOTO = "Zénobie Quelconque", "zenobie.quelconque@patients.example", "mon-epaule-nue.jpg"
NEIGHBOUR = "philomene.voisinette@ailleurs.example"
HIS = "Douleur wumpussienne au genou"
WORDS = {
    word
    for text in (*HERS.values(), *ABOUT_HER.values(), NAME, ADDRESS, NEIGHBOUR, "epaule")
    for word in re.findall(r"\w{5,}", text)
} - {
    "madame",
    "depuis",
    "patients",
    "example",
    "vendredi",
    "absente",
    "Absente",
    "ailleurs",
    "personne",
    "écrit",
}
DSN = f"""\
From: MAILER-DAEMON@patients.example
To: {{to}}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=utf-8

Your message could not be delivered to {ADDRESS}.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.patients.example

Final-Recipient: rfc822; {ADDRESS}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{ADDRESS}>: no such user

--b
Content-Type: message/rfc822

{{mail}}
--b--
"""


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    forgetful = {"redaction_retention_period": "1s", "enable_search": False}
    opened = await Clinic.open(
        tmp_path,
        hospital({"derm": 3, "cardio": 2}, invite=["cardio"]),
        homeserver={"settings": forgetful, "module": "tests.support.hasty"},
    )
    token = await opened.stack.synapse.register_user("admin", "geheim-123", admin=True)
    config = opened.stack.config
    config.write_text(config.read_text().replace("homeserver:\n", f"homeserver:\n  admin_token: {token}\n"))
    yield opened
    await opened.close()


async def _colloque(clinic: Clinic, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge",
        *words,
        "-c",
        str(clinic.stack.config),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def _mail(
    clinic: Clinic, to: str, subject: str, text: str, reply_to: Mail | None = None, sender: str = ADDRESS
) -> None:
    photo = Attached(PHOTO, "image/jpeg", skin_jpeg())
    await clinic.stack.mailbox.write(
        to=to,
        subject=subject,
        text=text,
        from_address=sender,
        from_name=NAME,
        photos=(photo,),
        in_reply_to=reply_to,
    )


async def _conversation(clinic: Clinic) -> tuple[Asked, Person]:
    """She asks, somebody answers, somebody else comes second, she writes again and is answered."""
    owner, second, _ = clinic.members("derm")
    await _mail(clinic, clinic.group("derm").address, HERS["first"], HERS["first"])
    asked = await clinic.found("derm", HERS["first"])
    await second.join(asked.alias)
    with _paused(clinic):
        await owner.say(asked.room_id, ABOUT_HER["answer"])
        await second.say(asked.room_id, ABOUT_HER["second"])
    owner = await clinic.owner(asked, [owner, second])
    mail = await clinic.stack.mailbox.wait_for(ADDRESS, matching=lambda m: "madame" in m.text)
    await _mail(clinic, mail.answer_address, f"Re: {mail.subject}", HERS["reply"], mail)
    await owner.wait_for(asked.room_id, lambda e: "guère" in str(e["content"]))
    return asked, owner


@contextlib.contextmanager
def _paused(clinic: Clinic) -> Iterator[None]:
    """The bridge stands still, so that it closes no room before everyone in it has spoken."""
    process = clinic.stack.bridge.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


async def _other_hands(clinic: Clinic, asked: Asked, owner: Person) -> None:
    """The owner looks it up, notes something and gives it back; a colleague goes on and calls her."""
    chat = await clinic.bot_room(owner)
    for words in ("!chercher zorglubien", "!liste questions ouvertes"):
        assert await _told(owner, chat, words, HERS["first"])
    await owner.say(asked.room_id, f"!note {ABOUT_HER['note']}")
    await owner.say(asked.room_id, f"!rendre {ABOUT_HER['why']}")
    successor = next(member for member in clinic.members("derm") if member is not owner)
    again = replace(asked, room_id=await _next_room(successor, asked))
    await successor.say(again.room_id, "Je reprends.")
    await clinic.sealed(again, successor)
    await successor.say(again.room_id, "!original")
    await successor.wait_for(again.room_id, lambda e: body(e).endswith(".eml"))
    await successor.say(again.room_id, "!visio demain 14h30 20min")
    await clinic.stack.mailbox.wait_for(
        ADDRESS, matching=lambda m: any(file.name == "invitation.ics" for file in m.attachments)
    )
    await _doubtful_mails(clinic, again, successor)
    await _lost_mails(clinic, again, successor)
    await _transcript(clinic, again, successor)


async def _doubtful_mails(clinic: Clinic, asked: Asked, owner: Person) -> None:
    """A neighbour writes for her, twice: one mail is refused by the owner, one stays held."""
    mail = clinic.stack.mailbox.mails_to(ADDRESS)[-1]
    for words in (HERS["refused"], HERS["held"]):
        await _mail(clinic, mail.answer_address, f"Re: {mail.subject}", words, mail, NEIGHBOUR)
        await owner.wait_for(asked.room_id, lambda e, words=words: words in body(e))
        if words == HERS["refused"]:
            await owner.say(asked.room_id, "!refuser")
            await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Refusé"))


async def _lost_mails(clinic: Clinic, asked: Asked, owner: Person) -> None:
    """An answer comes back, and nothing more is sent to her address."""
    await owner.say(asked.room_id, ABOUT_HER["lost"])
    lost = await clinic.stack.mailbox.wait_for(ADDRESS, matching=lambda m: ABOUT_HER["lost"] in m.text)
    report = DSN.format(to=lost.sender, mail=lost.raw.decode()).replace("\n", "\r\n")
    await asyncio.to_thread(_give_back, clinic, lost.sender, report.encode())
    await owner.wait_for(asked.room_id, lambda e: "Votre message est revenu" in body(e))

    async def suppressed() -> bool:
        return ADDRESS in (await _colloque(clinic, "mail", "suppressed", "list"))[1]

    assert await eventually(suppressed)
    event_id = await owner.say(asked.room_id, ABOUT_HER["never"])
    await owner.wait_for(
        asked.room_id, lambda e: e["content"].get("m.relates_to", {}).get("event_id") == event_id
    )


def _give_back(clinic: Clinic, to: str, report: bytes) -> None:
    """Submit a report with the null sender, as mail servers do."""
    assert clinic.stack.mailbox.submit_to is not None
    with smtplib.SMTP(*clinic.stack.mailbox.submit_to, timeout=10) as server:
        server.sendmail("", [to], report)


async def _transcript(clinic: Clinic, asked: Asked, owner: Person) -> None:
    """The owner has all of it in two documents, in their chat."""
    await owner.say(asked.room_id, "!export")
    chat = await clinic.bot_room(owner)
    await owner.wait_for(chat, lambda e: body(e).endswith(".json"))


async def _next_room(person: Person, asked: Asked) -> str:
    """The room that the question moved into, joined, once the bridge knows it as such."""
    joined = []

    async def let_in() -> bool:
        with contextlib.suppress(Refused):
            joined.append(await person.join(asked.alias.replace(":", "_2:")))
        return bool(joined)

    assert await eventually(let_in)
    await person.wait_for(joined[0], lambda e: ABOUT_HER["why"] in body(e))
    return joined[0]


async def _told(person: Person, chat: str, words: str, title: str) -> bool:
    """Ask the bot, and wait until it names this title once more."""

    async def named() -> int:
        return sum(title in body(event) for event in await person.messages(chat))

    before = await named()
    await person.say(chat, words)

    async def more() -> bool:
        return await named() > before

    return await eventually(more)


async def _waiting_and_set_aside(clinic: Clinic) -> None:
    """She asks another group, where nobody answers; and an automatic mail of hers is set aside."""
    await _mail(clinic, clinic.group("cardio").address, HERS["second"], HERS["second"])
    await clinic.found("cardio", HERS["second"])
    raw = (
        f"From: {ADDRESS}\r\nTo: derm\r\nAuto-Submitted: auto-replied\r\nSubject: {HERS['automatic']}\r\n\r\n"
    )
    await clinic.stack.mailbox._submit(ADDRESS, clinic.group("derm").address, raw.encode(), 10)

    async def aside() -> bool:
        return "automatic" in (await _colloque(clinic, "inbox", "list"))[1]

    assert await eventually(aside)


def _left(clinic: Clinic) -> list[str]:
    stack = clinic.stack
    return list(found_in(stack.directory, WORDS, leave_out=[stack.directory / "mailbox"]))


async def test_no_word_address_or_photo_of_an_erased_patient_is_left(clinic: Clinic, tmp_path: Path) -> None:
    his = await clinic.ask("derm", HIS)
    asked, owner = await _conversation(clinic)
    await _other_hands(clinic, asked, owner)
    await _waiting_and_set_aside(clinic)
    before = _left(clinic)
    assert {line.partition(" ")[0] for line in before} == WORDS

    code, text = await _colloque(
        clinic, "patient", "export", ADDRESS, "-o", str(tmp_path / "mailbox" / "hers")
    )
    assert code == 0, text
    exported = tmp_path / "mailbox" / "hers"
    in_export = " ".join(found_in(exported, WORDS))
    assert all(word in in_export for word in WORDS)
    assert len(list(exported.glob("*/question.json"))) == 2

    code, text = await _colloque(clinic, "patient", "erase", ADDRESS, "--yes")
    assert code == 0, text
    await _forgotten_by_homeserver(clinic)
    assert _left(clinic) == []
    media = [file for file in (clinic.stack.synapse.directory / "media").rglob("*") if file.is_file()]
    assert media == []

    await _others_go_on(clinic, his, owner, asked)


async def _forgotten_by_homeserver(clinic: Clinic) -> None:
    """Wait for the homeserver's housekeeping, and have its database file written anew."""
    database = clinic.stack.synapse.directory / "homeserver.db"

    async def censored() -> bool:
        with sqlite3.connect(database, timeout=10) as connection:
            left = connection.execute("SELECT count(*) FROM redactions WHERE NOT have_censored").fetchone()
        connection.close()
        return bool(left[0] == 0)

    assert await eventually(censored)
    await clinic.stack.synapse.stop()
    connection = sqlite3.connect(database, timeout=10)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    await clinic.stack.synapse.start()


async def _others_go_on(clinic: Clinic, his: Asked, owner: Person, hers: Asked) -> None:
    """Nobody else lost anything, her room is gone for everyone, and she may ask again."""
    await clinic.stack.bridge.wait_ready()
    joined = (await owner.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    assert hers.room_id not in joined
    reader = clinic.members("derm")[0]
    await reader.say(his.room_id, "Reposez ce genou.")
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "Reposez" in m.text)
    assert any(HIS in body(event) for event in await reader.messages(his.room_id))
    code, text = await _colloque(clinic, "stats", "--json")
    assert code == 0
    assert json.loads(text)["total"]["asked"] == 3
    code, text = await _colloque(clinic, "audit", "list")
    done = [line.split("\t")[3] for line in text.splitlines()]
    assert [action for action in done if action.startswith(("patient", "question"))] == [
        "question.export",
        "patient.export",
        "question.erase",
        "question.erase",
        "patient.erase",
    ]
    assert (await _colloque(clinic, "audit", "check"))[0] == 0
    code, text = await _colloque(clinic, "inbox", "list")
    assert text.strip() == "0 set aside."
    await _mail(clinic, clinic.group("derm").address, "Encore une question", "Bonjour")
    await clinic.found("derm", "Encore une question")
