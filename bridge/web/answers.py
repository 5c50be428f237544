"""The page on which a patient reads an answer, where mails say nothing themselves.

Programs that follow the link of a mail see a button, and nobody's words. The link can't be guessed and lasts
a while; after that the page offers to send another one, to the patient's own address.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import structlog
from aiohttp import web
from markupsafe import Markup

from bridge.domain.arriving import Errand
from bridge.domain.delivery import STOPPED
from bridge.domain.links import ANSWERS, AnswerTicket
from bridge.locale import text
from bridge.ports import Clock
from bridge.web.sheet import HEADERS, Sheet, TooMany, nonce_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Part:
    """A line of an answer: its clean HTML, or a file, which is the ``index``-th of its lines."""

    html: str = ""
    file: str = ""
    index: int = 0
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a practitioner wrote. ``no_mail``: a code of why no mail goes to its patient now, if none does."""

    reference: str
    language: str
    author: str
    parts: tuple[Part, ...]
    no_mail: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an answer."""

    name: str
    mimetype: str
    content: bytes


class TooLarge(Exception):
    """A file is too large for a page; its author is told."""


class Answers(Protocol):
    """What is kept of answers."""

    async def read(self, ticket: AnswerTicket) -> Answer | None:
        """An answer; ``None`` when it is gone."""

    async def file(self, ticket: AnswerTicket, index: int) -> File | None:
        """One of its files; ``None`` when there is none. Raises :class:`TooLarge`."""

    async def renew(self, question_id: str, number: int, nonce: str) -> None:
        """Commit that another link is to be sent. Raises :class:`TooMany`."""


Page = Callable[[web.Request, AnswerTicket, Answer], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class AnswerPages:
    """The pages of one installation."""

    sheet: Sheet
    answers: Answers
    clock: Clock

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        path = f"{ANSWERS}/{{ticket}}"
        return [
            web.get(path, self._get),
            web.post(path, self._post),
            web.get(f"{path}/{{index}}", self._file),
        ]

    async def _get(self, request: web.Request) -> web.Response:
        return await self._of_answer(request, self._asked)

    async def _post(self, request: web.Request) -> web.Response:
        return await self._of_answer(request, self._shown)

    async def _file(self, request: web.Request) -> web.Response:
        return await self._of_answer(request, self._downloaded)

    async def _of_answer(self, request: web.Request, page: Page) -> web.Response:
        try:
            ticket = self.sheet.links.answer(request.match_info["ticket"])
            answer = await self.answers.read(ticket) if ticket else None
            if ticket is None or answer is None or (ticket.consent and not ticket.valid(self.clock.now())):
                return self.sheet.gone()
            return await page(request, ticket, answer)
        except TooMany:
            return self.sheet.later(request, 429)
        except Exception as error:
            # The exception's text may quote the answer: only its type is logged.
            log.error("page.failed", error=type(error).__name__)
            return self.sheet.later(request, 503)

    async def _asked(self, _request: web.Request, ticket: AnswerTicket, answer: Answer) -> web.Response:
        valid = ticket.valid(self.clock.now())
        if not valid and answer.no_mail == STOPPED:
            return self._stopped(ticket, answer)
        says, button = ("read", "do_read") if valid else ("expired", "do_renew")
        if ticket.consent:
            says, button = "read_consent", "do_read_consent"
        return self.sheet.page(answer.language, says, reference=answer.reference, button=button)

    async def _shown(self, request: web.Request, ticket: AnswerTicket, answer: Answer) -> web.Response:
        if not ticket.valid(self.clock.now()):
            if answer.no_mail == STOPPED:
                return self._stopped(ticket, answer)
            await self.answers.renew(ticket.question_id, ticket.number, await nonce_of(request))
            says = "unreachable" if answer.no_mail else "renewed"  # where it can't go, its author is told
            return self.sheet.page(answer.language, says, reference=answer.reference)
        base = self.sheet.links.answer_ticket(ticket)
        parts = [
            {
                "html": Markup(part.html),
                "file": part.file,
                "label": text(answer.language, "mail.attached", name=part.file),
                "photo": part.photo,
                "url": f"{base}/{part.index}",
            }  # cleaned
            for part in answer.parts
        ]
        return self.sheet.page(answer.language, reference=answer.reference, parts=parts, author=answer.author)

    def _stopped(self, ticket: AnswerTicket, answer: Answer) -> web.Response:
        """Nothing is sent to who wants no e-mails; they may want them again."""
        action = f"../{Errand.RESUME.value}/{self.sheet.links.ticket(Errand.RESUME, ticket.question_id)}"
        return self.sheet.page(
            answer.language, "stopped", reference=answer.reference, action=action, button="do_resume"
        )

    async def _downloaded(self, request: web.Request, ticket: AnswerTicket, answer: Answer) -> web.Response:
        index = request.match_info["index"]
        known = ticket.valid(self.clock.now()) and index.isdecimal() and len(index) < 4
        try:
            file = await self.answers.file(ticket, int(index)) if known else None
        except TooLarge:
            return self.sheet.page(answer.language, "too_large", reference=answer.reference)
        if file is None:
            return self.sheet.gone()
        photo = file.mimetype.startswith("image/")
        disposition = f"{'inline' if photo else 'attachment'}; filename*=UTF-8''{quote(file.name, safe='')}"
        headers = {**HEADERS, "Content-Disposition": disposition}
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)
