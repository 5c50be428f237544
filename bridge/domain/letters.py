"""Neutral mails to the patient about the question itself: nothing clinical, no names."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.content import Meeting
from bridge.domain.drafting import TellRequester, asked_key
from bridge.domain.state import Decision, Question, in_room, thread_of

CONSENT = "consent"
"""The notice that asks for the patient's consent to another expert's opinion."""


def tell_patient(
    question: Question, key: str, message: str, values: dict[str, str], meeting: Meeting | None = None
) -> Decision:
    """One neutral mail in the question's thread (``message``: locale key in ``[mail]``).

    A requester on Matrix reads it in their room (see :mod:`bridge.domain.medium`).
    """
    tell = fx.TellPatient(
        key=key,
        question_id=question.id,
        group=question.group,
        language=question.mail_language,
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


def tell_requester(question: Question, key: str, message: str, **values: str) -> tuple[fx.Planned, ...]:
    """A line in the room of a requester on Matrix (``message``: key in ``[asked]``), where there is one.

    It is no part of the thread: what they answer next is still to what was said to them before.
    """
    if not question.requester:
        return ()
    tell = TellRequester(key, question.id, question.mail_language, message, values)
    return (fx.Planned(tell, asked_key(question.id)),)


def told_patient(question: Question, message: str, cause: str) -> Decision:
    """The same, on record as something the patient was told of their question."""
    key = f"{question.id}:tell:{message}:{cause}"
    told = tell_patient(question, key, message, {})
    return replace(told, acts=(Act(key, Did.PATIENT_TOLD, COLLOQUE, message),))
