"""Which steps of a plan may be performed at once, and which have to wait for others: pure."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain.plan import AddChild, CreateRoom, NoAccount, Step

Lane = tuple[Step, ...]
"""Steps that are performed one after the other."""


def stages(steps: Iterable[Step]) -> tuple[tuple[Lane, ...], ...]:
    """Stages one after the other, of lanes side by side.

    What happens in one room, and its being listed, is one lane in the plan's order: who shall moderate
    may do so before they come. A room whose space is made by the same plan is of a later stage than that.
    """
    lanes: dict[str, list[Step]] = {}
    for step in steps:
        lanes.setdefault(_lane(step), []).append(step)
    made = {step.wanted.key for lane in lanes.values() for step in lane if isinstance(step, CreateRoom)}
    levels: dict[str, int] = {}

    def level(key: str) -> int:
        if key not in levels:
            levels[key] = 1 + max((level(above) for above in _above(lanes[key]) & made), default=-1)
        return levels[key]

    found: dict[int, list[Lane]] = {}
    for key, lane in lanes.items():
        found.setdefault(level(key), []).append(tuple(lane))
    return tuple(tuple(found[number]) for number in sorted(found))


def _lane(step: Step) -> str:
    match step:
        case CreateRoom():
            return step.wanted.key
        case AddChild():
            return step.child
        case NoAccount():
            return ""
        case _:
            return step.key


def _above(lane: Iterable[Step]) -> set[str]:
    """The spaces that these steps need to be there."""
    found = {step.wanted.parent for step in lane if isinstance(step, CreateRoom)}
    return found | {step.key for step in lane if isinstance(step, AddChild)}
