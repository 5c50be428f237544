"""Answers to commands about a question, in the room or in the bot chat: where they were given."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.state import Decision, Question, Status, in_room


@dataclass(frozen=True, slots=True)
class By:
    """Who gave a command (or put a mark that means one), and where: ``chat`` is their bot chat."""

    author: ev.Author
    event_id: str
    chat: bool = False
    reply_to: str = ""

    @property
    def user_id(self) -> str:
        """Their Matrix ID."""
        return self.author.user_id


def mark(
    question: Question, by: By, means: str, target: str
) -> tuple[str, str, str, str, str, str, str, str]:
    """Their mark on a message, as the beginning of the effect that finds out what the message is."""
    author = by.author
    key = f"{question.id}:{means}:{by.event_id}"
    return (
        key,
        question.id,
        author.user_id,
        author.name,
        author.language,
        author.standing,
        by.event_id,
        target,
    )


def reply(question: Question, by: By, message: str, **values: str) -> Decision:
    """One line to who gave the command (``message``: locale key of the bot); nothing else happens."""
    known = {"reference": question.reference, "title": question.title, "owner": question.owner_name}
    phrase = fx.Phrase(f"bot.{message}", {**known, **values})
    key = f"{question.id}:reply:{by.event_id}:{message}"
    if by.chat:
        tell = fx.TellAll(key, by.user_id, by.author.language, (phrase,))
        return Decision(question, (fx.Planned(tell, f"bot:{by.user_id}"),))
    exposed = question.status is Status.WAITING
    say = fx.SayAll(key, question.id, by.author.language, (phrase,), exposed, question.stem)
    return Decision(question, in_room(question, say))


def remind(
    question: Question,
    user_id: str,
    language: str,
    message: str,
    cause: str,
    *,
    urgent: bool = False,
    **values: str,
) -> fx.Planned:
    """One line to a practitioner in their bot chat about this question, whatever room they are in."""
    known = {"reference": question.reference, "title": question.title, "owner": question.owner_name}
    key = f"{question.id}:remind:{message}:{cause}:{user_id}"
    effect = fx.Remind(
        key, user_id, question.id, question.group, language, message, {**known, **values}, urgent
    )
    return fx.Planned(effect, f"bot:{user_id}")
