"""Starts what the demonstration needs, and stops all of it: homeserver, mailbox, page, and the bridge.

The bridge runs as its own command in its own process, as an administrator would run it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bridge.demo.freeport import free_port
from bridge.demo.homeserver import LocalSynapse, die_with_parent
from bridge.demo.hospital import NOTHING, Hospital, Ports, write_configuration
from bridge.demo.mailbox import LocalMailbox
from bridge.demo.person import Person

READY_WITHIN_S = 120.0


class NotReady(Exception):
    """Something did not start; the message says what and where its log is."""


class BridgeProcess:
    """``colloque run`` as a process of its own."""

    def __init__(self, config: Path, log: Path, web_port: int, command: tuple[str, ...] = ()) -> None:
        self._command = command or (sys.executable, "-m", "bridge", "run")
        self._config = config
        self._log = log
        self._web_port = web_port
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, *, wait: bool = True, environ: dict[str, str] | None = None) -> None:
        """Start it and wait until it says that it is ready. Raises :class:`NotReady`."""
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                "-c",
                str(self._config),
                stdout=log,
                stderr=log,
                env={**os.environ, **(environ or {})},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        if wait:
            await self.wait_ready()

    async def wait_ready(self) -> None:
        """Wait for the readiness answer. Raises :class:`NotReady` when the process ends or stays silent."""
        assert self.process is not None
        url = f"http://127.0.0.1:{self._web_port}/_matrix/mau/ready"
        try:
            async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
                while self.process.returncode is None:
                    if await _answers(session, url):
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"the bridge did not become ready; its log is {self._log}") from None
        raise NotReady(f"the bridge ended with {self.process.returncode}; its log is {self._log}")

    async def stop(self) -> int:
        """SIGTERM, as a service manager does; returns its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """SIGKILL, as a power cut does."""
        return await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(number)
        try:
            async with asyncio.timeout(20):
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return await self.process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def _allow_acting(config: Path, registration: Path) -> None:
    """Have the service act as practitioners, by this registration."""
    line = f"  acting_registration_file: {registration.name}\n"
    config.write_text(config.read_text().replace("homeserver:\n", f"homeserver:\n{line}", 1))


class Stack:
    """Everything the demonstration runs, in one folder.

    ``mailbox`` may stand for other mail servers, which come to ``listener``; ``changes`` go over the
    configuration. ``acting``: the service may act as practitioners.
    """

    def __init__(
        self,
        directory: Path,
        hospital: Hospital,
        *,
        quiet_period_s: int,
        room_version: str | None = None,
        command: tuple[str, ...] = (),
        database: str = "sqlite:///colloque.db",
        mailbox: LocalMailbox | None = None,
        listener: int = 0,
        changes: Mapping[str, Any] = NOTHING,
        homeserver: dict[str, Any] | None = None,
        acting: bool = False,
    ) -> None:
        self.directory = directory
        self.hospital = hospital
        self.passwords: dict[str, str] = {}
        self._quiet_period_s = quiet_period_s
        self._room_version = room_version
        self._command = command
        self._database = database
        self._homeserver = homeserver or {}
        self._acting = acting
        self._people: list[Person] = []
        self._listener = listener
        self._changes = changes
        self.mailbox = mailbox or LocalMailbox(directory / "mailbox")
        self.synapse: LocalSynapse
        self.bridge: BridgeProcess
        self.config: Path

    async def start(self) -> None:
        """Start everything, in the order in which each finds what it needs."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "mailbox").mkdir(exist_ok=True)
        await self.mailbox.start()
        listener = self._listener or free_port()
        ports = Ports(listener=listener, mailbox=self.mailbox.port, web=free_port())
        self.mailbox.submit_to = self.mailbox.submit_to or ("127.0.0.1", ports.listener)
        homeserver_port = free_port()
        config = write_configuration(
            self.directory,
            homeserver_url=f"http://127.0.0.1:{homeserver_port}",
            ports=ports,
            hospital=self.hospital,
            quiet_period_s=self._quiet_period_s,
            database=self._database,
            changes=self._changes,
        )
        registration = self.directory / "registration.yaml"
        await self._register_service(config, registration)
        acting = self.directory / "acting.yaml" if self._acting else None
        if acting is not None:
            _allow_acting(config, acting)
            await self._register_service(config, acting, "--acting")
        self.synapse = LocalSynapse(
            self.directory / "synapse",
            domain=self.hospital.domain,
            port=homeserver_port,
            registration=registration,
            acting=acting,
            room_version=self._room_version,
            **self._homeserver,
        )
        await self.synapse.start()
        await self._register_people()
        self.config = config
        self.bridge = BridgeProcess(config, self.directory / "bridge.log", ports.web, self._command)
        await self.bridge.start()

    async def _register_service(self, config: Path, registration: Path, *options: str) -> None:
        words = (sys.executable, "-m", "bridge", "registration", "-c", str(config), "-o", str(registration))
        process = await asyncio.create_subprocess_exec(
            *words, *options, "--force", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise NotReady(f"the registration could not be written: {output.decode(errors='replace')}")

    async def _register_people(self) -> None:
        for practitioner in self.hospital.organisation.practitioners:
            localpart = practitioner.user_id[1:].partition(":")[0]
            password = secrets.token_urlsafe(9)
            await self.synapse.register_user(localpart, password, displayname=practitioner.name)
            self.passwords[practitioner.user_id] = password

    async def log_in(self, user_id: str) -> Person:
        """A practitioner with a client of their own, invitations accepted."""
        practitioner = self.hospital.organisation.practitioner(user_id)
        person = Person(self.synapse.url, user_id, practitioner.name if practitioner else "")
        self._people.append(person)
        await person.login(self.passwords[user_id])
        await person.accept_invites()
        return person

    async def stop(self) -> None:
        """Stop everything that was started."""
        for person in self._people:
            await person.close()
        if hasattr(self, "bridge"):
            await self.bridge.stop()
        if hasattr(self, "synapse"):
            await self.synapse.stop()
        await self.mailbox.close()
