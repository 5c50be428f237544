"""End-to-end encryption: the one place that says what the bridge can read.

It reads no encrypted room yet, and says so wherever somebody tries. What is needed to read one belongs here,
and to nobody else: an Olm machine for each of our users (the bot is a user of its own, never the service's
sender, so that its device can be caught up by ``/sync``), keys that come by transaction, and words that are
decrypted before :mod:`bridge.matrix.parse` sees them and encrypted after
:meth:`bridge.matrix.outlet.Outlet.send` has marked them.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.ports import Json

ENCRYPTED = "m.room.encrypted"
"""The type of an event whose words we can't read."""


def is_encrypted(state: Iterable[Json]) -> bool:
    """Whether what is said in the room of this state is encrypted; there is no way back from that."""
    return any(event.get("type") == "m.room.encryption" for event in state)
