"""A mail that breaks its reader breaks nothing else, and is known to have done so."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import AsyncIterator

import pytest

from bridge.choosing import cleaned
from bridge.demo.photos import skin_jpeg
from bridge.mail import sandbox as module
from bridge.mail.sandbox import Limits, ParserDied, Sandbox

MAIL = b"From: Marie <marie@patients.example>\r\nSubject: x\r\n\r\nBonjour\r\n"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    await sandbox.close()


def _pid(sandbox: Sandbox) -> int:
    (child,) = sandbox._resting
    return child._process.pid


async def test_many_mails_share_one_process(sandbox: Sandbox) -> None:
    assert (await sandbox.parse(MAIL)).reply == "Bonjour"
    pid = _pid(sandbox)
    assert (await sandbox.parse(MAIL)).reply == "Bonjour"
    assert _pid(sandbox) == pid


async def test_a_large_mail_takes_its_memory_away_with_it(sandbox: Sandbox) -> None:
    await sandbox.parse(MAIL + b"x" * 5_000_000)
    assert sandbox._resting == []


@pytest.mark.parametrize(
    ("start", "limits"),
    [
        ("while True: pass", Limits(cpu_s=1)),
        ("time.sleep(60)", Limits(wall_s=0.5)),
        ("os.kill(os.getpid(), 9)", Limits()),
        ("x = bytearray(10**10)", Limits()),
        ("os._exit(3)", Limits()),
    ],
)
async def test_what_takes_more_than_its_share_ends_alone(
    start: str, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = f"""
import bridge.mail.parse, os, time
whole = bridge.mail.parse.parse_mail
def hostile(raw, *rest, **more):
    if b"hostile" in raw:
        {start}
    return whole(raw, *rest, **more)
bridge.mail.parse.parse_mail = hostile
"""
    monkeypatch.setattr(module, "_START", broken + module._START)
    sandbox = Sandbox(limits)
    with pytest.raises(ParserDied):
        await sandbox.parse(b"hostile")
    sandbox.limits = Limits()  # what was short for the hostile one may be so for any on a busy machine
    assert (await sandbox.parse(MAIL)).reply == "Bonjour"
    await sandbox.close()


async def test_it_gets_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLOQUE_HOMESERVER_AS_TOKEN", "secret")
    look = 'import os, bridge.mail.parse\nassert "COLLOQUE_HOMESERVER_AS_TOKEN" not in os.environ\n'
    monkeypatch.setattr(module, "_START", look + module._START)
    sandbox = Sandbox()
    assert (await sandbox.parse(MAIL)).reply == "Bonjour"
    await sandbox.close()


def test_what_it_hands_back_can_only_be_plain_values() -> None:
    with pytest.raises(pickle.UnpicklingError):
        module._plain(pickle.dumps(print))


async def test_it_ends_when_nothing_comes() -> None:
    sandbox = Sandbox(Limits(idle_s=0.05))
    await sandbox.parse(MAIL)
    (child,) = sandbox._resting
    await asyncio.wait_for(child._process.wait(), 20)
    assert sandbox._resting == []
    assert (await sandbox.parse(MAIL)).reply == "Bonjour"
    await sandbox.close()


async def test_a_photo_is_cleaned_in_the_limited_process_and_what_is_none_stays_what_it_is(
    sandbox: Sandbox,
) -> None:
    photo = await cleaned(sandbox, skin_jpeg())
    assert photo is not None
    assert (photo.mimetype, photo.extension) == ("image/jpeg", "jpg")
    assert b"Exif" in skin_jpeg()
    assert b"Exif" not in photo.content
    assert await cleaned(sandbox, b"no picture") is None


async def test_a_picture_that_breaks_its_reader_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_START", "import os; os.write(1, b'+'); os.read(0, 1); os._exit(3)")
    broken = Sandbox()
    assert await cleaned(broken, skin_jpeg()) is None
    await broken.close()
