"""What every act needs: the people, one question where it stands, and the patient's mails about it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.demo.hospital import Patient
from bridge.demo.mailbox import Mail
from bridge.demo.person import Person, Refused
from bridge.demo.stack import Stack
from bridge.domain.organisation import ExpertGroup
from bridge.domain.plan import bot_chat_alias
from bridge.ports import Json

WITHIN_S = 60.0


@dataclass(slots=True)
class Scene:
    """One question while acts happen to it. ``done`` are the acts that were seen to work.

    ``alias`` is that of the question's first room, ``generation`` says which room it is in now.
    """

    stack: Stack
    people: dict[str, Person]
    check: Callable[[bool, str], None]
    group: ExpertGroup
    patient: Patient
    subject: str
    alias: str
    room: str
    owner: Person
    done: list[str] = field(default_factory=list)
    generation: int = 1

    def claim(self, act: str, holds: bool, words: str) -> None:
        """Check what people see of an act; only then it counts as done."""
        self.check(holds, words)
        if holds and act not in self.done:
            self.done.append(act)

    @property
    def others(self) -> list[Person]:
        """The members of the group who don't own the question."""
        return [self.people[member] for member in self.group.members if member != self.owner.user_id]

    @property
    def mails(self) -> tuple[Mail, ...]:
        """What the patient has received."""
        return self.stack.mailbox.mails_to(self.patient.address)

    async def next_mail(self, after: tuple[Mail, ...], holds: Callable[[Mail], bool] | None = None) -> Mail:
        """The first mail to the patient that is not among these."""
        known = {mail.number for mail in after}
        return await self.stack.mailbox.wait_for(
            self.patient.address,
            matching=lambda m: m.number not in known and (holds is None or holds(m)),
            deadline_s=WITHIN_S,
        )

    async def answer(self, mail: Mail, words: str) -> None:
        """The patient answers a mail."""
        await self.stack.mailbox.write(
            to=mail.answer_address,
            subject=mail.subject,
            text=words,
            from_address=self.patient.address,
            from_name=self.patient.name,
            in_reply_to=mail,
        )

    async def marked(self, event_id: str, symbol: str) -> bool:
        """Whether the service puts this mark on an event of the question."""
        await self.owner.wait_for(
            self.room,
            lambda e: (
                e["type"] == "m.reaction"
                and e["sender"] == self._bot
                and e.get("content", {}).get("m.relates_to", {}).get("event_id") == event_id
                and str(e["content"]["m.relates_to"].get("key", "")).startswith(symbol)
            ),
            deadline_s=WITHIN_S,
        )
        return True

    async def noticed(self, person: Person, room: str, *words: str) -> Json:
        """The service's line to someone in a room that has all these words."""
        return await person.wait_for(
            room,
            lambda e: e["sender"] == self._bot and all(word in body(e) for word in words),
            deadline_s=WITHIN_S,
        )

    @property
    def _bot(self) -> str:
        return f"@colloque:{self.stack.hospital.domain}"

    async def chat(self, person: Person) -> str:
        """Someone's direct room with the service."""
        name = bot_chat_alias("", person.user_id)
        return await person.join(f"#colloque_{name}:{self.stack.hospital.domain}")

    def next_alias(self) -> str:
        """The alias of the room that the question moves into."""
        self.generation += 1
        return self.alias.replace(":", f"_{self.generation}:", 1)

    async def refused(self, person: Person, room: str) -> bool:
        """Whether someone can no longer write in this room."""

        async def locked() -> bool:
            try:
                await person.send(room, {"msgtype": "m.notice", "body": "…"})
            except Refused:
                return True
            return False

        return await eventually(locked)

    async def out(self, person: Person, room: str) -> bool:
        """Whether someone has been put out of this room."""

        async def gone() -> bool:
            return room not in (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]

        return await eventually(gone)

    async def enter(self, person: Person, alias: str) -> str:
        """Join a room as soon as it lets this person in."""
        rooms: list[str] = []

        async def inside() -> bool:
            try:
                rooms.append(await person.join(alias))
            except Refused:
                return False
            return True

        await eventually(inside)
        return rooms[0]


def body(event: Json) -> str:
    """The text of a message event."""
    return str(event.get("content", {}).get("body", ""))


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = WITHIN_S) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if await holds():
            return True
        await asyncio.sleep(0.05)
    return False
