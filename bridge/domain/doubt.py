"""Mails whose sender is not known to be the patient: held, shown to the owner, and theirs to judge.

Nothing of such a mail is posted as the patient's before the owner says so. An accepted mail is read again
and goes the way of every mail of the patient's; a refused one stays kept, and is not shown again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.commands import Command
from bridge.domain.handing import decline
from bridge.domain.keeping import MANY, HeldMail
from bridge.domain.replies import By, mark, reply
from bridge.domain.state import Decision, Policy, Question, in_room, latest, said

MAX_HELD = 20
"""Held mails that a question remembers; further ones are only set aside, for the admin."""

ONCE, ALWAYS, REFUSE, ORIGINAL = "✅", "📌", "❌", "🔍"
MANY_SHOWN = "…"
FOREVER = ("toujours", "always")


class Judgement(StrEnum):
    """What becomes of a held mail."""

    ONCE = "once"
    """These are the patient's words."""
    ALWAYS = "always"
    """And so is whatever comes from this address: it is a further one of the patient."""
    REFUSE = "refuse"
    """They aren't."""


MARKS = {ONCE: Judgement.ONCE, ALWAYS: Judgement.ALWAYS, REFUSE: Judgement.REFUSE}


def doubted(question: Question, event: ev.MailDoubted) -> Decision:
    """A mail came to the question's address from somebody who may not be the patient."""
    act = Act(f"{question.id}:aside:{event.input_id}", Did.MAIL_SET_ASIDE, COLLOQUE, "unverified")
    if len(question.held) >= MAX_HELD or any(mail.input_id == event.input_id for mail in question.held):
        return replace(said(question, "mail_unverified", event.input_id), acts=(act,))
    held = replace(question, held=(*question.held, HeldMail(event.input_id, event.address)))
    if not question.owner or not question.sealed:
        return replace(said(held, "mail_unverified", event.input_id), acts=(act,))
    values = {"address": event.address, "text": event.text, "files": str(event.files)}
    return replace(_shown(held, event.input_id, "mail_doubted", "", values), acts=(act,))


def _shown(question: Question, input_id: str, message: str, turn: str, values: dict[str, str]) -> Decision:
    """The notice about a held mail, with a mark to tap for each thing to do."""
    key = f"{question.id}:say:{message}:{input_id}{turn}"
    say = fx.Say(key, question.id, message, question.language, values, stem=question.stem)
    marks = (
        fx.React(f"{key}:{number}", question.room, sent=key, symbol=symbol)
        for number, symbol in enumerate((ONCE, ALWAYS, REFUSE, ORIGINAL))
    )
    return Decision(question, in_room(question, say, *marks))


def sealed(before: Question, decision: Decision) -> Decision:
    """A new owner is alone with the patient now."""
    question = decision.question
    if before.sealed or question is None or not question.sealed:
        return decision
    return decision.then(shown_to_owner(question))


def shown_to_owner(question: Question) -> Decision:
    """What is still to be judged, each mail with its bytes."""
    decision = Decision(question)
    for mail in question.held:
        if mail.many:
            continue  # they come by themselves
        turn = f":{question.turn}"
        shown = _shown(question, mail.input_id, "mail_doubted_before", turn, {"address": mail.address})
        original = fx.ShowOriginal(
            f"{question.id}:original:{mail.input_id}{turn}", question.id, question.language, mail.input_id
        )
        decision = decision.then(shown).then(Decision(question, in_room(question, original)))
    return decision


def _accept(question: Question, by: By, argument: str) -> Decision:
    """``accept``, ``accept always``, with a number when several wait."""
    words = argument.casefold().split()
    judgement = Judgement.ALWAYS if any(word in FOREVER for word in words) else Judgement.ONCE
    return _by_command(question, by, words, judgement)


def _refuse(question: Question, by: By, argument: str) -> Decision:
    """``refuse``, with a number when several wait."""
    return _by_command(question, by, argument.split(), Judgement.REFUSE)


