"""Where a conversation stands in the personal spaces of those it belongs to, and how that changes: pure."""

from __future__ import annotations

from bridge.domain.drafting import asked_key
from bridge.domain.effects import Planned
from bridge.domain.house import Section, ShowInSpace, TakeFromSpace, space_key
from bridge.domain.state import SEAL_FIRST_S, Question

PUT_AWAY = "archived"
"""The status of a question that is out of sight."""

Place = tuple[str, Section, str]
"""Who, where, and the key of the room."""


def places(question: Question | None) -> frozenset[Place]:
    """Where a question is listed: with its owner and who asked, among the questions until it is put away."""
    if question is None:
        return frozenset()
    section = Section.ARCHIVES if question.status.value == PUT_AWAY else Section.QUESTIONS
    owner = {(question.owner, section, question.room)} if question.owner else set()
    asker = {(question.requester, section, asked_key(question.id))} if question.requester else set()
    return frozenset(owner | asker)


def moved(before: Question | None, after: Question | None, turn: int) -> tuple[Planned, ...]:
    """What a change of a question means for personal spaces; ``turn`` numbers its changes."""
    if after is None:
        return ()
    was, now = places(before), places(after)
    planned: list[Planned] = []
    for user_id, section, room in sorted(was - now):
        key = f"{after.id}:house:{turn}:-{user_id}:{section.value}"
        planned.append(Planned(TakeFromSpace(key, user_id, section, room), space_key(user_id)))
    for user_id, section, room in sorted(now - was):
        key = f"{after.id}:house:{turn}:+{user_id}:{section.value}"
        planned.append(Planned(ShowInSpace(key, user_id, section, room), space_key(user_id), SEAL_FIRST_S))
    return tuple(planned)
