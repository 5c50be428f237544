"""The words of dates and durations in French and English, one token after the other; nothing is guessed.

Every part of a text must be understood: a word that isn't about time is an error, so that a sentence
that merely holds a number never becomes an appointment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv january jan",
            "fevrier fevr fev february feb",
            "mars march mar",
            "avril avr april apr",
            "mai may",
            "juin june jun",
            "juillet juil july jul",
            "aout august aug",
            "septembre september sept sep",
            "octobre october oct",
            "novembre november nov",
            "decembre december dec",
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "lundi lun monday mon",
            "mardi tuesday tues tue",
            "mercredi mer wednesday wed",
            "jeudi jeu thursday thurs thur thu",
            "vendredi ven friday fri",
            "samedi sam saturday sat",
            "dimanche dim sunday sun",
        )
    )
    for name in names.split()
}
NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "un une an a one",
            "deux two",
            "trois three",
            "quatre four",
            "cinq five",
            "six",
            "sept seven",
            "huit eight",
            "neuf nine",
            "dix ten",
        ),
        1,
    )
    for name in names.split()
}


class NotUnderstood(ValueError):
    """A word that says nothing about time; ``word`` is as it was written, shortened."""

    def __init__(self, word: str) -> None:
        super().__init__("not understood")
        self.word = word


@dataclass(frozen=True, slots=True)
class Moment:
    """An ISO date and time with its offset from UTC: nothing about it is open."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """A day; without a year, or even a month, the next one is meant."""

    day: int
    month: int = 0
    year: int = 0


@dataclass(frozen=True, slots=True)
class Either:
    """« 3/5 », which is the 3rd of May in France and the 5th of March elsewhere."""

    first: int
    second: int
    year: int = 0


@dataclass(frozen=True, slots=True)
class Weekday:
    """0 is Monday; ``weeks`` further on (« lundi en huit »)."""

    number: int
    weeks: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """So many days from today."""

    days: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. ``bare``: an hour alone, which needs a part of the day to be clear.

    ``hours``: written with « h », which also counts hours.
    """

    hour: int
    minute: int = 0
    bare: bool = False
    hours: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day; ``add`` turns its hours into those of 24."""

    add: int


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: minutes, or whole days."""

    minutes: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A word that says what the next one is: ``in``, ``for``, ``until``, ``to`` (between two times)."""

    name: str


Token = Moment | Day | Either | Weekday | Shift | Clock | Part | Span | Mark
Build = Callable[[re.Match[str]], Token | None]


def normalised(text: str) -> str:
    """Lower case without accents, with plain quotes, dashes and spaces; character by character."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub("[’ʼ‘`´]", "'", re.sub("[‐‑–—−]", "-", plain))
    return " ".join(plain.split())


def tokens(text: str) -> Iterator[Token]:
    """What a text says about time. Raises :class:`NotUnderstood` at the first word that doesn't."""
    rest = normalised(text)[:200]
    while rest := rest.lstrip(" ,;"):
        for pattern, build in _PATTERNS:
            found = pattern.match(rest)
            if found:
                token = _built(build, found)
                if token is not None:
                    yield token
                rest = rest[found.end() :]
                break
        else:
            raise NotUnderstood(rest.split()[0][:30])


def _built(build: Build, found: re.Match[str]) -> Token | None:
    try:
        return build(found)
    except ValueError:
        raise NotUnderstood(found[0][:30]) from None


# --- the patterns, longest first ---

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(WEEKDAYS, key=len, reverse=True))
_NUMBER = r"\d{1,4}|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
_END = r"(?:(?<=[^a-z0-9])|(?![a-z0-9]))"
_NOT_MINUTES = rf"(?! ?(?:min|mn|jour|day|(?:{_MONTH})(?![a-z])))"


def _number(word: str) -> int:
    return NUMBERS.get(word) or int(word)


def _iso(found: re.Match[str]) -> Token:
    year, month, day, hour, minute, offset = found.groups()
    if offset is None:
        return Moment(datetime(int(year), int(month), int(day), int(hour), int(minute)))
    written = f"{year}-{month}-{day}T{hour}:{minute}{'+00:00' if offset == 'z' else offset}"
    return Moment(datetime.fromisoformat(written))


def _numeric(found: re.Match[str]) -> Token:
    first, second, year = found.groups()
    return Either(int(first), int(second), int(year or 0))


def _ampm(found: re.Match[str]) -> Token:
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3][0]
    if not 1 <= hour <= 12:
        raise NotUnderstood(found[0])
    return Clock(hour % 12 + (12 if half == "p" else 0), minute)


def _hours(found: re.Match[str]) -> Token:
    fraction = {"demie": 30, "quart": 15}.get(found[3] or "", 0)
    return Clock(_number(found[1]), int(found[2] or 0) + fraction, hours=True)


def _month_first(found: re.Match[str]) -> Token:
    return Day(int(found[2]), MONTHS[found[1]], int(found[3] or 0))


def _day_first(found: re.Match[str]) -> Token:
    return Day(int(found[1]), MONTHS[found[2]], int(found[3] or 0))


def _weekday(found: re.Match[str]) -> Token:
    return Weekday(WEEKDAYS[found[1]], 1 if found[2] and "huit" in found[2] else 0)


_ORDINAL = r"(?:er|e|st|nd|rd|th)?"
_RULES: tuple[tuple[str, Build], ...] = (
    (r"(\d{4})-(\d\d)-(\d\d)t(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(z|[+-]\d\d:\d\d)?", _iso),
    (r"(\d{4})-(\d\d)-(\d\d)", lambda m: Day(int(m[3]), int(m[2]), int(m[1]))),
    (r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", _numeric),
    (r"(\d{1,2})\.(\d{1,2})\.(\d{4})", lambda m: Day(int(m[1]), int(m[2]), int(m[3]))),
    (rf"(\d{{1,2}}){_ORDINAL} (?:of |de )?({_MONTH})\.?(?:,? (\d{{4}}))?", _day_first),
    (rf"({_MONTH})\.? (\d{{1,2}}){_ORDINAL}(?:,? (\d{{4}}))?", _month_first),
    (r"(?:une |a |an )?demi-heure|half an hour", lambda _: Span(30)),
    (r"(?:un )?quart d'heure|(?:a )?quarter of an hour", lambda _: Span(15)),
    (r"(?:trois|3) quarts d'heure", lambda _: Span(45)),
    (rf"({_NUMBER}) ?(?:min|minutes?|mn|mns)\.?", lambda m: Span(_number(m[1]))),
    (rf"({_NUMBER}) ?(?:hours?|hrs?)(?! ?(?:pm|am))", lambda m: Span(60 * _number(m[1]))),
    (rf"({_NUMBER}) ?(?:jours?|days?|j)", lambda m: Span(days=_number(m[1]))),
    (rf"({_NUMBER}) ?(?:semaines?|weeks?)", lambda m: Span(days=7 * _number(m[1]))),
    (r"(\d{1,2})(?:[:.](\d\d))? ?([ap]\.?m)\.?", _ampm),
    (
        rf"(\d{{1,2}}|{'|'.join(NUMBERS)}) ?h(?:eures?)?(?: ?(\d\d){_NOT_MINUTES})?(?: et (demie|quart))?",
        _hours,
    ),
    (r"(\d{1,2}):(\d\d)", lambda m: Clock(int(m[1]), int(m[2]))),
    (r"midi|noon", lambda _: Clock(12)),
    (r"(?:le |the )(\d{1,2})(?:er|st|nd|rd|th)?(?= (?:a|at|de|from)\b|$)", lambda m: Day(int(m[1]))),
    (r"aujourd'hui|today", lambda _: Shift(0)),
    (r"ce soir|tonight|this evening", lambda _: Part(12)),
    (r"ce matin|this morning", lambda _: Part(0)),
    (r"apres[ -]demain|(?:the )?day after tomorrow", lambda _: Shift(2)),
    (r"demain|tomorrow", lambda _: Shift(1)),
    (rf"(?:next )?({_WEEKDAY})\.?( prochain| en huit)?", _weekday),
    (r"(?:(?:de |in )?(?:l'|the |cet |this ))?(?:apres[ -]midi|afternoon)", lambda _: Part(12)),
    (r"(?:(?:du|in the|au|le) )?(?:soir|evening)", lambda _: Part(12)),
    (r"(?:(?:du|in the|au|le) )?(?:matin|morning)", lambda _: Part(0)),
    (r"dans|in", lambda _: Mark("in")),
    (r"pendant|durant|duree|pour|for", lambda _: Mark("for")),
    (r"jusqu'?e?(?:aux?|a|en)?|until|till", lambda _: Mark("until")),
    (r"-|to", lambda _: Mark("to")),
    (
        rf"(?:a|at|vers|about) (\d{{1,2}})(?! ?(?:[:h./-]|[ap]\.?m|{_MONTH}))",
        lambda m: Clock(int(m[1]), bare=True),
    ),
    (r"a", lambda _: Mark("to")),
    (r"[ld]'", lambda _: None),
    (r"le|la|les|at|on|the|de|du|from|of|et|and|ce|cet|cette|this", lambda _: None),
)
_PATTERNS = tuple((re.compile(f"(?:{rule}){_END}"), build) for rule, build in _RULES)


def real_day(year: int, month: int, day: int) -> date | None:
    """The day of the calendar, or ``None`` for one such as the 31st of February."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


_MONTH_NAMES = {
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_DAY_NAMES = {
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


def spoken_until(end: datetime, zone: str, language: str) -> str:
    """An end as people count: what ends when the 4th begins lasts « jusqu'au 3 inclus »."""
    local = end.astimezone(ZoneInfo(zone))
    if (local.hour, local.minute) != (0, 0):
        return spoken(end, zone, language)
    day = _day(local - timedelta(days=1), language)
    return f"the end of {day}" if language == "en" else f"{day} inclus"


def _day(local: datetime, language: str) -> str:
    kept = language if language in _DAY_NAMES else "fr"
    first = "1er" if local.day == 1 and kept == "fr" else str(local.day)
    return f"{_DAY_NAMES[kept][local.weekday()]} {first} {_MONTH_NAMES[kept][local.month - 1]} {local.year}"


def spoken(moment: datetime, zone: str, language: str) -> str:
    """A moment as it is said: « mardi 3 mai 2026 à 14 h 30 », “Tuesday 3 May 2026 at 14:30”."""
    local = moment.astimezone(ZoneInfo(zone))
    if language == "en":
        return f"{_day(local, language)} at {local:%H:%M}"
    return f"{_day(local, language)} à {local.hour}\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}{local.minute:02d}"
