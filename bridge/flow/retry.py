"""When to try again: a policy that only decides."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between tries: ``first`` in turn, then ``later`` with jitter, up to ``give_up_after``.

    ``outage`` is how long the whole transport rests after each failure in a row to reach it; the last
    one is repeated.
    """

    first: tuple[float, ...]
    later: float
    give_up_after: float
    outage: tuple[float, ...] = (5,)

    def next_wait(self, attempts: int, age_s: float, asked: float | None = None) -> float | None:
        """How long to wait after this many failed tries of an effect this old; ``None`` to give up.

        ``asked`` is what the peer asked for (``Retry-After``), and is never undercut.
        """
        if age_s >= self.give_up_after:
            return None
        wait = self.first[attempts] if attempts < len(self.first) else self.later * random.uniform(0.9, 1.1)
        return max(wait, asked or 0.0)


DAY_S = 86_400.0

MAIL = Backoff(first=(60, 300, 900, 1800), later=3600, give_up_after=5 * DAY_S, outage=(5, 10, 30, 60))
"""A mail server that is away comes back within minutes or days (RFC 5321, 4.5.4.1)."""

MATRIX = Backoff(first=(0.5, 1, 2, 5, 10, 30), later=60, give_up_after=5 * DAY_S, outage=(0.5, 1, 2, 5))
"""The homeserver is next door: try often."""

INPUT = Backoff(first=(0.2, 1, 5, 30), later=60, give_up_after=float("inf"))
"""An input that could not be decided; after :data:`INPUT_TRIES` it is set aside."""

INPUT_TRIES = 5
