"""A running hospital whose bridge is several processes behind one address."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

from bridge.demo.freeport import free_port
from bridge.demo.stack import BridgeProcess
from tests.support.balancer import Balancer
from tests.support.clinic import Clinic


class Ward:
    """A clinic whose bridge is several processes."""

    def __init__(self, clinic: Clinic, command: tuple[str, ...] = ()) -> None:
        self._command = command
        self.clinic = clinic
        self.processes: list[BridgeProcess] = []
        self.database = ""
        self.listener = 0
        self.web: Balancer
        self.mail: Balancer

    async def open(self, count: int) -> None:
        """Put ``count`` processes in the place of the one."""
        stack = self.clinic.stack
        await stack.bridge.stop()
        text = stack.config.read_text()
        self.database = _database(text, stack.directory)
        web_ports, mail_ports = ([free_port() for _ in range(count)] for _ in range(2))
        web, mail = port_of(text, "web"), port_of(text, "listen")
        self.listener = mail
        for number, (web_port, mail_port) in enumerate(zip(web_ports, mail_ports, strict=True)):
            folder = stack.directory / f"process{number}"
            folder.mkdir()
            for name in ("organisation.yaml", "registration.yaml"):
                shutil.copy(stack.directory / name, folder / name)
            config = folder / "config.yaml"
            # The address that the homeserver calls stays the balancer's.
            listening = re.sub(rf"port: {web}\b", f"port: {web_port}", text)
            config.write_text(re.sub(rf"port: {mail}\b", f"port: {mail_port}", listening))
            self.processes.append(BridgeProcess(config, folder / "bridge.log", web_port, self._command))
        self.web, self.mail = Balancer(web, web_ports), Balancer(mail, mail_ports)
        await self.web.start()
        await self.mail.start()
        await asyncio.gather(*(process.start() for process in self.processes))

    async def close(self) -> None:
        """Stop all of it."""
        await asyncio.gather(*(process.stop() for process in self.processes))
        await self.web.stop()
        await self.mail.stop()


def _database(config: str, directory: Path) -> str:
    """The URL that the configuration's database has from outside."""
    found = re.search(r"database:\s+url: (\S+)", config)
    assert found is not None
    return found[1].replace("sqlite:///", f"sqlite:///{directory}/process0/")


def port_of(config: str, section: str) -> int:
    """The port that a section of a configuration names."""
    found = re.search(rf"{section}:[^#]*?port: (\d+)", config)
    assert found is not None
    return int(found[1])
