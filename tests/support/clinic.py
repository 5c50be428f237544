"""A running hospital for journeys and measurements: the real command, a real Synapse, real mail."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.demo.hospital import Hospital, Patient, example_hospital, laid_over
from bridge.demo.mailbox import Attached
from bridge.demo.person import Person
from bridge.demo.stack import Stack
from bridge.domain.organisation import DiscussionGroup, ExpertGroup, Mails, Notify, Organisation, Practitioner
from bridge.ports import Json

DOMAIN = "hopital.example"
PLENTY = {"mail": {"limits": {"of_question": 1_000_000, "of_sender": 1_000_000}}}
PATIENT = Patient("Marie Dupont", "marie.dupont@patients.example")


def hospital(sizes: dict[str, int], invite: Iterable[str] = (), link: Iterable[str] = ()) -> Hospital:
    """A hospital whose groups have these many members each; the same people serve in all of them.

    The mails of those in ``link`` say nothing themselves.
    """
    count = max(sizes.values())
    people = tuple(
        Practitioner(f"@dr{number}:{DOMAIN}", f"Dr Numéro {number}", "fr") for number in range(count + 1)
    )
    groups = tuple(
        ExpertGroup(
            key,
            key.capitalize(),
            f"{key}@{DOMAIN}",
            tuple(person.user_id for person in people[:size]),
            Notify.INVITE if key in invite else Notify.ANNOUNCE,
            "fr",
            mails=Mails.LINK if key in link else Mails.FULL,
        )
        for key, size in sizes.items()
    )
    organisation = Organisation("Hôpital d'essai", "fr", people, groups, discussions=_discussions(people[:2]))
    return replace(example_hospital(DOMAIN), organisation=organisation)


def _discussions(people: tuple[Practitioner, ...]) -> tuple[DiscussionGroup, ...]:
    """One of each kind, for the same people; the first of them moderates."""
    ids = tuple(person.user_id for person in people)
    return (
        DiscussionGroup("staff", "Staff", ids),
        DiscussionGroup("annonces", "Annonces", ids, ids[:1], announce_only=True),
        DiscussionGroup("anciens", "Anciens", ids, archived=True),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as its readers see it."""

    subject: str
    room_id: str
    alias: str
    event_id: str
    card: str


