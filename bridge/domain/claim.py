"""The claim: who takes a question, and how the room closes around the owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Act, Did
from bridge.domain.content import Line
from bridge.domain.state import Decision, Question, Status, counted, in_room


def hand_raised(question: Question, event: ev.HandRaised, now: datetime) -> Decision:
    """The first raised hand of a member takes the question; later ones learn who has it."""
    if question.status is Status.WAITING:
        if event.author.standing is ev.Standing.MEMBER:
            return claimed(question, event.author, now)
        return Decision(question, (hand_back(question, event.author, event.event_id, "not_member", None),))
    if event.author.user_id == question.owner or event.author.standing is ev.Standing.STRANGER:
        return Decision(question)
    return Decision(question, (hand_back(question, event.author, event.event_id, "hand_second", None),))


def claimed(question: Question, author: ev.Author, now: datetime) -> Decision:
    """The question as owned by this author, and what seals it.

    Two authors may both get here from the same waiting question: the storage writes only the first.
    """
    taken = replace(
        question,
        status=Status.TAKEN,
        owner=author.user_id,
        owner_name=author.name,
        taken_at=now,
        sealed=False,
    )
    effects = (*in_room(taken, *_seal(taken, now)), counted(taken.group, f"{taken.id}:taken"))
    return Decision(taken, effects, (Act(f"{taken.id}:taken", Did.TAKEN, author.user_id),))


def _seal(taken: Question, now: datetime) -> tuple[fx.Effect, ...]:
    """Close the room around the owner, in the order in which nobody loses a keystroke or learns more."""
    qid, owner, ghost = taken.id, taken.owner, taken.ghost
    lock, removal = f"{qid}:lock", f"{qid}:remove"
    values = {"owner": taken.owner_name}
    return (
        fx.Lock(lock, qid, owner, ghost),
        fx.CloseJoin(f"{qid}:close-join", qid),
        fx.HideHistory(f"{qid}:hide-history", qid),
        fx.RemoveOthers(removal, qid, owner, taken.owner_name, ghost, taken.language),
        fx.CoverExposed(f"{qid}:cover", qid, owner, taken.owner_name, ghost, removal, now.timestamp()),
        fx.GrantOwner(f"{qid}:grant", qid, owner, ghost, lock),
        fx.RedactOwn(f"{qid}:card:redact", f"waiting:{taken.group}", f"{qid}:card"),
        fx.ListInSpace(f"{qid}:unsuggest", qid, taken.group, suggested=False),
        fx.Say(f"{qid}:taken", qid, "taken", taken.language, values),
    )


def sealed(question: Question, event: ev.SealCompleted) -> Decision:
    """The room is the owner's and the patient's; what hangs on an event others saw is taken back."""
    covered_already = {original for original, _ in event.exposed}
    settled = replace(question, sealed=True, exposed=event.exposed, had_others=event.others, unsettled=())
    effects: list[fx.Planned] = []
    for event_id, _, line in question.unsettled:
        if event.others and event_id not in covered_already:
            effects += covered(question, event_id, line)
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
