"""A mailbox read by IMAP: everything once, whatever the server or we do in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from bridge.mail.imap import ImapSession, MailboxAccess
from bridge.mail.listener import Verdict
from bridge.mail.mailbox import MailboxPlace, MailboxReader
from bridge.utc import SystemClock
from tests.support.imapserver import PASSWORD, USER, ImapServer, imap_server

WITHIN_S = 30.0


def mail(number: int, *, to: str = "derm@hopital.example", more: str = "") -> bytes:
    return (
        f"Return-Path: <marie@patients.example>\r\n{more}From: Marie <marie@patients.example>\r\nTo: {to}\r\n"
        f"Message-ID: <{number}@patients.example>\r\nSubject: essai\r\n\r\nBonjour {number}\r\n"
    ).encode()


@dataclass(slots=True)
class Shelf:
    """What is kept; ``failing`` makes it refuse."""

    kept: list[tuple[str, str, bytes]] = field(default_factory=list)
    failing: bool = False
    verdict: Verdict = Verdict.UNKNOWN
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    when_kept: Callable[[], None] = lambda: None

    async def check(self, recipient: str) -> Verdict:
        return Verdict.ACCEPT if recipient.startswith("derm@") else self.verdict

    async def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        if self.failing:
            raise OSError("disk full")
        self.kept.append((sender, recipient, raw))
        self.when_kept()
        self.changed.set()

    async def holds(self, count: int) -> None:
        async with asyncio.timeout(WITHIN_S):
            while len(self.kept) < count:
                self.changed.clear()
                await self.changed.wait()


class Noted:
    """Places that survive a reader."""

    def __init__(self) -> None:
        self.places: dict[str, MailboxPlace] = {}

    async def load(self, mailbox: str) -> MailboxPlace | None:
        return self.places.get(mailbox)

    async def save(self, mailbox: str, place: MailboxPlace) -> None:
        self.places[mailbox] = place


@contextlib.asynccontextmanager
async def mine() -> AsyncIterator[bool]:
    yield True


@contextlib.asynccontextmanager
async def reading(
    server: ImapServer, shelf: Shelf, places: Noted, *, max_size: int = 10_000
) -> AsyncIterator[MailboxReader]:
    access = MailboxAccess("127.0.0.1", server.port, "none", USER, PASSWORD, "INBOX")
    reader = MailboxReader(access, shelf, places, SystemClock(), mine, max_size, waits_s=(0.05,))
    reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def places() -> Noted:
    return Noted()


@pytest.fixture
async def server() -> AsyncIterator[ImapServer]:
    async with imap_server() as opened:
        yield opened


async def until(server: ImapServer, holds: Callable[[], bool]) -> None:
    """Wait until the server was asked something after which this holds."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await server.asked()


