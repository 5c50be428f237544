"""What the patient does: asking, writing again, and mails that can't be used."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, PATIENT, Act, Did
from bridge.domain.content import Attachment, Meeting
from bridge.domain.state import Decision, Question, Status, counted, in_room, said, thread_of


def asked(question: Question | None, event: ev.QuestionAsked, now: datetime) -> Decision:
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
        thread=(*thread_of((event.message_id,)), f"{event.question_id}:acknowledge"),
    )
    setup = _setup(new, event)
    act = Act(f"{new.id}:asked", Did.ASKED, PATIENT, "", {"group": new.group, **_hashes(event.files)})
    return Decision(new, (*in_room(new, *setup), counted(new.group, f"{new.id}:asked")), (act,))


def _hashes(files: tuple[Attachment, ...]) -> dict[str, str]:
    """Which files came, by their SHA-256."""
    return {"files": ",".join(file.blob for file in files)} if files else {}


def _setup(question: Question, event: ev.QuestionAsked) -> tuple[fx.Effect, ...]:
    qid, group = question.id, question.group
    words = _patient_effects(question, "first", event.text, event.files, event.problems)
    invites: tuple[fx.Effect, ...] = ()
    if event.invite_members and event.members:
        invites = (fx.InviteMembers(f"{qid}:invite", qid, event.members),)
    card = f"{qid}:card"
    return (
        fx.CreateQuestionRoom(
            f"{qid}:create", qid, group, question.ghost, question.title, question.reference
        ),
        fx.JoinGhost(f"{qid}:ghost", qid, question.ghost, question.name),
        *words,
        fx.PostCard(card, qid, group, question.title, question.reference, question.language, words[0].key),
        fx.ListInSpace(f"{qid}:list", qid, group, suggested=True),
        *invites,
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
            unattended=not event.members,
        ),
    )


def _patient_effects(
    question: Question, name: str, text: str, files: tuple[Attachment, ...], problems: tuple[str, ...]
) -> tuple[fx.Effect, ...]:
    """The patient's words, photos and what could not be read, in this order; never empty."""
    qid, exposed = question.id, question.status is Status.WAITING
    effects: list[fx.Effect] = []
    if text:
        effects.append(fx.PostText(f"{qid}:{name}:text", qid, question.ghost, text, exposed))
    effects += [
        fx.PostFile(f"{qid}:{name}:file:{n}", qid, question.ghost, file, exposed)
        for n, file in enumerate(files)
    ]
    if problems or not effects:
        values = {"problems": ", ".join(problems) or "empty_body"}
        key = f"{qid}:{name}:problems"
        effects.append(fx.Say(key, qid, "mail_problems", question.language, values, exposed))
    return tuple(effects)


def patient_wrote(question: Question, event: ev.PatientWrote) -> Decision:
    """The patient's next mail goes into the room, after whatever the room still has to do."""
    words = _patient_effects(question, event.input_id, event.text, event.files, event.problems)
    thread = thread_of((*question.thread, event.message_id))
    act = Act(f"{question.id}:wrote:{event.input_id}", Did.PATIENT_WROTE, PATIENT, "", _hashes(event.files))
    return Decision(replace(question, thread=thread), in_room(question, *words), (act,))


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


def tell_patient(
    question: Question, key: str, message: str, values: dict[str, str], meeting: Meeting | None = None
) -> Decision:
    """One neutral mail in the question's thread (``message``: locale key in ``[mail]``).

    A requester without an address is in the room, and reads there what the bot says.
    """
    if not question.address:
        return Decision(question)
    tell = fx.TellPatient(
        key=key,
        question_id=question.id,
        group=question.group,
        language=question.language,
        address=question.address,
        name=question.name,
        subject=question.title,
        reference=question.reference,
        token=question.token,
        message=message,
        references=question.thread,
        values=values,
        meeting=meeting,
    )
    return Decision(replace(question, thread=thread_of((*question.thread, key))), in_room(question, tell))
