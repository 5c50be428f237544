"""One mail counts once: by whichever way it comes, however often, and to however many groups."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest

from bridge.domain import effects as fx
from bridge.mail.imap import MailboxAccess
from bridge.mail.mailbox import MailboxPlace, MailboxReader
from bridge.utc import SystemClock
from tests.support.imapserver import PASSWORD, USER, ImapServer, imap_server
from tests.support.post import GROUP, SECOND, THIRD, Post, opened

RAW = (
    b"From: Marie <marie@patients.example>\r\nTo: derm@reponse.test, cardio@reponse.test\r\n"
    b"Subject: s\r\nMessage-ID: <1@p>\r\n\r\nmots\r\n"
)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with opened(tmp_path) as made:
        yield made


async def _to(post: Post, *recipients: str, raw: bytes = RAW) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=post.port, start_tls=False) as client:
        await client.sendmail("marie@patients.example", list(recipients), raw)
    await post.decide()


async def _words(post: Post) -> list[str]:
    return [effect.text for effect in await post.effects(fx.PostText) if isinstance(effect, fx.PostText)]


async def test_the_same_recipient_twice_is_one_mail(post: Post) -> None:
    await _to(post, GROUP.address, GROUP.address, GROUP.address.upper())
    assert await _words(post) == ["mots"]


async def test_a_mail_sent_again_with_other_traces_is_the_same_and_with_another_body_another(
    post: Post,
) -> None:
    for raw in (RAW, b"Received: from x by y\r\n" + RAW, RAW.replace(b"mots", b"autres")):
        await _to(post, GROUP.address, raw=raw)
    assert sorted(await _words(post)) == ["autres", "mots"]


async def test_one_mail_to_three_groups_is_one_question_that_two_may_take_and_names_the_third(
    post: Post,
) -> None:
    await _to(post, GROUP.address, SECOND.address, THIRD.address)
    assert await _words(post) == ["mots"]
    assert len(await post.effects(fx.Acknowledge)) == 1
    cards = [card.group for card in await post.effects(fx.PostCard) if isinstance(card, fx.PostCard)]
    assert cards == [GROUP.key, SECOND.key]
    said = [
        (say.message, say.values["group"]) for say in await post.effects(fx.Say) if isinstance(say, fx.Say)
    ]
    assert said == [("asked_too", SECOND.name), ("asked_too_named", THIRD.name)]


class Places:
    """How far a mailbox is taken."""

    def __init__(self) -> None:
        self.place: MailboxPlace | None = None

    async def load(self, _mailbox: str) -> MailboxPlace | None:
        return self.place

    async def save(self, _mailbox: str, place: MailboxPlace) -> None:
        self.place = place


@contextlib.asynccontextmanager
async def _mine() -> AsyncIterator[bool]:
    yield True


async def _by_imap(post: Post, server: ImapServer) -> None:
    """Read the mailbox until everything in it is marked as read."""
    assert post.intake is not None
    access = MailboxAccess("127.0.0.1", server.port, "none", USER, PASSWORD, "INBOX")
    reader = MailboxReader(access, post.intake, Places(), SystemClock(), _mine, 10_000, waits_s=(0.05,))
    reader.start()
    try:
        while any("\\Seen" not in mail.flags for mail in server.mails):
            await server.asked()
    finally:
        await reader.stop()
    await post.decide()


@pytest.mark.parametrize("imap_first", [False, True])
async def test_the_same_mail_by_the_listener_and_in_the_mailbox_counts_once(
    post: Post, imap_first: bool
) -> None:
    async with imap_server() as server:
        await server.deliver(b"Delivered-To: derm@reponse.test\r\n" + RAW)
        if imap_first:
            await _by_imap(post, server)
        await _to(post, GROUP.address)
        if not imap_first:
            await _by_imap(post, server)
    assert await _words(post) == ["mots"]
