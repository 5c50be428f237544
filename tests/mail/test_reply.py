"""Quoted history goes, a patient's words stay, whatever the mail program."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mail.reply import MARKER_EN, MARKER_FR, read_reply, strip_quotes

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "replies.json").read_text())


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _loses(got: str, wanted: str) -> bool:
    return bool(Counter(_folded(wanted).split()) - Counter(_folded(got).split()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['corpus']}-{case['name']}")
def test_no_word_of_a_reply_is_ever_lost(case: dict[str, Any]) -> None:
    got = strip_quotes(case["text"])
    assert not all(_loses(got, wanted) for wanted in case["expected"])


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["corpus"].startswith("fr_")], ids=lambda case: str(case["name"])
)
def test_french_mail_programs_are_read_exactly(case: dict[str, Any]) -> None:
    assert _folded(strip_quotes(case["text"])) in [_folded(wanted) for wanted in case["expected"]]


@pytest.mark.parametrize(("corpus", "floor"), [("crisp", 41), ("talon_text", 46), ("talon_std", 12)])
def test_other_mail_programs_are_read_exactly_this_often_at_least(corpus: str, floor: int) -> None:
    exact = sum(
        _folded(strip_quotes(case["text"])) in [_folded(wanted) for wanted in case["expected"]]
        for case in CASES
        if case["corpus"] == corpus
    )
    assert exact >= floor


@pytest.mark.parametrize("marker", [MARKER_FR, MARKER_EN])
def test_everything_below_our_own_line_is_history(marker: str) -> None:
    assert strip_quotes(f"Oui.\n\n── {marker} ──\n\nBonjour Madame") == "Oui."


def test_an_answer_written_below_the_line_is_kept_whole() -> None:
    text = f"── {MARKER_FR} ──\n\nAvez-vous mal ?\n\nOui, depuis lundi."
    assert "Oui, depuis lundi." in strip_quotes(text)


@given(st.text(max_size=2000))
def test_some_text_is_never_turned_into_nothing(text: str) -> None:
    got = strip_quotes(text)
    assert got or not re.sub("[\u200b-\u200f\u2060\ufeff\u00ad]", "", text).strip()


@pytest.mark.parametrize(
    "text",
    [
        "Le 12 janvier 2024, le pharmacien a écrit :\nDoliprane 1 g, trois fois par jour",
        "Le 12/01 à 10h30, l'infirmière a écrit :\npansement refait",
        "Le 3 mars 2024 j'ai écrit à cabinet@h.example :\nsans réponse",
        "Ma température :\n> 39 hier\n> 38 ce matin",
        "Message du 12/03/2024 : le docteur m'a dit d'arrêter.\nJe continue ?",
        "De : lundi\nà : mercredi\nde la fièvre",
        "-----\nlundi : 38\n-----\nmardi : 39",
        "Envoyé de toute urgence par mon médecin",
    ],
)
def test_what_only_looks_like_history_is_kept_whole(text: str) -> None:
    assert strip_quotes(text) == text


def test_answers_between_quoted_lines_are_kept_with_their_questions() -> None:
    text = "Le 3 mars 2025 à 10:00, Dr X <x@h.example> a écrit :\n> Mal ?\nOui\n> Depuis ?\nLundi"
    assert strip_quotes(text) == text


@pytest.mark.parametrize("behind", ["> Mal ?\nOui\n> Depuis ?", "> Mal ?\n> Depuis ?\n\nOui, lundi"])
def test_words_among_or_below_quoted_lines_are_kept_even_with_our_line(behind: str) -> None:
    assert "Oui" in strip_quotes(f"Réponses plus bas.\n\n> ── {MARKER_FR} ──\n{behind}")


def test_an_attribution_right_above_our_line_goes_with_it() -> None:
    text = f"Oui.\n\nLe 03/03/2025 à 10:00, Dr X a écrit :\n\n── {MARKER_FR} ──\n\nBonjour"
    assert strip_quotes(text) == "Oui."


def test_a_note_quoted_by_the_patient_above_our_line_is_kept() -> None:
    said = "Le 12/01/2025 à 10h30, l'infirmière a écrit :\npansement refait"
    assert strip_quotes(f"{said}\n\n── {MARKER_FR} ──\n\nBonjour") == said


HOSTILE = {
    "quote marks": "> " * 50_000,
    "dates": "Le 1" * 40_000,
    "dashes": "-" * 200_000,
    "headers": "De : \n" * 30_000,
    "verbs": "a écrit :\n" * 9_000,
    "answered attributions": "Le 01/01/2024 x a écrit :\n> a\nb\n" * 8_000,
    "glued attributions": ("On  Le " * 130 + "a écrit\n>x\n") * 250,
    "half addresses": ("1 <" + "a" * 60 + "@" + "b" * 250 + " \n") * 600,
    "blank lines": "\n" * 200_000 + "x",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_read_quickly(hostile: str) -> None:
    started = time.process_time()
    strip_quotes(hostile)
    assert time.process_time() - started < 5  # some took minutes before the cutter was linear


BELOW = f"{MARKER_FR}\n\nDepuis quand ?\n=> Depuis lundi.\nDe la fièvre ?\n=> Non.\n\nDr Roy"
WROTE = "Le 26/11/2026 à 10:12, Dr Roy <q+abc@reponse.example> a écrit :"


@pytest.mark.parametrize(
    "above",
    [
        "Bonjour, mes réponses sont dans le texte.",
        "Je vous réponds ci-dessous",
        "Voir mes commentaires en rouge, merci",
        "Réponses à la suite de vos questions",
        "My answers are in red.",
        "Please see my replies below.",
    ],
)
def test_who_says_that_they_answer_in_the_earlier_mail_is_read_there(above: str) -> None:
    said = read_reply(f"{above}\n\n{WROTE}\n\n{BELOW}")
    assert said.text.startswith(above)
    assert "=> Depuis lundi." in said.text
    assert "=> Non." in said.text


@pytest.mark.parametrize(
    "above",
    ["La tache est en dessous du genou, en rouge.", "Merci de votre réponse.", "It is below my knee."],
)
def test_who_only_uses_such_words_is_read_above(above: str) -> None:
    assert read_reply(f"{above}\n\n{WROTE}\n\n{BELOW}").text == above


def test_an_earlier_mail_on_the_line_of_its_attribution_is_cut() -> None:
    text = f"Depuis lundi.\n\nEnvoyé à partir de Yahoo Mail pour Android\n \n  {WROTE}   {BELOW}"
    said = read_reply(text)
    assert said.text == "Depuis lundi."
    assert "=> Non." in said.elided


@pytest.mark.parametrize(
    "tail",
    [
        "---\nEnvoyé à partir de l’application mobile Orange Mail",
        "--\nEnvoyé de mon iPhone",
        "Obtenir Outlook pour Android",
        "Obtenir Outlook pour iOS<https://aka.ms/o0ukef>",
    ],
)
def test_what_a_program_appends_goes_with_the_rule_above_it(tail: str) -> None:
    assert strip_quotes(f"Depuis lundi.\n\n{tail}\n\n{WROTE}\n> Depuis quand ?") == "Depuis lundi."
