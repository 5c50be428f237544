"""What an owner does inside their question: a note that stays there, and a video consultation."""

from __future__ import annotations

from bridge.demo.acts.expert import OPINION
from bridge.demo.acts.scene import Scene, body

NOTE = "NOTE-INTERNE"


async def note(scene: Scene) -> None:
    """A line for colleagues: marked, and never mailed (which is checked again at the end)."""
    event = await scene.owner.say(scene.room, f"!note {NOTE} : revoir dans six mois")
    scene.claim("note", await scene.marked(event, "📝"), "a note is marked as staying inside")


async def video(scene: Scene) -> None:
    """A consultation: a line with its link in the room, and an invitation in the patient's mailbox."""
    before = scene.mails
    await scene.owner.say(scene.room, "!visio demain 14h30 20min")
    mail = await scene.next_mail(before, lambda m: any(f.name == "invitation.ics" for f in m.attachments))
    (file,) = (file for file in mail.attachments if file.name == "invitation.ics")
    link = next(word for word in mail.text.split() if word.startswith("https://meet."))
    line = await scene.noticed(scene.owner, scene.room, link)
    invited = b"METHOD:REQUEST" in file.content and link in body(line) and NOTE not in mail.text
    scene.claim("video", invited, "a video consultation: one link in the room and in the patient's calendar")


def stayed(scene: Scene) -> None:
    """Nothing internal went to the patient, whatever happened to the question."""
    orders = ("!note", "!visio", "!avis", "!export", "!clore", "!rendre", "!transmettre", "!archiver")
    internal = (NOTE, OPINION, *orders, "pars en garde")
    told = [words for mail in scene.mails for words in internal if words in mail.text + mail.html]
    scene.check(not told, f"{len(scene.mails)} mails to the patient, no note and no command in any of them")
