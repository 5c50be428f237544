"""The net under a question that waits, the silence that one may ask for, and a mail that was refused."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.demo.acts.scene import Scene, body, eventually
from bridge.demo.person import Person

SUBJECT = "Palpitations le soir"
ANSWER = "Bonjour, prenez rendez-vous pour un électrocardiogramme."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A question that nobody takes for a while; ``quiet`` wants no reminders."""

    scene: Scene
    quiet: Person


async def ask(scene: Scene) -> Waiting:
    """Another patient asks another group, of which one wants no reminders."""
    hospital = scene.stack.hospital
    group, patient = hospital.organisation.groups[1], hospital.patients[1]
    reader, quiet = (scene.people[member] for member in group.members[:2])
    chat = await scene.chat(quiet)
    await quiet.say(chat, f"muet {group.key}")
    await scene.noticed(quiet, chat, group.name)
    await scene.stack.mailbox.write(
        to=group.address,
        subject=SUBJECT,
        text="Bonjour, mon cœur bat vite le soir.",
        from_address=patient.address,
        from_name=patient.name,
    )
    room = await reader.join(f"#colloque_w_{group.key}:{hospital.domain}")
    card = await reader.wait_for(room, lambda e: SUBJECT in body(e) and "matrix.to/#/" in body(e))
    alias = body(card).partition("matrix.to/#/")[2].partition("/")[0]
    other = replace(scene, group=group, patient=patient, subject=SUBJECT, alias=alias, room="", generation=1)
    return Waiting(replace(other, owner=reader, done=scene.done), quiet)


async def play(waiting: Waiting) -> None:
    """Nobody takes it: reminders; then someone does, and the patient's mail server refuses the answer."""
    await _remind(waiting)
    await _resend(waiting.scene)


async def _remind(waiting: Waiting) -> None:
    scene, quiet = waiting.scene, waiting.quiet
    await scene.noticed(scene.owner, await scene.chat(scene.owner), SUBJECT)
    scene.claim("remind", True, f"nobody takes it: {scene.owner.name} is reminded")
    chat = await scene.chat(quiet)
    before = len(await quiet.messages(chat))
    await quiet.say(chat, "aide")

    # Lines to one person go out in order: with this answer, a reminder decided before would be there.
    async def answered() -> bool:
        return len(await quiet.messages(chat)) >= before + 2

    heard = await eventually(answered)
    lines = [body(event) for event in await quiet.messages(chat)]
    silent = heard and not any(SUBJECT in line for line in lines)
    scene.claim("mute", silent, f"{quiet.name}, who asked for silence, is not")


async def _resend(scene: Scene) -> None:
    """The owner sees on the line that it was refused, and sends it again with a command."""
    scene.room = await scene.enter(scene.owner, scene.alias)
    scene.stack.mailbox.refuse_next(scene.patient.address)
    before = scene.mails
    event = await scene.owner.say(scene.room, ANSWER)
    shown = await scene.marked(event, "⚠")
    nothing = scene.mails == before
    await scene.owner.say(scene.room, "!renvoyer")
    await scene.next_mail(before)
    arrived = [mail for mail in scene.mails if ANSWER in mail.text]
    scene.claim(
        "resend",
        shown and nothing and len(arrived) == 1,
        "a refused mail is shown on its line; sent again, it arrives once",
    )