class Clinic:
    """The stack with what journeys do on it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.people: dict[str, Person] = {}
        self._numbers = itertools.count(1)

    @classmethod
    async def open(
        cls,
        directory: Path,
        place: Hospital,
        room_version: str | None = None,
        command: tuple[str, ...] = (),
        database: str = "sqlite:///colloque.db",
        **mail_servers: Any,
    ) -> Clinic:
        """Start everything and log everyone in; other mail servers are as :class:`Stack` takes them.

        One patient asks for all of a test run: an hour has no limit unless ``changes`` sets one.
        """
        mail_servers["changes"] = laid_over(PLENTY, mail_servers.get("changes", {}))
        stack = Stack(
            directory,
            place,
            quiet_period_s=0,
            room_version=room_version,
            command=command,
            database=database,
            **mail_servers,
        )
        clinic = cls(stack)
        try:
            await stack.start()
            for practitioner in place.organisation.practitioners:
                clinic.people[practitioner.user_id] = await stack.log_in(practitioner.user_id)
        except BaseException:
            await stack.stop()
            raise
        return clinic

    async def close(self) -> None:
        """Stop everything."""
        await self.stack.stop()

    def group(self, key: str) -> ExpertGroup:
        """One of the groups."""
        found = self.stack.hospital.organisation.group(key)
        assert found is not None
        return found

    def members(self, key: str) -> list[Person]:
        """The members of a group."""
        return [self.people[member] for member in self.group(key).members]

    @property
    def outsider(self) -> Person:
        """A practitioner of the organisation who is in no group."""
        return list(self.people.values())[-1]

    async def write(
        self, key: str, text: str, photos: tuple[Attached, ...] = (), address: str = PATIENT.address
    ) -> str:
        """A patient's mail to a group; returns its unique subject."""
        subject = f"Sujet n{next(self._numbers)}x"
        await self.stack.mailbox.write(
            to=self.group(key).address,
            subject=subject,
            text=text,
            from_address=address,
            from_name=PATIENT.name,
            photos=photos,
        )
        return subject

    async def ask(self, key: str, text: str = "Est-ce grave ?", photos: tuple[Attached, ...] = ()) -> Asked:
        """Write, and wait for the card; the first member joins the room."""
        return await self.found(key, await self.write(key, text, photos))

    async def found(self, key: str, subject: str, not_in: str = "") -> Asked:
        """The question with this subject, once its card stands in the waiting room (for another room)."""
        reader = self.members(key)[0]
        waiting = await reader.join(f"#colloque_w_{key}:{DOMAIN}")
        former = ""
        if not_in:
            path = f"/v3/rooms/{not_in}/state/m.room.canonical_alias/"
            former = str((await reader.call("GET", path))["alias"]) + "/"
        card = await reader.wait_for(
            waiting, lambda e: is_card(e, subject) and (former or "\0") not in body(e)
        )
        link = body(card).partition("matrix.to/#/")[2].partition("?")[0]
        alias, _, event_id = link.partition("/")
        return Asked(subject, await reader.join(alias), alias, event_id, card["event_id"])

    async def inside(self, asked: Asked, people: Iterable[Person]) -> list[Person]:
        """Those who are joined in the question room now."""
        found = []
        for person in people:
            joined = (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]
            if asked.room_id in joined:
                found.append(person)
        return found

    async def sealed(self, asked: Asked, owner: Person, within_s: float = 60) -> Json:
        """Wait until the owner is told that the room is theirs; the seal is complete then."""
        return await owner.wait_for(
            asked.room_id, lambda e: body(e).startswith("Prise en charge par"), deadline_s=within_s
        )

    async def owner(self, asked: Asked, people: list[Person], within_s: float = 60) -> Person:
        """The one whom the sealed room belongs to."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            found = await self.inside(asked, people)
            if len(found) == 1:
                await self.sealed(asked, found[0], within_s)
                return found[0]
            await asyncio.sleep(0.02)
        raise TimeoutError("the room was not sealed in time")

    async def levels(self, asked: Asked, person: Person) -> dict[str, int]:
        """Who has which power level in the question room."""
        path = f"/v3/rooms/{asked.room_id}/state/m.room.power_levels/"
        levels: dict[str, int] = (await person.call("GET", path))["users"]
        return levels

    async def bot_room(self, person: Person) -> str:
        """Someone's bot chat, joined."""
        path = f"/v3/directory/room/%23colloque_b_{_hash(person.user_id)}%3A{DOMAIN}"
        room_id = str((await person.call("GET", path))["room_id"])
        await person.join(room_id)
        return room_id

    async def bot_chat(self, person: Person) -> list[str]:
        """What the bot wrote to someone, newest first."""
        room_id = await self.bot_room(person)
        return [
            body(e) for e in await person.messages(room_id, limit=500) if e["sender"].startswith("@colloque:")
        ]


def _hash(user_id: str) -> str:
    from bridge.domain.plan import bot_chat_alias

    return bot_chat_alias("", user_id).removeprefix("b_")


def body(event: Json) -> str:
    """The text of a message event."""
    return str(event.get("content", {}).get("body", ""))


def is_card(event: Json, subject: str) -> bool:
    """Whether this is the card of a question, and not the summary of all that wait."""
    return subject in body(event) and event["content"].get("msgtype") == "m.text"


async def eventually(holds: Callable[[], Awaitable[bool]], within_s: float = 60) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if await holds():
            return True
        await asyncio.sleep(0.05)
    return False
