"""Whether somebody agreed, and what a text loses before an expert reads it."""

from __future__ import annotations

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from bridge.domain.agreeing import Word, answer_in, plain_no_in, taken_back_in
from bridge.domain.anonymous import without_identity

# --- words ---


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Oui", Word.YES),
        ("OUI !", Word.YES),
        ("Bonjour docteur, oui je suis d'accord. Merci, Marie", Word.YES),
        ("D’accord", Word.YES),
        ("Yes, I agree.", Word.YES),
        ("ok", Word.YES),
        ("non", Word.NO),
        ("Non, je préfère que cela reste entre nous", Word.NO),
        ("No.", Word.NO),
        ("Je ne suis pas d'accord", Word.NO),
        ("No problem!", Word.UNCLEAR),
        ("Non, aucun problème", Word.UNCLEAR),
        ("Oui sauf la photo", Word.UNCLEAR),
        ("Oui, si c'est utile", Word.UNCLEAR),
        ("Oui ? pourquoi", Word.UNCLEAR),
        ("Oui, je préfère attendre", Word.UNCLEAR),
        ("Oui j'ai bien reçu votre mail. Je vais y réfléchir.", Word.UNCLEAR),
        ("OK, let me think about it", Word.UNCLEAR),
        ("Oui\nà partir de lundi", Word.UNCLEAR),
        ("Oui, pour les photos", Word.UNCLEAR),
        ("Oui, bien sûr.\n\nCordialement,\nMme Dupont\nEnvoyé de mon iPhone", Word.YES),
        ("Oui. Paul", Word.UNCLEAR),
        ("Ouistiti", Word.NONE),
        ("Nonante", Word.NONE),
        ("", Word.NONE),
        ("Je réfléchis", Word.NONE),
    ],
)
def test_only_a_plain_answer_counts(text: str, word: Word) -> None:
    assert answer_in(text, "Marie DUPONT") is word


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Je m'appelle Marie DUPONT.", "Je m'appelle […]."),
        ("Mme dupônt, née Éloïse", "Mme […], née Éloïse"),
        ("écrivez à marie.dupont@patients.example", "écrivez à […]"),
        ("tél. 06 12 34 56 78, le 12/03", "tél. […], le 12/03"),
        ("+33 6.12.34.56.78", "[…]"),
        ("1 84 05 75 116 001 22", "[…]"),
        ("3 mm le 12/03/2026 à 10h30, 38,5 °C", "3 mm le 12/03/2026 à 10h30, 38,5 °C"),
        ("voir https://photos.example/marie", "voir […]"),
        ("la marieuse et le dupontel", "la marieuse et le dupontel"),
        ("Du\u00adpont, Ma\u200brie", "[…], […]"),
        ("Dupo\u0302nt et Mari\u0308e", "[…] et […]"),
        ("mariedupont ou DUPONTMARIE", "[…] ou […]"),
        ("sur Matrix : @mimi.d:hopital.example, ailleurs @mimi_d", "sur Matrix : […], ailleurs […]"),
        ("Maison\ngeo:48.8566,2.3522", "Maison\n[…]"),
        ("ftp://x.example/moi tel:0612 mailto:x", "[…]"),
        ("06–12–34–56–78 ou 06‑12‑34‑56‑78", "[…] ou […]"),
        ("2,5 mg/j @ 10h, note: rien", "2,5 mg/j @ 10h, note: rien"),
    ],
)
def test_a_text_loses_whom_it_is_of(text: str, left: str) -> None:
    assert without_identity(text, "Mme Marie Dupont", ("marie.dupont@patients.example",)) == left


@pytest.mark.parametrize(
    ("name", "address", "text", "left"),
    [
        ("mimi", "@marie.dupont:h.example", "Je suis Marie Dupont, mimi.", "Je suis […], […]."),
        ("@marie.dupont:h.example", "@marie.dupont:h.example", "Marie !", "[…] !"),
        ("He\u0301le\u0300ne", "", "Hélène, HELENE et Hele\u0300ne", "[…], […] et […]"),
        ("M. Al de la Tour", "", "Il a mal, dela.", "Il a mal, dela."),
        ("mimi", "", "@1marie:h.example", "[…]"),
        ("Bo Li", "", "C'est Li's avis, ou d'Li.", "C'est […] avis, ou […]."),
    ],
)
def test_a_name_is_known_however_it_is_written(name: str, address: str, text: str, left: str) -> None:
    assert without_identity(text, name, (address,)) == left


@hypothesis_given(st.text(max_size=200))
def test_without_a_name_address_or_number_a_text_is_read_as_it_is_or_marked(text: str) -> None:
    once = without_identity(text, "Marie Dupont", ())
    assert without_identity(once, "Marie Dupont", ()) == once


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Je retire mon accord", Word.YES),
        ("Bonjour docteur,\nje retire mon accord. Merci\nMarie Dupont", Word.YES),
        ("Finalement, je ne suis plus d'accord.", Word.YES),
        ("Je ne suis plus d’accord pour l’avis du cardiologue", Word.YES),
        ("J'ai réfléchi : je souhaite retirer mon consentement, pardon.", Word.YES),
        ("Je retire mon accord. Pouvez-vous quand même me répondre ?", Word.YES),
        ("I withdraw my consent", Word.YES),
        ("I'd like to take back my consent, please.", Word.YES),
        ("I no longer agree that my photos are shared", Word.YES),
        ("I don't agree any more", Word.YES),
        ("Retirer mon accord", Word.YES),
        ("Puis-je retirer mon accord ?", Word.NONE),
        ("Et si je retire mon accord, que se passe-t-il", Word.UNCLEAR),
        ("Je retire mon accord ?", Word.UNCLEAR),
        ("Je ne suis plus d'accord avec la crème", Word.UNCLEAR),
        ("Je retire mon accord pour l'opération", Word.UNCLEAR),
        ("Je ne retire pas mon accord", Word.NONE),
        ("Je retire ma question", Word.NONE),
        ("Je suis d'accord", Word.NONE),
        ("", Word.NONE),
    ],
)
def test_an_agreement_is_taken_back_by_words_that_say_so(text: str, word: Word) -> None:
    assert taken_back_in(text) is word


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Non", True),
        ("Bonjour, non finalement. Merci, Marie", True),
        ("Non, pas de fièvre", False),
        ("Oui", False),
        ("Non, aucun problème", False),
    ],
)
def test_a_no_is_plain_when_it_says_nothing_more(text: str, plain: bool) -> None:
    assert plain_no_in(text, "Marie DUPONT") is plain
