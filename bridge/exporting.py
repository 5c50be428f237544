"""Writes everything that is kept of one person into a folder, for them or for who has to see it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bridge.storage.dossier import Dossier

EXPLANATION = """\
Everything that Colloque keeps of {address}, written on {today} (UTC).

A folder for each question, named by its reference:
  question.json   what was asked of whom, when, and where it stands
  acts.json       who did what to it, and when
  room.jsonl      what practitioners wrote and did in its room, one Matrix event a line
  received/       mails of the patient, as they came
  sent/           mails to the patient, as they left
  files/          photos and files of the patient, as practitioners see them
other-mails/      mails that became no question, or were set aside

The homeserver keeps the room as well; docs/data-protection.md names what is kept where.
"""


class NotEmpty(Exception):
    """The folder has something in it already; nothing was written."""


def write(folder: Path, address: str, dossiers: Sequence[Dossier], others: Sequence[bytes]) -> int:
    """Write it, readable by its owner only; returns how many files. Raises :class:`NotEmpty`, ``OSError``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise NotEmpty(f"{folder} is not empty; name a new folder")
    folder.chmod(0o700)
    now = datetime.now(UTC)
    files = {"README.txt": EXPLANATION.format(address=address, today=f"{now:%Y-%m-%d %H:%M}").encode()}
    for dossier in dossiers:
        files |= {f"{dossier.question.reference}/{name}": body for name, body in _files(dossier).items()}
    files |= {f"other-mails/{number:04}.eml": raw for number, raw in enumerate(others, start=1)}
    for name, content in files.items():
        _write(folder / name, content)
    return len(files)


def write_one(folder: Path, dossier: Dossier) -> None:
    """Write one question into a folder of its own below this one, in place of what an earlier try left.

    Raises ``OSError``.
    """
    place = folder / dossier.question.reference
    if place.exists():
        shutil.rmtree(place)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in _files(dossier).items():
        _write(place / name, content)


def _files(dossier: Dossier) -> dict[str, bytes]:
    question = asdict(dossier.question)
    question.pop("token")  # whoever has it can write into the question
    acts = [
        {"at": datetime.fromtimestamp(done.at, UTC).isoformat(), **asdict(done.act)} for done in dossier.acts
    ]
    found = {"question.json": _json(question), "acts.json": _json(acts)}
    found["room.jsonl"] = b"".join(event.replace(b"\n", b" ") + b"\n" for event in dossier.events)
    for folder, mails in (("received", dossier.received), ("sent", dossier.sent)):
        found |= {f"{folder}/{number:04}.eml": raw for number, raw in enumerate(mails, start=1)}
    return found | {f"files/{name}": content for name, content in dossier.files.items()}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str).encode() + b"\n"


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
