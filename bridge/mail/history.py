"""Recognises what only mail programs write: lines that introduce an earlier mail, and phones' signatures.

Each predicate asks for structure (a date with an address, a block of mail headers, a frame of dashes), for
what a person writes about pharmacists and dates looks much like it. All are linear in the line's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.mail import phrases

MARKER_FR = "Répondez au-dessus de cette ligne"
MARKER_EN = "Reply above this line"

MAX_LINE = 998


def any_of(patterns: Iterable[str]) -> str:
    """A pattern that matches any of these."""
    return f"(?:{'|'.join(patterns)})"


_ADDRESS = re.compile(r"[^\s<>@\[\]()]{1,64}@[^\s<>@\[\]()]{1,255}")
_BRACKETED = re.compile(r"[<\[(]\s?(?:mailto:)?[^\s<>@]{1,64}@[^\s<>@]{1,255}\s?[>\])]")
_DATE = re.compile(
    r"\d{1,4}[/.\-]\s?\d{1,2}[/.\-]\s?\d{2,4}|\b(?:19|20)\d\d\b|\d{1,2}:\d{2}|\d{1,2}\s?h\s?\d{2}"
    r"|\d{4}年",
    re.IGNORECASE,
)
_EXACT_DATE = re.compile(r"\b(?:19|20)\d\d\b.{0,12}\d{1,2}[:h]\d{2}|\d{1,2}[:h]\d{2}.{0,20}\b(?:19|20)\d\d\b")
_MACHINE_DATE = re.compile(r"\d{1,2}:\d{2}:\d{2}\s[+-]\d{4}")
_OPENS = re.compile(
    r"(?:le|on|am|el|il|op|em|in data|w dniu|dnia|dne|den|på|vào|a las?|no dia|lør|søn)\s|\d|den\s"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day[\s,]|\w{2,4}[.,]\s|\w{2,4}\s\d"
    r"|(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag"
    r"|samstag|sonntag)[\s,]",
    re.IGNORECASE,
)
_WROTE = re.compile(rf"{any_of(phrases.WROTE)}\s*[:：]?\s*$", re.IGNORECASE)
_WROTE_BEFORE = re.compile(rf"\b{any_of(phrases.WROTE_BEFORE)}\b", re.IGNORECASE)
_NUMBERS_FIRST = re.compile(r"\d{2,4}[/.\-]\d{1,2}[/.\-]\d{1,4}\b.{0,90}[<\[(]")
_NAMED = re.compile(r"(?:,|\bfrom|\bvon|\bde)\s+(?:[\"'A-ZÀ-ÞА-Я][^<>,]{0,80}|[^\s<>@]+@[^\s<>@]+)\s$")
_GLUED = re.compile(r"(?:\s|-{2,}\s?)(?=(?:On|Le)\s)")
_HEADERS = {
    kind: re.compile(rf"[>*|\s]*{any_of(labels)}\s*\*?\s*[:：]\s?\*?", re.IGNORECASE)
    for kind, labels in phrases.LABELS.items()
}
_RULE = re.compile(r"[>\s]*[-_*=–—]{3,}\s*$")
_BANNER = re.compile(
    rf"[>\s]*[-_=*]{{2,}}\s*{any_of(phrases.ORIGINAL)}\s*[-_=*]{{2,}}\s*(?:$|(?:de|from|von|date)\s?:\s.*@)",
    re.IGNORECASE,
)
_WROTE_BANNER = re.compile(r"-{3,}[^-]{1,80}\b(?:wrote|a écrit)\s?:?\s*-{3,}$", re.IGNORECASE)
_FORWARDED = re.compile(
    rf"[>\s]*(?:[-_=*]{{2,}}\s*{any_of(phrases.FORWARDED)}|{any_of(phrases.FORWARD_BEGINS)}\s?:\s*$)",
    re.IGNORECASE,
)
_MESSAGE_OF = re.compile(r"[>\s]*message du\s?:?\s*\d{1,2}/\d{1,2}/\d{2,4}", re.IGNORECASE)
_ADDRESSED = re.compile(r"(?:le|on)\b.{5,60},\s+(?:de|from)\s+\S+@\S+\s*:?\s*$", re.IGNORECASE)

_DEVICE = f"(?i:{any_of(phrases.DEVICES)})"
_WORD = any_of((*phrases.DEVICE_WORDS, *phrases.DEVICES))
_MORE = rf"(?:\s+(?:[-–]\s+)?\[?(?:[A-Z0-9][\w+/.'-]*|iOS|iPadOS|(?i:{_WORD})\b)\]?){{0,8}}"
_SYSTEM = r"\s+\w{2,10}(?:\s\w{2,10})?"
_LINK = r"[.!]?\s*(?:[<(\[]\s?https?://[^\s<>]{1,200}[>)\]]?\.?)?[.!]?$"
_PHONE = re.compile(
    rf"(?:(?i:{any_of(phrases.SENT)}\s?{any_of(phrases.MINE)}?)\s*[\[*]?{_DEVICE}\b\S{{0,3}}{_MORE}[\])>]*"
    rf"(?i:\s*gesendet)?|(?i:{any_of(phrases.ADVERTISED)}){_SYSTEM}"
    r"|(?i:sent from) \w+(?=<https?:)|(?i:sent with proton ?mail(?: secure email)?)"
    r"|(?i:envoyé de mon appareil android avec (?:courriel )?k-9 mail\. veuillez excuser ma brièveté)"
    r"|(?i:provenance\s?: courrier pour windows)(?:\s\d\d)?|(?i:yahoo mail)\s?: .{1,60})" + _LINK
)


_GLUED_BELOW = re.compile(
    rf"(?P<said>\s*\S.{{9,300}}[<\[(][^<>\s]{{1,64}}@[^<>\s]{{1,255}}[>\])]\s?{any_of(phrases.WROTE)}\s?:)\s{{2,}}(?=\S)",
    re.IGNORECASE,
)
_POINTS_BELOW = re.compile(
    r"\b(?:répon\w*|commentaires?|remarques?|answer\w*|repl(?:y|ies|ied)|comments?)\b[^.!?\n]{0,60}?"
    rf"\b{any_of(phrases.POINTS_BELOW)}\b",
    re.IGNORECASE,
)


def unglued(line: str) -> list[str]:
    """An attribution and the words that a mail program put behind it, on lines of their own."""
    found = _GLUED_BELOW.match(line[:MAX_LINE])
    if found is None or not _DATE.search(found["said"]) or not _OPENS.match(bare(found["said"])):
        return [line]
    return [found["said"], line[found.end() :]]


def points_below(words: str) -> bool:
    """Whether somebody says that their answers stand in the earlier mail: « je réponds dans le texte »."""
    return bool(_POINTS_BELOW.search(words[:2_000]))


def bare(line: str) -> str:
    """The line without quote marks."""
    return line[:MAX_LINE].lstrip("> \t|")


def is_quoted(line: str) -> bool:
    """Whether the line has a quote mark."""
    return line.lstrip().startswith(">")


def is_rule(line: str) -> bool:
    """Whether the line is drawn of dashes, or is such a line with « Original Message » in it."""
    return bool(_RULE.match(line[:MAX_LINE]) or _BANNER.match(line[:MAX_LINE]))


def is_marker(line: str) -> bool:
    """Whether this is our own line above which the answer goes."""
    said = bare(line)
    return (MARKER_FR in said or MARKER_EN in said) and len(said) < len(MARKER_FR) + 20


def is_forward(line: str) -> bool:
    """Whether what follows was forwarded: somebody chose it to be read."""
    return bool(_FORWARDED.match(line[:MAX_LINE]))


def is_phone(line: str) -> bool:
    """Whether a program appended this whole line: « Envoyé de mon iPhone », but not a sentence."""
    return len(line) < 300 and bool(_PHONE.match(line.strip(" >*_-–—\t")))


def addresses(lines: list[str]) -> list[str]:
    """Every e-mail address in these lines, in lower case."""
    found = (_ADDRESS.findall(line[:MAX_LINE]) for line in lines)
    return [address.lower().removeprefix("mailto:").rstrip(".,;:") for each in found for address in each]


def begins_history(lines: list[str], number: int) -> bool:
    """Whether a banner or a block of mail headers begins here."""
    line = lines[number][:MAX_LINE].strip()
    if not line:
        return False
    framed = _WROTE_BANNER.match(line) and (_DATE.search(line) or history_follows(lines, number))
    if _BANNER.match(line) or framed:
        return True
    said = bare(line)
    if _ADDRESSED.match(said):
        return bool(_DATE.search(said))
    return bool(header_block(lines, number))


def history_follows(lines: list[str], number: int) -> bool:
    """Whether the next line that isn't blank, not far below, is a quoted one or our marker."""
    after = next((line for line in lines[number + 1 : number + 9] if line.strip()), "")
    return is_quoted(after) or is_marker(after)


