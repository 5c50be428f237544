"""Whether a whole transport may be tried: after a connection, TLS or login failure everything on it rests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from bridge.ports import TransportDown

log = structlog.get_logger()

PROBED_S = 1.0
"""Seconds until those who wait look whether the one try of a resting transport went well."""


@dataclass(slots=True)
class Transport:
    """One transport of one process. When its rest is over, a single effect tries it first."""

    failures: int = 0
    _until: float = 0.0
    _probing: bool = False

    def rest(self) -> float:
        """Seconds until the next try; 0 when the transport may be used now."""
        if not self.failures:
            return 0.0
        left = self._until - time.monotonic()
        return left if left > 0 else PROBED_S if self._probing else 0.0

    @contextmanager
    def trying(self, outage: Sequence[float]) -> Iterator[None]:
        """Note how a try went: :class:`TransportDown` begins or prolongs a rest, all else ends it.

        ``outage`` is how long to rest, in seconds, after the first failure, the second, and so on.
        """
        probe = self.failures > 0
        self._probing = self._probing or probe
        try:
            yield
        except TransportDown:
            self._failed(outage)
            raise
        except Exception:
            self._reached()
            raise
        else:
            self._reached()
        finally:
            self._probing = self._probing and not probe

    def _failed(self, outage: Sequence[float]) -> None:
        if time.monotonic() < self._until:
            return  # another try that began before the rest
        wait_s = outage[min(self.failures, len(outage) - 1)]
        self.failures += 1
        self._until = time.monotonic() + wait_s
        log.warning("transport.down", failures=self.failures, wait=wait_s)

    def _reached(self) -> None:
        if self.failures:
            log.info("transport.back", failures=self.failures)
        self.failures = 0
