"""Whoever asked a question never reads what its owner asks experts about it, whatever groups they are in."""

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
from bridge.domain.drafting import TellRequester
from bridge.domain.opinions import Link, OpenLinked, Stage
from bridge.domain.organisation import Practitioner
from bridge.domain.question import decide
from bridge.domain.sight import may_find, scopes_of
from bridge.domain.state import Policy, Question, Status
from bridge.matrix.drift import intruders, wanted_state
from bridge.matrix.outlet import Place
from tests.domain.experts import (
    CARDIO,
    EXPERT,
    LINKED,
    OTHER,
    PEOPLE,
    POLICY,
    answering,
    asked_of_expert,
    asked_one,
    gathered,
    on,
    only,
    ordered,
    sending,
    state,
    taken,
)

ASKER = ev.Author("@asker:h.example", "Dr Asker", ev.Standing.MEMBER, "en")
WELL_KNOWN = (*PEOPLE, Practitioner(ASKER.user_id, ASKER.name, "en"))
PLACE = Place(bot="@colloque:h.example", domain="h.example", namespace="colloque_", room_version="11")


def _with(*members: str) -> Policy:
    """What is in force while these are the members of the group that is asked."""
    groups = (*life.POLICY.organisation.groups, replace(CARDIO, members=members))
    house = replace(POLICY.organisation, practitioners=WELL_KNOWN, groups=groups)
    return replace(POLICY, organisation=house)


OUTSIDE = _with(EXPERT.user_id, OTHER.user_id)
INSIDE = _with(EXPERT.user_id, OTHER.user_id, ASKER.user_id)


def _of_a_colleague() -> Question:
    return replace(taken(), requester=ASKER.user_id, address=ASKER.user_id, name=ASKER.name)


def _shown(words: str = "cardio: why?") -> Question:
    return state(on(_of_a_colleague(), ordered(words), gathered(), policy=OUTSIDE))


def _linked(policy: Policy = OUTSIDE) -> Question:
    """The question that is asked of the group, as it begins to wait."""
    link = Link("q1", life.OWNER.user_id, about=ASKER.user_id)
    asked = replace(asked_of_expert(), link=link, invite_members=True)
    return state(decide(None, asked, life.NOW, policy))


def _command(author: ev.Author, name: str, argument: str = "") -> ev.Ordered:
    message = ev.MemberWrote(author, f"${name}", Line(f"${name}", f"!{name}"), internal=True)
    return ev.Ordered(message, Command(name, argument))


# --- before anything leaves ---


def test_a_group_that_the_requester_is_a_member_of_is_not_asked() -> None:
    decision = on(_of_a_colleague(), ordered("cardio: why?"), policy=INSIDE)
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == "bot.opinion_requester_inside"
    assert state(decision).opinions == ()


@pytest.mark.parametrize("words", ["@expert: why?", "derm: why?"])
def test_a_colleague_of_that_group_and_another_group_are_asked(words: str) -> None:
    assert state(on(_of_a_colleague(), ordered(words), policy=INSIDE)).opinions[0].stage is Stage.GATHERING


def test_the_owner_may_be_a_member_of_the_group_that_is_asked() -> None:
    policy = _with(EXPERT.user_id, life.OWNER.user_id)
    assert state(on(_of_a_colleague(), ordered("cardio: why?"), policy=policy)).opinions


def test_a_requester_who_has_become_a_member_since_the_preview_is_not_even_asked() -> None:
    decision = on(_shown(), sending(), policy=INSIDE)
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == "bot.opinion_requester_inside"
    assert not only(decision, fx.TellPatient)
    assert state(decision).opinions[0].stage is Stage.SHOWN


@pytest.mark.parametrize("spoken", [False, True])
def test_a_requester_who_has_become_a_member_since_they_were_asked_opens_nothing_by_a_yes(
    spoken: bool,
) -> None:
    yes = ordered("consent by phone", "$yes") if spoken else answering("Oui.", "")
    asked = state(on(_shown(), sending(), policy=OUTSIDE))
    decision = on(asked, yes, policy=INSIDE)
    assert not only(decision, OpenLinked)
    assert state(decision).opinions[0].stage is Stage.ENDED
    assert state(decision).opinions[0].chosen == ()
    assert "opinion_requester_came_in" in [say.message for say in only(decision, fx.Say)]
    assert Did.CONSENT_GIVEN in [act.did for act in decision.acts]


# --- what they answer ---


