"""`colloque plan` and `colloque apply` as commands, against a real homeserver."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bridge.demo.homeserver import LocalSynapse
from tests.matrix.conftest import DOMAIN, TOKEN

NUMBERS = itertools.count(500)


@dataclass
class Office:
    """An administrator's folder: two files and the command."""

    directory: Path
    people: list[str]

    def write(self, groups: dict[str, list[str]], people: list[str] | None = None) -> None:
        content = {
            "organisation": {"name": "Hôpital"},
            "practitioners": [{"id": p, "name": f"Dr {p[1:4]}"} for p in people or self.people],
            "groups": [
                {"key": key, "name": key.capitalize(), "address": f"{key}@h.example", "members": members}
                for key, members in groups.items()
            ],
        }
        with (self.directory / "organisation.yaml").open("w") as out:
            YAML().dump(content, out)

    async def run(self, *words: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "bridge",
                words[0],
                "-c",
                str(self.directory / "config.yaml"),
                *words[1:],
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "COLUMNS": "200"},
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def json(self, *words: str) -> tuple[int | None, dict[str, Any]]:
        code, out, err = await self.run(*words, "--json")
        return code, json.loads(out) if out else {"err": err}


@pytest.fixture
async def office(synapse: LocalSynapse, tmp_path: Path) -> Office:
    number = next(NUMBERS)
    config = {
        "homeserver": {
            "url": synapse.url,
            "domain": DOMAIN,
            "as_token": TOKEN,
            "hs_token": "hs",
            "bot": f"t{number}bot",
            "namespace": f"t{number}_",
        },
        "mail": {"domain": "h.example", "smtp": {"tls": "none"}},
    }
    with (tmp_path / "config.yaml").open("w") as out:
        YAML().dump(config, out)
    people = []
    for _ in range(4):
        name = f"p{uuid.uuid4().hex[:10]}"
        await synapse.register_user(name, "secret")
        people.append(f"@{name}:{DOMAIN}")
    return Office(tmp_path, people)


async def test_a_plan_writes_nothing_and_an_apply_leaves_nothing_to_plan(office: Office) -> None:
    office.write({"derm": office.people[:2], "cardio": office.people[1:]})
    code, found = await office.json("plan")
    assert code == 2, found
    assert not (office.directory / "colloque.db").exists()
    assert {room["room"] for room in found["created"]} >= {"organisation", "group:derm", "waiting:cardio"}
    assert found["gains"][0]["groups"] == ["derm"]
    code, done = await office.json("apply")
    assert (code, done["failed"]) == (0, [])
    assert done["done"] == found["steps"]
    code, again = await office.json("plan")
    assert (code, again["changes"], again["steps"]) == (0, False, 0)
    code, text, _ = await office.run("plan")
    assert (code, text) == (0, "Nothing to do: Matrix is as the organisation file says.\n")


async def test_an_apply_that_takes_access_from_many_has_to_be_allowed(office: Office) -> None:
    office.write({"derm": office.people})
    assert (await office.run("apply"))[0] == 0
    office.write({"derm": office.people[:2]})
    code, found = await office.json("plan")
    assert (code, found["removal"]["large"]) == (2, True)
    assert (found["removal"]["people"], found["removal"]["of"]) == (2, 4)
    code, out, err = await office.run("apply")
    assert code == 3
    assert f"{office.people[3]} (Dr {office.people[3][1:4]}) loses group space of Derm (derm)" in out
    assert "--allow-large-change" in err
    assert (await office.json("plan"))[1]["loses"] == found["loses"]
    code, done = await office.json("apply", "--allow-large-change")
    assert (code, done["done"]) == (0, 4)
    assert (await office.json("plan"))[0] == 0


async def test_what_fails_is_listed_and_the_rest_is_done(office: Office) -> None:
    wrong = "@dr:hopitall.example"
    office.write({"derm": office.people[:1]}, [*office.people, wrong])
    code, done = await office.json("apply")
    assert (code, done["without_account"]) == (1, [wrong])
    assert done["failed"][0]["step"] == f"NoAccount: {wrong}"
    assert done["done"] > 5
    code, found = await office.json("plan")
    assert (code, found["without_account"]) == (0, [wrong])


async def test_a_wrong_file_changes_nothing_and_is_told(office: Office) -> None:
    office.write({"derm": office.people}, office.people[:1])
    for command in ("plan", "apply"):
        code, out, err = await office.run(command)
        assert (code, out) == (1, "")
        assert "organisation.yaml:" in err
        assert "Traceback" not in err


async def test_a_homeserver_that_is_away_is_told_in_one_line(office: Office) -> None:
    office.write({})
    config = office.directory / "config.yaml"
    config.write_text(re.sub("url: .*", "url: http://127.0.0.1:1", config.read_text()))
    code, _, err = await office.run("plan")
    assert code == 1
    assert "homeserver" in err
    assert len(err.splitlines()) == 1
