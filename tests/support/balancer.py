"""One address before several processes: each new connection goes to the next one that answers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools


class Balancer:
    """Forwards TCP connections to local ports in turn."""

    def __init__(self, port: int, targets: list[int]) -> None:
        self._port = port
        self._targets = targets
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.passed: dict[int, int] = dict.fromkeys(targets, 0)

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self._port)

    async def stop(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            for _ in self._targets:
                target = self._targets[next(self._turn) % len(self._targets)]
                with contextlib.suppress(ConnectionError):
                    behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", target)
                    self.passed[target] += 1
                    await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
                    return
        finally:
            self._open.discard(writer)
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
