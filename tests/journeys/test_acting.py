"""With the admin's leave to act as practitioners, a raised hand opens the room at once."""

from __future__ import annotations

import asyncio
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
    await owner.react(waiting, asked.card, "🙋")

    async def inside() -> bool:
        return asked.room_id in (await owner.call("GET", "/v3/joined_rooms"))["joined_rooms"]

    assert await eventually(inside)
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


SUMMED_AFTER_S = 33
"""Synapse sums its counts up every 30 seconds."""


@pytest.mark.timeout(480)
async def test_what_was_taken_counts_no_more_and_what_still_waits_does(trusted: Clinic) -> None:
    reader, owner = trusted.members("duo")
    waiting = await reader.join(f"#colloque_w_duo:{DOMAIN}")
    latest = (await reader.messages(waiting))[0]["event_id"]  # the invitation counts until they look
    await reader.call("POST", f"/v3/rooms/{waiting}/receipt/m.read/{latest}", {})

    async def count() -> int:
        room = (await reader.call("GET", "/v3/sync", timeout="0"))["rooms"]["join"][waiting]
        return int(room["unread_notifications"]["notification_count"])

    async def counts(number: int) -> bool:
        return await count() == number

    await owner.join(waiting)
    asked = [await trusted.ask("duo") for _ in range(3)]
    assert await eventually(lambda: counts(3))
    await asyncio.sleep(SUMMED_AFTER_S)
    for taken, left in ((asked[0], 2), (asked[2], 1), (asked[1], 0)):
        await owner.react(waiting, taken.card, "🙋")
        await trusted.sealed(taken, owner)
        assert await eventually(lambda left=left: counts(left)), await count()  # type: ignore[misc]
    await trusted.ask("duo")
    assert await eventually(lambda: counts(1))
