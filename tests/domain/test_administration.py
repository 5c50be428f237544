"""What administrators say about groups: who and what is meant, and that only they are heard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.administration import WORDS, Act, GroupOrder, changed, understood
from bridge.domain.commands import Command, Place, folded, parse
from bridge.domain.house import Administer, Agree
from bridge.domain.orders import BOT_CHAT_ORDERS
from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.state import Policy
from tests.domain.given import NOW

PAUL = Practitioner("@paul:h.example", "Dr Paul Dupré", "fr")
CLAIRE = Practitioner("@claire:h.example", "Dr Claire Petit", "fr")
DERM = ExpertGroup("derm", "Dermatologie", "derm@h.example", (PAUL.user_id,), Notify.ANNOUNCE, "fr")
VASC = ExpertGroup("vasc", "Chirurgie vasculaire", "vasc@h.example", (), Notify.ANNOUNCE, "fr")
HOSPITAL = Organisation("Hôpital", "fr", (PAUL, CLAIRE), (DERM, VASC))


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("ajouter derm @claire:h.example", GroupOrder(Act.ADD, "derm", CLAIRE.user_id)),
        ("add Dermatologie @claire", GroupOrder(Act.ADD, "derm", CLAIRE.user_id)),
        ("AJOUTER chirurgie vasculaire Dr Claire Petit", GroupOrder(Act.ADD, "vasc", CLAIRE.user_id)),
        ("retirer derm Dupre", GroupOrder(Act.REMOVE, "derm", PAUL.user_id)),
        ("remove derm @paul", GroupOrder(Act.REMOVE, "derm", PAUL.user_id)),
        ("suspendre dermatologie", GroupOrder(Act.SUSPEND, "derm")),
        ("suspend derm", GroupOrder(Act.SUSPEND, "derm")),
        ("reprendre Chirurgie Vasculaire", GroupOrder(Act.RESUME, "vasc")),
        ("resume vasc", GroupOrder(Act.RESUME, "vasc")),
    ],
)
def test_a_change_is_understood_in_both_languages_by_key_or_name(words: str, order: GroupOrder) -> None:
    assert understood(HOSPITAL, words) == order


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "admin.how"),
        ("dissoudre derm", "admin.how"),
        ("suspendre derm tout de suite", "admin.how"),
        ("ajouter orl @claire", "admin.no_group"),
        ("ajouter derm", "admin.nobody"),
        ("ajouter derm @mallory:evil.example", "admin.nobody"),
    ],
)
def test_what_is_not_understood_is_answered_and_changes_nothing(words: str, said: str) -> None:
    answer = understood(HOSPITAL, words)
    assert isinstance(answer, fx.Phrase)
    assert answer.text == said


@given(st.text(max_size=60))
def test_reading_never_fails_and_never_names_someone_outside(words: str) -> None:
    order = understood(HOSPITAL, f"ajouter derm {words}")
    assert isinstance(order, fx.Phrase) or HOSPITAL.practitioner(order.user_id)


def test_a_change_and_its_opposite_leave_everything_as_it_was() -> None:
    for there, back in ((Act.ADD, Act.REMOVE), (Act.SUSPEND, Act.RESUME)):
        after = changed(HOSPITAL, GroupOrder(there, "derm", CLAIRE.user_id))
        assert after != HOSPITAL
        assert changed(after, GroupOrder(there, "derm", CLAIRE.user_id)) == after
        assert changed(after, GroupOrder(back, "derm", CLAIRE.user_id)) == HOSPITAL


@pytest.mark.parametrize("text", ["!groupe ajouter derm @claire", "group add derm @claire", "oui", "yes"])
def test_only_administrators_are_heard(text: str) -> None:
    command = parse(text, Place.BOT_CHAT)
    assert isinstance(command, Command)
    author = ev.Author(PAUL.user_id, PAUL.name, ev.Standing.PRACTITIONER, "fr")
    asked = ev.BotAsked(author, "$e", command=command)
    decide = BOT_CHAT_ORDERS[command.name]
    (refused,) = decide(asked, command, NOW, Policy())
    assert isinstance(refused.effect, fx.TellAll)
    assert refused.effect.phrases == (fx.Phrase("admin.only", {}),)
    (heard,) = decide(replace(asked, admin=True), command, NOW, Policy())
    assert isinstance(heard.effect, Administer | Agree)


def test_every_word_is_written_as_it_is_compared() -> None:
    assert all(word == folded(word) for word in WORDS)
