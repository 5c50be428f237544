"""Scores of ways to write a wrong configuration; each is told with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.config import ConfigError, load
from tests.config.wrong import CASES, CONFIG, ORG, ORGANISATION, Case
from tests.config.wrong_between import BETWEEN
from tests.config.wrong_habits import HABITS
from tests.config.wrong_signs import SIGNS
from tests.config.wrong_waits import WAITS


def _write(directory: Path, config: str = CONFIG, organisation: str = ORGANISATION) -> Path:
    (directory / "config.yaml").write_text(config)
    (directory / "organisation.yaml").write_text(organisation)
    return directory / "config.yaml"


def _mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        load(path, {})
    return [str(mistake) for mistake in wrong.value.mistakes]


@pytest.mark.parametrize("case", [*CASES, *BETWEEN, *WAITS, *SIGNS, *HABITS], ids=lambda case: str(case.name))
def test_a_mistake_is_told_with_its_place_and_remedy(case: Case, tmp_path: Path) -> None:
    texts = {"config.yaml": CONFIG, ORG: ORGANISATION}
    assert case.old in texts[case.file]
    texts[case.file] = texts[case.file].replace(case.old, case.new)
    path = _write(tmp_path, texts["config.yaml"], texts[ORG])
    result = CliRunner().invoke(app, ["check", "-c", str(path)])
    told = result.output.splitlines()
    assert (result.exit_code, "Traceback" in result.output) == (2, False)
    wanted = f"{tmp_path / case.file}:{case.line}: {case.path}: "
    assert [line for line in told if line.startswith(wanted) and case.words in line], told


def test_there_are_forty_cases_at_least() -> None:
    assert len({case.name for case in CASES}) >= 40


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    settings = load(_write(tmp_path), {})
    assert settings.config.database.url == f"sqlite:///{tmp_path}/colloque.db"
    assert settings.organisation.group_of_address("DERM@h.example") is settings.organisation.groups[0]


def test_a_discussion_group_has_everyone_a_whole_group_or_those_it_names(tmp_path: Path) -> None:
    groups = """discussions:
  - {key: staff, name: Staff, members: everyone}
  - {key: derm, name: Dermatologie, members: [derm, "@paul:h.example"], moderators: ["@paul:h.example"]}
groups:"""
    organisation = load(
        _write(tmp_path, organisation=ORGANISATION.replace("groups:", groups)), {}
    ).organisation
    both = ("@claire:h.example", "@paul:h.example")
    assert [group.members for group in organisation.discussions] == [both, both]
    assert organisation.discussions[1].moderators == ("@paul:h.example",)


def test_someone_inactive_is_in_no_group_and_still_known(tmp_path: Path) -> None:
    away = ORGANISATION.replace("    name: Dr Claire", "    name: Dr Claire\n    active: false")
    staff = "discussions:\n  - {key: staff, name: Staff, members: everyone}\ngroups:"
    organisation = load(_write(tmp_path, organisation=away.replace("groups:", staff)), {}).organisation
    assert [p.name for p in organisation.practitioners] == ["Dr Paul"]
    assert [p.name for p in organisation.inactive] == ["Dr Claire"]
    assert organisation.groups[0].members == ()
    assert organisation.discussions[0].members == ("@paul:h.example",)


def test_a_suspended_group_keeps_its_members_but_nobody_is_on_duty(tmp_path: Path) -> None:
    suspended = ORGANISATION.replace("    members:", "    suspended: true\n    members:")
    group = load(_write(tmp_path, organisation=suspended), {}).organisation.groups[0]
    assert (group.members, group.on_duty) == (("@claire:h.example",), ())


def test_all_mistakes_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG.replace("fr", "de"), ORGANISATION.replace("derm@h.example", "derm"))
    assert len(_mistakes(path)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "holds nothing"), (b"- a\n", "holds a list"), (b"\xff\xfe", "UTF-8"), (None, "can't be read")],
)
def test_a_file_that_is_no_configuration_is_told_so(
    content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = _write(tmp_path)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert words in _mistakes(path)[0]


def test_a_secret_comes_from_environment_before_file_before_value(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    both = CONFIG.replace("as_token: a", "as_token: a\n  as_token_file: token")
    path = _write(tmp_path, both)
    assert load(path, {}).config.homeserver.as_token.get_secret_value() == "from-file"
    named = {"COLLOQUE_HOMESERVER_AS_TOKEN": "from-env"}
    assert load(path, named).config.homeserver.as_token.get_secret_value() == "from-env"


def test_a_section_given_twice_shows_nothing_of_what_it_holds(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG + "homeserver: {as_token: TOPSECRET}\n")
    assert _mistakes(path) == [
        f'{path}:14: (whole file): not valid YAML: the key "homeserver" is given twice; keep one'
    ]


def test_the_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path)
    (tmp_path / ORG).write_bytes(ORGANISATION.encode("latin-1"))
    assert _mistakes(path) == [
        f"{tmp_path / ORG}:2: (whole file): the file is not UTF-8 text; save it as UTF-8"
    ]


def test_an_organisation_file_that_no_file_can_be_is_told(tmp_path: Path) -> None:
    (told,) = _mistakes(_write(tmp_path, f'organisation_file: "a\\0b"\n{CONFIG}'))
    assert "no file has such a name" in told


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG.replace("as_token: a", "as_token: TOPSECRET"))
    assert "TOPSECRET" not in repr(load(path, {}))


def test_check_exits_2_with_every_mistake_and_no_traceback(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG.replace("fr", "de").replace("29330", "x"))
    result = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert result.exit_code == 2
    assert len(result.output.splitlines()) == 2
    assert "Traceback" not in result.output


def test_run_does_not_start_on_a_wrong_configuration(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG.replace("fr", "de"))
    assert CliRunner().invoke(app, ["run", "-c", str(path)]).exit_code == 2


def test_a_group_without_members_is_allowed_and_mentioned(tmp_path: Path) -> None:
    path = _write(tmp_path, CONFIG, ORGANISATION.partition("    members:")[0])
    result = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert result.exit_code == 0
    assert "no members" in result.output


def test_a_registration_agrees_with_the_configuration_and_is_never_overwritten(tmp_path: Path) -> None:
    bare = CONFIG.replace("  as_token: a\n  hs_token: b\n", "")
    path = _write(tmp_path, bare)
    runner = CliRunner()
    assert runner.invoke(app, ["registration", "-c", str(path)]).exit_code == 0
    written = tmp_path / "registration.yaml"
    first = written.read_text()
    assert written.stat().st_mode & 0o777 == 0o600
    assert load(path, {}).config.homeserver.as_token.get_secret_value() in first
    refused = runner.invoke(app, ["registration", "-c", str(path)])
    assert refused.exit_code == 2
    assert "--force" in refused.output
    assert written.read_text() == first
