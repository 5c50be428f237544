"""Deleting a room for good: a homeserver that fails at it once is asked again, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bridge.demo.freeport import free_port
from bridge.matrix import synapse as module
from bridge.matrix.synapse import TRIES, SynapseAdmin
from bridge.ports import Temporary

ROOM = "!room:h.example"


class Deletions:
    """The two calls of a homeserver that ends its deletions so, one after the other."""

    def __init__(self) -> None:
        self.ends: list[str] = []
        self.begun = 0

    async def begin(self, _request: web.Request) -> web.Response:
        self.begun += 1
        return web.json_response({"delete_id": str(self.begun)})

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": self.ends.pop(0)})


@pytest.fixture
def deletions() -> Deletions:
    return Deletions()


@pytest.fixture
async def admin(deletions: Deletions, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SynapseAdmin]:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    app = web.Application()
    app.router.add_delete("/_synapse/admin/v2/rooms/{room}", deletions.begin)
    app.router.add_get("/_synapse/admin/v2/rooms/delete_status/{id}", deletions.status)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    admin = SynapseAdmin(f"http://127.0.0.1:{port}", "token")
    await admin.start()
    yield admin
    await admin.close()
    await runner.cleanup()


async def test_a_deletion_that_failed_is_tried_again(admin: SynapseAdmin, deletions: Deletions) -> None:
    deletions.ends = ["active", "failed", "active", "complete"]
    await admin.delete_room(ROOM)
    assert (deletions.begun, deletions.ends) == (2, [])


async def test_one_that_always_fails_is_told(admin: SynapseAdmin, deletions: Deletions) -> None:
    deletions.ends = ["failed"] * TRIES
    with pytest.raises(Temporary, match="could not delete a room"):
        await admin.delete_room(ROOM)
    assert deletions.begun == TRIES
