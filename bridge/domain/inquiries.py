"""What practitioners ask about their own conversations: searching, lists, and how many wait.

What is asked is understood here; the answer is looked up when it is given, so that it is true then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bridge.domain.commands import folded


class Topic(StrEnum):
    """What is asked about."""

    SEARCH = "search"
    """Titles with a word."""
    WAITING = "waiting"
    """How many questions wait in the asker's groups."""
    LIST = "list"
    """The asker's conversations."""
    DIGEST = "digest"
    """What waits in the asker's groups, and what they have open: said of its own accord, once a day."""


@dataclass(frozen=True, slots=True)
class Inquire:
    """Look something up for someone and answer in their bot chat. ``words`` is what they said."""

    key: str
    user_id: str
    language: str
    topic: Topic
    words: str = ""


class Kind(StrEnum):
    """The kinds of conversations."""

    QUESTIONS = "questions"
    PRIVATE = "private"
    GROUPS = "groups"


class Standing(StrEnum):
    """Where a question stands, in a practitioner's words."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list shall show; ``None`` is everything."""

    kind: Kind | None = None
    standing: Standing | None = None

    def shows(self, kind: Kind, standing: Standing | None = None) -> bool:
        """Whether this part belongs into the list."""
        if self.kind is not None and self.kind is not kind:
            return False
        if self.standing is None:
            return True
        return standing is self.standing


_KINDS = {
    Kind.QUESTIONS: ("questions", "question"),
    Kind.PRIVATE: ("prives", "prive", "privees", "messages", "private", "dm", "mp"),
    Kind.GROUPS: ("groupes", "groupe", "groups", "group", "discussions"),
}
_STANDINGS = {
    Standing.WAITING: ("attente", "waiting", "pending"),
    Standing.OPEN: ("ouvertes", "ouverte", "open", "prises", "taken", "miennes", "mine"),
    Standing.CLOSED: ("closes", "close", "closed", "fermees", "archivees", "archived", "archives"),
}
_FILLERS = ("en", "in", "les", "mes", "my", "the", "de", "of")


def wanted(words: str) -> Wanted | None:
    """What a list shall show, from « questions en attente » and the like; ``None`` if that isn't clear."""
    kind: Kind | None = None
    standing: Standing | None = None
    for word in folded(words).split():
        if word in _FILLERS:
            continue
        named = next((one for one, names in _KINDS.items() if word in names), None)
        stands = next((one for one, names in _STANDINGS.items() if word in names), None)
        if (named is None and stands is None) or (named and kind) or (stands and standing):
            return None
        kind, standing = named or kind, stands or standing
    if standing is not None and kind in (Kind.PRIVATE, Kind.GROUPS):
        return None
    return Wanted(Kind.QUESTIONS if standing else kind, standing)
