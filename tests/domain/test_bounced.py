"""A mail to the patient comes back: its owner sees it on the message, and can do something about it."""

from __future__ import annotations

import pytest

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import Command, Place, parse
from bridge.domain.state import Decision
from tests.domain.given import CLAIRE, after, asked, kinds, message, only

HANDED = (
    asked(),
    message(CLAIRE, "$1", "Bonjour"),
    ev.SealCompleted(),
    ev.AnswerHandedOver(1, ("$1",)),
)
GONE = ev.MailBounced("mail:dsn", "5.1.1", 1)


def _said(decision: Decision) -> list[str]:
    return [effect.message for effect in only(decision, fx.Say) if isinstance(effect, fx.Say)]


@pytest.mark.parametrize(
    ("status", "message_key"),
    [
        ("5.1.1", "bounced_address"),
        ("5.1.10", "bounced_address"),
        ("5.2.2", "bounced_full"),
        ("5.3.4", "bounced_large"),
        ("5.7.26", "bounced_blocked"),
        ("5.0.0", "bounced_other"),
        ("4.4.7", "bounced_other"),
    ],
)
def test_it_shows_on_the_message_and_says_what_to_do(status: str, message_key: str) -> None:
    decision = after(*HANDED, ev.MailBounced("mail:dsn", status, 1))
    assert _said(decision) == [message_key]
    marks = [e for e in only(decision, fx.React) if isinstance(e, fx.React) and e.event_id == "$1"]
    assert [mark.symbol for mark in marks] == ["⚠️"]
    assert [e.sent for e in only(decision, fx.ClearMark) if isinstance(e, fx.ClearMark)] == [
        "q1:answer:1:sent:$1"
    ]


def test_its_address_is_suppressed_until_the_owner_sends_again() -> None:
    decision = after(*HANDED, GONE)
    (noted,) = only(decision, fx.Suppress)
    assert isinstance(noted, fx.Suppress)
    assert (noted.address, noted.status, noted.lifted) == ("marie@patients.example", "5.1.1", False)
    command = parse("!renvoyer", Place.QUESTION)
    assert command is not None
    order = ev.Ordered(message(CLAIRE, "$2", "!renvoyer", internal=True), command)
    again = after(*HANDED, GONE, order)
    (lifted,) = only(again, fx.Suppress)
    assert isinstance(lifted, fx.Suppress)
    assert lifted.lifted
    assert kinds(again).index("Suppress") < kinds(again).index("Answer")
    (answer,) = only(again, fx.Answer)
    assert isinstance(answer, fx.Answer)
    assert [line.text for line in answer.lines] == ["Bonjour"]


def test_a_mail_that_is_too_large_does_not_suppress_its_address() -> None:
    assert "Suppress" not in kinds(after(*HANDED, ev.MailBounced("mail:dsn", "5.3.4", 1)))


def test_a_mail_that_is_late_changes_nothing_and_is_told_once() -> None:
    late = ev.MailBounced("mail:dsn", "4.4.1", 1, final=False)
    decision = after(*HANDED, late)
    assert _said(decision) == ["mail_late"]
    assert not {"React", "Suppress"} & set(kinds(decision))
    other = after(*HANDED, late, ev.MailBounced("mail:dsn2", "4.4.1", 1, final=False))
    assert [p.effect.key for p in decision.effects] == [p.effect.key for p in other.effects]


def test_a_bounce_neither_reopens_a_question_nor_counts_as_the_patients_words() -> None:
    command = parse("!clore", Place.QUESTION)
    assert command is not None
    closed = (*HANDED, ev.Ordered(message(CLAIRE, "$2", "!clore", internal=True), command))
    before = after(*closed).question
    decision = after(*closed, GONE)
    assert before is not None
    assert decision.question is not None
    assert decision.question.status is before.status
    assert "PostText" not in kinds(decision)


def test_the_same_report_twice_is_told_once() -> None:
    first = after(*HANDED, GONE)
    second = after(*HANDED, GONE, GONE)
    assert {p.effect.key for p in second.effects} - {p.effect.key for p in first.effects} == {
        "q1:say:mail_bounced:mail:dsn"
    }


def test_a_file_that_did_not_fit_is_told_once_and_its_name_to_its_author_only() -> None:
    event = ev.FileLeftOut(1, 0, "irm.zip")
    (say,) = only(after(*HANDED, event), fx.Say)
    (again,) = only(after(*HANDED, event, event), fx.Say)
    assert isinstance(say, fx.Say)
    assert isinstance(again, fx.Say)
    assert (say.message, say.values, say.key) == ("file_left_out", {"name": "irm.zip"}, again.key)
    released = ev.Instructed(CLAIRE, "$r", Command("release", ""))
    (say,) = only(after(*HANDED, released, event), fx.Say)
    assert isinstance(say, fx.Say)
    assert "irm" not in repr(say)
