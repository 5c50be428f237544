"""How long the seal takes, from the accepted claim to nobody else being left, by number of readers."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from statistics import median
from typing import Any

from tests.support.clinic import Clinic, hospital

READERS = (0, 1, 5, 20)
ROUNDS = 8


async def seals(directory: Path) -> dict[str, Any]:
    """Median and worst window in seconds, by how many others had the question open."""
    clinic = await Clinic.open(directory, hospital({"grand": max(READERS) + 1}))
    try:
        figures: dict[str, Any] = {}
        for readers in READERS:
            windows = [await _window(clinic, readers) for _ in range(ROUNDS)]
            figures[f"seal_s_median_{readers}_readers"] = round(median(windows), 3)
            figures[f"seal_s_worst_{readers}_readers"] = round(max(windows), 3)
        return figures
    finally:
        await clinic.close()


async def _window(clinic: Clinic, readers: int) -> float:
    asked = await clinic.ask("grand")
    owner, *others = clinic.members("grand")[: readers + 1]
    for other in others:
        await other.join(asked.alias)
    await owner.say(asked.room_id, "Je prends.")
    await clinic.sealed(asked, owner)
    return _recorded(clinic.stack.directory / "colloque.db", asked.alias)


def _recorded(database: Path, alias: str) -> float:
    """What the bridge itself measured: from the commit of the claim to the complete seal."""
    question_id = alias.partition("q_")[2].partition(":")[0]
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        query = "SELECT result FROM outbox WHERE key = ?"
        (result,) = connection.execute(query, (f"{question_id}:cover",)).fetchone()
    return float(json.loads(result)["seal_s"])
