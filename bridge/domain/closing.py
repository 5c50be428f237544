"""Closing, reopening, archiving, setting aside, and taking the last of these back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.domain import effects as fx
from bridge.domain.acts import COLLOQUE, PATIENT, Act, Did
from bridge.domain.claim import claimed
from bridge.domain.delivery import flushed
from bridge.domain.moves import Speaking
from bridge.domain.replies import By, reply
from bridge.domain.state import Decision, Policy, Question, Status, Undo, counted_for_all, in_room, moved

REOPEN, BACK = "🔓", "↩️"
"""The marks on the bot's line about a closed question: one tap reopens it, or takes the closing back."""


def close(question: Question, by: By, why: str, now: datetime, policy: Policy) -> Decision:
    """The owner has finished: nobody writes any more, and the patient is told when it can't be undone."""
    if question.status in (Status.CLOSED, Status.ARCHIVED):
        return reply(question, by, "already_closed")
    if refusal := _not_owner(question, by):
        return refusal
    sent = flushed(question, now)
    assert sent.question is not None
    undo = _undoable(Did.CLOSED, by, question, now, policy)
    closed = moved(sent.question, Status.CLOSED, now, undo=undo, **NO_OFFER, correction=None)
    line = fx.SayAll(
        f"{question.id}:closed:{closed.turn}",
        question.id,
        by.author.language,
        (fx.Phrase("bot.closed", {"reference": question.reference, "owner": question.owner_name}),),
    )
    marks = (
        fx.React(f"{line.key}:back", closed.room, sent=line.key, symbol=BACK),
        fx.React(f"{line.key}:reopen", closed.room, sent=line.key, symbol=REOPEN),
    )
    effects = in_room(closed, line, *marks, speaking(closed, Speaking.REACTIONS))
    act = Act(f"{question.id}:{Did.CLOSED}:{closed.turn}", Did.CLOSED, by.user_id, why)
    told = Decision(closed, effects, (act,))
    return sent.then(told.then(reply(closed, by, "closed_here")) if by.chat else told)


def reopen(question: Question, by: By, _why: str, now: datetime, policy: Policy) -> Decision:
    """The owner goes on."""
    if question.status not in (Status.CLOSED, Status.ARCHIVED):
        return reply(question, by, "not_closed")
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    if question.link is not None and question.link.recalled:
        return reply(question, by, "opinion_recalled", who=question.name)
    opened = _opened(question, now, by.user_id, "")
    return opened.then(reply(opened.question or question, by, "reopened"))


def reopened_by_patient(question: Question, now: datetime) -> Decision:
    """A mail of the patient came for a closed question whose owner is there: they go on."""
    return _opened(question, now, PATIENT, "")


def _opened(question: Question, now: datetime, actor: str, why: str, did: str = Did.REOPENED) -> Decision:
    opened = moved(question, Status.TAKEN, now, archived_at=None)
    effects: list[fx.Effect] = [speaking(opened, Speaking.OWNER)]
    if question.status is Status.ARCHIVED:
        key = f"{question.id}:relist:{opened.turn}"
        effects.append(fx.ListInSpace(key, question.id, question.group, suggested=False, stem=question.stem))
    # Whoever left the room meanwhile finds the way back; for everyone else this changes nothing.
    effects.append(fx.InviteMembers(f"{question.id}:ask-in:{opened.turn}", question.id, (question.owner,)))
    act = Act(f"{question.id}:{did}:{opened.turn}", did, actor, why)
    return Decision(opened, in_room(opened, *effects), (act,))


def archive(question: Question, by: By, why: str, now: datetime, policy: Policy) -> Decision:
    """Out of sight; whoever archives an open question closes it first."""
    if question.status is Status.ARCHIVED:
        return reply(question, by, "already_archived")
    if question.status is Status.TAKEN:
        closed = close(question, replace(by, chat=False), why, now, policy)
        if closed.question is None or closed.question.status is not Status.CLOSED:
            return closed
        return closed.then(archive(closed.question, by, why, now, policy))
    if question.status is not Status.CLOSED or by.user_id != question.owner:
        return reply(question, by, "owner_only_here" if question.owner else "not_closed")
    # What the closing had still to tell the patient is not told twice, and not forgotten either.
    told = "told" in question.steps
    put = _archived(question, now, by.user_id, why)
    assert put.question is not None
    undo = _undoable(Did.ARCHIVED, by, question, now, policy)
    kept = replace(put.question, undo=undo, steps=("told",) if told else ())
    return replace(put, question=kept).then(reply(kept, by, "archived"))


def archived_by_time(question: Question, now: datetime, _policy: Policy) -> Decision:
    """A closed question that nobody came back to."""
    put = _archived(question, now, COLLOQUE, "")
    assert put.question is not None
    return replace(put, question=replace(put.question, steps=("told",)))


