"""Which expert group is meant, by its key or by a name in any language. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.commands import folded
from bridge.domain.organisation import ExpertGroup

SHORTEST = 4
"""So many letters of a group's name tell it from a word that just begins alike."""


def group_meant(said: str, groups: Sequence[ExpertGroup]) -> tuple[ExpertGroup, str] | None:
    """The group that this begins with, by key or by a name in any language, and what follows.

    The beginning of one of them will do, as « cardio », where it can be no other group.
    """
    words = said.split()
    found: list[tuple[int, ExpertGroup]] = []
    for group in groups:
        for name in _names(group):
            length = len(name.split())
            if folded(" ".join(words[:length])).rstrip(":,") == folded(name):
                found.append((length, group))
    if not found:
        return _begun(words, groups)
    length, group = max(found, key=lambda match: match[0])
    return group, " ".join(words[length:]).lstrip(":, ")


def _names(group: ExpertGroup) -> tuple[str, ...]:
    return (group.key, group.name, *dict(group.names).values())


def _begun(words: list[str], groups: Sequence[ExpertGroup]) -> tuple[ExpertGroup, str] | None:
    start = folded(words[0]).rstrip(":,") if words else ""
    meant = [
        group
        for group in groups
        if any(
            folded(name).startswith(start) for name in (group.key, group.name, *dict(group.names).values())
        )
    ]
    if len(start) < SHORTEST or len(meant) != 1:
        return None
    return meant[0], " ".join(words[1:]).lstrip(":, ")
