"""Tele-expertise: the owner asks another expert, about what they chose and with the patient's consent.

Nothing leaves before the owner has seen what would, and the patient has agreed. What the expert says comes
back as a note: it is never part of a draft, so that no mail can carry it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, PATIENT, Act, Did
from bridge.domain.agreeing import Word, answer_in
from bridge.domain.answers import answered
from bridge.domain.asking_experts import Meant, listed, meant, reads_along
from bridge.domain.commands import Command, folded
from bridge.domain.letters import CONSENT, tell_patient, tell_requester
from bridge.domain.opined import (
    MOST,
    anonymous,
    details_of,
    more,
    open_one,
    owners_language,
    recall,
    to_linked,
    to_owner,
    with_opinion,
)
from bridge.domain.opinions import (
    Consent,
    GatherChosen,
    OpenLinked,
    Opinion,
    PreviewMarked,
    Recognise,
    Stage,
)
from bridge.domain.previews import contents, messages, preview_key, too_long
from bridge.domain.replies import By, mark, reply
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said

CLIP, SEND = "📎", "📮"
"""The owner's mark on what is to go along, and on the preview: ask the patient."""
MOST_CHOSEN = 20
_SEND = ("envoyer", "demander", "send", "ask", "ok")
_CANCEL = ("annuler", "abandonner", "cancel", "drop")
_AGREED = ("consentement", "accord", "consent", "agreed")
_REFUSED = ("refus", "refuse", "refused")


# --- choosing ---


def marked(question: Question, by: By, target: str) -> Decision:
    """The owner put 📎 on a message: it goes along with the next opinion that they ask for."""
    if question.link is not None or question.status is not Status.TAKEN:
        return Decision(question)
    return Decision(replace(question, chosen=(*question.chosen, (by.event_id, target))[-MOST_CHOSEN:]))


def unmarked(question: Question, event: ev.MemberRedacted) -> Question:
    """They took the mark off again."""
    left = tuple(mark for mark in question.chosen if mark[0] != event.redacts)
    return question if left == question.chosen else replace(question, chosen=left)


def ordered(
    question: Question, event: ev.Ordered, command: Command, now: datetime, policy: Policy
) -> Decision:
    """``!avis cardiologie: …`` on chosen messages; ``!avis envoyer``, ``!avis consentement …``, and so on."""
    by = By(event.message.author, event.message.event_id, reply_to=event.reply_to)
    first, *others = command.argument.split(maxsplit=1) or [""]
    rest = others[0].lstrip(" :,\n").rstrip() if others else ""
    word = folded(first.rstrip(":,"))
    if question.link is not None:
        return reply(question, by, "opinion_within")
    if not word:
        return answered(question, event, listed(question.opinions))
    if question.status is not Status.TAKEN:
        return reply(question, by, "not_taken")
    if word in _CANCEL:
        return recall(question, by, rest) if rest else _drop(question, by)
    if word in _SEND and not rest:
        return confirmed(question, by, now, policy)
    if word in _AGREED:
        return _spoken(question, by, rest, now, policy)
    if word in _REFUSED:
        return _refused_by_voice(question, by, rest)
    if known := open_one(question, first.rstrip(":,").upper()):
        return more(question, by, known, rest)
    if any(one.linked and one.reference == first.rstrip(":,").upper() for one in question.opinions):
        return reply(question, by, "opinion_none_open", linked=first.rstrip(":,").upper())
    return _begin(question, by, command.argument, policy)


def _begin(question: Question, by: By, words: str, policy: Policy) -> Decision:
    who = meant(words, question, policy)
    if isinstance(who, str):
        groups = ", ".join(group.key for group in policy.organisation.groups)
        return reply(question, by, who, groups=groups)
    if any(one.stage is Stage.ASKED for one in question.opinions):
        return reply(question, by, "opinion_pending")
    if len(question.opinions) >= MOST:
        return reply(question, by, "opinion_too_many")
    targets = tuple(dict.fromkeys(target for _, target in question.chosen))
    if by.reply_to:
        targets = (*(target for target in targets if target != by.reply_to), by.reply_to)
    if not targets:
        return reply(question, by, "opinion_choose")
    number = max((one.number for one in question.opinions), default=0) + 1
    begun = _opinion(question, who, number)
    key = f"{question.id}:gather:{number}:{by.event_id}"
    gather = GatherChosen(key, question.id, number, question.ghost, targets)
    # Reading and cleaning take a while, and nothing in the room waits for it.
    return Decision(with_opinion(question, begun), (fx.Planned(gather, key),))


