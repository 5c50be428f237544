"""People from CSV, as a personnel office exports them: practitioners, and the members of a group.

The first line names the columns: ``id`` and ``name`` (and, if wanted, ``language`` and ``active``) for
practitioners, ``id`` for members. Commas or semicolons; UTF-8, with or without a byte order mark.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from bridge.yamlfile import Location, Mistake, YamlFile

PEOPLE = ("id", "name", "language", "active")
MEMBERS = ("id",)
BOOLEANS = {
    "true": True,
    "yes": True,
    "oui": True,
    "1": True,
    "false": False,
    "no": False,
    "non": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file that names people."""

    line: int
    values: dict[str, str]


def expand(source: YamlFile, values: dict[str, Any]) -> tuple[list[Mistake], tuple[Path, ...]]:
    """Put the people of CSV files where the YAML would name them; also returns the files that were read."""
    mistakes: list[Mistake] = []
    files: list[Path] = []
    named = values.get("practitioners_csv")
    if isinstance(named, str):
        files.append(source.file.parent / named)
        mistakes += _people(source, values, files[-1])
    groups = values.get("groups")
    for number, group in enumerate(groups if isinstance(groups, list) else ()):
        if isinstance(group, dict) and isinstance(group.get("members_csv"), str):
            files.append(source.file.parent / group["members_csv"])
            mistakes += _members(source, group, ("groups", number), files[-1])
    return mistakes, tuple(files)


def _people(source: YamlFile, values: dict[str, Any], file: Path) -> Iterator[Mistake]:
    listed = values.setdefault("practitioners", [])
    rows, wrong = read(file, PEOPLE, needed=("id", "name"))
    yield from _told(source, ("practitioners_csv",), wrong)
    for row in rows if isinstance(listed, list) else ():
        source.elsewhere["practitioners", len(listed)] = (file, row.line)
        entry: dict[str, Any] = {key: value for key, value in row.values.items() if value}
        if "active" in entry:
            entry["active"] = BOOLEANS.get(entry["active"].lower(), entry["active"])
        listed.append(entry)


def _members(source: YamlFile, group: dict[str, Any], place: Location, file: Path) -> Iterator[Mistake]:
    listed = group.setdefault("members", [])
    rows, wrong = read(file, MEMBERS, needed=MEMBERS)
    yield from _told(source, (*place, "members_csv"), wrong)
    for row in rows if isinstance(listed, list) else ():
        source.elsewhere[(*place, "members", len(listed))] = (file, row.line)
        listed.append(row.values["id"])


def _told(source: YamlFile, place: Location, wrong: Mistake | None) -> Iterator[Mistake]:
    if wrong is not None:
        yield wrong if wrong.line else source.mistake(place, wrong.message)


def read(
    file: Path, columns: tuple[str, ...], *, needed: tuple[str, ...]
) -> tuple[list[Row], Mistake | None]:
    """The lines of a file, and what is wrong with it; a mistake of line 0 is about the file itself."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return [], Mistake(file, 0, "(whole file)", f"{file} is not UTF-8 text; save it as CSV UTF-8")
    except OSError as error:
        return [], Mistake(
            file, 0, "(whole file)", f"{file} can't be read ({error.strerror}); give a CSV file"
        )
    except ValueError:
        return [], Mistake(file, 0, "(whole file)", "no file has such a name; give a CSV file")
    head = text.partition("\n")[0]
    table = csv.reader(
        StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True
    )
    try:
        names = [name.strip().lower() for name in next(table, [])]
        if wrong := _wrong_columns(file, names, columns, needed):
            return [], wrong
        return list(_rows(table, names)), None
    except csv.Error as error:
        return [], Mistake(
            file, table.line_num or 1, "(whole file)", f'not valid CSV: {error}; quote with "…"'
        )


def _wrong_columns(
    file: Path, names: list[str], columns: tuple[str, ...], needed: tuple[str, ...]
) -> Mistake | None:
    allowed = ", ".join(columns)
    for name in needed:
        if name not in names:
            return Mistake(file, 1, name, f"missing column; the first line names the columns: {allowed}")
    unknown = [name for name in names if name and name not in columns]
    if unknown and columns == PEOPLE:
        return Mistake(file, 1, unknown[0], f"unknown column; allowed: {allowed}")
    return None


def _rows(table: Any, names: list[str]) -> Iterator[Row]:
    for cells in table:
        values = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
        if any(values.values()):
            yield Row(table.line_num, {"id": "", **values})
