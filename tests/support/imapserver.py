"""A small IMAP server in process: what mailboxes promise (RFC 3501, 2177), and how they fail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "colloque@hopital.example", "secret"


@dataclass(slots=True)
class Stored:
    """One mail; ``day`` as IMAP writes it."""

    uid: int
    raw: bytes
    flags: set[str] = field(default_factory=set)
    day: str = "25-Nov-2026"


class ImapServer:
    """One account with one folder. ``refused`` are UIDs that it doesn't give; ``log`` what it was asked."""

    def __init__(self, *, idles: bool = True) -> None:
        self.idles = idles
        self.validity = 7
        self.mails: list[Stored] = []
        self.refused: set[int] = set()
        self.log: list[str] = []
        self.port = 0
        self.logins = 0
        self.open = True
        self.before: Callable[[str], None] = lambda command: None
        self._told: dict[asyncio.StreamWriter, int] = {}
        self._changed: set[asyncio.Event] = set()
        self._asked = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def deliver(self, raw: bytes, *flags: str, day: str = "25-Nov-2026") -> Stored:
        """A mail comes in."""
        uid = max((mail.uid for mail in self.mails), default=0) + 1
        mail = Stored(uid, raw, set(flags), day)
        self.mails.append(mail)
        for event in self._changed:
            event.set()
        return mail

    async def asked(self) -> None:
        """Wait until a command was answered."""
        self._asked.clear()
        await self._asked.wait()

    async def drop(self) -> None:
        """End every connection."""
        for writer in tuple(self._writers):
            writer.close()
        for event in self._changed:
            event.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            writer.write(b"* OK ready\r\n")
            while line := (await reader.readline()).decode().rstrip("\r\n"):
                tag, _, command = line.partition(" ")
                self.log.append(command)
                self.before(command)
                if not self.open:
                    break
                await self._answer(tag, command, reader, writer)
                await writer.drain()
                self._asked.set()
        except (ConnectionError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            self._told.pop(writer, None)
            writer.close()

    async def _answer(
        self, tag: str, command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        word, _, rest = command.partition(" ")
        if word == "IDLE":
            await self._idle(tag, reader, writer)
            return
        if word == "SELECT":
            self._told[writer] = len(self.mails)
        handlers: dict[str, Callable[[str], bytes | None]] = {
            "CAPABILITY": self._capability,
            "LOGIN": self._login,
            "SELECT": self._select,
            "UID": self._uid,
            "LOGOUT": lambda _: b"* BYE\r\n",
            "NOOP": lambda _: b"",
        }
        answer = handlers[word](rest)
        ended = b"NO refused" if answer is None else b"OK done"
        writer.write((answer or b"") + tag.encode() + b" " + ended + b"\r\n")

    def _capability(self, _rest: str) -> bytes:
        return b"* CAPABILITY IMAP4rev1" + (b" IDLE" if self.idles else b"") + b"\r\n"

    def _login(self, rest: str) -> bytes | None:
        self.logins += 1
        return b"" if rest == f'"{USER}" "{PASSWORD}"' or rest == f'{USER} "{PASSWORD}"' else None

    def _select(self, _rest: str) -> bytes:
        return f"* {len(self.mails)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n".encode()

    def _uid(self, rest: str) -> bytes | None:
        word, _, rest = rest.partition(" ")
        if word == "SEARCH":
            found = " ".join(str(mail.uid) for mail in self.mails if self._matches(mail, rest))
            return f"* SEARCH {found}\r\n".encode()
        uid, _, rest = rest.partition(" ")
        mail = next((mail for mail in self.mails if mail.uid == int(uid)), None)
        if mail is None:
            return b""
        if word == "STORE":
            mail.flags |= set(re.findall(r"\\\w+", rest))
            return b""
        if "SIZE" in rest:
            return f"* 1 FETCH (UID {uid} RFC822.SIZE {len(mail.raw)})\r\n".encode()
        if mail.uid in self.refused:
            return None
        if "PEEK" not in rest:
            mail.flags.add("\\Seen")
        return f"* 1 FETCH (UID {uid} BODY[] {{{len(mail.raw)}}}\r\n".encode() + mail.raw + b")\r\n"

    def _matches(self, mail: Stored, criteria: str) -> bool:
        if found := re.fullmatch(r"UID (\d+):\*", criteria):
            last = max(mail.uid for mail in self.mails)
            return mail.uid >= min(int(found[1]), last)
        unread = "\\Seen" not in mail.flags
        if found := re.fullmatch(r"OR UNSEEN SINCE (\S+)", criteria):
            return unread or mail.day == found[1]
        assert criteria == "UNSEEN", criteria
        return unread

    async def _idle(self, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+ idling\r\n")
        self._asked.set()
        done = asyncio.create_task(reader.readline())
        changed = asyncio.Event()
        changed.set()
        self._changed.add(changed)
        done.add_done_callback(lambda _: changed.set())
        while not done.done() and not writer.is_closing():
            await changed.wait()
            changed.clear()
            if len(self.mails) != self._told.get(writer, 0) and not done.done():
                self._told[writer] = len(self.mails)
                writer.write(f"* {len(self.mails)} EXISTS\r\n".encode())
        self._changed.discard(changed)
        done.cancel()
        self.log.append("DONE")
        writer.write(f"{tag} OK idle\r\n".encode())


@asynccontextmanager
async def imap_server(*, idles: bool = True) -> AsyncIterator[ImapServer]:
    """One that listens on the loopback interface."""
    server = ImapServer(idles=idles)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.drop()
        await listening.wait_closed()
