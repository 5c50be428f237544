"""The words of an HTML mail, quotes marked as in plain text; nothing remote is ever fetched."""

from __future__ import annotations

import re
from html import unescape

from inscriptis import Inscriptis
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.model.config import ParserConfig
from lxml.etree import Element
from lxml.html import HtmlElement, fromstring

MAX_HTML = 400_000
"""Characters of visible HTML that are read; a longer page also goes on whole, as a file."""

MAX_QUOTES = 60
MAX_DEPTH = 4
"""Quotes in quotes that get marks of their own; what is deeper is in a quote anyway."""

_LINK = re.compile(r"\[([^\[\]]{0,500})\]\(([^()\s]{0,2000})\)")
_QUOTE_CLASS = re.compile(r"(?:^|[\s_-])(?:quote|cite|gmail_quote|protonmail_quote|quoted)", re.IGNORECASE)
_BAR = re.compile(
    r"border(?:-left)?\s*:\s*(?!none|0|medium\s*none|initial|unset)[^;]*(?:solid|px|thick|#)", re.IGNORECASE
)
_UNSEEN = re.compile(r"<(script|style|head|title)\b|<!--", re.I)
_TAG = re.compile(r"<[^<>]{0,10000}>")
_ENDS = re.compile(r"</(?:body|html)\s*>", re.I)
_CONFIG = ParserConfig(css=STRICT_CSS_PROFILE, display_links=True)


def html_text(html: str) -> str:
    """The words, links with their targets, quotes behind « > »."""
    html = visible(html)[:MAX_HTML]
    bare = unescape(_TAG.sub(" ", html))
    try:
        read = _LINK.sub(_link, _read(html))
    except Exception:  # a parser of a hostile document may raise anything; the words still count
        return bare
    # Where the parser gives up (deep nesting, say), it does so silently.
    return read if 2 * _words(read) >= _words(bare) else bare


def _words(text: str) -> int:
    return sum(1 for word in text.split() if word.strip(">"))


def visible(html: str) -> str:
    """The page without what no program shows; an element that is never closed is seen."""
    lower = html.lower()
    parts, place, unclosed = [], 0, set()
    for found in _UNSEEN.finditer(lower):
        closing = f"</{found.group(1)}" if found.group(1) else "-->"
        if found.start() < place or closing in unclosed:
            continue
        end = lower.find(closing, found.end())
        if end < 0:
            unclosed.add(closing)
            continue
        parts.append(html[place : found.start()])
        place = lower.find(">", end) + 1 or len(html)
    return " ".join([*parts, html[place:]])


def _read(html: str) -> str:
    html = _ENDS.sub("", re.sub(r"^\s*<\?xml[^>]{0,1000}\?>", "", html))  # words behind them would vanish
    if not html.strip():
        return ""
    tree = fromstring(html)
    for quote in reversed(_quotes(tree)):
        _mark(quote)
    return str(Inscriptis(tree, _CONFIG).get_text())


def _quotes(tree: HtmlElement) -> list[HtmlElement]:
    """What is quoted, outer before inner."""
    found: list[HtmlElement] = []
    for element in tree.iter("blockquote"):
        if len(found) >= MAX_QUOTES:
            break
        depth = sum(1 for _ in element.iterancestors("blockquote"))
        if depth < MAX_DEPTH and element.getparent() is not None and _is_quote(element):
            found.append(element)
    return found


def _is_quote(element: HtmlElement) -> bool:
    """Whether a mail program made this for an earlier mail; people get the same element by indenting."""
    if element.get("type", "").lower() == "cite" or element.get("cite"):
        return True
    return bool(
        _QUOTE_CLASS.search(element.get("class", "")[:500]) or _BAR.search(element.get("style", "")[:1000])
    )


def _mark(quote: HtmlElement) -> None:
    """Put its words in its place, each line behind « > »."""
    tail, quote.tail = quote.tail, None
    said = str(Inscriptis(quote, _CONFIG).get_text()).strip("\n")
    marked = Element("pre")
    marked.text = "\n".join(f"> {line.rstrip()}".rstrip() for line in said.split("\n"))
    marked.tail = tail
    parent = quote.getparent()
    parent.replace(quote, marked)


def _link(found: re.Match[str]) -> str:
    """``words (target)``; only the words where the target says nothing more."""
    words, target = found.group(1), found.group(2)
    if not target.lower().startswith(("http://", "https://")):
        return words
    said = re.sub(r"^https?://|/$", "", words.strip().lower())
    return words if said == re.sub(r"^https?://|/$", "", target.lower()) else f"{words} ({target})"
