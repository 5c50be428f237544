"""A line shows that its mail has left: soon, not while more of the mails leave, and always in the end."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.delivery import MARKED_AFTER_S, MARKED_WITHIN_S, SENT
from bridge.domain.question import decide
from bridge.domain.state import Decision, Question
from tests.domain.given import AT_ONCE, CLAIRE, NOW, after, asked, kinds, message, only

TAKEN = (asked(), message(CLAIRE, "$1"), ev.SealCompleted())


def _marked(decision: Decision) -> list[tuple[str, str]]:
    found = [effect for effect in only(decision, fx.React) if isinstance(effect, fx.React)]
    return [(mark.event_id, mark.symbol) for mark in found if mark.symbol == SENT]


def _wakes(decision: Decision) -> list[tuple[int, float]]:
    return [
        (plan.effect.number, plan.delay_s)
        for plan in decision.effects
        if isinstance(plan.effect, fx.WakeMarks)
    ]


def test_a_mail_that_left_is_shown_a_moment_later() -> None:
    left = after(*TAKEN, ev.AnswerHandedOver(1, ("$1",)))
    assert kinds(left) == ["ClearMark", "WakeMarks"]
    assert _wakes(left) == [(1, MARKED_AFTER_S)]
    assert _marked(decide(left.question, ev.MarksDue(1), NOW, AT_ONCE)) == [("$1", SENT)]


def test_what_leaves_meanwhile_is_shown_with_it() -> None:
    events = (*TAKEN, ev.AnswerHandedOver(1, ("$1",)), ev.AnswerHandedOver(2, ("$2", "$3")))
    assert _wakes(after(*events)) == []
    early = after(*events, ev.MarksDue(1))
    assert (_marked(early), _wakes(early)) == ([], [(2, MARKED_AFTER_S)])
    due = after(*events, ev.MarksDue(1), ev.MarksDue(2))
    assert _marked(due) == [("$1", SENT), ("$2", SENT), ("$3", SENT)]


def test_an_owner_who_writes_on_sees_it_all_the_same() -> None:
    events = (*TAKEN, ev.AnswerHandedOver(1, ("$1",)), ev.AnswerHandedOver(2, ("$2",)))
    late = NOW + timedelta(seconds=MARKED_WITHIN_S)
    assert _marked(decide(after(*events).question, ev.MarksDue(1), late, AT_ONCE)) == [
        ("$1", SENT),
        ("$2", SENT),
    ]


def test_it_is_shown_once() -> None:
    events = (*TAKEN, ev.AnswerHandedOver(1, ("$1",)), ev.MarksDue(1))
    assert after(*events, ev.MarksDue(1)).effects == ()


def test_a_mail_that_came_back_before_it_was_shown_is_not_shown_as_taken() -> None:
    events = (*TAKEN, ev.AnswerHandedOver(1, ("$1",)), ev.MailBounced("mail:dsn", "5.1.1", 1))
    assert _marked(after(*events, ev.MarksDue(1))) == []


def test_the_one_before_is_still_shown_when_a_later_one_came_back() -> None:
    two = (ev.AnswerHandedOver(1, ("$1",)), ev.AnswerHandedOver(2, ("$2",)), ev.MarksDue(1))
    events = (*TAKEN, message(CLAIRE, "$2"), *two, ev.MailBounced("mail:dsn", "5.1.1", 2))
    assert _marked(after(*events, ev.MarksDue(2))) == [("$1", SENT)]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_every_mail_is_shown_once_and_in_time_however_they_follow(pauses: list[float]) -> None:
    question: Question | None = after(*TAKEN).question
    now, waiting, shown = NOW, list[tuple[float, int]](), list[str]()
    left: dict[str, float] = {}

    def happens(event: ev.Event, at_s: float) -> None:
        nonlocal question
        decision = decide(question, event, now + timedelta(seconds=at_s), AT_ONCE)
        question = decision.question
        waiting.extend((at_s + delay, number) for number, delay in _wakes(decision))
        shown.extend(event_id for event_id, _ in _marked(decision))
        for event_id, _ in _marked(decision):
            assert at_s - left[event_id] <= MARKED_WITHIN_S + MARKED_AFTER_S

    def rings(until_s: float) -> None:
        while waiting and min(waiting)[0] <= until_s:
            first = min(waiting)
            waiting.remove(first)
            happens(ev.MarksDue(first[1]), first[0])

    at_s = 0.0
    for number, pause in enumerate(pauses, 1):
        at_s += pause
        rings(at_s)
        left[f"${number}"] = at_s
        happens(ev.AnswerHandedOver(number, (f"${number}",)), at_s)
    rings(at_s + 60)
    assert shown == list(left)
