"""A small run of what ``make fuzz`` does ten thousand times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bridge.mail.parse import parse_mail
from tests.mail.fuzz import HEAD

TOP = Path(__file__).parents[2]


def test_broken_mails_neither_crash_the_parser_nor_lose_what_they_say() -> None:
    """In a process of its own: what other tests keep in memory isn't the parser's."""
    command = [sys.executable, "-m", "tests.mail.fuzz", "300", "7"]
    ran = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout


def test_a_subject_that_is_coded_wrongly_is_shown_as_it_came() -> None:
    raw = HEAD.replace(b"Re: x", b"=?utf-8?b?abcde?=") + b"\r\nBonjour"
    assert parse_mail(raw).text == "Bonjour"


def test_words_above_the_first_part_are_kept_unless_a_program_wrote_them() -> None:
    form = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n%s\r\n--b\r\n\r\nBonjour\r\n--b--\r\n"
    assert [file.name for file in parse_mail(form % b"J'ai mal").files] == ["message.eml"]
    assert parse_mail(form % b"This is a multi-part message in MIME format.").files == ()
