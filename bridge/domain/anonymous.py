"""Words without whom they are of: names, addresses and numbers of the patient leave a mark in their place.

What a patient tells about themselves in other ways stays; so whoever sends it on is shown it first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

GONE = "[…]"
# It starts where a run of such signs does: a text without any « @ » is looked through once, however long.
ADDRESS = re.compile(r"(?<![\w.+%'-])[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+", re.UNICODE)
"""An e-mail address."""
NUMBER = re.compile(r"(?<![\w])[+(]?\d(?:[\s.()/\-‐‑‒–—·_]{0,2}\d){8,}(?!\w)")
"""Nine digits or more, however they are grouped: telephone, insurance and file numbers."""
LINK = re.compile(
    r"(?<!\w)(?:[a-z][a-z0-9+.-]{1,20}://|www\.|(?:geo|tel|mailto|matrix):(?=\S))\S+", re.IGNORECASE
)
"""Where somebody is, on the web or on a map."""
HANDLE = re.compile(r"(?<![\w.])@(?:[\w.=/+-]+:[\w-]+(?:\.[\w-]+)+(?::\d+)?|[A-Za-z_][\w.=/+-]*)")
"""A Matrix ID, or what people are called elsewhere."""
UNSEEN = dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF))
"""Signs that nobody sees, and that would part a name."""
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)
_TITLES = "m mr mme mlle mrs ms miss dr docteur doctor pr prof monsieur madame"
TITLES = frozenset(f"{_TITLES} le la les de du des d von van".split())
"""Words that stand in a name and name nobody."""
SHORTEST = 2


def without_identity(text: str, name: str, addresses: Iterable[str]) -> str:
    """The text without this person's name (its words, whatever their case and accents), without any
    e-mail address, Matrix ID, link, place, or long number.
    """
    known = _names(name, addresses)
    text = unicodedata.normalize("NFC", text).translate(UNSEEN)
    text = HANDLE.sub(GONE, ADDRESS.sub(GONE, LINK.sub(GONE, text)))
    text = NUMBER.sub(GONE, text)
    text = WORD.sub(lambda found: GONE if _is_of(found[0], known) else found[0], text)
    return re.sub(rf"{re.escape(GONE)}(?:[ \t]+{re.escape(GONE)})+", GONE, text)


def _names(name: str, addresses: Iterable[str]) -> frozenset[str]:
    called = name[1:].partition(":")[0] if name.startswith("@") else name.partition("@")[0]
    own = [_plain(word) for word in WORD.findall(unicodedata.normalize("NFC", called))]
    long = [word for word in own if len(word) > SHORTEST and word not in TITLES]
    words = {*own, *(one + other for one in long for other in long if one != other)}
    for address in addresses:
        # Of a Matrix ID what stands before the server, as of an e-mail address.
        local = address[1:].partition(":")[0] if address.startswith("@") else address.partition("@")[0]
        words |= {_plain(word) for word in re.split(r"[\W\d_]+", local) if len(word) > SHORTEST}
    parts = {part for word in words for part in re.split(r"['’-]", word)}
    return frozenset(word for word in words | parts if len(word) >= SHORTEST) - TITLES


def _is_of(word: str, known: frozenset[str]) -> bool:
    plain = _plain(word)
    return plain in known or any(
        len(part) >= SHORTEST and part in known for part in re.split(r"['’-]", plain)
    )


def _plain(word: str) -> str:
    """Without case and accents."""
    parts = unicodedata.normalize("NFKD", word).casefold()
    return "".join(sign for sign in parts if not unicodedata.combining(sign))
