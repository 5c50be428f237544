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
        self.holding: asyncio.Event | None = None
        self.held_until: asyncio.Event | None = None

    async def check(self, recipient: str) -> Verdict:
        if self.check_broken:
            raise RuntimeError("secret detail")
        return Verdict.ACCEPT if recipient.startswith("derm") else Verdict.UNKNOWN

    async def keep(self, *, sender: str, recipient: str, raw: bytes) -> None:
        if self.holding and self.held_until:
            self.holding.set()
            await self.held_until.wait()
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
        await _reply(reader)
        writer.write(line + b"\r\n")
    assert (await _reply(reader)).startswith(b"354")
    writer.write(MAIL)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await _send(listener.port)  # by when it is answered, the loop has long seen the other end
    assert len(shelf.kept) == 1


async def test_a_line_longer_than_the_rfc_allows_is_kept(client: aiosmtplib.SMTP, shelf: Shelf) -> None:
    long = MAIL + b"x" * 5_000 + b"\r\n"
    await client.sendmail("m@p.example", ["derm@h.example"], long)
    assert shelf.kept[0][2] == long


async def test_when_one_of_several_recipients_fails_the_whole_mail_comes_again(
    client: aiosmtplib.SMTP, shelf: Shelf
) -> None:
    shelf.broken_for = {"derm2@h.example"}
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await client.sendmail("m@p.example", ["derm1@h.example", "derm2@h.example"], MAIL)
    assert refused.value.code == 451


async def test_more_mails_at_once_than_memory_allows_come_again(
    listener: MailListener, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.mail.listener.AT_ONCE", 1)
    held, shelf.held_until = asyncio.Event(), asyncio.Event()
    shelf.holding = held
    first = asyncio.create_task(_send(listener.port))
    await asyncio.wait_for(held.wait(), 30)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await _send(listener.port)
    assert refused.value.code == 451
    shelf.held_until.set()
    await first
    await _send(listener.port)
    assert len(shelf.kept) == 2


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """The last line of one reply."""
    while (line := await asyncio.wait_for(reader.readline(), 30))[3:4] == b"-":
        pass
    return line


async def _send(port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.sendmail("m@p.example", ["derm@h.example"], MAIL)


def _lmtp(port: int, recipients: list[str], raw: bytes) -> list[int]:
    """Deliver by hand, and read as many replies as there are recipients (RFC 2033, 4.2)."""
    client = smtplib.LMTP("127.0.0.1", port, timeout=30)
    client.ehlo_or_helo_if_needed()
    client.mail("m@p.example")
    for recipient in recipients:
        client.rcpt(recipient)
    client.putcmd("data")
    client.getreply()
    client.send(raw + b".\r\n")
    codes = [client.getreply()[0] for _ in recipients]
    assert client.noop()[0] == 250  # nothing more was answered
    client.close()
    return codes


@pytest.fixture
async def lmtp(shelf: Shelf) -> AsyncIterator[MailListener]:
    opened = MailListener(shelf, host="127.0.0.1", port=0, lmtp=True, max_size=200_000)
    await opened.start()
    yield opened
    await opened.stop()


PIPELINED = (
    b"MAIL FROM:<m@p.example>\r\nRCPT TO:<nobody@h.example>\r\nRCPT TO:<derm@h.example>\r\n"
    b"RCPT TO:<derm2@h.example>\r\nDATA\r\n"
)


async def _replies(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    async with asyncio.timeout(30):
        return [(await reader.readline())[:3] for _ in range(count)]


async def _greeted(listener: MailListener, hello: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    await reader.readline()
    writer.write(hello + b" mx.example\r\n")
    lines = [await reader.readline()]
    while lines[-1][3:4] == b"-":
        lines.append(await reader.readline())
    assert b"250-PIPELINING\r\n" in lines
    return reader, writer


async def test_an_envelope_may_come_in_one_go(listener: MailListener, shelf: Shelf) -> None:
    reader, writer = await _greeted(listener, b"EHLO")
    writer.write(PIPELINED)
    assert await _replies(reader, 5) == [b"250", b"550", b"250", b"250", b"354"]
    writer.write(MAIL + b".\r\n" + PIPELINED)
    assert await _replies(reader, 6) == [b"250", b"250", b"550", b"250", b"250", b"354"]
    writer.write(MAIL + b".\r\nQUIT\r\n")
    assert await _replies(reader, 2) == [b"250", b"221"]
    writer.close()
    assert [recipient for _, recipient, _ in shelf.kept] == ["derm@h.example", "derm2@h.example"] * 2


async def test_an_envelope_in_one_go_that_nobody_gets_is_refused(
    listener: MailListener, shelf: Shelf
) -> None:
    reader, writer = await _greeted(listener, b"EHLO")
    writer.write(b"MAIL FROM:<m@p.example>\r\nRCPT TO:<nobody@h.example>\r\nDATA\r\nQUIT\r\n")
    assert await _replies(reader, 4) == [b"250", b"550", b"503", b"221"]
    writer.close()
    assert shelf.kept == []


async def test_lmtp_takes_an_envelope_in_one_go(lmtp: MailListener, shelf: Shelf) -> None:
    reader, writer = await _greeted(lmtp, b"LHLO")
    writer.write(PIPELINED)
    assert await _replies(reader, 5) == [b"250", b"550", b"250", b"250", b"354"]
    writer.write(MAIL + b".\r\nQUIT\r\n")
    assert await _replies(reader, 3) == [b"250", b"250", b"221"]
    writer.close()
    assert len(shelf.kept) == 2


async def test_lmtp_answers_for_each_recipient(lmtp: MailListener, shelf: Shelf) -> None:
    shelf.broken_for = {"derm2@h.example"}
    codes = await asyncio.to_thread(_lmtp, lmtp.port, ["derm1@h.example", "derm2@h.example"], MAIL)
    assert codes == [250, 451]
    assert [recipient for _, recipient, _ in shelf.kept] == ["derm1@h.example"]


async def test_lmtp_refuses_what_is_too_large_for_each_recipient(lmtp: MailListener, shelf: Shelf) -> None:
    raw = MAIL + b"x" * 300_000 + b"\r\n"
    codes = await asyncio.to_thread(_lmtp, lmtp.port, ["derm1@h.example", "derm2@h.example"], raw)
    assert codes == [552, 552]
    assert shelf.kept == []
