"""Words of a title, as they are searched: without case, accents, ligatures or punctuation. Pure."""

from __future__ import annotations

import re
import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"})
"""What Unicode doesn't take apart, and keyboards rarely have."""

WORD = re.compile(r"[^\W_]+")
LONGEST = 40
"""Characters of a word that are kept: no word that people search is longer."""
MOST = 24
"""Words of a title that are kept; mail subjects can be as long as their sender likes."""
PLURAL_FROM = 5
"""A searched word with so many letters is also found without its final s or x."""


def folded(text: str) -> str:
    """A text as it is compared: « Œdème À GAUCHE » is « oedeme a gauche »."""
    lower = unicodedata.normalize("NFKD", text).casefold().translate(LIGATURES)
    # Case folding can bring back marks of its own (Turkish İ), hence the second look.
    parts = unicodedata.normalize("NFKD", lower)
    return "".join(part for part in parts if not unicodedata.combining(part))


def words_of(title: str, reference: str = "") -> tuple[str, ...]:
    """The words by which a title is found, each once; a reference is kept however long the title is."""
    last = _split(reference)
    return tuple(dict.fromkeys([*_split(title)[: MOST - len(last)], *last]))


def _split(text: str) -> list[str]:
    return list(dict.fromkeys(word[:LONGEST] for word in WORD.findall(folded(text))))


def keywords(asked: str) -> tuple[str, ...]:
    """What someone searches for: beginnings of words, plurals of long ones reduced to their stem."""
    return tuple(dict.fromkeys(_stem(word) for word in words_of(asked)))


def _stem(word: str) -> str:
    return word[:-1] if len(word) >= PLURAL_FROM and word.endswith(("s", "x")) else word


def matches(title_words: tuple[str, ...], sought: tuple[str, ...]) -> bool:
    """Whether each sought beginning begins one of the words."""
    return all(any(word.startswith(beginning) for word in title_words) for beginning in sought)
