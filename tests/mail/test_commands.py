"""``colloque mail parse`` shows what the bridge makes of a mail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app

REPLY = f"Oui.\n\nLe 3 mars 2025 à 10:00, Dr X <q+{'a' * 24}@h.example> a écrit :\n> Mal ?\n"
MAIL = f"From: Marie <marie@patients.example>\nTo: q+{'a' * 24}@h.example\nSubject: Re: x\n\n{REPLY}"
RUN = CliRunner()


def _parse(tmp_path: Path, raw: str | bytes, *options: str) -> dict[str, object]:
    file = tmp_path / "mail.eml"
    file.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    result = RUN.invoke(app, ["mail", "parse", str(file), "--json", *options])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.output)
    return found


def test_json_says_what_becomes_of_each_part(tmp_path: Path) -> None:
    assert _parse(tmp_path, MAIL) == {
        "text": "Oui.",
        "elided": REPLY.partition("\n\n")[2].strip(),
        "attachments": [],
        "from": "marie@patients.example",
        "token_found": True,
        "automatic": False,
        "bounce": None,
        "authenticated": False,
        "problems": [],
    }


def test_the_verdict_of_the_configured_mail_server_counts(tmp_path: Path) -> None:
    raw = f"Authentication-Results: mx.h.example; dmarc=pass\n{MAIL}"
    config = tmp_path / "config.yaml"
    sample = Path("config")
    text = (sample / "config.yaml").read_text().replace("mail:\n", "mail:\n  authserv_id: mx.h.example\n", 1)
    config.write_text(text)
    (tmp_path / "organisation.yaml").write_text((sample / "organisation.yaml").read_text())
    assert _parse(tmp_path, raw)["authenticated"] is False
    assert _parse(tmp_path, raw, "-c", str(config))["authenticated"] is True


def test_a_bare_text_gives_only_the_reply() -> None:
    result = RUN.invoke(app, ["mail", "parse", "--reply-text", "-"], input=REPLY)
    assert (result.exit_code, result.output) == (0, "Oui.\n")


def test_people_can_read_it_too(tmp_path: Path) -> None:
    file = tmp_path / "mail.eml"
    file.write_text(MAIL)
    result = RUN.invoke(app, ["mail", "parse", str(file)])
    assert "from: marie@patients.example" in result.output
    assert result.output.endswith("Oui.\n")


@pytest.mark.parametrize("wrong", ["nowhere.eml", "."])
def test_a_file_that_cant_be_read_ends_with_code_2(wrong: str) -> None:
    result = RUN.invoke(app, ["mail", "parse", wrong, "--json"])
    assert result.exit_code == 2
    assert "can't be read" in result.output
