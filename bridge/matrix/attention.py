"""What the bot says of its own accord in bot chats: offers and reminders; and what people say of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bridge.domain import effects as fx
from bridge.domain.commands import Command
from bridge.domain.events import Author, Instructed, Standing
from bridge.domain.house import Depart
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.botchat import BotChat
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Availability, Outcome, Permanent, Task


@dataclass(frozen=True, slots=True)
class Attention:
    """Performs offers, reminders, and commands that come by way of a bot chat."""

    outlet: Outlet
    availability: Availability

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.Offer: self.offer,
            fx.Remind: self.remind,
            fx.PassOn: self.pass_on,
            fx.KeepAbsence: self.keep_absence,
            fx.KeepMute: self.keep_mute,
            Depart: self.depart,
        }

    async def offer(self, task: Task, effect: fx.Offer) -> Outcome:
        """Ask a colleague, with the two marks that answer."""
        room_id, made = await BotChat(self.outlet).room(effect.user_id, effect.language)
        content = rooms.words(text(effect.language, "bot.offer", **effect.values))
        event_id = await self.outlet.send(room_id, content, key=task.key, doubtful=task.started)
        for mark in ("✅", "❌"):
            relation = {"rel_type": "m.annotation", "event_id": event_id, "key": mark}
            try:
                await self.outlet.send(
                    room_id,
                    {"m.relates_to": relation},
                    key=f"{task.key}:{mark}",
                    doubtful=task.started,
                    event_type="m.reaction",
                )
            except Permanent as error:
                if error.code != "M_DUPLICATE_ANNOTATION":
                    raise
        return Outcome(result={"event_id": event_id}, rooms=made, anchors={event_id: effect.question_id})

    async def remind(self, task: Task, effect: fx.Remind) -> Outcome:
        """Say it, unless they don't want to hear it now."""
        scopes = ("all", f"group:{effect.group}", f"question:{effect.question_id}")
        if not effect.urgent and await self.availability.is_quiet(effect.user_id, scopes):
            return Outcome(result={"quiet": True})
        link = await self._link(effect.question_id)
        words = text(effect.language, f"bot.{effect.message}", **{**effect.values, "link": link})
        room_id, made = await BotChat(self.outlet).room(effect.user_id, effect.language)
        event_id = await self.outlet.send(room_id, rooms.words(words), key=task.key, doubtful=task.started)
        return Outcome(result={"event_id": event_id}, rooms=made, anchors={event_id: effect.question_id})

    async def _link(self, question_id: str) -> str:
        question = await self.outlet.names.question(question_id)
        if question is None:
            return ""
        domain = self.outlet.place.domain
        alias = f"#{self.outlet.place.alias(rooms.question_alias(question.stem))}:{domain}"
        return f"https://matrix.to/#/{quote(alias, safe='#:@')}?via={domain}"

    async def pass_on(self, task: Task, effect: fx.PassOn) -> Outcome:
        """Find the question that a command is about; if there is none, say so."""
        command = effect.command
        assert isinstance(command, Command)
        anchored = await self.outlet.names.anchored(effect.reply_to) if effect.reply_to else None
        if anchored is not None:
            return self._found(effect, anchored, command)
        named = await self.availability.question_named(effect.user_id, effect.reference)
        if named is not None:
            rest = command.argument.partition(" ")[2].strip()
            return self._found(effect, named, Command(command.name, rest))
        only = await self.availability.only_question(effect.user_id, command.name)
        if only is not None:
            return self._found(effect, only, command)
        message = "no_such_question" if effect.reference else "which_question"
        values = {"reference": effect.reference or "K7X3M2", "command": command.name}
        words = text(effect.language, f"bot.{message}", **values)
        await BotChat(self.outlet).tell(
            task.key, effect.user_id, effect.language, words, doubtful=task.started
        )
        return Outcome()

    def _found(self, effect: fx.PassOn, question_id: str, command: Command) -> Outcome:
        author = Author(effect.user_id, effect.name, Standing(effect.standing), effect.language)
        event = Instructed(author, effect.event_id, command)
        return Outcome(question_id=question_id, mentions=(question_id,), events=(event,))

    async def keep_absence(self, task: Task, effect: fx.KeepAbsence) -> Outcome:
        """Note it, let their questions know, and say so."""
        count = await self.availability.set_away(effect.user_id, effect.until, task.key)
        message = "absent_noted" if effect.until else "present_noted"
        words = text(effect.language, f"bot.{message}", until=effect.shown, open=str(count))
        await BotChat(self.outlet).tell(
            f"{task.key}:said", effect.user_id, effect.language, words, doubtful=task.started
        )
        return Outcome()

    async def depart(self, _task: Task, effect: Depart) -> Outcome:
        """Let every question of theirs know that they are gone."""
        return Outcome(
            result={"questions": await self.availability.depart(effect.user_id, effect.reason, effect.key)}
        )

    async def keep_mute(self, _task: Task, effect: fx.KeepMute) -> Outcome:
        """Note it; the answer is said apart."""
        await self.availability.set_mute(effect.user_id, effect.scope, effect.until)
        return Outcome()
