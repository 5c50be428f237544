"""What practitioners wish for themselves: the language, a daily digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from bridge.domain.commands import folded

OFF = -1
"""The hour of a digest that nobody wants."""
_LANGUAGES = {
    "fr": ("fr", "francais", "french"),
    "en": ("en", "anglais", "english"),
}
_NEVER = ("non", "off", "stop", "jamais", "no", "never", "arreter", "aucun", "none")
_HOUR = re.compile(r"(?:a |at )?(\d{1,2})(?:\s*[h:]\s*(\d{2})?)?\s*(am|pm)?(?: o'?clock)?")


@dataclass(frozen=True, slots=True)
class KeepLanguage:
    """Speak with someone in this language from now on, and say so in it."""

    key: str
    user_id: str
    language: str


@dataclass(frozen=True, slots=True)
class KeepDigest:
    """Give someone a digest each day, so many minutes after midnight (:data:`OFF`: none), and say so."""

    key: str
    user_id: str
    language: str
    at: int


@dataclass(frozen=True, slots=True)
class Greet:
    """Welcome someone in their bot chat, once in their life."""

    key: str
    user_id: str
    language: str


WishEffect = KeepLanguage | KeepDigest | Greet


class Wishes(Protocol):
    """Keeps what people wish."""

    async def set_language(self, user_id: str, language: str) -> None:
        """Speak with them in this language."""

    async def set_digest(self, user_id: str, at: int) -> None:
        """Give them a digest at this minute of the day, or none."""


def language_named(words: str) -> str:
    """The language that was named, or an empty string."""
    said = folded(words.strip())
    return next((language for language, names in _LANGUAGES.items() if said in names), "")


def hour_named(words: str) -> int | None:
    """The minute of the day that was named (:data:`OFF` for none); ``None`` if that isn't clear."""
    said = folded(words.strip())
    if said in _NEVER:
        return OFF
    match = _HOUR.fullmatch(said)
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2] or 0), match[3]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def next_digest(now: datetime, at: int, time_zone: str) -> datetime:
    """When it is this minute of the day again, by the clock on the wall."""
    zone = ZoneInfo(time_zone)
    local = now.astimezone(zone)
    day = local.date()
    while True:
        due = datetime(day.year, day.month, day.day, at // 60, at % 60, tzinfo=zone)
        # Through UTC and back: an hour that the change of clocks leaves out becomes the one after it.
        if due.timestamp() > now.timestamp():
            return due.astimezone(now.tzinfo)
        day += timedelta(days=1)
