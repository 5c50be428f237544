"""Reads YAML so that every mistake can be shown with its file, line and path."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from bridge import yamlwords

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
            node = node[_key_of(node, step)] if isinstance(node, CommentedMap) else node[step]
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
        if isinstance(node, CommentedMap) and (key := _key_of(node, step)) is not None:
            return int(node.lc.key(key)[0]) + 1
        if isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            return int(node.lc.item(step)[0]) + 1
    except (KeyError, TypeError, AttributeError):  # keys merged from an anchor have no line of their own
        return None
    return None


def _key_of(node: CommentedMap, step: str | int) -> Any:
    """The key as the file has it: one that is a number or a list is known by how it is written."""
    return step if step in node else next((key for key in node if str(key) == str(step)), None)


def read_yaml(file: Path) -> YamlFile:
    """Read a file whose root is a mapping. Raises :class:`ConfigError` with one mistake."""

    def wrong(line: int, message: str) -> ConfigError:
        return ConfigError((Mistake(file, line, "(whole file)", message),))

    try:
        if file.exists() and not file.is_file():
            raise OSError(0, "it is no ordinary file")
        raw = file.read_bytes()
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw.count(b"\0") > len(raw) // 4 > 0:
            raise wrong(1, 'the file is UTF-16 ("Unicode") text, not UTF-8 text; save it as UTF-8')
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise wrong(line, "the file is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise wrong(1, f"the file can't be read ({error.strerror}); give a readable YAML file") from None
    except ValueError:
        raise wrong(
            1, "the file can't be read (no file has such a name); give a readable YAML file"
        ) from None
    try:
        root = YAML(typ="rt").load(StringIO(text))
    except YAMLError as error:
        line, said = yamlwords.told(error, text)
        raise wrong(line, f"not valid YAML: {said}") from None
    except ValueError as error:
        line, said = yamlwords.of_value(error, text)
        raise wrong(line, f"not valid YAML: {said}") from None
    except RecursionError:
        raise wrong(1, "not valid YAML: brackets within brackets, too deep to be meant; close them") from None
    if not isinstance(root, CommentedMap):
        found = "nothing" if root is None else "a list" if isinstance(root, list) else "a single value"
        raise wrong(1, f"the file holds {found}; it must hold keys with values (a mapping)")
    size = _size(root, {}, set())
    if size is None:
        raise wrong(1, "an anchor contains itself; anchors must not be cyclic")
    if size > MOST_VALUES:
        raise wrong(
            1, f"its anchors multiply to {size} values; write out what is meant, {MOST_VALUES} at most"
        )
    return YamlFile(file, root)


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
