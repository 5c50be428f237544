"""The question that is asked of an expert for an opinion: what differs from a patient's.

It waits, is taken and sealed like any. What would be mailed to a patient is brought to the question that it
is about instead, in one place (:func:`brought_back`); it has no address that a mail could go to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain.acts import Act, Did
from bridge.domain.closing import NO_OFFER, off_the_list, speaking
from bridge.domain.delivery import flushed
from bridge.domain.moves import Speaking
from bridge.domain.opinions import BringBack, OpinionRecalled, Said
from bridge.domain.organisation import Practitioner
from bridge.domain.replies import remind
from bridge.domain.state import (
    Decision,
    Policy,
    Question,
    Status,
    counted_for_all,
    in_room,
    moved,
    said,
)


def to_one(
    new: Question, expert: Practitioner, words: tuple[fx.Effect, ...], now: datetime, act: Act
) -> Decision:
    """It is asked of one expert: theirs from its creation on, so that nobody else is ever asked in."""
    taken = replace(
        new,
        status=Status.TAKEN,
        owner=expert.user_id,
        owner_name=expert.name,
        taken_at=now,
        waits_since=now,
        sealed=True,
    )
    qid, stem = taken.id, taken.stem
    values = {"who": taken.name, "title": taken.title, "reference": taken.reference}
    effects: tuple[fx.Effect, ...] = (
        fx.CreateQuestionRoom(
            f"{stem}:create",
            qid,
            taken.group,
            taken.ghost,
            taken.title,
            taken.reference,
            stem,
            taken.generation,
            taken.owner,
        ),
        fx.JoinGhost(f"{stem}:ghost", qid, taken.ghost, taken.name),
        fx.InviteMembers(f"{stem}:invite", qid, (taken.owner,)),
        *words,
        fx.Say(f"{stem}:taken", qid, "opinion_for_you", expert.language, values, stem=stem),
        fx.ListInSpace(f"{stem}:list", qid, taken.group, suggested=False, stem=stem),
    )
    told = remind(
        taken, taken.owner, expert.language, "opinion_for_you", "asked", urgent=True, who=taken.name
    )
    owned = Act(f"{stem}:taken", Did.TAKEN, taken.owner)
    return Decision(taken, (*in_room(taken, *effects), told), (act, owned))


def asked_in(question: Question, policy: Policy, cause: str) -> tuple[fx.Effect, ...]:
    """Members don't come into such a room by themselves, since one of them may be who asked the origin."""
    if not question.by_invitation:
        return ()
    nobody = (question.asker, question.about)
    groups = (policy.organisation.group(key) for key in question.groups)
    people = dict.fromkeys(m for group in groups if group for m in group.on_duty if m not in nobody)
    return (fx.InviteMembers(f"{question.stem}:invite:{cause}", question.id, tuple(people)),)


def given_back(question: Question, now: datetime, *, actor: str, why: str) -> Decision:
    """The one expert who was asked can't, or doesn't want to: it ends, and goes to nobody else."""
    values = {"who": question.owner_name, "why": why}
    if question.status is not Status.TAKEN:
        return Decision(question, (_back(question, f"gone:{now.timestamp()}", "given_back", values),))
    sent = flushed(question, now)
    assert sent.question is not None
    ended = moved(sent.question, Status.CLOSED, now, **NO_OFFER, correction=None)
    act = Act(f"{ended.id}:{Did.RELEASED}:{ended.turn}", Did.RELEASED, actor, why)
    line = said(ended, "opinion_given_back_here", f"{ended.turn}")
    effects = (
        *line.effects,
        *in_room(ended, speaking(ended, Speaking.REACTIONS)),
        _back(ended, f"given-back:{ended.turn}", "given_back", values),
    )
    return sent.then(Decision(ended, effects, (act,)))


