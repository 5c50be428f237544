"""Which expert group is meant, by its key or by a name in any language. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.commands import folded
from bridge.domain.organisation import ExpertGroup


def group_meant(said: str, groups: Sequence[ExpertGroup]) -> tuple[ExpertGroup, str] | None:
    """The group that this begins with, by key or by a name in any language, and what follows."""
    words = said.split()
    found: list[tuple[int, ExpertGroup]] = []
    for group in groups:
        for name in (group.key, group.name, *dict(group.names).values()):
            length = len(name.split())
            if folded(" ".join(words[:length])).rstrip(":,") == folded(name):
                found.append((length, group))
    if not found:
        return None
    length, group = max(found, key=lambda match: match[0])
    return group, " ".join(words[length:]).lstrip(":, ")
