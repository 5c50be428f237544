"""The number of waiting questions and the card that lists them, while one still arrives in its room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.domain import effects as fx
from bridge.domain.findings import Listed, Queue
from bridge.domain.organisation import ExpertGroup, Notify, Organisation
from bridge.domain.state import Question
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.summary import ARRIVES_WITHIN_S, Summary
from bridge.ports import Json, Temporary
from tests.domain.given import NOW, waiting
from tests.matrix.conftest import DOMAIN
from tests.support.memory import MemoryNames, Try

GROUP = ExpertGroup("derm", "Derm", "derm@h.example", (), Notify.ANNOUNCE, "fr")


class Catalogue:
    """One question that waits, whose first words may be in its room."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.events: dict[str, str] = {}
        self.waits = True

    async def waiting(self, groups: Sequence[str], limit: int) -> Listed:
        return Listed((self.question,), 1)

    async def queues(self, groups: Sequence[str]) -> dict[str, Queue]:
        return {"derm": Queue(1, self.question)} if self.waits else {}

    async def first_events(self, stems: Sequence[str]) -> dict[str, str]:
        return self.events


class OneWaits(MemoryNames):
    async def waiting(self, group: str) -> int:
        return 1


class Clock:
    now_is = NOW

    def now(self) -> Any:
        return self.now_is


class Board:
    """A group's space and waiting room on the homeserver, and what keeps their number."""

    def __init__(self, client: MatrixClient, space: str, room: str) -> None:
        self.client, self.space, self.room = client, space, room
        self.clock = Clock()
        self.catalogue = Catalogue(replace(waiting(), asked_at=NOW))
        names = OneWaits({"group:derm": space, "waiting:derm": room})
        self.summary = Summary(
            Outlet(client, names, Place(client.bot_id, DOMAIN, "t_", "12")),
            Organisation("H", "fr", (), (GROUP,)),
            self.catalogue,  # type: ignore[arg-type]  # nothing else of it is asked
            self.clock,
        )

    async def count(self) -> None:
        effect = fx.CountWaiting("k", "derm")
        await self.summary.count(Try(effect), effect)

    async def name(self) -> Json | None:
        return await self.client.state_event(self.space, "m.room.name")

    async def card(self) -> str:
        pins = await self.client.state_event(self.room, "m.room.pinned_events")
        event = await self.client.event(self.room, pins["pinned"][0]) if pins else {}
        return str(event.get("content", {}).get("body", ""))


@pytest.fixture
async def board(client: MatrixClient) -> Board:
    return Board(client, await client.create_room({}), await client.create_room({}))


async def test_the_number_is_there_at_once_and_the_card_once_its_question_can_be_linked_to(
    board: Board,
) -> None:
    with pytest.raises(Temporary):
        await board.count()
    assert await board.name() == {"name": "Derm (1)"}
    assert await board.card() == ""
    board.catalogue.events = {board.catalogue.question.stem: "$first"}
    await board.count()
    assert "/$first?via=" in await board.card()


async def test_a_question_that_does_not_arrive_is_on_the_card_all_the_same(board: Board) -> None:
    board.clock.now_is = NOW + timedelta(seconds=ARRIVES_WITHIN_S)
    await board.count()
    assert board.catalogue.question.reference in await board.card()


async def test_a_question_that_is_taken_while_the_card_is_written_leaves_it_empty(board: Board) -> None:
    board.catalogue.waits = False
    await board.count()
    assert board.catalogue.question.reference not in await board.card()
    assert await board.card()
