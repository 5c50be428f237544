"""Administrators change groups from their bot chat: what they said, and what it makes of the file.

Nothing is changed before they have read what it means and said yes to that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.answers import told
from bridge.domain.commands import Command, folded
from bridge.domain.house import Administer, Agree
from bridge.domain.organisation import ExpertGroup, Organisation
from bridge.domain.private import addressee
from bridge.domain.state import Policy

YES = "✅"
"""The reaction that agrees to a change."""


class Act(StrEnum):
    """What can be done to a group."""

    ADD = "add"
    REMOVE = "remove"
    SUSPEND = "suspend"
    RESUME = "resume"


WORDS: dict[str, Act] = {
    "ajouter": Act.ADD,
    "add": Act.ADD,
    "retirer": Act.REMOVE,
    "enlever": Act.REMOVE,
    "remove": Act.REMOVE,
    "suspendre": Act.SUSPEND,
    "suspend": Act.SUSPEND,
    "reprendre": Act.RESUME,
    "resume": Act.RESUME,
}
"""What admins write, without accents and case."""
ABOUT_PEOPLE = (Act.ADD, Act.REMOVE)


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One change of one group; ``user_id`` is empty unless it is about somebody."""

    act: Act
    group: str
    user_id: str = ""


def ordered_group(
    event: ev.BotAsked, command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``!groupe ajouter dermatologie @dr.x``: what it would change is looked at and told first."""
    author = event.author
    if not event.admin:
        return told(event, fx.Phrase("admin.only", {}))
    html = event.line.html if event.line else ""
    key = f"administer:{event.event_id}"
    effect = Administer(key, author.user_id, author.language, command.argument, html)
    return (fx.Planned(effect, f"bot:{author.user_id}"),)


def ordered_yes(
    event: ev.BotAsked, _command: Command, _now: datetime, _policy: Policy
) -> tuple[fx.Planned, ...]:
    """``oui``, or the reaction: what was proposed last, and is not too old, is done."""
    author = event.author
    if not event.admin:
        return told(event, fx.Phrase("admin.only", {}))
    effect = Agree(f"agree:{event.event_id}", author.user_id, author.language, event.reply_to)
    return (fx.Planned(effect, f"bot:{author.user_id}"),)


def understood(organisation: Organisation, words: str, html: str = "") -> GroupOrder | fx.Phrase:
    """What is meant, or what to say to someone who wasn't understood."""
    first, _, rest = words.strip().partition(" ")
    act = WORDS.get(folded(first))
    if act is None:
        return fx.Phrase("admin.how", {})
    group, rest = _group(organisation, rest)
    if group is None:
        keys = [known.key for known in organisation.groups]
        near = get_close_matches(folded(rest.partition(" ")[0]), keys, n=3, cutoff=0.5) or keys
        return fx.Phrase("admin.no_group", {"groups": ", ".join(near[:20])})
    if act not in ABOUT_PEOPLE:
        return fx.Phrase("admin.how", {}) if rest else GroupOrder(act, group.key)
    found = addressee(organisation, rest, html).found
    if not found:
        return fx.Phrase("admin.nobody", {})
    if len(found) > 1:
        return fx.Phrase("admin.several", {"people": ", ".join(person.user_id for person in found)})
    return GroupOrder(act, group.key, found[0].user_id)


def _group(organisation: Organisation, text: str) -> tuple[ExpertGroup | None, str]:
    """The group that this begins with, by key or name (the longest match wins), and what follows."""
    words = text.split()
    for count in range(len(words), 0, -1):
        wanted = folded(" ".join(words[:count])).strip(":,")
        for group in organisation.groups:
            called = {group.key, group.name, *dict(group.names).values()}
            if wanted in {folded(name) for name in called}:
                return group, " ".join(words[count:])
    return None, text.strip()


def changed(organisation: Organisation, order: GroupOrder) -> Organisation:
    """The organisation after this."""
    groups = tuple(
        _changed(group, order) if group.key == order.group else group for group in organisation.groups
    )
    return replace(organisation, groups=groups)


def _changed(group: ExpertGroup, order: GroupOrder) -> ExpertGroup:
    match order.act:
        case Act.ADD:
            return replace(group, members=tuple(dict.fromkeys((*group.members, order.user_id))))
        case Act.REMOVE:
            return replace(group, members=tuple(m for m in group.members if m != order.user_id))
        case Act.SUSPEND:
            return replace(group, suspended=True)
        case Act.RESUME:
            return replace(group, suspended=False)
