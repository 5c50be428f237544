"""The life of a question: one pure function decides what every event means.

``decide(question, event, now, policy)`` returns the question's next state and the effects that
follow from it. It reads no clock, does no I/O, and is total: each event has an outcome in each
status. The storage commits state, effects and "this input is done" together; the state is written
on the condition that nobody changed it meanwhile, and that one conditional write is the claim.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from bridge.domain import claim, orders, patient, talk, video
from bridge.domain import events as ev
from bridge.domain.state import Decision, Policy, Question, said


class UnknownQuestion(Exception):
    """An event for a question that does not exist reached the decision."""


def decide(question: Question | None, event: ev.Event, now: datetime, policy: Policy) -> Decision:
    """What this event means for this question.

    Raises :class:`UnknownQuestion` when the event needs a question and there is none.
    """
    match event:
        case ev.QuestionAsked():
            return patient.asked(question, event, now)
        case ev.MailUnusable():
            return patient.unusable(question, event)
        case ev.BotAsked():
            return orders.asked(question, event, now, policy)
    if question is None:
        raise UnknownQuestion(type(event).__name__)
    match event:
        case ev.PatientWrote():
            return patient.patient_wrote(question, event)
        case ev.MailSetAside():
            return patient.set_aside(question, event)
        case ev.MemberWrote():
            return talk.member_wrote(question, event, now, policy)
        case ev.Ordered():
            return orders.ordered(question, event, now, policy)
        case ev.HandRaised():
            return claim.hand_raised(question, event, now)
        case ev.MemberRedacted():
            return talk.member_redacted(question, event)
        case ev.SealCompleted():
            return claim.sealed(question, event)
        case ev.DraftDue():
            return talk.draft_due(question, event)
        case ev.AnswerHandedOver():
            return talk.answer_handed_over(question, event, now)
        case ev.AnswerFailed():
            return talk.answer_failed(question, event)
        case ev.NoticeFailed():
            return patient.notice_failed(question, event)
        case ev.AgendaChecked():
            return video.agenda_checked(question, event, now, policy)
        case ev.VideoDue():
            return video.due(question, event, now, policy)
        case ev.InvitationAnswered():
            return video.invitation_answered(question, event, policy)
        case ev.PostFailed():
            return said(question, "post_failed", event.effect_key, name=event.name, reason=event.reason)
        case _:
            assert_never(event)
