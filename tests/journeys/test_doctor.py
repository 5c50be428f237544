"""The doctor looks at a real hospital: everything is right, or it says what to do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from bridge.ports import Json
from tests.support.clinic import Clinic

pytestmark = pytest.mark.timeout(360)

CHECKS = {
    "configuration",
    "homeserver",
    "clock",
    "token",
    "ping",
    "room version",
    "upload size",
    "rooms",
    "encryption",
    "rate limits",
    "forget_rooms_on_leave",
    "accounts",
    "database",
    "disk",
    "smtp",
    "listener",
    "dns",
}


async def _doctor(config: Path, *options: str, **environ: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "doctor", "-c", str(config), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environ},
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def _wrong(config: Path, **environ: str) -> dict[str, Json]:
    """What the doctor finds wrong, by check."""
    code, output = await _doctor(config, "--json", **environ)
    found = json.loads(output)
    assert code == 1
    assert not found["ok"]
    return {one["check"]: one for one in found["checks"] if not one["ok"]}


def _changed(clinic: Clinic, name: str, old: str, new: str) -> Path:
    """A configuration beside the clinic's, with this change."""
    text = clinic.stack.config.read_text()
    config = clinic.stack.config.with_name(name)
    config.write_text(re.sub(old, new, text, count=1))
    assert config.read_text() != text
    return config


async def test_the_doctor_finds_a_running_hospital_right_in_every_line(clinic: Clinic) -> None:
    code, output = await _doctor(clinic.stack.config, "--json")
    found = json.loads(output)
    assert code == 0, output
    assert found["ok"]
    assert {one["check"] for one in found["checks"]} == CHECKS
    assert {one["check"] for one in found["checks"] if one["state"] == "advice"} <= {"dns"}
    code, lines = await _doctor(clinic.stack.config)
    assert code == 0
    assert "OK      ping: the homeserver reaches us" in lines


async def test_the_doctor_says_what_is_wrong_with_tokens_and_ports_and_what_to_do(clinic: Clinic) -> None:
    wrong = await _wrong(_changed(clinic, "id.yaml", "homeserver:\n", "homeserver:\n  service_id: autre\n"))
    assert set(wrong) == {"ping"}
    assert "service_id" in wrong["ping"]["remedy"]
    wrong = await _wrong(clinic.stack.config, COLLOQUE_HOMESERVER_AS_TOKEN="geheim")
    assert set(wrong) == {"token", "ping", "options"}
    assert "colloque registration" in wrong["token"]["remedy"]
    wrong = await _wrong(_changed(clinic, "away.yaml", r"(url: http://127\.0\.0\.1):\d+", r"\1:1"))
    assert set(wrong) == {"homeserver", "token", "ping", "options"}


async def test_a_wrong_configuration_is_told_by_the_doctor_without_a_traceback(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("homserver: {}\n")
    code, output = await _doctor(config)
    assert code == 1
    assert "Traceback" not in output
    assert "config.yaml:1" in output
