"""How the bot answers a command: where it was given, in the language of who gave it."""

from __future__ import annotations

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.state import Decision, Question, Status, in_room


def answered(question: Question, event: ev.Ordered, phrases: tuple[fx.Phrase, ...]) -> Decision:
    """The bot's answer to a command, in the room and in the language of who gave it."""
    key = f"{question.id}:order:{event.message.event_id}"
    exposed = question.status is Status.WAITING
    say = fx.SayAll(key, question.id, event.message.author.language, phrases, exposed, question.stem)
    return Decision(question, in_room(question, say))


def told(event: ev.BotAsked, *phrases: fx.Phrase) -> tuple[fx.Planned, ...]:
    """The bot's answer in a bot chat, in the language of who asked."""
    author = event.author
    effect = fx.TellAll(f"answer:{event.event_id}", author.user_id, author.language, phrases, notice=True)
    return (fx.Planned(effect, f"bot:{author.user_id}"),)
