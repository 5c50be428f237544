"""Being left alone: reminders that a practitioner doesn't want, and times when they are away."""

from __future__ import annotations

from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import Command, folded
from bridge.domain.dates import DateProblem, read_until, split_until
from bridge.domain.datewords import spoken_until
from bridge.domain.organisation import Organisation
from bridge.domain.replies import By, reply
from bridge.domain.state import Decision, Policy, Question

FOR_GOOD = 4_102_444_800.0
"""The year 2100, for what was muted without an end."""
ALL = ("tout", "all", "everything", "")


class Unclear(Exception):
    """An end that isn't a date: the phrase that says so."""

    def __init__(self, phrase: fx.Phrase) -> None:
        super().__init__(phrase.text)
        self.phrase = phrase


def _until(words: str, now: datetime, policy: Policy, language: str) -> tuple[float, str]:
    """The end that was named, as a number and in words. Raises :class:`Unclear`."""
    if not words:
        return FOR_GOOD, ""
    try:
        end = read_until(words, now, policy.time_zone, language=language)
    except DateProblem as problem:
        raise Unclear(fx.Phrase(f"bot.date_{problem.code}", {"word": problem.word})) from None
    return end.timestamp(), spoken_until(end, policy.time_zone, language)


def mute_question(question: Question, by: By, words: str, now: datetime, policy: Policy) -> Decision:
    """No reminders about this question."""
    try:
        until, shown = _until(words, now, policy, by.author.language)
    except Unclear as unclear:
        return reply(question, by, unclear.phrase.text.removeprefix("bot."), **unclear.phrase.values)
    return _muted(question, by, until, shown)


def unmute_question(question: Question, by: By, _words: str, _now: datetime, _policy: Policy) -> Decision:
    """Reminders about this question again."""
    return _muted(question, by, 0.0, "")


def _muted(question: Question, by: By, until: float, shown: str) -> Decision:
    author = by.author
    key = f"{question.id}:mute:{by.event_id}"
    keep = fx.KeepMute(key, author.user_id, author.language, f"question:{question.id}", until, "")
    answer = ("muted_until" if shown else "muted") if until else "unmuted"
    planned = Decision(question, (fx.Planned(keep, f"bot:{author.user_id}"),))
    return planned.then(reply(question, by, answer, until=shown, scope=question.title))


# --- in the bot chat ---


def mute(event: ev.BotAsked, command: Command, now: datetime, policy: Policy) -> tuple[fx.Planned, ...]:
    """No reminders: of a group, or of anything."""
    scope_words, end = split_until(command.argument)
    scope, shown_scope = _scope(scope_words, policy.organisation)
    if scope is None and not end:  # « muet 2h »: what isn't a group may be the end
        scope, shown_scope, end = "all", "", command.argument
    if scope is None:
        return _say(event, fx.Phrase("bot.mute_what", {"word": scope_words[:60]}))
    try:
        until, shown = _until(end, now, policy, event.author.language)
    except Unclear as unclear:
        return _say(event, unclear.phrase)
    key = "bot.muted_until" if shown else "bot.muted"
    return _kept(event, scope, until) + _say(event, _of(key, shown_scope, {"until": shown}))


def unmute(event: ev.BotAsked, command: Command, _now: datetime, policy: Policy) -> tuple[fx.Planned, ...]:
    """Reminders again."""
    scope, shown = _scope(command.argument, policy.organisation)
    if scope is None:
        return _say(event, fx.Phrase("bot.mute_what", {"word": command.argument[:60]}))
    return _kept(event, scope, 0.0) + _say(event, _of("bot.unmuted", shown, {}))


def _scope(words: str, organisation: Organisation) -> tuple[str | None, str]:
    said = folded(words.strip())
    if said in ALL:
        return "all", ""
    for group in organisation.groups:
        if said in (folded(group.key), folded(group.name)):
            return f"group:{group.key}", group.name
    return None, ""


def _of(key: str, scope: str, values: dict[str, str]) -> fx.Phrase:
    """Said of a group, or of everything, which needs no name."""
    return fx.Phrase(key, {**values, "scope": scope}) if scope else fx.Phrase(f"{key}_all", values)


def _kept(event: ev.BotAsked, scope: str, until: float) -> tuple[fx.Planned, ...]:
    author = event.author
    keep = fx.KeepMute(f"mute:{event.event_id}", author.user_id, author.language, scope, until, "")
    return (fx.Planned(keep, f"bot:{author.user_id}"),)


def absent(event: ev.BotAsked, command: Command, now: datetime, policy: Policy) -> tuple[fx.Planned, ...]:
    """Away until then: reminders rest, and what patients wait for goes back to the groups."""
    if not command.argument:
        return _say(event, fx.Phrase("bot.absent_until_when", {}))
    try:
        until, shown = _until(command.argument, now, policy, event.author.language)
    except Unclear as unclear:
        return _say(event, unclear.phrase)
    return _absence(event, until, shown)


def back(event: ev.BotAsked, _command: Command, _now: datetime, _policy: Policy) -> tuple[fx.Planned, ...]:
    """Here again."""
    return _absence(event, 0.0, "")


def _absence(event: ev.BotAsked, until: float, shown: str) -> tuple[fx.Planned, ...]:
    author = event.author
    keep = fx.KeepAbsence(f"absence:{event.event_id}", author.user_id, author.language, until, shown)
    return (fx.Planned(keep, f"bot:{author.user_id}"),)


def _say(event: ev.BotAsked, phrase: fx.Phrase) -> tuple[fx.Planned, ...]:
    author = event.author
    tell = fx.TellAll(f"answer:{event.event_id}", author.user_id, author.language, (phrase,))
    return (fx.Planned(tell, f"bot:{author.user_id}"),)
