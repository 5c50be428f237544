"""A hospital whose bridge dies where a test says, and is started again each time."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bridge.demo.hospital import Hospital
from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body
from tests.support.service import restarted

COMMAND = (sys.executable, "-m", "tests.support.crashing", "run")
PATIENCE_S = 360.0
BOTH = ("performed", "recorded")


@contextlib.asynccontextmanager
async def dying(directory: Path, place: Hospital, changes: dict[str, Any]) -> AsyncIterator[Clinic]:
    """Such a hospital; it dies nowhere before :func:`crash_at` says where."""
    opened = await Clinic.open(directory, place, command=COMMAND, changes=changes)
    async with restarted(opened):
        yield opened
    await opened.close()


def points(*kinds: str) -> str:
    """Kill after each effect of these kinds, before and after it is recorded."""
    return " ".join(f"{point}:{kind}" for point in BOTH for kind in kinds)


async def taken(clinic: Clinic) -> tuple[Asked, Person, Person]:
    """A question with its owner, who has said something, and the one colleague."""
    asked = await clinic.ask("duo")
    owner, colleague = clinic.members("duo")
    await owner.say(asked.room_id, "Bonjour, je regarde.")
    await clinic.sealed(asked, owner)
    await mail_with(clinic, asked, "je regarde")
    return asked, owner, colleague


async def mail_with(clinic: Clinic, asked: Asked, words: str) -> Mail:
    """The patient's mail about a question with these words."""
    return await clinic.stack.mailbox.wait_for(
        PATIENT.address,
        matching=lambda m: asked.subject in m.subject and words in m.text,
        deadline_s=PATIENCE_S,
    )


def mails_with(clinic: Clinic, asked: Asked, words: str) -> set[str]:
    """The mails with these words; the same mail may have come twice where its server's word was lost."""
    mails = clinic.stack.mailbox.mails_to(PATIENT.address)
    found = [m for m in mails if asked.subject in m.subject and words in m.text]
    assert len({m.raw for m in found}) == len({m.message_id for m in found})
    return {m.message_id for m in found}


async def said_in(person: Person, room_id: str) -> Counter[str]:
    """How often each text stands in a room."""
    events: list[Json] = await person.messages(room_id, limit=500)
    return Counter(body(e) for e in events if e["type"] == "m.room.message" and body(e))


def times(said: Counter[str], words: str) -> int:
    """How often something with these words was said."""
    return sum(count for text, count in said.items() if words in text)
