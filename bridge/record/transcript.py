"""What a transcript holds, and its form for programs (JSON). Pure."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FORMAT = "colloque-transcript/1"
MOST_EMBEDDED = 24 * 1024 * 1024
"""Bytes of files that the JSON carries itself; beyond that it only names them by their SHA-256."""


@dataclass(frozen=True, slots=True)
class File:
    """A photo or file. ``content`` is ``None`` for one whose bytes are not kept here."""

    name: str
    mimetype: str
    content: bytes | None

    @property
    def sha256(self) -> str:
        """Its hash in hex, or an empty string for bytes that are not kept."""
        return "" if self.content is None else hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was said. ``role`` is ``patient``, ``owner``, ``colleague`` or ``service``.

    ``delivery`` is ``queued``, ``sent`` or ``failed`` for a mail, and ``problem`` the reason of a failure.
    ``internal`` words never went to the patient.
    """

    at: datetime
    who: str
    role: str
    text: str = ""
    files: tuple[File, ...] = ()
    delivery: str = ""
    delivered_at: datetime | None = None
    problem: str = ""
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """One line of the act record: ``who`` as people know them, ``did`` the code of what they did."""

    at: datetime
    who: str
    actor: str
    did: str
    why: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that happened in one question. ``by_colleague``: a practitioner asked it, not a patient."""

    question_id: str
    reference: str
    title: str
    status: str
    organisation: str
    group: str
    owner: str
    requester: str
    address: str
    asked_at: datetime
    time_zone: str
    made_at: datetime
    made_by: str
    entries: tuple[Entry, ...] = ()
    acts: tuple[Recorded, ...] = ()
    by_colleague: bool = False

    @property
    def files(self) -> tuple[tuple[Entry, File], ...]:
        """Every file with where it was said, in order."""
        return tuple((entry, file) for entry in self.entries for file in entry.files)

    @property
    def consents(self) -> tuple[Recorded, ...]:
        """What the patient was asked to consent to, and answered."""
        return tuple(act for act in self.acts if act.did.startswith("consent"))


def path_of(number: int, file: File) -> str:
    """Where a file lies beside the transcript: a name that no system stumbles on, unique by its number."""
    plain = re.sub(r"[^\w.-]+", "_", file.name, flags=re.ASCII).strip("._") or "file"
    return f"files/{number:03d}-{plain[-60:]}"


def as_json(transcript: Transcript, *, files: bool = True) -> bytes:
    """The transcript for programs: stable keys, times in UTC (ISO 8601), files in base64."""
    embedded = files and sum(len(file.content or b"") for _, file in transcript.files) <= MOST_EMBEDDED
    numbers = {id(file): number for number, (_, file) in enumerate(transcript.files, 1)}
    whole = {
        "format": FORMAT,
        "question": _head(transcript),
        "made_at": _time(transcript.made_at),
        "made_by": transcript.made_by,
        "entries": [
            _entry(entry, [_file(file, numbers[id(file)], embedded) for file in entry.files])
            for entry in transcript.entries
        ],
        "consents": [_act(act) for act in transcript.consents],
        "acts": [_act(act) for act in transcript.acts],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1).encode() + b"\n"


def _head(transcript: Transcript) -> dict[str, Any]:
    return {
        "id": transcript.question_id,
        "reference": transcript.reference,
        "title": transcript.title,
        "status": transcript.status,
        "organisation": transcript.organisation,
        "group": transcript.group,
        "owner": transcript.owner,
        "requester": {"name": transcript.requester, "address": transcript.address},
        "asked_at": _time(transcript.asked_at),
        "time_zone": transcript.time_zone,
    }


def _entry(entry: Entry, files: list[dict[str, Any]]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "at": _time(entry.at),
        "who": entry.who,
        "role": entry.role,
        "text": entry.text,
        "internal": entry.internal,
        "files": files,
    }
    if entry.delivery:
        shown["delivery"] = {
            "state": entry.delivery,
            "at": _time(entry.delivered_at),
            "problem": entry.problem,
        }
    return shown


def _file(file: File, number: int, embedded: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": file.name,
        "mimetype": file.mimetype,
        "size": None if file.content is None else len(file.content),
        "sha256": file.sha256,
        "path": path_of(number, file),
    }
    if embedded and file.content is not None:
        shown["content"] = base64.b64encode(file.content).decode()
    return shown


def _act(act: Recorded) -> dict[str, Any]:
    return {
        "at": _time(act.at),
        "who": act.who,
        "actor": act.actor,
        "did": act.did,
        "why": act.why,
        "details": dict(act.details),
    }


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
