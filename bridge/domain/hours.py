"""Working hours: when a wait that only counts while a group works is over. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

Span = tuple[int, int]
"""From and to, in minutes after midnight."""
Week = tuple[tuple[Span, ...], ...]
"""The spans of each day, Monday first."""

ALWAYS: Week = ()
FARTHEST_DAYS = 800
"""Whoever doesn't work for so long is waited for by the clock."""
DAY_MIN = 24 * 60
_DAYS = {
    name: number
    for names in ("mon tue wed thu fri sat sun", "lun mar mer jeu ven sam dim")
    for number, name in enumerate(names.split())
}
_SPAN = re.compile(r"(\d{1,2})[:h](\d{2})\s*[-–]\s*(\d{1,2})[:h](\d{2})")


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a group works. Without a ``week`` it always does."""

    week: Week = ALWAYS
    time_zone: str = "Europe/Paris"
    holidays: frozenset[date] = frozenset()

    def opens(self, day: date) -> tuple[Span, ...]:
        """The spans of this day."""
        return () if day in self.holidays else self.week[day.weekday()]


def read_week(written: Mapping[str, str]) -> Week:
    """The week of ``{"mon-fri": "08:00-12:00, 14:00-19:00"}``. Raises :class:`ValueError`."""
    week: list[tuple[Span, ...]] = [()] * 7
    for days, spans in written.items():
        for day in _days(days):
            week[day] = _spans(spans)
    if written and not any(week):
        raise ValueError("must name some hours, or be left out: then the group always works")
    return tuple(week) if written else ALWAYS


def _days(written: str) -> Iterator[int]:
    for part in written.lower().split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        if first not in _DAYS or (last or first) not in _DAYS:
            raise ValueError(f"{written!r} are no days; write mon, mon-fri or sat,sun")
        start, end = _DAYS[first], _DAYS[last or first]
        if end < start:
            raise ValueError(f"{written!r} goes backwards; write mon-fri, then sat and sun")
        yield from range(start, end + 1)


def _spans(written: str) -> tuple[Span, ...]:
    spans = tuple(_span(part) for part in written.split(",") if part.strip())
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ValueError(f"{written!r} overlaps; write the earlier hours first")
    return spans


def _span(written: str) -> Span:
    match = _SPAN.fullmatch(written.strip())
    hours = [int(group) for group in match.groups()] if match else [0, 0, 0, 0]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if not match or not start < end <= DAY_MIN or max(hours[1], hours[3]) > 59:
        raise ValueError(f"{written.strip()!r} are no hours; write 08:00-19:00")
    return start, end


def later(start: datetime, hours: float, calendar: Calendar) -> datetime:
    """When so many of the group's hours have passed since ``start`` (both UTC)."""
    left = timedelta(hours=hours)
    if not calendar.week:
        return start + left
    zone = ZoneInfo(calendar.time_zone)
    first = start.astimezone(zone).date()
    for ahead in range(FARTHEST_DAYS):
        for opening, closing in _open(first + timedelta(days=ahead), calendar, zone):
            begin = max(opening, start)
            if begin >= closing:
                continue
            if begin + left <= closing:
                return begin + left
            left -= closing - begin
    return start + timedelta(hours=hours)


def _open(day: date, calendar: Calendar, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    for start, end in calendar.opens(day):
        yield _moment(day, start, zone), _moment(day, end, zone)


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Computed in local time, and then as an instant: a day may have 23 or 25 hours."""
    midnight = datetime.combine(day + timedelta(days=minutes // DAY_MIN), time(), zone)
    return midnight.replace(hour=minutes % DAY_MIN // 60, minute=minutes % 60).astimezone(UTC)
