"""Who may find a question by searching or listing: pure, and the only place that says so.

A scope is the answer to « whose is it »: ``group:<key>`` while a question waits there, ``owner:<Matrix
ID>`` of the one who took it, ``asked:<Matrix ID>`` of a requester on Matrix. What is stored for
searching is stored by scope, so that a query can't reach beyond those that the asker has.
"""

from __future__ import annotations

from bridge.domain.organisation import ExpertGroup, Organisation
from bridge.domain.state import Question, Status


def scopes(question: Question) -> tuple[str, ...]:
    """Whose a question is now."""
    found = []
    if question.status is Status.WAITING:
        found += [f"group:{group}" for group in question.groups]
    elif question.owner:
        found.append(f"owner:{question.owner}")
    if question.requester:
        found.append(f"asked:{question.requester}")
    return tuple(found)


def scopes_of(user_id: str, organisation: Organisation) -> tuple[str, ...]:
    """What someone may find: what they took, what they asked, what waits in their groups."""
    groups = (f"group:{group.key}" for group in groups_of(user_id, organisation))
    return (f"owner:{user_id}", f"asked:{user_id}", *groups)


def groups_of(user_id: str, organisation: Organisation) -> tuple[ExpertGroup, ...]:
    """The expert groups that someone is a member of."""
    return tuple(group for group in organisation.groups if user_id in group.members)


def may_find(question: Question, allowed: tuple[str, ...]) -> bool:
    """Whether someone with these scopes may find this question as it is now."""
    if question.about and f"asked:{question.about}" in allowed:
        return False
    return any(scope in allowed for scope in scopes(question))
