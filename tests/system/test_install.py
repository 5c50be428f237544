"""docs/install.md, followed to the letter: from a clean clone and three accounts to an answered question.

The folders and ports that it names are put below a folder of the test's own. What needs a machine of its own
(making an account, giving files to it, systemd) is played here; systemd starts what the installed unit says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.demo.freeport import free_port
from bridge.demo.homeserver import LocalSynapse, die_with_parent
from bridge.demo.person import Person
from tests.support.clinic import body
from tests.system.mailservers import Dovecot, Postfix, RealMailbox, open_folder

pytestmark = pytest.mark.timeout(600)

TOP = Path(__file__).parents[2]
GUIDE = TOP / "docs" / "install.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOLDERS = (
    "/opt/colloque",
    "/etc/colloque",
    "/var/lib/colloque",
    "/etc/matrix-synapse",
    "/etc/systemd/system",
    "/usr/local/bin",
)
MADE_BY_THE_GUIDE = ("/opt/colloque", "/etc/colloque", "/var/lib/colloque")
"""What no machine has before: whoever follows the guide makes it."""
COMMAND_WITHIN_S = 300.0
ADDRESS = "marie@patients.example"
PLAYED = ("useradd ", "chgrp ", "systemctl ")
COMMANDS = 22
"""How many lines somebody types; more of them is a worse guide."""


@dataclass
class Machine:
    """Where the guide is followed. ``places`` says what stands here for its paths, ports and accounts."""

    root: Path
    clone: Path
    synapse: LocalSynapse
    places: dict[str, str]
    environ: dict[str, str]
    took: dict[str, float] = field(default_factory=dict)
    service: asyncio.subprocess.Process | None = None

    def here(self, text: str) -> str:
        """What the guide says, for this machine."""
        return re.sub("|".join(map(re.escape, self.places)), lambda found: self.places[found[0]], text)

    def write(self, name: str, content: str) -> None:
        """Write a file of the guide."""
        Path(self.here(name)).write_text(self.here(content))

    async def run(self, line: str) -> None:
        """Run one command as the guide has it, or play what needs a machine of its own."""
        since = time.monotonic()
        command, _, note = line.partition("    # ")
        if command.startswith(PLAYED):
            await self._played(shlex.split(command))
        else:
            wanted = int(note.removeprefix("exits ") or 0)
            await _run(self.here(command), self.clone, self.environ, wanted)
        self.took[command] = time.monotonic() - since

    async def _played(self, words: list[str]) -> None:
        match words:
            case ["systemctl", "restart", "matrix-synapse"]:
                await self._restart_synapse()
            case ["systemctl", "enable", "--now", "colloque"]:
                await self._start_unit()
            case ["useradd", *_, "colloque"] | ["chgrp", "colloque", _]:
                pass
            case _:
                raise AssertionError(f"nobody plays this: {words}")

    async def _restart_synapse(self) -> None:
        await self.synapse.stop()
        folder = Path(self.here("/etc/matrix-synapse")) / "conf.d"
        settings = YAML(typ="safe").load((folder / "colloque.yaml").read_text())
        again = LocalSynapse(
            self.synapse.directory, domain="example.org", port=self.synapse.port, settings=settings
        )
        self.synapse = again
        await again.start()

    async def _start_unit(self) -> None:
        unit = (Path(self.here("/etc/systemd/system")) / "colloque.service").read_text()
        said = dict(re.findall(r"^(ExecStartPre|ExecStart)=(.*)$", unit, re.MULTILINE))
        await _run(self.here(said["ExecStartPre"]), self.root, self.environ, 0)
        with (self.root / "colloque.log").open("wb") as log:
            self.service = await asyncio.create_subprocess_exec(
                *shlex.split(self.here(said["ExecStart"])),
                cwd=self.here("/var/lib/colloque"),
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    async def stop(self) -> None:
        """End what the guide started."""
        if self.service is not None and self.service.returncode is None:
            self.service.terminate()
            await self.service.wait()
        await self.synapse.stop()


async def _run(command: str, folder: Path, environ: dict[str, str], wanted: int) -> None:
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        command,
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(COMMAND_WITHIN_S):
        output, _ = await process.communicate()
    assert process.returncode == wanted, f"{command}: {process.returncode}\n{output.decode()[-2000:]}"


def _clone(to: Path) -> None:
    """What somebody gets who clones this."""
    listed = subprocess.run(
        ["git", "-C", str(TOP), "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (TOP / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TOP / name, to / name)


def _places(root: Path, postfix: Postfix, synapse: LocalSynapse) -> dict[str, str]:
    folders = {folder: f"{root}{folder}" for folder in FOLDERS}
    for name, folder in folders.items():
        place = Path(folder)
        (place.parent if name in MADE_BY_THE_GUIDE else place).mkdir(parents=True, exist_ok=True)
    (root / "etc/matrix-synapse/conf.d").mkdir()
    return folders | {
        "/etc/postfix": str(postfix.top),
        "localhost:8008": f"localhost:{synapse.port}",
        "port: 25\n": f"port: {postfix.smtp}\n",
        "2524": str(free_port()),
        "29330": str(free_port()),
        "-o colloque": "-o root",
        "-g colloque": "-g root",
        "-o matrix-synapse": "-o root",
    }


@contextlib.asynccontextmanager
async def _mail(folder: Path) -> AsyncIterator[tuple[Postfix, RealMailbox]]:
    """Postfix as many have it, with a mailbox for every address; it knows nothing of Colloque."""
    async with contextlib.AsyncExitStack() as ending:
        top = ending.enter_context(open_folder(folder))
        dovecot = Dovecot(top, domain="example.org")
        ending.push_async_callback(dovecot.stop)
        await dovecot.start()
        postfix = Postfix(
            top, domain="example.org", patients="patients.example", dovecot_lmtp=dovecot.lmtp, bridge=None
        )
        ending.push_async_callback(postfix.stop)
        await postfix.start()
        (folder / "mailbox").mkdir()
        mailbox = RealMailbox(
            folder / "mailbox", postfix=postfix.smtp, imap=dovecot.imap, addresses=(ADDRESS,)
        )
        mailbox.submit_to = ("127.0.0.1", postfix.smtp)
        await mailbox.start()
        ending.push_async_callback(mailbox.close)
        yield postfix, mailbox


@contextlib.asynccontextmanager
async def _machine(tmp_path: Path, postfix: Postfix) -> AsyncIterator[Machine]:
    synapse = LocalSynapse(tmp_path / "synapse", domain="example.org")
    await synapse.start()
    for name in ("claire", "amine", "nadia"):
        await synapse.register_user(name, "geheim")
    clone = tmp_path / "clone"
    clone.mkdir()
    _clone(clone)
    # The guide's postconf and postfix work on this configuration.
    environ = {**os.environ, "MAIL_CONFIG": str(postfix.top), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    machine = Machine(tmp_path, clone, synapse, _places(tmp_path, postfix, synapse), environ)
    try:
        yield machine
    finally:
        await machine.stop()


def _steps(text: str) -> Iterator[tuple[str, str]]:
    """What the guide has one do, in order: a file to write, or (without a name) a command to run."""
    for kind, name, content in BLOCK.findall(text):
        if kind == "sh":
            yield from (("", line) for line in content.splitlines())
        else:
            assert name, f"a block that is neither run nor written: {content}"
            yield name, content


async def _person(machine: Machine, name: str) -> Person:
    person = Person(machine.synapse.url, f"@{name}:example.org")
    await person.login("geheim")
    await person.accept_invites()
    return person


async def _first_question(machine: Machine, mailbox: RealMailbox) -> None:
    """Part 6 of the guide."""
    claire, amine = await _person(machine, "claire"), await _person(machine, "amine")
    await mailbox.write(
        to="dermatologie@example.org",
        subject="Un grain de beauté",
        text="Il a grandi depuis juin.",
        from_address=ADDRESS,
        from_name="Marie Dupont",
    )
    assert await mailbox.wait_for(ADDRESS, deadline_s=60)
    waiting = await claire.join("#colloque_w_dermatologie:example.org")
    card = await claire.wait_for(waiting, lambda e: "matrix.to" in body(e) and "grain" in body(e))
    alias = body(card).partition("matrix.to/#/")[2].partition("/")[0].partition("?")[0]
    room = await claire.join(alias)
    await amine.join(alias)
    await claire.wait_for(room, lambda e: "grandi" in body(e))
    await claire.say(room, "Montrez-le-moi cette semaine.")
    answer = await mailbox.wait_for(ADDRESS, matching=lambda m: "cette semaine" in m.text, deadline_s=90)
    assert room not in (await amine.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    await mailbox.write(
        to=answer.answer_address,
        subject="Re: Un grain de beauté",
        text="Merci, je viens jeudi.",
        from_address=ADDRESS,
        from_name="Marie Dupont",
        in_reply_to=answer,
    )
    await claire.wait_for(room, lambda e: "je viens jeudi" in body(e))
    await claire.close()
    await amine.close()


async def test_whoever_follows_the_guide_has_a_first_question_answered(tmp_path: Path) -> None:
    steps = list(_steps(GUIDE.read_text()))
    assert sum(not name for name, _ in steps) == COMMANDS
    async with _mail(tmp_path) as (postfix, mailbox), _machine(tmp_path, postfix) as machine:
        since = time.monotonic()
        for name, content in steps:
            if name:
                machine.write(name, content)
            else:
                await machine.run(content)
        await _first_question(machine, mailbox)
        whole = time.monotonic() - since
    slowest = sorted(machine.took.items(), key=lambda item: -item[1])[:3]
    print(
        f"{COMMANDS} commands in {sum(machine.took.values()):.0f} s, answered after {whole:.0f} s: {slowest}"
    )
