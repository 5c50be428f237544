"""Nothing leaves that its owner hasn't seen: all of it, whoever owns it then, marked where it is seen."""

from __future__ import annotations

import json

import pytest

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Did
from bridge.domain.commands import Command
from bridge.domain.content import Line
from bridge.domain.opinions import Chosen, OpenLinked, Recognise, Stage
from bridge.domain.previews import preview_key
from bridge.domain.state import Decision, Question
from bridge.matrix import rooms
from bridge.matrix.outlet import marked
from tests.domain.experts import (
    answering,
    asked_one,
    gathered,
    on,
    only,
    ordered,
    sending,
    shown_one,
    state,
    taken,
)

LONG = " ".join(f"mot-{number}" for number in range(5_000))
UNBROKEN = "&" * 14_000


def pages(question: Question, *chosen: Chosen) -> list[fx.SayAll]:
    return only(on(question, ordered("cardio: why?"), gathered(chosen)), fx.SayAll)


def as_shown(message: fx.SayAll) -> str:
    return marked("fr", message.phrases)[0]


@pytest.mark.parametrize("text", [LONG, LONG.replace(" ", "\n"), UNBROKEN])
def test_a_long_text_is_shown_whole_over_several_messages(text: str) -> None:
    shown = pages(taken(), Chosen(True, text), Chosen(False, "the end"))
    assert len(shown) > 1
    assert len({message.key for message in shown}) == len(shown)
    whole = "".join(
        phrase.values["text"]
        for message in shown
        for phrase in message.phrases
        if phrase.text in ("bot.opinion_item_patient", "bot.opinion_continued")
    )
    assert "".join(whole.split()) == "".join(text.split())
    assert "the end" in as_shown(shown[-1])
    for message in shown:
        content = rooms.words(*marked("fr", message.phrases), notice=True)
        assert len(json.dumps(content).encode()) < 60_000


def test_the_last_message_of_a_preview_is_the_one_to_mark() -> None:
    decision = on(taken(), ordered("cardio"), gathered((Chosen(True, LONG),)))
    shown, (tap,) = only(decision, fx.SayAll), only(decision, fx.React)
    assert tap.sent == shown[-1].key == preview_key(taken(), 1)
    assert "📮" in as_shown(shown[-1])
    assert not any("📮" in as_shown(message) for message in shown[:-1])


def test_more_than_anybody_reads_again_does_not_leave() -> None:
    decision = on(taken(), ordered("cardio"), gathered((Chosen(True, "x" * 200_000),)))
    (say,) = only(decision, fx.SayAll)
    assert [phrase.text for phrase in say.phrases] == ["bot.opinion_too_long"]
    assert not only(on(state(decision), sending()), fx.TellPatient)


# --- the mark ---


def test_a_mark_is_looked_up_before_it_counts() -> None:
    tap = ev.Reacted(life.OWNER, "$send", "$any", "📮")
    decision = on(shown_one(), tap)
    (found,) = only(decision, Recognise)
    assert (found.target, found.preview) == ("$any", preview_key(taken(), 1))
    assert not only(decision, fx.TellPatient)
    assert only(on(shown_one(), sending()), fx.TellPatient)


def test_a_mark_on_any_other_message_asks_the_patient_nothing_and_says_so() -> None:
    decision = on(shown_one(), sending(right=False))
    assert not only(decision, fx.TellPatient)
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == "bot.opinion_other_preview"
    assert only(on(state(decision), sending()), fx.TellPatient)


def test_a_mark_that_was_put_on_an_earlier_preview_is_none_on_the_next() -> None:
    later = ev.ChoiceGathered(2, (Chosen(True, "more"),), (), gathered().linked)
    second = state(on(shown_one(), ordered("cardio: two?", "$o2"), later))
    assert not only(on(second, sending(1)), fx.TellPatient)
    assert only(on(second, sending(2)), fx.TellPatient)


def test_a_former_owners_mark_counts_no_more() -> None:
    question, _ = handed_over(shown_one())
    assert on(question, sending()).effects == ()


# --- another owner ---


def handed_over(question: Question) -> tuple[Question, list[fx.SayAll]]:
    message = ev.MemberWrote(life.OWNER, "$h", Line("$h", "!handover"), internal=True)
    offered = ev.Ordered(message, Command("handover", life.COLLEAGUE.user_id))
    accepted = ev.Instructed(life.COLLEAGUE, "$y", Command("accept", ""))
    decision = on(question, offered, accepted)
    assert state(decision).owner == life.COLLEAGUE.user_id
    return state(decision), only(decision, fx.SayAll)


def test_who_takes_over_while_the_patient_is_asked_sees_what_a_yes_sends() -> None:
    question, said = handed_over(asked_one())
    (shown,) = (one for one in said if one.phrases[0].text == "bot.opinion_asked_before")
    assert shown.phrases[0].values == {"who": life.OWNER.name, "to": "Cardiology"}
    words = as_shown(shown)
    (opened,) = only(on(question, answering("Oui.")), OpenLinked)
    assert opened.who == life.COLLEAGUE.user_id
    assert opened.asks in words
    for one in opened.chosen:
        assert one.text in words
        assert one.file is None or one.file.name in words


def test_and_can_keep_it_from_leaving() -> None:
    question, _ = handed_over(asked_one())
    line = Line("$c", "!opinion cancel")
    cancel = ev.Ordered(
        ev.MemberWrote(life.COLLEAGUE, "$c", line, internal=True, generation=question.generation),
        Command("opinion", "cancel"),
    )
    dropped = on(question, cancel)
    assert Did.OPINION_DROPPED in {act.did for act in dropped.acts}
    assert not only(on(state(dropped), answering("Oui.")), OpenLinked)


