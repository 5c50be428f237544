"""TCP ports for servers that are about to start, on a machine where others look for some, too."""

from __future__ import annotations

import atexit
import random
import socket
from collections import deque

LOWEST, BEYOND = 20000, 32000
"""Below what systems give to outgoing connections: none takes a port while its server restarts."""
KEPT = 64
"""Reservations that a process holds; whoever asked before those has long begun to listen."""
_reserved: deque[socket.socket] = deque(maxlen=KEPT)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and that nobody else is given meanwhile.

    What reserves it until its server listens is the UDP port of the same number, which nothing here uses: two
    processes can't both have that, nor one twice.
    """
    while True:
        port = random.randrange(LOWEST, BEYOND)
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                reservation.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
                continue
        _reserve(reservation)
        return port


def _reserve(reservation: socket.socket) -> None:
    if len(_reserved) == KEPT:
        _reserved.popleft().close()
    _reserved.append(reservation)


@atexit.register
def _release() -> None:
    while _reserved:
        _reserved.popleft().close()
