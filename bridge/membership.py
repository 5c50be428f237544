"""Who belongs where, as organisation.yaml says it: who is active, and who is in which discussion group."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from bridge.domain.organisation import DiscussionGroup
from bridge.sections import EVERYONE, DiscussionEntry, NameByLanguage, OrganisationFile
from bridge.yamlfile import Mistake, YamlFile


def active(desired: OrganisationFile) -> frozenset[str]:
    """The practitioners who are in rooms at all."""
    return frozenset(entry.id for entry in desired.practitioners if entry.active)


def still(members: Iterable[str], present: frozenset[str]) -> tuple[str, ...]:
    """Those of these members who are active."""
    return tuple(member for member in members if member in present)


def discussions(desired: OrganisationFile, language: str) -> tuple[DiscussionGroup, ...]:
    """The discussion groups with their members resolved."""
    return tuple(_discussion(entry, desired, language) for entry in desired.discussions)


def _discussion(entry: DiscussionEntry, desired: OrganisationFile, language: str) -> DiscussionGroup:
    present = active(desired)
    members = still(dict.fromkeys(_resolved(entry.members, desired)), present)
    name = getattr(entry.name, language) if isinstance(entry.name, NameByLanguage) else entry.name
    moderators = still(entry.moderators, frozenset(members))
    return DiscussionGroup(entry.key, name, members, moderators, entry.announce_only, entry.archived)


def _resolved(named: Sequence[str], desired: OrganisationFile) -> Iterator[str]:
    groups = {group.key: group.members for group in desired.groups}
    for one in named:
        if one == EVERYONE:
            yield from (entry.id for entry in desired.practitioners)
        elif one.startswith("@"):
            yield one
        else:
            yield from groups[one]


def mistakes(source: YamlFile, desired: OrganisationFile) -> Iterator[Mistake]:
    """What is wrong with the discussion groups."""
    people = [practitioner.id for practitioner in desired.practitioners]
    groups = [group.key for group in desired.groups]
    keys = [entry.key for entry in desired.discussions]
    for number, entry in enumerate(desired.discussions):
        place = ("discussions", number)
        if entry.key in keys[:number]:
            yield source.mistake((*place, "key"), f"{entry.key!r} is used twice; keys are unique")
        wrong = False
        for position, named in enumerate(entry.members):
            known = people if named.startswith("@") else [*groups, EVERYONE]
            if named not in known:
                wrong = True
                what = "among the practitioners" if named.startswith("@") else "the key of an expert group"
                at = (*place, "members", position)
                yield source.mistake(at, f"{named} is not {what}{_nearest(named, known)}")
        if not wrong:
            yield from _moderators(source, place, entry, desired)


def _moderators(
    source: YamlFile, place: tuple[str, int], entry: DiscussionEntry, desired: OrganisationFile
) -> Iterator[Mistake]:
    members = tuple(dict.fromkeys(_resolved(entry.members, desired)))
    for position, moderator in enumerate(entry.moderators):
        if moderator not in members:
            at = (*place, "moderators", position)
            yield source.mistake(
                at, f"{moderator} is not a member of this discussion group{_nearest(moderator, members)}"
            )


def _nearest(named: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(named, known, n=1)
    return f"; did you mean {close[0]}?" if close else "; add them there first"
