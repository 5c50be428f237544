"""Every text that people read, in French and English, by key: ``text("fr", "bot.taken", owner=…)``."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

LANGUAGES = ("fr", "en")
DEFAULT = "fr"
FRENCH_SIGNS = re.compile(r" (?=[:;?!»])|(?<=«) ")
"""Where French sets a space that must not end a line."""
OPTIONAL = re.compile(r"⟦([^⟧]*)⟧")
"""A part that is left out when a value in it is empty, as a reason that nobody gave."""
REQUESTER_IS = "requester_is"
"""The value that says who is meant by the patient: the section ``[requester]`` has the word."""
CODES = ("kind", "problems", "reason")
"""Values that are codes of ours; they are shown by their wording in the section ``[word]``."""


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every key of a language with its text."""
    file = Path(__file__).parent / f"{language}.toml"
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = {f"{section}.{key}": words for section, keys in sections.items() for key, words in keys.items()}
    if language != "fr":
        return texts
    return {key: FRENCH_SIGNS.sub("\N{NO-BREAK SPACE}", words) for key, words in texts.items()}


def text(language: str, key: str, /, **values: object) -> str:
    """The text behind a key with its values filled in; an unknown language is French.

    Raises :class:`KeyError` for an unknown key. Values are never interpreted, whatever they hold.
    """
    words = catalogue(language if language in LANGUAGES else DEFAULT)
    shown = {name: _wording(words, name, value) for name, value in values.items()}
    written = _of_requester(words, words[key], shown.get(REQUESTER_IS, ""))
    said = OPTIONAL.sub(lambda part: _if_filled(part[1], shown), written)
    return "".join(literal + _value(field, shown) for literal, field, _, _ in Formatter().parse(said))


def _of_requester(words: dict[str, str], written: str, who: str) -> str:
    """A text that was written for a patient's question, with the word for whoever asks this one."""
    if not who:
        return written
    for number in ("one", "many"):
        patient, other = words[f"requester.patient_{number}"], words[f"requester.{who}_{number}"]
        for word, instead in ((patient, other), (patient.capitalize(), other[:1].upper() + other[1:])):
            written = re.sub(rf"\b{word}\b", instead, written)
    return written


def _if_filled(part: str, values: dict[str, str]) -> str:
    fields = [field for _, field, _, _ in Formatter().parse(part) if field is not None]
    return part if all(values.get(field) for field in fields) else ""


def _value(field: str | None, values: dict[str, Any]) -> str:
    return "" if field is None else str(values.get(field, ""))


def _wording(words: dict[str, str], name: str, value: object) -> str:
    if name not in CODES:
        return str(value)
    return ", ".join(words.get(f"word.{code}", code) for code in str(value).split(", "))
