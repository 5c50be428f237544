"""The catalogue says the same things in both languages, and fills in values without interpreting them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Formatter

import pytest

import bridge.locale
from bridge.locale import LANGUAGES, catalogue, text
from bridge.mail.reply import MARKER_EN, MARKER_FR

SECTIONS = {"names", "bot", "mail", "word"}


def placeholders(words: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(words) if field is not None}


def test_both_languages_have_exactly_the_same_keys() -> None:
    assert set(catalogue("fr")) == set(catalogue("en"))


def test_both_languages_fill_in_the_same_values() -> None:
    french, english = ({key: placeholders(words) for key, words in catalogue(it).items()} for it in LANGUAGES)
    assert french == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_says_something_in_one_of_the_known_sections(language: str) -> None:
    assert all(words.strip() for words in catalogue(language).values())
    assert {key.partition(".")[0] for key in catalogue(language)} >= SECTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_placeholder_is_a_plain_name(language: str) -> None:
    names = {name for words in catalogue(language).values() for name in placeholders(words)}
    assert names
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sections_hold_texts_only(language: str) -> None:
    file = Path(bridge.locale.__file__).parent / f"{language}.toml"
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    assert all(isinstance(words, str) for keys in sections.values() for words in keys.values())


@pytest.mark.parametrize(("language", "marker"), [("fr", MARKER_FR), ("en", MARKER_EN)])
def test_the_marker_line_is_the_one_that_replies_are_cut_at(language: str, marker: str) -> None:
    assert marker in text(language, "mail.marker")


def test_an_unknown_language_reads_french() -> None:
    assert text("de", "mail.how_to_answer") == text("fr", "mail.how_to_answer")
    assert text("", "mail.how_to_answer") != text("en", "mail.how_to_answer")


def test_values_are_filled_in_as_they_are() -> None:
    name = "{0} {owner.__class__} %s\n{"
    assert text("en", "mail.reference", reference=name) == f"Reference: {name}"


def test_a_reason_that_nobody_gave_leaves_no_gap() -> None:
    given = text("en", "bot.withdrawn", who="Dr Petit", why="spam")
    assert given.startswith("Dr Petit has set this question aside (spam).")
    assert text("en", "bot.withdrawn", who="Dr Petit", why="").startswith(
        "Dr Petit has set this question aside."
    )
    assert "⟦" in text("en", "bot.withdrawn", who="⟦{why}⟧", why="spam")


def test_no_french_line_begins_with_a_sign_that_belongs_to_the_word_before() -> None:
    assert text("fr", "mail.reference", reference="K7X3M2") == "Référence\N{NO-BREAK SPACE}: K7X3M2"
    assert not [
        words for words in catalogue("fr").values() if " :" in words or "« " in words or " »" in words
    ]


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("fr", "mail.nothing_like_it")
