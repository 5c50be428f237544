"""The way in for mail, spoken to by a real SMTP client."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator

import aiosmtplib
import pytest

from bridge.mail.listener import MailListener, Verdict

MAIL = b"From: m@p.example\r\nSubject: x\r\n\r\nbonjour\r\n"


class Shelf:
    """A sink that can be told to fail."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str, bytes]] = []
        self.broken_for: set[str] = set()
        self.check_broken = False

    async def check(self, recipient: str) -> Verdict:
        if self.check_broken:
            raise RuntimeError("secret detail")
        return Verdict.ACCEPT if recipient.startswith("derm") else Verdict.UNKNOWN

    async def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        if recipient in self.broken_for:
            raise RuntimeError("secret detail")
        self.kept.append((sender, recipient, raw))


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def listener(shelf: Shelf) -> AsyncIterator[MailListener]:
    opened = MailListener(shelf, host="127.0.0.1", port=0, max_size=200_000)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def client(listener: MailListener) -> AsyncIterator[aiosmtplib.SMTP]:
    opened = aiosmtplib.SMTP(hostname="127.0.0.1", port=listener.port, start_tls=False)
    await opened.connect()
    yield opened
    opened.close()


async def test_a_mail_is_kept_with_its_envelope_and_its_bytes(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    await client.sendmail("m@p.example", ["derm@h.example"], MAIL)
    assert shelf.kept == [("m@p.example", "derm@h.example", MAIL)]


async def test_ten_mails_on_one_connection_are_ten_mails(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    for _ in range(10):
        await client.sendmail("m@p.example", ["derm@h.example"], MAIL)
    assert len(shelf.kept) == 10


async def test_the_null_sender_is_taken(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    await client.sendmail("", ["derm@h.example"], MAIL)
    assert shelf.kept[0][0] == ""


async def test_an_unknown_recipient_is_refused_for_good_at_rcpt(
    client: aiosmtplib.SMTP, shelf: Shelf
) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await client.sendmail("m@p.example", ["nobody@h.example"], MAIL)
    assert refused.value.recipients[0].code == 550
    assert shelf.kept == []


async def test_when_nothing_can_be_looked_up_the_sender_comes_again(
    client: aiosmtplib.SMTP, shelf: Shelf
) -> None:
    shelf.check_broken = True
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await client.sendmail("m@p.example", ["derm@h.example"], MAIL)
    assert refused.value.recipients[0].code == 451
    assert "secret" not in refused.value.recipients[0].message


async def test_when_it_cannot_be_kept_the_sender_comes_again(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    shelf.broken_for = {"derm@h.example"}
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await client.sendmail("m@p.example", ["derm@h.example"], MAIL)
    assert refused.value.code == 451
    assert "secret" not in refused.value.message


async def test_a_mail_over_the_limit_is_refused_for_good(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    with pytest.raises(aiosmtplib.SMTPException) as refused:
        await client.sendmail("m@p.example", ["derm@h.example"], MAIL + b"x" * 300_000)
    assert getattr(refused.value, "code", 0) == 552
    assert shelf.kept == []


async def test_a_size_announced_over_the_limit_is_refused_at_once(client: aiosmtplib.SMTP) -> None:
    await client.ehlo()
    with pytest.raises(aiosmtplib.SMTPSenderRefused) as refused:
        await client.mail("m@p.example", options=["SIZE=999999"])
    assert refused.value.code == 552


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(
    listener: MailListener, shelf: Shelf
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    for line in (b"EHLO x", b"MAIL FROM:<m@p.example>", b"RCPT TO:<derm@h.example>", b"DATA"):
        await reader.readline()
        writer.write(line + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)
    writer.write(MAIL)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.05)
    assert shelf.kept == []


async def test_lmtp_answers_for_each_recipient(shelf: Shelf) -> None:
    shelf.broken_for = {"derm2@h.example"}
    listener = MailListener(shelf, host="127.0.0.1", port=0, lmtp=True)
    await listener.start()

    def deliver() -> list[bytes]:
        client = smtplib.LMTP("127.0.0.1", listener.port)
        client.ehlo_or_helo_if_needed()
        client.mail("m@p.example")
        client.rcpt("derm1@h.example")
        client.rcpt("derm2@h.example")
        client.putcmd("data")
        client.getreply()
        client.send(MAIL + b".\r\n")
        replies = [client.getreply(), client.getreply()]
        client.close()
        return [str(code).encode() for code, _ in replies]

    assert await asyncio.to_thread(deliver) == [b"250", b"451"]
    assert [recipient for _, recipient, _ in shelf.kept] == ["derm1@h.example"]
    await listener.stop()
