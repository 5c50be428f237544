"""A consent that the patient takes back: what is open closes, and only what is meant does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import PATIENT, Did
from bridge.domain.drafting import Fresh, TellRequester
from bridge.domain.opinions import AskMore, NoteOpinion, OpenLinked, Opinion, Recall, Stage
from bridge.domain.state import Decision, Question, Status
from tests.domain.experts import (
    LINKED,
    answering,
    asked_one,
    came,
    on,
    only,
    opened_one,
    ordered,
    shown_one,
    state,
)

BACK = "Je retire mon accord."


def _said(decision: Decision) -> list[str]:
    return [say.message for say in only(decision, fx.Say)]


def _told(decision: Decision) -> list[str]:
    return [tell.message for tell in only(decision, fx.TellPatient)]


def _two() -> Question:
    """One opinion that is open, and another for which consent is asked."""
    second = Opinion(2, Stage.ASKED, "cardio", "Other", "", linked=Fresh("l2", "g2", "DEF567"))
    question = opened_one()
    return replace(
        question,
        opinions=(*question.opinions, replace(second, asked_at=life.NOW)),
        thread=(*question.thread, "q1:consent:2"),
    )


def _stages(question: Question) -> list[Stage]:
    return [one.stage for one in sorted(question.opinions, key=lambda one: one.number)]


@pytest.mark.parametrize("answers", ["", "q1:consent:1", "q1:acknowledge"])
def test_a_consent_that_is_taken_back_closes_what_went_to_the_expert(answers: str) -> None:
    decision = on(opened_one(), answering(BACK, answers))
    (recall,) = only(decision, Recall)
    assert recall.linked == LINKED.question_id
    assert "opinion_consent_withdrawn" in _said(decision)
    assert _told(decision) == ["consent_withdrawn"]
    (act,) = (act for act in decision.acts if act.did == Did.CONSENT_WITHDRAWN)
    assert (act.actor, act.details["linked"], act.details["how"]) == (PATIENT, LINKED.reference, "written")
    assert not only(on(state(decision), ordered("ABC234: more")), AskMore)


def test_what_the_patient_says_beside_it_is_in_the_room_and_waits_for_the_owner() -> None:
    decision = on(opened_one(), answering(f"{BACK} Et j'ai de la fièvre."))
    assert [post.text for post in only(decision, fx.PostText)] == [f"{BACK} Et j'ai de la fièvre."]
    assert state(decision).waits_since == life.NOW


def test_the_same_mail_again_takes_nothing_back_twice() -> None:
    once = state(on(opened_one(), answering(BACK)))
    again = on(once, answering(BACK))
    assert (only(again, Recall), _told(again)) == ([], [])


@pytest.mark.parametrize("text", [BACK, "Non", f"Non, {BACK}"])
def test_before_it_is_given_it_is_a_refusal_and_said_once(text: str) -> None:
    decision = on(asked_one(), answering(text))
    assert [act.did for act in decision.acts if act.did.startswith("consent")] == [Did.CONSENT_REFUSED]
    assert _said(decision) == ["opinion_refused"]
    assert not only(decision, Recall)
    assert _stages(state(decision)) == [Stage.ENDED]


def test_words_reach_the_opinion_whose_mail_they_answer_and_otherwise_all() -> None:
    assert _stages(state(on(_two(), answering(BACK, "q1:consent:1")))) == [Stage.ENDED, Stage.ASKED]
    assert _stages(state(on(_two(), answering(BACK, "q1:consent:2")))) == [Stage.OPEN, Stage.ENDED]
    assert _stages(state(on(_two(), answering(f"Non, {BACK}", "q1:consent:2")))) == [Stage.OPEN, Stage.ENDED]
    everything = on(_two(), answering(f"Non, {BACK}", ""))
    assert _stages(state(everything)) == [Stage.ENDED, Stage.ENDED]
    assert _told(everything) == ["consent_withdrawn"]


@pytest.mark.parametrize("answers", ["", "q1:consent:1"])
def test_a_plain_no_after_the_yes_takes_it_back_when_nothing_was_said_since(answers: str) -> None:
    assert only(on(opened_one(), answering("Non", answers)), Recall)
    since = replace(opened_one(), thread=(*opened_one().thread, "q1:answer:1"))
    later = on(since, answering("Non", answers))
    assert not only(later, Recall)
    assert ("opinion_withdrawal_unclear" in _said(later)) is bool(answers)


@pytest.mark.parametrize("text", ["Je ne suis plus d'accord avec la crème", "Je retire mon accord ?"])
def test_what_may_be_meant_so_is_for_the_owner_to_read_and_changes_nothing(text: str) -> None:
    decision = on(opened_one(), answering(text))
    assert _said(decision) == ["opinion_withdrawal_unclear"]
    assert (only(decision, Recall), _told(decision)) == ([], [])
    assert _stages(state(decision)) == [Stage.OPEN]


def test_other_words_say_nothing_of_consent() -> None:
    decision = on(opened_one(), answering("Ça gratte encore.", "q1:consent:1"))
    assert _said(decision) == []
    assert _stages(state(decision)) == [Stage.OPEN]


def test_what_was_only_prepared_is_not_the_patients_to_take_back() -> None:
    assert _stages(state(on(shown_one(), answering(BACK)))) == [Stage.SHOWN]


def test_a_consent_that_was_told_can_be_taken_back_in_writing() -> None:
    spoken = state(on(shown_one(), ordered("consent by phone")))
    assert only(on(spoken, answering(BACK, "")), Recall)


def test_nobody_asks_the_expert_after_it_was_taken_back_but_what_they_said_is_still_noted() -> None:
    back = state(on(opened_one(), answering(BACK)))
    assert not only(on(back, answering("Oui.")), OpenLinked)
    assert only(on(back, came()), NoteOpinion)


def test_it_is_taken_back_while_the_question_waits_and_when_it_is_closed() -> None:
    for name in ("release", "close"):
        question = state(on(opened_one(), life.command(name, life.OWNER)))
        assert question.status in (Status.WAITING, Status.CLOSED)
        assert only(on(question, answering(BACK, "")), Recall), name


def test_a_requester_on_matrix_is_told_in_their_room() -> None:
    theirs = replace(opened_one(), requester="@marie:h.example")
    decision = on(theirs, ev.PatientWrote("$back", BACK, (), ""))
    assert [effect.message for effect in only(decision, TellRequester)] == ["consent_withdrawn"]
    assert _told(decision) == []
