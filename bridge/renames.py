"""Keys that had another name before. The old name still counts, with a warning; `colloque config migrate`
writes the new one into the file, where the old one stood, with all comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.comments import CommentedMap

from bridge.yamlfile import Mistake, YamlFile


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key of one file: the section it is in, its old and its new name."""

    section: tuple[str, ...]
    old: str
    new: str


CONFIG = (Renamed(("care",), "question_reply_within_h", "answer_within_h"),)
"""Renamed keys of config.yaml."""
ORGANISATION: tuple[Renamed, ...] = ()
"""Renamed keys of organisation.yaml."""


def accept(source: YamlFile, values: dict[str, Any], table: tuple[Renamed, ...]) -> Iterator[Mistake]:
    """Put values of old keys under the new ones; yields a warning for each, also when both are there."""
    for renamed in table:
        section = _section(values, renamed.section)
        if section is None or renamed.old not in section:
            continue
        value = section.pop(renamed.old)
        place = (*renamed.section, renamed.old)
        if renamed.new in section:
            yield source.mistake(place, f"is the old name of {renamed.new!r}, which counts; remove this line")
            continue
        section[renamed.new] = value
        yield source.mistake(
            place, f"is called {renamed.new!r} now; `colloque config migrate` renames it in the file"
        )


def migrate(root: CommentedMap, table: tuple[Renamed, ...]) -> list[str]:
    """Rename old keys where they stand; returns what was done."""
    done = []
    for renamed in table:
        section = _section(root, renamed.section)
        if not isinstance(section, CommentedMap) or renamed.old not in section:
            continue
        dotted = ".".join((*renamed.section, renamed.old))
        if renamed.new in section:
            del section[renamed.old]
            done.append(f"{dotted}: removed, {renamed.new} stands there already")
            continue
        _rename(section, renamed.old, renamed.new)
        done.append(f"{dotted}: renamed to {renamed.new}")
    return done


def _rename(section: CommentedMap, old: str, new: str) -> None:
    position = list(section).index(old)
    comment = section.ca.items.pop(old, None)
    section.insert(position, new, section.pop(old))
    if comment is not None:
        section.ca.items[new] = comment


def _section(values: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        values = values.get(step) if isinstance(values, dict) else None
    return values if isinstance(values, dict) else None
