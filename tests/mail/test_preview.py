"""`colloque mail preview` writes every mail, readable without HTML and without its photos."""

from __future__ import annotations

import inspect
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from string import Formatter

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.domain import effects as fx
from bridge.locale import catalogue, text
from bridge.mail.samples import SUBJECTS, effects
from bridge.mail.write import Writer


def written(folder: Path, language: str) -> dict[str, str]:
    """Every mail of the preview as its receiver reads it, by name: subject, words, calendar."""
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(folder), "--language", language])
    assert ran.exit_code == 0, ran.output
    assert f"{len(list(folder.glob('*.eml')))} mails" in ran.output
    return {file.stem: readable(file) for file in folder.glob("*.eml")}


def readable(file: Path) -> str:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    page = unescape(file.with_suffix(".html").read_text())
    calendar = "".join(parts).replace("\r\n ", "").replace("\\,", ",").replace("\\n", "\n")
    return "\n".join((str(mail["Subject"]), file.with_suffix(".txt").read_text(), calendar, page))


def literals(words: str) -> list[str]:
    """What stands between the values of a text."""
    return [part for literal, _, _, _ in Formatter().parse(words) if (part := literal.strip("\n "))]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_text_that_a_mail_can_say_is_in_one_of_the_previews(tmp_path: Path, language: str) -> None:
    shown = "\n".join(written(tmp_path, language).values())
    keys = {key: words for key, words in catalogue(language).items() if key.startswith(("mail.", "notice."))}
    missing = [key for key, words in keys.items() if not all(part in shown for part in literals(words))]
    assert missing == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_effect_that_is_a_mail_is_in_the_preview(language: str) -> None:
    sent = {type(effect) for _, effect in effects(language)}
    assert sent == {fx.Acknowledge, fx.Answer, fx.TellPatient, fx.TellSender}
    source = inspect.getsource(Writer.mail) + inspect.getsource(Writer._whole_mail)
    assert {f"fx.{kind.__name__}" for kind in sent} == set(re.findall(r"case (fx\.\w+)\(", source))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_mail_is_whole_in_both_readings(tmp_path: Path, language: str) -> None:
    for name in written(tmp_path, language):
        words, html = ((tmp_path / f"{name}.{kind}").read_text() for kind in ("txt", "html"))
        assert words.startswith(text(language, "mail.marker"))
        assert "CHU de l'Exemple" in words
        assert "112" in words
        for reading in (words, html.partition("<body")[2]):
            assert "{" not in reading
            assert "()" not in reading
            assert "None" not in reading
            assert "&lt;" not in reading
        assert "<" not in words
        assert "cid:" not in html


@pytest.mark.parametrize("language", ["fr", "en"])
def test_neutral_mails_name_neither_group_nor_people_nor_the_patients_subject(
    tmp_path: Path, language: str
) -> None:
    mails = written(tmp_path, language)
    neutral = {name for name in mails if name.startswith("neutral-")} | {"consent-on-page", "answer-again"}
    assert len(neutral) >= 6
    for name in neutral:
        secrets = ("Dermato", "Roy", "Mercier", SUBJECTS[language])
        assert [secret for secret in secrets if secret in mails[name]] == [], name


def test_a_language_that_there_is_not_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["mail", "preview", "-o", str(tmp_path), "--language", "xx"])
    assert ran.exit_code == 2
    assert "xx" in ran.output
