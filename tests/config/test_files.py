"""Odd files: what no schema sees. Each is told with its file, a line and what to do; nothing crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.config import ConfigError, load
from tests.config.wrong import CONFIG, ORGANISATION

PEOPLE = "id;name;language;active\n@nadia:h.example;Dr Nadia;en;oui\n@omar:h.example;Dr Omar;;non\n"


def _write(directory: Path, config: str = CONFIG, organisation: str = ORGANISATION, **files: str) -> Path:
    for name, text in {"config.yaml": config, "organisation.yaml": organisation, **files}.items():
        (directory / name).write_text(text, encoding="utf-8")
    return directory / "config.yaml"


def _told(path: Path) -> list[str]:
    result = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output.splitlines()


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds nothing"),
        (b"# only a remark\n", "holds nothing"),
        (b"- a\n- b\n", "holds a list"),
        (b"just words\n", "must hold keys with values"),
        ("language: français\n".encode("latin-1"), "save it as UTF-8"),
        (CONFIG.encode("utf-16"), "is UTF-16"),
        (CONFIG.encode("utf-16-le"), "is UTF-16"),
        (b"language: fr\x00\n", "not valid YAML"),
        (BOMB.encode(), "anchors multiply"),
        (b"a: " + b"[" * 5000, "not valid YAML"),
        (b"\t\tlanguage: fr\n", "tabs"),
    ],
)
def test_a_file_that_is_no_configuration_is_told(content: bytes, words: str, tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_bytes(content)
    told = _told(path)
    assert any(words in line for line in told), told
    assert all(line.startswith(f"{path}:") for line in told)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = _write(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + CONFIG.encode())
    assert load(path, {}).config.language == "fr"


def test_a_missing_file_and_a_missing_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "config.yaml", tmp_path / "nowhere" / "config.yaml", tmp_path):
        (told,) = _told(path)
        assert told.startswith(f"{path}:1: (whole file): the file can't be read")


@pytest.mark.parametrize("kind", ["fifo", "dangling"])
def test_what_is_no_ordinary_file_is_told_and_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere.yaml")
    (told,) = _told(path)
    assert "can't be read" in told


@pytest.mark.parametrize("named", ["staff.yaml", ".", "nowhere/staff.yaml"])
def test_an_organisation_file_that_is_none_is_told_by_its_own_name(named: str, tmp_path: Path) -> None:
    (told,) = _told(_write(tmp_path, f"organisation_file: {named}\n{CONFIG}"))
    assert told.startswith(f"{tmp_path / named}:1: (whole file): the file can't be read")


def test_practitioners_and_members_may_come_from_csv(tmp_path: Path) -> None:
    organisation = ORGANISATION.replace("groups:", "practitioners_csv: staff.csv\ngroups:").replace(
        "    members:", "    members_csv: derm.csv\n    members:"
    )
    members = 'id,remark\n@nadia:h.example,"a, b"\n\n@paul:h.example,\n'
    path = _write(
        tmp_path, organisation=organisation, **{"staff.csv": "\ufeff" + PEOPLE, "derm.csv": members}
    )
    settings = load(path, {})
    nadia = settings.organisation.practitioner("@nadia:h.example")
    assert nadia is not None
    assert (nadia.name, nadia.language) == ("Dr Nadia", "en")
    assert [person.user_id for person in settings.organisation.inactive] == ["@omar:h.example"]
    group = settings.organisation.group("derm")
    assert group is not None
    assert group.members == ("@claire:h.example", "@nadia:h.example", "@paul:h.example")
    assert {file.name for file in settings.files} == {
        "config.yaml",
        "organisation.yaml",
        "staff.csv",
        "derm.csv",
    }


@pytest.mark.parametrize(
    ("people", "line", "column", "words"),
    [
        (PEOPLE.replace("@omar:h.example", "omar"), 3, "id", "Matrix ID"),
        (PEOPLE.replace("@omar:", "@claire:"), 3, "id", "listed twice"),
        (PEOPLE.replace("@omar", "@colloque_x"), 3, "id", "Colloque itself"),
        (PEOPLE.replace(";en;", ";de;"), 2, "language", "'fr' or 'en'"),
        (PEOPLE.replace(";non", ";vielleicht"), 3, "active", "true or false"),
        (PEOPLE.replace("Dr Nadia", ""), 2, "name", "missing"),
        (PEOPLE.replace("id;", "matrix;"), 1, "id", "missing column"),
        (PEOPLE.replace(";active", ";room"), 1, "room", "unknown column"),
        (PEOPLE.replace(";Dr Omar;", ';"Dr Omar;'), 3, "(whole file)", "not valid CSV"),
        ("", 1, "id", "missing column"),
    ],
)
def test_a_mistake_in_a_csv_file_is_told_with_its_line(
    people: str, line: int, column: str, words: str, tmp_path: Path
) -> None:
    organisation = ORGANISATION.replace("groups:", "practitioners_csv: staff.csv\ngroups:")
    told = _told(_write(tmp_path, organisation=organisation, **{"staff.csv": people}))
    wanted = f"{tmp_path / 'staff.csv'}:{line}: {column}: "
    assert [text for text in told if text.startswith(wanted) and words in text], told


def test_a_member_in_a_csv_file_whom_nobody_knows_is_told_with_its_line(tmp_path: Path) -> None:
    organisation = ORGANISATION.replace("    members:", "    members_csv: derm.csv\n    members:")
    path = _write(
        tmp_path, organisation=organisation, **{"derm.csv": "id\n@paul:h.example\n@pauk:h.example\n"}
    )
    (told,) = _told(path)
    assert told.startswith(f"{tmp_path / 'derm.csv'}:3: id: @pauk:h.example is not among the practitioners")
    assert "did you mean @paul:h.example?" in told


def test_the_samples_tokens_are_refused_for_a_real_start(tmp_path: Path) -> None:
    bare = CONFIG.replace("  as_token: a\n  hs_token: b\n", "")
    registration = {"registration.yaml": "as_token: sample-token-x\nhs_token: another-sample-token-y\n"}
    told = _told(_write(tmp_path, bare, **registration))
    assert all("colloque registration" in line for line in told)
    assert len(told) == 2


def test_a_practitioner_of_another_homeserver_is_mentioned(tmp_path: Path) -> None:
    organisation = ORGANISATION.replace("@paul:h.example", "@paul:h.exmaple")
    (warning,) = load(_write(tmp_path, organisation=organisation), {}).warnings
    assert (warning.line, warning.path) == (6, "practitioners[1].id")
    assert "is not on h.example" in warning.message


def test_an_old_key_still_counts_and_is_mentioned(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG + "care:\n  question_reply_within_h: 12\n")
    settings = load(path, {})
    assert settings.config.care.answer_within_h == 12
    (warning,) = settings.warnings
    assert str(warning) == (
        f"{path}:15: care.question_reply_within_h: is called 'answer_within_h' now; "
        "`colloque config migrate` renames it in the file"
    )


def test_secrets_are_not_told_with_a_mistake(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG.replace("as_token: a", "as_token: [TOPSECRET]"))
    with pytest.raises(ConfigError) as wrong:
        load(path, {})
    assert "TOPSECRET" not in str(wrong.value)


def test_a_file_that_this_account_may_not_read_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path)
    tmp_path.chmod(0o755)
    path.chmod(0o000)
    # Root reads everything: the program is asked as somebody who may not.
    ask = (
        "import os, sys; from pathlib import Path; from bridge.config import ConfigError, load\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        f"try: load(Path({str(path.name)!r}), {{}})\n"
        "except ConfigError as error: print(error)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    asked = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, env=environ, check=True, capture_output=True, text=True
    )
    assert asked.stdout.startswith("config.yaml:1: (whole file): the file can't be read (Permission denied)")


def test_a_secret_of_the_environment_that_nothing_filled_in_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path)
    with pytest.raises(ConfigError) as wrong:
        load(path, {"COLLOQUE_HOMESERVER_AS_TOKEN": "${AS_TOKEN}"})
    assert f"{path}:5: homeserver.as_token: is a placeholder" in str(wrong.value)


def test_an_empty_secret_of_the_environment_is_as_none(tmp_path: Path) -> None:
    bare = CONFIG.replace("  as_token: a\n", "")
    with pytest.raises(ConfigError) as wrong:
        load(_write(tmp_path, bare), {"COLLOQUE_HOMESERVER_AS_TOKEN": ""})
    assert "homeserver.as_token: missing; run `colloque registration`" in str(wrong.value)


@pytest.mark.parametrize(
    ("config", "organisation", "place", "words"),
    [
        ("", ORGANISATION.replace("paul:h", "Paul:h"), "practitioners[1].id", "meant @paul:h.example?"),
        (
            "",
            ORGANISATION.replace(
                "groups:", "groups:\n  - {key: d, name: Dermatologie, address: d@h.example}"
            ),
            "groups[1].name",
            "another group's name",
        ),
        ("care: {silent_after_h: 90}\n", ORGANISATION, "care.silent_after_h", "after silent_alert_after_h"),
    ],
)
def test_what_is_allowed_but_hardly_meant_is_mentioned(
    config: str, organisation: str, place: str, words: str, tmp_path: Path
) -> None:
    warnings = load(_write(tmp_path, CONFIG + config, organisation), {}).warnings
    assert [str(warning) for warning in warnings if warning.path == place and words in warning.message]