def attribution(lines: list[str], number: int) -> int:
    """How many lines (1 to 6) say « on this date this person wrote: », or 0."""
    first = bare(lines[number]).lstrip("- ")
    if not (_OPENS.match(first) or (_BRACKETED.search(first) and _WROTE.search(first[-40:]))):
        return 0
    joined = ""
    for length in range(1, 7):
        if number + length > len(lines):
            return 0
        part = lines[number + length - 1][:MAX_LINE].strip("- ")
        if is_quoted(lines[number]):
            part = bare(part)
        if not part and length < 3 and _address_below(lines, number + length):
            continue
        if not part or len(joined) > MAX_LINE:
            return 0
        joined = f"{joined} {part}".strip()
        if _tells_who_wrote(joined, followed=history_follows(lines, number + length - 1)):
            return length
    return 0


def _address_below(lines: list[str], number: int) -> bool:
    """Whether an attribution that a blank line interrupts goes on with its address."""
    return number < len(lines) and lines[number].lstrip().startswith("<")


def _tells_who_wrote(said: str, *, followed: bool) -> bool:
    """A date with enough beside it. « Le 12 janvier 2024, le pharmacien a écrit : » alone is medicine."""
    address = _BRACKETED.search(said)
    wrote = bool(_WROTE.search(said[-40:]))
    if not _DATE.search(said):
        return bool(address and wrote and followed)
    closed = said.endswith((":", "："))
    if address and followed and (closed or (address.end() == len(said) and _balanced(said))):
        return True
    if address and closed and _before(said, address.start()):
        return True
    return wrote and (followed or bool(_ADDRESS.search(said)))


