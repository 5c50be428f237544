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


# --- rooms that are left by hand ---


def _went(room: str, event_id: str) -> Decision:
    return decide(None, ev.WentOut(CLAIRE, event_id, room), NOW, AT_ONCE)


def test_who_leaves_many_rooms_is_told_once_how_to_come_back() -> None:
    told = [only(_went(room, f"${room}"), fx.TellAll)[0] for room in ("group", "waiting", "discussion")]
    assert len({tell.key for tell in told}) == 1
    (phrase,) = told[0].phrases  # type: ignore[union-attr]
    assert phrase.values == {"command": "!revenir"}


def test_without_the_organisations_space_what_patients_wait_for_goes_back() -> None:
    assert kinds(_went("organisation", "$1")) == ["TellAll", "Depart"]
    assert kinds(_went("group", "$1")) == ["TellAll"]


def test_an_owner_who_leaves_the_room_of_a_question_hears_where_it_is() -> None:
    decided = _after(Status.TAKEN, ev.MemberLeft(CLAIRE, "$1", 1))
    assert [told.message for told in only(decided, fx.Remind)] == ["gave_back_left_room"]  # type: ignore[union-attr]
