"""What the bot does for one practitioner of its own accord or by their wish: welcome, language, digest."""

from __future__ import annotations

from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.answers import told
from bridge.domain.commands import SIGN, TABLE, Command
from bridge.domain.inquiries import Inquire, Topic
from bridge.domain.state import Decision, Policy, Question
from bridge.domain.wishes import Greet, KeepDigest, KeepLanguage, hour_named, language_named


def came_in(question: Question | None, event: ev.CameIn) -> Decision:
    """The first time that someone comes into their bot chat they are welcomed; the key is one for ever."""
    author = event.author
    greet = Greet(f"greet:{author.user_id}", author.user_id, author.language)
    return Decision(question, (fx.Planned(greet, f"bot:{author.user_id}"),))


def ordered_language(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``!langue en``."""
    author = event.author
    language = language_named(command.argument)
    if not language:
        return told(event, fx.Phrase("wish.which_language", {"command": _word("language", author.language)}))
    keep = KeepLanguage(f"language:{event.event_id}", author.user_id, language)
    return (fx.Planned(keep, f"bot:{author.user_id}"),)


def ordered_digest(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``!résumé 8h``."""
    author = event.author
    at = hour_named(command.argument)
    if at is None:
        return told(event, fx.Phrase("wish.which_hour", {"command": _word("digest", author.language)}))
    keep = KeepDigest(f"digest:{event.event_id}", author.user_id, author.language, at)
    return (fx.Planned(keep, f"bot:{author.user_id}"),)


def digest_due(question: Question | None, event: ev.DigestDue, policy: Policy) -> Decision:
    """The digest of a practitioner who is there; whoever is away or gone gets none."""
    person = policy.organisation.practitioner(event.user_id)
    if person is None or not policy.reachable(event.user_id):
        return Decision(question)
    key = f"digest:{event.user_id}:{event.due}"
    digest = Inquire(key, event.user_id, person.language, Topic.DIGEST)
    return Decision(question, (fx.Planned(digest, f"bot:{event.user_id}"),))


def _word(name: str, language: str) -> str:
    return SIGN + next(spec for spec in TABLE if spec.name == name).word(language)
