"""The commands by which practitioners steer a question, from its room or their bot chat, and their marks.

What each command does stands in the module of its subject; here it is found, wherever it was given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from bridge.domain import closing, delivery, doubt, expertise, handing, notes, quiet
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import Command
from bridge.domain.replies import By, reply
from bridge.domain.state import Decision, Policy, Question

Steer = Callable[[Question, By, str, datetime, Policy], Decision]

STEERS: dict[str, Steer] = {
    "close": closing.close,
    "reopen": closing.reopen,
    "archive": closing.archive,
    "undo": closing.undo,
    "withdraw": closing.withdraw,
    "release": handing.release,
    "handover": handing.hand_over,
    "accept": handing.accept,
    "decline": handing.decline,
    "note": notes.note,
    "resend": delivery.resend,
    "correct": delivery.correct,
    "mute": quiet.mute_question,
    "unmute": quiet.unmute_question,
}
"""By name, the commands about one question."""

IN_ROOM = tuple(name for name in STEERS if name not in ("accept", "decline"))
FROM_CHAT = tuple(name for name in STEERS if name not in ("note", "withdraw", "mute", "unmute"))
REFERENCE = re.compile(r"[0-9A-Za-z]{6}")

MARKS: dict[str, str] = {
    closing.BACK: "undo",
    closing.REOPEN: "reopen",
    notes.CORRECT: "correct",
    delivery.AGAIN: "resend",
}
"""What one tap in the question room stands for."""
CHAT_MARKS: dict[str, str] = {"✅": "accept", "❌": "decline"}
"""What one tap on an offer stands for."""
NOTES = (notes.NOTE, "🗒")


def in_question(
    question: Question, event: ev.Ordered, command: Command, now: datetime, policy: Policy
) -> Decision:
    """A command that was given in the question's room."""
    message = event.message
    by = By(message.author, message.event_id, reply_to=event.reply_to)
    return STEERS[command.name](question, by, command.argument, now, policy)


def from_chat(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """A command about some question that was given in a bot chat: the question is found, and decides it."""
    first = command.argument.partition(" ")[0]
    author = event.author
    passed = fx.PassOn(
        f"pass:{event.event_id}",
        author.user_id,
        author.name,
        author.language,
        author.standing,
        event.event_id,
        command,
        first if REFERENCE.fullmatch(first) else "",
        event.reply_to,
    )
    return (fx.Planned(passed, f"bot:{author.user_id}"),)


def instructed(question: Question, event: ev.Instructed, now: datetime, policy: Policy) -> Decision:
    """A command about this question that was given in a bot chat."""
    by = By(event.author, event.event_id, chat=True)
    command = event.command
    if not isinstance(command, Command) or command.name not in STEERS:
        return Decision(question)
    if by.user_id not in (question.owner, question.offered_to, question.undo.by if question.undo else ""):
        return reply(question, by, "owner_only_here")
    return STEERS[command.name](question, by, command.argument, now, policy)


def reacted(question: Question, event: ev.Reacted, now: datetime, policy: Policy) -> Decision:
    """A mark that stands for a command; marks that mean nothing here are just marks."""
    by = By(event.author, event.event_id, chat=event.chat)
    symbol = event.symbol.rstrip("\ufe0f")
    if event.chat:
        name = CHAT_MARKS.get(symbol, "")
        offered = by.user_id == question.offered_to
        return STEERS[name](question, by, "", now, policy) if name and offered else Decision(question)
    if event.generation not in (0, question.generation) or by.user_id != question.owner:
        return Decision(question)
    if symbol in NOTES:
        return notes.marked_as_note(question, by, event.target)
    if symbol == expertise.CLIP:
        return expertise.marked(question, by, event.target)
    if symbol == expertise.SEND:
        return expertise.sent_off(question, by, event.target)
    if symbol in doubt.MARKS or symbol == doubt.ORIGINAL:
        return doubt.marked(question, by, event.target, symbol)
    name = next((name for mark, name in MARKS.items() if mark.rstrip("\ufe0f") == symbol), "")
    return STEERS[name](question, by, "", now, policy) if name else Decision(question)
