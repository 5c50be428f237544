"""How several lines of the bot are shown: plain, and help as a list of what to type."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from bridge.domain.commands import SIGN, TABLE
from bridge.domain.effects import Phrase
from bridge.locale import LANGUAGES, text
from bridge.matrix.outlet import marked


class _Typed(HTMLParser):
    """Gathers what is set apart as something to type, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.typed: list[str] = []
        self.tags: set[str] = set()
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "code"
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.typed.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spec", TABLE, ids=lambda spec: spec.name)
def test_a_line_of_help_shows_what_to_type(language: str, spec: object) -> None:
    name, command = spec.name, SIGN + spec.word(language)  # type: ignore[attr-defined]
    plain, html = marked(language, [Phrase(f"help.{name}", {"command": command})])
    assert plain.startswith(command)
    assert "`" not in plain
    reader = _Typed()
    reader.feed(html)
    assert reader.typed[0].startswith(command)
    assert reader.tags == {"ul", "li", "code"}


def test_lines_without_help_are_plain_whatever_someone_wrote() -> None:
    phrases = [Phrase("bot.unknown", {"command": "!`<b>`", "help": "!aide"})]
    assert marked("fr", phrases) == (text("fr", "bot.unknown", command="!`<b>`", help="!aide"), "")


def test_help_is_a_list_after_its_introduction() -> None:
    phrases = [Phrase("bot.help_owner", {"sign": "<"}), Phrase("help.unmute", {"command": "!unmute"})]
    plain, html = marked("en", phrases)
    assert len(plain.split("\n")) == 2
    assert html.startswith("<p>")
    assert "&lt;" in html
    assert html.endswith("</p><ul><li><code>!unmute</code>: reminders are back.</li></ul>")
