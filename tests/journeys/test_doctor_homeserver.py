"""A Synapse that is badly set up: the doctor names each fault, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bridge.config import load_without_tokens
from bridge.demo.freeport import free_port
from bridge.demo.homeserver import LocalSynapse
from bridge.demo.hospital import Ports, write_configuration
from bridge.registration import registration
from tests.support.clinic import DOMAIN, hospital

pytestmark = pytest.mark.timeout(480)
SLOW = {"per_second": 0.2, "burst_count": 3}


@dataclass
class Badly:
    """A configuration, and a homeserver that need not fit to it."""

    config: Path
    ports: Ports
    port: int
    synapse: LocalSynapse | None = None

    async def set_up(self, settings: Mapping[str, Any], **changes: Any) -> None:
        """Start a homeserver with these settings, and a registration changed after ours was written."""
        await self.stop()
        right = registration(load_without_tokens(self.config).config)
        _write(self.config.with_name("registration.yaml"), right)
        installed = self.config.with_name("installed.yaml")
        _write(installed, right | changes)
        self.synapse = LocalSynapse(
            self.config.parent / "synapse",
            domain=DOMAIN,
            port=self.port,
            registration=installed,
            settings=dict(settings),
        )
        await self.synapse.start()

    async def stop(self) -> None:
        if self.synapse is not None:
            await self.synapse.stop()

    async def found(self) -> dict[str, dict[str, Any]]:
        """What the doctor says of the homeserver, by check."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "doctor", "-c", str(self.config), "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert process.returncode == 1
        return {one["check"]: one for one in json.loads(output)["checks"]}


def _write(file: Path, content: Mapping[str, Any]) -> None:
    with file.open("w") as out:
        YAML().dump(dict(content), out)


@pytest.fixture
async def badly(tmp_path: Path) -> AsyncIterator[Badly]:
    ports, port = Ports(free_port(), free_port(), free_port()), free_port()
    config = write_configuration(
        tmp_path,
        homeserver_url=f"http://127.0.0.1:{port}",
        ports=ports,
        hospital=hospital({"derm": 2}),
    )
    opened = Badly(config, ports, port)
    yield opened
    await opened.stop()


async def test_every_option_that_is_not_as_it_must_be_is_named_with_its_remedy(badly: Badly) -> None:
    await badly.set_up(
        {
            "forget_rooms_on_leave": False,
            "max_upload_size": "1M",
            "encryption_enabled_by_default_for_room_type": "all",
            "rc_message": SLOW,
        },
        rate_limited=True,
        hs_token="not the one that the service knows",
    )
    found = await badly.found()
    states = {check: one["state"] for check, one in found.items()}
    for check, state, remedy in (
        ("ping", "wrong", "hs_token"),
        ("upload size", "advice", "max_upload_size: "),
        ("encryption", "wrong", "encryption_enabled_by_default_for_room_type: off"),
        ("rate limits", "wrong", "rate_limited: false"),
        ("forget_rooms_on_leave", "advice", "forget_rooms_on_leave: true"),
        ("accounts", "advice", "create their accounts"),
    ):
        assert (states[check], remedy in found[check]["remedy"]) == (state, True), found[check]
    assert {
        check for check in ("homeserver", "clock", "token", "room version", "rooms") if states[check] != "ok"
    } == set()


async def test_a_registration_that_leads_nowhere_or_is_another_services_is_told_apart(badly: Badly) -> None:
    await badly.set_up({}, url=None)
    assert "has no url" in (await badly.found())["ping"]["remedy"]
    await badly.set_up({}, url=f"http://127.0.0.1:{free_port()}")
    assert f"expected: http://127.0.0.1:{badly.ports.web}" in (await badly.found())["ping"]["remedy"]
    others = {"users": [{"exclusive": True, "regex": "@other_.*"}], "aliases": [], "rooms": []}
    await badly.set_up({}, namespaces=others)
    found = await badly.found()
    assert found["token"]["state"] == "wrong"
    assert "namespaces" in found["token"]["remedy"]
    assert "app_service_config_files" in found["token"]["remedy"]
