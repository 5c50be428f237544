"""Who reads of a colleague's question doesn't read of a patient there; of a patient's question they do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Did
from bridge.domain.commands import Command
from bridge.domain.content import Line
from bridge.domain.opinions import Link, NoteOpinion, OpenLinked
from bridge.domain.organisation import Practitioner
from bridge.domain.question import decide
from bridge.domain.state import Decision, Policy, Question, Status
from bridge.locale import LANGUAGES, catalogue, text
from tests.domain.experts import (
    EXPERT,
    LINKED,
    POLICY,
    answering,
    asked_of_expert,
    came,
    gathered,
    on,
    only,
    ordered,
    sending,
    shown_one,
    state,
    taken,
)

ASKER = Practitioner("@asker:h.example", "Dr Asker", "en")
HOUSE = replace(POLICY.organisation, practitioners=(*POLICY.organisation.practitioners, ASKER))
KNOWN = replace(POLICY, organisation=HOUSE)
PATIENT = re.compile(r"patient", re.IGNORECASE)
OWNER = life.OWNER


def _by_colleague(question: Question) -> Question:
    return replace(question, requester=ASKER.user_id, address=ASKER.user_id, name=ASKER.name)


def _read(decision: Decision, language: str) -> Iterator[tuple[str, str]]:
    """Each line of the bot that a practitioner reads, by its key."""
    for plan in decision.effects:
        effect = plan.effect
        if isinstance(effect, fx.Say | fx.Remind | fx.HandBack | fx.CloseFormer):
            yield effect.message, text(language, f"bot.{effect.message}", **effect.values)
        elif isinstance(effect, fx.SayAll | fx.TellAll):
            for phrase in effect.phrases:
                yield phrase.text, text(language, phrase.text, **phrase.values)
        elif isinstance(effect, fx.Offer):
            yield "offer", text(language, "bot.offer", **effect.values)


def _rung(question: Question, policy: Policy, times: int = 12) -> Iterator[Decision]:
    for _ in range(times):
        if question.alarm_at is None:
            return
        decision = decide(question, ev.AlarmRang(), question.alarm_at, policy)
        yield decision
        question = state(decision)


def _life(question: Question, policy: Policy) -> Iterator[Decision]:
    """All that can happen to it in this status, and what the net does if nothing happens."""
    for event in life.happenings().values():
        yield decide(question, event, life.NOW, policy)
    yield decide(question, ev.AnswerFailed(1, ("$w",), "550"), life.NOW, policy)
    yield decide(question, ev.NoticeFailed("key", "550"), life.NOW, policy)
    yield from _rung(question, policy)


def _opinions(policy: Policy, question: Question) -> Iterator[Decision]:
    """An opinion from the choice to the note, with what else may become of it."""
    steps: list[ev.Event] = [
        ordered("", "$usage"),
        ordered("cardio: why?"),
        ev.ChoiceGathered(1, gathered().chosen, ("file", "photo", "not_found"), LINKED),
        replace(sending(), right=False),
        sending(),
        ordered("derm: another?", "$pending"),
        answering("Oui, mais pas la photo.", ""),
    ]
    for event in steps:
        decision = on(question, event, policy=policy)
        yield decision
        question = state(decision)
    yield from _rung(question, policy, 2)
    yield on(question, answering("Non.", ""), policy=policy)
    yield on(question, answering("Je retire mon accord.", ""), policy=policy)
    offered = state(on(question, life.command("handover", OWNER), policy=policy))
    yield on(offered, life.command("accept", life.COLLEAGUE), policy=policy)
    yield on(question, answering("Oui.", ""), policy=replace(policy, away=frozenset({EXPERT.user_id})))
    opened = on(question, answering("Oui.", ""), policy=policy)
    yield opened
    for event in (
        came(),
        ordered("", "$list"),
        ordered("ABC234:", "$empty"),
        ordered("ABC234: more", "$more"),
        ordered("cancel ABC234", "$cancel"),
        answering("Je retire mon accord.", ""),
        answering("Je retire mon accord ?", ""),
        ev.OpinionTold("t1", LINKED.question_id, "closed", {"who": "Dr Expert"}),
        ev.OpinionTold("t2", LINKED.question_id, "given_back", {"who": "Dr Expert", "why": "leave"}),
    ):
        yield on(state(opened), event, policy=policy)


def _videos(policy: Policy, question: Question) -> Iterator[Decision]:
    asked = ev.Ordered(
        ev.MemberWrote(OWNER, "$v", Line("$v", "!video"), internal=True), Command("video", "tomorrow 10:00")
    )
    checking = on(question, asked, policy=policy)
    for check in only(checking, fx.CheckAgenda):
        arranged = on(state(checking), ev.AgendaChecked(check), policy=policy)
        yield arranged
        yield on(state(arranged), replace(asked, command=Command("video", "")), policy=policy)
        for answer in ("accepted", "declined", "tentative"):
            yield on(state(arranged), ev.InvitationAnswered(answer, 1, 0, answer), policy=policy)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", list(Status))
def test_no_line_about_a_colleagues_question_calls_them_a_patient(status: Status, language: str) -> None:
    question = _by_colleague(life.statuses()[status])
    lines = [line for decision in _life(question, KNOWN) for line in _read(decision, language)]
    assert len(lines) > 5
    assert [line for line in lines if PATIENT.search(line[1])] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("walk", [_opinions, _videos])
def test_nor_does_one_about_an_opinion_or_a_consultation(walk: object, language: str) -> None:
    assert callable(walk)
    decisions = list(walk(KNOWN, _by_colleague(taken())))
    lines = [line for decision in decisions for line in _read(decision, language)]
    assert len(lines) > 4
    assert [line for line in lines if PATIENT.search(line[1])] == []
    assert any(text(language, "requester.colleague_one") in words.lower() for _, words in lines)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", list(Status))
def test_in_a_question_for_an_opinion_only_the_patient_of_the_origin_is_one(
    status: Status, language: str
) -> None:
    link = Link("q1", OWNER.user_id)
    question = replace(life.statuses()[status], link=link, name=OWNER.name, address=OWNER.user_id)
    for decision in _life(question, KNOWN):
        for key, words in _read(decision, language):
            assert not PATIENT.search(words) or "opinion_" in key, (key, words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patient_stays_one_by_mail_and_on_matrix(language: str) -> None:
    for question in (taken(), replace(taken(), requester="@marie:h.example")):
        (line,) = _read(on(question, sending_nothing(), policy=KNOWN), language)
        assert PATIENT.search(line[1])


def sending_nothing() -> ev.Event:
    return ev.NoticeFailed("key", "550")


def test_an_expert_and_the_note_of_their_opinion_are_told_which_it_is() -> None:
    consent = on(shown_one(), sending(), answering("Oui.", "q1:consent:1"))
    (opened,) = only(consent, OpenLinked)
    assert not opened.by_colleague
    asked = on(_by_colleague(taken()), ordered("cardio: why?"), gathered(), sending(), policy=KNOWN)
    agreed = on(state(asked), answering("Oui.", ""), policy=KNOWN)
    (opened,) = only(agreed, OpenLinked)
    (note,) = only(on(state(agreed), came(), policy=KNOWN), NoteOpinion)
    assert opened.by_colleague
    assert note.by_colleague
    assert Did.OPINION_ASKED in [act.did for act in agreed.acts]
    assert asked_of_expert().link is not None


def test_a_name_that_has_the_word_in_it_is_left_alone() -> None:
    said = text("en", "bot.taken", owner="Dr Patient", who="the patient", requester_is="colleague")
    assert "Dr Patient" in said
    assert "requesting colleague" in text("en", "bot.mail_bounced", requester_is="colleague")
    assert {key for key in catalogue("fr") if key.startswith("requester.")}
