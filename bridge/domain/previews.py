"""What an expert would get, as the owner sees it: all of it, over as many messages as that takes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain import effects as fx
from bridge.domain.opinions import Opinion, Stage
from bridge.domain.state import Question

PAGE = 5_000
"""Characters of one message: an event may have 65 536 bytes, its words stand in it twice, and as HTML."""
MOST = 60_000
"""Characters that somebody can be expected to read again before they leave; more are not passed on."""


def preview_key(question: Question, number: int) -> str:
    """The key of the last message of a preview, which is the one to be marked."""
    return f"{question.id}:opinion:{number}:shown"


def too_long(opinion: Opinion) -> bool:
    """Whether more would leave than can be shown."""
    return len(opinion.asks) + sum(len(one.text) for one in opinion.chosen) > MOST


def contents(opinion: Opinion) -> tuple[fx.Phrase, ...]:
    """Everything that would leave, each thing a line."""
    lines = list(_whole("bot.opinion_asks", opinion.asks, {}))
    for number, one in enumerate(opinion.chosen, 1):
        values = {"number": str(number)}
        who = "patient" if one.patient else "practitioner"
        lines += _whole(f"bot.opinion_item_{who}", one.text, values)
        if one.file is not None:
            lines.append(fx.Phrase("bot.opinion_item_photo", {**values, "name": one.file.name}))
    return tuple(lines)


def _whole(key: str, text: str, values: dict[str, str]) -> Iterable[fx.Phrase]:
    """A text, however long: what doesn't fit into one message goes on in the next."""
    for piece in _pieces(text):
        yield fx.Phrase(key, {**values, "text": piece})
        key = "bot.opinion_continued"


def _pieces(text: str) -> Iterable[str]:
    while len(text) > PAGE:
        cut = max(text.rfind("\n", PAGE // 2, PAGE), text.rfind(" ", PAGE // 2, PAGE))
        cut = PAGE if cut < 0 else cut
        yield text[:cut]
        text = text[cut:].lstrip()
    if text:
        yield text


def messages(
    question: Question, key: str, language: str, lines: Iterable[fx.Phrase]
) -> tuple[fx.SayAll, ...]:
    """These lines as messages; the last one has this key."""
    pages: list[list[fx.Phrase]] = [[]]
    for line in lines:
        if pages[-1] and sum(map(_length, pages[-1])) + _length(line) > PAGE:
            pages.append([])
        pages[-1].append(line)
    keys = [*(f"{key}:{number}" for number in range(1, len(pages))), key]
    return tuple(
        fx.SayAll(one, question.id, language, tuple(page)) for one, page in zip(keys, pages, strict=True)
    )


def _length(line: fx.Phrase) -> int:
    return sum(map(len, line.values.values()))


def told_new_owner(question: Question, before: str, language: str) -> tuple[fx.Effect, ...]:
    """Whoever takes over while the patient is asked sees what a yes would send, in their name."""
    effects: list[fx.Effect] = []
    for opinion in question.opinions:
        if opinion.stage is Stage.ASKED:
            head = fx.Phrase("bot.opinion_asked_before", {"who": before, "to": opinion.called})
            lines = (head, *contents(opinion), fx.Phrase("bot.opinion_asked_drop"))
            effects += messages(question, f"{question.stem}:opinion:{opinion.number}", language, lines)
    return tuple(effects)
