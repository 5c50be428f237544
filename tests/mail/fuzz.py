"""Malformed mails by the thousand: none may crash the parser, take long or much, or lose what it says.

``python -m tests.mail.fuzz 10000 [SEED]`` prints what it found; the suite runs a few hundred.
"""

from __future__ import annotations

import random
import sys
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from bridge.mail.parse import parse_mail

WITHIN_S = 2.0
"""Of processor time: what else the machine does says nothing about a mail."""
MEMORY_MB = 300
WORD = "Zwieback"
"""Stands in the body of mails whose structure is whole: it has to come out again."""

HEAD = b"From: Marie <marie@p.example>\r\nTo: q+abc@h.example\r\nSubject: Re: x\r\nMIME-Version: 1.0\r\n"
HOSTILE = (
    b'"' * 5_000,
    b"(" * 5_000,
    b"=?utf-8?b?" * 500,
    b"<" * 5_000,
    b"> " * 5_000,
    b"\r\n" * 5_000,
    b"\x00\xff\xfe",
    b"\xf0\x9f\x98",
    "Le lun. 3 mai 2026 à 10:00, Dr X <d@h.example> a écrit :\r\n".encode() * 50,
    b"De : x\r\nEnvoye : y\r\n" * 200,
    b"<div>" * 3_000,
    b"<!--" * 3_000,
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 50,
    b"Content-Type: message/rfc822\r\n\r\n" * 50,
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Type: text/plain; charset=" + b"x" * 2_000 + b"\r\n",
    b"; name*0*=utf-8''" + b"%" * 1_000,
    b"begin 644 x\r\n" * 100,
    b"--b--\r\n",
)


def seeds() -> tuple[bytes, ...]:
    """Mails of every kind, all of them whole."""
    plain = HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + WORD.encode() + b" fait mal\r\n"
    page = HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + WORD.encode() + b"</p>\r\n"
    coded = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b64encode(WORD.encode()) + b"\r\n"
    mixed = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
        + WORD.encode()
        + b"\r\n--b\r\nContent-Type: image/jpeg; name=x.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + b64encode(b"\xff\xd8\xff\xe0" + bytes(400))
        + b"\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22\x01\r\n"
        + b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nold\r\n--b--\r\n"
    )
    report = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@x.example\r\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n"
        + WORD.encode()
        + b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    return plain, page, coded, mixed, report


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """A mail with a few things broken, at random."""
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
        match chance.randrange(6):
            case 0:
                raw = raw[:at] + chance.choice(HOSTILE) + raw[at:]
            case 1:
                raw = raw[:at] + raw[min(end, at + chance.randrange(1, 40)) :]
            case 2:
                raw = raw[:at] + chance.randbytes(chance.randrange(1, 40)) + raw[at:]
            case 3:
                raw = raw[:at] + raw[at:end] * chance.randrange(2, 6) + raw[end:]
            case 4:
                raw = raw.replace(b"\r\n", chance.choice((b"\n", b"\r", b"\r\r\n", b"\n\n")))
            case _:
                lines = raw.split(b"\r\n")
                chance.shuffle(lines)
                raw = b"\r\n".join(lines)
        raw = raw[:400_000]
    return raw


@dataclass(slots=True)
class Found:
    """What a run found; ``wrong`` names each input by its number."""

    inputs: int
    slowest_s: float
    memory_mb: float
    wrong: list[str]


def run(count: int, seed: int) -> Found:
    """Read so many broken mails. What has bytes has to come out as text or file."""
    chance, whole = random.Random(seed), seeds()
    slowest, wrong = 0.0, []
    for raw in whole:
        if WORD not in parse_mail(raw, "h.example").text:
            wrong.append("a whole mail lost its word")
    for number in range(count):
        raw = mutated(chance.choice(whole), chance)
        began = time.process_time()
        try:
            mail = parse_mail(raw, "h.example", report_expected=bool(number % 2))
        except Exception as error:
            wrong.append(f"{number}: {type(error).__name__}")
            continue
        took = time.process_time() - began
        slowest = max(slowest, took)
        if took > WITHIN_S:
            wrong.append(f"{number}: {took:.1f} s")
        kept = mail.text.encode() + b"".join(file.content for file in mail.files)
        if WORD.encode() in _body(raw) and WORD.encode() not in kept:
            wrong.append(f"{number}: lost")
    memory = _peak_mb()
    if memory > MEMORY_MB:
        wrong.append(f"{memory:.0f} MB")
    return Found(count, slowest, memory, wrong)


def _peak_mb() -> float:
    """This program's own peak; what ``getrusage`` tells includes who started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _body(raw: bytes) -> bytes:
    """What certainly isn't a header, in a mail that begins as one; a page may hide words by its own marks."""
    if b"text/html" in raw:
        return b""
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2] if raw.startswith((b"From:", b"Return")) else b""


if __name__ == "__main__":
    found = run(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(
        f"{found.inputs} mails, slowest {found.slowest_s:.2f} s, {found.memory_mb:.0f} MB, "
        f"{len(found.wrong)} wrong: {found.wrong[:20]}"
    )
    sys.exit(bool(found.wrong))
