"""Whom somebody may mean who names a colleague in part: said, never guessed."""

from __future__ import annotations

import pytest

from bridge.domain.handing import colleague, perhaps
from bridge.domain.organisation import Organisation, Practitioner

OWNER = "@claire.petit:h.example"
NAMES = {
    OWNER: "Dr Claire Petit",
    "@amine.benali:h.example": "Dr Amine Benali",
    "@amelie.benoit:h.example": "Dr Amélie Benoît-Clair",
    "@paul:h.example": "Dr Paul Ben",
}
PLACE = Organisation("H", "fr", tuple(Practitioner(*who, "fr") for who in NAMES.items()), ())


@pytest.mark.parametrize(
    ("said", "people"),
    [
        ("@amine je pars", "Dr Amine Benali (@amine.benali)"),
        ("Amé", "Dr Amélie Benoît-Clair (@amelie.benoit)"),
        ("benal", "Dr Amine Benali (@amine.benali)"),
        ("@bena, beno", "Dr Amine Benali (@amine.benali)"),
        ("clair", "Dr Amélie Benoît-Clair (@amelie.benoit)"),
        ("@am", ""),
        ("@zoe", ""),
        ("", ""),
    ],
)
def test_a_name_in_part_is_answered_with_whom_it_may_be(said: str, people: str) -> None:
    assert colleague(said, PLACE) is None
    assert perhaps(said, PLACE, OWNER) == people


def test_all_that_may_be_meant_are_named_unless_they_are_too_many() -> None:
    assert perhaps("ben ou", PLACE, OWNER).count("@") == 3
    more = Organisation("H", "fr", (*PLACE.practitioners, Practitioner("@bento:h.example", "X", "fr")), ())
    assert perhaps("ben ou", more, OWNER) == ""
