"""Messages of people in the question room: the owner's become mail, all others come second."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.claim import claimed, covered, hand_back
from bridge.domain.content import Line
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said, thread_of


def member_wrote(question: Question, event: ev.MemberWrote, now: datetime, policy: Policy) -> Decision:
    """A message: the first of a member takes the question, the owner's are mailed, all others go back."""
    if question.status is Status.TAKEN:
        if event.author.user_id == question.owner:
            return _owner_wrote(question, event, policy)
        return _came_second(question, event)
    if event.internal or event.replaces:
        return Decision(question)
    if event.author.standing is not ev.Standing.MEMBER:
        return _not_member(question, event)
    if event.line is None:
        return said(question, "unsupported_claim", event.event_id, kind=event.unsupported)
    taken = claimed(question, event.author, now)
    assert taken.question is not None
    return taken.then(_owner_wrote(taken.question, event, policy))


def _not_member(question: Question, event: ev.MemberWrote) -> Decision:
    if event.author.standing is ev.Standing.PRACTITIONER:
        return Decision(
            question, (hand_back(question, event.author, event.event_id, "not_member", event.line),)
        )
    return said(question, "stranger", event.event_id)


def _came_second(question: Question, event: ev.MemberWrote) -> Decision:
    """A reply that came second: out of the room, never mailed, back to its author."""
    redact = fx.RedactEvent(f"{question.id}:redact:{event.event_id}", question.id, event.event_id)
    back = hand_back(question, event.author, event.event_id, "text_second", event.line)
    return Decision(question, (*in_room(question, redact), back))


def _owner_wrote(question: Question, event: ev.MemberWrote, policy: Policy) -> Decision:
    kept, safe = settled(question, event)
    if event.internal:
        return Decision(kept, safe)
    before = Decision(kept, safe)
    if event.line is None:
        return before.then(said(kept, "unsupported", event.event_id, kind=event.unsupported))
    line = replace(event.line, event_id=event.event_id)
    if event.replaces:
        return before.then(_edited(kept, event.relates_to, line))
    return before.then(_drafted(kept, line, policy))


def settled(question: Question, event: ev.MemberWrote) -> tuple[Question, tuple[fx.Planned, ...]]:
    """Edits and thread replies must not hang on an event that others once saw."""
    if not event.relates_to:
        return question, ()
    if not question.sealed:
        noted = (event.event_id, event.relates_to, event.line)
        return replace(question, unsettled=(*question.unsettled, noted)), ()
    on_exposed = event.relates_to in (original for original, _ in question.exposed)
    # Of a thread's root only its ID is known here: where others ever read, no thread is safe.
    if on_exposed or (question.had_others and not event.replaces):
        return question, covered(question, event.event_id, event.line)
    return question, ()


def _edited(question: Question, target: str, line: Line) -> Decision:
    if not any(drafted.event_id == target for drafted in question.draft):
        return said(question, "edit_after_sending", line.event_id)
    draft = tuple(
        replace(line, event_id=target) if drafted.event_id == target else drafted
        for drafted in question.draft
    )
    return Decision(replace(question, draft=draft))


def _drafted(question: Question, line: Line, policy: Policy) -> Decision:
    if question.draft:
        return Decision(replace(question, draft=(*question.draft, line)))
    number = question.draft_number + 1
    opened = replace(question, draft=(line,), draft_number=number)
    if policy.quiet_period_s <= 0:
        return _mailed(opened)
    wake = fx.Wake(f"{question.id}:wake:{number}", question.id, number)
    return Decision(opened, (fx.Planned(wake, question.id, policy.quiet_period_s),))


def draft_due(question: Question, event: ev.DraftDue) -> Decision:
    """The quiet period is over: what is left of the draft becomes one mail."""
    if event.number != question.draft_number or not question.draft:
        return Decision(question)
    return _mailed(question)


def _mailed(question: Question) -> Decision:
    key = f"{question.id}:answer:{question.draft_number}"
    answer = fx.Answer(
        key=key,
        question_id=question.id,
        number=question.draft_number,
        group=question.group,
        language=question.language,
        owner=question.owner,
        owner_name=question.owner_name,
        address=question.address,
        name=question.name,
        subject=question.title,
        reference=question.reference,
        token=question.token,
        lines=question.draft,
        references=question.thread,
    )
    sent = replace(question, draft=(), thread=thread_of((*question.thread, key)))
    events = ",".join(line.event_id for line in question.draft)
    details = {"number": str(question.draft_number), "events": events}
    return Decision(sent, in_room(question, answer), (Act(key, Did.ANSWERED, question.owner, "", details),))


def answer_handed_over(question: Question, event: ev.AnswerHandedOver, now: datetime) -> Decision:
    """The next mail server has the owner's answer: that shows on its last line."""
    answered = replace(question, answered_at=question.answered_at or now)
    cause = f"answer:{event.number}:sent"
    act = Act(f"{question.id}:{cause}", Did.DELIVERED, COLLOQUE, "", {"number": str(event.number)})
    return replace(marked(answered, event.events, cause, "✅"), acts=(act,))


def member_redacted(question: Question, event: ev.MemberRedacted) -> Decision:
    """A line the owner deletes before the mail leaves is not sent."""
    if event.author.user_id != question.owner:
        return Decision(question)
    draft = tuple(line for line in question.draft if line.event_id != event.redacts)
    return Decision(replace(question, draft=draft))


def marked(question: Question, events: tuple[str, ...], cause: str, symbol: str) -> Decision:
    """Show the delivery state on the last line of the mail, or on the bridge's copy of it."""
    if not events:
        return Decision(question)
    last = dict(question.exposed).get(events[-1]) or events[-1]
    react = fx.React(f"{question.id}:{cause}", question.room, event_id=last, symbol=symbol)
    return Decision(question, in_room(question, react))


def answer_failed(question: Question, event: ev.AnswerFailed) -> Decision:
    """The owner sees on the message, and in words, that the patient did not get it."""
    cause = f"answer:{event.number}:failed"
    mark = marked(question, event.events, cause, "⚠️")
    told = said(question, "answer_failed", cause, reason=event.reason)
    details = {"number": str(event.number)}
    act = Act(f"{question.id}:{cause}", Did.FAILED, COLLOQUE, event.reason, details)
    return Decision(question, mark.effects + told.effects, (act,))
