"""A transcript as people and programs read it: whole, in any script, and the same each time."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.demo.photos import drawing_png, skin_jpeg
from bridge.domain.acts import Did
from bridge.domain.state import Status
from bridge.locale import LANGUAGES, catalogue
from bridge.record.pdf import as_pdf
from bridge.record.transcript import Entry, File, Recorded, Transcript, as_json, path_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PHOTO = File("IMG 0412.jpg", "image/jpeg", skin_jpeg())
ENTRIES = (
    Entry(NOW, "Marie Dupont", "patient", "Il a changé de couleur. 10⁹ ≥ 5 µg"),
    Entry(NOW, "Marie Dupont", "patient", files=(PHOTO,)),
    Entry(
        NOW + timedelta(minutes=7),
        "Dr Claire Petit",
        "owner",
        "Est-ce que cela démange ?",
        (File("schéma.png", "image/png", drawing_png()),),
        "failed",
        NOW + timedelta(minutes=8),
        "550",
    ),
    Entry(NOW + timedelta(minutes=9), "Dr Claire Petit", "owner", "À revoir.", internal=True),
)
ACTS = (
    Recorded(NOW, "Marie Dupont", "patient", "asked", "", (("group", "derm"),)),
    Recorded(NOW + timedelta(minutes=3), "Marie Dupont", "patient", "consent_given", "Oui, d'accord."),
)
TRANSCRIPT = Transcript(
    "q1",
    "K7X3M2",
    "Un grain de beauté",
    "taken",
    "Hôpital Saint-Luc",
    "Dermatologie",
    "Dr Claire Petit",
    "Marie Dupont",
    "marie@patients.example",
    NOW,
    "Europe/Paris",
    NOW + timedelta(days=1),
    "Dr Claire Petit",
    ENTRIES,
    ACTS,
)


def pages(transcript: Transcript, language: str = "fr") -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(as_pdf(transcript, language))).pages]


def test_programs_find_everything_with_its_time_and_hash() -> None:
    whole = json.loads(as_json(TRANSCRIPT))
    assert whole["format"] == "colloque-transcript/1"
    assert whole["question"]["reference"] == "K7X3M2"
    assert whole["question"]["requester"] == {"name": "Marie Dupont", "address": "marie@patients.example"}
    photo = whole["entries"][1]["files"][0]
    assert base64.b64decode(photo["content"]) == PHOTO.content
    assert photo["sha256"] == hashlib.sha256(PHOTO.content or b"").hexdigest()
    assert photo["path"] == "files/001-IMG_0412.jpg"
    assert whole["entries"][2]["delivery"] == {
        "state": "failed",
        "at": "2026-03-02T09:08:00+00:00",
        "problem": "550",
    }
    assert [entry["internal"] for entry in whole["entries"]] == [False, False, False, True]
    assert [consent["why"] for consent in whole["consents"]] == ["Oui, d'accord."]


def test_files_too_many_for_the_json_are_named_by_their_hash() -> None:
    photo = json.loads(as_json(TRANSCRIPT, files=False))["entries"][1]["files"][0]
    assert "content" not in photo
    assert photo["sha256"] == PHOTO.sha256


def test_people_read_who_said_what_and_what_failed() -> None:
    words = "\n".join(pages(TRANSCRIPT))
    for part in (
        "Un grain de beauté",
        "10⁹ ≥ 5 µg",
        "02/03/2026 10:00",
        "Marie Dupont · patient",
        "Consentements",
    ):
        assert part in words
    assert "le patient ne l'a pas reçu (550)" in words
    assert "n'a jamais été envoyée au patient" in words
    assert PHOTO.sha256[:30] in words
    document = pypdf.PdfReader(BytesIO(as_pdf(TRANSCRIPT, "fr")))
    assert sum(len(page.images) for page in document.pages) == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_colleague_who_asked_is_no_patient_in_it(language: str) -> None:
    assert "patient" in " ".join(pages(TRANSCRIPT, language)).lower()
    address = replace(TRANSCRIPT, address="@asker:h.example", by_colleague=True)
    words = " ".join(" ".join(pages(address, language)).split()).lower()
    assert "patient" not in words
    assert catalogue(language)["requester.colleague_one"] in words


def test_every_page_says_whose_it_is_and_which() -> None:
    many = tuple(replace(ENTRIES[0], text=f"Message {n}. " * 40) for n in range(30))
    written = pages(replace(TRANSCRIPT, entries=many), "en")
    assert len(written) > 4
    for number, words in enumerate(written, 1):
        assert "K7X3M2" in words
        assert f"page {number} of {len(written)}" in words


def test_the_act_record_reads_as_words_and_names_no_identifiers() -> None:
    details = (("events", "$abc"), ("how", "written"), ("start", "2026-03-03T09:00+00:00"))
    acts = (
        Recorded(NOW, "Marie Dupont", "patient", "consent_given", "", details),
        Recorded(NOW, "Colloque", "colloque", "patient_told", "handed_over"),
    )
    french = " ".join("\n".join(pages(replace(TRANSCRIPT, acts=acts))).split())
    assert "Accord : par écrit" in french
    assert "Début : 03/03/2026 10:00" in french
    assert "transmission" in french
    assert "$abc" not in french
    assert "$abc" in as_json(replace(TRANSCRIPT, acts=acts)).decode()


def test_a_sign_that_the_font_lacks_is_named_not_left_out() -> None:
    told = replace(TRANSCRIPT, entries=(replace(ENTRIES[0], text="👋 中"),))
    words = " ".join("\n".join(pages(told)).split())
    assert "[waving hand sign]" in words
    assert "[U+4E2D]" in words


def test_arabic_and_hebrew_are_written() -> None:
    told = replace(TRANSCRIPT, entries=(replace(ENTRIES[0], text="مرحبا שלום"),))
    assert as_pdf(told, "fr").startswith(b"%PDF")


def test_the_same_transcript_gives_the_same_bytes() -> None:
    assert as_pdf(TRANSCRIPT, "fr") == as_pdf(TRANSCRIPT, "fr")
    assert as_json(TRANSCRIPT) == as_json(TRANSCRIPT)


def test_a_file_that_is_no_picture_after_all_is_named() -> None:
    broken = replace(ENTRIES[1], files=(File("faux.jpg", "image/jpeg", b"not a picture"),))
    assert "faux.jpg" in "\n".join(pages(replace(TRANSCRIPT, entries=(broken,))))


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300), st.text(max_size=40))
def test_any_text_and_any_name_can_be_written(words: str, name: str) -> None:
    file = File(name, "text/plain", b"x")
    told = replace(TRANSCRIPT, title=name, entries=(Entry(NOW, name, "patient", words, (file,)),))
    as_pdf(told, "fr")
    path = path_of(1, file)
    assert path.startswith("files/001-")
    assert "/" not in path.removeprefix("files/")
    assert path.isascii()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_and_status_has_a_wording(language: str) -> None:
    known = catalogue(language)
    assert [did for did in Did if f"did.{did}" not in known] == []
    assert [status for status in Status if f"status.{status}" not in known] == []
