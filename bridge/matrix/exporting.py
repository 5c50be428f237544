"""Brings the transcript of a question to its owner, in their bot chat: never into a room with the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Document, Kind
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.botchat import BotChat
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Outcome, Permanent, Task

TOO_LARGE = ("M_TOO_LARGE", "too_large")


class Transcripts(Protocol):
    """Writes the transcript of a question."""

    async def documents(
        self, question_id: str, *, language: str, by: str, files: bool = True
    ) -> tuple[Document, ...]:
        """The transcript for people and for programs; without ``files`` the latter only names them."""


@dataclass(frozen=True, slots=True)
class Exporting:
    """Performs exports."""

    outlet: Outlet
    chat: BotChat
    transcripts: Transcripts | None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {fx.Export: self.export}

    async def export(self, task: Task, effect: fx.Export) -> Outcome:
        """Write the documents, and post them."""
        if self.transcripts is None:
            raise Permanent("no transcripts here")
        made = await self.transcripts.documents(effect.question_id, language=effect.language, by=effect.by)
        room_id = await self.chat.open(effect.user_id, effect.language)
        try:
            uploaded = [await self._upload(document) for document in made]
        except Permanent as error:
            if error.code not in TOO_LARGE:
                raise
            made = await self.transcripts.documents(
                effect.question_id, language=effect.language, by=effect.by, files=False
            )
            uploaded = [await self._upload(document) for document in made]
        words = text(effect.language, "bot.export_ready", **effect.values)
        sent = [await self.outlet.send(room_id, rooms.words(words), key=task.key, doubtful=task.started)]
        for attachment in uploaded:
            content = rooms.file(attachment, attachment.mxc)
            key = f"{task.key}:{attachment.mimetype}"
            sent.append(await self.outlet.send(room_id, content, key=key, doubtful=task.started))
        return Outcome(result={"event_id": sent[0], "event_ids": sent})

    async def _upload(self, document: Document) -> Attachment:
        mxc = await self.outlet.homeserver.upload(
            document.content, mimetype=document.mimetype, filename=document.name
        )
        size = len(document.content)
        return Attachment(Kind.FILE, document.name, document.mimetype, size, mxc=mxc)
