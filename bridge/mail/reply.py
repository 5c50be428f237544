"""Cuts quoted history off a reply, by strong structure only: a patient's words must never be lost.

Cut at our own marker line; else at an attribution that has a date or an address, or at a block of
mail headers; drop quoted lines only where they follow such a line or end the mail. If nothing
would be left, everything is kept. Linear in the length of the text.
"""

from __future__ import annotations

import re

MARKER_FR = "Répondez au-dessus de cette ligne"
MARKER_EN = "Reply above this line"

MAX_LINES = 3_000
MAX_LINE = 998
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_SPACES = re.compile("[\u00a0\u202f\u2007\u2009]")

_DATE = re.compile(
    r"\d{1,4}[/.\-]\d{1,2}[/.\-]\d{2,4}|\b\d{4}\b|\d{1,2}:\d{2}|\d{1,2}\s?h\s?\d{2}", re.IGNORECASE
)
_OPENS = re.compile(r"^(?:>\s?)*\s*(?:le|on|am|el|il|op|em|w dniu|den|a las?)\b", re.IGNORECASE)
_WROTE = re.compile(
    r"(?:a\s+écrit|wrote|schrieb|escribi[óo]|ha scritto|schreef|escreveu|napisał\(?a?\)?|skrev|geschrieben)"
    r"\s*:?\s*$",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"^[>*\s]*(?:de|from|von|da|van|envoyé(?: le)?|sent|gesendet|date|datum|à|a|to|an|cc|copie à"
    r"|objet|subject|betreff"
    r"|répondre à|reply-to)\s*\*?\s*:\s?\*?",
    re.IGNORECASE,
)
_FROM_HEADER = re.compile(r"^[>*\s]*(?:de|from|von|da|van)\s*\*?\s*:", re.IGNORECASE)
_RULE = re.compile(r"^[>\s]*[-_*=–—]{3,}\s*(?:[^-_*=]{0,60}?\s*[-_*=–—]{3,})?\s*$")
_BANNER = re.compile(
    r"^[>\s]*[-_]{2,}\s*(?:mail original|message d'origine|message original|original message"
    r"|original-nachricht|ursprüngliche nachricht|mensaje original)\s*[-_]{2,}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_FORWARDED = re.compile(
    r"^[>\s]*[-_]{2,}\s*(?:forwarded message|message transféré|message transmis|weitergeleitete nachricht)",
    re.IGNORECASE,
)
_MESSAGE_OF = re.compile(r"^>?\s*message du \d{1,2}/\d{1,2}/\d{2,4}", re.IGNORECASE)
_ADDRESSED = re.compile(r"^(?:le|on)\b.{5,60},\s+(?:de|from)\s+\S+@\S+\s*$", re.IGNORECASE)
_PHONE = re.compile(
    r"^(?:envoyé (?:de|depuis|à partir de|avec) "
    r"(?:mon|ma|l'application|la messagerie|un|outlook|yahoo|gmail|mail)\b.{0,90}"
    r"|get outlook for \w+.{0,80}|obtenez outlook pour \w+.{0,80}|télécharger outlook pour \w+.{0,80}"
    r"|provenance : courrier pour windows.{0,20})$",
    re.IGNORECASE,
)


def strip_quotes(text: str) -> str:
    """What the patient newly wrote. Never empty unless the text is."""
    lines = _normalised(text)
    kept = _without_tail(_cut(lines))
    reply = "\n".join(kept).strip()
    return reply or "\n".join(lines).strip()


def _normalised(text: str) -> list[str]:
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")))
    return [line.rstrip() for line in text.split("\n")]


def _bare(line: str) -> str:
    return line.lstrip("> \t")[:MAX_LINE]


def _cut(lines: list[str]) -> list[str]:
    """The lines above the first thing that only a mail program writes."""
    marker = _marker(lines[:MAX_LINES])
    limit = len(lines) if marker is None else marker
    for number in range(min(limit, MAX_LINES)):
        if _FORWARDED.match(lines[number]):
            return lines  # what somebody chose to forward is what they want to be read
        if _begins_history(lines, number) and not _answered_below(lines, number, marker):
            return [*_without_rule(lines[:number]), *_said_behind(lines, number, marker)]
    if marker is not None:
        above = _without_rule(lines[:marker])
        return above if any(line.strip() for line in above) else _below_marker(lines)
    return lines


