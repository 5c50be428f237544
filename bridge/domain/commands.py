"""What people can say to the bot, in French and English: one table, and the reading of a line against it.

In a room that others read a command starts with ``!``; in a bot chat the sign may be left out. Case and
accents don't matter. Every command has a line of help in both languages (``help.<name>`` in the locale).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

SIGN = "!"
"""What a command starts with in a room that others read."""


class Place(StrEnum):
    """Where a command may be given."""

    QUESTION = "question"
    """A question room."""
    BOT_CHAT = "bot"
    """The direct room with the bot."""


class Who(StrEnum):
    """Who may give a command, besides being a practitioner of the organisation."""

    ANYONE = "anyone"
    """Everyone who may write there."""
    OWNER = "owner"
    """The owner of the question."""
    ADMIN = "admin"
    """Administrators of the organisation."""


class When(StrEnum):
    """When help in a question room shows a command to those who may give it."""

    ALWAYS = "always"
    """While the question waits, and to its owner."""
    WAITING = "waiting"
    """While the question waits."""
    TAKEN = "taken"
    """To its owner."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One command. The first word of a language is the one that help shows."""

    name: str
    french: tuple[str, ...]
    english: tuple[str, ...]
    places: tuple[Place, ...]
    who: Who = Who.ANYONE
    when: When = When.ALWAYS

    def word(self, language: str) -> str:
        """The word to show to someone who reads this language."""
        return (self.english if language == "en" else self.french)[0]


EVERYWHERE = (Place.QUESTION, Place.BOT_CHAT)
IN_QUESTION = (Place.QUESTION,)
IN_BOT_CHAT = (Place.BOT_CHAT,)

TABLE: tuple[Spec, ...] = (
    Spec("note", ("note",), ("note",), IN_QUESTION, Who.OWNER),
    Spec("opinion", ("avis",), ("opinion",), IN_QUESTION, Who.OWNER),
    Spec("video", ("visio",), ("video",), IN_QUESTION, Who.OWNER),
    Spec("waiting", ("attente",), ("waiting", "queue"), IN_BOT_CHAT),
    Spec("list", ("liste", "lister"), ("list",), IN_BOT_CHAT),
    Spec("search", ("chercher", "cherche", "recherche"), ("search", "find"), IN_BOT_CHAT),
    Spec("ask", ("question",), ("question", "ask"), IN_BOT_CHAT),
    Spec("send", ("envoyer",), ("send",), IN_BOT_CHAT),
    Spec("cancel", ("abandonner",), ("cancel", "discard"), IN_BOT_CHAT),
    Spec("message", ("message", "mp"), ("message", "dm"), IN_BOT_CHAT),
    Spec("close", ("clore", "clôturer", "fermer"), ("close",), EVERYWHERE, Who.OWNER),
    Spec("undo", ("annuler",), ("undo",), EVERYWHERE, Who.OWNER),
    Spec("reopen", ("rouvrir",), ("reopen",), EVERYWHERE, Who.OWNER),
    Spec("archive", ("archiver",), ("archive",), EVERYWHERE, Who.OWNER),
    Spec("release", ("rendre", "libérer"), ("release",), EVERYWHERE, Who.OWNER),
    Spec(
        "handover",
        ("transmettre", "transférer", "passer"),
        ("handover", "hand-over", "transfer"),
        EVERYWHERE,
        Who.OWNER,
    ),
    Spec("accept", ("accepter",), ("accept",), EVERYWHERE, when=When.TAKEN),
    Spec("decline", ("refuser",), ("decline", "refuse"), EVERYWHERE, when=When.TAKEN),
    Spec("resend", ("renvoyer",), ("resend",), EVERYWHERE, Who.OWNER),
    Spec("correct", ("corriger",), ("correct",), EVERYWHERE, Who.OWNER),
    Spec("export", ("export", "exporter"), ("export",), IN_QUESTION, Who.OWNER),
    Spec("original", ("original", "originale"), ("original", "raw"), IN_QUESTION, Who.OWNER),
    Spec("withdraw", ("écarter",), ("withdraw", "set-aside"), IN_QUESTION, when=When.WAITING),
    Spec("digest", ("résumé",), ("digest",), IN_BOT_CHAT),
    Spec("mute", ("muet",), ("mute",), EVERYWHERE),
    Spec("unmute", ("sonore",), ("unmute",), EVERYWHERE),
    Spec("absent", ("absent", "absente"), ("away",), IN_BOT_CHAT),
    Spec("back", ("présent", "présente"), ("back",), IN_BOT_CHAT),
    Spec("return", ("revenir",), ("return", "rejoin"), IN_BOT_CHAT),
    Spec("language", ("langue",), ("language", "lang"), IN_BOT_CHAT),
    Spec("group", ("groupe",), ("group",), IN_BOT_CHAT, Who.ADMIN),
    Spec("yes", ("oui",), ("yes",), IN_BOT_CHAT, Who.ADMIN),
    Spec("help", ("aide", "?"), ("help", "commands"), EVERYWHERE),
)
"""In the order in which help shows them."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was given. ``argument`` is what follows the word, lines and all, trimmed."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """Something that looks like a command; ``nearest`` are known words that may have been meant."""

    word: str
    nearest: tuple[str, ...] = ()


def folded(word: str) -> str:
    """Without accents and case, as commands are compared."""
    decomposed = unicodedata.normalize("NFKD", word.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def known(place: Place) -> tuple[Spec, ...]:
    """The commands that exist in this place."""
    return tuple(spec for spec in TABLE if place in spec.places)


def parse(text: str, place: Place) -> Command | UnknownCommand | None:
    """The command in a message; ``None`` when it is none (``!`` alone or ``!!!`` are none either)."""
    stripped = text.strip()
    signed = stripped.startswith(SIGN)
    if not signed and place is not Place.BOT_CHAT:
        return None
    word, *rest = stripped.removeprefix(SIGN).split(maxsplit=1) or [""]
    words = {folded(word): spec for spec in known(place) for word in (*spec.french, *spec.english)}
    spec = words.get(folded(word))
    if spec is not None:
        return Command(spec.name, rest[0].strip() if rest else "")
    if not signed or not folded(word).strip(SIGN):
        return None
    return UnknownCommand(word, tuple(get_close_matches(folded(word), words, n=2, cutoff=0.65)))
