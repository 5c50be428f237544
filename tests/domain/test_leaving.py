"""An owner is gone: no question is left with nobody, and none with somebody who left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.question import decide
from bridge.domain.state import Decision, Policy, Question, Status
from tests.domain.given import AT_ONCE, CLAIRE, NOW, PAUL, kinds, only, waiting

GONE = ev.OwnerGone(CLAIRE.user_id, "left")


def _owned(status: Status) -> Question:
    return replace(waiting(), status=status, owner=CLAIRE.user_id, owner_name=CLAIRE.name, sealed=True)


def _after(status: Status, event: ev.Event = GONE, policy: Policy = AT_ONCE) -> Decision:
    return decide(_owned(status), event, NOW, policy)


def test_an_open_question_waits_again_in_a_room_of_its_own() -> None:
    decided = _after(Status.TAKEN)
    assert decided.question is not None
    assert (decided.question.status, decided.question.owner) == (Status.WAITING, "")
    assert "CloseFormer" in kinds(decided)


@pytest.mark.parametrize("status", [Status.CLOSED, Status.ARCHIVED])
def test_one_that_is_over_stays_as_it_is_and_they_are_out_of_its_room(status: Status) -> None:
    decided = _after(status)
    assert decided.question is not None
    assert (decided.question.status, decided.question.owner) == (status, CLAIRE.user_id)
    (out,) = only(decided, fx.CloseFormer)
    assert isinstance(out, fx.CloseFormer)
    assert out.former == decided.question.room


@pytest.mark.parametrize("status", [Status.CLOSED, Status.ARCHIVED])
def test_whoever_is_only_absent_stays_in_the_room_of_what_is_over(status: Status) -> None:
    assert _after(status, ev.OwnerGone(CLAIRE.user_id, "absent")).effects == ()


@pytest.mark.parametrize("status", list(Status))
def test_it_matters_to_nobody_elses_question(status: Status) -> None:
    assert _after(status, ev.OwnerGone(PAUL.user_id, "left")).effects == ()


@pytest.mark.parametrize("status", list(Status))
def test_who_is_back_by_then_keeps_everything(status: Status) -> None:
    here = Organisation("H", "fr", (Practitioner(CLAIRE.user_id, CLAIRE.name, "fr"),), ())
    assert _after(status, policy=replace(AT_ONCE, organisation=here)).effects == ()
