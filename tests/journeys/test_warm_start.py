"""A service that is started again, with the homeserver as it left it, changes nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.demo.freeport import free_port
from tests.support.clinic import Asked, Clinic, eventually, hospital
from tests.support.counting import CountingProxy
from tests.support.idle import idle

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 3, "cardio": 2}, invite=["cardio"]))
    yield opened
    await opened.close()


async def _life(clinic: Clinic) -> tuple[Asked, Asked]:
    """One question is taken and stands in its owner's space; one waits."""
    taken, waiting = await clinic.ask("derm"), await clinic.ask("cardio")
    owner = clinic.members("derm")[0]
    await owner.say(taken.room_id, "Je regarde.")
    await clinic.sealed(taken, owner)
    await clinic.stack.mailbox.wait_for(
        "marie.dupont@patients.example", matching=lambda mail: "Je regarde" in mail.text
    )

    async def shown() -> bool:
        spaces = (await owner.call("GET", "/v3/sync", timeout="0"))["rooms"].get("invite", {})
        return any("Mes questions" in str(space) for space in spaces.values())

    assert await eventually(shown)
    await idle(clinic)  # what is left to be done is done by the next process, and is no writing of its start
    return taken, waiting


async def test_a_warm_start_of_the_service_writes_nothing_but_its_own_pulse(clinic: Clinic) -> None:
    questions = await _life(clinic)
    await clinic.stack.bridge.stop()
    config = clinic.stack.config
    proxy = CountingProxy(free_port(), clinic.stack.synapse.url)
    await proxy.start()
    config.write_text(config.read_text().replace(clinic.stack.synapse.url, proxy.url))
    try:
        await clinic.stack.bridge.start()

        async def looked_at_every_question() -> bool:
            reads = " ".join(path for method, path in list(proxy.calls) if method == "GET")
            return all(reads.count(one.room_id) >= 2 for one in questions)

        assert await eventually(looked_at_every_question)
        # It pings, and sends an event into a room of its own, so that the homeserver's queue to it moves.
        others = [path for path in proxy.writes() if not path.endswith("/ping")]
        assert 1 <= len(others) <= 2  # once more when the homeserver opens a new connection to it
        assert all("/send/org.colloque.pulse/" in path for path in others)

        asked = await clinic.ask("derm", "Encore moi.")
        assert any(asked.room_id in path for path in proxy.writes())
    finally:
        await clinic.stack.bridge.stop()
        await proxy.stop()
