"""Each practitioner's direct room with the bot: where words come back and help is given."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from bridge.domain import effects as fx
from bridge.domain.plan import bot_chat_alias
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import Handlers, Outlet, marked
from bridge.ports import Json, Outcome, Task


def bot_chat(*, alias: str, name: str, user_id: str, bot: str, room_version: str) -> Json:
    """The createRoom body of a bot chat: a direct room in which both may write."""
    levels = {
        "users": {} if rooms.creator_is_supreme(room_version) else {bot: 100},
        "users_default": 0,
        "events_default": 0,
        "state_default": 100,
        "invite": 100,
    }
    return {
        "room_alias_name": alias,
        "name": name,
        "preset": "private_chat",
        "visibility": "private",
        "room_version": room_version,
        "is_direct": True,
        "invite": [user_id],
        "power_level_content_override": levels,
        "initial_state": [rooms.state("m.room.guest_access", {"guest_access": "forbidden"})],
    }


@dataclass(frozen=True, slots=True)
class BotChat:
    """Posts into bot chats, opening them when needed."""

    outlet: Outlet

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {fx.HandBack: self.hand_back, fx.TellAll: self.tell_all}

    async def tell_all(self, task: Task, effect: fx.TellAll) -> Outcome:
        """Answer someone, a line a phrase."""
        room_id, made = await self.room(effect.user_id, effect.language)
        content = rooms.words(*marked(effect.language, effect.phrases), notice=effect.notice)
        event_id = await self.outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome(result={"event_id": event_id}, rooms=made)

    async def tell(
        self, key: str, user_id: str, language: str, body: str, html: str = "", *, doubtful: bool
    ) -> None:
        """Say something that another effect brought."""
        room_id = await self.open(user_id, language)
        await self.outlet.send(room_id, rooms.words(body, html), key=key, doubtful=doubtful)

    async def open(self, user_id: str, language: str) -> str:
        """The room ID of someone's bot chat, which is made when there is none."""
        room_id, made = await self.room(user_id, language)
        for known, room in made.items():
            await self.outlet.names.remember(known, room)
        return room_id

    async def hand_back(self, task: Task, effect: fx.HandBack) -> Outcome:
        """Tell someone why their words did not go out, and give them back, file included."""
        room_id, made = await self.room(effect.user_id, effect.language)
        why = text(effect.language, f"bot.{effect.message}", **effect.values)
        line = effect.line
        body, html = why, escape(why).replace("\n", "<br>")
        if line is not None and line.text:
            body += "\n\n" + "\n".join(f"> {part}" for part in line.text.split("\n"))
            quoted = escape(line.text).replace("\n", "<br>")
            html += f"<blockquote>{quoted}</blockquote>"
        event_id = await self.outlet.send(
            room_id, rooms.words(body, html), key=task.key, doubtful=task.started
        )
        result: Json = {"event_id": event_id}
        if line is not None and line.attachment is not None:
            content = rooms.file(line.attachment, line.attachment.mxc)
            key = f"{task.key}:file"
            result["file"] = await self.outlet.send(room_id, content, key=key, doubtful=task.started)
        return Outcome(result=result, rooms=made)

    async def room(self, user_id: str, language: str) -> tuple[str, dict[str, str]]:
        """Someone's bot chat, and under its key if it had to be made."""
        key = f"bot:{user_id}"
        known = await self.outlet.names.room_id(key)
        if known is not None:
            return known, {}
        place = self.outlet.place
        content = bot_chat(
            alias=bot_chat_alias(place.namespace, user_id),
            name=text(language, "names.bot_chat"),
            user_id=user_id,
            bot=place.bot,
            room_version=place.room_version,
        )
        made = await self.outlet.homeserver.create_room(content)
        return made, {key: made}
