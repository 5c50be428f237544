"""Reads mails in a process of its own, limited in time and memory: a mail that breaks it breaks nothing else.

The process is started by the first mail, serves the next ones without starting again, and ends when no
mail has come for a while. It gets no secret of ours, and what it hands back is taken for plain values only.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pickle
import resource
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from bridge.domain.content import Kind
from bridge.mail.parsed import Bounce, Mailbox, ParsedFile, ParsedMail, Problem
from bridge.mail.signed import Signature

_LENGTH = struct.Struct(">Q")
_PLAIN = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (ParsedMail, ParsedFile, Problem, Mailbox, Bounce, Kind)
}
_READY = b"+"
START_WITHIN_S = 60.0
_START = "from bridge.mail.sandbox import serve; serve()"
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "COVERAGE_PROCESS_START")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mail may cost. ``memory`` is address space in bytes, libraries included."""

    cpu_s: int = 20
    wall_s: float = 60.0
    memory: int = 768 * 1024 * 1024
    idle_s: float = 60.0
    mails: int = 500
    """Mails after which a process is replaced, so that what libraries leak is bounded."""
    large: int = 4 * 1024 * 1024
    """Bytes of a mail after which the process is replaced, since it keeps the memory that it took."""
    at_once: int = 2


class ParserDied(Exception):
    """Reading a mail took more than its share, or broke the process that read it."""


class Sandbox:
    """A few processes that read mails, started when needed."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._resting: list[_Child] = []
        self._slots = asyncio.Semaphore(self.limits.at_once)
        self._closed = False

    async def parse(self, raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
        """Read a mail. Raises :class:`ParserDied`."""
        mail = await self._call("parse", raw, domain, report_expected, size=len(raw))
        if not isinstance(mail, ParsedMail):
            raise ParserDied("no mail")
        return mail

    async def verify(self, raw: bytes, wanted: Sequence[Signature], records: dict[str, str]) -> bool:
        """Whether one of these signatures is right. Raises :class:`ParserDied`."""
        asked = [(signature.index, signature.record) for signature in wanted]
        return await self._call("verify", raw, asked, records, size=len(raw)) is True

    async def clean(self, raw: bytes) -> ParsedFile | None:
        """A photo without its metadata, ``None`` if it isn't one that we can open. Raises
        :class:`ParserDied`.
        """
        photo = await self._call("clean", raw, size=len(raw))
        return photo if isinstance(photo, ParsedFile) else None

    async def _call(self, *request: Any, size: int) -> Any:
        async with self._slots:
            child = self._resting.pop() if self._resting else await _Child.start(self.limits)
            try:
                answer = await asyncio.wait_for(child.ask(request), self.limits.wall_s)
            except (TimeoutError, OSError, EOFError, pickle.UnpicklingError, ValueError) as error:
                await child.kill()
                raise ParserDied(type(error).__name__) from None
            except BaseException:
                await child.kill()
                raise
            if self._closed or child.served >= self.limits.mails or size > self.limits.large:
                await child.kill()
            else:
                self._resting.append(child)
                child.rest(self.limits.idle_s, self._resting)
        if isinstance(answer, tuple) and answer[:1] == ("failed",):
            raise ParserDied(str(answer[1])[:80])
        return answer

    async def close(self) -> None:
        """End the processes."""
        self._closed = True
        while self._resting:
            await self._resting.pop().kill()


class _Child:
    """One such process, as seen from ours."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._idle: asyncio.Task[None] | None = None
        self.served = 0

    @classmethod
    async def start(cls, limits: Limits) -> _Child:
        """Start one, and wait until it is ready. Raises :class:`ParserDied` or :class:`OSError`."""
        place = str(Path(__file__).parents[2])
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-B",
            "-c",
            _START,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment | {"PYTHONPATH": place, "COLLOQUE_LIMITS": f"{limits.cpu_s} {limits.memory}"},
        )
        child = cls(process)
        assert process.stdout is not None
        try:
            await asyncio.wait_for(process.stdout.readexactly(len(_READY)), START_WITHIN_S)
        except (TimeoutError, EOFError) as error:
            await child.kill()
            raise ParserDied(type(error).__name__) from None
        except BaseException:
            await child.kill()
            raise
        return child

    async def ask(self, request: tuple[Any, ...]) -> Any:
        """Send a request and wait for the answer. Raises :class:`EOFError` when the process ended."""
        if self._idle is not None:
            self._idle.cancel()
        writer, reader = self._process.stdin, self._process.stdout
        assert writer is not None
        assert reader is not None
        message = pickle.dumps(request, protocol=5)
        writer.write(_LENGTH.pack(len(message)))
        writer.write(message)
        await writer.drain()
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        self.served += 1
        return _plain(await reader.readexactly(length))

    def rest(self, seconds: float, resting: list[_Child]) -> None:
        """End by itself unless there is something to do soon."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            if self in resting:
                resting.remove(self)
                self._idle = None
                await self.kill()

        self._idle = asyncio.create_task(wait(), name="parser rests")

    async def kill(self) -> None:
        """End at once."""
        if self._idle is not None:
            self._idle.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()


class _Reader(pickle.Unpickler):
    """Makes plain values only, since a mail may have taken over the process that they come from."""

    def find_class(self, module: str, name: str) -> Any:
        found = _PLAIN.get((module, name))
        if found is None:
            raise pickle.UnpicklingError("not a plain value")
        return found


def _plain(message: bytes) -> Any:
    return _Reader(io.BytesIO(message)).load()


# --- in the process ---------------------------------------------------------------------------------


def serve() -> None:
    """Answer requests from stdin until it ends."""
    cpu_s, memory = (int(value) for value in os.environ["COLLOQUE_LIMITS"].split())
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    answer = _answerer()
    _limit(memory)
    answers.write(_READY)
    answers.flush()
    while (request := _read(requests)) is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + cpu_s, resource.RLIM_INFINITY)
        )
        try:
            message = pickle.dumps(answer(request), protocol=5)
        except Exception as error:  # MemoryError, say: told, not died of
            message = pickle.dumps(("failed", type(error).__name__), protocol=5)
        answers.write(_LENGTH.pack(len(message)))
        answers.write(message)
        answers.flush()


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))


def _read(requests: BinaryIO) -> Any:
    head = requests.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    return pickle.loads(requests.read(_LENGTH.unpack(head)[0]))  # noqa: S301 - from our own process


def _answerer() -> Any:
    from bridge.mail.parse import parse_mail
    from bridge.mail.photos import clean_photo
    from bridge.mail.signed import verify

    def cleaned(raw: bytes) -> ParsedFile | None:
        photo = clean_photo(raw)
        if photo is None:
            return None
        name = f"photo.{photo.extension}"
        return ParsedFile(Kind.IMAGE, name, photo.mimetype, photo.content, photo.width, photo.height)

    def answer(request: tuple[Any, ...]) -> object:
        if request[0] == "parse":
            return parse_mail(request[1], request[2], report_expected=request[3])
        if request[0] == "clean":
            return cleaned(request[1])
        _, raw, asked, records = request
        return verify(raw, [Signature(*each) for each in asked], records)

    return answer
