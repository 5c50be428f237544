"""Opinions that were asked for: what comes back, what is said further, and taking one back."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Act, Did
from bridge.domain.anonymous import without_identity
from bridge.domain.ending import known, told_next
from bridge.domain.opinions import AskMore, NoteOpinion, OpenLinked, Opinion, Recall, Said, Stage
from bridge.domain.replies import By, remind, reply
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said

MOST = 50
"""Opinions of one question; each is remembered, so that nothing that comes late is lost."""
_HERE = (Status.TAKEN, Status.CLOSED, Status.ARCHIVED)
"""Where an opinion can be posted: only its owner reads it."""
_TOLD = ("closed", "released", "handed_over", "still_waiting", "given_back", "unattended", "withdrawn")
"""What becomes of a linked question, as far as the owner has to know."""


def with_opinion(question: Question, opinion: Opinion) -> Question:
    """The question with this opinion; another that the owner only looked at makes way for it."""
    looked_at = (Stage.GATHERING, Stage.SHOWN) if opinion.pending else ()
    others = tuple(
        replace(one, stage=Stage.ENDED, chosen=()) if one.stage in looked_at else one
        for one in question.opinions
        if one.number != opinion.number
    )
    return replace(question, opinions=(*others, opinion))


def anonymous(question: Question, text: str) -> str:
    """A text without the patient's name, addresses and numbers."""
    return without_identity(text, question.name, (question.address, *question.also_from))


def owners_language(question: Question, policy: Policy) -> str:
    """The language of the owner, or of the question where nobody owns it."""
    owner = policy.organisation.practitioner(question.owner)
    return owner.language if owner else question.language


def details_of(opinion: Opinion, **more: str) -> dict[str, str]:
    """What belongs to an act about this opinion."""
    return {"number": str(opinion.number), "to": opinion.expert or opinion.group, **more}


def to_owner(
    question: Question, message: str, cause: str, policy: Policy, **values: str
) -> tuple[fx.Planned, ...]:
    """A line to the owner in their bot chat, if there is one."""
    if not question.owner:
        return ()
    language = owners_language(question, policy)
    return (remind(question, question.owner, language, message, cause, urgent=False, **values),)


def open_one(question: Question, reference: str) -> Opinion | None:
    """The opinion that was asked for under this reference."""
    return next(
        (one for one in question.opinions if one.stage is Stage.OPEN and one.reference == reference), None
    )


def to_linked(question: Question, opinion: Opinion, effect: OpenLinked | AskMore | Recall) -> fx.Planned:
    """What goes to a linked question goes in one order: nothing arrives there after it was taken back."""
    return fx.Planned(effect, f"{question.id}:opinion:{opinion.number}")


def more(question: Question, by: By, opinion: Opinion, words: str) -> Decision:
    """The owner says something further to the expert, in their own words only."""
    if not words or opinion.linked is None:
        return reply(question, by, "opinion_more_empty")
    key = f"{question.id}:more:{by.event_id}"
    effect = AskMore(key, question.id, opinion.linked.question_id, anonymous(question, words))
    sent = Decision(question, (to_linked(question, opinion, effect),))
    return sent.then(reply(question, by, "opinion_more", to=opinion.called))


def told(question: Question, event: ev.OpinionTold, policy: Policy) -> Decision:
    """Something came from a linked question: an opinion, or what becomes of it."""
    opinion = next(
        (one for one in question.opinions if one.linked and one.linked.question_id == event.linked), None
    )
    if opinion is None:
        return Decision(question)
    if event.said is None:
        if question.status not in _HERE or event.message not in _TOLD:
            return Decision(question)
        known = {"linked": opinion.reference, "to": opinion.called}
        message = f"opinion_told_{event.message}"
        return said(question, message, event.cause, **{**event.values, **known})
    if question.status not in _HERE:
        # Others may read a waiting room: it is kept for who takes the question.
        waits = replace(opinion, undelivered=(*opinion.undelivered, event.said))
        return Decision(with_opinion(question, waits))
    return _noted(question, opinion, event.said, policy)


def _noted(question: Question, opinion: Opinion, given: Said, policy: Policy) -> Decision:
    assert opinion.linked is not None
    language = owners_language(question, policy)
    note = NoteOpinion(
        f"{question.id}:opinion:{given.key}",
        question.id,
        language,
        opinion.linked.question_id,
        opinion.reference,
        given,
    )
    act = Act(note.key, Did.OPINION_GIVEN, given.user_id, "", details_of(opinion, linked=opinion.reference))
    reminder = to_owner(question, "opinion_came", given.key, policy, who=given.name)
    return Decision(question, (*in_room(question, note), *reminder), (act,))


def sealed(decision: Decision, policy: Policy) -> Decision:
    """The question has an owner who is alone with it: what came or ended meanwhile is theirs to read."""
    question = decision.question
    if question is None or not question.sealed or question.status not in _HERE:
        return decision
    for opinion in question.opinions:
        for given in opinion.undelivered:
            assert decision.question is not None
            decision = decision.then(_noted(decision.question, opinion, given, policy))
    ended = in_room(question, *told_next(question, owners_language(question, policy)))
    emptied = tuple(replace(one, undelivered=()) for one in question.opinions)
    after = known(replace(decision.question or question, opinions=emptied))
    return replace(decision, question=after, effects=(*decision.effects, *ended))


def recall(question: Question, by: By, words: str) -> Decision:
    """A question that has gone to an expert is taken back; what they have read they have read."""
    reference, *why = words.split(maxsplit=1)
    opinion = open_one(question, reference.rstrip(":,").upper())
    if opinion is None or opinion.linked is None:
        return reply(question, by, "opinion_none_open", linked=reference)
    key = f"{question.id}:{Did.OPINION_DROPPED}:{by.event_id}"
    back = taken_back(question, opinion, key)
    assert back.question is not None
    details = details_of(opinion, linked=opinion.reference)
    act = Act(key, Did.OPINION_DROPPED, by.user_id, "".join(why), details)
    told = reply(back.question, by, "opinion_recalled_here", to=opinion.called, linked=opinion.reference)
    return back.then(replace(told, acts=(act,)))


def taken_back(question: Question, opinion: Opinion, key: str) -> Decision:
    """What went to an expert is closed to them from now on."""
    assert opinion.linked is not None
    ended = with_opinion(question, replace(opinion, stage=Stage.ENDED))
    effect = Recall(key, question.id, opinion.linked.question_id, question.owner_name)
    return Decision(ended, (to_linked(question, opinion, effect),))