def _opinion(question: Question, who: Meant, number: int) -> Opinion:
    asks = anonymous(question, who.asks)
    return Opinion(number, Stage.GATHERING, who.group, who.called, asks, who.expert)


def gathered(question: Question, event: ev.ChoiceGathered, policy: Policy) -> Decision:
    """What was chosen is known: the owner sees all of it before anything leaves."""
    opinion = _at(question, Stage.GATHERING)
    if opinion is None or opinion.number != event.number or question.status is not Status.TAKEN:
        return Decision(question)
    chosen = tuple(replace(one, text=anonymous(question, one.text)) for one in event.chosen)
    key = preview_key(question, opinion.number)
    language = owners_language(question, policy)
    ready = replace(opinion, stage=Stage.SHOWN, chosen=chosen, linked=event.linked)
    problems = tuple(fx.Phrase(f"bot.opinion_problem_{code}") for code in dict.fromkeys(event.problems))
    if not chosen or too_long(ready):
        why = fx.Phrase("bot.opinion_too_long" if chosen else "bot.opinion_nothing")
        say = fx.SayAll(key, question.id, language, (*problems, why))
        ended = replace(opinion, stage=Stage.ENDED)
        return Decision(with_opinion(question, ended), in_room(question, say))
    head = fx.Phrase("bot.opinion_shown", {"to": opinion.called})
    lines = (head, *contents(ready), *problems, fx.Phrase("bot.opinion_confirm"))
    tap = fx.React(f"{key}:tap", question.room, sent=key, symbol=SEND)
    shown = in_room(question, *messages(question, key, language, lines), tap)
    return Decision(with_opinion(question, ready), shown)


def _at(question: Question, stage: Stage) -> Opinion | None:
    return next((one for one in question.opinions if one.stage is stage), None)


# --- consent ---


def consent_key(question: Question, opinion: Opinion) -> str:
    """The key of the mail that asks for consent."""
    return f"{question.id}:consent:{opinion.number}"


def said_last(question: Question, key: str) -> bool:
    """Whether nothing was said to the patient after this mail of ours."""
    ours = [mail for mail in question.thread if not mail.startswith("<")]
    return ours[-1:] == [key] and not question.draft


def sent_off(question: Question, by: By, target: str) -> Decision:
    """The owner put 📮 on a message: it counts if that is the preview of what would leave now."""
    opinion = _at(question, Stage.SHOWN)
    if opinion is None or question.status is not Status.TAKEN:
        return reply(question, by, "opinion_none_shown")
    number = opinion.number
    found = Recognise(*mark(question, by, "recognise", target), number, preview_key(question, number))
    return Decision(question, in_room(question, found))


def preview_marked(question: Question, event: PreviewMarked, now: datetime, policy: Policy) -> Decision:
    """It is known which message the mark is on; meanwhile another preview may have come, or another owner."""
    author = ev.Author(event.user_id, event.name, ev.Standing(event.standing), event.language)
    if author.user_id != question.owner:
        return Decision(question)
    by = By(author, event.event_id)
    opinion = _at(question, Stage.SHOWN)
    if opinion is not None and (not event.right or opinion.number != event.number):
        return reply(question, by, "opinion_other_preview")
    return confirmed(question, by, now, policy)


def confirmed(question: Question, by: By, now: datetime, policy: Policy) -> Decision:
    """The owner wants what they saw: the patient is asked, in neutral words."""
    opinion = _at(question, Stage.SHOWN)
    if opinion is None or question.status is not Status.TAKEN:
        return reply(question, by, "opinion_none_shown")
    if not opinion.expert and reads_along(question, opinion.group, policy):
        return reply(question, by, "opinion_requester_inside")
    asked = replace(with_opinion(question, replace(opinion, stage=Stage.ASKED, asked_at=now)), chosen=())
    key = consent_key(question, opinion)
    told = tell_patient(asked, key, CONSENT, {"to": opinion.called})
    act = Act(key, Did.CONSENT_ASKED, by.user_id, "", details_of(opinion))
    assert told.question is not None
    return replace(told, acts=(act,)).then(
        reply(told.question, by, "opinion_consent_asked", to=opinion.called)
    )


