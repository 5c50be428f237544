"""What a YAML reader complains of, in words that say which line to change and how.

Its own words are for programmers, name the line where reading ended rather than the one to change, and
of a key that is given twice they show both values, secrets included.
"""

from __future__ import annotations

import re
from datetime import date

from ruamel.yaml.error import MarkedYAMLError, YAMLError

LONG_NUMBER = 4000
"""Digits; Python reads no whole number that is much longer."""
REMEDIES = (
    (r"found duplicate key \"?([^\"]*?)\"? with value", 'the key "{0}" is given twice; keep one'),
    (r"character '\\t'", "indent and separate with spaces, not tabs"),
    (r"character '([@`%&*!|>])'", 'a value that begins with {0} must be in quotes: "{0}…"'),
    (
        r"undefined alias '([^']*)'",
        "*{0} refers to nothing that is named &{0}; put it in quotes if it is text",
    ),
    (r"found another document|expected a single document", "one document only; leave out the line ---"),
    (r"unexpected end of stream", "a quote is opened here and never closed; close it"),
    (
        r"mapping values are not allowed",
        "write `key: value`, with a space after the colon and an indent "
        "by plain spaces here and in the line before; put a value that has a colon in it in quotes",
    ),
    (r"could not find expected ':'", "write `key: value`, with a colon and a space"),
    (
        r"expected <block end>|did not find expected",
        "close what is opened before, and indent alike what belongs together",
    ),
    (r"expected ',' or '[\]}]'", "close the bracket, and put a comma between what is in it"),
    (r"unknown escape", "in double quotes a backslash says something else; use single quotes: '…'"),
    (r"expected alphabetic or numeric character", 'a value that begins with * or & must be in quotes: "…"'),
    (r"for merging", "after `<<:` there must be a reference (*name) to keys with values"),
    (r"could not determine a constructor|unknown tag", "leave out the word that begins with !"),
)
"""What it says, and what to do about it."""
SEEN = (
    (r"\s*[\u00a0\u2007\u202f]", "the indent has a space that is none; use plain spaces"),
    (r"\s*-[^\s-]", "write a space after the dash: - …"),
    (r"[^'\"#]*:\s+'[^']*'[^\s,}\]#]", "an apostrophe ends what is in '…'; use double quotes"),
)
"""What a line that the reader stumbles over looks like, and what to do about it."""


def told(error: YAMLError, text: str) -> tuple[int, str]:
    """The line to look at, from 1, and what is wrong there."""
    if not isinstance(error, MarkedYAMLError):
        return _unreadable(error, text)
    problem = (error.problem or "not YAML").strip().splitlines()[0]
    mark = error.problem_mark or error.context_mark
    if "end of stream" in problem and error.context_mark is not None:
        mark = error.context_mark
    if merged := re.search(r"^(?:<{7}|>{7}) ", text, re.MULTILINE):
        line = text.count("\n", 0, merged.start()) + 1
        return line, "a merge has left its marks; keep one of the versions, without the marks"
    lines = text.splitlines()
    here = lines[mark.line] if mark and mark.line < len(lines) else ""
    if seen := next((remedy for look, remedy in SEEN if re.match(look, here)), ""):
        return (mark.line + 1 if mark else 1), seen
    return (mark.line + 1 if mark else 1), _with_remedy(problem, text)


def _with_remedy(problem: str, text: str) -> str:
    for pattern, remedy in REMEDIES:
        if found := re.search(pattern, problem):
            said = remedy.format(*found.groups())
            return said if "duplicate key" in problem else f"{problem}: {said}"
    return problem + (" (indent with spaces, not tabs)" if "\n\t" in f"\n{text}" else "")


def _unreadable(error: YAMLError, text: str) -> tuple[int, str]:
    """A sign that may not stand in YAML: the reader knows where."""
    position = getattr(error, "position", None)
    sign = getattr(error, "character", None)
    if not isinstance(position, int) or not isinstance(sign, int | str):
        return 1, str(error).splitlines()[0]
    code = sign if isinstance(sign, int) else ord(sign[:1] or "\0")
    line = text.count("\n", 0, position) + 1
    return line, f"the sign U+{code:04X}, which can't be seen, may not stand here; delete it"


def of_value(error: ValueError, text: str) -> tuple[int, str]:
    """A value that looks like a number or a day and can't be one; the reader doesn't say where."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.search(rf"[0-9]{{{LONG_NUMBER},}}", line):
            return number, "a number that is too long; put it in quotes if it is text"
        for day in re.findall(r"(?<!\d)(\d{4}-\d\d?-\d\d?)(?!\d)", line):
            year, month, of_month = map(int, day.split("-"))
            try:
                date(year, month, of_month)
            except ValueError:
                return number, f"there is no {day} in the calendar; correct the day, or put it in quotes"
    return 1, str(error).splitlines()[0]
