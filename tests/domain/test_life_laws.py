"""What holds whatever happens to a question, in whatever order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Did
from bridge.domain.arriving import Errand
from bridge.domain.commands import Command
from bridge.domain.content import Line
from bridge.domain.keeping import MANY
from bridge.domain.question import decide
from bridge.domain.state import Question, Status

INTERNAL = "MARK-INTERNAL"
ORDERS = (
    "note close reopen archive undo release handover accept decline resend correct withdraw mute unmute video"
)
AUTHORS = st.sampled_from([life.OWNER, life.COLLEAGUE])
NUMBERS = st.integers(0, 10_000)


def _event(kind: str, author: ev.Author, number: int, target: int) -> ev.Event:
    event_id = f"$e{number}"
    line = Line(event_id, f"words {number}")
    marked = Line(event_id, f"!{INTERNAL}")
    match kind:
        case "write":
            return ev.MemberWrote(author, event_id, line)
        case "notice":
            return ev.MemberWrote(author, event_id, marked, internal=True)
        case "edit":
            return ev.MemberWrote(author, event_id, line, relates_to=f"$e{target}", replaces=True)
        case "edit into a command":
            return ev.MemberWrote(
                author, event_id, marked, relates_to=f"$e{target}", replaces=True, internal=True
            )
        case "redact":
            return ev.MemberRedacted(author, f"$e{target}")
        case "mark":
            return ev.Reacted(author, event_id, f"$e{target}", "↩️🔓📨🔁📝"[number % 5])
        case "hand":
            return ev.HandRaised(author, event_id)
        case "leave":
            return ev.MemberLeft(author, event_id)
        case "gone":
            return ev.OwnerGone(author.user_id, "absent")
        case "mail":
            return ev.PatientWrote(f"m{number}", "hello", (), f"<{number}@x>")
        case "errand":
            return ev.ErrandAsked(f"m{number}", list(Errand)[number % len(Errand)], f"words {number}")
        case "too":
            return ev.AskedToo(f"m{number}", "other")
        case "flood":
            return ev.MailPostponed(f"m{number}", "q1", MANY, life.NOW.timestamp() + number, first=True)
        case "judged":
            return ev.MailJudged(author, event_id, f"m{target}", ("once", "refuse")[number % 2])
        case "failed" | "sent" | "marks" | "sealed" | "alarm":
            return _of_the_bridge(kind, target)
        case _:
            about = life.COLLEAGUE if author is life.OWNER else life.OWNER
            words = f"{about.user_id} {INTERNAL}" if kind == "handover" else INTERNAL
            message = ev.MemberWrote(author, event_id, marked, internal=True)
            if kind in ("accept", "decline"):
                return ev.Instructed(author, event_id, Command(kind, words))
            return ev.Ordered(message, Command(kind, words))


def _of_the_bridge(kind: str, target: int) -> ev.Event:
    match kind:
        case "failed":
            return ev.AnswerFailed(target % 7, (f"$e{target}",), "550")
        case "sent":
            return ev.AnswerHandedOver(target % 7, (f"$e{target}",))
        case "marks":
            return ev.MarksDue(target % 7)
        case "sealed":
            return ev.SealCompleted(generation=1 + target % 3)
        case _:
            return ev.AlarmRang()


KINDS = st.sampled_from(
    [
        *("write", "notice", "edit", "edit into a command", "redact", "mark", "hand", "leave", "gone"),
        *("mail", "failed", "sent", "marks", "sealed", "alarm", "errand", "too", "flood", "judged"),
        *ORDERS.split(),
    ]
)
EVENTS = st.lists(
    st.builds(_event, KINDS, AUTHORS, NUMBERS, st.integers(0, 20)),
    max_size=40,
)


def start() -> Question:
    """A question that waits."""
    return life.statuses()[Status.WAITING]


@hypothesis_given(EVENTS, st.sampled_from([0, 20, 3600]))
@settings(deadline=None)
def test_nothing_internal_is_ever_mailed(events: list[ev.Event], quiet_period_s: int) -> None:
    policy = replace(life.POLICY, quiet_period_s=quiet_period_s)
    question = start()
    now = life.NOW
    for event in events:
        now += timedelta(minutes=7)
        decision = decide(question, event, now, policy)
        assert decision.question is not None
        question = decision.question
        for plan in decision.effects:
            if isinstance(plan.effect, fx.Answer | fx.TellPatient | fx.Acknowledge):
                assert INTERNAL not in repr(plan.effect)


@hypothesis_given(EVENTS)
@settings(deadline=None)
def test_a_question_is_owned_exactly_while_it_is_taken_and_its_owner_changes_on_record_only(
    events: list[ev.Event],
) -> None:
    question = start()
    for event in events:
        decision = decide(question, event, life.NOW, life.POLICY)
        after = decision.question
        assert after is not None
        assert bool(after.owner) or after.status in (Status.WAITING, Status.WITHDRAWN)
        assert not (after.owner and after.status is Status.WAITING)
        if after.owner and after.owner != question.owner:
            assert {act.did for act in decision.acts} & {Did.TAKEN, Did.HANDED_OVER, Did.UNDONE}
        question = after


@hypothesis_given(EVENTS)
@settings(deadline=None)
def test_whatever_happened_there_is_a_next_step_until_the_question_is_archived(
    events: list[ev.Event],
) -> None:
    question, now = start(), life.NOW
    for event in events:
        now += timedelta(minutes=7)
        question = decide(question, event, now, life.POLICY).question or question
        assert question.alarm_at is not None or question.status is Status.ARCHIVED
    rest = {Status.WAITING, Status.TAKEN, Status.ARCHIVED}
    for _ in range(60):
        if question.alarm_at is None:
            break
        now = max(now, question.alarm_at)
        question = decide(question, ev.AlarmRang(), now, life.POLICY).question or question
        assert question.alarm_at is None or question.alarm_at > now
    assert question.status in rest


@pytest.mark.parametrize("status", [Status.WAITING, Status.TAKEN])
def test_who_is_late_for_every_step_takes_the_last_one_only(status: Status) -> None:
    question = replace(life.statuses()[status], waits_since=life.NOW if status is Status.TAKEN else None)
    decision = decide(question, ev.AlarmRang(), life.NOW + timedelta(days=30), life.POLICY)
    reminders = [p.effect.message for p in decision.effects if isinstance(p.effect, fx.Remind)]
    assert not {"remind_waiting", "owner_silent", "alert_silent"} & set(reminders)
    assert len([p for p in decision.effects if isinstance(p.effect, fx.TellPatient)]) <= 1
    after = decision.question
    assert after is not None
    assert after.alarm_at is not None
    assert after.alarm_at > life.NOW + timedelta(days=30)


def test_a_step_that_is_due_just_now_is_taken_beside_a_later_one() -> None:
    question = life.statuses()[Status.WAITING]
    waits = replace(life.POLICY.waits, remind_h=1.0, alert_h=1.5, tell_patient_h=50, widen_h=50)
    policy = replace(life.POLICY, waits=waits)
    decision = decide(question, ev.AlarmRang(), life.NOW + timedelta(hours=1.6), policy)
    reminders = {p.effect.message for p in decision.effects if isinstance(p.effect, fx.Remind)}
    assert reminders == {"remind_waiting", "alert_waiting"}


def test_the_table_of_a_questions_life_is_what_the_code_decides() -> None:
    document = Path(__file__).parents[2] / "docs" / "life.md"
    assert document.read_text(encoding="utf-8") == life.page(), "run: python -m bridge.life > docs/life.md"
