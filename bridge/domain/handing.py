"""Release and hand over: how a question leaves its owner, for the queue or for a colleague.

Either way it moves into a room of its own (``docs/decisions/0009``): the former owner keeps nothing that
later words could hang on, and whoever comes next reads what they should, and no more.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain import video
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.closing import NO_OFFER
from bridge.domain.commands import folded
from bridge.domain.delivery import flushed
from bridge.domain.ending import dropped, kept, known, told_former, told_next
from bridge.domain.letters import told_patient
from bridge.domain.linked import asked_in, given_back, not_for
from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.previews import told_new_owner
from bridge.domain.replay import replayed
from bridge.domain.replies import By, remind, reply
from bridge.domain.state import (
    POSTED_AFTER_S,
    Decision,
    Policy,
    Question,
    Status,
    Undo,
    counted,
    in_room,
    moved,
    said,
)

FRESH_ROOM: dict[str, object] = {
    "exposed": (),
    "had_others": False,
    "unsettled": (),
    "mailed": (),
    "correction": None,
    "chosen": (),
    **NO_OFFER,
}
"""What a question does not take along into its next room."""


def release(question: Question, by: By, why: str, now: datetime, policy: Policy) -> Decision:
    """The owner gives the question back to its group."""
    if question.status is not Status.TAKEN:
        return reply(question, by, "not_taken")
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    if question.link is not None and question.link.named:
        return given_back(question, now, actor=by.user_id, why=why)
    said = reply(question, replace(by, chat=True), "released_here")
    freed = requeued(question, now, policy, actor=by.user_id, why=why, told=False)
    assert freed.question is not None
    until = now + timedelta(seconds=policy.waits.undo_s)
    undo = Undo(Did.RELEASED, by.user_id, by.author.name, question.status, until)
    return said.then(replace(freed, question=replace(freed.question, undo=undo)))


def requeued(
    question: Question,
    now: datetime,
    policy: Policy,
    *,
    actor: str,
    why: str,
    told: bool = True,
    code: str = "owner",
) -> Decision:
    """Back to the queue. ``code`` says what happened, for the group; ``told``: the patient learns it now."""
    if question.link is not None and question.link.named:
        return given_back(question, now, actor=actor, why=why)
    sent = flushed(question, now)
    assert sent.question is not None
    gone = sent.question
    freed = moved(
        gone,
        Status.WAITING,
        now,
        **FRESH_ROOM,
        generation=gone.generation + 1,
        owner="",
        owner_name="",
        taken_at=None,
        sealed=False,
        also="",
        archived_at=None,
        opinions=kept(gone, asked=False),
    )
    act = Act(f"{freed.id}:{Did.RELEASED}:{freed.turn}", Did.RELEASED, actor, why, {"code": code})
    acts = (act, *dropped(gone, freed))
    effects = (*_to_the_queue(gone, freed, policy, why, code), *told_former(gone, freed, policy.organisation))
    moving = Decision(freed, effects, acts)
    done = sent.then(moving)
    if gone.owner and (actor != gone.owner or code == "left_room"):
        lost = remind(gone, gone.owner, gone.language, f"gave_back_{code}", f"{freed.turn}", urgent=True)
        done = done.then(Decision(freed, (lost,)))
    return done.then(told_patient(freed, "released", f"{freed.turn}")) if told else done


def _to_the_queue(
    gone: Question, freed: Question, policy: Policy, why: str, code: str
) -> tuple[fx.Planned, ...]:
    qid, stem, group = freed.id, freed.stem, freed.group
    card = f"{stem}:card"
    reason = {"who": gone.owner_name, "why": why}
    line = fx.SayAll(
        f"{stem}:released", qid, freed.language, (fx.Phrase(f"bot.released_{code}", reason),), True, stem
    )
    effects = (
        _room(freed),
        fx.JoinGhost(f"{stem}:ghost", qid, freed.ghost, freed.name),
        replayed(freed, policy, asked=True, talked=False),
        line,
        *asked_in(freed, policy, "queue"),
        fx.PostCard(card, qid, group, freed.title, freed.reference, freed.language, f"{stem}:asked", stem),
        fx.ListInSpace(f"{stem}:list", qid, group, suggested=True, stem=stem),
        fx.React(f"{card}:hand", room=f"waiting:{group}", sent=card, symbol="🙋"),
        *_leave(gone, freed, "left_released", {}),
    )
    return (*in_room(freed, *effects), counted(group, f"{stem}:asked", POSTED_AFTER_S))


def _room(question: Question, owner: str = "") -> fx.CreateQuestionRoom:
    return fx.CreateQuestionRoom(
        f"{question.stem}:create",
        question.id,
        question.group,
        question.ghost,
        question.title,
        question.reference,
        question.stem,
        question.generation,
        owner,
        question.by_invitation,
    )


def _leave(
    gone: Question, question: Question, message: str, values: dict[str, str]
) -> tuple[fx.CloseFormer, fx.Unlist]:
    former = f"former:{gone.id}:{gone.generation}"
    turn = question.turn
    known = {"title": gone.title, "reference": gone.reference, **values}
    return (
        fx.CloseFormer(f"{gone.id}:leave:{turn}", gone.id, former, gone.ghost, gone.language, message, known),
        fx.Unlist(f"{gone.id}:unlist:{turn}", gone.id, gone.group, gone.stem, former),
    )


# --- to a colleague ---


def colleague(words: str, organisation: Organisation) -> tuple[Practitioner, str] | None:
    """Who is meant (a Matrix ID, its first part, or a name) and what is said after; ``None`` if unclear."""
    first, _, rest = words.strip().partition(" ")
    for person in organisation.practitioners:
        if first.rstrip(",:") in (person.user_id, person.user_id.partition(":")[0]):
            return person, rest.strip()
    said = folded(words.strip().lstrip("@"))
    meant = [(p, length) for p in organisation.practitioners if (length := _named(said, p))]
    best = max((length for _, length in meant), default=0)
    people = [person for person, length in meant if length == best]
    if len(people) != 1:
        return None
    return people[0], words.strip().lstrip("@")[best:].lstrip(" ,:")


NAMED_IN_PART = 3
"""So many letters may tell whom somebody means; more people than these are no help."""


def perhaps(words: str, organisation: Organisation, owner: str) -> str:
    """Who may be meant by a part of a name, and how to write them; empty where that would be a guess."""
    said = folded(words.strip().lstrip("@").partition(" ")[0]).rstrip(",:")
    if len(said) < NAMED_IN_PART:
        return ""
    people = []
    for person in organisation.practitioners:
        local = person.user_id.partition(":")[0]
        parts = folded(f"{person.name} {local[1:]}").replace(".", " ").replace("-", " ").split()
        if person.user_id != owner and any(part.startswith(said) for part in parts):
            people.append(f"{person.name} ({local})")
    return ", ".join(people) if len(people) <= NAMED_IN_PART else ""


def _named(said: str, person: Practitioner) -> int:
    """How many signs of what was said name this person: the full name, the name without title, the last."""
    words = folded(person.name).split()
    forms = [" ".join(words[start:]) for start in range(len(words))]
    forms.append(folded(person.user_id[1:].partition(":")[0]))
    return max(
        (len(form) for form in forms if f"{said} ".startswith((f"{form} ", f"{form},", f"{form}:"))),
        default=0,
    )


def hand_over(question: Question, by: By, words: str, now: datetime, policy: Policy) -> Decision:
    """Offer the question to a colleague; until they accept nothing changes."""
    if question.status is not Status.TAKEN:
        return reply(question, by, "not_taken")
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    meant = colleague(words, policy.organisation)
    if meant is None:
        people = perhaps(words, policy.organisation, question.owner)
        return reply(question, by, "who_perhaps" if people else "who_is_meant", people=people)
    person, why = meant
    if person.user_id == question.owner:
        return reply(question, by, "who_is_meant")
    if refusal := not_for(question, person, policy):
        return reply(question, by, refusal, who=person.name)
    if person.user_id in policy.away:
        return reply(question, by, "colleague_away", who=person.name)
    if question.offered_to == person.user_id:
        return reply(question, by, "already_offered", who=person.name)
    turn = question.turn + 1
    offered = replace(
        question, turn=turn, offered_to=person.user_id, offered_name=person.name, offered_at=now, undo=None
    )
    values = {
        "who": question.owner_name,
        "title": question.title,
        "reference": question.reference,
        "why": why,
    }
    offer = fx.Offer(f"{question.id}:offer:{turn}", question.id, person.user_id, person.language, values)
    act = Act(f"{question.id}:{Did.OFFERED}:{turn}", Did.OFFERED, by.user_id, why, {"to": person.user_id})
    made = Decision(offered, (fx.Planned(offer, f"bot:{person.user_id}"),), (act,))
    return made.then(reply(offered, by, "offered", who=person.name))


def accept(question: Question, by: By, _why: str, now: datetime, policy: Policy) -> Decision:
    """The colleague takes it: a room of their own, with all that was said, and the former owner is out."""
    if question.status is Status.TAKEN and question.owner == by.user_id:
        return reply(question, by, "yours_already")
    if question.status is not Status.TAKEN or question.offered_to != by.user_id:
        return reply(question, by, "no_offer")
    sent = flushed(question, now)
    assert sent.question is not None
    gone = sent.question
    taken = moved(
        gone,
        Status.TAKEN,
        now,
        **FRESH_ROOM,
        generation=gone.generation + 1,
        owner=by.user_id,
        owner_name=by.author.name,
        taken_at=now,
        sealed=True,
        waits_since=gone.waits_since,
        opinions=kept(gone, asked=True),
    )
    act = Act(
        f"{taken.id}:{Did.HANDED_OVER}:{taken.turn}", Did.HANDED_OVER, by.user_id, "", {"from": gone.owner}
    )
    former = remind(
        gone, gone.owner, gone.language, "handed_over", f"{taken.turn}", urgent=True, who=by.author.name
    )
    moved_in = in_room(taken, *_to_the_colleague(gone, taken, now, policy))
    ended = told_former(gone, taken, policy.organisation)
    moving = Decision(taken, (*moved_in, former, *ended), (act, *dropped(gone, taken)))
    told = told_patient(known(taken), "handed_over", f"{taken.turn}")
    assert told.question is not None
    return sent.then(moving).then(told).then(reply(told.question, replace(by, chat=True), "accepted"))


def _to_the_colleague(
    gone: Question, taken: Question, now: datetime, policy: Policy
) -> tuple[fx.Effect, ...]:
    qid, stem = taken.id, taken.stem
    values = {"who": gone.owner_name, "owner": taken.owner_name, "asker": taken.name}
    owner = policy.organisation.practitioner(taken.owner)
    language = owner.language if owner else taken.language
    return (
        _room(taken, taken.owner),
        fx.JoinGhost(f"{stem}:ghost", qid, taken.ghost, taken.name),
        fx.InviteMembers(f"{stem}:invite", qid, (taken.owner,)),
        replayed(taken, policy, asked=True, talked=True),
        fx.Say(f"{stem}:taken", qid, f"{taken.addressed}taken_over", taken.language, values),
        *video.told_new_owner(taken, now, policy),
        *told_new_owner(taken, gone.owner_name, language),
        *told_next(taken, language),
        fx.ListInSpace(f"{stem}:list", qid, taken.group, suggested=False, stem=stem),
        *_leave(gone, taken, "left_handed_over", {"owner": taken.owner_name}),
    )


def decline(question: Question, by: By, why: str, _now: datetime, _policy: Policy) -> Decision:
    """The colleague doesn't take it, or the owner takes the offer back."""
    if not question.offered_to or by.user_id not in (question.offered_to, question.owner):
        return reply(question, by, "no_offer")
    who = question.offered_name
    act = Act(f"{question.id}:{Did.DECLINED}:{question.turn}", Did.DECLINED, by.user_id, why)
    kept = Decision(replace(question, **NO_OFFER), (), (act,))  # type: ignore[arg-type]
    assert kept.question is not None
    if by.user_id == question.owner:
        return kept.then(reply(kept.question, by, "offer_withdrawn", who=who))
    return kept.then(_stays(kept.question, "offer_declined", who, why)).then(
        reply(kept.question, by, "declined")
    )


