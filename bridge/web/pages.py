"""The pages behind the links in patients' mails: a look changes nothing, since programs follow links, too.

A page asks, and its one button does it. Mail programs that offer to get no more mail send that POST
by themselves (RFC 8058). Nothing clinical and nobody's name stands on a page.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog
from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from bridge.domain.arriving import Errand
from bridge.domain.errands import stands
from bridge.domain.links import PATH, MailLinks
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.locale import DEFAULT, LANGUAGES, text

log = structlog.get_logger()
MOST_BODY = 4096
"""Bytes of a form that are looked at."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Colloque": "page",
}
_NONCE = re.compile(rb"(?:^|&)nonce=([A-Za-z0-9_-]{16,64})(?:&|$)")
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


class TooMany(Exception):
    """More errands about one question than an hour lets in."""


class Errands(Protocol):
    """What pages need of what is stored."""

    async def look(self, question_id: str) -> tuple[Question, bool] | None:
        """A question, and whether its patient wants no e-mails; ``None`` when there is none."""

    async def take(self, question_id: str, errand: Errand, nonce: str) -> None:
        """Commit an errand; the same ``nonce`` again changes nothing. Raises :class:`TooMany`."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one installation; ``emergency`` is by language."""

    links: MailLinks
    errands: Errands
    organisation: Organisation
    emergency: dict[str, str]

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
            question_id = self.links.question(errand, request.match_info["ticket"])
            found = await self.errands.look(question_id) if question_id else None
            if found is None:
                return self._gone()
            return await page(request, errand, *found)
        except ValueError:
            return self._gone()
        except TooMany:
            return self._page(self._language(request), ("later",), status=429)
        except Exception as error:
            # The exception's text may name the question: only its type is logged.
            log.error("page.failed", error=type(error).__name__)
            return self._page(self._language(request), ("later",), status=503)

    async def _asked(
        self, _request: web.Request, errand: Errand, question: Question, stopped: bool
    ) -> web.Response:
        language = _language_of(errand, question)
        if errand is Errand.STATUS:
            return self._page(language, (f"status_{stands(question)}",), question=question)
        if errand is Errand.STOP and stopped:
            errand = Errand.RESUME
        action = f"../{errand.value}/{self.links.ticket(errand, question.id)}"
        return self._page(language, (f"ask_{errand.value}",), question=question, action=action, errand=errand)

    async def _done(
        self, request: web.Request, errand: Errand, question: Question, stopped: bool
    ) -> web.Response:
        if errand is Errand.STATUS:
            return await self._asked(request, errand, question, stopped)
        found = _NONCE.search(await request.content.read(MOST_BODY))
        nonce = found[1].decode() if found else secrets.token_urlsafe(18)
        await self.errands.take(question.id, errand, nonce)
        return self._page(_language_of(errand, question), (f"done_{errand.value}",), question=question)

    def _gone(self) -> web.Response:
        said = tuple(text(language, "page.gone") for language in LANGUAGES)
        return self._page(DEFAULT, (), said=said, status=404)

    def _language(self, request: web.Request) -> str:
        wanted = request.headers.get("Accept-Language", "").lower()
        return "en" if wanted.startswith("en") else self.organisation.language

    def _page(
        self,
        language: str,
        keys: tuple[str, ...],
        *,
        said: tuple[str, ...] = (),
        question: Question | None = None,
        action: str = "",
        errand: Errand | None = None,
        status: int = 200,
    ) -> web.Response:
        body = _TEMPLATES.get_template("page.html").render(
            language=language,
            title=text(language, "page.title", reference=question.reference) if question else "",
            said=(*said, *(text(language, f"page.{key}") for key in keys)),
            button=text(language, f"page.do_{errand.value}") if errand else "",
            action=action,
            nonce=secrets.token_urlsafe(18) if errand else "",
            organisation=self.organisation.name,
            emergency=self.emergency.get(language, ""),
        )
        return web.Response(text=body, status=status, content_type="text/html", headers=HEADERS)


def _language_of(errand: Errand, question: Question) -> str:
    """Whoever asks for a language reads that one."""
    return errand.value if errand in (Errand.FRENCH, Errand.ENGLISH) else question.mail_language
