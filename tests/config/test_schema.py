"""The schemas that editors complete from are those of the code, and agree with it about right and wrong."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from bridge.cli import app
from bridge.desk import edit
from bridge.desk.schema import FILES, schema
from bridge.sections import Config
from bridge.yamlfile import plain
from tests.config.wrong import CASES, CONFIG, ORG, ORGANISATION

TOP = Path(__file__).parent.parent.parent
OLD = """\
# How the service runs.
language: fr

care:                                # what is promised
    # hours
    question_reply_within_h: 12      # shown in the acknowledgement
    emergency:
        fr: "Appelez le 15"          # quoted
        en: 'Call 15'
homeserver: &home
    url: https://matrix.h.example
    domain: h.example
    as_token: a
    hs_token: b
mail: {domain: h.example, smtp: {host: localhost, tls: none}}

# the end
"""


@pytest.mark.parametrize("name", FILES)
def test_the_schemas_beside_the_samples_are_what_the_code_says(name: str) -> None:
    file = TOP / "config" / "schema" / f"{name}.schema.json"
    remedy = f"run: colloque schema {name} > config/schema/{name}.schema.json"
    assert json.loads(file.read_text()) == schema(name), remedy
    printed = CliRunner().invoke(app, ["schema", name])
    assert json.loads(printed.output) == schema(name)


@pytest.mark.parametrize("name", FILES)
def test_each_sample_names_its_schema_and_is_right_by_it(name: str) -> None:
    sample = TOP / "config" / f"{name}.yaml"
    first = sample.read_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema=schema/{name}.schema.json"
    jsonschema.validate(plain(YAML().load(sample.read_text())), schema(name))


def test_a_schema_finds_unknown_keys_wherever_they_are() -> None:
    for case in CASES:
        if case.name.startswith(("an unknown", "a port", "a language")):
            text = (CONFIG if case.file != ORG else ORGANISATION).replace(case.old, case.new)
            values = plain(YAML().load(text))
            with pytest.raises(jsonschema.ValidationError):
                _check(values, "config" if case.file != ORG else "organisation")


def _check(values: object, name: str) -> None:
    jsonschema.validate(values, schema(name))
    # What a schema can't say (a database's URL) would be left to `colloque check`.
    if "database" in str(values):
        raise jsonschema.ValidationError("left to check")


def test_secrets_may_be_left_to_other_places() -> None:
    values = plain(YAML().load(CONFIG.replace("as_token: a", "as_token_file: token")))
    jsonschema.validate(values, schema("config"))


def test_every_key_is_explained_in_the_schema() -> None:
    def unexplained(place: dict[str, object], path: str) -> list[str]:
        properties = place.get("properties", {})
        assert isinstance(properties, dict)
        return [f"{path}.{key}" for key, value in properties.items() if "description" not in _whole(value)]

    made = schema("config")
    definitions = made["$defs"]

    def _whole(value: dict[str, str]) -> dict[str, object]:
        named = value.get("$ref", "").rpartition("/")[2]
        return {**definitions.get(named, {}), **value}

    missing = unexplained(made, "")
    for name, definition in definitions.items():
        missing += unexplained(definition, name)
    assert missing == []
    assert len(definitions) > 8


def test_old_keys_are_renamed_where_they_stand_and_nothing_else_changes(tmp_path: Path) -> None:
    config, organisation = tmp_path / "config.yaml", tmp_path / "organisation.yaml"
    config.write_text(OLD)
    config.chmod(0o640)
    organisation.write_text(ORGANISATION)
    shown = CliRunner().invoke(app, ["config", "migrate", "-c", str(config), "--dry-run"])
    assert "+    answer_within_h: 12" in shown.output
    assert config.read_text() == OLD
    done = CliRunner().invoke(app, ["config", "migrate", "-c", str(config)])
    assert (done.exit_code, config.stat().st_mode & 0o777) == (0, 0o640)
    before, after = OLD.splitlines(), config.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].strip() for _, new in changed] == ["answer_within_h: 12"]
    assert all(new.endswith("# shown in the acknowledgement") for _, new in changed)
    assert organisation.read_text() == ORGANISATION
    again = CliRunner().invoke(app, ["config", "migrate", "-c", str(config)])
    assert "Nothing to do" in again.output
    assert CliRunner().invoke(app, ["check", "-c", str(config)]).exit_code == 0


def test_where_both_names_stand_the_new_one_counts_and_stays(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(OLD.replace("    emergency:", "    answer_within_h: 7\n    emergency:"))
    (tmp_path / "organisation.yaml").write_text(ORGANISATION)
    CliRunner().invoke(app, ["config", "migrate", "-c", str(config)])
    text = config.read_text()
    assert "question_reply_within_h" not in text
    assert "answer_within_h: 7" in text


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_changed_is_written_as_it_was(name: str) -> None:
    sample = TOP / "config" / f"{name}.yaml"
    assert edit.as_text(*edit.opened(sample)) == sample.read_text()


def test_a_file_is_replaced_whole_and_a_link_to_it_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("a: 1\n")
    link.symlink_to(real)
    edit.write(link, "a: 2\n")
    assert link.is_symlink()
    assert real.read_text() == "a: 2\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["link.yaml", "real.yaml"]


def test_nothing_of_the_schema_names_a_secret() -> None:
    assert "unset" not in json.dumps(schema("config"))
    assert Config.model_fields["homeserver"].is_required()
