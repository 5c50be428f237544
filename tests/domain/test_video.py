"""Video consultations: who may arrange one, what both sides are told, and what their calendars follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain import handing
from bridge.domain.commands import Place, parse
from bridge.domain.consulting import Conflict, VideoPolicy
from bridge.domain.content import Line
from bridge.domain.question import decide
from bridge.domain.replies import By
from bridge.domain.state import Decision, Policy, Question
from bridge.domain.video import ahead, room_name
from tests.domain.given import AT_ONCE, CLAIRE, NOW, PAUL, after, asked, message

VIDEO = VideoPolicy("https://meet.example.org/{room}", "a secret", 20, 15)
POLICY = replace(AT_ONCE, video=VIDEO)


def order(text: str, event_id: str = "$video", author: ev.Author = CLAIRE) -> ev.Ordered:
    command = parse(text, Place.QUESTION)
    assert command is not None
    return ev.Ordered(ev.MemberWrote(author, event_id, Line(event_id, text), internal=True), command)


def owned() -> Question:
    question = after(asked(), message(CLAIRE, "$1"), policy=POLICY).question
    assert question is not None
    return question


def told(decision: Decision) -> list[str]:
    """The texts that the bot says in the room."""
    said = [p.effect for p in decision.effects]
    whole = [phrase.text for say in said if isinstance(say, fx.SayAll) for phrase in say.phrases]
    return whole + [f"bot.{say.message}" for say in said if isinstance(say, fx.Say)]


def mails(decision: Decision) -> list[fx.TellPatient]:
    return [p.effect for p in decision.effects if isinstance(p.effect, fx.TellPatient)]


def checked(
    question: Question, text: str, *conflicts: Conflict, event_id: str = "$video", now: datetime = NOW
) -> Decision:
    """The command, and what follows when the owner's agenda is known."""
    first = decide(question, order(text, event_id), now, POLICY)
    (check,) = (plan.effect for plan in first.effects)
    assert isinstance(check, fx.CheckAgenda), told(first)
    return decide(first.question, ev.AgendaChecked(check, conflicts), now, POLICY)


def arranged(text: str = "!visio demain 14h30 20min") -> Question:
    question = checked(owned(), text).question
    assert question is not None
    return question


def test_a_consultation_is_posted_mailed_and_reminded_of() -> None:
    decision = checked(owned(), "!visio demain 14h30 45min")
    assert decision.question is not None
    (video,) = decision.question.videos
    assert (video.start, video.minutes, video.sequence) == (
        datetime.fromisoformat("2026-03-03T13:30Z"),
        45,
        0,
    )
    assert told(decision) == ["bot.video_arranged", "bot.video_change"]
    (mail,) = mails(decision)
    assert mail.meeting is not None
    assert (mail.message, mail.address, mail.meeting.link) == (
        "video_arranged",
        "marie@patients.example",
        video.link,
    )
    (wake,) = (plan for plan in decision.effects if isinstance(plan.effect, fx.WakeVideo))
    assert NOW + timedelta(seconds=wake.delay_s) == video.start - timedelta(minutes=15)
    assert [act.did for act in decision.acts] == ["video_arranged"]


def test_the_room_can_not_be_guessed_and_is_another_for_each_consultation() -> None:
    first, second = arranged(), checked(arranged(), "!visio demain 16h", event_id="$other").question
    assert second is not None
    links = {video.link for video in (*first.videos, *second.videos)}
    assert len(links) == 2
    assert all(len(link.rpartition("/")[2]) == 26 for link in links)
    assert room_name("a secret", "x") != room_name("another", "x")


def test_moving_keeps_number_and_link_and_raises_the_sequence() -> None:
    before = arranged().videos[0]
    decision = checked(arranged(), "!video move tomorrow 3pm", event_id="$move")
    assert decision.question is not None
    (video,) = decision.question.videos
    assert (video.number, video.link, video.minutes) == (before.number, before.link, before.minutes)
    assert (video.sequence, video.start.hour) == (1, 14)
    (mail,) = mails(decision)
    assert mail.meeting is not None
    assert (mail.message, mail.meeting.sequence, mail.meeting.cancelled) == ("video_moved", 1, False)


