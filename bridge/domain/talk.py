"""Messages of people in the question room: the owner's become mail, all others come second."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.claim import claimed, covered, hand_back, why_not
from bridge.domain.delivery import drafted
from bridge.domain.notes import edited, kept_inside
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said


def member_wrote(question: Question, event: ev.MemberWrote, now: datetime, policy: Policy) -> Decision:
    """A message: the first of a member takes the question, the owner's are mailed, all others go back."""
    if left_behind(question, event):
        return _came_second(question, event, "text_left")
    if question.status is Status.TAKEN:
        if event.author.user_id == question.owner:
            return _owner_wrote(question, event, now, policy)
        return _came_second(question, event, "text_second")
    if question.status is not Status.WAITING:
        return _came_second(question, event, f"text_{question.status}")
    if event.internal or event.replaces:
        return Decision(question)
    if reason := why_not(question, event.author):
        return _may_not(question, event, reason)
    if event.line is None:
        return said(question, "unsupported_claim", event.event_id, kind=event.unsupported)
    taken = claimed(question, event.author, now)
    assert taken.question is not None
    return taken.then(_owner_wrote(taken.question, event, now, policy))


def left_behind(question: Question, event: ev.MemberWrote) -> bool:
    """Whether this was said in a room that the question has moved out of."""
    return event.generation not in (0, question.generation)


def _may_not(question: Question, event: ev.MemberWrote, reason: str) -> Decision:
    if event.author.standing is not ev.Standing.STRANGER:
        return Decision(question, (hand_back(question, event.author, event.event_id, reason, event.line),))
    return said(question, "stranger", event.event_id)


def _came_second(question: Question, event: ev.MemberWrote, message: str) -> Decision:
    """A message that can't be sent any more: out of the room, never mailed, back to its author."""
    key = f"{question.id}:redact:{event.event_id}"
    redact = fx.RedactEvent(key, question.id, event.event_id, event.room_id)
    back = hand_back(question, event.author, event.event_id, message, event.line)
    return Decision(question, (*in_room(question, redact), back))


def _owner_wrote(question: Question, event: ev.MemberWrote, now: datetime, policy: Policy) -> Decision:
    kept, safe = settled(question, event)
    before = Decision(kept, safe)
    if event.internal:
        return before.then(kept_inside(kept, event))
    if event.line is None:
        return before.then(said(kept, "unsupported", event.event_id, kind=event.unsupported))
    line = replace(event.line, event_id=event.event_id)
    if event.replaces:
        return before.then(edited(kept, event.relates_to, line))
    return before.then(drafted(kept, line, now, policy))


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
