"""Reads YAML so that every mistake can be shown with its file, line and path."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Location = tuple[str | int, ...]
MOST_VALUES = 200_000
"""More than the largest hospital needs; a file that comes to more is a mistake, or malice."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """Something wrong in a file of the admin's, and what is allowed instead."""

    file: Path
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.path}: {self.message}"


class ConfigError(Exception):
    """The configuration is wrong; ``mistakes`` lists everything that is, in both files."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file whose root is a mapping. ``elsewhere``: file and line of what it takes from others."""

    file: Path
    root: CommentedMap
    elsewhere: dict[Location, tuple[Path, int]] = field(default_factory=dict)

    def line(self, location: Location) -> int:
        """The line of a key, or of the nearest thing around it that exists."""
        node: Any = self.root
        line = 1
        for step in location:
            found = _line_of(node, step)
            if found is None:
                break
            line = found
            node = node[step]
        return line

    def mistake(self, location: Location, message: str) -> Mistake:
        """A mistake at this place, or in the file that this comes from."""
        for length in range(len(location), 0, -1):
            if origin := self.elsewhere.get(location[:length]):
                file, line = origin
                return Mistake(
                    file, line, dotted(location[length:]) if length < len(location) else "id", message
                )
        return Mistake(self.file, self.line(location), dotted(location), message)


def dotted(location: Location) -> str:
    """A place as people write it: ``groups[2].members``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(whole file)"


def _line_of(node: Any, step: str | int) -> int | None:
    try:
        if isinstance(node, CommentedMap) and step in node:
            return int(node.lc.key(step)[0]) + 1
        if isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            return int(node.lc.item(step)[0]) + 1
    except (KeyError, TypeError, AttributeError):  # keys merged from an anchor have no line of their own
        return None
    return None


def read_yaml(file: Path) -> YamlFile:
    """Read a file whose root is a mapping. Raises :class:`ConfigError` with one mistake."""

    def wrong(line: int, message: str) -> ConfigError:
        return ConfigError((Mistake(file, line, "(whole file)", message),))

    try:
        if file.exists() and not file.is_file():
            raise OSError(0, "it is no ordinary file")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise wrong(1, "the file is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise wrong(1, f"the file can't be read ({error.strerror}); give a readable YAML file") from None
    try:
        root = YAML(typ="rt").load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "not YAML").strip().splitlines()[0]
        raise wrong(mark.line + 1 if mark else 1, f"not valid YAML: {problem}{_advice(text)}") from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise wrong(1, f"not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(root, CommentedMap):
        found = "nothing" if root is None else type(root).__name__.removeprefix("Commented").lower()
        raise wrong(1, f"the file holds {found}; it must hold keys with values (a mapping)")
    size = _size(root, {}, set())
    if size is None:
        raise wrong(1, "an anchor contains itself; anchors must not be cyclic")
    if size > MOST_VALUES:
        raise wrong(
            1, f"its anchors multiply to {size} values; write out what is meant, {MOST_VALUES} at most"
        )
    return YamlFile(file, root)


def _advice(text: str) -> str:
    return " (indent with spaces, not tabs)" if "\n\t" in f"\n{text}" else ""


def _size(node: Any, known: dict[int, int], above: set[int]) -> int | None:
    """How many values this is once every anchor is written out; ``None`` when one contains itself."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) in known:
        return known[id(node)]
    if id(node) in above:
        return None
    above.add(id(node))
    total = 1
    for child in node.values() if isinstance(node, dict) else node:
        size = _size(child, known, above)
        if size is None:
            return None
        total += size
    above.discard(id(node))
    known[id(node)] = total
    return total


def plain(node: Any) -> Any:
    """The parsed values without their comments and positions."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return str(node)
