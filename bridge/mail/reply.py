"""Cuts quoted history off a reply, by strong structure only: a patient's words must never be lost.

Cut at our own marker line; else at an attribution with a date and an address, or with a date and the
history right below, or at a block of mail headers; drop quoted lines only where they follow such a line
or end the mail. If nothing would be left, everything is kept. Linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.mail.history import (
    MARKER_EN,
    MARKER_FR,
    addresses,
    attribution,
    begins_history,
    glued,
    header_block,
    history_follows,
    introduced,
    is_forward,
    is_marker,
    is_phone,
    is_quoted,
    is_rule,
    points_below,
    unglued,
)

__all__ = ["MARKER_EN", "MARKER_FR", "Reply", "read_reply", "strip_quotes"]

MAX_LINES = 3_000
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SPACES = re.compile("[\u00a0\u202f\u2007\u2009]")
_WRAPPED_LINK = re.compile(r"\(https?://[^\s()]*$")
_LINK_ONLY = re.compile(r"\s*[(<]https?://[^\s()<>]{1,2000}[)>]\s*>?\s*$")

HISTORY_QUOTES = 3
"""Quoted lines at the end that are history by themselves; fewer may be somebody's « > 39 »."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody newly wrote, and everything else of their mail's text."""

    text: str
    elided: str


def read_reply(text: str, *, forwarded: bool = False, ours: str = "") -> Reply:
    """Tell the reply from the history; ``text`` is never empty unless the given text is.

    ``forwarded``: the mail's subject says that it was forwarded, so all of it is meant to be read.
    ``ours`` is our mail domain, if known: a quoted mail from elsewhere is then something to be read too.
    """
    lines = _normalised(text)
    whole = "\n".join(lines).strip()
    above = None if forwarded else _cut(lines, ours)
    kept = lines if above is None else _without_tail(above)
    reply = "\n".join(kept).strip()
    if not reply or points_below(reply):  # who answers in the earlier mail, without any mark, says so above
        return Reply(whole, "")
    return Reply(reply, _elided(lines, kept))


def strip_quotes(text: str) -> str:
    """What the patient newly wrote."""
    return read_reply(text).text


def _elided(lines: list[str], kept: list[str]) -> str:
    """The lines that were not kept; those that were are in the same order, one perhaps cut short."""
    left, place = [], 0
    for line in lines:
        wanted = kept[place] if place < len(kept) else None
        if wanted is not None and line == wanted:
            place += 1
        elif wanted and line.startswith(wanted):
            left.append(line[len(wanted) :].strip())
            place += 1
        else:
            if not line and wanted == "":
                place += 1
            left.append(line)
    return "\n".join(left).strip()


def _normalised(text: str) -> list[str]:
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")))
    return [part.rstrip() for line in text.split("\n") for part in unglued(line)]


def _cut(lines: list[str], ours: str) -> list[str] | None:
    """The lines above the first thing that only a mail program writes; ``None`` if all are to be read."""
    marker = _marker(lines[:MAX_LINES])
    limit = len(lines) if marker is None else marker
    for number in range(min(limit, MAX_LINES)):
        if is_forward(lines[number]):
            return None  # what somebody chose to forward is what they want to be read
        if length := attribution(lines, number):
            foreign = _foreign(lines[number : number + length], marker, ours)
            return None if foreign else _around(lines, number, length)
        if said := glued(lines, number):
            return [*lines[:number], said, *_said_behind(lines, number + 1)]
        if begins_history(lines, number):
            return _below_headers(lines, number, marker, ours)
    return lines if marker is None else _at_marker(lines, marker)


def _below_headers(lines: list[str], number: int, marker: int | None, ours: str) -> list[str] | None:
    """As with an attribution; below headers without quote marks everything is history."""
    length = header_block(lines, number)
    if _foreign(lines[number : number + (length or 8)], marker, ours):
        return None
    marked = is_quoted(lines[number]) or history_follows(lines, number + max(length, 1) - 1)
    return _around(lines, number, max(length, 1)) if marked else _without_rule(lines[:number])


def _at_marker(lines: list[str], marker: int) -> list[str]:
    above = _without_rule(lines[: introduced(lines, marker)])
    if not any(above) or _answered_between(lines[marker:]):
        return lines  # somebody wrote below or between: everything is kept
    return [*above, *_said_behind(lines, marker)]


def _foreign(said: list[str], marker: int | None, ours: str) -> bool:
    """Whether an earlier mail that begins here names addresses, but none of ours, nor our marker."""
    if not ours or marker is not None:
        return False
    named = addresses(said)
    return bool(named) and not any(address.endswith(f"@{ours.lower()}") for address in named)


def _marker(lines: list[str]) -> int | None:
    return next((number for number, line in enumerate(lines) if is_marker(line)), None)


def _around(lines: list[str], number: int, length: int) -> list[str]:
    """What stands above an attribution and behind its quoted lines; all, if it was answered between them."""
    if _answered_between(lines[number + length :]):
        return lines
    return [*_without_rule(lines[:number]), *_said_behind(lines, number + length)]


def _answered_between(below: list[str]) -> bool:
    """Whether there are lines without a quote mark among those that have one."""
    quoted = [n for n, line in enumerate(below) if is_quoted(line)]
    if not quoted:
        return False
    between = range(quoted[0], quoted[-1])
    return any(below[n] and not is_quoted(below[n]) and not _broken_link(below, n) for n in between)


def _broken_link(lines: list[str], number: int) -> bool:
    """Whether this line is a link, or the end of one, that a mail program broke out of its quoted line."""
    line = lines[number].strip()
    if _LINK_ONLY.match(line):
        return True
    before = lines[number - 1] if number else ""
    closes = line.endswith(")") and " " not in line and "(" not in line
    return closes and is_quoted(before) and bool(_WRAPPED_LINK.search(before[-2000:]))


def _said_behind(lines: list[str], start: int) -> list[str]:
    """What stands behind a history that is quoted line by line: the mail goes on there."""
    below = lines[start:]
    quoted = [n for n, line in enumerate(below) if is_quoted(line)]
    if not quoted:
        return []
    behind = _without_signature(below[quoted[-1] + 1 :])
    return ["", *behind] if any(behind) else []


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if line.rstrip() == "--":
            return lines[:number]
    return lines


def _without_rule(lines: list[str]) -> list[str]:
    """Drop the blank lines and the rule that mail programs draw above the history."""
    kept = list(lines)
    while kept and (not kept[-1].strip("> ") or (is_rule(kept[-1]) and _only_rule_at_end(kept))):
        kept.pop()
    return kept


def _only_rule_at_end(lines: list[str]) -> bool:
    """A rule that closes a table has a sister above; it belongs to the text."""
    same = lines[-1].strip()
    return not any(line.strip() == same for line in lines[:-1])


def _without_tail(lines: list[str]) -> list[str]:
    """Drop what phones and programs append as whole last lines."""
    return _without_quotes_at_end(_without_phones(_without_quotes_at_end(_without_phones(lines))))


def _without_phones(lines: list[str]) -> list[str]:
    kept = list(lines)
    for _ in range(3):
        while kept and not kept[-1].strip():
            kept.pop()
        if len(kept) > 1 and is_phone(kept[-1]):
            kept.pop()
            if len(kept) > 1 and is_rule(f"-{kept[-1]}") and _only_rule_at_end(kept):
                kept.pop()
    return kept


def _without_quotes_at_end(lines: list[str]) -> list[str]:
    """A block of quoted lines that ends the mail is history, unless « it says: » stands above."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or is_quoted(lines[end - 1])):
        end -= 1
    few = sum(map(is_quoted, lines[end:])) < HISTORY_QUOTES
    cited = end and lines[end - 1].endswith((":", "«", "："))
    return lines if few or cited or not any(lines[:end]) else lines[:end]
