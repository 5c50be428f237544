"""`colloque mail preview` writes every mail, readable without HTML and without its photos."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.locale import catalogue, text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_mail_is_written_as_sent_and_in_both_readings(tmp_path: Path, language: str) -> None:
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(tmp_path), "--language", language])
    assert ran.exit_code == 0, ran.output
    names = {file.stem for file in tmp_path.glob("*.eml")}
    notices = {key.removeprefix("notice.") for key in catalogue(language) if key.startswith("notice.")}
    assert {"acknowledgement", "answer", "correction", "neutral-answer"} | {
        key.replace("_", "-") for key in notices
    } <= names
    assert "still_waiting" in notices
    for name in names:
        assert message_from_bytes((tmp_path / f"{name}.eml").read_bytes())["Message-ID"]
        words = (tmp_path / f"{name}.txt").read_text()
        assert text(language, "mail.marker") in words
        assert "{" not in words
        assert "<" not in words.replace("<https:", "")
        assert "cid:" not in (tmp_path / f"{name}.html").read_text()


def test_a_language_that_there_is_not_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(tmp_path), "--language", "xx"])
    assert ran.exit_code == 2
    assert "xx" in ran.output