def _archived(question: Question, now: datetime, actor: str, why: str) -> Decision:
    put = moved(question, Status.ARCHIVED, now, archived_at=now)
    unlist = fx.Unlist(
        f"{question.id}:unlist:{put.turn}", question.id, question.group, question.stem, question.room
    )
    act = Act(f"{question.id}:{Did.ARCHIVED}:{put.turn}", Did.ARCHIVED, actor, why)
    return Decision(put, in_room(put, unlist), (act,))


def withdraw(question: Question, by: By, why: str, now: datetime, _policy: Policy) -> Decision:
    """A member of the group sets a waiting question aside: spam, a double, or settled elsewhere."""
    if question.status is not Status.WAITING:
        return reply(question, by, "not_waiting")
    phrase = fx.Phrase("bot.withdrawn", {"who": by.author.name, "why": why})
    return _withdrawn(question, phrase, by.user_id, why, now)


def withdrawn_by_patient(question: Question, now: datetime) -> Decision:
    """The patient needs no answer to their waiting question any more."""
    return _withdrawn(question, fx.Phrase("bot.withdrawn_by_patient"), PATIENT, "", now)


def _withdrawn(question: Question, phrase: fx.Phrase, actor: str, why: str, now: datetime) -> Decision:
    gone = moved(question, Status.WITHDRAWN, now)
    key = f"{question.id}:withdrawn:{gone.turn}"
    line = fx.SayAll(key, question.id, question.language, (phrase,), True, question.stem)
    effects = in_room(gone, line, speaking(gone, Speaking.NOBODY), *off_the_list(question, gone.turn))
    act = Act(f"{question.id}:{Did.WITHDRAWN}:{gone.turn}", Did.WITHDRAWN, actor, why)
    counts = counted_for_all(question, f"{question.id}:withdrawn:{gone.turn}")
    return Decision(gone, (*effects, *counts), (act,))


def off_the_list(question: Question, turn: int) -> tuple[fx.Effect, ...]:
    """A waiting question's cards and its place in the listing go."""
    qid, stem = question.id, question.stem
    card, also = f"{stem}:card", question.also
    return (
        fx.RedactOwn(f"{card}:redact", f"waiting:{question.group}", card),
        *((fx.RedactOwn(f"{card}:also:redact", f"waiting:{also}", f"{card}:also"),) if also else ()),
        fx.Unlist(f"{qid}:unlist:{turn}", qid, question.group, stem, question.room),
    )


def undo(question: Question, by: By, _why: str, now: datetime, policy: Policy) -> Decision:
    """Take the last act back, within its time."""
    last = question.undo
    if last is None or last.by != by.user_id:
        return reply(question, by, "nothing_to_undo")
    if now > last.until:
        return reply(question, by, "too_late_to_undo")
    if last.did == Did.RELEASED:
        if question.status is not Status.WAITING:
            return reply(question, by, "too_late_to_undo")
        taken = claimed(question, replace(by.author, name=last.by_name), now)
    elif last.did == Did.ARCHIVED:
        again = moved(question, last.before, now, archived_at=None, steps=question.steps)
        key = f"{question.id}:relist:{again.turn}"
        listed = fx.ListInSpace(key, question.id, question.group, suggested=False, stem=question.stem)
        taken = Decision(again, in_room(again, listed))
    else:
        taken = replace(_opened(question, now, by.user_id, ""), acts=())
    assert taken.question is not None
    act = Act(
        f"{question.id}:{Did.UNDONE}:{taken.question.turn}", Did.UNDONE, by.user_id, "", {"act": last.did}
    )
    undone = "undone_release" if last.did == Did.RELEASED else "undone"
    return replace(taken, acts=(*taken.acts, act)).then(reply(taken.question, by, undone))


def speaking(question: Question, who: Speaking) -> fx.SetSpeaking:
    """Who may write in the room from this transition on."""
    key = f"{question.id}:speaking:{question.turn}"
    return fx.SetSpeaking(key, question.id, question.stem, question.ghost, question.owner, who)


def _undoable(did: str, by: By, question: Question, now: datetime, policy: Policy) -> Undo:
    until = now + timedelta(seconds=policy.waits.undo_s)
    return Undo(did, by.user_id, by.author.name, question.status, until)


def _not_owner(question: Question, by: By) -> Decision | None:
    if question.status is not Status.TAKEN:
        return reply(question, by, "not_taken")
    return reply(question, by, "owner_only_here") if by.user_id != question.owner else None


NO_OFFER: dict[str, object] = {"offered_to": "", "offered_name": "", "offered_at": None}
