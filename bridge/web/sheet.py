"""How every page for patients looks, and what it keeps browsers and programs from doing with it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from bridge.domain.links import MailLinks
from bridge.domain.organisation import Organisation
from bridge.locale import DEFAULT, LANGUAGES, text

MOST_BODY = 4096
"""Bytes of a form that are looked at."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Colloque": "page",
}
_NONCE = re.compile(rb"(?:^|&)nonce=([A-Za-z0-9_-]{16,64})(?:&|$)")
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


class TooMany(Exception):
    """More was asked about one question than an hour lets in."""


async def nonce_of(request: web.Request) -> str:
    """What makes a repeated button press the same one; a program's POST has none, and gets one."""
    body = b""
    while len(body) < MOST_BODY and (more := await request.content.read(MOST_BODY - len(body))):
        body += more  # it may come in pieces
    found = _NONCE.search(body)
    return found[1].decode() if found else secrets.token_urlsafe(18)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The looks of one installation's pages; ``emergency`` is by language."""

    links: MailLinks
    organisation: Organisation
    emergency: dict[str, str]

    def page(
        self,
        language: str,
        *keys: str,
        reference: str = "",
        button: str = "",
        action: str = "",
        status: int = 200,
        parts: Sequence[object] = (),
        author: str = "",
    ) -> web.Response:
        """A page that says these texts (keys of the locale), with a button where there is something to do."""
        said = tuple(text(language, f"page.{key}") for key in keys)
        shown = {
            "title": text(language, "page.title", reference=reference) if reference else "",
            "parts": parts,
            "author": author,
            "button": text(language, f"page.{button}") if button else "",
            "action": action,
            "nonce": secrets.token_urlsafe(18) if button else "",
        }
        return self._rendered(language, said, status, shown)

    def gone(self) -> web.Response:
        """A link that isn't ours, or leads to what is no more: nobody can tell which."""
        said = tuple(text(language, "page.gone") for language in LANGUAGES)
        return self._rendered(DEFAULT, said, 404, {})

    def later(self, request: web.Request, status: int) -> web.Response:
        """Nothing was kept."""
        wanted = request.headers.get("Accept-Language", "").lower()
        language = "en" if wanted.startswith("en") else self.organisation.language
        return self.page(language, "later", status=status)

    def _rendered(
        self, language: str, said: tuple[str, ...], status: int, shown: Mapping[str, object]
    ) -> web.Response:
        body = _TEMPLATES.get_template("page.html").render(
            shown,
            language=language,
            said=said,
            organisation=self.organisation.name,
            emergency=self.emergency.get(language, ""),
        )
        return web.Response(text=body, status=status, content_type="text/html", headers=HEADERS)
