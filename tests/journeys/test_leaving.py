"""Someone leaves the organisation: their questions go back to the group, and no room of theirs stays open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bridge.demo.person import Person, Refused
from tests.support.clinic import DOMAIN, Asked, Clinic, body, eventually, hospital

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 3}))
    yield opened
    await opened.close()


def _set(clinic: Clinic, user_id: str, **changes: Any) -> None:
    """Change what the organisation file says of a practitioner."""
    yaml, file = YAML(), clinic.stack.config.parent / "organisation.yaml"
    content = yaml.load(file.read_text())
    next(entry for entry in content["practitioners"] if entry["id"] == user_id).update(changes)
    with file.open("w") as out:
        yaml.dump(content, out)


async def _taken(clinic: Clinic, owner: Person) -> Asked:
    asked = await clinic.ask("derm")
    await owner.join(asked.alias)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    return asked


async def _again(asked: Asked, person: Person) -> str:
    """The room that the question waits in since it lost its owner, joined once the bridge knows it."""
    joined: list[str] = []

    async def let_in() -> bool:
        try:
            joined.append(await person.join(asked.alias.replace(":", "_2:")))
        except Refused:
            return False
        return True

    assert await eventually(let_in)
    await person.wait_for(joined[0], lambda e: e["type"] == "m.room.message")
    return joined[0]


async def _is_out(clinic: Clinic, asked: Asked, person: Person) -> bool:
    async def out() -> bool:
        invited = asked.room_id in await person.invites()
        return not invited and not await clinic.inside(asked, [person])

    return await eventually(out)


async def _is_in_none(person: Person, rooms: set[str]) -> bool:
    return not rooms & set((await person.call("GET", "/v3/joined_rooms"))["joined_rooms"])


async def test_questions_of_one_who_leaves_wait_again_and_their_rooms_are_shut(clinic: Clinic) -> None:
    goes = clinic.people[f"@dr2:{DOMAIN}"]
    open_one, over = await _taken(clinic, goes), await _taken(clinic, goes)
    await goes.say(over.room_id, "!clore")
    await goes.wait_for(over.room_id, lambda e: body(e).startswith("Question close"))

    rooms = {await goes.join(f"#colloque_{alias}_derm:{DOMAIN}") for alias in "gw"}
    _set(clinic, goes.user_id, active=False)
    colleague = clinic.members("derm")[1]
    again = await _again(open_one, colleague)
    assert await _is_out(clinic, open_one, goes)
    assert await _is_out(clinic, over, goes)
    assert await eventually(lambda: _is_in_none(goes, rooms))
    await colleague.say(again, "Je reprends.")
    await colleague.wait_for(again, lambda e: body(e).startswith("Prise en charge par"))

    _set(clinic, goes.user_id, active=True)

    async def back() -> bool:
        """In the space, too: only who is in there may join a question."""
        try:
            for alias in "gw":
                await goes.join(f"#colloque_{alias}_derm:{DOMAIN}")
        except Refused:
            return False
        return True

    assert await eventually(back)
    later = await _taken(clinic, goes)
    await clinic.stack.bridge.kill()
    _set(clinic, goes.user_id, active=False)
    await clinic.stack.bridge.start()
    assert await _again(later, colleague)
    assert await _is_out(clinic, later, goes)


async def test_who_leaves_by_hand_is_told_once_stays_out_at_a_start_and_comes_back_when_asked(
    clinic: Clinic,
) -> None:
    leaves, owns = clinic.members("derm")[1:3]
    asked = await _taken(clinic, owns)
    rooms = [await leaves.join(f"#colloque_{alias}:{DOMAIN}") for alias in ("g_derm", "w_derm", "d_staff")]
    for room_id in rooms:
        await leaves.call("POST", f"/v3/rooms/{room_id}/leave", {})

    async def told() -> bool:
        return any("!revenir" in said for said in await clinic.bot_chat(leaves))

    assert await eventually(told)
    await owns.call("POST", f"/v3/rooms/{asked.room_id}/leave", {})
    assert await _again(asked, clinic.members("derm")[0])

    await clinic.stack.bridge.stop()
    await clinic.stack.bridge.start()
    assert not set(rooms) & set(await leaves.invites())
    assert sum("quitté un salon" in said for said in await clinic.bot_chat(leaves)) == 1

    async def lost() -> bool:
        said = await clinic.bot_chat(owns)
        return any(asked.subject in words and "reprendre" in words for words in said)

    assert await eventually(lost)

    await leaves.say(await clinic.bot_room(leaves), "!revenir")

    async def asked_in() -> bool:
        return set(rooms) <= set(await leaves.invites())

    assert await eventually(asked_in)
