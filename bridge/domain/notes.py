"""What stays inside: notes, commands, edits that come too late; and what is said when a line is deleted.

A line leaves the room only as part of a draft or as a correction that its owner asked for. Nothing else does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Act, Did
from bridge.domain.content import Line
from bridge.domain.delivery import unqueued
from bridge.domain.replies import By, reply
from bridge.domain.state import Decision, Policy, Question, Status, in_room, latest, said

NOTE = "📝"
CORRECT = "📨"


def note(question: Question, by: By, words: str, _now: datetime, _policy: Policy) -> Decision:
    """A line for whoever owns the question, marked as staying inside."""
    if question.status is not Status.TAKEN:
        return reply(question, by, "not_taken")
    if not words:
        return reply(question, by, "note_empty")
    kept = replace(question, internal=latest(question.internal, by.event_id))
    mark = fx.React(f"{question.id}:note:{by.event_id}", question.room, by.event_id, symbol=NOTE)
    act = Act(f"{question.id}:{Did.NOTED}:{by.event_id}", Did.NOTED, by.user_id, "", {"event": by.event_id})
    return Decision(kept, in_room(kept, mark), (act,))


def kept_inside(question: Question, event: ev.MemberWrote) -> Decision:
    """A notice or command of the owner; also a line that they edited into one before its mail left."""
    target = event.relates_to if event.replaces else event.event_id
    if any(line.event_id == target for line in question.draft):
        return _taken_out(question, target)
    if event.replaces and target not in question.internal:
        return said(question, "edit_stays", event.event_id)
    return Decision(replace(question, internal=latest(question.internal, event.event_id)))


def _taken_out(question: Question, event_id: str) -> Decision:
    """A line leaves the draft and becomes a note."""
    draft = tuple(line for line in question.draft if line.event_id != event_id)
    kept = replace(question, draft=draft, internal=latest(question.internal, event_id))
    mark = fx.React(f"{question.id}:note:{event_id}", question.room, event_id, symbol=NOTE)
    return Decision(kept, in_room(kept, unqueued(question, event_id), mark))


def marked_as_note(question: Question, by: By, target: str) -> Decision:
    """The owner put 📝 on a line: it stays inside, if its mail hasn't left."""
    if any(line.event_id == target for line in question.draft):
        act = Act(f"{question.id}:{Did.NOTED}:{target}", Did.NOTED, by.user_id, "", {"event": target})
        return replace(_taken_out(question, target), acts=(act,))
    if target in question.mailed:
        return reply(question, by, "note_too_late")
    return Decision(question)


def edited(question: Question, target: str, line: Line) -> Decision:
    """An edit: it counts before the mail leaves; afterwards it is offered as a correction."""
    if any(drafted.event_id == target for drafted in question.draft):
        draft = tuple(
            replace(line, event_id=target) if drafted.event_id == target else drafted
            for drafted in question.draft
        )
        return Decision(replace(question, draft=draft))
    if target in question.internal:
        return said(question, "edit_internal", line.event_id)
    # Whose fate isn't known any more was mailed, if anything; and nothing goes out by itself.
    return _offered(question, replace(line, event_id=target), line.event_id)


def _offered(question: Question, correction: Line, cause: str) -> Decision:
    """One correction is offered at a time: a tap on an earlier offer must not send what it isn't about."""
    before = question.correction
    other = before is not None and before.event_id != correction.event_id
    told = said(question, "edit_after_sending_instead" if other else "edit_after_sending", cause)
    say = told.effects[0].effect
    effects: tuple[fx.Effect, ...] = (
        fx.React(f"{say.key}:tap", question.room, sent=say.key, symbol=CORRECT),
    )
    if before is not None and question.correction_offer:
        gone = question.correction_offer
        effects = (fx.ClearMark(f"{gone}:redact", question.room, gone), *effects)
    offered = replace(question, correction=correction, correction_offer=say.key)
    return Decision(offered, (*told.effects, *in_room(question, *effects)))


def member_redacted(question: Question, event: ev.MemberRedacted) -> Decision:
    """A line the owner deletes before its mail leaves is not sent; afterwards that is said honestly."""
    if event.author.user_id != question.owner:
        return Decision(question)
    if any(line.event_id == event.redacts for line in question.draft):
        draft = tuple(line for line in question.draft if line.event_id != event.redacts)
        return Decision(replace(question, draft=draft))
    kept = question
    if question.correction is not None and question.correction.event_id == event.redacts:
        kept = replace(question, correction=None)
    if event.redacts in question.mailed:
        return said(kept, "delete_after_sending", event.redacts)
    return Decision(kept)
