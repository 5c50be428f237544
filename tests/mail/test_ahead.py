"""Mails that are read while they are still being committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.mail import ahead as module
from bridge.mail.ahead import AT_ONCE, LARGEST, Ahead
from bridge.mail.parsed import ParsedMail
from bridge.mail.sandbox import ParserDied, Sandbox

DOMAIN = "reponse.test"
TOKEN = "abcdefghijklmnopqrstuvwx"
TO = f"q+{TOKEN}@{DOMAIN}"
BOUNCE = f"bounce+{TOKEN}@{DOMAIN}"


def _mail(words: str) -> bytes:
    return f"From: Marie <marie@patients.example>\r\nSubject: x\r\n\r\n{words}\r\n".encode()


class Counting(Sandbox):
    """Counts what it reads; ``broken`` dies of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[bytes, bool]] = []
        self.broken = False

    async def parse(self, raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
        self.read.append((raw, report_expected))
        if self.broken:
            raise ParserDied("hostile")
        return await super().parse(raw, domain, report_expected=report_expected)


@pytest.fixture
async def sandbox() -> AsyncIterator[Counting]:
    sandbox = Counting()
    yield sandbox
    await sandbox.close()


async def test_what_was_begun_is_not_read_again(sandbox: Counting) -> None:
    ahead = Ahead(sandbox, DOMAIN)
    ahead.begin(_mail("Bonjour"), TO)
    assert (await ahead(_mail("Bonjour"), DOMAIN)).reply == "Bonjour"
    assert sandbox.read == [(_mail("Bonjour"), False)]
    assert (await ahead(_mail("Bonjour"), DOMAIN)).reply == "Bonjour"  # decided again, say
    assert len(sandbox.read) == 2


async def test_only_the_very_same_bytes_are_found(sandbox: Counting) -> None:
    ahead = Ahead(sandbox, DOMAIN)
    ahead.begin(_mail("Non"), TO)
    assert (await ahead(_mail("Oui"), DOMAIN)).reply == "Oui"


async def test_a_report_is_read_as_one(sandbox: Counting) -> None:
    ahead = Ahead(sandbox, DOMAIN)
    ahead.begin(_mail("Bonjour"), BOUNCE)
    await ahead(_mail("Bonjour"), DOMAIN, report_expected=True)
    assert sandbox.read == [(_mail("Bonjour"), True)]


async def test_large_mails_and_floods_are_read_when_it_is_their_turn(sandbox: Counting) -> None:
    ahead = Ahead(sandbox, DOMAIN)
    ahead.begin(_mail("x" * LARGEST), TO)
    for number in range(AT_ONCE + 3):
        ahead.begin(_mail(str(number)), TO)
    for _ in range(3):
        await asyncio.sleep(0)
    assert [raw for raw, _ in sandbox.read] == [_mail(str(number)) for number in range(AT_ONCE)]
    replies = [(await ahead(_mail(str(number)), DOMAIN)).reply for number in range(AT_ONCE + 3)]
    assert replies == [str(number) for number in range(AT_ONCE + 3)]


async def test_what_nobody_asks_for_is_forgotten(sandbox: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.05)
    ahead = Ahead(sandbox, DOMAIN)
    for number in range(AT_ONCE):
        ahead.begin(_mail(str(number)), TO)
    await asyncio.sleep(0.1)
    monkeypatch.setattr(module, "KEPT_S", 60)
    ahead.begin(_mail("next"), TO)
    await ahead(_mail("next"), DOMAIN)
    assert len(sandbox.read) == AT_ONCE + 1


async def test_what_breaks_the_reader_is_told_to_whoever_asks_and_to_nobody_else(sandbox: Counting) -> None:
    ahead = Ahead(sandbox, DOMAIN)
    sandbox.broken = True
    ahead.begin(_mail("hostile"), TO)
    ahead.begin(_mail("never asked for"), TO)
    with pytest.raises(ParserDied):
        await ahead(_mail("hostile"), DOMAIN)
    sandbox.broken = False
    assert (await ahead(_mail("hostile"), DOMAIN)).reply == "hostile"
