"""The lines of a mail, and their two readings: plain words, and HTML that loads, hides and styles nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import nh3
from markupsafe import Markup

_PHRASING = "br b strong i em u s del sub sup code a"
_BLOCKS = "p hr pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td"
TAGS = frozenset(f"{_PHRASING} {_BLOCKS}".split())
"""Without ``sub``, ``sup`` and tables, 10⁹ would read 109 and the columns of a dosage run together."""

_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_CELL = "border:1px solid #cbd2d9;padding:2px 4px;font-size:14px;hyphens:auto;-webkit-hyphens:auto"
_STYLES = {
    "pre": {"style": "white-space:pre-wrap;overflow-wrap:anywhere"},
    "blockquote": {"style": "margin:0 0 8px;padding-left:10px;border-left:3px solid #cbd2d9"},
    "th": {"style": f"{_CELL};text-align:left"},
    "td": {"style": _CELL},
}
# Without the signs that end a sentence or a bracket around it.
_URL = re.compile(r"(https?://[^\s<>\"«»“”]*[^\s<>\"«»“”.,;:!?)\]'’…])")
_EMAIL = re.compile(r"\be-mails?\b", re.IGNORECASE)
SHOWN_IN_PLACE = ("image/jpeg", "image/png", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A photo or file as attached."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class OutgoingLine:
    """One message: text, its formatted form, a file; ``note`` says honestly what could not be attached.

    ``link`` is a page's label and URL, shown as a button.
    """

    text: str = ""
    html: str = ""
    file: OutgoingFile | None = None
    note: str = ""
    link: tuple[str, str] | None = None


def _as_text(html: str) -> str:
    from inscriptis import get_text  # heavy, and nearly every client sends the plain words, too

    words: str = get_text(html)
    return words.strip()


def shown(line: OutgoingLine, cid: str) -> Mapping[str, object]:
    """A line's two readings; whichever its sender left out is made from the other."""
    html = clean_html(line.html)
    formatted = html if nh3.clean(html, tags=set()).strip() else ""
    words = line.text if line.text.strip() else _as_text(formatted)
    file = line.file
    return {
        "text": words,
        "html": Markup(formatted or _linked(words).replace("\n", "<br>")),
        "file": file.name if file else "",
        "photo": cid if file and file.mimetype in SHOWN_IN_PLACE else "",
        "note": line.note,
        "link": line.link,
    }


def _linked(words: str) -> str:
    """Plain words as HTML, their addresses of pages to be followed by a tap: not every program does that."""
    pieces = [escape(piece) for piece in _URL.split(words)]
    return "".join(
        f'<a href="{piece}" rel="noopener noreferrer">{piece}</a>' if number % 2 else unbroken(piece)
        for number, piece in enumerate(pieces)
    )


def unbroken(html: str) -> str:
    """HTML in which no line ends within « e-mail »."""
    return _EMAIL.sub(r'<span style="white-space:nowrap">\g<0></span>', html)


def clean_html(html: str) -> str:
    """A client's formatted body without anything that loads, hides, styles, or quotes another message."""
    return nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags={"script", "style", "mx-reply"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        set_tag_attribute_values=_STYLES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
