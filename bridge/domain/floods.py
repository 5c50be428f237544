"""Mails that come too fast, or whose sender can't be looked up now: held, and read again in their turn.

Nothing is lost and nobody has to do anything: each held mail has its moment. What there is to say is said
once an hour: to whoever wrote, politely, unless a program did; to the owner, who may let them in at once; and
to the administrators where there is no question yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.arriving import MailPostponed
from bridge.domain.keeping import LATER, HeldMail
from bridge.domain.letters import tell_patient
from bridge.domain.patient import unusable
from bridge.domain.state import Decision, Policy, Question, in_room, said

LET_IN = "✅"
"""The mark by which the owner lets everything in that is held because there is much."""


def postponed(question: Question | None, event: MailPostponed, now: datetime, policy: Policy) -> Decision:
    """A mail waits for its turn."""
    wait_s = max(0.0, event.until - now.timestamp())
    key = f"{event.input_id}:again:{event.until:.0f}"
    again = fx.ReadAgain(key, event.conversation, event.input_id)
    held = Decision(question, (fx.Planned(again, event.conversation, wait_s),))
    if event.reason == LATER or not event.first:
        return held
    minutes = str(max(1, round(wait_s / 60)))
    if question is not None:
        return held.then(_in_question(question, event, minutes))
    answered = unusable(None, event.told) if event.told else Decision(None)
    return held.then(answered).then(Decision(None, _to_admins(event, policy, minutes)))


def _to_admins(event: MailPostponed, policy: Policy, minutes: str) -> tuple[fx.Planned, ...]:
    organisation = policy.organisation
    phrase = fx.Phrase("bot.many_asked", {"minutes": minutes})
    return tuple(
        fx.Planned(
            fx.TellAll(f"{event.input_id}:many:{person.user_id}", person.user_id, person.language, (phrase,)),
            f"bot:{person.user_id}",
        )
        for person in organisation.practitioners
        if person.user_id in organisation.admins
    )


def _in_question(question: Question, event: MailPostponed, minutes: str) -> Decision:
    act = Act(f"{question.id}:aside:{event.input_id}", Did.MAIL_SET_ASIDE, COLLOQUE, event.reason)
    told = Decision(question)
    if event.told is not None:
        told = tell_patient(question, f"{question.id}:tell:many:{event.input_id}", "unusable_many", {})
    assert told.question is not None
    current = told.question
    line = said(current, "mail_many", event.input_id, minutes=minutes)
    if current.owner and current.sealed:
        say = line.effects[0].effect
        mark = fx.React(f"{say.key}:let-in", current.room, sent=say.key, symbol=LET_IN)
        held = (*current.held, HeldMail(event.input_id, "", many=True))
        noted = replace(current, held=held)
        line = Decision(noted, (*line.effects, *in_room(noted, mark)))
    return told.then(replace(line, acts=(act,)))


def came_in(question: Question, input_id: str) -> Question:
    """A mail was read in its turn: nothing is to be judged of it any more."""
    left = tuple(mail for mail in question.held if not (mail.many and mail.input_id == input_id))
    return question if left == question.held else replace(question, held=left)
