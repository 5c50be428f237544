"""Whom a practitioner means by a Matrix ID, a mention or a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.private import addressee

CLAIRE = Practitioner("@claire.petit:h.example", "Dr Claire Petit", "fr")
PAUL = Practitioner("@paul:h.example", "Pr Paul Le Roux", "fr")
EVE = Practitioner("@eve:autre.example", "Dr Ève Petit", "fr")
HOSPITAL = Organisation("H", "fr", (CLAIRE, PAUL, EVE), ())


@pytest.mark.parametrize(
    ("text", "person", "rest"),
    [
        ("@claire.petit", CLAIRE, ""),
        ("@claire.petit:h.example", CLAIRE, ""),
        ("@claire.petit: congés de mai", CLAIRE, "congés de mai"),
        ("@paul Congés de mai", PAUL, "Congés de mai"),
        ("Paul", None, ""),
        ("le roux Congés", PAUL, "Congés"),
        ("Dr Claire Petit", CLAIRE, ""),
        ("Dr Claire Petit: congés", CLAIRE, "congés"),
        ("claire petit, à propos d'un patient", CLAIRE, "à propos d'un patient"),
        ("eve petit astreinte", EVE, "astreinte"),
        ("https://matrix.to/#/@paul:h.example congés", PAUL, "congés"),
        ("https://matrix.to/#/%40paul%3Ah.example", PAUL, ""),
        ("[Pr Paul Le Roux](https://matrix.to/#/@paul:h.example) congés", PAUL, "congés"),
    ],
)
def test_one_person_is_meant(text: str, person: Practitioner | None, rest: str) -> None:
    found = addressee(HOSPITAL, text)
    if person is None:
        assert found.found == ()
    else:
        assert (found.found, found.rest) == ((person,), rest)


def test_a_mention_of_the_client_counts_more_than_the_name_it_shows() -> None:
    html = 'message <a href="https://matrix.to/#/@eve:autre.example">Dr Ève Petit</a> astreinte'
    found = addressee(HOSPITAL, "Dr Ève Petit astreinte", html)
    assert (found.found, found.rest) == ((EVE,), "astreinte")


def test_a_name_that_two_have_names_both() -> None:
    assert addressee(HOSPITAL, "Petit congés").found == (CLAIRE, EVE)


@pytest.mark.parametrize("text", ["", "@nobody", "@claire:elsewhere.example", "quelqu'un", "Dr"])
def test_nobody_is_meant(text: str) -> None:
    assert addressee(HOSPITAL, text).found == ()


def test_a_mention_of_someone_outside_the_organisation_is_nobody() -> None:
    assert addressee(HOSPITAL, "https://matrix.to/#/@mallory:evil.example Claire Petit").found == ()


@given(st.text(max_size=100), st.text(max_size=100))
def test_reading_never_fails(text: str, html: str) -> None:
    addressee(HOSPITAL, text, html)
