"""How long each way takes, against the least that must happen (see :mod:`bench.bare`), in turn."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.bare import Bare
from bench.idle import idle
from bridge.console import settings_of
from bridge.demo.mailbox import Mail
from bridge.demo.person import Person
from bridge.desk.desk import client
from bridge.matrix.client import MatrixClient
from bridge.matrix.rooms import words
from bridge.ports import Json
from tests.support.clinic import PATIENT, Asked, Clinic, body, hospital

ROUNDS = 60
CLAIMS = 24
BURST = 100
TICKS_PER_S = 100
Way = Callable[[str], Awaitable[float]]
"""Measures one message that has this word, in seconds."""


async def latency(directory: Path) -> dict[str, Any]:
    """Medians in seconds, ratios, CPU and memory."""
    clinic = await Clinic.open(directory, hospital({"derm": 2}), "11")
    bare = Bare(directory, ("127.0.0.1", clinic.stack.mailbox.port))
    direct = client(settings_of(clinic.stack.config).config)
    await bare.start()
    await direct.start()
    try:
        return await _all(clinic, bare, direct)
    finally:
        await direct.close()
        await bare.stop()
        await clinic.close()


async def _all(clinic: Clinic, bare: Bare, direct: MatrixClient) -> dict[str, Any]:
    asked = await clinic.ask("derm")
    owner = clinic.members("derm")[0]
    await owner.say(asked.room_id, "Je m'en occupe.")
    await clinic.sealed(asked, owner)
    mail = await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: "occupe" in m.text)
    ghost = (await owner.call("GET", f"/v3/rooms/{asked.room_id}/event/{asked.event_id}"))["sender"]
    room_id = await bare.room()
    figures: dict[str, Any] = {}
    figures |= await _both(
        clinic,
        "mail to room",
        lambda w: _mail_to_room(clinic, asked, owner, mail, w),
        lambda w: _ghost(direct, asked.room_id, ghost, owner, w),
    )
    bare.react = bare.mail
    figures |= await _both(
        clinic,
        "reply to mail",
        lambda w: _reply(clinic, owner, asked.room_id, PATIENT.address, w),
        lambda w: _reply(clinic, bare.owner, room_id, "b@bare.example", w),
    )
    figures |= await _smtp(clinic, mail)
    figures |= await _bursts(clinic, owner, asked.room_id, bare, room_id)
    bare.react = None
    figures |= await _claims(clinic, bare)
    figures["bridge, resident memory"] = f"{_resident_mb(clinic):.0f} MB"
    return figures


async def _both(
    clinic: Clinic,
    name: str,
    ours: Callable[[str], Awaitable[float]],
    least: Callable[[str], Awaitable[float]],
) -> dict[str, Any]:
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for each, way in zip(times, (ours, least), strict=True):
            await idle(clinic)
            each.append(await way(f"mot{number}x{time.monotonic_ns()}"))
    mine, bare = (statistics.median(values) for values in times)
    return {
        f"{name}, ours": f"{mine * 1000:.0f} ms",
        f"{name}, least": f"{bare * 1000:.0f} ms",
        f"{name}, ratio": round(mine / bare, 2),
    }


async def _mail_to_room(clinic: Clinic, asked: Asked, owner: Person, mail: Mail, word: str) -> float:
    return await _until_seen(
        owner, asked.room_id, lambda e: word in body(e), lambda: _write(clinic, mail, word)
    )


async def _write(clinic: Clinic, mail: Mail, word: str) -> None:
    message = (
        f"From: {PATIENT.name} <{PATIENT.address}>\r\nTo: {mail.answer_address}\r\nSubject: Re: x\r\n"
        f"Message-ID: <{word}@patients.example>\r\n\r\n{word}\r\n"
    )
    host, port = clinic.stack.mailbox.submit_to or ("", 0)
    await _delivered(host, port, PATIENT.address, mail.answer_address, message.encode())


async def _delivered(host: str, port: int, sender: str, recipient: str, message: bytes) -> None:
    """Hand a mail over as a mail server does: its envelope in one go (RFC 2920)."""
    reader, writer = await asyncio.open_connection(host, port)
    envelope = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    exchanges = ((b"", 1), (b"EHLO mx.bench.example\r\n", 1), (envelope, 3), (message + b".\r\n", 1))
    for told, replies in exchanges:
        writer.write(told)
        for _ in range(replies):
            await _agreed(reader)
    writer.write(b"QUIT\r\n")
    await _agreed(reader)
    writer.close()


async def _agreed(reader: asyncio.StreamReader) -> None:
    """Read one reply, whatever its number of lines. Raises :class:`ConnectionError` on a refusal."""
    line = await reader.readline()
    while line[3:4] == b"-":
        line = await reader.readline()
    if line[:1] not in (b"2", b"3"):
        raise ConnectionError(line.decode())


async def _ghost(direct: MatrixClient, room_id: str, ghost: str, owner: Person, word: str) -> float:
    """The patient's ghost says it in the same room, by the one call that it takes.

    It is the same event: ``m.mentions``, which says that nobody is meant, costs a homeserver 3 ms by itself.
    """
    return await _until_seen(
        owner,
        room_id,
        lambda e: word in body(e),
        lambda: direct.send(room_id, "m.room.message", words(word), txn_id=word, as_user=ghost),
    )


async def _reply(clinic: Clinic, person: Person, room_id: str, address: str, word: str) -> float:
    began = time.perf_counter()
    await person.say(room_id, word)
    await clinic.stack.mailbox.wait_for(address, matching=lambda m: word in m.text)
    return time.perf_counter() - began


async def _smtp(clinic: Clinic, mail: Mail) -> dict[str, Any]:
    """How long a mail server waits for our 250, with the homeserver there and frozen."""
    times = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        await _write(clinic, mail, f"accepte{number}")
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.1)
    return {"acceptance of a mail, whole SMTP session": f"{statistics.median(times) * 1000:.1f} ms"}


async def _bursts(clinic: Clinic, owner: Person, room_id: str, bare: Bare, bare_room: str) -> dict[str, Any]:
    """Many replies at once, by ours and by the least service.

    Ours marks each message as sent, which is a second event: a homeserver has twice as much to do.
    """
    await asyncio.sleep(2)
    mine = await _burst(clinic, owner, room_id, PATIENT.address, clinic.stack.synapse.pid)
    await idle(clinic)
    least = await _burst(clinic, bare.owner, bare_room, "b@bare.example", bare.synapse.pid)
    return {
        "burst, replies": BURST,
        "burst, mails they made": mine.mails,
        "burst, replies a second": round(mine.a_second, 1),
        "burst, replies a second, least": round(least.a_second, 1),
        "homeserver CPU a reply": f"{mine.cpu_ms:.0f} ms",
        "homeserver CPU a reply, least": f"{least.cpu_ms:.0f} ms",
    }


@dataclass(frozen=True, slots=True)
class Burst:
    """What a burst of replies made; ``cpu_ms`` is the homeserver's processor time for each of them."""

    mails: int
    a_second: float
    cpu_ms: float


