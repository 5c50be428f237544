"""What is held because there is much: said once, let in by the owner's mark, or in its turn by itself."""

from __future__ import annotations

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.keeping import LATER, MANY
from bridge.domain.question import decide
from bridge.domain.state import Decision, Question
from tests.domain.given import AT_ONCE, CLAIRE, NOW, PAUL, after, asked, kinds, message, only

UNTIL = NOW.timestamp() + 1800
MORE = ev.MailPostponed("mail:9", "q1", MANY, UNTIL, first=True)
TAKEN = (asked(), message(CLAIRE, "$1"), ev.SealCompleted())


def _question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def _said(decision: Decision) -> list[str]:
    return [effect.message for effect in only(decision, fx.Say) if isinstance(effect, fx.Say)]


def test_a_held_mail_is_read_again_at_its_moment() -> None:
    decision = after(*TAKEN, MORE)
    (planned,) = [plan for plan in decision.effects if isinstance(plan.effect, fx.ReadAgain)]
    assert planned.delay_s == 1800
    assert planned.lane.startswith("timer")
    assert _said(decision) == ["mail_many"]


@pytest.mark.parametrize(("first", "reason"), [(False, MANY), (True, LATER)])
def test_further_ones_and_those_that_wait_for_name_servers_say_nothing(first: bool, reason: str) -> None:
    decision = after(*TAKEN, ev.MailPostponed("mail:9", "q1", reason, UNTIL, first=first))
    assert kinds(decision) == ["ReadAgain"]


def test_the_owners_mark_lets_them_in_and_nobody_elses_does() -> None:
    held = after(*TAKEN, MORE)
    assert [e.symbol for e in only(held, fx.React) if isinstance(e, fx.React)] == ["✅"]
    judged = ev.MailJudged(CLAIRE, "$mark", "mail:9", "once")
    decision = decide(held.question, judged, NOW, AT_ONCE)
    assert "LetIn" in kinds(decision)
    assert "SettleMail" not in kinds(decision)
    assert _question(decision).held == ()
    other = decide(held.question, ev.MailJudged(PAUL, "$mark", "mail:9", "once"), NOW, AT_ONCE)
    assert other.effects == ()


def test_refusing_them_only_leaves_them_to_their_turn() -> None:
    decision = after(*TAKEN, MORE, ev.MailJudged(CLAIRE, "$mark", "mail:9", "refuse"))
    assert {"LetIn", "SettleMail"}.isdisjoint(kinds(decision))


def test_once_its_turn_has_come_nothing_is_left_to_judge() -> None:
    decision = after(*TAKEN, MORE, ev.PatientWrote("mail:9", "Encore.", (), "<9@p>"))
    assert _question(decision).held == ()
    assert "PostText" in kinds(decision)


def test_before_there_is_a_question_its_sender_and_the_administrators_are_told() -> None:
    told = ev.MailUnusable("mail:9", "derm", "m@p.example", "fr", MANY, "Sujet", "<9@p>")
    decision = decide(None, ev.MailPostponed("mail:9", "q9", MANY, UNTIL, True, told), NOW, AT_ONCE)
    assert kinds(decision) == ["ReadAgain", "TellSender"]
    assert decision.question is None