def _marker(lines: list[str]) -> int | None:
    for number, line in enumerate(lines):
        bare = _bare(line)
        if (MARKER_FR in bare or MARKER_EN in bare) and len(bare) < len(MARKER_FR) + 20:
            return number
    return None


def _below_marker(lines: list[str]) -> list[str]:
    """Somebody wrote below or between: everything is kept."""
    return lines


def _begins_history(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if not line:
        return False
    if _BANNER.match(line) or _MESSAGE_OF.match(line) or _ADDRESSED.match(_bare(line)):
        return True
    return _attribution(lines, number) > 0 or _header_block(lines, number)


def _attribution(lines: list[str], number: int) -> int:
    """How many lines (1 to 4) say « on this date this person wrote: », or 0."""
    first = _bare(lines[number])
    if not _OPENS.match(first):
        return 0
    joined = ""
    for length in range(1, 5):
        if number + length > len(lines):
            return 0
        part = _bare(lines[number + length - 1]).strip()
        if not part:
            return 0
        joined = f"{joined} {part}".strip()
        if _WROTE.search(joined[-40:]):
            return length if _DATE.search(joined) else 0
    return 0


def _header_block(lines: list[str], number: int) -> bool:
    """At least three mail header lines in a row, the first a From, with an address among them."""
    if not _FROM_HEADER.match(lines[number]):
        return False
    block: list[str] = []
    for line in lines[number : number + 10]:
        if not line.strip("> "):
            break
        block.append(line)
    headers = [line for line in block if _HEADER.match(line)]
    return len(headers) >= 3 and any(_ADDRESS.search(line[:MAX_LINE]) for line in block)


def _answered_below(lines: list[str], number: int, marker: int | None) -> bool:
    """Whether the patient wrote below this attribution, between quoted lines: then all of it counts."""
    length = _attribution(lines, number)
    if not length:
        return False
    below = lines[number + length :]
    quoted = [line for line in below if line.lstrip().startswith(">")]
    if not quoted:
        return False
    last_quote = max(n for n, line in enumerate(below) if line.lstrip().startswith(">"))
    first_quote = next(n for n, line in enumerate(below) if line.lstrip().startswith(">"))
    between = [
        line for line in below[first_quote:last_quote] if line.strip() and not line.lstrip().startswith(">")
    ]
    behind = _without_signature(below[last_quote + 1 :])
    said_above = any(line.strip() for line in lines[:number])
    if between:
        return True
    return not said_above and any(line.strip() for line in behind)


def _said_behind(lines: list[str], number: int, marker: int | None) -> list[str]:
    """What stands behind a history that is quoted line by line: the mail goes on there."""
    length = _attribution(lines, number)
    below = lines[number + length :]
    quoted = [n for n, line in enumerate(below) if line.lstrip().startswith(">")]
    if not length or not quoted or marker is not None:
        return []
    behind = _without_signature(below[quoted[-1] + 1 :])
    return ["", *behind] if any(line.strip() for line in behind) else []


def _without_signature(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if line.rstrip() == "--":
            return lines[:number]
    return lines


def _without_rule(lines: list[str]) -> list[str]:
    """Drop the blank lines and the rule that mail programs draw above the history."""
    kept = list(lines)
    while kept and (not kept[-1].strip("> ") or (_RULE.match(kept[-1]) and _only_rule_at_end(kept))):
        kept.pop()
    return kept


def _only_rule_at_end(lines: list[str]) -> bool:
    """A rule that closes a table has a sister above; it belongs to the text."""
    same = lines[-1].strip()
    return not any(line.strip() == same for line in lines[:-1])


def _without_tail(lines: list[str]) -> list[str]:
    """Drop what phones and programs append as whole last lines."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    if kept and _PHONE.match(kept[-1].strip()):
        kept.pop()
    return _without_quotes_at_end(kept)


def _without_quotes_at_end(lines: list[str]) -> list[str]:
    """A block of quoted lines that ends the mail is history, if something stands above it."""
    end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith(">")):
        end -= 1
    return lines[:end] if any(line.strip() for line in lines[:end]) else lines