async def _burst(clinic: Clinic, person: Person, room_id: str, address: str, pid: int) -> Burst:
    """As fast as one client sends, until the last is in the mailbox; the processor's time with its marks."""
    mailbox = clinic.stack.mailbox
    before, cpu = len(mailbox.mails_to(address)), _cpu_s(pid)
    began = time.perf_counter()
    for number in range(BURST):
        await person.say(room_id, f"rafale{number}")
    last = f"rafale{BURST - 1}"
    await mailbox.wait_for(address, matching=lambda m: last in m.text, deadline_s=120)
    took_s = time.perf_counter() - began
    await idle(clinic)
    mails = len(mailbox.mails_to(address)) - before
    return Burst(mails, BURST / took_s, (_cpu_s(pid) - cpu) / BURST * 1000)


async def _claims(clinic: Clinic, bare: Bare) -> dict[str, Any]:
    """From the first answer to the seal, with one other reader: their removal is the last step of both."""
    ours, told, least = [], [], []
    for number in range(CLAIMS):
        asked = await clinic.ask("derm")
        first, second = clinic.members("derm")
        await second.join(asked.room_id)
        await idle(clinic)
        sealed_s, told_s = await _claim(clinic, asked, first, second, f"pris {number}")
        ours.append(sealed_s)
        told.append(told_s)
        room_id = await bare.room()
        await idle(clinic)
        bare.react = lambda _text, room_id=room_id: bare.seal(room_id)
        least.append(await _until_removed(bare.owner, room_id, bare.others[0].user_id, "pris"))
        bare.react = None
    mine, floor = statistics.median(ours), statistics.median(least)
    return {
        "claim to seal, ours": f"{mine * 1000:.0f} ms",
        "claim to seal, ours, told to the owner": f"{statistics.median(told) * 1000:.0f} ms",
        "claim to seal, least": f"{floor * 1000:.0f} ms",
        "claim to seal, ratio": round(mine / floor, 2),
    }


async def _claim(
    clinic: Clinic, asked: Asked, first: Person, second: Person, words: str
) -> tuple[float, float]:
    """Seconds until the other reader is out, and until the owner is told that the seal is complete."""
    began = time.perf_counter()
    sealed_s = await _until_removed(first, asked.room_id, second.user_id, words)
    await clinic.sealed(asked, first)
    return sealed_s, time.perf_counter() - began


async def _until_removed(person: Person, room_id: str, other: str, words: str) -> float:
    """Seconds from someone's message to the removal of another, as the homeserver tells it."""
    return await _until_seen(
        person, room_id, lambda e: _is_removal(e, other), lambda: person.say(room_id, words)
    )


async def _until_seen(
    person: Person, room_id: str, wanted: Callable[[Json], bool], act: Callable[[], Awaitable[object]]
) -> float:
    """Seconds from before ``act`` until a client that follows the room is told of an event."""
    only = json.dumps({"room": {"rooms": [room_id]}, "presence": {"types": []}})
    since = (await person.call("GET", "/v3/sync", filter=only, timeout="0"))["next_batch"]
    began = time.perf_counter()
    acting = asyncio.create_task(_run(act))
    while True:
        answer = await person.call("GET", "/v3/sync", filter=only, since=since, timeout="10000")
        since = answer["next_batch"]
        timeline = answer.get("rooms", {}).get("join", {}).get(room_id, {}).get("timeline", {})
        if any(wanted(event) for event in timeline.get("events", [])):
            took_s = time.perf_counter() - began
            await acting
            return took_s


async def _run(act: Callable[[], Awaitable[object]]) -> None:
    await act()


def _is_removal(event: Json, user_id: str) -> bool:
    return event.get("state_key") == user_id and event["content"].get("membership") == "leave"


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def _resident_mb(clinic: Clinic) -> float:
    process = clinic.stack.bridge.process
    assert process is not None
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
