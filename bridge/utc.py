"""The real time."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The :class:`bridge.ports.Clock` of the running service."""

    def now(self) -> datetime:
        """The current time, UTC."""
        return datetime.now(UTC)
