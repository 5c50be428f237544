"""The life of a question: one pure function decides what every event means.

``decide(question, event, now, policy)`` returns the question's next state and the effects that
follow from it. It reads no clock, does no I/O, and is total: each event has an outcome in each
status. The storage commits state, effects and "this input is done" together; the state is written
on the condition that nobody changed it meanwhile, and that one conditional write is the claim.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from bridge.domain import (
    bounced,
    claim,
    delivery,
    doubt,
    expertise,
    floods,
    handing,
    leaving,
    linked,
    net,
    notes,
    opined,
    orders,
    patient,
    personal,
    private,
    revoking,
    steering,
    talk,
    transcripts,
    video,
)
from bridge.domain import events as ev
from bridge.domain.asked_too import asked_too
from bridge.domain.errands import errand_asked, link_asked
from bridge.domain.medium import carried
from bridge.domain.state import Decision, Policy, Question, said
from bridge.domain.wording import worded


class UnknownQuestion(Exception):
    """An event for a question that does not exist reached the decision."""


def decide(question: Question | None, event: ev.Event, now: datetime, policy: Policy) -> Decision:
    """What this event means for this question.

    Raises :class:`UnknownQuestion` when the event needs a question and there is none.
    """
    decision = worded(carried(_decided(question, event, now, policy)), policy)
    if decision.question is None:
        return decision
    return replace(decision, question=net.watched(decision.question, policy))


def _decided(question: Question | None, event: ev.Event, now: datetime, policy: Policy) -> Decision:
    match event:
        case ev.QuestionAsked():
            return patient.asked(question, event, now, policy)
        case ev.MailUnusable():
            return patient.unusable(question, event)
        case ev.MailPostponed():
            return floods.postponed(question, event, now, policy)
        case ev.BotAsked():
            return orders.asked(question, event, now, policy)
        case ev.WentOut():
            return leaving.went_out(question, event, now)
        case ev.BotInvited():
            return private.invited(question, event)
        case ev.CameIn():
            return personal.came_in(question, event)
        case ev.DigestDue():
            return personal.digest_due(question, event, policy)
    if question is None:
        raise UnknownQuestion(type(event).__name__)
    match event:
        case (
            ev.MemberWrote()
            | ev.Ordered()
            | ev.HandRaised()
            | ev.MemberRedacted()
            | ev.Reacted()
            | ev.MemberLeft()
            | ev.Instructed()
        ):
            return _of_people(question, event, now, policy)
        case ev.RequesterUnheard():
            return patient.unheard(question, event)
        case (
            ev.PatientWrote()
            | ev.MailSetAside()
            | ev.AskedToo()
            | ev.ErrandAsked()
            | ev.AnswerLinkAsked()
            | ev.MailBounced()
            | ev.MailDoubted()
            | ev.MailJudged()
            | ev.InvitationAnswered()
        ):
            return _of_mail(question, event, now, policy)
        case ev.OwnerGone():
            return handing.owner_gone(question, event.user_id, event.reason, now, policy)
        case _:
            return _of_the_bridge(question, event, now, policy)


OfPeople = (
    ev.MemberWrote
    | ev.Ordered
    | ev.HandRaised
    | ev.MemberRedacted
    | ev.Reacted
    | ev.MemberLeft
    | ev.Instructed
)
OfMail = (
    ev.PatientWrote
    | ev.MailSetAside
    | ev.AskedToo
    | ev.ErrandAsked
    | ev.AnswerLinkAsked
    | ev.MailBounced
    | ev.MailDoubted
    | ev.MailJudged
    | ev.InvitationAnswered
)
OfTheBridge = (
    ev.SealCompleted
    | ev.DraftDue
    | ev.MarksDue
    | ev.AnswerHandedOver
    | ev.FileLeftOut
    | ev.AnswerFailed
    | ev.NoticeFailed
    | ev.AgendaChecked
    | ev.ChoiceGathered
    | ev.OpinionTold
    | ev.PreviewMarked
    | ev.OpinionRecalled
    | ev.VideoDue
    | ev.ExportFailed
    | ev.PostFailed
    | ev.AlarmRang
)


def _of_people(question: Question, event: OfPeople, now: datetime, policy: Policy) -> Decision:
    match event:
        case ev.MemberWrote():
            return talk.member_wrote(question, event, now, policy)
        case ev.Ordered():
            return orders.ordered(question, event, now, policy)
        case ev.HandRaised():
            return claim.hand_raised(question, event, now)
        case ev.MemberRedacted():
            return notes.member_redacted(expertise.unmarked(question, event), event)
        case ev.Reacted():
            return steering.reacted(question, event, now, policy)
        case ev.Instructed():
            return steering.instructed(question, event, now, policy)
        case ev.MemberLeft():
            return handing.member_left(question, event, now, policy)
        case _:
            assert_never(event)


def _of_mail(question: Question, event: OfMail, now: datetime, policy: Policy) -> Decision:
    match event:
        case ev.PatientWrote():
            let_in = floods.came_in(question, event.input_id)
            wrote = patient.patient_wrote(let_in, event, now, policy)
            read = expertise.consent_read(let_in, wrote, event, now, policy)
            return revoking.consent_revoked(let_in, read, event)
        case ev.MailSetAside():
            return patient.set_aside(floods.came_in(question, event.input_id), event)
        case ev.AskedToo():
            return asked_too(question, event, now, policy)
        case ev.AnswerLinkAsked():
            return link_asked(question, event)
        case ev.ErrandAsked():
            return errand_asked(floods.came_in(question, event.input_id), event, now)
        case ev.MailBounced():
            return bounced.came_back(question, event)
        case ev.MailDoubted():
            return doubt.doubted(floods.came_in(question, event.input_id), event)
        case ev.MailJudged():
            return doubt.judged(question, event)
        case ev.InvitationAnswered():
            return video.invitation_answered(question, event, policy)
        case _:
            assert_never(event)


def _of_the_bridge(question: Question, event: OfTheBridge, now: datetime, policy: Policy) -> Decision:
    match event:
        case ev.SealCompleted():
            opened = doubt.sealed(question, claim.sealed(question, event, now, policy))
            return opined.sealed(opened, policy)
        case ev.DraftDue():
            return delivery.draft_due(question, event, now)
        case ev.MarksDue():
            return delivery.marks_due(question, event, now)
        case ev.AnswerHandedOver():
            return delivery.handed_over(question, event, now)
        case ev.FileLeftOut():
            return delivery.left_out(question, event)
        case ev.AnswerFailed():
            return delivery.refused(question, event)
        case ev.NoticeFailed():
            return patient.notice_failed(question, event)
        case ev.AgendaChecked():
            return video.agenda_checked(question, event, now, policy)
        case ev.ChoiceGathered():
            return expertise.gathered(question, event, policy)
        case ev.PreviewMarked():
            return expertise.preview_marked(question, event, now, policy)
        case ev.OpinionTold():
            return opined.told(question, event, policy)
        case ev.OpinionRecalled():
            return linked.recalled(question, event, now)
        case ev.VideoDue():
            return video.due(question, event, now, policy)
        case ev.ExportFailed():
            return transcripts.failed(question, event)
        case ev.PostFailed():
            return said(question, "post_failed", event.effect_key, name=event.name, reason=event.reason)
        case ev.AlarmRang():
            return net.rang(question, now, policy)
        case _:
            assert_never(event)
