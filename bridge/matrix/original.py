"""Mails as they came, in the question room of their owner; and the owner's judgement of held ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Kind
from bridge.domain.events import Author, MailJudged, Standing
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Outcome, Task

EML = "message/rfc822"


class KeptMails(Protocol):
    """The mails of a question as they came."""

    async def behind(self, question_id: str, event_id: str) -> str:
        """The input whose mail this message shows or is about; empty if there is none."""

    async def latest(self, question_id: str) -> str:
        """The input that is the question's latest mail; empty if none is kept."""

    async def raw(self, question_id: str, input_id: str) -> bytes:
        """The mail's bytes; empty if they aren't kept."""

    async def settle(self, question_id: str, input_id: str, admitted: bool) -> None:
        """Let a held mail be read again, or put it away. One that isn't held is left as it is."""

    async def let_in(self, question_id: str) -> None:
        """Let all mails be read again that are held because there is much."""


@dataclass(frozen=True, slots=True)
class Originals:
    """Performs what is about mails as they came."""

    outlet: Outlet
    mails: KeptMails

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.ShowOriginal: self.show,
            fx.SettleMail: self.settle,
            fx.LetIn: self.let_in,
            fx.Weigh: self.weigh,
        }

    async def show(self, task: Task, effect: fx.ShowOriginal) -> Outcome:
        """The raw mail as a file; where there is none, that is said."""
        question = await self.outlet.names.question(effect.question_id)
        if question is None or not question.owner or not question.sealed:
            return Outcome()  # it is for the owner alone, and there is none now
        found = effect.input_id
        if not found and effect.target:
            found = await self.mails.behind(effect.question_id, effect.target)
        elif not found:
            found = await self.mails.latest(effect.question_id)
        content = await self.mails.raw(effect.question_id, found) if found else b""
        room_id = await self.outlet.room(question.room)
        if not content:
            words = rooms.words(text(effect.language, "bot.original_missing"), notice=True)
            event_id = await self.outlet.send(room_id, words, key=task.key, doubtful=task.started)
            return Outcome(result={"event_id": event_id})
        name = f"original-{hashlib.sha256(content).hexdigest()[:8]}.eml"
        attachment = Attachment(Kind.FILE, name, EML, len(content))
        mxc = await self.outlet.homeserver.upload(content, mimetype=EML, filename=name)
        event_id = await self.outlet.send(
            room_id, rooms.file(attachment, mxc), key=task.key, doubtful=task.started
        )
        return Outcome(result={"event_id": event_id, "mxc": mxc})

    async def settle(self, _task: Task, effect: fx.SettleMail) -> Outcome:
        """As the owner judged."""
        await self.mails.settle(effect.question_id, effect.input_id, effect.admitted)
        return Outcome()

    async def let_in(self, _task: Task, effect: fx.LetIn) -> Outcome:
        """As the owner wishes."""
        await self.mails.let_in(effect.question_id)
        return Outcome()

    async def weigh(self, _task: Task, effect: fx.Weigh) -> Outcome:
        """Which held mail a mark is about."""
        found = await self.mails.behind(effect.question_id, effect.target)
        if not found:
            return Outcome()
        author = Author(effect.user_id, effect.name, Standing(effect.standing), effect.language)
        judged = MailJudged(author, effect.event_id, found, effect.judgement)
        return Outcome(question_id=effect.question_id, events=(judged,))
