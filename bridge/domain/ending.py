"""Opinions that end because the question leaves its owner before anything was asked of an expert.

Nothing of them has left. Who leaves is told so, and so is whoever is alone with the question next, who may
want to ask anew.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.opinions import Opinion, Stage
from bridge.domain.organisation import Organisation
from bridge.domain.replies import remind
from bridge.domain.state import Question


def kept(question: Question, *, asked: bool) -> tuple[Opinion, ...]:
    """The opinions as they are when the question leaves its owner: those that are asked go on.

    ``asked``: those go on, too, for which the patient's consent was asked.
    """
    goes_on = (Stage.OPEN, Stage.ASKED) if asked else (Stage.OPEN,)
    return tuple(
        replace(one, stage=Stage.ENDED, chosen=(), left_by=question.owner_name)
        if one.pending and one.stage not in goes_on
        else one
        for one in question.opinions
    )


def dropped(before: Question, after: Question) -> tuple[Act, ...]:
    """On record: what was still to be asked ends with who wanted it."""
    return tuple(
        Act(
            f"{after.id}:{Did.OPINION_DROPPED}:{after.turn}:{one.number}",
            Did.OPINION_DROPPED,
            COLLOQUE,
            "",
            {"number": str(one.number), "to": one.expert or one.group},
        )
        for one in _ended(before, after)
    )


def told_former(before: Question, after: Question, organisation: Organisation) -> tuple[fx.Planned, ...]:
    """Who wanted them learns that nothing comes of them; not who has left the organisation."""
    person = organisation.practitioner(before.owner)
    if person is None:
        return ()
    return tuple(
        remind(
            before,
            person.user_id,
            person.language,
            _of("yours", one),
            f"{after.turn}:{one.number}",
            urgent=True,
            to=one.called,
        )
        for one in _ended(before, after)
    )


def told_next(question: Question, language: str) -> tuple[fx.SayAll, ...]:
    """Whoever is alone with the question next learns what was prepared, or what the patient was asked."""
    return tuple(
        fx.SayAll(
            f"{question.stem}:opinion:{one.number}:left",
            question.id,
            language,
            (fx.Phrase(f"bot.{_of('theirs', one)}", {"who": one.left_by, "to": one.called}),),
        )
        for one in question.opinions
        if one.left_by
    )


def known(question: Question) -> Question:
    """The question once its next owner has been told."""
    return replace(question, opinions=tuple(replace(one, left_by="") for one in question.opinions))


def _ended(before: Question, after: Question) -> tuple[Opinion, ...]:
    stages = {one.number: one.stage for one in after.opinions}
    return tuple(one for one in before.opinions if one.pending and stages[one.number] is Stage.ENDED)


def _of(whose: str, opinion: Opinion) -> str:
    """The patient may have been asked: then their answer opens nothing any more."""
    return f"opinion_left_{whose}_asked" if opinion.asked_at else f"opinion_left_{whose}"
