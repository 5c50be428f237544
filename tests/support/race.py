"""One contested claim: several members answer the same question at the same moment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bridge.demo.person import Person
from tests.support.clinic import PATIENT, Asked, Clinic, eventually


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of the words of those who came second."""

    losers: int
    handed_back: int
    mailed_by_others: int


@dataclass(frozen=True, slots=True)
class Race:
    """What came of one race. ``seconds`` is from the answers to the complete seal."""

    asked: Asked
    owner: Person
    owners: int
    speakers: int
    seconds: float
    texts: dict[str, str]

    async def settle(self, clinic: Clinic) -> Findings:
        """Wait for every loser's text in their bot chat, and look through the patient's mails."""
        losers = {user: text for user, text in self.texts.items() if user != self.owner.user_id}

        async def returned(user: str, text: str) -> bool:
            return any(text in chat for chat in await clinic.bot_chat(clinic.people[user]))

        back = 0
        for user, text in losers.items():
            back += await eventually(lambda user=user, text=text: returned(user, text))  # type: ignore[misc]
        mine = self.texts[self.owner.user_id]
        await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: mine in m.text)
        mails = clinic.stack.mailbox.mails_to(PATIENT.address)
        wrong = sum(any(text in mail.text for text in losers.values()) for mail in mails)
        return Findings(len(losers), back, wrong)


async def race(clinic: Clinic, key: str, contenders: int) -> Race:
    """Ask, let ``contenders`` members join and answer at once, and wait for the seal."""
    asked = await clinic.ask(key)
    people = clinic.members(key)[:contenders]
    for person in people:
        await person.join(asked.alias)
    texts = {person.user_id: f"Réponse de {person.name} à {asked.subject}." for person in people}
    started = time.monotonic()
    sent = await asyncio.gather(
        *(person.say(asked.room_id, texts[person.user_id]) for person in people), return_exceptions=True
    )
    owner = await clinic.owner(asked, people)
    seconds = time.monotonic() - started
    said = {
        p.user_id: texts[p.user_id] for p, event in zip(people, sent, strict=True) if isinstance(event, str)
    }
    levels = await clinic.levels(asked, owner)
    speakers = [user for user, level in levels.items() if user in clinic.people and level >= 50]
    inside = await clinic.inside(asked, people)
    return Race(asked, owner, len(inside), len(speakers), seconds, said)