def test_cancelling_tells_both_and_their_calendars() -> None:
    decision = decide(arranged(), order("!visio annuler", "$cancel"), NOW, POLICY)
    assert told(decision) == ["bot.video_cancelled"]
    (mail,) = mails(decision)
    assert mail.meeting is not None
    assert (mail.meeting.sequence, mail.meeting.cancelled) == (1, True)
    assert decision.question is not None
    assert ahead(decision.question, NOW) == ()
    again = decide(decision.question, order("!visio annuler", "$again"), NOW, POLICY)
    assert told(again) == ["bot.video_none"]
    assert mails(again) == []


def test_a_conflict_is_told_before_anybody_is_invited_and_may_be_overruled() -> None:
    conflict = Conflict(datetime.fromisoformat("2026-03-03T13:15Z"), 30, "ABC234")
    refused = checked(owned(), "!visio demain 14h30", conflict)
    assert told(refused) == ["bot.video_conflict", "bot.video_anyway"]
    assert mails(refused) == []
    assert refused.question is not None
    assert refused.question.videos == ()
    overruled = checked(owned(), "!visio demain 14h30 quand même", conflict)
    assert len(mails(overruled)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!visio", ["bot.video_none", "bot.video_usage"]),
        ("!visio hier", ["bot.date_not_understood"]),
        ("!visio demain", ["bot.date_no_time"]),
        ("!visio aujourd'hui 9h", ["bot.date_past"]),
        ("!visio déplacer demain 15h", ["bot.video_none"]),
        ("!visio annuler", ["bot.video_none"]),
    ],
)
def test_what_can_not_be_done_is_said(text: str, said: list[str]) -> None:
    decision = decide(owned(), order(text), NOW, POLICY)
    assert told(decision) == said
    assert mails(decision) == []


def test_without_a_configured_service_the_command_says_so() -> None:
    decision = decide(owned(), order("!visio demain 14h"), NOW, AT_ONCE)
    assert told(decision) == ["bot.video_unconfigured"]


def test_only_the_owner_may() -> None:
    waiting = after(asked(), policy=POLICY).question
    assert told(decide(waiting, order("!visio demain 14h"), NOW, POLICY)) == ["bot.owner_only"]
    assert told(decide(owned(), order("!visio demain 14h", author=PAUL), NOW, POLICY)) == []


def test_of_several_the_owner_says_which() -> None:
    two = checked(arranged(), "!visio demain 16h", event_id="$second").question
    assert two is not None
    asked_which = decide(two, order("!visio annuler", "$which"), NOW, POLICY)
    assert told(asked_which) == ["bot.video_which", "bot.video_listed", "bot.video_listed"]
    cancelled = decide(two, order("!visio annuler 1", "$one"), NOW, POLICY).question
    assert cancelled is not None
    assert [video.number for video in ahead(cancelled, NOW)] == [2]
    moved = checked(two, "!visio déplacer 2 2 mai 10h", event_id="$two").question
    assert moved is not None
    assert moved.videos[-1].number == 2
    assert moved.videos[-1].start.month == 5
    only = checked(arranged(), "!visio déplacer 1 avril 10h", event_id="$april").question
    assert only is not None
    assert only.videos[0].start.month == 4


def test_at_most_five_lie_ahead() -> None:
    question = owned()
    for hour in range(10, 15):
        found = checked(question, f"!visio demain {hour}h", event_id=f"${hour}").question
        assert found is not None
        question = found
    assert told(decide(question, order("!visio demain 18h", "$six"), NOW, POLICY))[0] == "bot.video_too_many"


def test_both_are_reminded_once_of_what_still_stands() -> None:
    question, soon = arranged(), datetime.fromisoformat("2026-03-03T13:15Z")
    decision = decide(question, ev.VideoDue(1, 0), soon, POLICY)
    assert told(decision) == ["bot.video_soon"]
    (mail,) = mails(decision)
    assert mail.message == "video_soon"
    moved = checked(question, "!visio déplacer demain 18h", event_id="$m").question
    assert told(decide(moved, ev.VideoDue(1, 0), soon, POLICY)) == []
    late = decide(question, ev.VideoDue(1, 0), soon + timedelta(hours=3), POLICY)
    assert told(late) == []


