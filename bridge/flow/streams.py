"""What came without a gap: transactions of one homeserver's process, numbered one after the other.

A homeserver forgets events that it owes us only when its process ends, and then its connections to us
end too: one that carried a transaction before and does so now is proof that it ran all the while. And a
transaction that it left over after a failure is missing in the row of their numbers. So if a room was
made within such a stretch, or an event that came in it was seen in its place there with everything before
it, then everything before a later event has come as well: there is nothing to look up before it is decided.

Behind a proxy a connection says nothing about the homeserver; nor do numbers that don't count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
REMEMBERED = 5000
CONNECTIONS = 32


@dataclass(slots=True)
class Streams:
    """The transactions that one process was sent; ``connected`` is told of each new connection."""

    connected: Callable[[], None] = lambda: None
    now: int = 0
    """How many transactions there have been."""
    _last: int = -1
    """The number of the last one, as the homeserver counts."""
    _unbroken: int = 1
    """The first one of those that follow each other without a gap up to the last."""
    _floor: int | None = None
    """The first one for which that holds and the homeserver surely is the same process; ``None``: unknown."""
    _connections: OrderedDict[object, int] = field(default_factory=OrderedDict)
    _events: OrderedDict[str, tuple[int, int]] = field(default_factory=OrderedDict)
    """By event, the floor when it came, and the transaction by which it did."""
    _rooms: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """By room, a transaction up to which everything has come."""

    def began(self, connection: object, txn_id: str, *, direct: bool) -> None:
        """A transaction comes by this connection, ``direct`` from the homeserver as far as can be seen."""
        self.now += 1
        number = int(txn_id) if txn_id.isdecimal() and txn_id.isascii() else -1
        if number < 1 or number != self._last + 1:
            self._unbroken = self.now
        self._last = number
        known = connection in self._connections
        first = self._connections.get(connection, self.now)
        _note(self._connections, connection, first, CONNECTIONS)
        self._floor = max(first, self._unbroken) if direct else None
        if not known:
            self.connected()

    def broke(self) -> None:
        """A transaction was not kept: it comes again, and others may be left over."""
        self._last = -1

    def came(self, event_ids: Iterable[str]) -> None:
        """These events come by the present transaction."""
        for event_id in event_ids:
            if self._floor is None:
                self._events.pop(event_id, None)
            else:
                _note(self._events, event_id, (self._floor, self.now), REMEMBERED)

    def came_by(self, event_id: str) -> int:
        """By which transaction, as :attr:`now` was then, this event came; 0: unknown."""
        return self._events.get(event_id, (0, 0))[1]

    def complete(self, room_id: str, since: int) -> None:
        """Everything of a room has come, up to a moment at which this was :attr:`now`."""
        _note(self._rooms, room_id, max(since, self._rooms.get(room_id, 0)), REMEMBERED)

    def making(self) -> Callable[[str], None]:
        """A room is about to be made: call what this returns with its ID once it is."""
        since = self.now
        return lambda room_id: self.complete(room_id, since)

    def whole(self, room_id: str, event_id: str) -> bool:
        """Whether everything before this event of this room is known to have come."""
        floor, _came_by = self._events.get(event_id, (None, 0))
        return floor is not None and self._rooms.get(room_id, 0) >= floor


def _note(known: OrderedDict[K, V], name: K, value: V, limit: int) -> None:
    known[name] = value
    known.move_to_end(name)
    if len(known) > limit:
        known.popitem(last=False)
