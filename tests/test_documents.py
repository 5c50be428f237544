"""What the documents say is there is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli import app
from bridge.domain.commands import TABLE, Who, folded
from bridge.storage.schema import metadata
from bridge.storage.schema_people import dialogues

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *TOP.glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
BOX = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LOGGED = re.compile(r"log\.\w+\(\s*\"([a-z_.]+)\"")


def test_every_table_is_named_where_data_protection_is_explained() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (DOCS / "data-protection.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"\w+", row)}
    assert dialogues.name in metadata.tables
    assert set(metadata.tables) - named == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for name, part in LINK.findall(page.read_text()):
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {name}"
        if part:
            assert part in set(_anchors(target)), f"{page.name}: {name}#{part}"


def _anchors(page: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


GUIDES = {"guide-praticien.md": 0, "guide-practitioner.md": 1}


@pytest.mark.parametrize(("name", "language"), GUIDES.items())
def test_every_command_of_a_practitioners_guide_is_one_of_its_language(name: str, language: int) -> None:
    guide = (DOCS / name).read_text()
    said = {folded(word) for word in re.findall(r"`!([\w-]+)", guide)}
    named = {folded(word): spec.name for spec in TABLE for word in (spec.french, spec.english)[language]}
    assert said - set(named) == set()
    assert {spec.name for spec in TABLE if spec.who is not Who.ADMIN} - {
        named[word] for word in said
    } == set()


def _commands() -> Iterator[tuple[str, list[str]]]:
    for page in PAGES:
        for box in BOX.findall(page.read_text()):
            for line in box.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0].rpartition("/")[2] == "colloque":
                    yield f"{page.name}: {line}", words[1:]


@pytest.mark.parametrize(("line", "words"), list(_commands()))
def test_every_command_in_the_documents_is_one_that_the_program_takes(line: str, words: list[str]) -> None:
    _understood(typer.main.get_command(app), words, line)


def _understood(command: Any, words: list[str], line: str) -> None:
    """Parse a command line as the program does, without doing it."""
    inner = getattr(command, "commands", None)
    if inner and command.invoke_without_command and not set(words) & set(inner):
        command.make_context(command.name, words)
    elif inner:
        assert words, f"{line}: which command?"
        assert words[0] in inner, f"{line}: there is no {words[0]}"
        _understood(inner[words[0]], words[1:], line)
    else:
        command.make_context(command.name, words)


def test_what_the_admin_is_told_to_look_for_in_the_log_is_logged() -> None:
    logged = {key for file in (TOP / "bridge").rglob("*.py") for key in LOGGED.findall(file.read_text())}
    reference = (DOCS / "configuration.md").read_text()
    named = re.findall(r"`([a-z]+\.[a-z_]+)`", (DOCS / "troubleshoot.md").read_text())
    assert len(named) > 8
    assert [key for key in named if key not in logged and f"| `{key}`" not in reference] == []