@pytest.mark.parametrize("answer", ["accepted", "declined", "tentative"])
def test_the_patients_answer_shows_in_the_room(answer: str) -> None:
    decision = decide(arranged(), ev.InvitationAnswered("mail:1", 1, 0, answer), NOW, POLICY)
    assert told(decision) == [f"bot.video_{answer}"]
    assert decision.question is not None
    assert decision.question.videos[0].answer == answer
    assert [(act.did, act.actor, act.why) for act in decision.acts] == [("video_answered", "patient", answer)]


def test_an_answer_to_an_earlier_date_is_not_taken_for_the_new_one() -> None:
    moved = checked(arranged(), "!visio déplacer demain 18h", event_id="$m").question
    decision = decide(moved, ev.InvitationAnswered("mail:1", 1, 0, "accepted"), NOW, POLICY)
    assert told(decision) == ["bot.video_answered_before"]
    assert decision.question is not None
    assert decision.question.videos[0].answer == ""


def test_someone_who_lost_the_question_meanwhile_arranges_nothing() -> None:
    first = decide(owned(), order("!visio demain 14h30"), NOW, POLICY)
    assert first.question is not None
    (check,) = (plan.effect for plan in first.effects)
    assert isinstance(check, fx.CheckAgenda)
    other = replace(first.question, owner=PAUL.user_id, owner_name=PAUL.name)
    assert decide(other, ev.AgendaChecked(check), NOW, POLICY) == Decision(other)


def _offered(question: Question) -> Question:
    offered = replace(question, offered_to=PAUL.user_id, offered_name=PAUL.name, offered_at=NOW)
    taken = handing.accept(offered, By(PAUL, "$chat", chat=True), "", NOW, POLICY)
    assert taken.question is not None
    assert taken.question.owner == PAUL.user_id
    assert ("bot.video_listed" in told(taken)) == bool(ahead(question, NOW))
    return taken.question


def test_whoever_takes_over_is_told_what_is_arranged() -> None:
    _offered(arranged())
    _offered(owned())


def test_whoever_takes_a_released_question_is_told_what_is_arranged_once_it_is_theirs_alone() -> None:
    released = decide(arranged(), order("!rendre", "$release"), NOW, POLICY).question
    taken = decide(released, message(PAUL, "$paul"), NOW, POLICY)
    assert "bot.video_listed" not in told(taken)
    assert taken.question is not None
    sealed = ev.SealCompleted(generation=taken.question.generation)
    assert told(decide(taken.question, sealed, NOW, POLICY)) == ["bot.video_listed"]
    late = decide(taken.question, sealed, NOW + timedelta(days=3), POLICY)
    assert told(late) == []


STEPS = st.lists(
    st.sampled_from(
        [
            "!visio demain 14h30",
            "!visio demain 16h",
            "!visio déplacer 1 demain 17h",
            "!visio annuler 1",
            "accepted",
        ]
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_calendar_never_sees_a_sequence_fall_or_a_key_twice(steps: list[str]) -> None:
    question, keys, sequences = owned(), set[str](), dict[str, int]()
    policy: Policy = POLICY
    for number, step in enumerate(steps):
        if step == "accepted":
            question = (
                decide(question, ev.InvitationAnswered(f"m{number}", 1, 0, step), NOW, policy).question
                or question
            )
            continue
        decision = decide(question, order(step, f"${number}"), NOW, policy)
        check = next((p.effect for p in decision.effects if isinstance(p.effect, fx.CheckAgenda)), None)
        if check is not None:
            decision = decide(decision.question, ev.AgendaChecked(check), NOW, policy)
        for plan in decision.effects:
            assert plan.effect.key not in keys
            keys.add(plan.effect.key)
        for mail in mails(decision):
            assert mail.meeting is not None
            assert mail.meeting.sequence == sequences.get(mail.meeting.uid, -1) + 1
            sequences[mail.meeting.uid] = mail.meeting.sequence
        assert decision.question is not None
        question = decision.question
