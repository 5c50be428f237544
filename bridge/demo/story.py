"""The main job, played with real HTTP and SMTP, each step told and each claim checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image

from bridge.demo.acts import play
from bridge.demo.acts.scene import Scene
from bridge.demo.mailbox import Attached, Mail
from bridge.demo.person import Person
from bridge.demo.photos import drawing_png, skin_heic, skin_jpeg
from bridge.demo.probe import Secret, probe
from bridge.demo.stack import Stack
from bridge.matrix.rooms import COPY_OF
from bridge.ports import Json

OWNER_LEVEL = 50
SUBJECT = "Grain de beauté qui change"
PATIENT_WORDS = "Bonjour, ce grain de beauté a changé de couleur depuis trois semaines. Est-ce grave ?"
PATIENT_REPLY = "Merci docteur. Il démange un peu le soir. Voici une autre photo."
MARKS = ("MARQUE-APRES-1", "MARQUE-APRES-2", "MARQUE-EDITEE", "MARQUE-EN-FIL")


class Story:
    """One playing of the story on a running stack. ``figures`` is the report."""

    def __init__(self, stack: Stack, tell: Callable[[str], None]) -> None:
        self.stack = stack
        self.held = 0
        self.broken: list[str] = []
        self.figures: dict[str, Any] = {}
        self._tell = tell
        self._group = stack.hospital.organisation.groups[0]
        self._patient = stack.hospital.patients[0]
        self._people: dict[str, Person] = {}
        self._room = ""
        self._alias = ""
        self._question_event = ""
        self._replies: dict[str, str] = {}
        self._owner = ""

    def claim(self, holds: bool, words: str) -> None:
        """Check one claim and tell it."""
        if holds:
            self.held += 1
            self._tell(f"  [green]✓[/green] {words}")
        else:
            self.broken.append(words)
            self._tell(f"  [red]✗ {words}[/red]")

    async def play(self) -> None:
        """Play every act, in order."""
        await self._log_in()
        await self._ask()
        await self._read()
        await self._race()
        await self._sealed_and_handed_back()
        await self._talk()
        await self._nobody_else()
        await self._live_on()

    # --- acts ---

    async def _log_in(self) -> None:
        self._tell("\n[bold]1. The practitioners log in[/bold] and accept the invitations to their rooms.")
        practitioners = self.stack.hospital.organisation.practitioners
        for practitioner in practitioners:
            self._people[practitioner.user_id] = await self.stack.log_in(practitioner.user_id)
        self.claim(len(self._people) == len(practitioners), f"{len(practitioners)} practitioners are in")

    async def _ask(self) -> None:
        self._tell(f"\n[bold]2. {self._patient.name} writes[/bold] to {self._group.address}, with a photo.")
        photo = Attached("IMG_0412.jpg", "image/jpeg", skin_jpeg())
        started = time.monotonic()
        await self.stack.mailbox.write(
            to=self._group.address,
            subject=SUBJECT,
            text=PATIENT_WORDS,
            from_address=self._patient.address,
            from_name=self._patient.name,
            photos=[photo],
        )
        card = await self._card()
        self.figures["seconds_mail_to_room"] = round(time.monotonic() - started, 3)
        self.claim(
            "🙋" in card["content"]["body"], f"a card stands in the waiting room of {self._group.name}"
        )
        mail = await self.stack.mailbox.wait_for(self._patient.address)
        automatic = mail.header("Auto-Submitted")
        self.claim(automatic == "auto-replied" and "15" in mail.text, "one acknowledgement, with 15 and 112")

    async def _card(self) -> Json:
        someone = self._people[self._group.members[0]]
        waiting = await someone.join(f"#colloque_w_{self._group.key}:{self.stack.hospital.domain}")
        return await someone.wait_for(waiting, _is_card)

    async def _read(self) -> None:
        self._tell(f"\n[bold]3. The members of {self._group.name} open the question[/bold] from its card.")
        card = await self._card()
        self._alias = _alias(card)
        for member in self._group.members:
            self._room = await self._people[member].join(self._alias)
        reader = self._people[self._group.members[0]]
        words = await reader.wait_for(self._room, lambda e: e.get("content", {}).get("body") == PATIENT_WORDS)
        self._question_event = words["event_id"]
        picture = await reader.wait_for(
            self._room, lambda e: e.get("content", {}).get("msgtype") == "m.image"
        )
        content = await reader.download(picture["content"]["url"])
        self.figures["photo_received"] = _is_clean_photo(content)
        self.claim(self.figures["photo_received"], "text and photo are there; where it was taken is not")

    async def _race(self) -> None:
        members = [self._people[member] for member in self._group.members]
        self._tell(f"\n[bold]4. {len(members)} of them answer at the same moment.[/bold]")
        started = time.monotonic()
        answers = [f"Bonjour, ici {person.name}. Est-ce que cela démange ?" for person in members]
        sent = await asyncio.gather(
            *(person.say(self._room, words) for person, words in zip(members, answers, strict=True)),
            return_exceptions=True,
        )
        accepted = [event for event in sent if isinstance(event, str)]
        for person, event in zip(members, sent, strict=True):
            if isinstance(event, str):
                self._replies[person.user_id] = event
        self.figures["contenders"] = len(accepted)
        self._owner = await self._wait_for_owner(members)
        self.figures["seconds_claim_to_seal"] = round(time.monotonic() - started, 3)
        levels = await self._levels(self._people[self._owner])
        speakers = [user for user, level in levels["users"].items() if level == OWNER_LEVEL]
        owners = [user for user in speakers if user in self._people]
        self.figures["owners"] = len(owners)
        self.claim(owners == [self._owner], f"exactly one has it: {self._people[self._owner].name}")

    async def _wait_for_owner(self, members: list[Person]) -> str:
        """The one who still is in the room when nobody else is."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            inside = [person.user_id for person in members if await self._is_inside(person)]
            if len(inside) == 1:
                return inside[0]
            await asyncio.sleep(0.02)
        raise TimeoutError("the room was not sealed within a minute")

    async def _is_inside(self, person: Person) -> bool:
        return self._room in (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]

    async def _levels(self, person: Person) -> Json:
        return await person.call("GET", f"/v3/rooms/{self._room}/state/m.room.power_levels/")

    async def _sealed_and_handed_back(self) -> None:
        self._tell("\n[bold]5. Those who came second[/bold] get their words back, and learn who was first.")
        owner = self._people[self._owner]
        taken = await owner.wait_for(self._room, _is_notice)
        self.claim(owner.name in taken["content"]["body"], "the owner is told that the room is theirs")
        for user_id in self._replies:
            if user_id != self._owner:
                await self._handed_back(self._people[user_id])
        waiting = f"#colloque_w_{self._group.key}:{self.stack.hospital.domain}"
        room_id = await owner.join(waiting)
        gone = await _eventually(lambda: self._no_card(owner, room_id))
        self.claim(gone, "the card is gone from the waiting room")

    async def _no_card(self, person: Person, room_id: str) -> bool:
        return not any(_is_card(event) for event in await person.messages(room_id))

    async def _handed_back(self, loser: Person) -> None:
        owner_name = self._people[self._owner].name
        back = await _eventually(lambda: self._has_text_back(loser, owner_name))
        self.claim(back, f"{loser.name} has the text back")

    async def _has_text_back(self, loser: Person, owner_name: str) -> bool:
        for room in (await loser.call("GET", "/v3/joined_rooms"))["joined_rooms"]:
            for event in await loser.messages(room):
                body = str(event.get("content", {}).get("body", ""))
                if event["sender"].startswith("@colloque:") and loser.name in body and owner_name in body:
                    return True
        return False

    async def _talk(self) -> None:
        self._tell("\n[bold]6. Patient and owner talk[/bold], one by e-mail, the other in Matrix.")
        owner, mailbox = self._people[self._owner], self.stack.mailbox
        first = await mailbox.wait_for(self._patient.address, matching=lambda m: owner.name in m.from_name)
        self.claim("démange" in first.text, f"the first answer came as a mail from « {first.from_name} »")
        started = time.monotonic()
        await owner.say(self._room, "Envoyez une photo **de près**.", "Envoyez une photo <b>de près</b>.")
        formatted = await mailbox.wait_for(self._patient.address, matching=lambda m: "de près" in m.text)
        self.figures["seconds_reply_to_mail"] = round(time.monotonic() - started, 3)
        self.claim("<b>de près</b>" in formatted.html, "formatting arrives")
        self.claim(first.message_id in formatted.references, "it is in the thread of the first mail")
        await owner.show(self._room, drawing_png(), "schéma.png", "image/png")
        shown = await mailbox.wait_for(self._patient.address, matching=lambda m: bool(m.attachments))
        sent = shown.attachments[0]
        self.figures["photo_sent"] = sent.mimetype == "image/png" and len(sent.content) > 100
        self.claim(self.figures["photo_sent"], "the owner's drawing arrives as a picture")
        await self._patient_answers(owner, formatted)
        self._count_mails(owner)

    async def _patient_answers(self, owner: Person, mail: Mail) -> None:
        heic = Attached("IMG_0413.HEIC", "image/heic", skin_heic())
        await self.stack.mailbox.write(
            to=mail.answer_address,
            subject=mail.subject,
            text=PATIENT_REPLY,
            from_address=self._patient.address,
            from_name=self._patient.name,
            photos=[heic],
            in_reply_to=mail,
        )
        answer = await owner.wait_for(self._room, lambda e: "démange un peu" in _body(e))
        self.claim(
            _body(answer) == PATIENT_REPLY, "the patient's reply is in the room, without the quoted mail"
        )
        picture = await owner.wait_for(self._room, lambda e: _body(e) == "IMG_0413.jpg")
        content = await owner.download(picture["content"]["url"])
        self.claim(_is_clean_photo(content), "an iPhone's HEIC photo arrives as a clean JPEG")

    def _count_mails(self, owner: Person) -> None:
        mails = self.stack.mailbox.mails_to(self._patient.address)
        others = [p.name for p in self._people.values() if p is not owner]
        losers = [mail for mail in mails if any(name in mail.text for name in others)]
        self.figures["mails_to_patient"] = len(mails)
        self.figures["loser_mails"] = len(losers)
        self.claim(not losers, f"{len(mails)} mails went to the patient, none of anyone who came second")

    async def _nobody_else(self) -> None:
        self._tell("\n[bold]7. Nobody else reads on[/bold]: every way that Matrix offers is tried.")
        owner = self._people[self._owner]
        claimed = self._replies[self._owner]
        await owner.say(self._room, MARKS[0])
        await owner.say(self._room, MARKS[1])
        await self._try_to_leak(owner, claimed)
        space = await owner.join(f"#colloque_g_{self._group.key}:{self.stack.hospital.domain}")
        events = (self._question_event, *self._replies.values())
        secret = Secret(self._room, space, (*MARKS, PATIENT_REPLY), events)
        others = [person for person in self._people.values() if person is not owner]
        findings = [await probe(person, secret) for person in others]
        leaks = [leak for finding in findings for leak in finding.leaks]
        tried = sum(finding.tried for finding in findings)
        self.figures["reads_after_seal"] = len(leaks)
        self.figures["reads_tried"] = tried
        found = f"{len(leaks)} later words: {leaks[:3]}" if leaks else "not one later word"
        self.claim(not leaks, f"{tried} tries by {len(others)} colleagues found {found}")

    async def _try_to_leak(self, owner: Person, claimed: str) -> None:
        """An edit and thread replies on what others once saw: the homeserver would show them those."""
        edits = await owner.edit(self._room, claimed, MARKS[2])
        threads = []
        for root in (claimed, self._question_event):
            try:
                threads.append(await owner.thread(self._room, root, MARKS[3]))
            except Exception as refused:
                self._tell(f"  [dim]the homeserver refuses a thread there: {refused}[/dim]")
        for what, event_id in [("an edit of", edits), *(("a thread on", thread) for thread in threads)]:
            settled = await _eventually(lambda event_id=event_id: self._is_covered(owner, event_id))  # type: ignore[misc]
            self.claim(settled, f"{what} what others saw is taken back")

    async def _live_on(self) -> None:
        self._tell("\n[bold]8. The question lives on[/bold], and another one waits for somebody.")
        owner = self._people[self._owner]
        scene = Scene(
            self.stack,
            self._people,
            self.claim,
            self._group,
            self._patient,
            SUBJECT,
            self._alias,
            self._room,
            owner,
        )
        self.figures["actions"] = scene.done
        await play(scene)

    async def _is_covered(self, owner: Person, event_id: str) -> bool:
        event = await owner.call("GET", f"/v3/rooms/{self._room}/event/{event_id}")
        return not event.get("content")


def _body(event: Json) -> str:
    return str(event.get("content", {}).get("body", ""))


def _alias(card: Json) -> str:
    """The room that a card leads to."""
    return _body(card).partition("matrix.to/#/")[2].partition("/")[0]


def _is_card(event: Json) -> bool:
    return event.get("content", {}).get("msgtype") == "m.text" and "matrix.to/#/" in _body(event)


def _is_clean_photo(content: bytes) -> bool:
    with Image.open(BytesIO(content)) as picture:
        return picture.format == "JPEG" and not picture.getexif() and picture.width > 100


def _is_notice(event: Json) -> bool:
    """A line of the service, and not somebody's words that it put back."""
    content = event.get("content", {})
    return content.get("msgtype") == "m.notice" and COPY_OF not in content


async def _eventually(holds: Callable[[], Any], within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if await holds():
            return True
        await asyncio.sleep(0.05)
    return False
