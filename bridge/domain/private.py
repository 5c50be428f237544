"""Whom a practitioner means: a Matrix ID, a mention, or a name as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import Command, folded
from bridge.domain.house import OpenPrivate, Readmit, Welcome
from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.state import Decision, Policy, Question

LINK = re.compile(r"https://matrix\.to/#/(@[^\s\"'<>)\]?]+|%40[^\s\"'<>)\]?]+)", re.IGNORECASE)
AFTER_NAME = " \t\n:,;–—-"
TITLES = frozenset(("dr", "pr", "prof", "docteur", "professeur", "doctor", "professor", "m", "mme", "mr"))


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a line begins with, and what follows. Of several, ``found`` has each; of nobody, none."""

    found: tuple[Practitioner, ...]
    rest: str = ""


def ordered_message(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``!message @dr.x [about]``: who is meant is known where the organisation is."""
    author = event.author
    html = event.line.html if event.line else ""
    key = f"private:{event.event_id}"
    effect = OpenPrivate(key, author.user_id, author.language, command.argument, html)
    return (fx.Planned(effect, f"bot:{author.user_id}"),)


def ordered_return(
    event: ev.BotAsked, _command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``!revenir``: someone who left a room by hand comes back."""
    author = event.author
    effect = Readmit(f"return:{event.event_id}", author.user_id, author.language)
    return (fx.Planned(effect, f"bot:{author.user_id}"),)


def invited(question: Question | None, event: ev.BotInvited) -> Decision:
    """The bot is asked into a room: what is to be done there is seen from inside."""
    author, guest = event.author, event.guest
    user_id = author.user_id
    unknown = author.standing is ev.Standing.STRANGER and not guest
    welcome = Welcome(
        f"welcome:{event.event_id}", user_id, author.language, event.room_id, guest=guest, unknown=unknown
    )
    return Decision(question, (fx.Planned(welcome, f"bot:{user_id}"),))


def addressee(organisation: Organisation, text: str, html: str = "") -> Addressee:
    """Whom this line begins with. A mention in its formatted form counts more than the words."""
    for source in (html, text):
        if match := LINK.search(source):
            person = organisation.practitioner(unquote(match[1]))
            return Addressee((person,) if person else (), _without_name(text, person))
    word, _, rest = text.strip().partition(" ")
    if word.startswith("@"):
        wanted = word.rstrip(AFTER_NAME)
        found = tuple(p for p in organisation.practitioners if wanted in (p.user_id, _localpart(p)))
        return Addressee(found, rest.strip(AFTER_NAME))
    return _named(organisation, text.strip())


def _named(organisation: Organisation, text: str) -> Addressee:
    """Someone by their name, with or without title and first name; the longest match wins."""
    words = text.split()
    for count in range(len(words), 0, -1):
        wanted = _words(" ".join(words[:count]))
        found = tuple(p for p in organisation.practitioners if wanted and _is_called(p, wanted))
        if found:
            return Addressee(found, " ".join(words[count:]).strip(AFTER_NAME))
    return Addressee((), text)


def _is_called(person: Practitioner, wanted: tuple[str, ...]) -> bool:
    name = _words(person.name)
    return any(name[start:] == wanted for start in range(len(name)))


def _words(text: str) -> tuple[str, ...]:
    found = tuple(re.findall(r"[\w'’]+", folded(text)))
    return tuple(word for word in found if word not in TITLES)


def _localpart(person: Practitioner) -> str:
    return person.user_id.partition(":")[0]


def _without_name(text: str, person: Practitioner | None) -> str:
    """What follows a mention: clients put the link, the Matrix ID or the shown name into the words."""
    rest = re.sub(r"^\s*\[[^\]]*\]\([^)]*\)", "", text)
    if person is not None and rest == text:
        shown = "|".join(re.escape(name) for name in (person.name, person.user_id, _localpart(person)))
        rest = re.sub(rf"^\s*({shown})", "", text, flags=re.IGNORECASE)
    return LINK.sub("", rest).strip(AFTER_NAME)
