"""A transport that is down rests as a whole; one effect tries it first."""

from __future__ import annotations

import contextlib

import pytest

from bridge.flow.retry import MAIL, MATRIX, Backoff
from bridge.flow.transport import Transport
from bridge.ports import Permanent, PortError, Temporary, TransportDown


def _try(transport: Transport, error: Exception | None, outage: tuple[float, ...] = (100, 200)) -> None:
    with contextlib.suppress(PortError), transport.trying(outage):
        if error is not None:
            raise error


def test_a_failure_to_connect_rests_it_and_a_second_try_under_way_changes_nothing() -> None:
    transport = Transport()
    assert transport.rest() == 0
    _try(transport, TransportDown("no"))
    assert 50 < transport.rest() <= 100
    _try(transport, TransportDown("no"))
    assert transport.rest() <= 100


def test_each_failure_after_a_rest_rests_longer() -> None:
    transport = Transport()
    rests = []
    for _ in range(3):
        _try(transport, TransportDown("no"), (-2, -1))
        rests.append(transport.failures)
    assert rests == [1, 2, 3]
    _try(transport, TransportDown("no"), (5, 5, 50))
    assert 10 < transport.rest() <= 50


@pytest.mark.parametrize("error", [None, Temporary("4yz"), Permanent("5yz")])
def test_any_answer_ends_the_rest(error: Exception | None) -> None:
    transport = Transport()
    _try(transport, TransportDown("no"))
    _try(transport, error)
    assert transport.rest() == 0


def test_after_the_rest_one_tries_and_the_others_wait_for_it() -> None:
    transport = Transport()
    _try(transport, TransportDown("no"), (-1,))
    assert transport.rest() == 0
    with transport.trying((100,)):
        assert transport.rest() > 0
    assert transport.rest() == 0


def _waits(backoff: Backoff, tries: int) -> list[float]:
    return [wait for wait in (backoff.next_wait(n, 0) for n in range(tries)) if wait is not None]


def test_mails_wait_1_5_15_30_minutes_and_then_about_an_hour_for_five_days() -> None:
    assert _waits(MAIL, 4) == [60, 300, 900, 1800]
    assert all(3200 < wait < 4000 for wait in _waits(MAIL, 30)[4:])
    assert MAIL.next_wait(50, 5 * 86_400 - 1) is not None
    assert MAIL.next_wait(50, 5 * 86_400) is None


def test_what_the_homeserver_asks_for_is_never_undercut() -> None:
    assert MATRIX.next_wait(0, 0, asked=42) == 42
    assert MATRIX.next_wait(5, 0, asked=1) == 30
