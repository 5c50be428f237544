"""What the patient does: asking, writing again, and mails that can't be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain import net
from bridge.domain.acts import COLLOQUE, PATIENT, Act, Did
from bridge.domain.closing import reopened_by_patient
from bridge.domain.content import Attachment
from bridge.domain.handing import requeued
from bridge.domain.letters import tell_requester
from bridge.domain.linked import to_one
from bridge.domain.organisation import Practitioner
from bridge.domain.state import (
    POSTED_AFTER_S,
    Decision,
    Policy,
    Question,
    Status,
    counted,
    in_room,
    said,
    thread_of,
)


def asked(question: Question | None, event: ev.QuestionAsked, now: datetime, policy: Policy) -> Decision:
    """A new question: its room, its card, its place in the space, and one acknowledgement."""
    if question is not None:
        return Decision(question)
    new = Question(
        id=event.question_id,
        group=event.group,
        status=Status.WAITING,
        title=event.subject,
        reference=event.reference,
        language=event.language,
        address=event.address,
        name=event.name,
        token=event.token,
        ghost=event.ghost,
        asked_at=now,
        requester=event.requester,
        link=event.link,
        thread=(*thread_of((event.message_id,)), f"{event.question_id}:acknowledge"),
    )
    act = Act(f"{new.id}:asked", Did.ASKED, PATIENT, "", {"group": new.group, **_hashes(event.files)})
    if event.link is not None and event.link.named:
        (user_id,) = event.members
        unknown = Practitioner(user_id, user_id, event.language)
        expert = policy.organisation.practitioner(user_id) or unknown
        words = _patient_effects(new, "first", event.text, event.files, event.problems)
        return to_one(new, expert, words, now, act)
    attended = any(member not in policy.away for member in event.members)
    setup = _setup(new, event, unattended=not attended)
    if event.resumes:
        again = fx.Suppress(f"{new.id}:resume", new.id, new.address, lifted=True, wish=True)
        setup = (again, *setup)
    decided = Decision(
        new, (*in_room(new, *setup), counted(new.group, f"{new.id}:asked", POSTED_AFTER_S)), (act,)
    )
    return decided if attended else decided.then(net.unattended(new, now, policy))


def _hashes(files: tuple[Attachment, ...]) -> dict[str, str]:
    """Which files came, by their SHA-256, or where the homeserver has them."""
    return {"files": ",".join(file.blob or file.mxc for file in files)} if files else {}


def _setup(question: Question, event: ev.QuestionAsked, *, unattended: bool) -> tuple[fx.Effect, ...]:
    qid, group = question.id, question.group
    words = _patient_effects(question, "first", event.text, event.files, event.problems)
    invites: tuple[fx.Effect, ...] = ()
    if event.invite_members and event.members:
        invites = (fx.InviteMembers(f"{qid}:invite", qid, event.members),)
    card = f"{qid}:card"
    # Where nobody comes in uninvited, the card leads nowhere before.
    return (
        fx.CreateQuestionRoom(
            f"{qid}:create",
            qid,
            group,
            question.ghost,
            question.title,
            question.reference,
            by_invitation=question.by_invitation,
        ),
        fx.JoinGhost(f"{qid}:ghost", qid, question.ghost, question.name),
        *words,
        *(invites if question.by_invitation else ()),
        fx.PostCard(card, qid, group, question.title, question.reference, question.language, words[0].key),
        fx.ListInSpace(f"{qid}:list", qid, group, suggested=True),
        *(() if question.by_invitation else invites),
        fx.React(f"{card}:hand", room=f"waiting:{group}", sent=card, symbol="🙋"),
        fx.Acknowledge(
            key=f"{qid}:acknowledge",
            question_id=qid,
            group=group,
            language=question.language,
            address=question.address,
            name=question.name,
            subject=question.title,
            reference=question.reference,
            token=question.token,
            in_reply_to=event.message_id,
            unattended=unattended,
        ),
    )


def _patient_effects(
    question: Question, name: str, text: str, files: tuple[Attachment, ...], problems: tuple[str, ...]
) -> tuple[fx.Effect, ...]:
    """The patient's words, photos and what could not be read, in this order; never empty."""
    qid, exposed, stem = question.id, question.status is Status.WAITING, question.stem
    effects: list[fx.Effect] = []
    if text:
        effects.append(fx.PostText(f"{qid}:{name}:text", qid, question.ghost, text, exposed, stem))
    effects += [
        fx.PostFile(f"{qid}:{name}:file:{n}", qid, question.ghost, file, exposed, stem)
        for n, file in enumerate(files)
    ]
    if problems or not effects:
        values = {"problems": ", ".join(problems) or "empty_body"}
        key = f"{qid}:{name}:problems"
        effects.append(fx.Say(key, qid, "mail_problems", question.language, values, exposed, stem))
    return tuple(effects)


