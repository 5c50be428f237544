"""Commands that people give: who may, what each one decides, and the help that fits the place.

A command's own rules stand in the module of its subject; here they are only found. An order never
reaches the patient, whatever becomes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bridge.domain import (
    administration,
    dialogue,
    doubt,
    expertise,
    findings,
    personal,
    private,
    quiet,
    steering,
    talk,
    transcripts,
    video,
)
from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.answers import answered, told
from bridge.domain.commands import SIGN, TABLE, Command, Place, Spec, UnknownCommand, When, Who, known
from bridge.domain.state import Decision, Policy, Question, Status, latest

InQuestion = Callable[[Question, ev.Ordered, Command, datetime, Policy], Decision]
"""Decides a command that was given in a question room."""
InBotChat = Callable[[ev.BotAsked, Command, datetime, Policy], tuple[fx.Planned, ...]]
"""Decides a command that was given in a bot chat; what it leads to belongs to no question yet."""


def ordered(question: Question, event: ev.Ordered, now: datetime, policy: Policy) -> Decision:
    """A command in the question room: checked, decided, and answered there."""
    author = event.message.author
    foreign = question.status is not Status.WAITING and author.user_id != question.owner
    foreign = foreign or author.user_id == question.about
    if author.standing is ev.Standing.STRANGER or foreign or talk.left_behind(question, event.message):
        return talk.member_wrote(question, event.message, now, policy)
    settled, safe = talk.settled(question, event.message)
    if author.user_id == question.owner:
        settled = replace(settled, internal=latest(settled.internal, event.message.event_id))
    decision = _decided(settled, event, now, policy)
    return Decision(settled, safe).then(decision)


def _decided(question: Question, event: ev.Ordered, now: datetime, policy: Policy) -> Decision:
    command = event.command
    if isinstance(command, UnknownCommand):
        return answered(question, event, unknown(command, event.message.author.language))
    spec = next(spec for spec in known(Place.QUESTION) if spec.name == command.name)
    if spec.who is Who.OWNER and event.message.author.user_id != question.owner:
        return answered(question, event, (fx.Phrase("bot.owner_only", {"command": SIGN + spec.french[0]}),))
    return QUESTION_ORDERS[command.name](question, event, command, now, policy)


def asked(question: Question | None, event: ev.BotAsked, now: datetime, policy: Policy) -> Decision:
    """Someone wrote in their bot chat: a command is decided; anything else is said to have gone nowhere."""
    written = dialogue.taken_up(event, now, policy)
    if written is not None:
        return written
    if event.unreadable == "encrypted":
        return Decision(question, told(event, fx.Phrase("bot.encrypted", {})))
    command = event.command
    if isinstance(command, Command):
        return Decision(question, BOT_CHAT_ORDERS[command.name](event, command, now, policy))
    if isinstance(command, UnknownCommand):
        return Decision(question, told(event, *unknown(command, event.author.language)))
    return Decision(question, told(event, _unheard(event.author.language)))


def _unheard(language: str) -> fx.Phrase:
    """Words that are no command: a line, and not all of help, as it may well be the third photo."""
    ask = next(spec for spec in TABLE if spec.name == "ask")
    values = {"help": SIGN + _help_word(language), "ask": SIGN + ask.word(language)}
    return fx.Phrase("bot.unheard", values)


def unknown(command: UnknownCommand, language: str) -> tuple[fx.Phrase, ...]:
    """What is said of a command that isn't one, with what may have been meant."""
    nearest = ", ".join(SIGN + word for word in command.nearest)
    values = {"command": SIGN + command.word[:40], "nearest": nearest, "help": SIGN + _help_word(language)}
    return (fx.Phrase("bot.unknown_nearest" if nearest else "bot.unknown", values),)


def _help_word(language: str) -> str:
    return "help" if language == "en" else "aide"


# --- help ---

NOT_IN_OPINIONS = ("opinion", "video", "original")
"""What an expert who was asked for an opinion can't do: they see the patient's words only as chosen."""


def help_lines(specs: tuple[Spec, ...], language: str) -> tuple[fx.Phrase, ...]:
    """A line a command."""
    return tuple(fx.Phrase(f"help.{spec.name}", {"command": SIGN + spec.word(language)}) for spec in specs)


def _question_help(
    question: Question, event: ev.Ordered, _command: Command, _now: datetime, _policy: Policy
) -> Decision:
    author = event.message.author
    owns = author.user_id == question.owner
    hidden = When.WAITING if owns else When.TAKEN
    specs = tuple(
        spec
        for spec in known(Place.QUESTION)
        if spec.when is not hidden
        and (owns or spec.who is Who.ANYONE)
        and not (question.link and spec.name in NOT_IN_OPINIONS)
    )
    intro = fx.Phrase(
        f"bot.{question.addressed}help_owner" if owns else "bot.help_waiting",
        {"sign": SIGN, "asker": question.name},
    )
    return answered(question, event, (intro, *help_lines(specs, author.language)))


def bot_chat_help(language: str, admin: bool) -> tuple[fx.Phrase, ...]:
    """What the bot chat is there for, and every command that this person may give there."""
    specs = tuple(spec for spec in known(Place.BOT_CHAT) if admin or spec.who is not Who.ADMIN)
    return (fx.Phrase("bot.help", {}), *help_lines(specs, language))


def _bot_chat_help(
    event: ev.BotAsked, _command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    return told(event, *bot_chat_help(event.author.language, event.admin))


QUESTION_ORDERS: dict[str, InQuestion] = {
    "help": _question_help,
    "video": video.ordered,
    "opinion": expertise.ordered,
    **dict.fromkeys(steering.IN_ROOM, steering.in_question),
    **dict.fromkeys(("accept", "decline", "original"), doubt.ordered),
    "export": transcripts.ordered,
}
"""By name, every command of a question room."""
BOT_CHAT_ORDERS: dict[str, InBotChat] = {
    "help": _bot_chat_help,
    **dict.fromkeys(steering.FROM_CHAT, steering.from_chat),
    "mute": quiet.mute,
    "unmute": quiet.unmute,
    "absent": quiet.absent,
    "back": quiet.back,
    "message": private.ordered_message,
    "return": private.ordered_return,
    "waiting": findings.ordered_waiting,
    "list": findings.ordered_list,
    "search": findings.ordered_search,
    "group": administration.ordered_group,
    "yes": administration.ordered_yes,
    **dict.fromkeys(("ask", "send", "cancel"), dialogue.nothing_begun),
    "language": personal.ordered_language,
    "digest": personal.ordered_digest,
}
"""By name, every command of a bot chat."""
