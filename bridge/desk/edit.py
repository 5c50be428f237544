"""Changes an administrator's YAML the way a careful person would: comments, order, quotes and mode stay."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bridge.yamlfile import read_yaml


def opened(file: Path) -> tuple[YAML, CommentedMap]:
    """The file's content to change, and what writes it in the file's own style. Raises ``ConfigError``."""
    read_yaml(file)
    text = file.read_text(encoding="utf-8-sig")
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 100_000
    mapping, offset = _indents(text)
    yaml.indent(mapping=mapping, sequence=offset + 2, offset=offset)
    root: CommentedMap = yaml.load(text)
    _keep_anchors(root)
    return yaml, root


def _keep_anchors(node: Any) -> None:
    """Also those that nothing refers to."""
    if isinstance(node, CommentedMap | CommentedSeq):
        if node.anchor.value:
            node.anchor.always_dump = True
        for child in node.values() if isinstance(node, CommentedMap) else node:
            _keep_anchors(child)


def _indents(text: str) -> tuple[int, int]:
    """How far this file indents what is in a mapping, and the dashes of a list."""
    nested = re.search(r"^[\w\"'-]+:[ ]*(?:#.*)?\n(?:[ ]*(?:#.*)?\n)*([ ]+)[\w\"']", text, re.MULTILINE)
    dashes = re.search(r"^([ ]*)[\w\"'-]+:[ ]*(?:#.*)?\n(?:[ ]*#.*\n)*([ ]*)- ", text, re.MULTILINE)
    mapping = len(nested[1]) if nested else 2
    return mapping, max(0, len(dashes[2]) - len(dashes[1])) if dashes else 2


def as_text(yaml: YAML, root: CommentedMap) -> str:
    """What the file will hold."""
    out = StringIO()
    yaml.dump(root, out)
    return out.getvalue()


def write(file: Path, text: str) -> None:
    """Put this in the file's place in one step: whoever reads it sees the old or the new, never half.

    Mode and owner stay; a symbolic link stays one.
    """
    target = file.resolve()
    before = target.stat()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fchmod(out.fileno(), before.st_mode & 0o7777)
            with contextlib.suppress(PermissionError):  # only root can keep another owner's file theirs
                os.fchown(out.fileno(), before.st_uid, before.st_gid)
            os.fsync(out.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
