"""Who is meant by ``!avis …``, and how it is used: pure, and without decisions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.domain import effects as fx
from bridge.domain.handing import colleague
from bridge.domain.meant import group_meant
from bridge.domain.opinions import Opinion, Stage
from bridge.domain.organisation import Organisation
from bridge.domain.state import Policy, Question

_HEAD = re.compile(r"[:\n]")


@dataclass(frozen=True, slots=True)
class Meant:
    """An expert (``expert``: a Matrix ID) or a group, how people call either, and what is asked of them."""

    group: str
    called: str
    asks: str
    expert: str = ""


def meant(words: str, question: Question, policy: Policy) -> Meant | str:
    """Who is meant by what was said; a locale key of the bot if that isn't clear or doesn't work."""
    organisation = policy.organisation
    if not words.startswith("@") and (found := _group(words, organisation)):
        group = Meant(*found)
        return "opinion_requester_inside" if reads_along(question, group.group, policy) else group
    person = _person(words, organisation)
    if person is None:
        return "opinion_who"
    user_id, name, asks = person
    if user_id in (question.owner, question.asker):
        return "opinion_who"
    if user_id in policy.away:
        return "opinion_away"
    mine = next((group.key for group in organisation.groups if user_id in group.members), question.group)
    return Meant(mine, name, asks, user_id)


def reads_along(question: Question, group: str, policy: Policy) -> bool:
    """Whether who asked the question is a member of this group, and would read what is asked about it."""
    asked = policy.organisation.group(group)
    return bool(question.requester) and asked is not None and question.requester in asked.members


def _group(words: str, organisation: Organisation) -> tuple[str, str, str] | None:
    head = _HEAD.split(words, maxsplit=1)[0]
    found = group_meant(head, organisation.groups)
    if found is None:
        return None
    group, rest = found
    asks = f"{rest}{words[len(head) :]}".lstrip(":, \n") if rest else words[len(head) + 1 :]
    return group.key, group.called(group.language), asks.strip()


def _person(words: str, organisation: Organisation) -> tuple[str, str, str] | None:
    # A line's end parts a name from what is asked as well as a space does.
    found = colleague(words.replace("\n", " ", 1) if "\n" in words.split(" ", 1)[0] else words, organisation)
    if found is None:
        return None
    person, asks = found
    return person.user_id, person.name, asks.lstrip(":, \n").strip()


def listed(opinions: tuple[Opinion, ...]) -> tuple[fx.Phrase, ...]:
    """The opinions of a question, and how one asks for another."""
    lines = tuple(
        fx.Phrase(f"bot.opinion_listed_{one.stage}", {"to": one.called, "linked": one.reference})
        for one in opinions
        if one.stage in (Stage.SHOWN, Stage.ASKED, Stage.OPEN)
    )
    return (*lines, fx.Phrase("bot.opinion_usage"))
