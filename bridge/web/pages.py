"""The pages behind the links in patients' mails: a look changes nothing, since programs follow links, too.

A page asks, and its one button does it. Mail programs that offer to get no more mail send that POST
by themselves (RFC 8058). Nothing clinical and nobody's name stands on these pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from aiohttp import web

from bridge.domain.arriving import Errand
from bridge.domain.errands import stands
from bridge.domain.links import PATH
from bridge.domain.state import Question
from bridge.web.sheet import Sheet, TooMany, nonce_of

log = structlog.get_logger()


class Errands(Protocol):
    """What pages need of what is stored."""

    async def look(self, question_id: str) -> tuple[Question, bool] | None:
        """A question, and whether its patient wants no e-mails; ``None`` when there is none."""

    async def take(self, question_id: str, errand: Errand, nonce: str) -> None:
        """Commit an errand; the same ``nonce`` again changes nothing. Raises :class:`TooMany`."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one installation."""

    sheet: Sheet
    errands: Errands

    def routes(self) -> list[web.RouteDef]:
        """Where they are."""
        path = f"{PATH}/{{errand}}/{{ticket}}"
        return [web.get(path, self._get), web.post(path, self._post)]

    async def _get(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._asked)

    async def _post(self, request: web.Request) -> web.Response:
        return await self._answer(request, self._done)

    async def _answer(
        self,
        request: web.Request,
        page: Callable[[web.Request, Errand, Question, bool], Awaitable[web.Response]],
    ) -> web.Response:
        try:
            errand = Errand(request.match_info["errand"])
            question_id = self.sheet.links.question(errand, request.match_info["ticket"])
            found = await self.errands.look(question_id) if question_id else None
            if found is None:
                return self.sheet.gone()
            return await page(request, errand, *found)
        except ValueError:
            return self.sheet.gone()
        except TooMany:
            return self.sheet.later(request, 429)
        except Exception as error:
            # The exception's text may name the question: only its type is logged.
            log.error("page.failed", error=type(error).__name__)
            return self.sheet.later(request, 503)

    async def _asked(
        self, _request: web.Request, errand: Errand, question: Question, stopped: bool
    ) -> web.Response:
        language, reference = _language_of(errand, question), question.reference
        if errand is Errand.STATUS:
            return self.sheet.page(language, f"status_{stands(question)}", reference=reference)
        if errand is Errand.STOP and stopped:
            errand = Errand.RESUME
        action = f"../{errand.value}/{self.sheet.links.ticket(errand, question.id)}"
        button = f"do_{errand.value}"
        return self.sheet.page(
            language, f"ask_{errand.value}", reference=reference, action=action, button=button
        )

    async def _done(
        self, request: web.Request, errand: Errand, question: Question, stopped: bool
    ) -> web.Response:
        if errand is Errand.STATUS:
            return await self._asked(request, errand, question, stopped)
        await self.errands.take(question.id, errand, await nonce_of(request))
        language = _language_of(errand, question)
        return self.sheet.page(language, f"done_{errand.value}", reference=question.reference)


def _language_of(errand: Errand, question: Question) -> str:
    """Whoever asks for a language reads that one."""
    return errand.value if errand in (Errand.FRENCH, Errand.ENGLISH) else question.mail_language
