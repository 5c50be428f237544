"""How a question leaves its owner: back to the group, or to a colleague who accepts it."""

from __future__ import annotations

from bridge.demo.acts.scene import Scene, body
from bridge.demo.person import Person


async def release(scene: Scene) -> None:
    """The owner gives it back; a colleague takes it in a room of its own, without the former owner."""
    former, room, successor = scene.owner, scene.room, scene.others[0]
    await former.say(room, "!rendre je pars en garde")
    alias = scene.next_alias()
    waiting = await successor.join(f"#colloque_w_{scene.group.key}:{scene.stack.hospital.domain}")
    await successor.wait_for(waiting, lambda e: alias in body(e))
    scene.room = await scene.enter(successor, alias)
    out = await scene.out(former, room)
    before = scene.mails
    await _goes_on(scene, successor, "Bonjour, je reprends votre question.")
    mail = await scene.next_mail(before, lambda m: "je reprends" in m.text)
    scene.claim(
        "release",
        out and successor.name in mail.from_name,
        f"{former.name} gives the question back; {successor.name} takes it in a new room",
    )


async def hand_over(scene: Scene) -> None:
    """The owner offers it to a colleague, who accepts with one tap and has all that was said."""
    former, room = scene.owner, scene.room
    colleague = next(person for person in scene.others if person is not former)
    await former.say(room, f"!transmettre {colleague.user_id} pour avis chirurgical")
    chat = await scene.chat(colleague)
    offer = await scene.noticed(colleague, chat, scene.subject, "avis chirurgical")
    await colleague.react(chat, offer["event_id"], "✅")
    scene.room = await scene.enter(colleague, scene.next_alias())
    history = await colleague.wait_for(scene.room, lambda e: "je reprends" in body(e))
    out = await scene.out(former, room)
    before = scene.mails
    await _goes_on(scene, colleague, "Bonjour, je prends la suite.")
    mail = await scene.next_mail(before, lambda m: "la suite" in m.text)
    scene.claim(
        "hand_over",
        bool(history) and out and colleague.name in mail.from_name,
        f"{colleague.name} accepts it, reads what was said, and {former.name} is out",
    )


async def _goes_on(scene: Scene, owner: Person, words: str) -> None:
    scene.owner = owner
    await owner.say(scene.room, words)
