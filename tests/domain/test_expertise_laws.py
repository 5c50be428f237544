"""What holds of opinions whatever happens: no mail carries one, and no expert gets what was not chosen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Did
from bridge.domain.commands import Command
from bridge.domain.content import Line
from bridge.domain.opinions import (
    Chosen,
    NoteOpinion,
    OpenLinked,
)
from bridge.domain.question import decide
from bridge.domain.state import Status
from tests.domain.experts import (
    EXPERT,
    LINKED,
    MARK,
    POLICY,
    answering,
    came,
    only,
    opened_one,
    ordered,
    sending,
    state,
    taken,
    taken_by_expert,
)

# --- laws ---

KINDS = st.sampled_from(
    [
        *("opinion", "more", "told", "write", "note", "mail", "yes", "no", "order", "gathered", "send"),
        *("edit", "sealed", "alarm", "hand", "release", "close", "reopen"),
    ]
)


def _event(kind: str, number: int) -> ev.Event:
    event_id = f"$e{number}"
    line = Line(event_id, f"words {number}")
    match kind:
        case "opinion":
            return came(key=f"a{number}")
        case "told":
            messages = ("closed", "released", "still_waiting", "given_back", "handed_over", "unattended")
            return ev.OpinionTold(f"t{number}", LINKED.question_id, messages[number % 6], {"why": MARK})
        case "more":
            return ordered(f"ABC234: {MARK}", event_id)
        case "order":
            return ordered(f"cardio: {MARK}", event_id)
        case "gathered":
            return ev.ChoiceGathered(number % 4, (Chosen(True, MARK),), (), LINKED)
        case "send":
            return replace(sending(number % 4), event_id=event_id)
        case "write":
            return ev.MemberWrote(life.OWNER, event_id, line)
        case "edit":
            return ev.MemberWrote(life.OWNER, event_id, line, relates_to=f"$e{number - 1}", replaces=True)
        case "mail":
            return answering("It itches.", answers="")
        case "yes" | "no":
            return ev.PatientWrote(f"m{number}", kind, (), f"<{number}@x>")
        case "sealed":
            return ev.SealCompleted(generation=1 + number % 3)
        case "alarm":
            return ev.AlarmRang()
        case "hand":
            return ev.HandRaised(life.COLLEAGUE if number % 2 else life.OWNER, event_id)
        case _:
            message = ev.MemberWrote(life.OWNER, event_id, Line(event_id, f"!{kind}"), internal=True)
            return ev.Ordered(message, Command(kind, MARK))


@hypothesis_given(st.lists(st.builds(_event, KINDS, st.integers(1, 9_999)), max_size=40))
@settings(deadline=None)
def test_nothing_of_an_opinion_and_nothing_for_the_expert_is_ever_mailed(events: list[ev.Event]) -> None:
    question, now = opened_one(), life.NOW
    for event in events:
        now += timedelta(minutes=11)
        decision = decide(question, event, now, POLICY)
        question = state(decision)
        for plan in decision.effects:
            if isinstance(plan.effect, fx.Answer | fx.TellPatient | fx.Acknowledge):
                assert MARK not in repr(plan.effect)
            if isinstance(plan.effect, NoteOpinion):
                assert question.status not in (Status.WAITING, Status.WITHDRAWN)


@hypothesis_given(st.lists(st.builds(_event, KINDS, st.integers(1, 9_999)), max_size=40))
@settings(deadline=None)
def test_an_expert_only_ever_gets_what_was_chosen_after_consent(events: list[ev.Event]) -> None:
    question, now, agreed = taken(), life.NOW, 0
    for event in events:
        now += timedelta(minutes=11)
        decision = decide(question, event, now, POLICY)
        question = state(decision)
        agreed += len([act for act in decision.acts if act.did == Did.CONSENT_GIVEN])
        opened = only(decision, OpenLinked)
        for one in opened:
            assert one.chosen == (Chosen(True, MARK),)
            assert one.asks == MARK
        agreed -= len(opened)
        assert agreed >= 0


@hypothesis_given(st.lists(st.sampled_from(["write", "close", "reopen", "release", "alarm", "mail", "hand"])))
@settings(deadline=None)
def test_a_linked_question_never_mails(kinds: list[str]) -> None:
    question, now = taken_by_expert(), life.NOW
    for number, kind in enumerate(kinds):
        event = _event(kind, number + 1)
        if isinstance(event, ev.MemberWrote):
            event = replace(event, author=EXPERT)
        elif isinstance(event, ev.Ordered):
            event = replace(event, message=replace(event.message, author=EXPERT))
        elif isinstance(event, ev.HandRaised):
            event = replace(event, author=EXPERT, generation=0)
        now += timedelta(hours=5)
        decision = decide(question, event, now, POLICY)
        question = state(decision)
        assert all(str(plan.lane) != "mail" for plan in decision.effects)
