"""What a list shall show, as people say it in both languages."""

from __future__ import annotations

import pytest

from bridge.domain.inquiries import Kind, Standing, Topic, Wanted, wanted
from bridge.domain.question import decide
from tests.domain.given import AT_ONCE, CLAIRE, NOW, asked, bot_asked


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("", Wanted()),
        ("questions", Wanted(Kind.QUESTIONS)),
        ("questions en attente", Wanted(Kind.QUESTIONS, Standing.WAITING)),
        ("Questions Ouvertes", Wanted(Kind.QUESTIONS, Standing.OPEN)),
        ("closes", Wanted(Kind.QUESTIONS, Standing.CLOSED)),
        ("fermées", Wanted(Kind.QUESTIONS, Standing.CLOSED)),
        ("privés", Wanted(Kind.PRIVATE)),
        ("mes groupes", Wanted(Kind.GROUPS)),
        ("questions waiting", Wanted(Kind.QUESTIONS, Standing.WAITING)),
        ("open", Wanted(Kind.QUESTIONS, Standing.OPEN)),
        ("private", Wanted(Kind.PRIVATE)),
        ("groups", Wanted(Kind.GROUPS)),
        ("groupes ouvertes", None),
        ("questions prives", None),
        ("n'importe quoi", None),
    ],
)
def test_a_list_is_understood_in_both_languages(words: str, meant: Wanted | None) -> None:
    assert wanted(words) == meant


@pytest.mark.parametrize(
    ("said", "topic", "words"),
    [
        ("!chercher eczéma main", Topic.SEARCH, "eczéma main"),
        ("search eczema", Topic.SEARCH, "eczema"),
        ("!liste questions en attente", Topic.LIST, "questions en attente"),
        ("!list groups", Topic.LIST, "groups"),
        ("!attente", Topic.WAITING, ""),
        ("!waiting", Topic.WAITING, ""),
    ],
)
def test_an_inquiry_is_looked_up_for_who_asks_it(said: str, topic: Topic, words: str) -> None:
    (planned,) = decide(None, bot_asked(CLAIRE, said), NOW, AT_ONCE).effects
    effect = planned.effect
    assert (effect.user_id, effect.topic, effect.words) == (CLAIRE.user_id, topic, words)  # type: ignore[union-attr]
    assert planned.conversation == f"bot:{CLAIRE.user_id}"
    assert asked().subject not in str(effect)
