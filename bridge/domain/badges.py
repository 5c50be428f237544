"""Cards that go take their place in unread counts with them: planned where we may act as people."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain.effects import Planned, RedactOwn
from bridge.domain.house import CorrectCounts

SETTLED_AFTER_S = 5.0
"""How long after a card went counts are looked at: of cards that go together, only the last one looks."""

WAITING = "waiting:"


def corrected(planned: Iterable[Planned]) -> tuple[Planned, ...]:
    """What withdrawing these cards means for the unread counts of their waiting rooms.

    It has a lane of its own, so that nothing waits for it.
    """
    cards = [plan.effect for plan in planned if isinstance(plan.effect, RedactOwn)]
    return tuple(
        Planned(
            CorrectCounts(f"{card.key}:counts", card.room.removeprefix(WAITING), card.key),
            f"counts:{card.room.removeprefix(WAITING)}",
            SETTLED_AFTER_S,
        )
        for card in cards
        if card.room.startswith(WAITING)
    )