@pytest.mark.parametrize(("words", "message"), [("Oui, volontiers.", "consent_yes"), ("Non.", "consent_no")])
def test_a_requester_on_matrix_sees_that_their_answer_counts_once(words: str, message: str) -> None:
    asked = state(on(_shown(), sending(), policy=OUTSIDE))
    decision = on(asked, answering(words, ""), policy=OUTSIDE)
    assert [tell.message for tell in only(decision, TellRequester)] == [message]
    again = on(state(decision), replace(answering(words, ""), input_id="again"), policy=OUTSIDE)
    assert not [tell for tell in only(again, TellRequester) if tell.message == message]


def test_the_line_about_their_yes_does_not_stand_between_it_and_a_no_that_takes_it_back() -> None:
    agreed = state(on(_shown(), sending(), answering("Oui.", ""), policy=OUTSIDE))
    taken_back = on(agreed, answering("Non, finalement.", ""), policy=OUTSIDE)
    assert Did.CONSENT_WITHDRAWN in [act.did for act in taken_back.acts]


@pytest.mark.parametrize("words", ["Oui, mais pas la photo.", "Merci !"])
def test_what_is_no_plain_answer_is_not_said_to_be_one(words: str) -> None:
    asked = state(on(_shown(), sending(), policy=OUTSIDE))
    assert not only(on(asked, answering(words, ""), policy=OUTSIDE), TellRequester)


def test_by_mail_no_mail_answers_a_yes() -> None:
    decision = on(asked_one(), answering("Oui."))
    assert not only(decision, fx.TellPatient)
    assert not only(decision, TellRequester)


def test_what_is_edited_into_a_yes_or_answers_something_else_is_no_consent() -> None:
    asked = state(on(_shown(), sending(), policy=OUTSIDE))
    edited = on(asked, replace(answering("✏️ Oui.", ""), edited=True), policy=OUTSIDE)
    assert not only(edited, OpenLinked)
    assert Did.CONSENT_UNCLEAR in [act.did for act in edited.acts]
    elsewhere = on(asked, answering("Oui.", "event:$fever"), policy=OUTSIDE)
    assert not only(elsewhere, OpenLinked)
    assert state(elsewhere).opinions[0].stage is Stage.ASKED
    refused = on(asked, replace(answering("✏️ Non.", ""), edited=True), policy=OUTSIDE)
    assert Did.CONSENT_REFUSED in [act.did for act in refused.acts]


@pytest.mark.parametrize(("seconds", "opens"), [(-1, False), (1, True)])
def test_a_yes_that_was_said_before_we_asked_is_none(seconds: int, opens: bool) -> None:
    asked = state(on(_shown(), sending(), policy=OUTSIDE))
    at = life.NOW.timestamp() + seconds
    decision = on(asked, replace(answering("Oui.", ""), at=at), policy=OUTSIDE)
    assert bool(only(decision, OpenLinked)) is opens
    named = on(asked, replace(answering("Oui.", "q1:consent:1"), at=at), policy=OUTSIDE)
    assert only(named, OpenLinked)


# --- what has left ---


def test_what_leaves_names_who_it_is_kept_from_and_asks_each_expert_in() -> None:
    decision = on(_shown(), sending(), answering("Oui.", ""), policy=OUTSIDE)
    (opened,) = only(decision, OpenLinked)
    assert (opened.about, opened.invite_members) == (ASKER.user_id, True)
    assert opened.members == CARDIO.members


def test_a_patient_who_asks_by_mail_is_nobody_a_room_has_to_be_kept_from() -> None:
    decision = on(taken(), ordered("cardio: why?"), gathered(), sending(), answering("Oui.", "q1:consent:1"))
    (opened,) = only(decision, OpenLinked)
    assert (opened.about, opened.invite_members) == ("", False)


def test_nobody_comes_into_its_room_by_being_a_member_alone() -> None:
    link = Link("q1", life.OWNER.user_id, about=ASKER.user_id)
    asked = replace(asked_of_expert(), link=link, invite_members=True)
    first = decide(None, asked, life.NOW, OUTSIDE)
    (room,) = only(first, fx.CreateQuestionRoom)
    (invite,) = only(first, fx.InviteMembers)
    assert room.by_invitation
    assert invite.members == CARDIO.members
    wanted = wanted_state(state(first), PLACE, room_version="11", spaces=("!space",))
    assert wanted["m.room.join_rules"] == {"join_rule": "invite"}