def _before(said: str, end: int) -> bool:
    """Whether the words before the address are those of a mail program, not « j'ai écrit à <…> : »."""
    if _WROTE_BEFORE.search(said, 0, end) or _NUMBERS_FIRST.match(said[: end + 1]):
        return True
    named = _NAMED.search(said, max(0, end - 90), end)
    return bool(named) and bool(_EXACT_DATE.search(said, 0, end))


def _balanced(said: str) -> bool:
    return said.count("<") == said.count(">")


def glued(lines: list[str], number: int) -> str:
    """The words before an attribution that a mail program glued onto their line, or nothing."""
    line = lines[number]
    if len(line) > MAX_LINE or not _WROTE.search(line[-40:]) or not history_follows(lines, number):
        return ""
    latest = [*_GLUED.finditer(line)][-3:]  # a few, or a hostile line would cost its square
    starts = [found for found in latest if _DATE.search(line, found.end())]
    return line[: starts[-1].start()].rstrip() if starts else ""


def _kind(line: str) -> str:
    """Which mail header a line is, or an empty string."""
    if _MESSAGE_OF.match(line):
        return "message"
    return next((kind for kind, pattern in _HEADERS.items() if pattern.match(line)), "")


def header_block(lines: list[str], number: int) -> int:
    """How many lines from here are the headers of a mail; 0 without a sender, a date and an address."""
    if not _kind(lines[number][:MAX_LINE]):
        return 0
    block: list[str] = []
    for line in lines[number : number + 12]:
        if not line.strip("> |"):
            break
        block.append(line[:MAX_LINE])
    kinds = [kind for line in block if (kind := _kind(line))]
    addressed = any(_ADDRESS.search(line) for line in block)
    dated = next((line for line in block if _kind(line) in ("date", "message")), "")
    if "from" in kinds and len(kinds) >= 3 and addressed:
        return len(block)
    if len({*kinds} & {"from", "date", "to", "subject"}) == 4 and _EXACT_DATE.search(dated):
        return len(block)  # names without addresses, as Outlook shows colleagues
    return len(block) if len(kinds) >= 2 and addressed and _MACHINE_DATE.search(dated) else 0


def introduced(lines: list[str], end: int) -> int:
    """Where, right above our marker at ``end``, words begin that hold a date and somebody's address."""
    last = end
    while last and not lines[last - 1].strip("> "):
        last -= 1
    if end - last > 4:
        return end
    joined = ""
    for start in range(last - 1, max(last - 7, -1), -1):
        part = bare(lines[start])
        if not part:
            break
        joined = f"{part} {joined}"
        if _DATE.search(joined) and _BRACKETED.search(joined):
            return start
    return end
