"""Mails to the patient that came back: the owner sees it on the message, in words, and what can be done."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.delivery import AGAIN, REFUSED
from bridge.domain.state import Decision, Question, in_room, said

TOO_LARGE = ("5.2.3", "5.3.4")
FULL = ("4.2.2", "5.2.2")


def advice(status: str) -> str:
    """Which advice fits a status (RFC 3463): the end of the locale key."""
    if status in FULL:
        return "full"
    if status in TOO_LARGE:
        return "large"
    if status.startswith(("5.1.", "5.4.4", "5.2.1")):
        return "address"
    return "blocked" if status.startswith("5.7.") else "other"


def came_back(question: Question, event: ev.MailBounced) -> Decision:
    """Their server gave a mail back, or says that it is late."""
    if not event.final:
        return said(question, "mail_late", f"late:{event.number}")
    lost = next((mail for mail in question.handed if mail.number == event.number), None)
    act = Act(
        f"{question.id}:bounced:{event.input_id}",
        Did.FAILED,
        COLLOQUE,
        event.status,
        {"number": str(event.number)},
    )
    told = _of_answer(question, event) if lost else said(question, "mail_bounced", event.input_id)
    assert told.question is not None
    changed = told.question
    effects: tuple[fx.Planned, ...] = ()
    if question.address and event.status not in TOO_LARGE:
        key = f"{question.id}:suppress:{event.input_id}"
        effects = in_room(changed, fx.Suppress(key, question.id, question.address, event.status))
    return Decision(changed, (*told.effects, *effects), (act,))


def _of_answer(question: Question, event: ev.MailBounced) -> Decision:
    lost = next(mail for mail in question.handed if mail.number == event.number)
    events = tuple(line.event_id for line in lost.lines)
    key = f"{question.id}:say:bounced:{event.number}"
    values = {"reason": event.status}
    message = f"bounced_{advice(event.status)}"
    say = fx.Say(key, question.id, message, question.language, values, stem=question.stem)
    again = fx.React(f"{key}:again", question.room, sent=key, symbol=AGAIN)
    copies = dict(question.exposed)
    sent = f"answer:{event.number}:sent"
    cleared = [fx.ClearMark.of(question.room, f"{question.id}:{sent}:{e}") for e in events]
    failed = [
        fx.React(
            f"{question.id}:answer:{event.number}:failed:{e}",
            question.room,
            event_id=copies.get(e) or e,
            symbol=REFUSED,
        )
        for e in events
    ]
    shown: tuple[fx.Effect, ...] = (*cleared, *failed) if lost.generation == question.generation else ()
    changed = replace(
        question,
        handed=tuple(mail for mail in question.handed if mail != lost),
        unmarked=tuple(mail for mail in question.unmarked if mail.number != event.number),
        outgoing=(*question.outgoing, replace(lost, refused=True)),
    )
    return Decision(changed, in_room(changed, *shown, say, again))