def consent_read(
    before: Question, wrote: Decision, event: ev.PatientWrote, now: datetime, policy: Policy
) -> Decision:
    """The patient wrote while consent is asked: a plain yes or no is their answer, all else is for the owner.

    A yes to something else the owner asked meanwhile is none: by mail it has to answer the very mail, where
    that is known, and otherwise nothing may have been said to the patient since.
    """
    question = wrote.question
    opinion = _at(question, Stage.ASKED) if question else None
    if question is None or opinion is None or not question.owner:
        return wrote
    key = consent_key(question, opinion)
    addressed = (
        event.answers == key if event.answers else said_last(before, key) and not _early(opinion, event)
    )
    word = answer_in(event.text, question.name)
    if not addressed or word is Word.NONE:
        return wrote
    cause = event.input_id
    if word is Word.YES and cause in before.admitted:
        return wrote.then(_unclear(question, opinion, cause, Consent.UNVERIFIED))
    # What was said before we asked, and says « yes » now, may have been meant for anything.
    if word is Word.UNCLEAR or (word is Word.YES and event.edited):
        return wrote.then(_unclear(question, opinion, cause, Consent.WRITTEN))
    # Nobody has to answer a yes or no: the patient doesn't wait for the owner because of it.
    if before.status is Status.TAKEN:
        question = replace(question, waits_since=before.waits_since, steps=before.steps)
    given = Act(
        f"{key}:{word}:{cause}",
        Did.CONSENT_GIVEN if word is Word.YES else Did.CONSENT_REFUSED,
        PATIENT,
        "",
        details_of(opinion, how=Consent.WRITTEN, input=cause),
    )
    settle = _agreed if word is Word.YES else refused
    settled = settle(question, opinion, given, now, policy)
    heard = tell_requester(question, f"{given.key}:heard", f"{CONSENT}_{word}")
    return wrote.then(replace(settled, effects=(*settled.effects, *heard)))


def _early(opinion: Opinion, event: ev.PatientWrote) -> bool:
    """Whether they said it before we asked, to whatever that was: it is read only now."""
    return opinion.asked_at is not None and 0 < event.at < opinion.asked_at.timestamp()


def _unclear(question: Question, opinion: Opinion, cause: str, how: Consent) -> Decision:
    """It is no consent, and the owner is told what to do.

    An owner who lets a doubtful mail in says that they take it for the patient's. That is enough to read it,
    and not for somebody else's data to leave: whoever can write in the patient's name could have it sent.
    A refusal counts whoever wrote it, since nothing leaves.
    """
    doubtful = how is Consent.UNVERIFIED
    details = details_of(opinion, how=how, input=cause)
    act = Act(f"{consent_key(question, opinion)}:unclear:{cause}", Did.CONSENT_UNCLEAR, PATIENT, "", details)
    message = "opinion_consent_unverified" if doubtful else "opinion_consent_unclear"
    return replace(said(question, message, cause, to=opinion.called), acts=(act,))


def _spoken(question: Question, by: By, how: str, now: datetime, policy: Policy) -> Decision:
    """The patient told the owner: the owner puts it on record, and answers for it."""
    opinion = _at(question, Stage.ASKED) or _at(question, Stage.SHOWN)
    if opinion is None:
        return reply(question, by, "opinion_none_shown")
    key = f"{consent_key(question, opinion)}:spoken:{by.event_id}"
    act = Act(key, Did.CONSENT_GIVEN, by.user_id, how, details_of(opinion, how=Consent.SPOKEN))
    return _agreed(replace(question, chosen=()), opinion, act, now, policy)


def _refused_by_voice(question: Question, by: By, how: str) -> Decision:
    opinion = _at(question, Stage.ASKED) or _at(question, Stage.SHOWN)
    if opinion is None:
        return reply(question, by, "opinion_none_shown")
    key = f"{consent_key(question, opinion)}:spoken:{by.event_id}"
    act = Act(key, Did.CONSENT_REFUSED, by.user_id, how, details_of(opinion, how=Consent.SPOKEN))
    return refused(question, opinion, act)


