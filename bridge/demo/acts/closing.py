"""How a question ends, and comes back: closed, reopened by a mail of its patient, archived."""

from __future__ import annotations

from bridge.demo.acts.scene import Scene, body, eventually
from bridge.demo.mailbox import Mail

MORE = "Une dernière chose : faut-il éviter le soleil ?"


async def close_and_reopen(scene: Scene) -> None:
    """The owner closes; nobody writes, the patient is told, and their answer opens it again."""
    before = scene.mails
    await scene.owner.say(scene.room, "!clore")
    locked = await scene.refused(scene.owner, scene.room)
    told = await scene.next_mail(before)
    scene.claim("close", locked, "a closed question can be read, not written; its patient is told")
    await _reopen(scene, told)


async def _reopen(scene: Scene, told: Mail) -> None:
    await scene.answer(told, MORE)
    await scene.owner.wait_for(scene.room, lambda e: body(e) == MORE)
    before = scene.mails
    await scene.owner.say(scene.room, "Oui, jusqu'à la consultation.")
    answer = await scene.next_mail(before)
    scene.claim(
        "reopen",
        "jusqu'à la consultation" in answer.text,
        "the patient's mail reopens it, and the talk goes on",
    )


async def archive(scene: Scene) -> None:
    """The owner archives; the room leaves the group's listing and nobody writes in it."""
    space = await scene.owner.join(f"#colloque_g_{scene.group.key}:{scene.stack.hospital.domain}")
    before = scene.mails
    await scene.owner.say(scene.room, "!archiver")
    locked = await scene.refused(scene.owner, scene.room)

    async def unlisted() -> bool:
        state = await scene.owner.call("GET", f"/v3/rooms/{space}/state/m.space.child/{scene.room}")
        return not state.get("via")

    gone = await eventually(unlisted)
    await scene.next_mail(before)
    scene.claim("archive", locked and gone, "an archived question leaves the listing of its group")
