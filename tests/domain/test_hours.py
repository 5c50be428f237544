"""Waits that count only while a group works."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.hours import ALWAYS, Calendar, later, read_week

OFFICE = Calendar(read_week({"mon-fri": "08:00-12:00, 14:00-18:00"}), "Europe/Paris")
FRIDAY_17 = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)
"""17:00 in Paris."""


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        pytest.param(FRIDAY_17, 0.5, datetime(2026, 3, 6, 16, 30, tzinfo=UTC), id="within the day"),
        pytest.param(FRIDAY_17, 1, datetime(2026, 3, 6, 17, 0, tzinfo=UTC), id="up to the end of the day"),
        pytest.param(FRIDAY_17, 2, datetime(2026, 3, 9, 8, 0, tzinfo=UTC), id="over the weekend"),
        pytest.param(
            datetime(2026, 3, 7, 3, 0, tzinfo=UTC),
            1,
            datetime(2026, 3, 9, 8, 0, tzinfo=UTC),
            id="asked at night",
        ),
        pytest.param(
            datetime(2026, 3, 9, 10, 30, tzinfo=UTC),
            1,
            datetime(2026, 3, 9, 13, 30, tzinfo=UTC),
            id="over lunch",
        ),
        pytest.param(
            datetime(2026, 3, 27, 16, 0, tzinfo=UTC),
            2,
            datetime(2026, 3, 30, 7, 0, tzinfo=UTC),
            id="summer time",
        ),
    ],
)
def test_only_the_groups_hours_count(start: datetime, hours: float, end: datetime) -> None:
    assert later(start, hours, OFFICE) == end


def test_a_group_without_hours_always_works() -> None:
    assert later(FRIDAY_17, 60, Calendar()) == FRIDAY_17 + timedelta(hours=60)


def test_a_holiday_is_no_working_day() -> None:
    closed = Calendar(OFFICE.week, OFFICE.time_zone, frozenset({date(2026, 3, 9)}))
    assert later(FRIDAY_17, 2, closed) == datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


def test_a_group_that_never_works_is_waited_for_by_the_clock() -> None:
    never = Calendar(((),) * 7)
    assert later(FRIDAY_17, 2, never) == FRIDAY_17 + timedelta(hours=2)


def test_days_are_written_in_french_or_english() -> None:
    assert read_week({"lun-ven": "8h00-19h00"}) == read_week({"mon-fri": "08:00-19:00"})
    assert read_week({"sat,sun": "00:00-24:00"})[5] == ((0, 1440),)
    assert read_week({}) == ALWAYS


@pytest.mark.parametrize(
    "written",
    [
        {"someday": "08:00-19:00"},
        {"fri-mon": "08:00-19:00"},
        {"mon": "19:00-08:00"},
        {"mon": "08:00-25:00"},
        {"mon": "08:70-09:00"},
        {"mon": "in the morning"},
        {"mon": "08:00-12:00, 11:00-13:00"},
        {"mon": ""},
    ],
)
def test_hours_that_make_no_sense_are_refused(written: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_week(written)


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.floats(0, 500),
    st.floats(0, 500),
)
def test_more_hours_never_end_sooner_and_no_wait_ends_before_it_began(
    start: datetime, first: float, more: float
) -> None:
    assert start <= later(start, first, OFFICE) <= later(start, first + more, OFFICE)