def test_nothing_is_shown_anew_of_what_nobody_was_asked() -> None:
    for question in (taken(), shown_one()):
        _, said = handed_over(question)
        assert not [one for one in said if one.phrases[0].text == "bot.opinion_asked_before"]


# --- a preview that ends with who wanted it ---

BEGUN = ["preparing", "shown"]


def begun(stage: str) -> Question:
    return shown_one() if stage == "shown" else state(on(taken(), ordered("cardio: why?")))


def released(question: Question) -> Decision:
    message = ev.MemberWrote(life.OWNER, "$r", Line("$r", "!release"), internal=True)
    return on(question, ev.Ordered(message, Command("release", "")))


def reminded(decision: Decision) -> list[tuple[str, str]]:
    told = (remind for remind in only(decision, fx.Remind) if remind.message.startswith("opinion_left"))
    return [(remind.user_id, remind.message) for remind in told]


def ends_told(decision: Decision) -> list[str]:
    said = (phrase for say in only(decision, fx.SayAll) for phrase in say.phrases)
    return [phrase.text for phrase in said if phrase.text.startswith("bot.opinion_left")]


@pytest.mark.parametrize("stage", BEGUN)
def test_who_hands_over_and_who_takes_over_learn_that_a_preview_has_ended(stage: str) -> None:
    message = ev.MemberWrote(life.OWNER, "$h", Line("$h", "!handover"), internal=True)
    offered = on(begun(stage), ev.Ordered(message, Command("handover", life.COLLEAGUE.user_id)))
    decision = on(state(offered), ev.Instructed(life.COLLEAGUE, "$y", Command("accept", "")))
    assert reminded(decision) == [(life.OWNER.user_id, "opinion_left_yours")]
    assert ends_told(decision) == ["bot.opinion_left_theirs"]
    assert Did.OPINION_DROPPED in [act.did for act in decision.acts]
    question = state(decision)
    assert question.opinions[0].stage is Stage.ENDED
    late = on(question, gathered())
    assert late.effects == ()
    assert state(late).opinions[0].chosen == ()


@pytest.mark.parametrize(("stage", "asked"), [(BEGUN[0], ""), (BEGUN[1], ""), ("asked", "_asked")])
def test_who_gives_back_learns_it_at_once_and_who_takes_it_next_once_alone(stage: str, asked: str) -> None:
    decision = released(asked_one() if stage == "asked" else begun(stage))
    assert reminded(decision) == [(life.OWNER.user_id, f"opinion_left_yours{asked}")]
    assert ends_told(decision) == []
    claimed = on(state(decision), ev.HandRaised(life.COLLEAGUE, "$h2"))
    assert ends_told(claimed) == []
    sealed = on(state(claimed), ev.SealCompleted(generation=2))
    assert ends_told(sealed) == [f"bot.opinion_left_theirs{asked}"]
    assert ends_told(released(state(sealed))) == []
    again = on(state(sealed), ev.SealCompleted(generation=2))
    assert ends_told(again) == []


def test_nobody_is_told_of_an_end_where_nothing_was_begun_or_it_goes_on() -> None:
    assert reminded(released(taken())) == []
    _, said = handed_over(asked_one())
    assert not [one for one in said if one.phrases[0].text.startswith("bot.opinion_left")]


# --- a yes by a mail that may not be the patient's ---


def let_in(question: Question, text: str) -> ev.PatientWrote:
    """A mail that the owner accepted although its sender is in doubt, as it is read then."""
    return ev.PatientWrote(f"mail:{text}", text, (), "<m@x>", answers="q1:consent:1")


def accepted(question: Question, text: str, judgement: str = "once") -> Question:
    doubted = ev.MailDoubted(f"mail:{text}", "someone@elsewhere.example", text, 0)
    judged = ev.MailJudged(life.OWNER, "$ok", f"mail:{text}", judgement)
    return state(on(question, doubted, judged))


@pytest.mark.parametrize("judgement", ["once", "always"])
def test_a_yes_by_a_doubtful_mail_is_no_consent_even_if_its_owner_let_it_in(judgement: str) -> None:
    question = accepted(asked_one(), "Oui.", judgement)
    decision = on(question, let_in(question, "Oui."))
    assert only(decision, fx.PostText)
    assert not only(decision, OpenLinked)
    (act,) = (act for act in decision.acts if act.did == Did.CONSENT_UNCLEAR)
    assert act.details["how"] == "unverified"
    assert "opinion_consent_unverified" in {say.message for say in only(decision, fx.Say)}
    assert {one.stage for one in state(decision).opinions} == {Stage.ASKED}
    assert only(on(state(decision), answering("Oui.")), OpenLinked)


def test_what_comes_later_from_an_address_that_the_owner_vouched_for_is_the_patients() -> None:
    question = accepted(asked_one(), "Oui.", "always")
    after = state(on(question, let_in(question, "Oui.")))
    assert "someone@elsewhere.example" in after.also_from
    assert only(on(after, answering("Oui, d'accord.")), OpenLinked)


def test_a_no_keeps_everything_here_whoever_wrote_it() -> None:
    question = accepted(asked_one(), "Non.")
    decision = on(question, let_in(question, "Non."))
    assert Did.CONSENT_REFUSED in {act.did for act in decision.acts}
    assert not only(on(state(decision), answering("Oui.")), OpenLinked)
