"""Marks on messages: none is put that is to be taken back already, and none stays that was."""

from __future__ import annotations

from bridge.domain import effects as fx
from tests.matrix.test_seal import Bench
from tests.matrix.test_seal import bench as bench

MARK = fx.React("q1:queued:$1", "question:q1", symbol="⏳")
CLEAR = fx.ClearMark.of(MARK.room, MARK.key)


async def _shown(bench: Bench) -> list[str]:
    events, _ = await bench.client.messages(bench.names.rooms["question:q1"])
    return [e["content"]["m.relates_to"]["key"] for e in events if e["type"] == "m.reaction" and e["content"]]


async def _marked(bench: Bench) -> fx.React:
    """The mark of a message in a question room."""
    await bench.question()
    room_id = bench.names.rooms["question:q1"]
    content = {"msgtype": "m.text", "body": "Bonjour"}
    line = await bench.client.send(room_id, "m.room.message", content, txn_id="line")
    return fx.React(MARK.key, MARK.room, line, symbol=MARK.symbol)


async def test_a_mark_that_is_to_go_already_is_never_put(bench: Bench) -> None:
    mark = await _marked(bench)
    bench.names.plans.add(CLEAR.key)
    await bench.do(mark)
    await bench.do(CLEAR)
    assert await _shown(bench) == []


async def test_a_mark_goes_when_its_time_has_come(bench: Bench) -> None:
    mark = await _marked(bench)
    await bench.do(mark)
    assert await _shown(bench) == ["⏳"]
    bench.names.plans.add(CLEAR.key)
    await bench.do(CLEAR)
    assert await _shown(bench) == []


async def test_a_mark_that_may_be_there_is_found_before_it_is_taken_back(bench: Bench) -> None:
    mark = await _marked(bench)
    await bench.do(mark)
    del bench.names.results[mark.key]  # the process died before it could be recorded
    bench.names.plans.add(CLEAR.key)
    await bench.do(mark, started=True)
    await bench.do(CLEAR)
    assert await _shown(bench) == []
