"""What a patient asks of the service itself: where their question stands, no more e-mails, another language.

Words are an errand only when a mail says nothing else; what might be an answer to the practitioner never is.
And whatever was taken for an errand stands in the room with the patient's words: nothing is eaten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain.acts import PATIENT, Act, Did
from bridge.domain.arriving import AnswerLinkAsked, Errand, ErrandAsked
from bridge.domain.closing import withdrawn_by_patient
from bridge.domain.commands import folded
from bridge.domain.delivery import STOPPED
from bridge.domain.letters import tell_patient, told_patient
from bridge.domain.state import Decision, Question, Status, in_room, said, thread_of

ANSWER_AGAIN = "answer_again"
"""The notice that carries another link to an answer."""
LONGEST = 200
"""Characters; whoever writes more says more than this."""
TITLES = ("m", "mme", "mlle", "monsieur", "madame", "mr", "mrs", "ms")
BY_LINK = "🔗"
"""Shown in the room instead of words."""

_MAIL = re.compile(r"\be ?mails?\b|\bcourriels?\b|\bmails?\b")
_POLITE = re.compile(
    r"\b(?:bonjour|bonsoir|hello|hi|dear|madame|monsieur|docteur|doctor|dr|sir|madam"
    r"|s il (?:vous|te) plait|svp|please|merci(?: (?:beaucoup|d avance|bien))?|thank you|thanks|many"
    r"|(?:bien |tres )?cordialement|bonne (?:journee|soiree)|(?:best |kind )?regards)\b"
)
_WORDS: dict[Errand, tuple[str, ...]] = {
    Errand.STATUS: (
        r"(?:le )?statut(?: de ma (?:question|demande))?",
        r"(?:l )?etat de ma (?:question|demande)",
        r"ou en est ma (?:question|demande)",
        r"(?:what is |what s )?(?:the )?status(?: of my question)?",
        r"where (?:is|does) my question(?: stand)?",
    ),
    Errand.WITHDRAW: (
        r"(?:je (?:veux|voudrais|souhaite|desire) )?(?:retirer|annuler) ma (?:question|demande)",
        r"(?:je retire|j annule|retirez|annulez) ma (?:question|demande)",
        r"(?:i |i want to |i would like to |i d like to )?(?:withdraw|cancel) my question",
    ),
    Errand.STOP: (
        r"(?:stop|arret|arreter|arretez)(?: (?:les|aux|des|the|de|d))? mail",
        r"(?:je ne veux |je ne souhaite |ne )?plus (?:recevoir )?(?:de|d|aucun|vos) mail",
        r"(?:me |se )?(?:desabonner|desinscrire)|(?:desabonnez|desinscrivez) moi",
        r"desabonnement|desinscription",
        r"unsubscribe(?: me)?|no more mail|stop sending me mail",
    ),
    Errand.FRENCH: (r"(?:in |en )?(?:francais|french)",),
    Errand.ENGLISH: (r"(?:in |en )?(?:anglais|english)",),
}
_ERRANDS = {
    errand: re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    for errand, patterns in _WORDS.items()
}


def errand_in(text: str, name: str = "") -> Errand | None:
    """The errand that this text is, and nothing but: greetings, thanks and the writer's own name don't count.

    A bare « stop » may be an answer (to « go on or stop the cream? »), and only the usual STOP in capital
    letters is an errand; so is whatever names e-mails.
    """
    if len(text) > LONGEST:
        return None
    if re.sub(r"[\s.!]+", "", text) == "STOP":
        return Errand.STOP
    own = {*_plain(name).split(), *TITLES} if name else set()
    lines = (_plain(line) for line in text.splitlines())
    kept = " ".join(line for line in lines if not own or not set(line.split()) <= own)
    words = " ".join(_POLITE.sub(" ", _MAIL.sub("mail", kept)).split())
    return next((errand for errand, pattern in _ERRANDS.items() if pattern.fullmatch(words)), None)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", folded(text)).split())


def errand_asked(question: Question, event: ErrandAsked, now: datetime) -> Decision:
    """Do it, answer the patient in neutral words, and let whoever reads the room know.

    An errand is no message: it reopens nothing, and nobody waits for an answer because of it.
    """
    known = replace(question, thread=thread_of((*question.thread, event.message_id)))
    return _DONE[event.errand](known, event, now)


def link_asked(question: Question, event: AnswerLinkAsked) -> Decision:
    """Another link to an answer goes to the patient's own address, whoever asked for it."""
    key = f"{question.id}:tell:{ANSWER_AGAIN}:{event.input_id}"
    return tell_patient(question, key, ANSWER_AGAIN, {"number": str(event.number)})


def _answered(question: Question, event: ErrandAsked, message: str) -> Decision:
    """One mail in answer, unless a page has said it."""
    if event.by_link:
        return Decision(question)
    return told_patient(question, f"errand_{message}", event.input_id)


def _shown(decision: Decision, event: ErrandAsked, message: str) -> Decision:
    assert decision.question is not None
    words = BY_LINK if event.by_link else event.words
    return decision.then(said(decision.question, f"errand_{message}", event.input_id, words=words))


def stands(question: Question) -> str:
    """What a patient is told of where the question stands: the end of a locale key."""
    over = (Status.CLOSED, Status.ARCHIVED)
    return "closed" if question.status in over else question.status.value


def _status(question: Question, event: ErrandAsked, _now: datetime) -> Decision:
    return _shown(_answered(question, event, f"status_{stands(question)}"), event, "status")


def _withdraw(question: Question, event: ErrandAsked, now: datetime) -> Decision:
    match question.status:
        case Status.WAITING:
            gone = withdrawn_by_patient(question, now)
            assert gone.question is not None
            return gone.then(_answered(gone.question, event, "withdrawn"))
        case Status.TAKEN:
            return _shown(_answered(question, event, "withdraw_taken"), event, "withdraw")
        case _:
            return _shown(_answered(question, event, f"status_{stands(question)}"), event, "withdraw_over")


def _stop(question: Question, event: ErrandAsked, _now: datetime) -> Decision:
    told = _answered(question, event, "stopped")
    assert told.question is not None
    key = f"{question.id}:stop:{event.input_id}"
    stop = fx.Suppress(key, question.id, question.address, STOPPED, wish=True)
    act = Act(key, Did.MAIL_STOPPED, PATIENT)
    return _shown(told.then(Decision(told.question, in_room(told.question, stop), (act,))), event, "stop")


def _resume(question: Question, event: ErrandAsked, _now: datetime) -> Decision:
    key = f"{question.id}:resume:{event.input_id}"
    again = fx.Suppress(key, question.id, question.address, lifted=True, wish=True)
    act = Act(key, Did.MAIL_RESUMED, PATIENT)
    return _shown(Decision(question, in_room(question, again), (act,)), event, "resume")


def _language(question: Question, event: ErrandAsked, _now: datetime) -> Decision:
    spoken = replace(question, patient_language=event.errand.value)
    return _shown(_answered(spoken, event, "language"), event, f"language_{event.errand.value}")


_DONE: dict[Errand, Callable[[Question, ErrandAsked, datetime], Decision]] = {
    Errand.STATUS: _status,
    Errand.WITHDRAW: _withdraw,
    Errand.STOP: _stop,
    Errand.RESUME: _resume,
    Errand.FRENCH: _language,
    Errand.ENGLISH: _language,
}
