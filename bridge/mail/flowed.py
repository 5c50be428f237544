"""Text whose lines a mail program broke only to send them (RFC 3676): each paragraph is one line again."""

from __future__ import annotations

from email.message import Message

SIGNATURE = "-- "


def how_flowed(part: Message) -> tuple[bool, bool]:
    """Whether a text part is flowed, and whether the space at a line's end was put there, too (DelSp)."""
    try:
        said = [str(part.get_param(name, "")).lower() for name in ("format", "delsp")]
    except (ValueError, LookupError, TypeError, AttributeError):
        return False, False
    return said[0] == "flowed", said[1] == "yes"


def unflowed(text: str, *, delsp: bool) -> str:
    """The text with its lines as they were written; quotes keep one mark for each level."""
    whole: list[str] = []
    paragraph: list[str] = []
    level = 0

    def close() -> None:
        if paragraph:
            whole.append(">" * level + (" " if level else "") + "".join(paragraph))
            paragraph.clear()

    for line in text.replace("\r\n", "\n").split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        if depth != level or words == SIGNATURE:
            close()
        level = depth
        goes_on = words.endswith(" ") and words != SIGNATURE
        paragraph.append(words[:-1] if goes_on and delsp else words)
        if not goes_on:
            close()
    close()
    return "\n".join(whole)
