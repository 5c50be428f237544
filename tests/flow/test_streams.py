"""When an event may be decided without asking the homeserver what came before it, and when not."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.flow.streams import Streams

ROOM = "!r:x"


@dataclass
class Wire:
    """A homeserver's connections, as one process sees them."""

    streams: Streams = field(default_factory=Streams)
    connection: object = field(default_factory=object)
    number: int = 0

    def carries(self, *event_ids: str, number: int | None = None, direct: bool = True) -> None:
        self.number = self.number + 1 if number is None else number
        self.streams.began(self.connection, str(self.number), direct=direct)
        self.streams.came(event_ids)

    def breaks(self) -> None:
        self.connection = object()

    def looked(self, event_id: str) -> None:
        self.streams.complete(ROOM, self.streams.came_by(event_id))

    def trusts(self, event_id: str) -> bool:
        return self.streams.whole(ROOM, event_id)


def test_after_one_look_the_events_of_the_same_stream_need_no_other() -> None:
    wire = Wire()
    wire.carries("$1")
    assert not wire.trusts("$1")
    wire.looked("$1")
    assert wire.trusts("$1")
    wire.carries("$2")
    assert wire.trusts("$2")


def test_a_new_connection_may_be_a_restarted_homeserver() -> None:
    wire = Wire()
    wire.carries("$1")
    wire.looked("$1")
    wire.breaks()
    wire.carries("$2")
    assert not wire.trusts("$2")
    wire.looked("$2")
    assert wire.trusts("$2")


def test_connections_that_take_turns_are_one_homeserver() -> None:
    wire, first, second = Wire(), object(), object()
    for connection in (first, second):
        wire.connection = connection
        wire.carries()
    wire.carries("$before")
    wire.looked("$before")
    for number, connection in enumerate((first, second, first, second)):
        wire.connection = connection
        wire.carries(f"${number}")
        assert wire.trusts(f"${number}")


def test_a_connection_from_before_proves_that_there_was_no_restart_behind_a_new_one() -> None:
    wire, first, second = Wire(), object(), object()
    wire.connection = first
    wire.carries("$1")
    wire.looked("$1")
    wire.connection = second
    wire.carries("$2")
    assert not wire.trusts("$2")
    wire.connection = first
    wire.carries("$3")
    assert wire.trusts("$3")


def test_a_gap_in_the_numbers_is_a_transaction_that_was_left_over() -> None:
    wire = Wire()
    wire.carries("$1")
    wire.looked("$1")
    wire.carries("$3", number=wire.number + 2)
    assert not wire.trusts("$3")
    wire.carries("$2", number=wire.number - 1)
    assert not wire.trusts("$2")


def test_a_transaction_that_was_not_kept_ends_the_stream() -> None:
    wire = Wire()
    wire.carries("$1")
    wire.looked("$1")
    wire.carries("$2")
    wire.streams.broke()
    wire.carries("$2", number=wire.number)
    assert not wire.trusts("$2")
    wire.carries("$3")
    assert not wire.trusts("$3")


def test_behind_a_proxy_nothing_is_known_of_the_homeserver() -> None:
    wire = Wire()
    for event_id in ("$1", "$2"):
        wire.carries(event_id, direct=False)
        wire.looked(event_id)
        assert not wire.trusts(event_id)


def test_numbers_that_do_not_count_say_nothing() -> None:
    streams, connection = Streams(), object()
    for number, txn_id in enumerate(("a1b2", "²", "-3", "", "0", "m", "7", "x")):
        streams.complete(ROOM, streams.now)
        streams.began(connection, txn_id, direct=True)
        streams.came([f"${number}"])
        assert not streams.whole(ROOM, f"${number}")


def test_what_came_while_a_room_was_being_looked_at_in_an_earlier_stream_is_not_covered() -> None:
    wire = Wire()
    wire.carries("$1")
    wire.breaks()
    wire.carries("$2")
    wire.looked("$1")
    assert not wire.trusts("$2")
    wire.looked("$2")
    wire.looked("$1")
    assert wire.trusts("$2")


def test_a_room_is_known_from_its_making_on() -> None:
    wire = Wire()
    wire.carries("$other")
    made = wire.streams.making()
    made(ROOM)
    wire.carries("$1")
    assert wire.trusts("$1")


def test_a_room_that_was_being_made_while_the_homeserver_restarted_is_looked_at() -> None:
    wire = Wire()
    wire.carries("$other")
    made = wire.streams.making()
    wire.breaks()
    wire.carries("$1")
    made(ROOM)
    assert not wire.trusts("$1")


def test_each_new_connection_is_told_once() -> None:
    told: list[bool] = []
    streams = Streams(lambda: told.append(True))
    first, second = object(), object()
    for connection, number in ((first, 1), (first, 2), (first, 9), (second, 10), (second, 11)):
        streams.began(connection, str(number), direct=True)
    assert len(told) == 2
