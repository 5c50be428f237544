"""A requester on Matrix gets no mail: what would be one is said in their room. Pure, and in one place.

Everything else of a question's life is the same whoever asked; so no rule has to know of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain.drafting import Relay, TellRequester, asked_key
from bridge.domain.linked import brought_back
from bridge.domain.state import Decision, Question


def carried(decision: Decision) -> Decision:
    """The decision with its mails to who asks on Matrix as what is said where they read it."""
    decision = brought_back(decision)
    question = decision.question
    if question is None or not question.requester:
        return decision
    return replace(decision, effects=tuple(_carried(decision.effects, question)))


def _carried(effects: tuple[fx.Planned, ...], question: Question) -> Iterator[fx.Planned]:
    for planned in effects:
        effect = planned.effect
        if isinstance(effect, fx.Suppress):
            continue  # there is no address that mail could be kept from
        said = _said(effect, question)
        yield planned if said is None else fx.Planned(said, asked_key(question.id), planned.delay_s)


def _said(effect: fx.Effect, question: Question) -> fx.Effect | None:
    match effect:
        case fx.Answer():
            return Relay(
                effect.key,
                question.id,
                effect.number,
                question.requester,
                effect.language,
                effect.owner,
                effect.owner_name,
                effect.lines,
                effect.correction,
            )
        case fx.TellPatient():
            link = effect.meeting.link if effect.meeting else ""
            values = {"link": link, **effect.values}
            return TellRequester(effect.key, question.id, effect.language, effect.message, values)
        case _:
            return None