def patient_wrote(question: Question, event: ev.PatientWrote, now: datetime, policy: Policy) -> Decision:
    """The patient's next mail goes into the room, after whatever the room still has to do.

    A closed question goes on with its owner; where there is none to go on, the question waits (again).
    """
    came = back(question, event.input_id, now, policy)
    assert came.question is not None
    current = came.question
    words = _patient_effects(current, event.input_id, event.text, event.files, event.problems)
    changes: dict[str, Any] = {"thread": thread_of((*current.thread, event.message_id))}
    if current.status is Status.TAKEN and current.waits_since is None:
        changes |= {"waits_since": now, "steps": (), "step_at": None}
    act = Act(f"{current.id}:wrote:{event.input_id}", Did.PATIENT_WROTE, PATIENT, "", _hashes(event.files))
    return came.then(Decision(replace(current, **changes), in_room(current, *words), (act,)))


def unheard(question: Question, event: ev.RequesterUnheard) -> Decision:
    """What a requester on Matrix said can't be passed on: they are told, so that they say it otherwise."""
    key = f"{question.id}:unheard:{event.event_id}"
    return Decision(question, tell_requester(question, key, "unsupported", kind=event.kind))


def back(question: Question, input_id: str, now: datetime, policy: Policy) -> Decision:
    """Where the question has to be for someone to see what the patient writes."""
    gone = bool(question.owner) and not policy.reachable(question.owner)
    match question.status:
        case Status.TAKEN if gone:
            code = "absent" if question.owner in policy.away else "left"
            return requeued(question, now, policy, actor=COLLOQUE, why="", code=code)
        case Status.CLOSED | Status.ARCHIVED if gone:
            return requeued(question, now, policy, actor=PATIENT, why="", code="came_back")
        case Status.CLOSED | Status.ARCHIVED:
            opened = reopened_by_patient(question, now)
            return opened.then(said(opened.question or question, "reopened_by_patient", input_id))
        case Status.WITHDRAWN:
            return requeued(question, now, policy, actor=PATIENT, why="", code="came_back")
        case _:
            return Decision(question)


def set_aside(question: Question, event: ev.MailSetAside) -> Decision:
    """A mail is kept but not shown: the room is told what became of it."""
    act = Act(f"{question.id}:aside:{event.input_id}", Did.MAIL_SET_ASIDE, COLLOQUE, event.reason)
    return replace(said(question, f"mail_{event.reason}", event.input_id), acts=(act,))


def unusable(question: Question | None, event: ev.MailUnusable) -> Decision:
    """A mail that can't become a question: its sender is told why."""
    tell = fx.TellSender(
        key=f"{event.input_id}:tell",
        group=event.group,
        language=event.language,
        address=event.address,
        subject=event.subject,
        message=f"unusable_{event.reason}",
        in_reply_to=event.message_id,
    )
    return Decision(question, (fx.Planned(tell, event.input_id),))


def notice_failed(question: Question, event: ev.NoticeFailed) -> Decision:
    """A neutral mail could not be delivered: the room is told, so that somebody reaches the patient."""
    told = said(question, "notice_failed", event.effect_key, reason=event.reason)
    act = Act(f"{event.effect_key}:failed", Did.FAILED, COLLOQUE, event.reason)
    return replace(told, acts=(act,))
