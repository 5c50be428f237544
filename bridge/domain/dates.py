"""Dates and durations as people say them: « demain 14h30 20min », « until Friday », « dans 2 h ».

Pure: the present and the organisation's time zone are given. A text is understood whole or refused with a
:class:`DateProblem`, whose ``code`` is the locale key ``bot.date_<code>``; nothing is ever guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from bridge.domain.datewords import (
    Clock,
    Day,
    Either,
    Mark,
    Moment,
    NotUnderstood,
    Part,
    Shift,
    Span,
    Token,
    Weekday,
    real_day,
    spoken,
    tokens,
)

FARTHEST_DAYS = 400
"""Nothing is arranged further ahead than this; a year was mistyped."""
LONGEST_MIN = 8 * 60
T = TypeVar("T")
_UNTIL = re.compile(r"\b(?:jusqu['’]?(?:au|aux|à|a|en)?|until|till|pendant|pour|for)\b.*", re.I | re.S)


class DateProblem(ValueError):
    """Why a text isn't a date: ``code`` ends the locale key ``bot.date_<code>``, ``word`` is its value."""

    def __init__(self, code: str, word: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.word = word


@dataclass(frozen=True, slots=True)
class Appointment:
    """When something begins (UTC), and how long it takes."""

    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(minutes=self.minutes)


def read_appointment(
    text: str, now: datetime, zone: str, *, language: str = "fr", minutes: int = 20
) -> Appointment:
    """The moment (and the duration, else ``minutes``) that a text names. Raises :class:`DateProblem`."""
    said = _said(text)
    start = _reachable(_start, said, _Now(now, ZoneInfo(zone)), language)
    if start <= now:
        raise DateProblem("past", spoken(start, zone, language))
    if start > now + timedelta(days=FARTHEST_DAYS):
        raise DateProblem("too_far", spoken(start, zone, language))
    length = _length(said, start, ZoneInfo(zone), minutes)
    if not 1 <= length <= LONGEST_MIN:
        raise DateProblem("duration", str(length))
    return Appointment(start, length)


def read_until(text: str, now: datetime, zone: str, *, language: str = "fr") -> datetime:
    """The end (UTC) that a text names, days included: « jusqu'au 3 mai » ends when the 4th begins.

    « pendant 2 h » and « 3 days » count from now. Raises :class:`DateProblem`.
    """
    end = _reachable(_until, _said(text), _Now(now, ZoneInfo(zone)), language)
    if end <= now:
        raise DateProblem("past", spoken(end, zone, language))
    if end > now + timedelta(days=FARTHEST_DAYS):
        raise DateProblem("too_far", spoken(end, zone, language))
    return end


def _reachable(
    meant: Callable[[_Said, _Now, str], datetime], said: _Said, here: _Now, language: str
) -> datetime:
    """What a text means, unless the calendar ends before."""
    try:
        return meant(said, here, language).astimezone(UTC)
    except OverflowError:
        raise DateProblem("too_far") from None


def _until(said: _Said, here: _Now, language: str) -> datetime:
    span = said.delta or said.duration or _bare_hours(said)
    dated = said.day is not None or said.moment is not None
    if span is not None and not dated:
        return here.after(span)
    if said.clocks and not dated:
        return _next_time(said, here)
    if said.day is not None and not said.clocks:
        return _end_of(said, here, language)
    return _start(said, here, language)


def _bare_hours(said: _Said) -> Span | None:
    """« !muet 2h » is for two hours; « jusqu'à 2h » is at two."""
    if said.until or said.part or len(said.clocks) != 1 or not said.clocks[0].hours:
        return None
    return Span(60 * said.clocks[0].hour + said.clocks[0].minute)


def _end_of(said: _Said, here: _Now, language: str) -> datetime:
    """The day is over when the next one begins, and its morning at noon."""
    day = _named_day(said, here, language)
    if said.part is not None and not said.part.add:
        return here.at_time(day, Clock(12))
    return here.first_of(day + timedelta(days=1))


def split_until(text: str) -> tuple[str, str]:
    """What stands before « jusqu'… », « until … », « pendant … » or « for … », and that with the rest."""
    found = _UNTIL.search(text)
    return (text[: found.start()].strip(), found[0].strip()) if found else (text.strip(), "")


# --- what was said ---


@dataclass(slots=True)
class _Said:
    """The tokens, each at its place."""

    moment: Moment | None = None
    day: Day | Either | Weekday | Shift | None = None
    weekday: Weekday | None = None
    clocks: list[Clock] = field(default_factory=list)
    part: Part | None = None
    until: bool = False
    delta: Span | None = None
    duration: Span | None = None


def _said(text: str) -> _Said:
    said = _Said()
    mark = ""
    try:
        for token in tokens(text):
            if isinstance(token, Mark):
                mark = token.name
                said.until = said.until or mark == "until"
                continue
            _place(said, token, mark)
            # « pour 1 h 30 min » counts on; any other mark is about one word.
            mark = mark if isinstance(token, Span) and mark in ("in", "for") else ""
    except NotUnderstood as error:
        raise DateProblem("not_understood", error.word) from None
    if not any((said.moment, said.day, said.clocks, said.delta, said.duration, said.part)):
        raise DateProblem("missing")
    return said


def _place(said: _Said, token: Token, mark: str) -> None:
    match token:
        case Moment():
            said.moment = _once(said.moment, token)
        case Weekday():
            said.weekday = _once(said.weekday, token)
            said.day = said.day or token
        case Day() | Either() | Shift():
            known = None if isinstance(said.day, Weekday) else said.day
            said.day = _once(known, token)
        case Part():
            said.part = _once(said.part, token)
        case Span():
            if mark == "to":
                raise DateProblem("twice")
            _lengthen(said, token, mark)
        case Clock():
            _time(said, token, mark)


def _once(known: T | None, token: T) -> T:
    if known is not None:
        raise DateProblem("twice")
    return token


def _time(said: _Said, token: Clock, mark: str) -> None:
    """« 1 h » is a length after « dans », « pendant » or a time of day, and else a time of day."""
    counted = token.hours and (mark in ("in", "for") or (said.clocks and mark not in ("to", "until")))
    if counted:
        _lengthen(said, Span(60 * token.hour + token.minute), mark)
    elif said.clocks and (mark not in ("to", "until") or len(said.clocks) > 1):
        raise DateProblem("twice")
    else:
        said.clocks.append(token)


def _lengthen(said: _Said, token: Span, mark: str) -> None:
    if mark == "in" or (said.delta is not None and not mark and not said.clocks):
        said.delta = _sum(said.delta, token)
    else:
        said.duration = _sum(said.duration, token)


def _sum(known: Span | None, more: Span) -> Span:
    return more if known is None else Span(known.minutes + more.minutes, known.days + more.days)


# --- what it means ---


@dataclass(frozen=True, slots=True)
class _Now:
    """The present, and where."""

    at: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        return self.at.astimezone(self.zone).date()

    def after(self, span: Span) -> datetime:
        """Days keep the time of day, whatever the clocks do; minutes are minutes."""
        local = self.at.astimezone(self.zone)
        later = datetime.combine(local.date() + timedelta(days=span.days), local.time(), self.zone)
        return (later.astimezone(UTC) + timedelta(minutes=span.minutes)).astimezone(self.zone)

    def at_time(self, day: date, clock: Clock) -> datetime:
        """A time of day that exists exactly once on this day."""
        moment = datetime.combine(day, time(clock.hour, clock.minute), self.zone)
        if moment.utcoffset() == moment.replace(fold=1).utcoffset():
            return moment
        there = moment.astimezone(UTC).astimezone(self.zone)
        code = "ambiguous_time" if there.time() == moment.time() else "no_such_time"
        raise DateProblem(code, f"{clock.hour}:{clock.minute:02d}")

    def first_of(self, day: date) -> datetime:
        """When a day begins, also where clocks go forward at midnight."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC).astimezone(self.zone)


def _start(said: _Said, here: _Now, language: str) -> datetime:
    if said.moment is not None:
        return _moment(said.moment, here)
    if said.delta is not None:
        return _after(said, here)
    if said.day is None and not said.clocks and said.duration is not None:
        raise DateProblem("no_time")
    return here.at_time(_named_day(said, here, language), _clock(said))


def _named_day(said: _Said, here: _Now, language: str) -> date:
    """The day, today when none is named; a weekday beside a date must be its own."""
    day = _day(said.day, here, language) if said.day is not None else here.today
    if said.weekday is not None and said.weekday.number != day.weekday():
        raise DateProblem("wrong_weekday", spoken(here.first_of(day), here.zone.key, language))
    return day


def _moment(moment: Moment, here: _Now) -> datetime:
    at = moment.at
    if at.tzinfo is not None:
        return at.astimezone(here.zone)
    return here.at_time(at.date(), Clock(at.hour, at.minute))


def _after(said: _Said, here: _Now) -> datetime:
    """« dans 2 h », « dans 3 jours à 10h »."""
    span = said.delta or Span()
    if said.day is not None:
        raise DateProblem("twice")
    if said.clocks:
        if span.minutes:
            raise DateProblem("twice")
        return here.at_time(here.after(span).astimezone(here.zone).date(), _clock(said))
    if span.days and not span.minutes:
        raise DateProblem("no_time")
    # Nobody means the seconds: « dans 2 h » is at a full minute.
    return here.after(span).replace(second=0, microsecond=0)


def _clock(said: _Said) -> Clock:
    if not said.clocks:
        raise DateProblem("no_time")
    first = said.clocks[0]
    if first.bare and said.part is None:
        raise DateProblem("no_time")
    return _checked(first, said.part)


def _checked(clock: Clock, part: Part | None) -> Clock:
    hour = clock.hour
    if part is not None and hour < 12:
        hour += part.add
    if hour > 23 or clock.minute > 59:
        raise DateProblem("no_such_time", f"{clock.hour}:{clock.minute:02d}")
    return Clock(hour, clock.minute)


def _next_time(said: _Said, here: _Now) -> datetime:
    """« jusqu'à 14h »: today, or tomorrow when that is over."""
    clock = _clock(said)
    today = here.at_time(here.today, clock)
    return today if today > here.at else here.at_time(here.today + timedelta(days=1), clock)


def _day(said: Day | Either | Weekday | Shift, here: _Now, language: str) -> date:
    match said:
        case Shift():
            return here.today + timedelta(days=said.days)
        case Weekday():
            # Said on a Monday, « lundi » is the next one: who means the same day says « aujourd'hui ».
            ahead = (said.number - here.today.weekday() - 1) % 7 + 1
            return here.today + timedelta(days=ahead + 7 * said.weeks)
        case Either():
            return _of_calendar(_decided(said, language), here)
        case Day():
            return _of_calendar(said, here)


def _decided(said: Either, language: str) -> Day:
    first, second = said.first, said.second
    if language == "en" and first <= 12 and second <= 12 and first != second:
        raise DateProblem("ambiguous_day", f"{first}/{second}")
    return Day(second, first, said.year) if second > 12 else Day(first, second, said.year)


def _of_calendar(said: Day, here: _Now) -> date:
    """The day itself, or the next such day; one that was lately isn't meant for next year."""
    written = "/".join(str(part) for part in (said.day, said.month, said.year) if part)
    if said.year:
        found = real_day(said.year, said.month, said.day)
        if found is None:
            raise DateProblem("no_such_day", written)
        return found
    if not said.month:
        return _of_month(said.day, here, written)
    found = real_day(here.today.year, said.month, said.day)
    if found is not None and found >= here.today - timedelta(days=62):
        return found
    for year in (here.today.year, here.today.year + 1):
        found = real_day(year, said.month, said.day)
        if found is not None and found >= here.today:
            return found
    raise DateProblem("no_such_day", written)


def _of_month(day: int, here: _Now, written: str) -> date:
    """« le 3 »: this month's, or the next."""
    first = here.today.replace(day=1)
    for month in (first, (first + timedelta(days=32)).replace(day=1)):
        found = real_day(month.year, month.month, day)
        if found is not None and found >= here.today:
            return found
    raise DateProblem("no_such_day", written)


def _length(said: _Said, start: datetime, zone: ZoneInfo, otherwise: int) -> int:
    """How many minutes: said as such, or by the end (« 14h à 14h30 »)."""
    if said.duration is not None:
        return said.duration.minutes + 1440 * said.duration.days
    if len(said.clocks) < 2:
        return otherwise
    clock = _checked(said.clocks[1], said.part)
    end = _Now(start, zone).at_time(start.astimezone(zone).date(), clock)
    return int((end.astimezone(UTC) - start).total_seconds() // 60)


__all__ = [
    "Appointment",
    "DateProblem",
    "read_appointment",
    "read_until",
    "split_until",
    "spoken",
]
