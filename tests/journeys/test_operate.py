"""What an admin relies on: probes, metrics, a clean stop, logs without patients, inputs set aside."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bridge.demo.mailbox import Attached, Mail
from bridge.demo.photos import skin_jpeg
from tests.support.clinic import PATIENT, Clinic, eventually, hospital
from tests.support.idle import idle
from tests.support.ward import port_of

pytestmark = pytest.mark.timeout(400)

WORDS = (
    "Éruption prurigineuse depuis dimanche sous amoxicilline",
    "Faut-il arrêter le traitement antibiotique",
    "Arrêtez l'amoxicilline et passez en consultation",
    "desquamation",
)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"derm": 2}))
    yield opened
    await opened.close()


def _web(clinic: Clinic) -> str:
    return f"http://127.0.0.1:{port_of(clinic.stack.config.read_text(), 'web')}"


async def _get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, await response.text()


async def _cli(clinic: Clinic, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bridge",
        "inbox",
        *words,
        "-c",
        str(clinic.stack.config),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def _reply(clinic: Clinic, mail: Mail, text: str, sender: str = PATIENT.address) -> None:
    await clinic.stack.mailbox.write(
        to=mail.answer_address,
        subject=f"Re: {mail.subject}",
        text=text,
        from_address=sender,
        from_name=PATIENT.name,
        in_reply_to=mail,
    )


async def _conversation(clinic: Clinic) -> None:
    asked = await clinic.ask(
        "derm", f"{WORDS[0]}. {WORDS[1]} ?", photos=(Attached("peau.jpg", "image/jpeg", skin_jpeg()),)
    )
    owner = clinic.members("derm")[0]
    await owner.say(asked.room_id, WORDS[2])
    await clinic.sealed(asked, owner)
    mail = await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: WORDS[2] in m.text)
    await _reply(clinic, mail, f"Merci. {WORDS[3]} depuis hier.")
    await owner.wait_for(asked.room_id, lambda e: WORDS[3] in str(e["content"]))


async def test_no_log_has_a_patients_words_name_or_address(watched: Clinic) -> None:
    await _conversation(watched)
    await watched.stack.bridge.stop()
    log = (watched.stack.directory / "bridge.log").read_text()
    assert "bridge.ready" in log
    words = {word for text in WORDS for word in re.findall(r"\w{5,}", text)} | {"Marie", "Dupont"}
    found = [word for word in [*words, PATIENT.address] if word.lower() in log.lower()]
    assert not found


async def test_sigterm_ends_it_within_ten_seconds_while_people_write(watched: Clinic) -> None:
    writing = asyncio.gather(*(watched.write("derm", "Bonjour") for _ in range(10)))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    assert await watched.stack.bridge.stop() == 0
    assert time.monotonic() - began < 10
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


async def test_it_is_not_ready_while_the_homeserver_is_away_and_says_so(watched: Clinic) -> None:
    status, _ = await _get(f"{_web(watched)}/_matrix/mau/ready")
    assert status == 200
    await watched.stack.synapse.kill()
    await watched.write("derm", "Bonjour")

    async def said() -> bool:
        status, text = await _get(f"{_web(watched)}/_matrix/mau/ready")
        return status == 503 and '"homeserver": false' in text and '"database": true' in text

    assert await eventually(said)
    status, _ = await _get(f"{_web(watched)}/_matrix/mau/live")
    assert status == 200


async def test_metrics_count_what_happened_and_are_not_for_everyone(watched: Clinic) -> None:
    await _conversation(watched)
    await idle(watched)  # a mail counts when its server's word is on record, the patient may have it before
    url = f"{_web(watched)}/metrics"
    status, text = await _get(url)
    assert status == 200
    assert "colloque_claims_total 1.0" in text
    assert re.search(r'colloque_effects_total\{lane="mail",outcome="done"\} [2-9]', text)
    assert 'colloque_up{of="homeserver"} 1.0' in text
    assert "colloque_questions_waiting 0.0" in text
    assert re.search(r"colloque_homeserver_seconds_count [1-9]", text)
    assert "Dupont" not in text
    status, _ = await _get(url, **{"X-Forwarded-For": "192.0.2.1"})
    assert status == 401


async def test_metrics_want_the_token_where_there_is_one(watched: Clinic) -> None:
    config = watched.stack.config
    port = port_of(config.read_text(), "web")
    config.write_text(
        config.read_text().replace(f"port: {port}", f"port: {port}\n  metrics_token: geheim-12")
    )
    await watched.stack.bridge.stop()
    await watched.stack.bridge.start()
    url = f"{_web(watched)}/metrics"
    assert (await _get(url))[0] == 401
    assert (await _get(url, Authorization="Bearer wrong"))[0] == 401
    assert (await _get(url, Authorization="Bearer geheim-12"))[0] == 200


async def test_an_admin_lists_reads_tries_again_and_discards_what_was_set_aside(watched: Clinic) -> None:
    await _conversation(watched)
    mail = watched.stack.mailbox.mails_to(PATIENT.address)[-1]
    await _reply(watched, mail, "Je suis sa voisine.", "voisine@patients.example")
    seen = ""

    async def listed() -> bool:
        nonlocal seen
        code, seen = await _cli(watched, "list")
        return code == 0 and "unverified" in seen

    assert await eventually(listed)
    assert "voisine" not in seen
    number = seen.split("\t")[0]
    code, shown = await _cli(watched, "show", number)
    assert code == 0
    assert "Je suis sa voisine." in shown
    assert (await _cli(watched, "retry", number))[0] == 0
    assert await eventually(listed, within_s=60)
    assert (await _cli(watched, "discard", number, "--yes"))[0] == 0
    assert (await _cli(watched, "retry", number))[0] == 2
    code, text = await _cli(watched, "show", number)
    assert code == 2
    assert f"no input {number} is set aside" in text