def refused(
    question: Question,
    opinion: Opinion,
    act: Act,
    _now: datetime | None = None,
    _policy: Policy | None = None,
) -> Decision:
    """The patient refuses: nothing leaves, and the owner is told."""
    ended = with_opinion(question, replace(opinion, stage=Stage.ENDED, chosen=()))
    told = said(ended, "opinion_refused", act.key, to=opinion.called)
    return replace(told, acts=(act,))


def _agreed(question: Question, opinion: Opinion, act: Act, now: datetime, policy: Policy) -> Decision:
    """The patient agreed: what was chosen goes to the expert, as a question of its own."""
    expert = policy.organisation.practitioner(opinion.expert)
    group = policy.organisation.group(opinion.group)
    # Whom the question was handed over to meanwhile isn't asked by themselves either.
    gone = opinion.expert and (
        expert is None or opinion.expert == question.owner or not policy.reachable(opinion.expert)
    )
    # Who asks may have become a member of the group while they were asked.
    inside = not opinion.expert and reads_along(question, opinion.group, policy)
    if inside or gone or group is None or opinion.linked is None:
        ended = with_opinion(question, replace(opinion, stage=Stage.ENDED, chosen=()))
        why = "opinion_requester_came_in" if inside else "opinion_unreachable"
        told = said(ended, why, act.key, to=opinion.called)
        return replace(told, acts=(act,))
    key = f"{question.id}:opinion:{opinion.number}:open"
    members = (opinion.expert,) if opinion.expert else tuple(m for m in group.on_duty if m != question.owner)
    opened = OpenLinked(
        key,
        question.id,
        opinion.linked,
        group.key,
        members,
        not opinion.expert and (group.notify == "invite" or bool(question.requester)),
        expert.language if expert else group.language,
        question.owner,
        question.owner_name,
        opinion.asks,
        opinion.chosen,
        opinion.expert,
        expert.name if expert else "",
        question.requester,
    )
    files = ",".join(one.file.blob for one in opinion.chosen if one.file is not None)
    details = details_of(opinion, linked=opinion.linked.reference, **({"files": files} if files else {}))
    asked = Act(key, Did.OPINION_ASKED, question.owner, "", details)
    # What was chosen travels with the effect; the question needs it no more.
    going = with_opinion(question, replace(opinion, stage=Stage.OPEN, chosen=(), asked_at=now))
    told = said(going, "opinion_opened", act.key, to=opinion.called, linked=opinion.linked.reference)
    return Decision(going, (to_linked(going, opinion, opened),), (act, asked)).then(told)


def _drop(question: Question, by: By) -> Decision:
    pending = next((one for one in question.opinions if one.pending), None)
    if pending is None:
        left = replace(question, chosen=())
        return reply(left, by, "opinion_unchosen" if question.chosen else "opinion_none_shown")
    ended = replace(with_opinion(question, replace(pending, stage=Stage.ENDED, chosen=())), chosen=())
    key = f"{question.id}:{Did.OPINION_DROPPED}:{by.event_id}"
    act = Act(key, Did.OPINION_DROPPED, by.user_id, "", details_of(pending))
    return replace(reply(ended, by, "opinion_dropped", to=pending.called), acts=(act,))


def lapses_at(question: Question, policy: Policy) -> datetime | None:
    """When a patient's consent is no longer waited for."""
    opinion = _at(question, Stage.ASKED)
    if opinion is None or opinion.asked_at is None:
        return None
    return opinion.asked_at + timedelta(hours=policy.waits.consent_h)


def lapsed(question: Question, _now: datetime, policy: Policy) -> Decision:
    """The patient did not answer in time: nothing leaves, and the owner is told."""
    opinion = _at(question, Stage.ASKED)
    if opinion is None:
        return Decision(question)
    ended = with_opinion(question, replace(opinion, stage=Stage.ENDED, chosen=()))
    key = f"{consent_key(question, opinion)}:expired"
    act = Act(key, Did.CONSENT_EXPIRED, COLLOQUE, "", details_of(opinion))
    values = {"to": opinion.called, "title": question.title, "reference": question.reference}
    told = replace(said(ended, "opinion_lapsed", key, **values), acts=(act,))
    return told.then(Decision(ended, to_owner(ended, "opinion_lapsed", key, policy, to=opinion.called)))
