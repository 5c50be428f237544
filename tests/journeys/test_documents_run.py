"""Each command that the pages for admins show is run as it stands, beside a running service."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clinic import PATIENT, Clinic, eventually, hospital
from tests.support.ward import port_of

pytestmark = pytest.mark.timeout(900)

DOCS = Path(__file__).parents[2] / "docs"
BOX = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = re.compile(r"(?:/etc/colloque|config)/config\.yaml")
LAST = ("inbox discard", "patient erase")
"""What takes away what the others show."""
MACHINES = ("journalctl ",)
"""What asks the machine's own service manager."""
MAY_ADVISE = ("doctor",)
"""What exits with 1 when this machine has no name servers, say."""


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2}))
    yield opened
    await opened.close()


def _lines() -> list[str]:
    """Every line of the pages' boxes without its remark; what takes away comes last."""
    found = [
        line.partition("  #")[0].strip()
        for page in ("operate.md", "troubleshoot.md")
        for box in BOX.findall((DOCS / page).read_text())
        for line in box.splitlines()
    ]
    lines = [line for line in found if line and not line.startswith(MACHINES)]
    return sorted(lines, key=lambda line: next((n for n, word in enumerate(LAST, 1) if word in line), 0))


async def _run(line: str, folder: Path) -> tuple[int | None, str]:
    command = re.sub(r"^colloque ", f"{sys.executable} -m bridge ", line)
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(b"y\n")
    return process.returncode, output.decode()


async def _set_aside(clinic: Clinic) -> str:
    """A neighbour's answer, which no owner has judged; its number."""
    mail = clinic.stack.mailbox.mails_to(PATIENT.address)[-1]
    await clinic.stack.mailbox.write(
        to=mail.answer_address,
        subject=mail.subject,
        text="Je suis sa voisine.",
        from_address="voisine@patients.example",
        from_name="Voisine",
        in_reply_to=mail,
    )
    return await _number(clinic)


async def _number(clinic: Clinic) -> str:
    found: list[str] = []

    async def listed() -> bool:
        listing = f"colloque inbox list -c {clinic.stack.config}"
        _, seen = await _run(listing, clinic.stack.directory)
        found[:] = [line.split("\t")[0] for line in seen.splitlines() if "unverified" in line]
        return bool(found)

    assert await eventually(listed, 120)
    return found[0]


async def test_each_command_of_the_pages_for_admins_does_what_it_says(
    watched: Clinic, tmp_path: Path
) -> None:
    asked = await watched.ask("derm")
    owner = watched.members("derm")[0]
    await owner.say(asked.room_id, "Bonjour.")
    await watched.sealed(asked, owner)
    await watched.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "Bonjour." in m.text)
    number = await _set_aside(watched)
    state = await owner.call("GET", f"/v3/rooms/{asked.room_id}/state/m.room.name/")
    reference = re.search(r"[A-HJ-NP-Z2-9]{6}$", state["name"])
    assert reference
    port = port_of(watched.stack.config.read_text(), "web")
    places = {"K7X3M2": reference[0], " 17 ": f" {number} ", "29330": str(port), "marie@": "marie.dupont@"}
    (tmp_path / "kept").mkdir()
    places |= {"/srv/backup/": f"{tmp_path}/kept/", " -o marie ": f" -o {tmp_path}/marie "}
    lines = _lines()
    assert len(lines) >= 25
    for line in lines:
        command = FILES.sub(str(watched.stack.config), line)
        for shown, here in places.items():
            command = command.replace(shown, here)
        if "inbox discard" in line:
            assert await _number(watched) == number
        code, output = await _run(command, watched.stack.directory)
        allowed = (0, 1) if any(word in line for word in MAY_ADVISE) else (0,)
        assert code in allowed, f"{line}: {code}\n{output}"
        assert "Traceback" not in output, f"{line}\n{output}"
