"""With the admin's leave to act as practitioners, a raised hand opens the room at once."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clinic import DOMAIN, Clinic, body, eventually, hospital


@pytest.fixture
async def trusted(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"duo": 2}), acting=True)
    yield opened
    await opened.close()


async def test_a_raised_hand_on_the_card_opens_room_and_space_and_the_other_keeps_no_badge(
    trusted: Clinic,
) -> None:
    reader, owner = trusted.members("duo")
    asked = await trusted.ask("duo")  # the first member has joined to read
    waiting = await owner.join(f"#colloque_w_duo:{DOMAIN}")
    since = (await reader.call("GET", "/v3/sync", timeout="0"))["next_batch"]
    began = time.monotonic()
    await owner.react(waiting, asked.card, "🙋")

    async def inside() -> bool:
        return asked.room_id in (await owner.call("GET", "/v3/joined_rooms"))["joined_rooms"]

    assert await eventually(inside)
    assert time.monotonic() - began < 10
    await trusted.sealed(asked, owner)
    assert await owner.wait_for(asked.room_id, lambda e: body(e).startswith("Prise en charge par"))

    async def shown() -> bool:
        names = [await _name(trusted, room) for room in await _rooms(owner)]
        return {"Mon espace", "Mes questions"} <= set(names)

    async def _rooms(person: object) -> list[str]:
        return list((await owner.call("GET", "/v3/joined_rooms"))["joined_rooms"])

    async def _name(clinic: Clinic, room: str) -> str:
        return str((await owner.call("GET", f"/v3/rooms/{room}/state/m.room.name/"))["name"])

    assert await eventually(shown)
    assert await owner.invites() == []
    synced = await reader.call("GET", "/v3/sync", since=since, timeout="1000")
    left = synced["rooms"].get("join", {}).get(asked.room_id, {})
    assert left.get("unread_notifications", {}).get("notification_count", 0) == 0
