"""Another expert's opinion on what the owner chose, with the patient's consent; and the transcript."""

from __future__ import annotations

import json

from bridge.demo.acts.scene import Scene, body
from bridge.demo.person import Person
from bridge.ports import Json

OPINION = "AVIS-INTERNE"
ASKS = "Faut-il l'enlever"


async def expertise(scene: Scene) -> None:
    """Chosen, shown, agreed to, asked, and noted: nothing else of the patient reaches the expert."""
    owner, patient = scene.owner, scene.patient
    group = scene.stack.hospital.organisation.groups[1]
    await _choose(scene)
    await owner.say(scene.room, f"!avis {group.key} : {ASKS}, chez {patient.name} ?")
    preview = await scene.noticed(owner, scene.room, "Voici tout ce que", ASKS)
    before = scene.mails
    await owner.react(scene.room, preview["event_id"], "📮")
    consent = await scene.next_mail(before, lambda m: "souhaite l'avis" in m.text)
    scene.check(
        patient.name not in body(preview) and ASKS not in consent.text,
        "the owner sees what an expert would get, without the name; the patient is asked in neutral words",
    )
    await scene.answer(consent, "Oui, je suis d'accord.")
    expert = next(scene.people[member] for member in group.members if member != owner.user_id)
    room = await _room_of(scene, expert, group.key)
    await expert.wait_for(room, lambda e: ASKS in body(e))
    await expert.wait_for(room, lambda e: e.get("content", {}).get("msgtype") == "m.image")
    await expert.say(room, f"{OPINION} : exérèse, sans urgence.")
    note = await scene.noticed(owner, scene.room, OPINION, expert.name)
    known = json.dumps([await expert.messages(room), await _name(expert, room)], ensure_ascii=False)
    told = (*patient.name.split(), patient.address, scene.subject, scene.room, "démange")
    learnt = [words for words in told if words in known]
    scene.claim(
        "expertise",
        not learnt and "interne" in body(note) and not any(OPINION in mail.text for mail in scene.mails),
        f"{expert.name} reads what was chosen and nothing else; the opinion is a note that no mail carries",
    )


async def _choose(scene: Scene) -> None:
    """A tap on the patient's question, and one on the photo."""
    words = await scene.owner.wait_for(scene.room, lambda e: "a changé de couleur" in body(e))
    photo = await scene.owner.wait_for(scene.room, lambda e: body(e) == "IMG_0412.jpg")
    for event in (words, photo):
        await scene.owner.react(scene.room, event["event_id"], "📎")


async def _room_of(scene: Scene, expert: Person, group: str) -> str:
    waiting = await expert.join(f"#colloque_w_{group}:{scene.stack.hospital.domain}")
    card = await expert.wait_for(waiting, lambda e: "matrix.to/#/" in body(e) and "Demande d'avis" in body(e))
    return await expert.join(body(card).partition("matrix.to/#/")[2].partition("/")[0])


async def _name(person: Person, room: str) -> Json:
    return await person.call("GET", f"/v3/rooms/{room}/state/m.room.name/")


async def export(scene: Scene) -> None:
    """The transcript comes into the owner's chat with the service: for people, and for programs."""
    owner, before = scene.owner, scene.mails
    await owner.say(scene.room, "!export")
    chat = await scene.chat(owner)
    pdf = await _file(owner, chat, "application/pdf")
    transcript = json.loads(await _file(owner, chat, "application/json"))
    said = [entry["text"] for entry in transcript["entries"]]
    whole = any("a changé de couleur" in words for words in said) and any(OPINION in words for words in said)
    consents = [act["did"] for act in transcript["consents"]]
    scene.claim(
        "export",
        pdf.startswith(b"%PDF-") and whole and "consent_given" in consents and scene.mails == before,
        f"the transcript, as PDF ({len(pdf) // 1024} kB) and JSON: what was said, the opinion, the consent",
    )


async def _file(person: Person, room: str, kind: str) -> bytes:
    event = await person.wait_for(
        room, lambda e: e.get("content", {}).get("info", {}).get("mimetype") == kind, deadline_s=30
    )
    return await person.download(event["content"]["url"])
