"""Takes winmail.dat apart: what Outlook packs a whole mail and its files into (MS-OXTNEF)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

SIGNATURE = (0x223E9F78).to_bytes(4, "little")
MAX_FILES = 100
_NAMES = ("application/ms-tnef", "application/vnd.ms-tnef")


@dataclass(frozen=True, slots=True)
class Packed:
    """What was in it: text, a page, and files by the names that they were given."""

    text: str
    html: bytes
    files: tuple[tuple[str, bytes], ...]


def is_winmail(mimetype: str, content: bytes) -> bool:
    """Whether this is such a file, by type or beginning."""
    return content.startswith(SIGNATURE) and (mimetype in _NAMES or mimetype == "application/octet-stream")


def unpack(content: bytes) -> Packed | None:
    """What is in it; ``None`` when it can't be read or holds nothing, and then it stays a file."""
    from tnefparse import TNEF

    logging.getLogger("tnefparse").setLevel(logging.CRITICAL)
    try:
        found = TNEF(content)
        files = tuple((_text(file.long_filename()), bytes(file.data)) for file in found.attachments)
        packed = Packed(_text(found.body), _bytes(found.htmlbody), files[:MAX_FILES])
    except Exception:  # a parser of a hostile file may raise anything
        return None
    whole = len(files) <= MAX_FILES and (packed.text or packed.html or files)
    return packed if whole else None


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = next(iter(value), "")
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("cp1252", "replace")
    return str(value or "").strip("\0")


def _bytes(value: Any) -> bytes:
    if isinstance(value, list):
        value = next(iter(value), b"")
    return value if isinstance(value, bytes) else str(value or "").encode()
