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

from bridge.mail.reply import MARKER_EN, MARKER_FR, strip_quotes

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "replies.json").read_text())
JOINED_BY_THE_PROGRAM = {
    # The mail program glued its line onto the last word; the word is there, with what hangs on it.
    "reply_and_quotation_splitter_share_line_1",
    "reply_and_quotation_splitter_share_line_2",
}


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _loses(got: str, wanted: str) -> bool:
    return bool(Counter(_folded(wanted).split()) - Counter(_folded(got).split()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['corpus']}-{case['name']}")
def test_no_word_of_a_reply_is_ever_lost(case: dict[str, Any]) -> None:
    got = strip_quotes(case["text"])
    if case["name"] in JOINED_BY_THE_PROGRAM:
        assert any(all(word in got for word in wanted.split()) for wanted in case["expected"])
        return
    assert not all(_loses(got, wanted) for wanted in case["expected"])


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["corpus"].startswith("fr_")], ids=lambda case: str(case["name"])
)
def test_french_mail_programs_are_read_exactly(case: dict[str, Any]) -> None:
    assert _folded(strip_quotes(case["text"])) in [_folded(wanted) for wanted in case["expected"]]


@pytest.mark.parametrize(("corpus", "floor"), [("crisp", 26), ("talon_text", 24), ("talon_std", 10)])
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
    "hostile", ["> " * 50_000, "Le 1" * 40_000, "-" * 200_000, "De : \n" * 30_000, "a écrit :\n" * 9_000]
)
def test_hostile_text_is_read_quickly(hostile: str) -> None:
    started = time.monotonic()
    strip_quotes(hostile)
    assert time.monotonic() - started < 10  # minutes, if it were not linear
