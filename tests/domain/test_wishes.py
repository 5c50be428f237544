"""What practitioners wish for themselves, as they say it in French and English."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bridge.domain import events as ev
from bridge.domain.effects import TellAll
from bridge.domain.inquiries import Inquire, Topic
from bridge.domain.organisation import InForce, Organisation, Practitioner
from bridge.domain.question import decide
from bridge.domain.wishes import (
    OFF,
    Greet,
    KeepDigest,
    KeepLanguage,
    hour_named,
    language_named,
    next_digest,
)
from tests.domain.given import AT_ONCE, CLAIRE, NOW, NURSE, after, bot_asked, kinds, only

PEOPLE = Organisation("H", "fr", (Practitioner(CLAIRE.user_id, CLAIRE.name, "fr"),), ())


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("en", "en"),
        ("English", "en"),
        ("anglais", "en"),
        (" FR ", "fr"),
        ("français", "fr"),
        ("", ""),
        ("de", ""),
    ],
)
def test_a_language_is_named_in_either_language(said: str, language: str) -> None:
    assert language_named(said) == language


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("8h", 480),
        ("8", 480),
        ("08:00", 480),
        ("à 8h30", 510),
        ("at 8am", 480),
        ("6 pm", 1080),
        ("12am", 0),
        ("12 pm", 720),
        ("18h45", 1125),
        ("0h", 0),
        ("off", OFF),
        ("non", OFF),
        ("jamais", OFF),
        ("24h", None),
        ("8h75", None),
        ("13pm", None),
        ("demain", None),
        ("", None),
    ],
)
def test_an_hour_is_read_as_people_write_it(said: str, at: int | None) -> None:
    assert hour_named(said) == at


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), 480, datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), 480, datetime(2026, 3, 3, 7, 0, tzinfo=UTC)),
        # The clocks go forward at two: half past two is half past three then.
        (datetime(2026, 3, 29, 0, 0, tzinfo=UTC), 150, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2026, 3, 29, 6, 0, tzinfo=UTC), 480, datetime(2026, 3, 30, 6, 0, tzinfo=UTC)),
    ],
)
def test_a_digest_comes_at_its_hour_on_the_wall(now: datetime, at: int, due: datetime) -> None:
    assert next_digest(now, at, "Europe/Paris") == due


def test_a_language_is_kept_under_its_command_and_an_unknown_one_is_asked_again() -> None:
    kept = only(after(bot_asked(NURSE, "!langue en")), KeepLanguage)
    assert kept == [KeepLanguage("language:$chat", NURSE.user_id, "en")]
    assert kinds(after(bot_asked(NURSE, "!language klingon"))) == ["TellAll"]


@pytest.mark.parametrize("said", ["!résumé 8h", "résumé 8h", "!resume 8h", "!digest 8am", "DIGEST 8:00"])
def test_a_digest_is_asked_for_in_either_language(said: str) -> None:
    kept = only(after(bot_asked(NURSE, said)), KeepDigest)
    assert kept == [KeepDigest("digest:$chat", NURSE.user_id, "fr", 480)]


def test_whoever_comes_in_is_greeted_under_one_key_for_ever() -> None:
    first, again = (only(after(ev.CameIn(NURSE)), Greet) for _ in range(2))
    assert first == again == [Greet(f"greet:{NURSE.user_id}", NURSE.user_id, "fr")]


def test_a_digest_is_for_practitioners_who_are_there() -> None:
    policy = replace(AT_ONCE, organisation=PEOPLE)
    due = ev.DigestDue(CLAIRE.user_id, 7)
    digest = Inquire(f"digest:{CLAIRE.user_id}:7", CLAIRE.user_id, "fr", Topic.DIGEST)
    assert only(decide(None, due, NOW, policy), Inquire) == [digest]
    away = replace(policy, away=frozenset([CLAIRE.user_id]))
    assert decide(None, due, NOW, away).effects == ()
    assert decide(None, ev.DigestDue("@gone:h.example", 7), NOW, policy).effects == ()


def test_what_someone_chose_outlives_a_change_of_the_file_and_changes_nothing_of_it() -> None:
    held = InForce(PEOPLE)
    held.speak({CLAIRE.user_id: "en"})
    renamed = replace(PEOPLE, name="I")
    held.exchange(renamed)
    person = held.practitioner(CLAIRE.user_id)
    assert person is not None
    assert (held.name, person.language) == ("I", "en")
    assert held.now == renamed
    held.speak({})
    back = held.practitioner(CLAIRE.user_id)
    assert back is not None
    assert back.language == "fr"


def test_an_encrypted_message_is_never_taken_for_a_command() -> None:
    (told,) = only(after(ev.BotAsked(NURSE, "$chat", unreadable="encrypted")), TellAll)
    assert isinstance(told, TellAll)
    assert [phrase.text for phrase in told.phrases] == ["bot.encrypted"]
