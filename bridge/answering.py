"""The answers that patients read on a page, out of what is stored and of what the homeserver keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from bridge.care import secret_for
from bridge.config import Config
from bridge.domain import effects as fx
from bridge.domain.arriving import AnswerLinkAsked, FileLeftOut
from bridge.domain.content import Attachment, Kind
from bridge.domain.links import LARGEST_FILE, AnswerTicket, MailLinks
from bridge.domain.organisation import Organisation
from bridge.keptmails import StoredSuppressions, StoredTurns
from bridge.locale import text
from bridge.mail.lines import OutgoingLine, shown
from bridge.mailing import ERRANDS_AN_HOUR, StoredErrands, emergency, mail_links
from bridge.ports import Clock, Homeserver, Permanent, RawInput, Reading
from bridge.storage import outbox
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival
from bridge.web.answers import Answer, AnswerPages, File, Part, TooLarge
from bridge.web.pages import Pages
from bridge.web.sheet import Sheet, TooMany

Routes = list[web.RouteDef]


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """See :class:`bridge.web.answers.Answers`."""

    database: Database
    homeserver: Homeserver
    clock: Clock
    put: Callable[[Sequence[Arrival]], Awaitable[None]]
    max_file: int

    async def _effect(self, ticket: AnswerTicket) -> fx.Answer | fx.TellPatient | None:
        kind = "consent" if ticket.consent else "answer"
        async with self.database.reading() as connection:
            found = await outbox.effect(connection, f"{ticket.question_id}:{kind}:{ticket.number}")
        return found if isinstance(found, fx.Answer | fx.TellPatient) else None

    async def read(self, ticket: AnswerTicket) -> Answer | None:
        """What the practitioner wrote; ``None`` when it is gone."""
        effect = await self._effect(ticket)
        if effect is None:
            return None
        if isinstance(effect, fx.TellPatient):
            words = text(effect.language, "page.consent", **effect.values)
            return Answer(effect.reference, effect.language, "", (Part(_html(words)),))
        status = await StoredSuppressions(self.database, self.clock).status(effect.address)
        parts = [Part(_html(text(effect.language, "mail.correction")))] if effect.correction else []
        for index, line in enumerate(effect.lines):
            file = line.attachment
            if file is None or line.text:  # what is said of a photo is said, too
                parts.append(Part(_html(line.text, line.html)))
            if file is not None and file.size > self.max_file:
                parts.append(Part(_html(text(effect.language, "page.file_too_large", name=file.name))))
            elif file is not None:
                parts.append(Part(file=file.name, index=index, photo=file.kind is Kind.IMAGE))
        return Answer(effect.reference, effect.language, effect.owner_name, tuple(parts), status)

    async def file(self, ticket: AnswerTicket, index: int) -> File | None:
        """One of its files, photos without metadata; ``None`` when there is none. Raises :class:`TooLarge`.

        How large a file is stands in its message, but not every client writes it, or truly: what turns out
        to be too large only now is told to its author now, once.
        """
        effect = await self._effect(ticket)
        if not isinstance(effect, fx.Answer) or index >= len(effect.lines):
            return None
        attachment = effect.lines[index].attachment
        if attachment is None:
            return None
        try:
            return await self._file(attachment)
        except TooLarge:
            key = f"web:{ticket.question_id}:left-out:{ticket.number}:{index}"
            payload = {"answer": ticket.number, "index": index, "name": attachment.name}
            left_out = json.dumps(payload).encode()
            await self.put([Arrival(key, "file_left_out", ticket.question_id, left_out)])
            raise

    async def _file(self, attachment: Attachment) -> File | None:
        from bridge.mail.photos import clean_photo  # picture libraries are heavy, and photos are few

        try:
            content = await self.homeserver.download(attachment.mxc, limit=self.max_file)
        except Permanent as error:
            if error.code == "too_large":
                raise TooLarge from None
            return None
        photo = await asyncio.to_thread(clean_photo, content) if attachment.kind is Kind.IMAGE else None
        if photo is None:
            return File(attachment.name, "application/octet-stream", content)
        return File(attachment.name, photo.mimetype, photo.content)

    async def renew(self, question_id: str, number: int, nonce: str) -> None:
        """Commit that another link is to be sent."""
        key, now = f"web:{question_id}:answer:{number}:{nonce}", self.clock.now().timestamp()
        turn = await StoredTurns(self.database).exactly(key, "web", question_id, ERRANDS_AN_HOUR, now)
        if turn.at > now:
            raise TooMany
        payload = json.dumps({"answer": number}).encode()
        await self.put([Arrival(key, "answer_link", question_id, payload)])


def _html(words: str, html: str = "") -> str:
    """A line as its mail shows it."""
    return str(shown(OutgoingLine(words, html), "")["html"])


async def read_answer_link(item: RawInput) -> Reading:
    """Somebody asked on a page for another link."""
    number = int(json.loads(item.payload)["answer"])
    return Reading(item.conversation, (AnswerLinkAsked(item.key, number),))


async def read_file_left_out(item: RawInput) -> Reading:
    """A page couldn't show a file."""
    told = json.loads(item.payload)
    return Reading(item.conversation, (FileLeftOut(told["answer"], told["index"], told["name"]),))


def all_pages(
    config: Config, organisation: Organisation, errands: StoredErrands, homeserver: Homeserver
) -> Routes:
    """Everything that the links of mails lead to. Without an address of our own none leads here."""
    links = mail_links(config) or MailLinks("", secret_for("links", config))
    sheet = Sheet(links, organisation, emergency(config))
    answers = StoredAnswers(errands.database, homeserver, errands.clock, errands.put, LARGEST_FILE)
    return [*AnswerPages(sheet, answers, errands.clock).routes(), *Pages(sheet, errands).routes()]
