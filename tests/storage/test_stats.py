"""What an organisation learns about waiting: counts and times, right to the second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import events as ev
from bridge.domain.question import decide
from bridge.domain.state import Question, Status
from bridge.storage import questions
from bridge.storage.database import Database
from bridge.storage.stats import spread, stats
from tests.domain.given import AT_ONCE, CLAIRE, NOW, after, asked, message

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _question(number: int, group: str, at: datetime, taken_h: float = 0, answered_h: float = 0) -> Question:
    question = after(asked(question_id=f"q{number}", group=group)).question
    assert question is not None
    status = Status.TAKEN if taken_h else Status.WAITING
    return replace(
        question,
        asked_at=at,
        status=status,
        owner=CLAIRE.user_id if taken_h else "",
        taken_at=at + timedelta(hours=taken_h) if taken_h else None,
        answered_at=at + timedelta(hours=answered_h) if answered_h else None,
    )


async def _store(database: Database, *stored: Question) -> None:
    async with database.transaction() as connection:
        for question in stored:
            await questions.save(connection, question, None)


async def test_waiting_open_and_times_are_counted_per_group_and_week(database: Database) -> None:
    await _store(
        database,
        _question(1, "derm", MONDAY, taken_h=1, answered_h=2),
        _question(2, "derm", MONDAY, taken_h=3),
        _question(3, "derm", MONDAY + timedelta(days=7)),
        _question(4, "cardio", MONDAY, taken_h=2, answered_h=4),
    )
    now = MONDAY + timedelta(days=8)
    async with database.reading() as connection:
        groups, total = await stats(connection, since=0, now=now.timestamp(), groups=["vide", "derm"])
    vide, derm, cardio = groups
    assert (vide.group, vide.waiting, vide.period.asked, vide.weeks) == ("vide", 0, 0, {})
    assert (derm.waiting, derm.oldest_waiting_s, derm.open) == (1, 86400, 2)
    assert (derm.period.asked, derm.period.taken, derm.period.answered) == (3, 2, 1)
    assert derm.period.time_to_take is not None
    assert (derm.period.time_to_take.median, derm.period.time_to_take.max) == (3600, 10800)
    assert derm.period.time_to_first_answer is not None
    assert derm.period.time_to_first_answer.median == 7200
    assert {week: found.asked for week, found in derm.weeks.items()} == {"2026-W10": 2, "2026-W11": 1}
    assert (cardio.group, total.asked, total.taken, total.answered) == ("cardio", 4, 3, 2)


async def test_a_period_leaves_out_what_was_asked_before_it_but_not_who_waits(database: Database) -> None:
    await _store(database, _question(1, "derm", MONDAY))
    later = MONDAY + timedelta(days=30)
    async with database.reading() as connection:
        (derm,), total = await stats(
            connection, since=(later - timedelta(days=7)).timestamp(), now=later.timestamp(), groups=[]
        )
    assert (derm.waiting, derm.period.asked, total.asked) == (1, 0, 0)


async def test_the_first_claim_and_the_first_answer_count_whatever_comes_after(database: Database) -> None:
    first = _question(1, "derm", MONDAY, taken_h=1, answered_h=2)
    await _store(database, first)
    async with database.transaction() as connection:
        stored = await questions.load(connection, "q1")
        again = replace(first, taken_at=MONDAY + timedelta(hours=50))
        await questions.save(connection, again, stored)
    async with database.reading() as connection:
        (derm,), _ = await stats(connection, since=0, now=MONDAY.timestamp(), groups=[])
    assert derm.period.time_to_take is not None
    assert derm.period.time_to_take.median == 3600


def test_the_first_answer_is_when_the_first_mail_left() -> None:
    taken = after(asked(), message(CLAIRE, "$1")).question
    assert taken is not None
    assert taken.answered_at is None
    answered = decide(taken, ev.AnswerHandedOver(1, ("$1",)), NOW, AT_ONCE).question
    assert answered is not None
    assert answered.answered_at == NOW
    later = decide(answered, ev.AnswerHandedOver(2, ("$2",)), NOW + timedelta(days=1), AT_ONCE).question
    assert later is not None
    assert later.answered_at == NOW


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=200))
def test_half_of_them_waited_at_most_the_median(seconds: list[float]) -> None:
    found = spread(seconds)
    assert found is not None
    assert sum(s <= found.median for s in seconds) >= len(seconds) / 2
    assert sum(s <= found.p90 for s in seconds) >= 0.9 * len(seconds)
    assert found.median in seconds
    assert found.p90 <= found.max == max(seconds)
