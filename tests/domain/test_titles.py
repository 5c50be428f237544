"""What people search for and how titles are written: accents, case, ligatures, plurals, references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.titles import LONGEST, MOST, folded, keywords, matches, words_of


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Eczéma de la main", "eczema"),
        ("ECZÉMA", "eczéma"),
        ("Un œdème à gauche", "oedème"),
        ("Un oedeme", "ŒDÈME"),
        ("L’eczéma d'été", "ete"),
        ("Plaques d'eczéma", "eczémas"),
        ("Verrues plantaires", "verrue"),
        ("Grain de beauté qui saigne", "beaute saigne"),
        ("Große Wunde", "GROSSE"),
        ("İğne", "igne"),
        ("Е́кзема", "екзема"),
    ],
)
def test_a_title_is_found_without_case_accents_and_ligatures(title: str, asked: str) -> None:
    assert matches(words_of(title), keywords(asked))


@pytest.mark.parametrize(
    ("title", "asked"), [("Eczéma", "urticaire"), ("Grain de beauté", "beauté main"), ("Main", "omain")]
)
def test_other_titles_are_not_found(title: str, asked: str) -> None:
    assert not matches(words_of(title), keywords(asked))


def test_a_reference_is_found_however_long_the_title_is() -> None:
    assert matches(words_of("mot " + " ".join(f"w{n}" for n in range(99)), "K7X3M2"), keywords("k7x3m2"))


@given(st.text(max_size=200), st.text(max_size=8))
def test_folding_is_settled_after_once_and_words_are_bounded(title: str, reference: str) -> None:
    assert folded(folded(title)) == folded(title)
    found = words_of(title, reference)
    assert len(found) <= MOST + len(words_of(reference))
    assert len(set(found)) == len(found)
    assert all(0 < len(word) <= LONGEST and "%" not in word and "_" not in word for word in found)
