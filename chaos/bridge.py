"""``colloque run`` with minutes as seconds: what a mail waits between tries, so that a run ends in time."""

from __future__ import annotations

from bridge.flow import retry

MINUTE_S = 1.0
retry.MAIL = retry.Backoff(
    first=tuple(wait / 60 * MINUTE_S for wait in retry.MAIL.first[:2]),
    later=5 * MINUTE_S,
    give_up_after=retry.MAIL.give_up_after,
    outage=(0.5, 1, 2),
)

if __name__ == "__main__":
    from bridge.cli import main

    main()
