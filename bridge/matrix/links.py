"""Links that stay in the app: to a room or an event by alias, with a label that clients keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bridge.matrix.outlet import Place


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list: what it says, where it leads, what is said after the link, and of which question."""

    label: str
    link: str = ""
    rest: str = ""
    question_id: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with its rows; ``plain``: it doesn't stand out."""

    heading: str
    rows: tuple[Row, ...] = ()
    plain: bool = False


def mentioned(parts: Sequence[Part]) -> tuple[str, ...]:
    """The questions that these say something of."""
    return tuple(dict.fromkeys(row.question_id for part in parts for row in part.rows if row.question_id))


def link_to(place: Place, alias: str, event_id: str = "") -> str:
    """A matrix.to link. With an event, clients show the label; without, they show the room's name."""
    target = f"#{place.alias(alias)}:{place.domain}"
    event = f"/{event_id}" if event_id else ""
    return f"https://matrix.to/#/{target}{event}?via={place.domain}"


def room_link(place: Place, room_id: str) -> str:
    """A link to a room by its ID: for rooms whose alias isn't ours to know."""
    return f"https://matrix.to/#/{room_id}?via={place.domain}"


def written(parts: Sequence[Part]) -> tuple[str, str]:
    """Parts as plain text and as HTML."""
    text = "\n\n".join("\n".join([part.heading, *map(_plain, part.rows)]) for part in parts)
    return text, "\n".join(map(_html, parts))


def _plain(row: Row) -> str:
    rest = f" · {row.rest}" if row.rest else ""
    link = f"\n  {row.link}" if row.link else ""
    return f"• {row.label}{rest}{link}"


def _html(part: Part) -> str:
    # The breaks show where a client leaves out what is around the words, as in the banner of what is pinned.
    rows = "\n".join(f"<li>{_row(row)}</li>" for row in part.rows)
    listed = f"\n<ul>\n{rows}\n</ul>" if rows else ""
    heading = escape(part.heading) if part.plain else f"<strong>{escape(part.heading)}</strong>"
    return f"<p>{heading}</p>{listed}"


def _row(row: Row) -> str:
    label = escape(row.label)
    shown = f'<a href="{escape(row.link)}">{label}</a>' if row.link else label
    return f"{shown} · {escape(row.rest)}" if row.rest else shown
