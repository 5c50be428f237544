"""Neutral mails to the patient about the question itself: nothing clinical, no names."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.content import Meeting
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


def told_patient(question: Question, message: str, cause: str) -> Decision:
    """The same, on record as something the patient was told of their question."""
    key = f"{question.id}:tell:{message}:{cause}"
    told = tell_patient(question, key, message, {})
    return replace(told, acts=(Act(key, Did.PATIENT_TOLD, COLLOQUE, message),))
