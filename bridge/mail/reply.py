"""Cuts quoted history off a reply, by strong structure only: a patient's words must never be lost.

Cut at our own marker line; else at an attribution with a date and an address, or with a date and the
history right below, or at a block of mail headers; drop quoted lines only where they follow such a line
or end the mail. If nothing would be left, everything is kept. Linear in the length of the text.
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
_OPENS = re.compile(
    r"(?:le|on|am|el|il|op|em|in data|w dniu|dnia|den|på|vào|a las?)\s|\d"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day[\s,]|\w{2,4}[.,]\s|\w{2,4}\s\d",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"(?:a\s+écrit|wrote|schrieb|escribi[óo]|ha scritto|schreef|escreveu|napisał\(?a?\)?|skrev|geschrieben"
    r"|geschreven|kirjoitti|написал|đã viết)\s*:?\s*$",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?:\s|-{2,}\s?)(?=(?:On|Le)\s)")
_HEADER = re.compile(
    r"[>*\s]*(?:de|from|von|da|van|fra|från|envoyé(?: le)?|sent|gesendet|verzonden|inviato|sendt|skickat|date"
    r"|datum|dato|data|à|a|to|an|aan|til|till|cc|copie à|objet|subject|betreff|onderwerp|oggetto|emne|ämne"
    r"|répondre à|reply-to|message du)\s*\*?\s*:\s?\*?",
    re.IGNORECASE,
)
_FROM_HEADER = re.compile(r"[>*\s]*(?:de|from|von|da|van|fra|från)\s*\*?\s*:", re.IGNORECASE)
_RULE = re.compile(r"^[>\s]*[-_*=–—]{3,}\s*(?:[^-_*=]{0,60}?\s*[-_*=–—]{3,})?\s*$")
_BANNER = re.compile(
    r"[>\s]*[-_]{2,}\s*(?:mail original|message d'origine|message original|original message"
    r"|original-nachricht|ursprüngliche nachricht|mensaje original)\s*[-_]{2,}",
    re.IGNORECASE,
)
_WROTE_BANNER = re.compile(r"-{3,}[^-]{1,80}\b(?:wrote|a écrit)\s?:?\s*-{3,}$", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_BRACKETED = re.compile(r"<\s?(?:mailto:)?[^\s<>@]{1,64}@[^\s<>@]{1,255}\s?>")
_FORWARDED = re.compile(
    r"[>\s]*[-_]{2,}\s*(?:forwarded message|message transféré|message transmis|weitergeleitete nachricht)",
    re.IGNORECASE,
)
_MESSAGE_OF = re.compile(r"[>\s]*message du \d{1,2}/\d{1,2}/\d{2,4}", re.IGNORECASE)
_ADDRESSED = re.compile(r"(?:le|on)\b.{5,60},\s+(?:de|from)\s+\S+@\S+\s*$", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:envoyé (?:de|depuis|à partir de|avec) "
    r"(?:mon|ma|l'application|la messagerie|un|outlook|yahoo|gmail|mail)\b.{0,90}"
    r"|sent from \w+<https?://\S{1,90}>"
    r"|get outlook for \w+.{0,80}|obtenez outlook pour \w+.{0,80}|télécharger outlook pour \w+.{0,80}"
    r"|provenance : courrier pour windows.{0,20})$",
    re.IGNORECASE,
)
HISTORY_QUOTES = 3
"""Quoted lines at the end that are history by themselves; fewer may be somebody's « > 39 »."""


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
    return line[:MAX_LINE].lstrip("> \t")


def _quoted(line: str) -> bool:
    return line.lstrip().startswith(">")


def _cut(lines: list[str]) -> list[str]:
    """The lines above the first thing that only a mail program writes."""
    marker = _marker(lines[:MAX_LINES])
    limit = len(lines) if marker is None else marker
    for number in range(min(limit, MAX_LINES)):
        if _FORWARDED.match(lines[number]):
            return lines  # what somebody chose to forward is what they want to be read
        if length := _attribution(lines, number):
            return _around(lines, number, length)
        if said := _glued(lines, number):
            return [*lines[:number], said, *_said_behind(lines, number + 1)]
        if _begins_history(lines, number):
            return _without_rule(lines[:number])
    if marker is None:
        return lines
    above = _without_rule(lines[:marker])
    if not any(above) or _answered_between(lines[marker:]):
        return lines  # somebody wrote below or between: everything is kept
    return [*above, *_said_behind(lines, marker)]


