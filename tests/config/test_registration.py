"""The second registration gives power over the practitioners of this server, one by one, and nobody else."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML
from typer.testing import CliRunner

from bridge.cli import app
from bridge.config import load
from tests.config.test_mistakes import _mistakes, _write
from tests.config.wrong import CONFIG, ORGANISATION

ACTS = CONFIG.replace("homeserver:\n", "homeserver:\n  acting_registration_file: power.yaml\n")
ELSEWHERE = '  - id: "@eve:other.example"\n    name: Dr Ève\n'


def _written(path: Path) -> dict[str, object]:
    found = CliRunner().invoke(app, ["registration", "--acting", "-c", str(path)])
    assert found.exit_code == 0, found.output
    return dict(YAML(typ="safe").load(path.parent / "power.yaml"))


def test_it_has_no_url_and_names_each_practitioner_of_this_server(tmp_path: Path) -> None:
    people = ORGANISATION.replace("practitioners:\n", f"practitioners:\n{ELSEWHERE}")
    content = _written(_write(tmp_path, ACTS, people))
    assert content["url"] is None
    users = content["namespaces"]["users"]  # type: ignore[index]
    assert [user["exclusive"] for user in users] == [False, False]
    named = [user["regex"] for user in users]
    for user_id, may in (
        ("@claire:h.example", True),
        ("@paul:h.example", True),
        ("@eve:other.example", False),
        ("@claire:hxexample", False),
        ("@admin:h.example", False),
        ("@claire:h.example.evil.example", False),
    ):
        assert any(re.match(regex, user_id) for regex in named) is may, user_id


def test_the_service_acts_only_when_the_file_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, ACTS)
    token = _written(path)["as_token"]
    secret = load(path, {}).config.homeserver.acting_token
    assert secret is not None
    assert secret.get_secret_value() == token
    assert load(_write(tmp_path), {}).config.homeserver.acting_token is None


def test_a_file_that_is_named_and_not_there_says_how_to_write_it(tmp_path: Path) -> None:
    (mistake,) = _mistakes(_write(tmp_path, ACTS))
    assert "config.yaml:3: homeserver.acting_registration_file:" in mistake
    assert "colloque registration --acting" in mistake


def test_written_again_it_keeps_its_token_so_that_the_homeserver_still_knows_it(tmp_path: Path) -> None:
    path = _write(tmp_path, ACTS)
    before = _written(path)
    again = CliRunner().invoke(app, ["registration", "--acting", "--force", "-c", str(path)])
    assert again.exit_code == 0
    after = YAML(typ="safe").load(tmp_path / "power.yaml")
    assert after["as_token"] == before["as_token"]
    refused = CliRunner().invoke(app, ["registration", "--acting", "-c", str(path)])
    assert refused.exit_code == 2