def recalled(question: Question, event: OpinionRecalled, now: datetime) -> Decision:
    """Who asked takes it back: nobody else reads it from now on, and nothing more is said in it.

    One that is over already is closed to its expert, too, for good.
    """
    if question.link is None or question.link.recalled:
        return Decision(question)
    waits = question.status is Status.WAITING
    sent = flushed(question, now)
    assert sent.question is not None
    over = {Status.WAITING: Status.WITHDRAWN, Status.TAKEN: Status.CLOSED}
    status = over.get(question.status, question.status)
    ended = moved(sent.question, status, now, **NO_OFFER, correction=None)
    act = Act(f"{ended.id}:{Did.WITHDRAWN}:{ended.turn}", Did.WITHDRAWN, question.link.user_id)
    ended = replace(ended, link=replace(question.link, recalled=True))
    effects: tuple[fx.Effect, ...] = (
        speaking(ended, Speaking.NOBODY),
        fx.CloseJoin(f"{ended.id}:close-join:{ended.turn}", ended.id),
        fx.HideHistory(f"{ended.id}:hide-history:{ended.turn}", ended.id),
        fx.CloseFormer(
            f"{ended.id}:recalled:{ended.turn}",
            ended.id,
            ended.room,
            ended.ghost,
            ended.language,
            "opinion_recalled",
            {"who": event.who},
        ),
        *(off_the_list(question, ended.turn) if waits else ()),
    )
    counts = counted_for_all(question, f"{ended.id}:recalled:{ended.turn}") if waits else ()
    told = (
        ()
        if not ended.owner
        else (
            remind(
                ended,
                ended.owner,
                ended.language,
                "opinion_recalled",
                f"{ended.turn}",
                urgent=True,
                who=event.who,
            ),
        )
    )
    return sent.then(Decision(ended, (*in_room(ended, *effects), *counts, *told), (act,)))


def not_for(question: Question, person: Practitioner, policy: Policy) -> str:
    """Why it can't be handed to this colleague (locale key of the bot); empty if it can.

    The patient agreed to one expert or one group, and to nobody else.
    """
    if person.user_id == question.asker:
        return "requester_meant"
    if question.link is None:
        return ""
    if question.link.named:
        return "opinion_named"
    if person.user_id == question.about:
        return "opinion_not_theirs"
    group = policy.organisation.group(question.group)
    return "" if group is not None and person.user_id in group.members else "opinion_of_group"


# --- in the place of mail ---


def brought_back(decision: Decision) -> Decision:
    """The decision with its mails as what is told in the question that it is about."""
    question = decision.question
    if question is None or question.link is None:
        return decision
    brought = (*_brought(decision.effects, question), *_set_aside(decision.acts, question))
    return replace(decision, effects=brought)


def _set_aside(done: tuple[Act, ...], question: Question) -> Iterator[fx.Planned]:
    """A patient isn't told that a question of theirs was set aside; a colleague who asks is."""
    assert question.link is not None
    for act in done:
        if act.did == Did.WITHDRAWN and not question.link.recalled:
            yield _back(question, f"withdrawn:{question.turn}", "withdrawn", {"why": act.why})


def _brought(effects: tuple[fx.Planned, ...], question: Question) -> Iterator[fx.Planned]:
    for planned in effects:
        match planned.effect:
            case fx.Answer() as answer:
                at = question.spoke_at.timestamp() if question.spoke_at else 0.0
                given = Said(
                    answer.key,
                    answer.number,
                    answer.owner,
                    answer.owner_name,
                    at,
                    answer.lines,
                    answer.correction,
                )
                yield _back(question, f"answer:{answer.number}", given=given)
            case fx.TellPatient() as tell:
                values = {**tell.values, "who": question.owner_name}
                yield _back(question, f"tell:{tell.key}", tell.message, values)
            case fx.Acknowledge() as acknowledgement:
                if acknowledgement.unattended:
                    yield _back(question, "unattended", "unattended")
            case fx.Suppress():
                continue
            case _:
                yield planned


def _back(
    question: Question,
    cause: str,
    message: str = "",
    values: dict[str, str] | None = None,
    given: Said | None = None,
) -> fx.Planned:
    assert question.link is not None
    brought = BringBack(
        f"{question.id}:back:{cause}", question.id, question.link.origin, message, values or {}, given
    )
    return fx.Planned(brought, f"{question.id}:opinion")
