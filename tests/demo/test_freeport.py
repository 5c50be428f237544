"""Ports for servers that are about to start: given once, however many look for some."""

from __future__ import annotations

import socket
import subprocess
import sys

from bridge.demo.freeport import KEPT, free_port

ASKING = f"""
import sys
from bridge.demo.freeport import free_port
print(*(free_port() for _ in range({KEPT})), flush=True)
sys.stdin.read()
"""


def test_neither_two_processes_nor_one_twice_get_the_same() -> None:
    command = [sys.executable, "-c", ASKING]
    pipe = subprocess.PIPE
    asking = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(8)]
    told = [one.stdout.readline() for one in asking if one.stdout is not None]
    for one in asking:
        one.communicate()  # closes what it waits for
    ports = [int(port) for line in told for port in line.split()]
    assert len(ports) == len(set(ports)) == 8 * KEPT


def test_a_server_can_listen_on_it_and_then_nobody_else_gets_it() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        taken = server.getsockname()[1]
        assert taken not in {free_port() for _ in range(5 * KEPT)}