@pytest.mark.parametrize("membership", ["join", "invite"])
def test_the_requester_is_an_intruder_in_it_while_it_waits_and_nobody_else_is(membership: str) -> None:
    def inside(user_id: str) -> dict[str, object]:
        return {"type": "m.room.member", "state_key": user_id, "content": {"membership": membership}}

    people = [inside(ASKER.user_id), inside(EXPERT.user_id)]
    assert intruders(people, _linked(), PLACE) == (ASKER.user_id,)


@pytest.mark.parametrize("event", [ev.HandRaised(ASKER, "$h"), ev.MemberWrote(ASKER, "$w", Line("$w", "I"))])
def test_the_requester_takes_it_neither_by_a_hand_nor_by_a_word(event: ev.Event) -> None:
    decision = on(_linked(), event, policy=INSIDE)
    assert state(decision).status is Status.WAITING
    (back,) = only(decision, fx.HandBack)
    assert (back.user_id, back.message) == (ASKER.user_id, "about_own_question")


@pytest.mark.parametrize("name", ["withdraw", "help", "opinion", "export"])
def test_no_command_of_the_requester_counts_in_it(name: str) -> None:
    decision = on(_linked(), _command(ASKER, name), policy=INSIDE)
    assert state(decision).status is Status.WAITING
    assert decision.acts == ()
    assert not only(decision, fx.SayAll)


@pytest.mark.parametrize("how", ["release", "left"])
def test_when_it_is_given_back_the_requester_is_not_asked_into_its_new_room(how: str) -> None:
    owned = state(on(_linked(), ev.HandRaised(EXPERT, "$h"), ev.SealCompleted(), policy=INSIDE))
    gone = _command(EXPERT, "release") if how == "release" else ev.MemberLeft(EXPERT, "$l", 1)
    freed = on(owned, gone, policy=INSIDE)
    assert state(freed).status is Status.WAITING
    (room,) = only(freed, fx.CreateQuestionRoom)
    (invite,) = only(freed, fx.InviteMembers)
    assert room.by_invitation
    assert OTHER.user_id in invite.members
    assert ASKER.user_id not in invite.members
    assert life.OWNER.user_id not in invite.members


def test_the_net_asks_new_members_in_reminds_all_and_leaves_the_requester_out() -> None:
    new = Practitioner("@new:h.example", "Dr New", "en")
    policy = _with(EXPERT.user_id, ASKER.user_id, new.user_id)
    house = replace(policy.organisation, practitioners=(*WELL_KNOWN, new), admins=(ASKER.user_id,))
    policy = replace(policy, organisation=house)
    question, invited, reminded = _linked(), set[str](), set[str]()
    for _ in range(6):
        assert question.alarm_at is not None
        decision = decide(question, ev.AlarmRang(), question.alarm_at + timedelta(seconds=1), policy)
        question = state(decision)
        invited |= {member for invite in only(decision, fx.InviteMembers) for member in invite.members}
        reminded |= {remind.user_id for remind in only(decision, fx.Remind)}
        assert not only(decision, fx.Widen)
    assert invited == {EXPERT.user_id, new.user_id}
    assert {EXPERT.user_id, new.user_id} <= reminded
    assert ASKER.user_id not in reminded


def test_it_is_not_handed_over_to_the_requester_and_the_expert_does_not_learn_why() -> None:
    owned = state(on(_linked(), ev.HandRaised(EXPERT, "$h"), ev.SealCompleted(), policy=INSIDE))
    decision = on(owned, _command(EXPERT, "handover", ASKER.user_id), policy=INSIDE)
    (say,) = only(decision, fx.SayAll)
    assert say.phrases[0].text == "bot.opinion_not_theirs"
    assert not only(decision, fx.Offer)


def test_the_requester_finds_it_by_no_search_and_every_other_member_does() -> None:
    question = _linked()
    assert not may_find(question, scopes_of(ASKER.user_id, INSIDE.organisation))
    assert may_find(question, scopes_of(OTHER.user_id, INSIDE.organisation))


def test_one_expert_who_is_asked_alone_hears_it_whatever_group_the_requester_is_in() -> None:
    question = state(on(_of_a_colleague(), ordered("@expert: why?"), gathered(), policy=INSIDE))
    (opened,) = only(on(question, sending(), answering("Oui.", ""), policy=INSIDE), OpenLinked)
    assert (opened.expert, opened.members, opened.invite_members) == (
        EXPERT.user_id,
        (EXPERT.user_id,),
        False,
    )
    assert opened.linked == LINKED
