"""Edits that come after their mail: one at a time is offered as a correction, and only that one leaves."""

from __future__ import annotations

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.state import Decision
from tests.domain.given import CLAIRE, after, asked, message, only


@pytest.mark.parametrize(("line", "said"), [("$1", ""), ("$2", "_instead")])
def test_only_the_latest_edit_is_offered_as_a_correction(line: str, said: str) -> None:
    first = message(CLAIRE, "$3", "x", replaces=True, relates_to="$1")
    second = message(CLAIRE, "$4", "y", replaces=True, relates_to=line)
    sent = (asked(), message(CLAIRE, "$1"), ev.SealCompleted(), message(CLAIRE, "$2"))
    offers = [decided(after(*sent, first)), decided(after(*sent, first, second))]
    assert [offer.message for offer, _ in offers] == ["edit_after_sending", f"edit_after_sending{said}"]
    assert [gone for _, gone in offers] == [[], [offers[0][0].key]]
    tapped = after(*sent, first, second, ev.Reacted(CLAIRE, "$5", "$any", "📨"))
    (answer,) = (effect for effect in only(tapped, fx.Answer) if isinstance(effect, fx.Answer))
    assert [(found.event_id, found.text) for found in answer.lines] == [(line, "y")]


def decided(decision: Decision) -> tuple[fx.Say, list[str]]:
    """What an edit offers, and the offers that it takes back."""
    (say,) = (effect for effect in only(decision, fx.Say) if isinstance(effect, fx.Say))
    return say, [effect.sent for effect in only(decision, fx.ClearMark) if isinstance(effect, fx.ClearMark)]
