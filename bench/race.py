"""Two hundred contested claims, with two to five contenders answering at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import median
from typing import Any

from tests.support.clinic import PATIENT, Clinic, eventually, hospital
from tests.support.race import Race, race

CLAIMS = 200
AT_ONCE = 4
"""Questions that are contested at the same time."""


async def races(directory: Path) -> dict[str, Any]:
    """How many owners each claim had, and what became of the words of those who came second."""
    clinic = await Clinic.open(directory, hospital({"derm": 5}))
    try:
        run = await _run(clinic)
        lost = [text for one in run for user, text in one.texts.items() if user != one.owner.user_id]
        returned = await _returned(clinic, run)
        mails = clinic.stack.mailbox.mails_to(PATIENT.address)
        words = "\n".join(mail.text for mail in mails)
        return {
            "race_claims": len(run),
            "race_accepted_answers": sum(len(one.texts) for one in run),
            "race_claims_with_one_owner": sum(one.owners == one.speakers == 1 for one in run),
            "race_loser_texts": len(lost),
            "race_loser_texts_handed_back": returned,
            "race_loser_texts_mailed": sum(text in words for text in lost),
            "race_seconds_to_seal_median": round(median(one.seconds for one in run), 3),
            "race_seconds_to_seal_worst": round(max(one.seconds for one in run), 3),
        }
    finally:
        await clinic.close()


async def _run(clinic: Clinic) -> list[Race]:
    run: list[Race] = []
    for first in range(0, CLAIMS, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, CLAIMS))
        run += await asyncio.gather(*(race(clinic, "derm", 2 + number % 4) for number in numbers))
    return run


async def _returned(clinic: Clinic, run: list[Race]) -> int:
    """How many losers' texts are in their authors' bot chats, once nothing more comes."""
    wanted = {(user, text) for one in run for user, text in one.texts.items() if user != one.owner.user_id}

    async def found() -> set[tuple[str, str]]:
        there = set()
        for user in {user for user, _ in wanted}:
            chats = "\n".join(await clinic.bot_chat(clinic.people[user]))
            there |= {(user, text) for owner, text in wanted if owner == user and text in chats}
        return there

    async def all_there() -> bool:
        return await found() == wanted

    await eventually(all_there, within_s=60)
    return len(await found())
