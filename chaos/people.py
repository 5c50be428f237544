"""Patients and practitioners who write whatever breaks, as their own programs would: by trying again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import make_msgid
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import aiosmtplib

from bridge.demo.person import Person, Refused, Waited
from chaos.mailserver import MailServer
from tests.support.clinic import DOMAIN, Clinic, body, is_card

T = TypeVar("T")
AGAIN_S = 0.5
PATIENCE_S = 600.0
TALK_S = (20.0, 180.0)
"""How long a conversation goes on."""
LATEST, UNHEARD = 20, 5
"""Of so many latest messages of an owner, how many may be on their way before they wait for some."""
HEARD_WITHIN_S = 60.0
"""And for so long: a mail that was refused never arrives."""
LOOK_S = 2.0
"""Between two looks, since each costs the homeserver a page of the room."""
AWAY = (aiohttp.ClientError, OSError, TimeoutError, Waited, aiosmtplib.SMTPException, ValueError)


class Told(Exception):
    """Someone has to wait for something that does not come; the message says what."""


async def until(attempt: Callable[[], Awaitable[T | None]], what: str, within_s: float = PATIENCE_S) -> T:
    """The first answer, whatever breaks meanwhile. Raises :class:`Told`."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while loop.time() < end:
        try:
            if (found := await attempt()) is not None:
                return found
        except Refused as refused:
            if refused.status < 500 and refused.status != 429 and refused.errcode != "M_FORBIDDEN":
                raise
        except AWAY:
            pass
        await asyncio.sleep(AGAIN_S)
    raise Told(f"no {what} within {within_s:g} s")


def word() -> str:
    """A word that occurs once in the world."""
    return f"zq{uuid.uuid4().hex[:12]}"


@dataclass(slots=True)
class Talk:
    """One question: what was accepted from whom, in order, and where it should be found."""

    number: int
    title: str = field(default_factory=word)
    room_id: str = ""
    owner: str = ""
    to_room: list[str] = field(default_factory=list)
    to_patient: list[tuple[str, str]] = field(default_factory=list)
    never: list[str] = field(default_factory=list)
    trouble: str = ""

    @property
    def address(self) -> str:
        """The patient's own."""
        return f"patient{self.number}@patients.example"


@dataclass(slots=True)
class World:
    """Where they live."""

    clinic: Clinic
    mails: MailServer
    listener: int
    chance: random.Random
    ending: asyncio.Event
    """Set when nobody shall begin anything new."""
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def mail(self, talk: Talk, to: str, subject: str, answers: str = "") -> None:
        """Submit until it is accepted, the same bytes each time, as any mail server does."""
        mark = word()
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = talk.address, to, subject
        message["Message-ID"] = make_msgid(domain="patients.example")
        if answers:
            message["In-Reply-To"] = answers
        message.set_content(f"Bonjour, {mark} merci.\n")
        raw = message.as_bytes()

        async def attempt() -> bool:
            await aiosmtplib.send(
                raw,
                sender=talk.address,
                recipients=[to],
                hostname="127.0.0.1",
                port=self.listener,
                timeout=10,
            )
            return True

        await until(attempt, "acceptance of a mail")
        talk.to_room.append(mark)

    async def say(self, person: Person, room_id: str) -> tuple[str, str] | None:
        """Send until it is accepted or refused, under one transaction ID; the word and its event ID."""
        mark = word()
        path = f"/v3/rooms/{quote(room_id)}/send/m.room.message/{mark}"

        async def attempt() -> tuple[str, str]:
            try:
                text = {"msgtype": "m.text", "body": f"Réponse {mark}."}
                return mark, str((await person.call("PUT", path, text))["event_id"])
            except Refused as refused:
                if refused.errcode == "M_FORBIDDEN":
                    return mark, ""
                raise

        said = await until(attempt, "answer to a message")
        return said if said[1] else None

    async def talk(self, talk: Talk) -> None:
        """A whole question, from the first mail until both have said enough."""
        try:
            await self.mail(talk, f"derm@{DOMAIN}", talk.title)
            await self._race(talk)
            quiet_after = asyncio.get_running_loop().time() + self.chance.uniform(*TALK_S)
            while not self.ending.is_set() and asyncio.get_running_loop().time() < quiet_after:
                await self._exchange(talk)
                await self._heard(talk)
                await asyncio.sleep(self.chance.uniform(0.5, 4))
        except (Told, Refused) as error:
            talk.trouble = str(error)

    async def _race(self, talk: Talk) -> None:
        people = self.chance.sample(self.clinic.members("derm"), 2)
        waiting = await until(lambda: people[0].join(f"#colloque_w_derm:{DOMAIN}"), "waiting room")
        card = await until(lambda: _card(people[0], waiting, talk.title), "card")
        alias = body(card).partition("matrix.to/#/")[2].partition("?")[0].partition("/")[0]
        for person in people:
            talk.room_id = await until(lambda person=person: person.join(alias), "way in")  # type: ignore[misc]
        said = await asyncio.gather(*(self.say(person, talk.room_id) for person in people))
        owner = await until(lambda: self._sole(talk, people), "one owner")
        talk.owner = owner.user_id
        for person, one in zip(people, said, strict=True):
            if one is not None and person is owner:
                talk.to_patient.append(one)
            elif one is not None:
                talk.never.append(one[0])

    async def _sole(self, talk: Talk, people: list[Person]) -> Person | None:
        inside = []
        for person in people:
            joined = (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]
            if talk.room_id in joined:
                inside.append(person)
        return inside[0] if len(inside) == 1 else None

    async def _exchange(self, talk: Talk) -> None:
        owner = self.clinic.people[talk.owner]
        for _ in range(self.chance.randint(1, 3)):
            said = await self.say(owner, talk.room_id)
            if said is None:
                raise Told("the owner may not speak")
            talk.to_patient.append(said)

        async def mine() -> str | None:
            return next((m.answer_to for m in self.mails.taken if m.recipient == talk.address), None)

        reply_to = await until(mine, "mail to answer")
        for _ in range(self.chance.randint(1, 2)):
            await self.mail(talk, reply_to, f"Re: {talk.title}")

    async def _heard(self, talk: Talk) -> None:
        """Let what was said arrive: what a slow machine can't do must not pile up without end."""
        loop = asyncio.get_running_loop()
        end = loop.time() + HEARD_WITHIN_S
        while not self.ending.is_set() and loop.time() < end:
            with contextlib.suppress(Refused, *AWAY):
                if self._few_on_their_way(talk) and await self._in_the_room(talk):
                    return
            await asyncio.sleep(LOOK_S)

    def _few_on_their_way(self, talk: Talk) -> bool:
        heard = " ".join(mail.text for mail in self.mails.taken if mail.recipient == talk.address)
        return sum(mark not in heard for mark, _ in talk.to_patient[-LATEST:]) <= UNHEARD

    async def _in_the_room(self, talk: Talk) -> bool:
        events = await self.clinic.people[talk.owner].messages(talk.room_id)
        return any(talk.to_room[-1] in body(event) for event in events)


async def _card(person: Person, waiting: str, title: str) -> dict[str, object] | None:
    events = await person.messages(waiting, limit=500)
    return next((e for e in events if is_card(e, title)), None)
