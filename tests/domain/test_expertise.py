"""Another expert's opinion: nothing leaves unseen or without consent, and it comes back as a note."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge import life
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Did
from bridge.domain.commands import Command
from bridge.domain.content import Line
from bridge.domain.drafting import Fresh
from bridge.domain.opinions import (
    AskMore,
    BringBack,
    GatherChosen,
    NoteOpinion,
    OpenLinked,
    Recall,
    Stage,
)
from bridge.domain.question import decide
from bridge.domain.state import Status
from tests.domain.experts import (
    EXPERT,
    LINKED,
    MARK,
    POLICY,
    answering,
    asked_of_expert,
    asked_one,
    came,
    gathered,
    on,
    only,
    opened_one,
    ordered,
    sending,
    shown_one,
    state,
    taken,
    taken_by_expert,
)

# --- choosing ---


def test_without_a_choice_the_owner_is_told_how_to_choose() -> None:
    decision = on(taken(), ordered("cardio: why?", reply_to=""))
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == "bot.opinion_choose"
    assert not only(decision, GatherChosen)


def test_what_is_marked_and_what_is_answered_is_chosen_each_once() -> None:
    marks = [ev.Reacted(life.OWNER, f"$m{n}", f"$t{n}", "📎") for n in (1, 2, 3)]
    off = ev.MemberRedacted(life.OWNER, "$m2")
    (gather,) = only(on(taken(), *marks, off, ordered("cardio", reply_to="$t1")), GatherChosen)
    assert gather.targets == ("$t3", "$t1")


def test_a_colleagues_mark_chooses_nothing() -> None:
    mark = ev.Reacted(life.COLLEAGUE, "$m", "$t", "📎")
    assert state(on(taken(), mark)).chosen == ()


@pytest.mark.parametrize(
    ("words", "group", "expert", "asks"),
    [
        ("cardio", "cardio", "", ""),
        ("Cardiology : is it urgent?", "cardio", "", "is it urgent?"),
        ("cardiology\nIs it urgent?\nOr not?", "cardio", "", "Is it urgent?\nOr not?"),
        ("@expert:h.example: is it?", "cardio", "@expert:h.example", "is it?"),
        ("Dr Expert : is it?", "cardio", "@expert:h.example", "is it?"),
        ("@expert is it?", "cardio", "@expert:h.example", "is it?"),
    ],
)
def test_an_expert_or_a_group_is_meant(words: str, group: str, expert: str, asks: str) -> None:
    (opinion,) = state(on(taken(), ordered(words))).opinions
    assert (opinion.group, opinion.expert, opinion.asks) == (group, expert, asks)


@pytest.mark.parametrize("words", ["nobody: why?", "@owner:h.example: why?"])
def test_nobody_is_meant_by_other_words(words: str) -> None:
    assert not only(on(taken(), ordered(words)), GatherChosen)


def test_the_owner_sees_all_that_would_leave_and_nothing_has_left() -> None:
    decision = on(taken(), ordered("cardio: what of Marie?"), gathered())
    (say,) = only(decision, fx.SayAll)
    assert "Dupont" not in repr(say)
    assert "Marie" not in repr(say)
    assert "it itches" in repr(say)
    assert "photo-1.jpg" in repr(say)
    assert not only(decision, fx.TellPatient)
    assert not only(decision, OpenLinked)


def test_each_preview_is_shown_and_the_last_one_counts() -> None:
    first = on(taken(), ordered("cardio: one?", "$o1"), gathered())
    again = replace(gathered(), number=2)
    second = on(state(first), ordered("cardio: two?", "$o2"), again)
    (one,), (two,) = only(first, fx.SayAll), only(second, fx.SayAll)
    assert one.key != two.key
    (mail,) = only(
        on(
            state(second),
            sending(2),
        ),
        fx.TellPatient,
    )
    assert mail.key.endswith(":consent:2")
    opened = on(state(second), sending(2), answering("Oui.", answers="q1:consent:2"))
    assert [effect.asks for effect in only(opened, OpenLinked)] == ["two?"]


def test_a_choice_that_cannot_be_read_is_told_and_begun_anew() -> None:
    lost = ev.ChoiceGathered(1, (), ("failed",), Fresh("", "", ""))
    decision = on(taken(), ordered("cardio"), lost)
    (say,) = only(decision, fx.SayAll)
    assert [phrase.text for phrase in say.phrases][-2:] == [
        "bot.opinion_problem_failed",
        "bot.opinion_nothing",
    ]
    assert only(on(state(decision), ordered("cardio", "$again")), GatherChosen)


# --- consent ---


def test_the_patient_is_asked_in_neutral_words_and_nothing_leaves_before() -> None:
    decision = on(shown_one(), sending())
    (mail,) = only(decision, fx.TellPatient)
    assert (mail.message, mail.values) == ("consent", {"to": "Cardiology"})
    assert [act.did for act in decision.acts] == [Did.CONSENT_ASKED]
    assert not only(decision, OpenLinked)


def test_a_plain_yes_opens_a_question_with_what_was_chosen_and_nothing_of_the_patient() -> None:
    decision = on(asked_one(), answering("Oui, je suis d'accord."))
    (opened,) = only(decision, OpenLinked)
    assert (opened.who, opened.group, opened.expert) == (life.OWNER.user_id, "cardio", "")
    for secret in ("Marie", "Dupont", "patients.example", "colloque_p_abc", "K7X3M2", "A mole"):
        assert secret not in repr(replace(opened, question_id="", key=""))
    given, asked = (act for act in decision.acts if act.did in (Did.CONSENT_GIVEN, Did.OPINION_ASKED))
    assert given.actor == "patient"
    assert given.details["how"] == "written"
    assert asked.details["files"] == "f" * 64
    (opinion,) = state(decision).opinions
    assert (opinion.stage, opinion.chosen) == (Stage.OPEN, ())


@pytest.mark.parametrize("text", ["Non.", "No, thank you", "Bonjour, non merci"])
def test_a_no_ends_it(text: str) -> None:
    decision = on(asked_one(), answering(text))
    assert [act.did for act in decision.acts if act.did.startswith("consent")] == [Did.CONSENT_REFUSED]
    assert not only(on(state(decision), answering("Oui")), OpenLinked)


@pytest.mark.parametrize("text", ["Oui, mais pas la photo.", "Oui ?", "Yes but only the text", "It itches."])
def test_anything_else_is_for_the_owner_and_consent_stays_open(text: str) -> None:
    decision = on(asked_one(), answering(text))
    assert not only(decision, OpenLinked)
    assert only(decision, fx.PostText)
    assert only(on(state(decision), answering("Oui")), OpenLinked)


def test_a_yes_to_another_mail_is_no_consent() -> None:
    assert not only(on(asked_one(), answering("Oui.", answers="q1:answer:1")), OpenLinked)


def test_a_yes_after_the_owner_asked_something_else_is_no_consent_where_the_mail_is_not_known() -> None:
    talked = on(asked_one(), ev.MemberWrote(life.OWNER, "$q", Line("$q", "Does it itch?")))
    assert not only(on(state(talked), answering("Oui.", answers="")), OpenLinked)
    assert only(on(asked_one(), answering("Oui.", answers="")), OpenLinked)


def test_consent_by_voice_is_on_record_as_the_owners_word() -> None:
    decision = on(shown_one(), ordered("consent by phone, 10 am"))
    given = next(act for act in decision.acts if act.did == Did.CONSENT_GIVEN)
    assert (given.actor, given.why, given.details["how"]) == (
        life.OWNER.user_id,
        "by phone, 10 am",
        "spoken",
    )
    assert only(decision, OpenLinked)
    assert not only(decision, fx.TellPatient)


def test_consent_that_does_not_come_in_time_ends_it_and_the_owner_is_told() -> None:
    asked = replace(asked_one(), waits_since=None)
    late = life.NOW + timedelta(hours=POLICY.waits.consent_h)
    decision = decide(asked, ev.AlarmRang(), late, POLICY)
    assert Did.CONSENT_EXPIRED in {act.did for act in decision.acts}
    assert {r.message for r in only(decision, fx.Remind)} >= {"opinion_lapsed"}
    assert not only(on(state(decision), answering("Oui.")), OpenLinked)


def test_what_the_owner_drops_does_not_leave() -> None:
    assert not only(on(asked_one(), ordered("cancel"), answering("Oui.")), OpenLinked)


def test_a_question_that_leaves_its_owner_takes_no_unanswered_consent_along() -> None:
    released = ev.Ordered(
        ev.MemberWrote(life.OWNER, "$r", Line("$r", "!release"), internal=True), Command("release", "")
    )
    assert not only(on(asked_one(), released, answering("Oui.")), OpenLinked)


def test_an_expert_who_is_away_by_then_gets_nothing() -> None:
    asked = state(on(shown_one("@expert why?"), sending()))
    away = replace(POLICY, away=frozenset({EXPERT.user_id}))
    decision = on(asked, answering("Oui."), policy=away)
    assert not only(decision, OpenLinked)
    assert Did.CONSENT_GIVEN in {act.did for act in decision.acts}


# --- the linked question ---


def test_the_linked_question_waits_is_taken_and_sealed_like_any_and_mails_nobody() -> None:
    first = decide(None, asked_of_expert(), life.NOW, POLICY)
    assert {"CreateQuestionRoom", "PostCard", "PostText", "PostFile"} <= {
        type(plan.effect).__name__ for plan in first.effects
    }
    assert all(str(plan.lane) != "mail" for plan in first.effects)
    taken = on(state(first), ev.HandRaised(EXPERT, "$hand"))
    assert {"Lock", "RemoveOthers"} <= {type(plan.effect).__name__ for plan in taken.effects}


def test_whoever_asks_cannot_take_it() -> None:
    first = decide(None, asked_of_expert(), life.NOW, POLICY)
    assert state(on(state(first), ev.HandRaised(life.OWNER, "$hand"))).status is Status.WAITING


def test_the_experts_answer_is_brought_back_and_never_mailed() -> None:
    decision = on(taken_by_expert(), ev.MemberWrote(EXPERT, "$a", Line("$a", MARK)))
    (brought,) = only(decision, BringBack)
    assert brought.origin == "q1"
    assert brought.said is not None
    assert brought.said.lines[0].text == MARK
    assert not only(decision, fx.Answer)


def test_it_is_never_widened_to_another_group() -> None:
    question = state(decide(None, asked_of_expert(), life.NOW, POLICY))
    for _ in range(10):
        assert question.alarm_at is not None
        decision = decide(question, ev.AlarmRang(), question.alarm_at, POLICY)
        question = state(decision)
        assert not only(decision, fx.Widen)
        assert question.also == ""


def test_one_expert_who_is_asked_alone_has_it_from_the_beginning_and_it_goes_to_nobody_else() -> None:
    first = decide(None, asked_of_expert(named=True), life.NOW, POLICY)
    question = state(first)
    assert (question.status, question.owner, question.sealed) == (Status.TAKEN, EXPERT.user_id, True)
    assert not only(first, fx.PostCard)
    (room,) = only(first, fx.CreateQuestionRoom)
    assert room.owner == EXPERT.user_id
    for event in (ev.OwnerGone(EXPERT.user_id, "left"), ev.MemberLeft(EXPERT, "$l")):
        gone = decide(question, event, life.NOW, replace(POLICY, organisation=life.POLICY.organisation))
        assert state(gone).status is Status.CLOSED
        assert not only(gone, fx.PostCard)
        assert [b.message for b in only(gone, BringBack)] == ["given_back"]


@pytest.mark.parametrize(("named", "reason"), [(True, "opinion_named"), (False, "opinion_of_group")])
def test_it_is_not_handed_to_whom_the_patient_did_not_agree_to(named: bool, reason: str) -> None:
    question = (
        state(decide(None, asked_of_expert(named=named), life.NOW, POLICY)) if named else taken_by_expert()
    )
    message = ev.MemberWrote(EXPERT, "$h", Line("$h", "!handover"), internal=True)
    decision = on(question, ev.Ordered(message, Command("handover", life.COLLEAGUE.user_id)))
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == f"bot.{reason}"
    assert not only(decision, fx.Offer)


# --- what comes back ---


def test_an_opinion_is_noted_and_on_record() -> None:
    decision = on(opened_one(), came())
    (note,) = only(decision, NoteOpinion)
    assert note.said.lines[0].text == MARK
    assert [act.did for act in decision.acts] == [Did.OPINION_GIVEN]
    assert not only(decision, fx.Answer)


def test_an_opinion_that_comes_while_nobody_owns_the_question_waits_for_the_next_owner() -> None:
    released = ev.Ordered(
        ev.MemberWrote(life.OWNER, "$r", Line("$r", "!release"), internal=True), Command("release", "")
    )
    waiting = on(opened_one(), released, came())
    assert not only(waiting, NoteOpinion)
    taken = on(state(waiting), ev.HandRaised(life.COLLEAGUE, "$hand", 2))
    assert not only(taken, NoteOpinion)
    sealed = on(state(taken), ev.SealCompleted(generation=2))
    (note,) = only(sealed, NoteOpinion)
    assert note.said.lines[0].text == MARK
    assert not only(on(state(sealed), ev.SealCompleted(generation=2)), NoteOpinion)


def test_what_the_owner_says_further_goes_to_the_expert_without_the_patients_name() -> None:
    (more,) = only(on(opened_one(), ordered("ABC234: and for Marie Dupont?")), AskMore)
    assert (more.linked, more.text) == (LINKED.question_id, "and for […]?")


def test_what_has_gone_to_an_expert_can_be_taken_back() -> None:
    decision = on(opened_one(), ordered("cancel ABC234 consent withdrawn"))
    (recall,) = only(decision, Recall)
    assert recall.linked == LINKED.question_id
    (act,) = (act for act in decision.acts if act.did == Did.OPINION_DROPPED)
    assert act.why == "consent withdrawn"
    later = on(state(decision), ordered("ABC234: more"))
    assert not only(later, AskMore)
    assert only(later, fx.SayAll)[0].phrases[0].text == "bot.opinion_none_open"
    assert not only(on(opened_one(), ordered("cancel ZZZZZZ")), Recall)


@pytest.mark.parametrize("is_taken", [False, True])
def test_nobody_reads_on_in_a_question_that_was_taken_back(is_taken: bool) -> None:
    waits = state(decide(None, asked_of_expert(), life.NOW, POLICY))
    question = taken_by_expert() if is_taken else waits
    decision = on(question, ev.OpinionRecalled("c", "Dr Owner"))
    assert {"CloseJoin", "CloseFormer"} <= {type(plan.effect).__name__ for plan in decision.effects}
    assert state(decision).link is not None
    assert only(decision, BringBack) == []
    again = on(state(decision), ev.OpinionRecalled("c", "Dr Owner"))
    assert again.effects == ()


def test_a_member_who_sets_it_aside_is_heard_by_who_asked() -> None:
    waits = state(decide(None, asked_of_expert(), life.NOW, POLICY))
    message = ev.MemberWrote(EXPERT, "$w", Line("$w", "!withdraw"), internal=True)
    decision = on(waits, ev.Ordered(message, Command("withdraw", "not for us")))
    (brought,) = only(decision, BringBack)
    assert (brought.message, brought.values["why"]) == ("withdrawn", "not for us")


def test_an_opinion_of_an_unknown_question_says_nothing() -> None:
    told = replace(came(), linked="elsewhere")
    assert on(opened_one(), told).effects == ()


def test_help_tells_an_expert_who_reads_their_words_and_offers_nothing_that_they_cannot_do() -> None:
    order = ev.Ordered(ev.MemberWrote(EXPERT, "$h", Line("$h", "!help"), internal=True), Command("help"))
    (told,) = only(on(taken_by_expert(), order), fx.SayAll)
    first, *lines = told.phrases
    assert (first.text, first.values["asker"]) == ("bot.opinion_help_owner", life.OWNER.name)
    shown = {line.text.removeprefix("help.") for line in lines}
    assert {"close", "release", "help"} < shown
    assert shown.isdisjoint({"opinion", "video", "original"})


@pytest.mark.parametrize("closed_first", [False, True])
def test_the_expert_does_not_come_back_into_what_was_taken_back(closed_first: bool) -> None:
    question = taken_by_expert()
    if closed_first:
        question = state(on(question, ev.Instructed(EXPERT, "$close", Command("close", ""))))
    decision = on(question, ev.OpinionRecalled("c", "Dr Owner"))
    assert "CloseFormer" in {type(plan.effect).__name__ for plan in decision.effects}
    for way in ("reopen", "undo"):
        again = on(state(decision), ev.Instructed(EXPERT, f"${way}", Command(way, "")))
        assert state(again).status is Status.CLOSED
        assert not only(again, fx.InviteMembers)


def test_what_was_asked_said_further_and_taken_back_arrives_in_this_order() -> None:
    open_one = on(asked_one(), answering("Oui."))
    more = on(state(open_one), ordered("ABC234: and her heart?"))
    back = on(state(more), ordered("cancel ABC234"))
    kinds = (OpenLinked, AskMore, Recall)
    lanes = {
        (plan.conversation, plan.lane)
        for decision in (open_one, more, back)
        for plan in decision.effects
        if isinstance(plan.effect, kinds)
    }
    assert len(lanes) == 1


def test_an_expert_to_whom_the_question_was_handed_over_is_not_asked_by_themselves() -> None:
    asked = state(on(shown_one("@expert why?"), sending()))
    theirs = replace(asked, owner=EXPERT.user_id, owner_name=EXPERT.name)
    assert not only(on(theirs, answering("Oui.")), OpenLinked)
