"""Mails whose sender is not known to be the patient: held, shown to the owner, judged by nobody else."""

from __future__ import annotations

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import Place, parse
from bridge.domain.doubt import MAX_HELD
from bridge.domain.question import decide
from bridge.domain.state import Decision, Question
from tests.domain.given import AT_ONCE, CLAIRE, NOW, PAUL, after, asked, kinds, message, only

DOUBTED = ev.MailDoubted("mail:2", "paul@elsewhere.example", "Je suis son mari.", 1)
TAKEN = (asked(), message(CLAIRE, "$1"), ev.SealCompleted())


def _ordered(author: ev.Author, text: str, event_id: str = "$order") -> ev.Ordered:
    command = parse(text, Place.QUESTION)
    assert command is not None
    return ev.Ordered(message(author, event_id, text, internal=True), command)


def _question(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def _said(decision: Decision) -> list[str]:
    return [effect.message for effect in only(decision, fx.Say) if isinstance(effect, fx.Say)]


def test_the_owner_sees_it_as_a_notice_and_never_as_the_patients_words() -> None:
    decision = after(*TAKEN, DOUBTED)
    assert _said(decision) == ["mail_doubted"]
    assert "PostText" not in kinds(decision)
    assert "PostFile" not in kinds(decision)
    assert [e.symbol for e in only(decision, fx.React) if isinstance(e, fx.React)] == ["✅", "📌", "❌", "🔍"]


def test_those_who_read_a_waiting_question_see_neither_its_words_nor_its_address() -> None:
    decision = after(asked(), DOUBTED)
    assert _said(decision) == ["mail_unverified"]
    assert "elsewhere" not in str(decision.effects)
    assert "mari" not in str(decision.effects)


def test_whoever_takes_the_question_is_shown_it_once_they_are_alone_with_the_patient() -> None:
    before = after(asked(), DOUBTED, message(CLAIRE, "$1"))
    assert "mail_doubted_before" not in _said(before)
    decision = after(asked(), DOUBTED, message(CLAIRE, "$1"), ev.SealCompleted())
    assert "mail_doubted_before" in _said(decision)
    assert "ShowOriginal" in kinds(decision)


@pytest.mark.parametrize(
    ("text", "admitted", "always"),
    [
        ("!accepter", True, False),
        ("!accept", True, False),
        ("!accepter toujours", True, True),
        ("!accept always", True, True),
        ("!refuser", False, False),
        ("!refuse", False, False),
    ],
)
def test_its_owner_judges_by_command(text: str, admitted: bool, always: bool) -> None:
    decision = after(*TAKEN, DOUBTED, _ordered(CLAIRE, text))
    question = _question(decision)
    (settle,) = only(decision, fx.SettleMail)
    assert isinstance(settle, fx.SettleMail)
    assert (settle.input_id, settle.admitted) == ("mail:2", admitted)
    assert question.held == ()
    assert question.admitted == (("mail:2",) if admitted else ())
    assert question.also_from == (("paul@elsewhere.example",) if always else ())


@pytest.mark.parametrize(("symbol", "judgement"), [("✅", "once"), ("📌", "always"), ("❌", "refuse")])
def test_a_mark_judges_the_mail_that_its_message_is_about(symbol: str, judgement: str) -> None:
    decision = after(*TAKEN, DOUBTED, ev.Reacted(CLAIRE, "$mark", "$notice", symbol))
    (weigh,) = only(decision, fx.Weigh)
    assert isinstance(weigh, fx.Weigh)
    assert (weigh.target, weigh.judgement) == ("$notice", judgement)
    judged = decide(decision.question, ev.MailJudged(CLAIRE, "$mark", "mail:2", judgement), NOW, AT_ONCE)
    assert "SettleMail" in kinds(judged)
    again = decide(judged.question, ev.MailJudged(CLAIRE, "$mark", "mail:2", judgement), NOW, AT_ONCE)
    assert again.effects == ()


def test_nobody_else_judges_or_sees_the_original() -> None:
    for event in (
        ev.Reacted(PAUL, "$mark", "$notice", "✅"),
        ev.Reacted(PAUL, "$mark", "$notice", "🔍"),
        ev.MailJudged(PAUL, "$mark", "mail:2", "once"),
        _ordered(PAUL, "!accepter"),
        _ordered(PAUL, "!original"),
    ):
        decision = after(*TAKEN, DOUBTED, event)
        assert _question(decision).held, event
        assert not {"SettleMail", "Weigh", "ShowOriginal"} & set(kinds(decision)), event
    waiting = after(asked(), DOUBTED, _ordered(PAUL, "!original"))
    assert "ShowOriginal" not in kinds(waiting)


def test_of_several_the_owner_says_which() -> None:
    other = ev.MailDoubted("mail:3", "x@elsewhere.example", "Bonjour")
    unclear = after(*TAKEN, DOUBTED, other, _ordered(CLAIRE, "!accepter"))
    assert len(_question(unclear).held) == 2
    chosen = after(*TAKEN, DOUBTED, other, _ordered(CLAIRE, "!accepter 2"))
    assert _question(chosen).admitted == ("mail:3",)


def test_declining_an_offer_still_works_while_a_mail_is_held() -> None:
    decision = after(*TAKEN, _ordered(CLAIRE, "!refuser"))
    assert only(decision, fx.SettleMail) == []


def test_the_owner_sees_the_mail_behind_a_message_by_command_or_mark() -> None:
    by_mark = after(*TAKEN, ev.Reacted(CLAIRE, "$mark", "$words", "🔍"))
    (shown,) = only(by_mark, fx.ShowOriginal)
    assert isinstance(shown, fx.ShowOriginal)
    assert shown.target == "$words"
    assert "ShowOriginal" in kinds(after(*TAKEN, _ordered(CLAIRE, "!original")))


def test_a_flood_of_them_does_not_grow_the_question() -> None:
    question = _question(after(*TAKEN))
    for number in range(MAX_HELD + 10):
        question = _question(
            decide(question, ev.MailDoubted(f"mail:{number}", "x@elsewhere.example", "x"), NOW, AT_ONCE)
        )
    assert len(question.held) == MAX_HELD
