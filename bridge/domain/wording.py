"""A practitioner may ask, too; then what the bot says of « the patient » is about a colleague. Pure.

The rules and the locale know of one kind of requester only: here each line gets to know which, and the locale
has the word (``[requester]``).
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain.opinions import NoteOpinion, OpenLinked
from bridge.domain.organisation import Organisation
from bridge.domain.state import Decision, Policy, Question

BY_COLLEAGUE = {"requester_is": "colleague"}
"""Among a text's values: whom it means by the patient."""
OF_THE_PATIENT = "opinion_"
"""What lines to an expert begin with: where they say « the patient », they mean the one in the origin."""


def asked_by_colleague(question: Question, organisation: Organisation) -> bool:
    """Whether a practitioner asks: a question of their own, or an opinion."""
    asker = question.asker
    return question.link is not None or bool(asker and organisation.practitioner(asker))


def worded(decision: Decision, policy: Policy) -> Decision:
    """The decision with each line about a colleague's question as one."""
    question = decision.question
    if question is None or not asked_by_colleague(question, policy.organisation):
        return decision
    linked = question.link is not None
    effects = (replace(plan, effect=_worded(plan.effect, linked=linked)) for plan in decision.effects)
    return replace(decision, effects=tuple(effects))


def _worded(effect: fx.Effect, *, linked: bool) -> fx.Effect:
    match effect:
        case fx.Say() | fx.Remind() | fx.HandBack() | fx.CloseFormer():
            if linked and effect.message.startswith(OF_THE_PATIENT):
                return effect
            return replace(effect, values={**effect.values, **BY_COLLEAGUE})
        case fx.SayAll() | fx.TellAll():
            return replace(effect, phrases=tuple(_phrase(one, linked=linked) for one in effect.phrases))
        case OpenLinked() | NoteOpinion():
            return replace(effect, by_colleague=True)
        case _:
            return effect


def _phrase(phrase: fx.Phrase, *, linked: bool) -> fx.Phrase:
    if linked and phrase.text.startswith(f"bot.{OF_THE_PATIENT}"):
        return phrase
    return replace(phrase, values={**phrase.values, **BY_COLLEAGUE})
