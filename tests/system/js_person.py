"""A practitioner whose client is made of matrix-js-sdk, as Element is; a process of its own, in Node."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from bridge.demo.homeserver import die_with_parent

JS = Path(__file__).parent / "js"
WITHIN_S = 60.0


class Denied(Exception):
    """The client could not; its text is the homeserver's error code, or what the client says."""


class JsPerson:
    """One logged-in client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)

    @classmethod
    async def log_in(cls, url: str, user_id: str, password: str) -> JsPerson:
        """Start the client, and wait until it has read what there is."""
        node = shutil.which("node")
        assert node, "this part of the suite needs nodejs and npm (.ci/run installs them)"
        assert (JS / "node_modules").is_dir(), "run `make test-system`, which installs the client"
        process = await asyncio.create_subprocess_exec(
            *(node, str(JS / "client.mjs"), url, user_id, password),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**22,
            preexec_fn=die_with_parent,
        )
        person = cls(process)
        await person._answer(0)
        return person

    async def close(self) -> None:
        """Log out and end it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with asyncio.timeout(WITHIN_S):
            await self._process.wait()

    async def do(self, order: str, **values: str) -> Any:
        """Have the client do something. Raises :class:`Denied`."""
        number = next(self._numbers)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "do": order, **values}).encode() + b"\n")
        return await self._answer(number)

    async def _answer(self, number: int) -> Any:
        assert self._process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            line = await self._process.stdout.readline()
        assert line, "the client ended; what it said is above"
        answer = json.loads(line)
        assert answer["id"] == number
        if "error" in answer:
            raise Denied(answer["error"])
        return answer.get("is")
