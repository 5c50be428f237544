"""The page of an answer: words only after the button, files by its links, and nothing for who guesses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from bridge.domain.arriving import Errand
from bridge.domain.delivery import STOPPED
from bridge.domain.links import VALID_DAYS, AnswerTicket, MailLinks, day_of
from bridge.domain.organisation import Organisation
from bridge.web.answers import Answer, AnswerPages, File, Part, TooLarge
from bridge.web.sheet import Sheet

LINKS = MailLinks("https://colloque.example", b"secret")
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = "Appliquez la crème."
ANSWER = Answer(
    "K7X3M2",
    "fr",
    "Dr Claire Petit",
    (
        Part(f"<p>{WORDS}</p>"),
        Part(file="peau.jpg", index=1, photo=True),
        Part(file="note.<b>.html", index=2),
    ),
)
LARGE = 3
FILES = {
    1: File("peau.jpg", "image/jpeg", b"jpeg"),
    2: File("note.<b>.html", "application/octet-stream", b"x"),
}


class Kept:
    """One answer, and who asked for another link."""

    def __init__(self) -> None:
        self.now_at = AT
        self.renewed: list[tuple[str, int]] = []
        self.no_mail = ""

    def now(self) -> datetime:
        return self.now_at

    async def read(self, ticket: AnswerTicket) -> Answer | None:
        answer = replace(ANSWER, no_mail=self.no_mail)
        return answer if (ticket.question_id, ticket.number) == ("q1", 3) else None

    async def file(self, _ticket: AnswerTicket, index: int) -> File | None:
        if index == LARGE:
            raise TooLarge
        return FILES.get(index)

    async def renew(self, question_id: str, number: int, nonce: str) -> None:
        self.renewed.append((question_id, number))


class Browser:
    """Somebody who follows the link of a mail."""

    path = LINKS.answer_url("q1", 3, AT).removeprefix(LINKS.base)

    def __init__(self, session: ClientSession, kept: Kept, base: str) -> None:
        self._session, self.kept, self._base = session, kept, base

    async def get(self, path: str) -> tuple[ClientResponse, str]:
        response = await self._session.get(self._base + path)
        return response, await response.text()

    async def post(self, path: str) -> tuple[ClientResponse, str]:
        response = await self._session.post(self._base + path, data={"nonce": "n" * 20})
        return response, await response.text()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    kept = Kept()
    app = web.Application()
    sheet = Sheet(LINKS, Organisation("Hôpital", "fr", (), ()), {"fr": "Le 15.", "en": "112."})
    app.add_routes(AnswerPages(sheet, kept, kept).routes())
    async with TestServer(app) as server, ClientSession() as session:
        yield Browser(session, kept, str(server.make_url("")).rstrip("/"))


async def test_a_program_that_follows_the_link_sees_nobodys_words(browser: Browser) -> None:
    response, page = await browser.get(browser.path)
    assert response.status == 200
    assert "<button" in page
    for word in (WORDS, "crème", "Claire", "peau.jpg"):
        assert word not in page


async def test_the_button_shows_words_author_and_files_however_often(browser: Browser) -> None:
    for _ in range(2):
        response, page = await browser.post(browser.path)
        assert response.headers["Cache-Control"] == "no-store"
        assert f"<p>{WORDS}</p>" in page
        assert "Dr Claire Petit" in page
        assert "Pièce jointe\N{NO-BREAK SPACE}: note.&lt;b&gt;.html" in page
    base = browser.path.removeprefix("/m/answer/")
    assert f'<img src="{base}/1"' in page


async def test_a_photo_is_shown_and_another_file_is_only_ever_downloaded(browser: Browser) -> None:
    photo, _ = await browser.get(f"{browser.path}/1")
    assert (photo.headers["Content-Type"], photo.status) == ("image/jpeg", 200)
    assert photo.headers["Content-Disposition"].startswith("inline")
    other, _ = await browser.get(f"{browser.path}/2")
    assert other.headers["Content-Type"] == "application/octet-stream"
    assert other.headers["Content-Disposition"] == "attachment; filename*=UTF-8''note.%3Cb%3E.html"
    assert other.headers["X-Content-Type-Options"] == "nosniff"
    for wrong in ("0", "9", "x", "-1", "9999999"):
        assert (await browser.get(f"{browser.path}/{wrong}"))[0].status == 404


async def test_an_old_link_shows_nothing_and_offers_another_by_mail(browser: Browser) -> None:
    browser.kept.now_at = AT + timedelta(days=VALID_DAYS)
    assert WORDS in (await browser.post(browser.path))[1]
    browser.kept.now_at += timedelta(days=1)
    _, page = await browser.get(browser.path)
    assert "trop ancien" in page
    assert browser.kept.renewed == []
    assert (await browser.get(f"{browser.path}/1"))[0].status == 404
    _, page = await browser.post(browser.path)
    assert WORDS not in page
    assert browser.kept.renewed == [("q1", 3)]


async def test_a_file_that_is_too_large_is_said_to_be_so(browser: Browser) -> None:
    response, page = await browser.get(f"{browser.path}/{LARGE}")
    assert response.status == 200
    assert "trop volumineux" in page
    assert "avertie" in page


async def test_who_wants_no_mail_is_told_that_none_was_sent_and_how_to_get_it_again(browser: Browser) -> None:
    browser.kept.now_at = AT + timedelta(days=VALID_DAYS + 1)
    browser.kept.no_mail = STOPPED
    resume = LINKS.ticket(Errand.RESUME, "q1")
    for _, page in (await browser.get(browser.path), await browser.post(browser.path)):
        assert "ne plus recevoir" in page
        assert "nouveau lien arrive" not in page
        assert f'action="../resume/{resume}"' in page
    assert browser.kept.renewed == []


async def test_whose_mails_come_back_is_told_so_and_their_practitioner_by_the_mail_that_fails(
    browser: Browser,
) -> None:
    browser.kept.now_at = AT + timedelta(days=VALID_DAYS + 1)
    browser.kept.no_mail = "5.1.1"
    _, page = await browser.post(browser.path)
    assert "nous reviennent" in page
    assert "nouveau lien arrive" not in page
    assert browser.kept.renewed == [("q1", 3)]


async def test_an_answer_that_can_still_be_read_is_read_whatever_becomes_of_mails(browser: Browser) -> None:
    browser.kept.no_mail = STOPPED
    assert WORDS in (await browser.post(browser.path))[1]


def _forged() -> list[str]:
    right = LINKS.answer_ticket(AnswerTicket("q1", 3, day_of(AT)))
    question, number, day, signature = right.split(".")
    return [
        f"{question}.{number}.{int(day) + 20}.{signature}",
        f"{question}.4.{day}.{signature}",
        f"{question}.c{number}.{day}.{signature}",
        MailLinks("", b"other").answer_ticket(AnswerTicket("q1", 3, day_of(AT))),
        LINKS.answer_ticket(AnswerTicket("gone", 3, day_of(AT))),
        f"{question}.{number}.{day}.",
        f"{question}.²³.{day}.{signature}",
        "%F0%9F%92%8A",
    ]


@pytest.mark.parametrize("ticket", _forged())
async def test_a_link_of_somebody_elses_making_leads_nowhere(browser: Browser, ticket: str) -> None:
    for response, page in (
        await browser.get(f"/m/answer/{ticket}"),
        await browser.post(f"/m/answer/{ticket}"),
        await browser.get(f"/m/answer/{ticket}/1"),
    ):
        assert response.status == 404
        assert WORDS not in page


async def test_what_a_consent_is_asked_for_is_read_likewise_but_not_for_ever(browser: Browser) -> None:
    path = LINKS.answer_url("q1", 3, AT, consent=True).removeprefix(LINKS.base)
    assert path != browser.path
    assert WORDS in (await browser.post(path))[1]
    browser.kept.now_at = AT + timedelta(days=VALID_DAYS + 1)
    assert (await browser.post(path))[0].status == 404
    assert browser.kept.renewed == []
