"""One mail to several groups: one question that the second group may take, too; whoever has it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.question import decide
from bridge.domain.state import Decision, Policy, Question, Status
from tests.domain.given import CLAIRE, NOW, PAUL, asked, kinds, only

DERM = ExpertGroup("derm", "Derm", "derm@h.example", (CLAIRE.user_id,), Notify.ANNOUNCE, "fr", fallback="orl")
CARDIO = replace(DERM, key="cardio", name="Cardio", members=(PAUL.user_id,), fallback="")
PEOPLE = tuple(Practitioner(author.user_id, author.name, "fr") for author in (CLAIRE, PAUL))
POLICY = Policy(0, organisation=Organisation("H", "fr", PEOPLE, (DERM, CARDIO, replace(CARDIO, key="orl"))))
TOO = ev.AskedToo("mail:2", "cardio")


def _after(*events: ev.Event, policy: Policy = POLICY) -> Decision:
    decision = Decision(None)
    for event in events:
        decision = decide(decision.question, event, NOW, policy)
    return decision


def _question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def test_the_second_group_sees_a_card_and_may_take_it() -> None:
    decision = _after(asked(), TOO)
    assert _question(decision).groups == ("derm", "cardio")
    assert [type(plan.effect) for plan in decision.effects if isinstance(plan.effect, fx.PostCard)]
    taken = decide(_question(decision), ev.HandRaised(PAUL, "$hand"), NOW, POLICY)
    assert _question(taken).owner == PAUL.user_id
    (lock,) = (effect for effect in only(taken, fx.Lock) if isinstance(effect, fx.Lock))
    assert lock.wide  # two groups may be many: nobody is let speak before they are out
    gone = [effect.room for effect in only(taken, fx.RedactOwn) if isinstance(effect, fx.RedactOwn)]
    assert {"waiting:derm", "waiting:cardio"} <= set(gone)


def test_members_of_an_inviting_group_are_invited() -> None:
    inviting = replace(CARDIO, notify=Notify.INVITE)
    organisation = replace(POLICY.organisation, groups=(DERM, inviting))
    decision = _after(asked(), TOO, policy=replace(POLICY, organisation=organisation))
    assert "InviteMembers" in kinds(decision)


@pytest.mark.parametrize("group", ["derm", "unknown"])
def test_its_own_group_and_one_that_is_gone_change_nothing(group: str) -> None:
    assert _after(asked(), ev.AskedToo("mail:2", group)).effects == ()


def test_whoever_has_it_is_told_and_nobody_else_may_take_it() -> None:
    decision = _after(asked(), ev.HandRaised(CLAIRE, "$hand"), ev.SealCompleted(), TOO)
    assert kinds(decision) == ["Say"]
    assert _question(decision).groups == ("derm",)
    assert _question(decision).status is Status.TAKEN


def test_a_question_that_was_set_aside_waits_again() -> None:
    aside = replace(_question(_after(asked())), status=Status.WITHDRAWN)
    assert _question(decide(aside, TOO, NOW, POLICY)).status is Status.WAITING