def expired(question: Question, _now: datetime, _policy: Policy) -> Decision:
    """Nobody answered the offer in time: the owner keeps the question."""
    act = Act(
        f"{question.id}:{Did.EXPIRED}:{question.turn}", Did.EXPIRED, COLLOQUE, "", {"to": question.offered_to}
    )
    kept = replace(question, **NO_OFFER)  # type: ignore[arg-type]
    return Decision(kept, (), (act,)).then(_stays(kept, "offer_expired", question.offered_name))


def _stays(question: Question, message: str, who: str, why: str = "") -> Decision:
    """The owner learns that it stays theirs: in the question, where they wait for it, and in their chat."""
    turn, values = f"{question.turn}", {"who": who, "why": why}
    line = said(question, message, turn, title=question.title, reference=question.reference, **values)
    told = remind(question, question.owner, question.language, message, turn, urgent=True, **values)
    return line.then(Decision(question, (told,)))


# --- an owner who is gone ---


def owner_gone(question: Question, user_id: str, reason: str, now: datetime, policy: Policy) -> Decision:
    """The owner can't look after it: it goes back, unless nothing waits for someone who is only absent."""
    here_again = reason == "left" and policy.organisation.practitioner(user_id) is not None
    if question.owner != user_id or here_again:
        return Decision(question)
    if question.status is not Status.TAKEN:
        return _shut_out(question) if reason == "left" else Decision(question)
    if reason == "absent" and question.waits_since is None:
        return Decision(question)
    return requeued(question, now, policy, actor=COLLOQUE, why="", code=reason)


def _shut_out(question: Question) -> Decision:
    """What is over stays theirs on record, but they are out of its room; coming back, they reopen it."""
    key = f"{question.id}:shut-out:{question.turn}"
    message = "left_organisation"
    out = fx.CloseFormer(key, question.id, question.room, question.ghost, question.language, message)
    return Decision(question, in_room(question, out))


def member_left(question: Question, event: ev.MemberLeft, now: datetime, policy: Policy) -> Decision:
    """The owner left the room, or deactivated their account."""
    if event.generation not in (0, question.generation):
        return Decision(question)
    if question.status is not Status.TAKEN or question.owner != event.author.user_id:
        return Decision(question)
    return requeued(question, now, policy, actor=question.owner, why="", code="left_room")