def _marker(lines: list[str]) -> int | None:
    return next((number for number, line in enumerate(lines) if _is_marker(line)), None)


def _is_marker(line: str) -> bool:
    bare = _bare(line)
    return (MARKER_FR in bare or MARKER_EN in bare) and len(bare) < len(MARKER_FR) + 20


def _begins_history(lines: list[str], number: int) -> bool:
    line = lines[number].strip()
    if not line:
        return False
    if _BANNER.match(line) or (
        _WROTE_BANNER.match(line) and (_DATE.search(line) or _history_follows(lines, number))
    ):
        return True
    bare = _bare(line)
    if _ADDRESSED.match(bare):
        return bool(_DATE.search(bare))
    return _header_block(lines, number)


def _history_follows(lines: list[str], number: int) -> bool:
    """Whether the next line that isn't blank, not far below, is a quoted one or our marker."""
    after = next((line for line in lines[number + 1 : number + 9] if line.strip()), "")
    return _quoted(after) or _is_marker(after)


def _attribution(lines: list[str], number: int) -> int:
    """How many lines (1 to 4) say « on this date this person wrote: », or 0."""
    if not _OPENS.match(_bare(lines[number]).lstrip("- ")):
        return 0
    joined = ""
    for length in range(1, 5):
        if number + length > len(lines):
            return 0
        part = lines[number + length - 1][:MAX_LINE].strip("- ")
        if _quoted(lines[number]):
            part = _bare(part)
        if not part or len(joined) > MAX_LINE:
            return 0
        joined = f"{joined} {part}".strip()
        if _tells_who_wrote(joined, followed=_history_follows(lines, number + length - 1)):
            return length
    return 0


def _tells_who_wrote(said: str, *, followed: bool) -> bool:
    """A date with enough beside it. « Le 12 janvier 2024, le pharmacien a écrit : » alone is medicine."""
    address = _BRACKETED.search(said)
    if not _DATE.search(said):
        return False
    if address and (said.endswith(":") or (followed and address.end() == len(said))):
        return True
    return bool(_WROTE.search(said[-40:])) and (followed or bool(_ADDRESS.search(said)))


def _glued(lines: list[str], number: int) -> str:
    """The words before an attribution that a mail program glued onto their line, or nothing."""
    line = lines[number]
    if len(line) > MAX_LINE or not _WROTE.search(line[-40:]) or not _history_follows(lines, number):
        return ""
    latest = [*_GLUED.finditer(line)][-3:]  # a few, or a hostile line would cost its square
    starts = [found for found in latest if _DATE.search(line, found.end())]
    return line[: starts[-1].start()].rstrip() if starts else ""


def _header_block(lines: list[str], number: int) -> bool:
    """At least three mail header lines in a row, a From and an address among them."""
    if not (_HEADER.match(lines[number][:MAX_LINE]) or _MESSAGE_OF.match(lines[number])):
        return False
    block: list[str] = []
    for line in lines[number : number + 10]:
        if not line.strip("> "):
            break
        block.append(line[:MAX_LINE])
    headers = [line for line in block if _HEADER.match(line) or _MESSAGE_OF.match(line)]
    named = any(_FROM_HEADER.match(line) for line in headers)
    return named and len(headers) >= 3 and any(_ADDRESS.search(line) for line in block)


def _around(lines: list[str], number: int, length: int) -> list[str]:
    """What stands above an attribution and behind its quoted lines; all, if it was answered between them."""
    if _answered_between(lines[number + length :]):
        return lines
    return [*_without_rule(lines[:number]), *_said_behind(lines, number + length)]


def _answered_between(below: list[str]) -> bool:
    """Whether there are lines without a quote mark among those that have one."""
    quoted = [n for n, line in enumerate(below) if _quoted(line)]
    return bool(quoted) and any(line and not _quoted(line) for line in below[quoted[0] : quoted[-1]])


def _said_behind(lines: list[str], start: int) -> list[str]:
    """What stands behind a history that is quoted line by line: the mail goes on there."""
    below = lines[start:]
    quoted = [n for n, line in enumerate(below) if _quoted(line)]
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
    while end and (not lines[end - 1].strip() or _quoted(lines[end - 1])):
        end -= 1
    few = sum(map(_quoted, lines[end:])) < HISTORY_QUOTES
    return lines if few or not any(lines[:end]) else lines[:end]