async def test_what_comes_while_the_server_is_listened_to_is_kept_and_marked_as_read(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    async with reading(server, shelf, places):
        await until(server, lambda: "IDLE" in server.log)
        stored = await server.deliver(mail(1))
        await shelf.holds(1)
        await until(server, lambda: "\\Seen" in stored.flags)
    assert shelf.kept == [("marie@patients.example", "derm@hopital.example", mail(1))]


async def test_a_mail_is_marked_as_read_only_after_it_was_kept(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    stored = await server.deliver(mail(1))
    flags_then: list[set[str]] = []
    shelf.when_kept = lambda: flags_then.append(set(stored.flags))
    async with reading(server, shelf, places):
        await until(server, lambda: "\\Seen" in stored.flags)
    assert flags_then == [set()]
    assert not any("BODY[]" in command for command in server.log)


async def test_what_cannot_be_kept_stays_unread_and_is_taken_later(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    stored = await server.deliver(mail(1))
    shelf.failing = True
    async with reading(server, shelf, places):
        await until(server, lambda: server.logins >= 3)
        assert not stored.flags
        assert not places.places
        shelf.failing = False
        await until(server, lambda: "\\Seen" in stored.flags)
    assert len(shelf.kept) == 1


async def test_a_connection_lost_between_keeping_and_marking_loses_nothing(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    stored = await server.deliver(mail(1))
    left = ["STORE"]

    def cut(command: str) -> None:
        server.open = not (left and left[0] in command and left.pop())

    server.before = cut
    async with reading(server, shelf, places):
        await until(server, lambda: "\\Seen" in stored.flags)
    # The same bytes for the same recipient have one key, so the second time changes nothing.
    assert shelf.kept == [("marie@patients.example", "derm@hopital.example", mail(1))] * 2


async def test_a_mail_that_somebody_opened_elsewhere_is_taken_all_the_same(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    async with reading(server, shelf, places):
        await until(server, lambda: "IDLE" in server.log)
    await server.deliver(mail(1), "\\Seen")
    async with reading(server, shelf, places):
        await shelf.holds(1)


async def test_what_was_read_before_we_came_is_not_ours_and_nothing_is_taken_twice(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    await server.deliver(mail(1), "\\Seen")
    await server.deliver(mail(2))
    async with reading(server, shelf, places):
        await shelf.holds(1)
        await until(server, lambda: "IDLE" in server.log)
    async with reading(server, shelf, places):
        await server.deliver(mail(3))
        await shelf.holds(2)
    assert [raw for _, _, raw in shelf.kept] == [mail(2), mail(3)]


async def test_a_mailbox_made_anew_is_looked_through_again(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    async with reading(server, shelf, places):
        await until(server, lambda: "IDLE" in server.log)
    server.validity += 1
    today = next(iter(places.places.values())).since
    await server.deliver(mail(1), "\\Seen", day=today)
    await server.deliver(mail(2), "\\Seen", day="01-Jan-2020")
    async with reading(server, shelf, places):
        await shelf.holds(1)
        await until(server, lambda: "IDLE" in server.log[-1:])
    assert [raw for _, _, raw in shelf.kept] == [mail(1)]
    assert next(iter(places.places.values())).validity == server.validity


async def test_a_mail_for_none_of_ours_is_kept_to_be_set_aside(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    await server.deliver(mail(1, to="nobody@else.example"))
    async with reading(server, shelf, places):
        await shelf.holds(1)
    assert shelf.kept[0][1] == ""


async def test_what_mail_servers_noted_wins_over_what_the_author_wrote(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    await server.deliver(mail(1, to="derm@a.example", more="Delivered-To: derm@b.example\r\n"))
    async with reading(server, shelf, places):
        await shelf.holds(1)
    assert [recipient for _, recipient, _ in shelf.kept] == ["derm@b.example"]


async def test_a_mail_to_two_groups_is_kept_for_each(server: ImapServer, shelf: Shelf, places: Noted) -> None:
    await server.deliver(mail(1, to="derm@a.example, derm@b.example, other@c.example"))
    async with reading(server, shelf, places):
        await shelf.holds(2)
    assert [recipient for _, recipient, _ in shelf.kept] == ["derm@a.example", "derm@b.example"]


async def test_while_we_cannot_say_whose_a_mail_is_it_stays_unread(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    stored = await server.deliver(mail(1, to="perhaps@hopital.example"))
    shelf.verdict = Verdict.TRY_LATER
    async with reading(server, shelf, places):
        await until(server, lambda: server.logins >= 3)
        assert not stored.flags
        shelf.verdict = Verdict.ACCEPT
        await shelf.holds(1)


async def test_a_mail_that_is_too_large_stays_flagged_and_holds_nobody_up(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    large = await server.deliver(mail(1) + b"x" * 20_000)
    await server.deliver(mail(2))
    async with reading(server, shelf, places):
        await shelf.holds(1)
    assert large.flags == {"\\Flagged"}
    assert [raw for _, _, raw in shelf.kept] == [mail(2)]


async def test_a_mail_that_the_server_refuses_to_give_holds_the_others_up_for_a_few_tries_only(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    refused = await server.deliver(mail(1))
    server.refused.add(refused.uid)
    await server.deliver(mail(2))
    async with reading(server, shelf, places):
        await shelf.holds(1)
    assert refused.flags == {"\\Flagged"}


async def test_a_server_that_goes_away_is_tried_again(
    server: ImapServer, shelf: Shelf, places: Noted
) -> None:
    async with reading(server, shelf, places) as reader:
        await until(server, lambda: "IDLE" in server.log)
        assert reader.reachable
        await server.drop()
        await server.deliver(mail(1))
        await shelf.holds(1)
    assert server.logins >= 2


async def test_a_mailbox_elsewhere_is_never_read_in_clear() -> None:
    with pytest.raises(ValueError, match="encrypted"):
        ImapSession(MailboxAccess("imap.example.org", 143, "none", USER, PASSWORD, "INBOX"))


async def test_a_server_without_idle_is_asked(
    shelf: Shelf, places: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.mail.mailbox.POLL_S", 0.05)
    async with imap_server(idles=False) as server, reading(server, shelf, places):
        await until(server, lambda: "NOOP" in server.log)
        await server.deliver(mail(1))
        await shelf.holds(1)
    assert "IDLE" not in server.log
