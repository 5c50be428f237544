"""A consent that the patient takes back after they gave it, in their own words and without asking anybody.

Taking back is as easy as giving. It reaches what is open and what is still asked for; what an expert has
read they have read, and what they said stays a note.
"""

from __future__ import annotations

from bridge.domain import events as ev
from bridge.domain.acts import PATIENT, Act, Did
from bridge.domain.agreeing import Word, answer_in, plain_no_in, taken_back_in
from bridge.domain.expertise import consent_key, refused, said_last
from bridge.domain.letters import told_patient
from bridge.domain.opined import details_of, taken_back
from bridge.domain.opinions import Consent, Opinion, Stage
from bridge.domain.state import Decision, Question, said

WITHDRAWN = "consent_withdrawn"
"""The notice that tells the patient that it is done."""


def consent_revoked(before: Question, decision: Decision, event: ev.PatientWrote) -> Decision:
    """The patient wrote: what they take back ends, what may be meant so is for the owner to read.

    ``before`` is the question as it was. Words reach the opinion whose mail they answer, and otherwise all.
    """
    question = decision.question
    if question is None or not any(_goes_on(one) for one in question.opinions):
        return decision
    word, meant = _meant(before, event)
    # A consent that this very message answers is settled already.
    reached = [one for one in question.opinions if _goes_on(one) and one.number in meant]
    if word is Word.NONE or not reached:
        return decision
    for opinion in reached:
        assert decision.question is not None
        step = _ended if word is Word.YES else _unclear
        decision = decision.then(step(decision.question, opinion, event.input_id))
    assert decision.question is not None
    if word is Word.YES:
        decision = decision.then(told_patient(decision.question, WITHDRAWN, event.input_id))
    return decision


def _goes_on(opinion: Opinion) -> bool:
    return opinion.stage in (Stage.OPEN, Stage.ASKED)


def _meant(before: Question, event: ev.PatientWrote) -> tuple[Word, frozenset[int]]:
    """What the words come to, and the numbers of the opinions that they are about."""
    keys = {consent_key(before, one): one for one in before.opinions if _goes_on(one)}
    answered = keys.get(event.answers)
    word = taken_back_in(event.text)
    if word is not Word.NONE:
        reached = [answered] if answered else list(keys.values())
        return word, frozenset(one.number for one in reached)
    if not event.answers:
        answered = next((one for key, one in keys.items() if said_last(before, key)), None)
    # To a consent that is asked for a no is the answer itself.
    if answered is None or answered.stage is not Stage.OPEN:
        return Word.NONE, frozenset()
    if answer_in(event.text, before.name) is not Word.NO:
        return Word.NONE, frozenset()
    plain = plain_no_in(event.text, before.name) and said_last(before, consent_key(before, answered))
    return Word.YES if plain else Word.UNCLEAR, frozenset({answered.number})


def _ended(question: Question, opinion: Opinion, cause: str) -> Decision:
    key = f"{consent_key(question, opinion)}:withdrawn:{cause}"
    details = details_of(opinion, how=Consent.WRITTEN, input=cause)
    if opinion.linked is None or opinion.stage is Stage.ASKED:
        return refused(question, opinion, Act(key, Did.CONSENT_REFUSED, PATIENT, "", details))
    back = taken_back(question, opinion, key)
    assert back.question is not None
    known = {"to": opinion.called, "linked": opinion.reference}
    told = said(back.question, "opinion_consent_withdrawn", f"{opinion.number}:{cause}", **known)
    act = Act(key, Did.CONSENT_WITHDRAWN, PATIENT, "", {**details, "linked": opinion.reference})
    return back.then(Decision(told.question, told.effects, (act,)))


def _unclear(question: Question, opinion: Opinion, cause: str) -> Decision:
    key = f"{consent_key(question, opinion)}:unclear:{cause}"
    act = Act(key, Did.CONSENT_UNCLEAR, PATIENT, "", details_of(opinion, input=cause))
    if opinion.stage is Stage.ASKED:
        told = said(question, "opinion_consent_unclear", f"{opinion.number}:{cause}", to=opinion.called)
    else:
        known = {"to": opinion.called, "linked": opinion.reference}
        told = said(question, "opinion_withdrawal_unclear", f"{opinion.number}:{cause}", **known)
    return Decision(told.question, told.effects, (act,))
