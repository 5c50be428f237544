"""Dates and durations as people write them, in both languages; what isn't one is refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.dates import DateProblem, read_appointment, read_until, split_until, spoken
from bridge.domain.datewords import MONTHS, NUMBERS, WEEKDAYS, spoken_until
from bridge.locale import LANGUAGES, catalogue

PARIS = "Europe/Paris"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # ten o'clock in Paris


def _in_paris(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(PARIS)).replace(tzinfo=None).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("words", "when", "minutes"),
    [
        ("demain 14h30 20min", "2026-03-03T14:30", 20),
        ("tomorrow 2:30pm 20 min", "2026-03-03T14:30", 20),
        ("Demain à 14 h 30, 45 minutes", "2026-03-03T14:30", 45),
        ("lundi 9h", "2026-03-09T09:00", 30),
        ("next Friday 4.30pm 1 hour 30 min", "2026-03-06T16:30", 90),
        ("vendredi prochain à 16h30 pour 45 minutes", "2026-03-06T16:30", 45),
        ("lundi en huit 9h", "2026-03-16T09:00", 30),
        ("lundi 9 mars 14h", "2026-03-09T14:00", 30),
        ("le 3 mai à 10h", "2026-05-03T10:00", 30),
        ("le 1er avril à 10h", "2026-04-01T10:00", 30),
        ("le 12 à 9h15", "2026-03-12T09:15", 30),
        ("May 3 at 10am", "2026-05-03T10:00", 30),
        ("May 3rd, 2026 at 10:00", "2026-05-03T10:00", 30),
        ("the 3rd of May at noon", "2026-05-03T12:00", 30),
        ("3/5 10h", "2026-05-03T10:00", 30),
        ("03/05/2026 10:00", "2026-05-03T10:00", 30),
        ("dans 2 h", "2026-03-02T12:00", 30),
        ("in 2 hours", "2026-03-02T12:00", 30),
        ("dans une demi-heure", "2026-03-02T10:30", 30),
        ("in an hour for 15 min", "2026-03-02T11:00", 15),
        ("dans 1h30 pendant 20 min", "2026-03-02T11:30", 20),
        ("dans 3 jours à 10h", "2026-03-05T10:00", 30),
        ("après-demain midi", "2026-03-04T12:00", 30),
        ("the day after tomorrow at noon", "2026-03-04T12:00", 30),
        ("aujourd’hui 14 h 30", "2026-03-02T14:30", 30),
        ("14h", "2026-03-02T14:00", 30),
        ("ce soir 8h", "2026-03-02T20:00", 30),
        ("tomorrow morning at 9", "2026-03-03T09:00", 30),
        ("demain à 9 heures et demie", "2026-03-03T09:30", 30),
        ("demain 14h 1h", "2026-03-03T14:00", 60),
        ("demain 14h30-15h", "2026-03-03T14:30", 30),
        ("from 2pm to 2:45pm tomorrow", "2026-03-03T14:00", 45),
        ("mardi de 14h à 14h45", "2026-03-03T14:00", 45),
        ("2026-05-03T10:00", "2026-05-03T10:00", 30),
        ("2026-05-03 10:00 20min", "2026-05-03T10:00", 20),
        ("2026-05-03T10:00Z", "2026-05-03T12:00", 30),
        ("2026-10-25T02:30+02:00", "2026-10-25T02:30", 30),
    ],
)
def test_what_people_write_is_understood(words: str, when: str, minutes: int) -> None:
    found = read_appointment(words, MONDAY, PARIS, minutes=30)
    assert _in_paris(found.start) == when
    assert found.minutes == minutes
    assert found.end - found.start == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "missing"),
        ("demain", "no_time"),
        ("20 min", "no_time"),
        ("demain à 9", "no_time"),
        ("dans 3 jours", "no_time"),
        ("bonjour", "not_understood"),
        ("patient de 3 ans", "not_understood"),
        ("demain 14h si possible", "not_understood"),
        ("2026-13-45T99:99", "not_understood"),
        ("aujourd'hui 9h", "past"),
        ("le 1er mars 10h", "past"),
        ("2025-05-03 10:00", "past"),
        ("1 mars 2028 10h", "too_far"),
        ("31/12/9999 10h", "too_far"),
        ("dans 9999 semaines à 10h", "too_far"),
        ("31 février 10h", "no_such_day"),
        ("29 février 2027 10h", "no_such_day"),
        ("45/45 10h", "no_such_day"),
        ("demain 25h", "no_such_time"),
        ("demain 14:75", "no_such_time"),
        ("29 mars 2h30", "no_such_time"),
        ("25 octobre 2h30", "ambiguous_time"),
        ("mardi 9 mars 14h", "wrong_weekday"),
        ("demain vendredi 14h", "wrong_weekday"),
        ("demain 14:30 15:00", "twice"),
        ("demain 3 mai 10h", "twice"),
        ("demain 14h 0 min", "duration"),
        ("demain 14h 9h", "duration"),
        ("demain 15h-14h", "duration"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(words: str, code: str) -> None:
    with pytest.raises(DateProblem) as problem:
        read_appointment(words, MONDAY, PARIS)
    assert problem.value.code == code
    for language in LANGUAGES:
        assert f"bot.date_{code}" in catalogue(language)


def test_a_numeric_date_that_english_readers_take_differently_is_refused() -> None:
    with pytest.raises(DateProblem, match="ambiguous_day"):
        read_appointment("3/5 10am", MONDAY, PARIS, language="en")
    assert read_appointment("13/5 10am", MONDAY, PARIS, language="en").start.month == 5
    assert read_appointment("5/13 10am", MONDAY, PARIS, language="en").start.month == 5


@pytest.mark.parametrize(
    ("words", "when"),
    [
        ("jusqu'au 3 mai", "2026-05-04T00:00"),
        ("3 mai", "2026-05-04T00:00"),
        ("until Friday", "2026-03-07T00:00"),
        ("jusqu’à demain", "2026-03-04T00:00"),
        ("jusqu'à vendredi matin", "2026-03-06T12:00"),
        ("jusqu’à 14h", "2026-03-02T14:00"),
        ("until 9am", "2026-03-03T09:00"),
        ("until 3 May at 10am", "2026-05-03T10:00"),
        ("pendant 2 h", "2026-03-02T12:00"),
        ("2h", "2026-03-02T12:00"),
        ("for 3 days", "2026-03-05T10:00"),
        ("2 semaines", "2026-03-16T10:00"),
        ("jusqu'au 29 mars", "2026-03-30T00:00"),
    ],
)
def test_an_end_is_understood_and_a_named_day_is_included(words: str, when: str) -> None:
    assert _in_paris(read_until(words, MONDAY, PARIS)) == when


@pytest.mark.parametrize(
    ("words", "code"),
    [("toujours", "not_understood"), ("until yesterday", "not_understood"), ("jusqu'au 10 février", "past")],
)
def test_an_end_that_is_none_is_refused(words: str, code: str) -> None:
    with pytest.raises(DateProblem) as problem:
        read_until(words, MONDAY, PARIS)
    assert problem.value.code == code


def test_what_stands_before_the_end_is_told_apart() -> None:
    assert split_until("partout jusqu’au 3 mai") == ("partout", "jusqu’au 3 mai")
    assert split_until("all until Friday") == ("all", "until Friday")
    assert split_until("cardiologie") == ("cardiologie", "")


def test_days_that_lie_across_a_change_of_clocks_keep_the_time_of_day() -> None:
    saturday = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)
    end = read_until("2 jours", saturday, PARIS)
    assert _in_paris(end) == "2026-03-30T10:00"


def test_an_end_is_told_as_people_count_days() -> None:
    end = read_until("jusqu'au 3 mai", MONDAY, PARIS)
    assert spoken_until(end, PARIS, "fr") == "dimanche 3 mai 2026 inclus"
    assert spoken_until(end, PARIS, "en") == "the end of Sunday 3 May 2026"
    noon = read_until("until 3 May at 10am", MONDAY, PARIS)
    assert spoken_until(noon, PARIS, "en") == spoken(noon, PARIS, "en")


def test_a_moment_is_told_in_the_readers_language() -> None:
    when = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    assert spoken(when, PARIS, "fr") == "vendredi 1er mai 2026 à 14\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30"
    assert spoken(when, PARIS, "en") == "Friday 1 May 2026 at 14:30"
    assert spoken(when, PARIS, "de") == spoken(when, PARIS, "fr")


WORDS = [*MONTHS, *WEEKDAYS, *NUMBERS]
WORDS += [
    "dans",
    "in",
    "pour",
    "à",
    "to",
    "-",
    "until",
    "14h30",
    "2:30pm",
    "20min",
    "1h",
    "demain",
    "le",
    "31",
]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.sampled_from([PARIS, "UTC"]))
def test_whatever_is_written_gives_a_time_to_come_or_a_reason(words: str, zone: str) -> None:
    def start() -> datetime:
        return read_appointment(words, MONDAY, zone).start

    def end() -> datetime:
        return read_until(words, MONDAY, zone)

    for read in (start, end):
        try:
            moment = read()
        except DateProblem as problem:
            reason = f"bot.date_{problem.code}"
        else:
            reason = ""
            assert MONDAY < moment < MONDAY + timedelta(days=401)
        assert not reason or reason in catalogue("fr")


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(2026, 3, 3), datetime(2027, 3, 1)), st.sampled_from(LANGUAGES))
def test_a_moment_as_it_is_told_is_understood_again(when: datetime, language: str) -> None:
    moment = when.replace(second=0, microsecond=0, tzinfo=UTC)
    told = spoken(moment, "UTC", language)
    assert read_appointment(told, MONDAY, "UTC", language=language).start == moment
