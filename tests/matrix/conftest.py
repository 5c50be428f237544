"""One real homeserver per worker with an application service registered; nobody listens for it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.demo.homeserver import LocalSynapse
from bridge.matrix.client import MatrixClient

DOMAIN = "hopital.example"
TOKEN = "as-token-of-the-tests"
ACTING_TOKEN = "as-token-to-act-as-people"
NUMBERS = itertools.count()


@pytest.fixture(scope="session")
async def synapse(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalSynapse]:
    directory = tmp_path_factory.mktemp("synapse")
    registration = directory / "registration.yaml"
    write_registration(registration)
    acting = directory / "acting.yaml"
    _write_acting(acting)
    opened = LocalSynapse(directory, domain=DOMAIN, registration=registration, acting=acting)
    await opened.start()
    yield opened
    await opened.stop()


def write_registration(file: Path) -> None:
    users = [{"exclusive": True, "regex": "@(t[0-9]+_.*|t[0-9]+bot):.*"}]
    content = {
        "id": "tests",
        "url": None,
        "as_token": TOKEN,
        "hs_token": "hs",
        "sender_localpart": "t0_service",
        "namespaces": {"users": users, "aliases": [{"exclusive": False, "regex": "#.*"}], "rooms": []},
        "rate_limited": False,
    }
    with file.open("w") as out:
        YAML().dump(content, out)


def _write_acting(file: Path) -> None:
    """The second registration, over the people whose names begin with a p."""
    content = {
        "id": "acting",
        "url": None,
        "as_token": ACTING_TOKEN,
        "hs_token": "hs-acting",
        "sender_localpart": "t0_acting",
        "namespaces": {"users": [{"exclusive": False, "regex": "@p.*:.*"}], "aliases": [], "rooms": []},
        "rate_limited": False,
    }
    with file.open("w") as out:
        YAML().dump(content, out)


@pytest.fixture
async def client(synapse: LocalSynapse) -> AsyncIterator[MatrixClient]:
    """A bot of its own for each test."""
    number = next(NUMBERS)
    opened = MatrixClient(
        url=synapse.url, domain=DOMAIN, as_token=TOKEN, bot=f"t{number}bot", service_id="tests"
    )
    await opened.start()
    await opened.register(f"t{number}bot")
    yield opened
    await opened.close()


@pytest.fixture
def namespace(client: MatrixClient) -> str:
    """What this test's ghosts and aliases begin with."""
    return client.bot_id[1:].partition("bot")[0] + "_"
