"""The claim: who takes a question, and how the room closes around the owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain import video
from bridge.domain.acts import Act, Did
from bridge.domain.content import Line
from bridge.domain.replay import replayed
from bridge.domain.state import (
    SEAL_FIRST_S,
    Decision,
    Policy,
    Question,
    Status,
    counted_for_all,
    in_room,
    moved,
)


def hand_raised(question: Question, event: ev.HandRaised, now: datetime) -> Decision:
    """The first raised hand of a member takes the question; later ones learn who has it."""
    if event.generation not in (0, question.generation):
        return Decision(question)
    if question.status is Status.WAITING:
        reason = why_not(question, event.author)
        if not reason:
            return claimed(question, event.author, now)
        return Decision(question, (hand_back(question, event.author, event.event_id, reason, None),))
    if event.author.user_id == question.owner or event.author.standing is ev.Standing.STRANGER:
        return Decision(question)
    return Decision(question, (hand_back(question, event.author, event.event_id, "hand_second", None),))


def why_not(question: Question, author: ev.Author) -> str:
    """Why this author may not take a waiting question (locale key of the bot); empty if they may."""
    if author.user_id == question.asker:
        return "own_question"
    if question.about and author.user_id == question.about:
        return "about_own_question"
    return "" if author.standing is ev.Standing.MEMBER else "not_member"


def claimed(question: Question, author: ev.Author, now: datetime) -> Decision:
    """The question as owned by this author, and what seals it.

    Two authors may both get here from the same waiting question: the storage writes only the first.
    """
    taken = moved(
        question,
        Status.TAKEN,
        now,
        owner=author.user_id,
        owner_name=author.name,
        taken_at=now,
        sealed=False,
        waits_since=now,
    )
    counts = counted_for_all(taken, f"{taken.stem}:taken", SEAL_FIRST_S)
    effects = (*in_room(taken, *_seal(taken, now)), *counts)
    return Decision(taken, effects, (Act(f"{taken.stem}:taken", Did.TAKEN, author.user_id),))


def _seal(taken: Question, now: datetime) -> tuple[fx.Effect, ...]:
    """Close the room around the owner, in the order in which nobody loses a keystroke or learns more."""
    qid, stem, owner, ghost = taken.id, taken.stem, taken.owner, taken.ghost
    lock, removal = f"{stem}:lock", f"{stem}:remove"
    values = {"owner": taken.owner_name, "who": taken.name}
    return (
        fx.Lock(lock, qid, owner, ghost, stem, bool(taken.also)),
        fx.CloseJoin(f"{stem}:close-join", qid),
        fx.HideHistory(f"{stem}:hide-history", qid),
        fx.RemoveOthers(removal, qid, owner, taken.owner_name, ghost, taken.language, lock=lock),
        fx.CoverExposed(
            f"{stem}:cover", qid, owner, taken.owner_name, ghost, removal, now.timestamp(), taken.generation
        ),
        fx.GrantOwner(f"{stem}:grant", qid, owner, ghost, lock, stem),
        *_off_the_list(taken),
        fx.Say(f"{stem}:taken", qid, f"{taken.addressed}taken", taken.language, values),
    )


def _off_the_list(taken: Question) -> tuple[fx.Effect, ...]:
    """The cards go; the group's space keeps the room of an open question, and suggests it no more."""
    qid, stem = taken.id, taken.stem
    card = f"{stem}:card"
    own: tuple[fx.Effect, ...] = (
        fx.RedactOwn(f"{card}:redact", f"waiting:{taken.group}", card),
        fx.ListInSpace(f"{stem}:unsuggest", qid, taken.group, suggested=False, stem=stem),
    )
    if not taken.also:
        return own
    return (*own, fx.RedactOwn(f"{card}:also:redact", f"waiting:{taken.also}", f"{card}:also"))


def sealed(question: Question, event: ev.SealCompleted, now: datetime, policy: Policy) -> Decision:
    """The room is the owner's and the patient's; what hangs on an event others saw is taken back."""
    if event.generation != question.generation or question.sealed:
        return Decision(question)
    covered_already = {original for original, _ in event.exposed}
    settled = replace(question, sealed=True, exposed=event.exposed, had_others=event.others, unsettled=())
    effects: list[fx.Planned] = []
    for event_id, _, line in question.unsettled:
        if event.others and event_id not in covered_already:
            effects += covered(question, event_id, line)
    if question.generation > 1:
        effects += in_room(question, replayed(question, policy, asked=False, talked=True))
        effects += in_room(question, *video.told_new_owner(question, now, policy))
    return Decision(settled, tuple(effects))


def covered(question: Question, event_id: str, line: Line | None) -> tuple[fx.Planned, ...]:
    """Take back an owner's event that hangs on one others could read; the bridge quotes its words."""
    qid = question.id
    effects: list[fx.Effect] = [fx.RedactEvent(f"{qid}:redact:{event_id}", qid, event_id)]
    if line is not None:
        effects.append(fx.PutBack(f"{qid}:put-back:{event_id}", qid, question.owner_name, line))
    return in_room(question, *effects)


def hand_back(
    question: Question, author: ev.Author, event_id: str, message: str, line: Line | None
) -> fx.Planned:
    """Someone's own words go back to their bot chat (``message``: locale key saying why)."""
    values = {"owner": question.owner_name, "title": question.title, "reference": question.reference}
    key = f"{question.id}:hand-back:{event_id}"
    effect = fx.HandBack(key, author.user_id, message, author.language, line, values)
    return fx.Planned(effect, f"bot:{author.user_id}")
