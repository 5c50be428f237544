"""What holds for the whole house: who imports whom, how long a file may be, what is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.config import load_without_tokens
from bridge.reference import reference
from bridge.sections import Config, OrganisationFile, Section

TOP = Path(__file__).parent.parent
MODULES = sorted((TOP / "bridge").rglob("*.py"))
SOURCES = sorted(
    [*MODULES, *(TOP / "tests").rglob("*.py"), *(TOP / "bench").rglob("*.py"), *(TOP / "chaos").rglob("*.py")]
)
MAX_FILE, MAX_FUNCTION = 400, 50

MAY_IMPORT = {
    "domain": {"domain"},
    "flow": {"domain", "flow", "storage", "ports"},
    "storage": {"domain", "storage"},
    "web": {"domain", "web", "ports", "config", "locale"},
    "matrix": {"domain", "matrix", "ports", "config", "sections", "locale", "flow"},
    "mail": {"domain", "mail", "ports", "config", "sections", "locale", "flow"},
    "locale": {"locale"},
    "ports": {"domain"},
    "record": {"domain", "record", "storage", "ports", "locale"},
}
AVOIDED = {"portal", "puppet", "ticket", "utils", "manager", "helper"}


def _name(module: Path) -> str:
    return str(module.relative_to(TOP))


def _imports(module: Path) -> set[str]:
    """The parts of ours that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("bridge.")}
    return found


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_each_part_imports_only_what_it_may(module: Path) -> None:
    part = module.relative_to(TOP / "bridge").parts[0].removesuffix(".py")
    if part in MAY_IMPORT:
        assert _imports(module) <= MAY_IMPORT[part]


def test_the_law_covers_every_part_that_it_names() -> None:
    for part in MAY_IMPORT:
        assert any(module.relative_to(TOP / "bridge").parts[0].startswith(part) for module in MODULES), part


def test_only_the_flow_reaches_the_retry_policy_from_outside() -> None:
    for module in MODULES:
        if module.parent.name in ("matrix", "mail"):
            text = module.read_text()
            assert set(re.findall(r"from bridge\.flow\.(\w+)", text)) <= {"retry"}, module


@pytest.mark.parametrize("module", SOURCES, ids=_name)
def test_files_and_functions_are_short(module: Path) -> None:
    text = module.read_text()
    assert text.count("\n") <= MAX_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION, node.name


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_modules_say_what_they_are_for_and_are_well_named(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))
    assert not AVOIDED & set(re.split(r"[_/.]", _name(module)))


def test_the_reference_of_the_configuration_is_what_the_code_says() -> None:
    assert (TOP / "docs" / "configuration.md").read_text() == reference()


def _keys(schema: dict[str, Any], place: dict[str, Any], above: str = "") -> Iterator[str]:
    """Every key that a JSON schema allows, dotted; read without the code that writes the reference."""
    for part in (place, *place.get("anyOf", []), *place.get("allOf", [])):
        name = part.get("$ref", "").rpartition("/")[2]
        target = schema["$defs"][name] if name else part
        if target.get("type") == "array":
            yield from _keys(schema, target["items"], f"{above}[]")
        for key, inner in target.get("properties", {}).items():
            path = f"{above}.{key}" if above else key
            yield path
            yield from _keys(schema, inner, path)


def _covers(row: str, key: str) -> bool:
    """Whether a row is about this key, or about the one that holds it."""
    return re.match(rf"{re.escape(key)}(\W|$)", row) is not None or key.startswith(f"{row}.")


@pytest.mark.parametrize("model", [Config, OrganisationFile])
def test_the_reference_names_every_key(model: type[Section]) -> None:
    schema = model.model_json_schema()
    wanted = set(_keys(schema, schema))
    rows = re.findall(r"^\| `([^`]+)` \|", (TOP / "docs" / "configuration.md").read_text(), re.MULTILINE)
    missing = {key for key in wanted if not any(_covers(row, key) for row in rows)}
    assert len(wanted) > 10
    assert missing == set()


def test_the_samples_are_right() -> None:
    settings = load_without_tokens(TOP / "config" / "config.yaml", {})
    assert settings.warnings == ()
    assert len(settings.organisation.groups) == 2


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_links_between_documents_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", (TOP / name).read_text()):
        assert (TOP / target).exists(), target


def test_the_licence_is_the_agpl() -> None:
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in (TOP / "LICENSE").read_text()
