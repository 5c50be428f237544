"""When a bridge has done all that followed from what happened so far, marks and numbers too."""

from __future__ import annotations

import re

import aiohttp

from tests.support.clinic import Clinic, eventually
from tests.support.ward import port_of

WAITS = re.compile(r"^colloque_(?:inbox|outbox)_pending(?:{[^}]*})? (\S+)$", re.MULTILINE)


async def idle(clinic: Clinic) -> None:
    """Wait until nothing is left to be decided or to be performed."""
    url = f"http://127.0.0.1:{port_of(clinic.stack.config.read_text(), 'web')}/metrics"

    async def nothing_waits() -> bool:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            found = WAITS.findall(await response.text())
        assert len(found) > 1, "the names of these numbers have changed"
        return not any(float(number) for number in found)

    assert await eventually(nothing_waits)
