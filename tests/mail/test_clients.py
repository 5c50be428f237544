"""The mail programs that patients use: each answer exact, and nothing of theirs taken for history."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mail.reply import read_reply, strip_quotes
from tests.mail.clients import BODY, FRENCH, MARKER, OTHERS, REPLY, written

EVERY = FRENCH | OTHERS
QUOTING = {name: template for name, template in EVERY.items() if template.endswith("\n{quoted}")}


@pytest.mark.parametrize("marker", [True, False], ids=["with our line", "without"])
@pytest.mark.parametrize("template", EVERY.values(), ids=EVERY.keys())
def test_an_answer_above_is_read_exactly(template: str, marker: bool) -> None:
    assert strip_quotes(written(template, marker=marker)) == REPLY


@pytest.mark.parametrize("template", QUOTING.values(), ids=QUOTING.keys())
def test_an_answer_below_is_never_lost(template: str) -> None:
    quoted = "\n".join(f"> {line}" for line in BODY.split("\n"))
    got = strip_quotes(f"{template.format(quoted=quoted, body=BODY)}\n\n{REPLY}")
    assert not Counter(REPLY.split()) - Counter(got.split())


@pytest.mark.parametrize("template", QUOTING.values(), ids=QUOTING.keys())
def test_an_answer_between_the_lines_is_never_lost(template: str) -> None:
    quoted = f"> {MARKER}\n> Depuis quand ?\n\nDepuis lundi.\n\n> Un traitement ?\nOui, Doliprane.\n> Merci"
    got = strip_quotes(template.format(quoted=quoted, body=BODY))
    assert "Depuis lundi." in got
    assert "Oui, Doliprane." in got


@pytest.mark.parametrize("template", EVERY.values(), ids=EVERY.keys())
def test_an_earlier_mail_of_somebody_else_is_something_to_be_read(template: str) -> None:
    text = written(template, marker=False).replace("reponse.sante.example", "laboratoire.example")
    reply = read_reply(text, ours="reponse.sante.example")
    named = "laboratoire.example" in text
    assert not named or BODY.split("\n")[2] in reply.text


KEPT = [
    "J'ai mal.\n\nEnvoyé de ma clinique",
    "Bonjour\nEnvoyé de mon médecin traitant pour avis",
    "Bonjour\nEnvoyé depuis l'hôpital Nord",
    "ok\nEnvoyé de mon téléphone car je suis à l'hôpital",
    "ok\nEnvoyé à partir de mon appareil de mesure : 14/8",
    "ok\nEnvoyé par mail au docteur",
    "ok\nEnvoyé de mon portable, je n'ai que ça",
    "ok\nVon meinem Arzt gesendet",
    "Le 3 mars 2025 à 10:00, j'ai écrit à <cabinet@h.example> :\nsans réponse",
    "Le 3 mars 2025, 10:00, j'ai écrit au Dr Roux <cabinet@h.example> :\nsans réponse de sa part",
    "De : 8h\nÀ : 10h\nDate : lundi\nObjet : douleurs\nj'ai mal",
    "Date : 12/03/2024\nDe : la pharmacie\nÀ : 8h30 et 20h\nObjet : Kardégic",
    "De : Labo Bio\nPour : Marie Dupont\nDate : 12/03/2024\nGlycémie : 1,26",
    "Résultats du 03/01/2022 10:00, Labo Bio <labo@bio.example> :\nCRP 12",
    "L'ordonnance dit :\n> Doliprane 1 g\n> trois fois par jour\n> pendant 5 jours",
    "Il a écrit le 12/01/2022 :\n> Doliprane 1 g\n> trois fois\n> 5 jours\nEst-ce compatible ?",
    "----- Traitement -----\nDoliprane",
    "Le 12 mars 2024, Dr Roux (tél. 01 02 03 04 05) a écrit :\n1 comprimé",
    "On 12 March 2024 my GP wrote:\ntake one tablet",
    "Le 3/1 à 10:00 Dr Martin <dr@x.fr> m'a dit d'arrêter.\nOK ?",
    "ok\n\n---------- Forwarded message ---------\nDe : Labo <l@x.fr>\nDate: lun. 3 janv. 2022\n\nCRP 12",
    "Début du message transféré :\n\nDe: Labo <l@x.fr>\nObjet: x\nDate: 3 janvier 2022 à 10:00:00\n\nCRP 12",
]


@pytest.mark.parametrize("text", KEPT)
def test_a_patients_own_words_are_kept_whole(text: str) -> None:
    assert read_reply(text) == read_reply(text, forwarded=True)
    assert strip_quotes(text) == text


PATIENT_LINES = st.lists(
    st.one_of(
        st.sampled_from([line for text in KEPT for line in text.split("\n") if "@" not in line]),
        st.sampled_from(
            [
                "",
                "Le 3 mars 2025 à 10:00, le docteur a écrit :",
                "Dr X a écrit (12/03/2024) :",
                "De : Marie",
                "Envoyé : hier",
                "On Monday he wrote:",
                "--",
                "-----",
                "39,5 > 38",
            ]
        ),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zs", "Zl", "Zp"])).filter(
            lambda text: "@" not in text and not text.startswith(">")
        ),
    ).filter(lambda line: not line.lstrip().startswith((">", "----------", "Début du message"))),
    min_size=1,
    max_size=12,
)


def _words(text: str) -> list[str]:
    """Without lines drawn of dashes, which may be the program's as well."""
    return [word for word in text.split() if word.strip("-_=*–—")]


@given(PATIENT_LINES)
@settings(max_examples=300, deadline=None)
def test_no_word_outside_the_structure_of_a_mail_program_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert strip_quotes(text).split() == text.split()


@given(PATIENT_LINES, st.sampled_from(list(EVERY.values())), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_word_above_the_history_is_lost(lines: list[str], template: str, marker: bool) -> None:
    text = "\n".join([*lines, "Merci"])
    got = strip_quotes(written(template, reply=text, marker=marker))
    assert not Counter(_words(text)) - Counter(_words(got))


@given(PATIENT_LINES, st.sampled_from(list(EVERY.values())), st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_is_not_kept_is_told(lines: list[str], template: str, marker: bool) -> None:
    text = written(template, reply="\n".join(lines), marker=marker)
    reply = read_reply(text)
    assert not Counter(text.split()) - Counter(reply.text.split()) - Counter(reply.elided.split())
