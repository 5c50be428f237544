"""Reads Matrix events from the inbox: which question they are about and what they mean to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from bridge.domain import leaving
from bridge.domain.administration import YES
from bridge.domain.commands import Command, parse
from bridge.domain.commands import Place as Spoken
from bridge.domain.content import Line
from bridge.domain.events import (
    Author,
    BotAsked,
    BotInvited,
    CameIn,
    HandRaised,
    PatientWrote,
    Reacted,
    RequesterUnheard,
    Standing,
    WentOut,
)
from bridge.domain.expertise import consent_key
from bridge.domain.opinions import Stage
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.matrix import own
from bridge.matrix.guests import Guests
from bridge.matrix.outlet import Place
from bridge.matrix.parse import (
    CONTENT_TYPES,
    came_in,
    in_room_of,
    reaction_target,
    read_event,
    read_line,
    reply_target,
    thread_of,
    went_by_hand,
)
from bridge.ports import Json, Names, NotYet, RawInput, Reading

NOTHING = Reading()
Heard = Callable[[str], Awaitable[Json | None]]
"""An event that somebody sent into one of our rooms, by its ID, as long as it is kept."""
MadeByUs = Callable[[str], Awaitable[bool]]
"""Whether we made a room, by its ID."""


@dataclass(frozen=True, slots=True)
class MatrixReader:
    """Turns stored Matrix events into what they mean."""

    names: Names
    organisation: Organisation
    place: Place
    own_rooms: own.OwnRooms = field(default_factory=own.OwnRooms)
    guests: Guests | None = None
    heard: Heard | None = None
    made_by_us: MadeByUs | None = None

    async def __call__(self, item: RawInput) -> Reading:
        """Read one event. Raises :class:`NotYet` for one about a room, card or offer still being recorded."""
        event: Json = json.loads(item.payload)
        sender = event.get("sender")
        if not isinstance(sender, str) or self.place.is_ours(sender):
            return NOTHING
        key, question = await self.names.in_room(str(event.get("room_id")))
        kind, _, rest = (key or "").partition(":")
        match kind:
            case "question" | "former":
                return await self._in_question(event, sender, rest, question) if question else NOTHING
            case kind if kind in leaving.ROOMS and went_by_hand(event):
                return self._went_out(event, sender, kind)
            case "waiting":
                return await self._in_waiting_room(event, sender)
            case "bot" if event.get("type") == "m.reaction":
                return await self._marked_in_bot_chat(event, sender)
            case "bot" if came_in(event):
                author = self._known(sender, Standing.PRACTITIONER)
                known = author.standing is Standing.PRACTITIONER
                return Reading(events=(CameIn(author),)) if known else NOTHING
            case "bot":
                return await self._in_bot_chat(event, sender, rest)
            case "asked":
                return await self._in_asked_room(event, sender, rest)
            case kind if kind in own.KINDS:
                self.own_rooms.learn(str(event.get("room_id")))
                return Reading(forget=event.get("type") != "m.room.member")
            case "" if self._is_invitation(event):
                author = self._known(sender, Standing.PRACTITIONER)
                room_id = str(event.get("room_id"))
                return Reading(
                    events=(BotInvited(author, event["event_id"], room_id, self._is_guest(author)),)
                )
            case "" if await self._is_being_made(event):
                raise NotYet
            case _:
                return NOTHING

    async def _is_being_made(self, event: Json) -> bool:
        """Whether this was said in a room of ours that isn't recorded: the invited may be quicker."""
        said = event.get("type") in CONTENT_TYPES or event.get("type") == "m.reaction"
        return said and self.made_by_us is not None and await self.made_by_us(str(event.get("room_id")))

    def _is_invitation(self, event: Json) -> bool:
        content = event.get("content")
        invited = isinstance(content, dict) and content.get("membership") == "invite"
        return invited and event.get("type") == "m.room.member" and event.get("state_key") == self.place.bot

    def _went_out(self, event: Json, sender: str, kind: str) -> Reading:
        author = self._known(sender, Standing.PRACTITIONER)
        known = author.standing is Standing.PRACTITIONER
        return Reading(events=(WentOut(author, event["event_id"], kind),)) if known else NOTHING

    async def _in_question(self, event: Json, sender: str, named: str, question: Question) -> Reading:
        _, _, left = named.partition(":")
        room_id = str(event.get("room_id"))
        generation = int(left) if left else await self._generation(question, room_id)
        happened = read_event(event, self._author(sender, question))
        if happened is None:
            return NOTHING
        return Reading(question.id, (in_room_of(happened, generation, room_id),))

    async def _generation(self, question: Question, room_id: str) -> int:
        """Which of the question's rooms this is: while it moves, people still speak in the last one."""
        if question.generation == 1:
            return 1
        created = await self.names.result(f"{question.stem}:create")
        here = created is not None and created.get("room_id") == room_id
        return question.generation if here else question.generation - 1

    async def _in_waiting_room(self, event: Json, sender: str) -> Reading:
        if event.get("type") != "m.reaction" or not (target := reaction_target(event)):
            return NOTHING
        question_id = await self.names.anchored(target)
        if question_id is None:
            raise NotYet
        question = await self.names.question(question_id)
        happened = read_event(event, self._author(sender, question)) if question else None
        return Reading(question_id, (happened,)) if isinstance(happened, HandRaised) else NOTHING

    async def _marked_in_bot_chat(self, event: Json, sender: str) -> Reading:
        """A mark on what the bot said about a question."""
        offering = await self.names.offering(sender)
        question_id = await self.names.anchored(reaction_target(event))
        happened = read_event(event, self._known(sender, Standing.PRACTITIONER))
        if question_id is None and offering:
            raise NotYet  # people see an offer before it is known which event it became
        if not isinstance(happened, Reacted):
            return NOTHING
        if question_id is None:
            return self._agreed(event, happened)
        return Reading(question_id, (replace(happened, chat=True),))

    def _agreed(self, event: Json, mark: Reacted) -> Reading:
        """An administrator's yes to what the bot proposed."""
        if mark.symbol != YES or mark.author.user_id not in self.organisation.admins:
            return NOTHING
        agreed = BotAsked(
            mark.author, event["event_id"], None, Command("yes"), reaction_target(event), admin=True
        )
        return Reading(events=(agreed,))

    def _is_guest(self, author: Author) -> bool:
        outside = author.standing is Standing.STRANGER and self.guests is not None
        return outside and self.guests is not None and self.guests.welcome(author.user_id)

    async def _in_asked_room(self, event: Json, sender: str, question_id: str) -> Reading:
        """What a requester says in their room is what a patient says by mail; an edit is said once more."""
        question = await self.names.question(question_id)
        content = event.get("content")
        if question is None or sender != question.requester or event.get("type") not in CONTENT_TYPES:
            return NOTHING
        content = content if isinstance(content, dict) else {}
        if content.get("msgtype") == "m.notice":
            return NOTHING
        edited = _relation(content) == "m.replace"
        if edited:
            new = content.get("m.new_content")
            content = new if isinstance(new, dict) else content
        line, unreadable = read_line(event, content, question.name)
        if line is None:
            return Reading(question_id, (RequesterUnheard(event["event_id"], unreadable),))
        words = f"✏️ {line.text}" if edited else line.text
        files = (line.attachment,) if line.attachment is not None else ()
        answers = await self._answered(question, event["event_id"], content)
        at = float(event.get("origin_server_ts", 0)) / 1000
        wrote = PatientWrote(event["event_id"], words, files, "", answers=answers, edited=edited, at=at)
        return Reading(question_id, (wrote,))

    async def _answered(self, question: Question, event_id: str, content: Json) -> str:
        """What their words answer: the key of the line that asks for consent, another line, or not known.

        While that line isn't there yet, they answer something else, whatever they say.
        """
        target = reply_target(content)
        for opinion in question.opinions:
            if opinion.stage not in (Stage.ASKED, Stage.OPEN):
                continue
            said = await self.names.result(key := consent_key(question, opinion))
            if said is None and opinion.stage is Stage.ASKED:
                return f"before:{event_id}"
            if target and said and said.get("event_id") in (target, thread_of(content)):
                return key
        return f"event:{target}" if target else ""

    async def _in_bot_chat(self, event: Json, sender: str, owner: str) -> Reading:
        if event.get("type") not in CONTENT_TYPES or sender != owner:
            return NOTHING
        content = event.get("content")
        content = content if isinstance(content, dict) else {}
        if content.get("msgtype") == "m.notice" or _relation(content) == "m.replace":
            return NOTHING  # a program's line, or the edit of something that is done already
        author = self._known(sender, Standing.PRACTITIONER)
        line, unreadable = read_line(event, content, author.name)
        command = parse(line.text, Spoken.BOT_CHAT) if line and line.attachment is None else None
        admin = sender in self.organisation.admins
        if isinstance(command, Command) and command.name == "yes" and (command.argument or not admin):
            command = None  # a yes in a sentence, or to nobody
        asked = BotAsked(
            author,
            event["event_id"],
            line,
            command,
            reply_target(content),
            admin,
            unreadable,
            room_id=str(event.get("room_id")),
        )
        if isinstance(command, Command) and command.name == "ask":
            asked = replace(asked, quoted=await self._quoted(asked))
        return Reading(events=(await self._may_ask(asked),))

    async def _quoted(self, asked: BotAsked) -> Line | None:
        """What they say in the message that this one answers: their own, in this chat, and nobody else's."""
        event = await self.heard(asked.reply_to) if self.heard and asked.reply_to else None
        if event is None or (event.get("room_id"), event.get("sender")) != (
            asked.room_id,
            asked.author.user_id,
        ):
            return None
        content = event.get("content")
        return read_line(event, content if isinstance(content, dict) else {}, asked.author.name)[0]

    async def _may_ask(self, asked: BotAsked) -> BotAsked:
        """The same with what is needed to begin a question, if they may."""
        if self.guests is None:
            return asked
        fresh, author = self.guests.fresh(), asked.author
        if not self._is_guest(author):
            return replace(asked, fresh=fresh)
        name = await self.guests.called(asked.room_id, author.user_id)
        return replace(asked, author=replace(author, name=name), fresh=fresh, guest=True)

    def _author(self, sender: str, question: Question) -> Author:
        """Who this is for the groups that may take it; the YAML says so, not the room's membership."""
        groups = (self.organisation.group(key) for key in question.groups)
        if any(group is not None and sender in group.members for group in groups):
            return self._known(sender, Standing.MEMBER)
        if self.organisation.practitioner(sender) is not None:
            return self._known(sender, Standing.PRACTITIONER)
        return Author(sender, sender, Standing.STRANGER, self.organisation.language)

    def _known(self, sender: str, standing: Standing) -> Author:
        practitioner = self.organisation.practitioner(sender)
        if practitioner is None:
            return Author(sender, sender, Standing.STRANGER, self.organisation.language)
        return Author(sender, practitioner.name, standing, practitioner.language)


def _relation(content: Json) -> str:
    relation = content.get("m.relates_to")
    return str(relation.get("rel_type", "")) if isinstance(relation, dict) else ""
