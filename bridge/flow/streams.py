"""What came without a gap: transactions by one connection, numbered one after the other.

A homeserver forgets events that it owes us only when its process ends, and then its connection to us
ends too; and a transaction that it left over after a failure is missing in the row of their numbers.
So of a room that was compared (or made) since such a stream began, everything before an event that
came by the same stream has come as well: there is nothing to look up before it is decided.

Behind a proxy a connection says nothing about the homeserver; nor do numbers that don't count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

REMEMBERED_EVENTS = 5000
REMEMBERED_ROOMS = 5000
NONE = 0
"""The number of what belongs to no stream."""


@dataclass(slots=True)
class Streams:
    """The streams that one process has seen; ``connected`` is told of each new connection."""

    connected: Callable[[], None] = lambda: None
    now: int = NONE
    """The number of the present stream."""
    _connection: object = None
    _last: int = -1
    _latest: int = NONE
    _events: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _rooms: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def began(self, connection: object, txn_id: str, *, direct: bool) -> None:
        """A transaction comes by this connection, ``direct`` from the homeserver as far as can be seen."""
        known = connection is self._connection
        number = int(txn_id) if txn_id.isdecimal() and txn_id.isascii() else -1
        if not (known and self.now and number == self._last + 1):
            self._latest += 1
            self.now = self._latest if direct and number >= 0 else NONE
        self._connection, self._last = connection, number
        if not known:
            self.connected()

    def broke(self) -> None:
        """A transaction was not kept: it comes again, and others may be left over."""
        self.now = NONE

    def came(self, event_ids: Iterable[str]) -> None:
        """These events come by the present stream."""
        for event_id in event_ids:
            _note(self._events, event_id, self.now, REMEMBERED_EVENTS)

    def complete(self, room_id: str, since: int) -> None:
        """Everything of a room up to a moment at which this was the present stream has come."""
        _note(self._rooms, room_id, since, REMEMBERED_ROOMS)

    def making(self) -> Callable[[str], None]:
        """A room is about to be made: call what this returns with its ID once it is."""
        since = self.now
        return lambda room_id: self.complete(room_id, since)

    def whole(self, room_id: str, event_id: str) -> bool:
        """Whether everything before this event of this room is known to have come."""
        stream = self._events.get(event_id, NONE)
        return stream != NONE and self._rooms.get(room_id, NONE) == stream


def _note(known: OrderedDict[str, int], name: str, number: int, limit: int) -> None:
    if number == NONE:
        known.pop(name, None)
        return
    known[name] = number
    known.move_to_end(name)
    if len(known) > limit:
        known.popitem(last=False)
