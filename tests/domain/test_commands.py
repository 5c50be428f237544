"""What people say to the bot is understood in both languages, and never taken for something else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import TABLE, Command, Place, UnknownCommand, folded, known, parse
from bridge.domain.orders import BOT_CHAT_ORDERS, QUESTION_ORDERS
from bridge.domain.question import decide
from bridge.locale import LANGUAGES, catalogue
from tests.domain.given import AT_ONCE, CLAIRE, NOW, PAUL, STRANGER, after, asked, kinds, message, only


def order(author: ev.Author, text: str, event_id: str = "$order") -> ev.Ordered:
    command = parse(text, Place.QUESTION)
    assert command is not None
    return ev.Ordered(message(author, event_id, text, internal=True), command)


@pytest.mark.parametrize("text", ["!aide", "! aide", "!AIDE", "!help", " !Aide  ", "!?"])
def test_a_command_is_understood_in_both_languages_whatever_its_case(text: str) -> None:
    assert parse(text, Place.QUESTION) == Command("help")


def test_what_follows_the_word_is_the_argument_lines_and_all() -> None:
    assert parse("!aide  une ligne\net une autre ", Place.QUESTION) == Command(
        "help", "une ligne\net une autre"
    )


@pytest.mark.parametrize("text", ["aide", "Bonjour", "", "!", "!!!", "!!", " "])
def test_ordinary_words_in_a_question_room_are_no_command(text: str) -> None:
    assert parse(text, Place.QUESTION) is None


def test_in_a_bot_chat_the_sign_may_be_left_out() -> None:
    assert parse("aide", Place.BOT_CHAT) == Command("help")


def test_a_typo_is_answered_with_what_may_have_been_meant() -> None:
    assert parse("!aidde", Place.QUESTION) == UnknownCommand("aidde", ("aide",))


@given(st.text(max_size=200))
def test_reading_never_fails(text: str) -> None:
    for place in Place:
        parse(text, place)


@pytest.mark.parametrize("place", list(Place))
def test_no_word_means_two_commands(place: Place) -> None:
    words = Counter(
        word for spec in known(place) for word in {folded(w) for w in (*spec.french, *spec.english)}
    )
    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("spec", TABLE, ids=lambda spec: spec.name)
def test_every_command_is_decided_where_it_may_be_given_and_has_help(spec: object) -> None:
    assert {s.name for s in known(Place.QUESTION)} == set(QUESTION_ORDERS)
    assert {s.name for s in known(Place.BOT_CHAT)} == set(BOT_CHAT_ORDERS)
    for language in LANGUAGES:
        assert "{command}" in catalogue(language)[f"help.{spec.name}"]  # type: ignore[attr-defined]


def test_help_in_the_room_is_a_notice_and_is_not_mailed() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), order(CLAIRE, "!aide"))
    assert kinds(decision) == ["SayAll"]
    (say,) = only(decision, fx.SayAll)
    assert isinstance(say, fx.SayAll)
    assert say.phrases[0].text == "bot.help_owner"
    shown = [phrase.text for phrase in say.phrases[1:]]
    assert shown[0] == "help.note"
    assert {"help.accept", "help.close"} < set(shown)
    assert "help.withdraw" not in shown


def test_help_before_the_claim_does_not_take_the_question() -> None:
    decision = after(asked(), order(CLAIRE, "!help"))
    assert kinds(decision) == ["SayAll"]
    assert decision.question is not None
    assert decision.question.owner == ""
    (say,) = only(decision, fx.SayAll)
    assert isinstance(say, fx.SayAll)
    shown = {phrase.text for phrase in say.phrases[1:]}
    assert shown == {"help.withdraw", "help.mute", "help.unmute", "help.help"}


def test_a_command_of_someone_who_came_second_goes_back_to_its_author() -> None:
    decision = after(asked(), message(CLAIRE, "$1"), order(PAUL, "!aide"))
    assert kinds(decision) == ["RedactEvent", "HandBack"]


def test_a_stranger_gives_no_commands() -> None:
    assert kinds(after(asked(), order(STRANGER, "!aide"))) == []


def test_the_bot_answers_in_its_chat_in_the_language_of_who_asks() -> None:
    author = ev.Author("@nadia:h.example", "Dr Nadia", ev.Standing.PRACTITIONER, "en")
    event = ev.BotAsked(author, "$b", command=parse("halp", Place.BOT_CHAT) or parse("!halp", Place.BOT_CHAT))
    (planned,) = decide(None, event, NOW, AT_ONCE).effects
    assert isinstance(planned.effect, fx.TellAll)
    assert planned.effect.language == "en"
    assert planned.effect.phrases[0].values["nearest"] == "!help"


def test_taking_back_a_release_tells_the_owner_where_the_question_is_now() -> None:
    undo = ev.Instructed(CLAIRE, "$u", Command("undo"))
    back = after(asked(), message(CLAIRE, "$1"), order(CLAIRE, "!rendre"), undo)
    assert back.question is not None
    assert back.question.owner == CLAIRE.user_id
    (told,) = only(back, fx.TellAll)
    assert isinstance(told, fx.TellAll)
    assert [phrase.text for phrase in told.phrases] == ["bot.undone_release"]
