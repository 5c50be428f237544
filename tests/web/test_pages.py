"""The pages behind the links of mails: looking changes nothing, one button or one POST does it once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from bridge.domain.arriving import Errand
from bridge.domain.links import MailLinks
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.web.pages import Pages
from bridge.web.sheet import Sheet, TooMany, nonce_of
from tests.domain.given import waiting

LINKS = MailLinks("https://colloque.example", b"secret")
EMERGENCY = {"fr": "Appelez le 15.", "en": "Call 112."}


class Kept:
    """Errands in memory."""

    def __init__(self) -> None:
        self.question: Question | None = waiting()
        self.stopped = False
        self.taken: dict[str, tuple[str, Errand]] = {}
        self.fails: Exception | None = None

    async def look(self, question_id: str) -> tuple[Question, bool] | None:
        found = self.question
        return (found, self.stopped) if found is not None and found.id == question_id else None

    async def take(self, question_id: str, errand: Errand, nonce: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.taken[nonce] = (question_id, errand)


class Browser:
    """Somebody who follows links."""

    def __init__(self, session: ClientSession, kept: Kept, base: str) -> None:
        self._session, self.kept, self._base = session, kept, base

    def path(self, errand: Errand) -> str:
        return LINKS.url(errand, waiting().id).removeprefix(LINKS.base)

    async def get(self, path: str) -> tuple[ClientResponse, str]:
        response = await self._session.get(self._base + path)
        return response, await response.text()

    async def post(self, path: str, body: dict[str, str]) -> tuple[ClientResponse, str]:
        response = await self._session.post(self._base + path, data=body)
        return response, await response.text()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    kept = Kept()
    app = web.Application()
    sheet = Sheet(LINKS, Organisation("Hôpital <A>", "fr", (), ()), EMERGENCY)
    app.add_routes(Pages(sheet, kept).routes())
    async with TestServer(app) as server, ClientSession() as session:
        yield Browser(session, kept, str(server.make_url("")).rstrip("/"))


CHANGING = [errand for errand in Errand if errand is not Errand.STATUS]


@pytest.mark.parametrize("errand", CHANGING)
async def test_a_program_that_follows_a_link_changes_nothing_and_the_button_does_it_once(
    browser: Browser, errand: Errand
) -> None:
    response, page = await browser.get(browser.path(errand))
    assert response.status == 200
    assert browser.kept.taken == {}
    assert page.count("<button") == 1
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    action = re.search(r'action="\.\./([^"]+)"', page)
    assert nonce is not None
    assert action is not None
    for _ in range(2):
        response, page = await browser.post(f"/m/{action[1]}", {"nonce": nonce[1]})
        assert response.status == 200
        assert "<button" not in page
    assert list(browser.kept.taken.values()) == [(waiting().id, errand)]


async def test_where_a_question_stands_is_shown_at_once_and_says_nothing_of_anyone(browser: Browser) -> None:
    response, page = await browser.get(browser.path(Errand.STATUS))
    assert "attend qu&#39;un professionnel" in page
    for word in (waiting().name, waiting().address, waiting().title, "<button"):
        assert word not in page
    assert "Hôpital &lt;A&gt;" in page
    assert "Appelez le 15." in page
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


async def test_one_click_of_a_mail_program_stops_mail(browser: Browser) -> None:
    response, _ = await browser.post(browser.path(Errand.STOP), {"List-Unsubscribe": "One-Click"})
    assert response.status == 200
    assert [errand for _, errand in browser.kept.taken.values()] == [Errand.STOP]


async def test_whoever_wants_no_mail_is_asked_whether_they_want_some_again(browser: Browser) -> None:
    browser.kept.stopped = True
    _, page = await browser.get(browser.path(Errand.STOP))
    assert "de nouveau" in page
    assert f"../resume/{LINKS.ticket(Errand.RESUME, waiting().id)}" in page


async def test_whoever_asks_for_a_language_reads_it(browser: Browser) -> None:
    _, page = await browser.get(browser.path(Errand.ENGLISH))
    assert "Shall we write to you in English?" in page
    assert '<html lang="en">' in page
    assert browser.kept.question is not None
    browser.kept.question = replace(browser.kept.question, patient_language="en")
    _, page = await browser.get(browser.path(Errand.WITHDRAW))
    assert "Withdraw my question" in page


@pytest.mark.parametrize(
    "path",
    [
        f"/m/stop/{LINKS.ticket(Errand.STATUS, 'q1')}",
        f"/m/stop/{MailLinks('', b'other').ticket(Errand.STOP, 'q1')}",
        f"/m/stop/{LINKS.ticket(Errand.STOP, 'another')}",
        f"/m/nothing/{LINKS.ticket(Errand.STOP, 'q1')}",
        "/m/stop/q1.",
        "/m/stop/%F0%9F%92%8A",
    ],
)
async def test_a_link_of_somebody_elses_making_leads_nowhere(browser: Browser, path: str) -> None:
    assert browser.path(Errand.STOP).endswith(LINKS.ticket(Errand.STOP, "q1"))
    for response, page in (await browser.get(path), await browser.post(path, {})):
        assert response.status == 404
        assert "plus valable" in page
        assert "not valid any more" in page
    assert browser.kept.taken == {}


async def test_a_question_that_is_gone_is_said_like_a_wrong_link(browser: Browser) -> None:
    browser.kept.question = None
    response, _ = await browser.get(browser.path(Errand.STOP))
    assert response.status == 404


@pytest.mark.parametrize(("fails", "status"), [(OSError("marie"), 503), (TooMany(), 429)])
async def test_what_could_not_be_kept_is_never_said_to_be_done(
    browser: Browser, fails: Exception, status: int
) -> None:
    browser.kept.fails = fails
    response, page = await browser.post(browser.path(Errand.STOP), {})
    assert response.status == status
    assert "pas possible pour l&#39;instant" in page
    assert "marie" not in page


class _Pieces:
    """A body that comes bit by bit."""

    def __init__(self, *pieces: bytes) -> None:
        self.left, self.content = list(pieces), self

    async def read(self, most: int) -> bytes:
        return self.left.pop(0)[:most] if self.left else b""


async def test_a_form_that_comes_in_pieces_is_one_press_of_the_button() -> None:
    request: Any = _Pieces(b"non", b"ce=" + b"n" * 12, b"n" * 12)
    assert await nonce_of(request) == "n" * 24
    endless: Any = _Pieces(*[b"x" * 1000] * 9)
    await nonce_of(endless)
    assert len(endless.left) > 1
