"""What was sent is found again, also when the homeserver that took it was killed and doesn't show it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.demo.homeserver import LocalSynapse
from bridge.domain import effects as fx
from bridge.flow.timelines import Timelines
from bridge.matrix.client import MatrixClient
from bridge.matrix.outlet import Outlet, Place
from bridge.matrix.replay import SAID, Replaying
from bridge.matrix.rooms import words
from bridge.storage import inbox
from bridge.storage.database import Database
from bridge.utc import SystemClock
from tests.matrix.conftest import DOMAIN, TOKEN, write_registration
from tests.support.gap import leave_a_gap
from tests.support.memory import MemoryNames, Try


@dataclass
class Killed:
    """A homeserver to be killed, and a bot on it."""

    synapse: LocalSynapse
    outlet: Outlet
    names: MemoryNames

    async def kill(self) -> None:
        """Kill it when it had the last event, and not yet the one that it numbered before, and start it."""
        await self.synapse.kill()
        assert leave_a_gap(self.synapse.directory / "homeserver.db")
        await self.synapse.start()

    async def said(self, room_id: str) -> list[str]:
        events, _ = await self.outlet.homeserver.messages(room_id, direction="f", limit=100)
        return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


@pytest.fixture
async def killed(tmp_path: Path) -> AsyncIterator[Killed]:
    registration = tmp_path / "registration.yaml"
    write_registration(registration)
    synapse = LocalSynapse(tmp_path / "synapse", domain=DOMAIN, registration=registration)
    await synapse.start()
    client = MatrixClient(url=synapse.url, domain=DOMAIN, as_token=TOKEN, bot="t1bot", service_id="tests")
    await client.start()
    await client.register("t1bot")
    names = MemoryNames()
    yield Killed(synapse, Outlet(client, names, Place(client.bot_id, DOMAIN, "t1_", "12")), names)
    await client.close()
    await synapse.stop()


async def test_a_message_that_the_homeserver_does_not_show_yet_is_not_sent_twice(killed: Killed) -> None:
    room_id = await killed.outlet.homeserver.create_room({"preset": "private_chat"})
    first = await killed.outlet.send(room_id, words("Bonjour"), key="k", doubtful=False)
    await killed.kill()
    assert await killed.outlet.send(room_id, words("Bonjour"), key="k", doubtful=True) == first
    assert await killed.said(room_id) == ["Bonjour"]


async def test_a_room_that_is_compared_tells_what_the_homeserver_does_not_show_yet(
    killed: Killed, tmp_path: Path
) -> None:
    homeserver, doctor = killed.outlet.homeserver, f"@t2_dr:{DOMAIN}"
    await homeserver.register("t2_dr")
    room_id = await homeserver.create_room({"preset": "private_chat", "invite": [doctor]})
    await homeserver.join(room_id, as_user=doctor)
    said = await homeserver.send(room_id, "m.room.message", words("Bonjour"), txn_id="1", as_user=doctor)
    await killed.kill()
    database, place = Database(f"sqlite:///{tmp_path}/colloque.db"), killed.outlet.place
    await database.migrate()
    ours = (f"@{place.namespace}", f":{DOMAIN}")
    timelines = Timelines(database, homeserver, killed.names, SystemClock(), place.bot, ours)
    assert await timelines.compare(room_id)
    found = await database.read(lambda connection: inbox.by_key(connection, f"matrix:{said}"))
    await database.close()
    assert found is not None


async def test_what_was_posted_again_before_the_homeserver_died_is_not_posted_twice(killed: Killed) -> None:
    homeserver = killed.outlet.homeserver
    former, room_id = [await homeserver.create_room({"preset": "private_chat"}) for _ in range(2)]
    await killed.outlet.send(former, words("À demain.") | {SAID: {}}, key="s", doubtful=False)
    effect = _replay(killed, room_id, former)
    await Replaying(killed.outlet).replay(Try(effect), effect)
    await killed.kill()
    await Replaying(killed.outlet).replay(Try(effect, started=True), effect)
    assert await killed.said(room_id) == ["À demain."]


async def test_what_the_homeserver_does_not_show_yet_is_posted_again(killed: Killed) -> None:
    homeserver = killed.outlet.homeserver
    former, room_id = [await homeserver.create_room({"preset": "private_chat"}) for _ in range(2)]
    await killed.outlet.send(former, words("À demain.") | {SAID: {}}, key="s", doubtful=False)
    await killed.kill()
    effect = _replay(killed, room_id, former)
    await Replaying(killed.outlet).replay(Try(effect), effect)
    assert await killed.said(room_id) == ["À demain."]


def _replay(killed: Killed, room_id: str, former: str) -> fx.Replay:
    killed.names.rooms = {"question:q": room_id, "former:q:1": former}
    killed.names.results = {"q:ghost": {"event_id": "$joined"}}
    return fx.Replay("r", "q", "q", "former:q:1", "t1_p", "Anne", "fr", "UTC", asked=True, talked=True)
