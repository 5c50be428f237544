"""Colleagues talk among themselves: the bridge keeps the room, and neither answers nor keeps a word."""

from __future__ import annotations

from pathlib import Path

from tests.support.clinic import DOMAIN, Clinic, body


async def test_what_colleagues_say_is_answered_by_nobody_and_kept_nowhere(clinic: Clinic) -> None:
    first, second = clinic.members("duo")
    room = await first.join(f"#colloque_d_staff:{DOMAIN}")
    await second.join(room)
    for text in ("!aide entre collègues", "Quelqu'un a vu mon stéthoscope jaune ?"):
        await first.say(room, text)
        await second.wait_for(room, lambda e, text=text: body(e) == text)
    # What comes after it in the order of the homeserver's transactions has been taken in: so has this.
    asked = await clinic.ask("duo")
    await first.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, first)
    assert not any(e["sender"].startswith("@colloque") and body(e) for e in await first.messages(room))
    assert _in_files(clinic.stack.directory, "stéthoscope jaune") == []


def _in_files(directory: Path, words: str) -> list[str]:
    """The bridge's own files that hold these words."""
    files = [*directory.glob("colloque.db*"), directory / "bridge.log"]
    return [file.name for file in files if words.encode() in file.read_bytes()]