def _by_command(question: Question, by: By, words: list[str], judgement: Judgement) -> Decision:
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    if not question.held:
        return reply(question, by, "no_mail_held")
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 4]
    number = numbers[0] if numbers else 1
    if (not numbers and len(question.held) > 1) or not 1 <= number <= len(question.held):
        listed = "; ".join(f"{n}: {mail.address or MANY_SHOWN}" for n, mail in enumerate(question.held, 1))
        return reply(question, by, "which_mail", mails=listed)
    return _judged(question, by, question.held[number - 1], judgement)


def marked(question: Question, by: By, target: str, symbol: str) -> Decision:
    """A mark on a message: which mail it is about is found out by whoever can look it up."""
    if symbol == ORIGINAL:
        return original(question, by, target)
    if not question.held:
        return Decision(question)
    weigh = fx.Weigh(*mark(question, by, "weigh", target), MARKS[symbol])
    return Decision(question, in_room(question, weigh))


def judged(question: Question, event: ev.MailJudged) -> Decision:
    """It is known which mail a mark is about."""
    mail = next((mail for mail in question.held if mail.input_id == event.input_id), None)
    if mail is None or event.author.user_id != question.owner:
        return Decision(question)
    return _judged(question, By(event.author, event.event_id), mail, Judgement(event.judgement))


def _judged(question: Question, by: By, mail: HeldMail, judgement: Judgement) -> Decision:
    left = replace(question, held=tuple(other for other in question.held if other != mail))
    if mail.many:
        return _let_in(left, by, judgement)
    admitted = judgement is not Judgement.REFUSE
    if admitted:
        left = replace(left, admitted=latest(left.admitted, mail.input_id))
    if judgement is Judgement.ALWAYS and mail.address not in left.also_from:
        left = replace(left, also_from=latest(left.also_from, mail.address))
    key = f"{question.id}:judged:{mail.input_id}"
    settle = fx.SettleMail(key, question.id, mail.input_id, admitted)
    did = Did.MAIL_ACCEPTED if admitted else Did.MAIL_REFUSED
    act = Act(key, did, by.user_id, "", {"judgement": judgement.value})
    told = reply(left, by, f"mail_judged_{judgement.value}", address=mail.address)
    return Decision(left, in_room(left, settle), (act,)).then(told)


def _let_in(question: Question, by: By, judgement: Judgement) -> Decision:
    """What is held because there is much comes in at once, or in its turn."""
    if judgement is Judgement.REFUSE:
        return reply(question, by, "mail_in_turn")
    key = f"{question.id}:let-in:{by.event_id}"
    act = Act(key, Did.MAIL_ACCEPTED, by.user_id, "", {"judgement": MANY})
    told = reply(question, by, "mail_let_in")
    return Decision(question, in_room(question, fx.LetIn(key, question.id)), (act,)).then(told)


def original(question: Question, by: By, target: str = "") -> Decision:
    """The mail behind a message, as it came, for its owner."""
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    key = f"{question.id}:original:{by.event_id}"
    show = fx.ShowOriginal(key, question.id, by.author.language, "", target)
    return Decision(question, in_room(question, show))


def ordered(
    question: Question, event: ev.Ordered, command: Command, now: datetime, policy: Policy
) -> Decision:
    """``!original``, as an answer to a message or to the latest mail; ``!accept``; ``!refuse``."""
    by = By(event.message.author, event.message.event_id, reply_to=event.reply_to)
    if command.name == "original":
        return original(question, by, event.reply_to)
    if command.name == "decline" and (question.offered_to or not question.held):
        return decline(question, by, command.argument, now, policy)
    if event.reply_to and question.held:
        always = command.argument.casefold() in FOREVER
        admitted = ALWAYS if always else ONCE
        return marked(question, by, event.reply_to, admitted if command.name == "accept" else REFUSE)
    judge = _accept if command.name == "accept" else _refuse
    return judge(question, by, command.argument)
