"""The requester's own room: what they asked, what the owner answers, what the bot has to say.

Whoever answers speaks there by a ghost with their name; nobody of the group is ever in it, and nothing of the
question's room but the owner's words comes here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from bridge.domain.content import Line
from bridge.domain.drafting import OpenAsked, Relay, TellRequester, asked_key
from bridge.domain.events import AnswerHandedOver
from bridge.domain.house import hidden
from bridge.domain.organisation import Organisation
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.house import GONE
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Outcome, Permanent, Task


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised to requesters: ``emergency`` is by language."""

    emergency: Mapping[str, str]
    reply_within_h: int


def asked_alias(question_id: str) -> str:
    """The alias of a requester's room, without what all of ours begin with."""
    return f"a_{question_id}"


def asked_room(*, alias: str, name: str, requester: str, bot: str, room_version: str) -> Json:
    """The createRoom body: the requester writes, and nobody else is ever asked in by them."""
    levels: Json = {
        "users": {} if rooms.creator_is_supreme(room_version) else {bot: 100},
        "users_default": 0,
        "events_default": 0,
        "state_default": 100,
        "invite": 100,
        "kick": 100,
        "ban": 100,
        "redact": 100,
        "events": {"m.room.redaction": 0, "m.room.power_levels": 100},
    }
    return {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "invite": [requester],
        "power_level_content_override": levels,
        "initial_state": [
            rooms.state("m.room.history_visibility", {"history_visibility": "shared"}),
            rooms.state("m.room.guest_access", {"guest_access": "forbidden"}),
            rooms.QUIET_TIMELINE,
        ],
    }


@dataclass(frozen=True, slots=True)
class AskedRooms:
    """Performs what happens in requesters' rooms."""

    outlet: Outlet
    organisation: Organisation
    promise: Promise

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {OpenAsked: self.open, Relay: self.relay, TellRequester: self.tell}

    async def open(self, task: Task, effect: OpenAsked) -> Outcome:
        """Make the room, and say what has come where, what was asked, and what it isn't for."""
        place = self.outlet.place
        content = asked_room(
            alias=place.alias(asked_alias(effect.question_id)),
            name=f"{effect.title} · {effect.reference}",
            requester=effect.user_id,
            bot=place.bot,
            room_version=place.room_version,
        )
        room_id = await self.outlet.homeserver.create_room(content)
        body, html = self._opening(effect)
        await self._say(room_id, rooms.words(body, html), task.key, task)
        for number, file in enumerate(effect.files):
            await self._say(room_id, rooms.file(file, file.mxc), f"{task.key}:file:{number}", task)
        return Outcome(rooms={asked_key(effect.question_id): room_id})

    def _opening(self, effect: OpenAsked) -> tuple[str, str]:
        language = effect.language
        group = self.organisation.group(effect.group)
        name = group.called(language) if group else effect.group
        said = text(language, "asked.opened", title=effect.title, group=name, reference=effect.reference)
        if effect.unattended:
            promise = text(language, "mail.unattended")
        else:
            promise = text(language, "mail.reply_within", hours=str(self.promise.reply_within_h))
        after = [promise, text(language, "asked.how_to_answer"), self.promise.emergency.get(language, "")]
        quoted = "\n".join(f"> {line}" for line in effect.text.split("\n")) if effect.text else ""
        body = "\n\n".join(part for part in (said, quoted, *after) if part)
        words = escape(effect.text).replace("\n", "<br>")
        quote = f"<blockquote>{words}</blockquote>" if words else ""
        html = f"<p>{escape(said)}</p>{quote}" + "".join(f"<p>{escape(part)}</p>" for part in after if part)
        return body, html

    async def relay(self, task: Task, effect: Relay) -> Outcome:
        """The owner's words, in the owner's name. The outcome is what a mail server's word is for a mail."""
        room_id = await self.outlet.room(asked_key(effect.question_id))
        await self._asked_in(room_id, effect.requester)
        ghost = await self._ghost(room_id, effect)
        if effect.correction:
            said = rooms.words(text(effect.language, "mail.correction"), notice=True)
            await self._say(room_id, said, f"{task.key}:correction", task)
        for number, line in enumerate(effect.lines):
            for part, content in enumerate(_contents(line)):
                await self._say(room_id, content, f"{task.key}:{number}:{part}", task, as_user=ghost)
        events = tuple(line.event_id for line in effect.lines)
        return Outcome(question_id=effect.question_id, events=(AnswerHandedOver(effect.number, events),))

    async def tell(self, task: Task, effect: TellRequester) -> Outcome:
        """What a neutral mail would say; it counts, as a mail would."""
        room_id = await self.outlet.room(asked_key(effect.question_id))
        said = text(effect.language, f"asked.{effect.message}", **effect.values)
        event_id = await self._say(room_id, rooms.words(said), task.key, task)
        return Outcome(result={"event_id": event_id})

    async def _say(
        self, room_id: str, content: Json, key: str, task: Task, *, as_user: str | None = None
    ) -> str:
        return await self.outlet.send(room_id, content, key=key, doubtful=task.started, as_user=as_user)

    async def _asked_in(self, room_id: str, user_id: str) -> None:
        """Who left by hand is asked in again when there is an answer."""
        member = await self.outlet.homeserver.state_event(room_id, "m.room.member", user_id)
        if str((member or {}).get("membership", "")) in GONE:
            await self.outlet.homeserver.invite(room_id, user_id)

    async def _ghost(self, room_id: str, effect: Relay) -> str:
        """Who speaks for the owner: a ghost of its own for each room and owner; earlier ones leave."""
        place, homeserver = self.outlet.place, self.outlet.homeserver
        localpart = f"{place.namespace}o_{hidden(effect.question_id, effect.owner)}"
        ghost = place.ghost(localpart)
        known = await homeserver.state_event(room_id, "m.room.member", ghost) or {}
        wanted = {"membership": "join", "displayname": effect.owner_name}
        if {name: known.get(name) for name in wanted} == wanted:
            return ghost
        await homeserver.register(localpart)
        for member in await homeserver.members(room_id):
            before = place.is_ours(member.user_id) and member.user_id not in (ghost, place.bot)
            if before and member.membership == "join":
                with contextlib.suppress(Permanent):
                    await homeserver.leave(room_id, as_user=member.user_id)
        await homeserver.invite(room_id, ghost)
        await homeserver.put_state(room_id, "m.room.member", ghost, wanted, as_user=ghost)
        return ghost


def _contents(line: Line) -> list[Json]:
    """A line as messages: what the owner wrote, and nothing of what it hung on."""
    if line.attachment is not None:
        file = rooms.file(line.attachment, line.attachment.mxc)
        return [file, *([rooms.words(line.text)] if line.text.strip() else [])]
    parts = rooms.chunks(line.text)
    return [rooms.words(part, line.html if len(parts) == 1 else "") for part in parts]
