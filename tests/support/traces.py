"""Looks for words in files, however they are written there."""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def spellings(word: str) -> set[bytes]:
    """The bytes that a word may have in a file: in any case, escaped, or inside of something encoded."""
    found: set[bytes] = set()
    for form in {word, word.lower(), word.upper(), word.capitalize()}:
        raw = form.encode()
        found |= {raw, form.encode("utf-16-le"), form.encode("utf-16-be"), quopri.encodestring(raw)}
        found |= {json.dumps(form)[1:-1].encode(), quote(form).encode()}
        # Inside of a longer text base64 depends on where it starts, and at its edges on what is around.
        for offset, edge in ((0, 0), (1, 2), (2, 3)):
            inside = base64.b64encode(b"x" * offset + raw).rstrip(b"=")
            found.add(inside[edge:-1])
    return {spelling for spelling in found if len(spelling) >= 5}


def found_in(folder: Path, words: Iterable[str], leave_out: Iterable[Path] = ()) -> Iterator[str]:
    """Each word with each file in which it stands."""
    wanted = {word: spellings(word) for word in words}
    apart = tuple(leave_out)
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or any(file.is_relative_to(other) for other in apart):
            continue
        content = file.read_bytes()
        for word, forms in wanted.items():
            if any(form in content for form in forms):
                yield f"{word} in {file.relative_to(folder)}"
