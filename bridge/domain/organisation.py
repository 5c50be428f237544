"""The organisation as the admin's YAML describes it: practitioners, expert groups, discussion groups.

The address of a group and the Matrix ID of a practitioner are their identities; names may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from bridge.domain.hours import ALWAYS, Calendar, Week


class Notify(StrEnum):
    """How the members of an expert group learn of a new question."""

    ANNOUNCE = "announce"
    """A card in the waiting room; members open what they like."""
    INVITE = "invite"
    """Each member is invited into the question room."""


class Mails(StrEnum):
    """What stands in the mails of an expert group's patients."""

    FULL = "full"
    """The practitioner's words and files."""
    LINK = "link"
    """Nothing but a link to a page that has them; neither subject nor sender says what it is about."""


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A person of the organisation who uses Matrix."""

    user_id: str
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class ExpertGroup:
    """A group that patients can ask. ``key`` is stable and fit for aliases; ``address`` is lower case.

    ``fallback`` is the group that may take what this one leaves unanswered; waits count during ``hours``.
    """

    key: str
    name: str
    address: str
    members: tuple[str, ...]
    notify: Notify
    language: str
    suspended: bool = False
    """Nobody answers for now: patients are told so, and what they ask is kept."""
    names: tuple[tuple[str, str], ...] = ()
    """The name by language, where the YAML gives several."""
    fallback: str = ""
    hours: Week = ALWAYS
    retention_days: int | None = None
    """Days after archiving until its questions are erased; ``None``: they are kept."""
    mails: Mails = Mails.FULL

    def called(self, language: str) -> str:
        """The name in this language, or else the one that the group's rooms have."""
        return dict(self.names).get(language, self.name)

    @property
    def on_duty(self) -> tuple[str, ...]:
        """The members who can be expected to answer."""
        return () if self.suspended else self.members


@dataclass(frozen=True, slots=True)
class DiscussionGroup:
    """A room for colleagues, which the bridge keeps in order and never listens to.

    ``announce_only``: only moderators write. ``archived``: nobody does, members still read.
    """

    key: str
    name: str
    members: tuple[str, ...]
    moderators: tuple[str, ...] = ()
    announce_only: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Organisation:
    """Everything the organisation file says.

    ``time_zone`` is of the IANA list. Who is ``inactive`` for now belongs nowhere else.
    """

    name: str
    language: str
    practitioners: tuple[Practitioner, ...]
    groups: tuple[ExpertGroup, ...]
    time_zone: str = "Europe/Paris"
    discussions: tuple[DiscussionGroup, ...] = ()
    inactive: tuple[Practitioner, ...] = ()
    admins: tuple[str, ...] = ()
    """Practitioners who administer it from their bot chat, by Matrix ID."""
    holidays: frozenset[date] = frozenset()

    def practitioner(self, user_id: str) -> Practitioner | None:
        """The practitioner with this Matrix ID, if there is one."""
        return next((p for p in self.practitioners if p.user_id == user_id), None)

    def group(self, key: str) -> ExpertGroup | None:
        """The expert group with this key, if there is one."""
        return next((g for g in self.groups if g.key == key), None)

    def group_of_address(self, address: str) -> ExpertGroup | None:
        """The expert group that is asked at this e-mail address (case-insensitive)."""
        wanted = address.casefold()
        return next((g for g in self.groups if g.address == wanted), None)

    def calendar(self, key: str) -> Calendar:
        """When this group works."""
        group = self.group(key)
        return Calendar(group.hours if group else ALWAYS, self.time_zone, self.holidays)


class InForce(Organisation):
    """The organisation that decisions go by now: exchanged as a whole, while everyone holds on to this.

    It has no fields of its own; each is looked up in the organisation that is in force (``now``), with
    the languages that practitioners chose for themselves in the place of the file's.
    """

    __slots__ = ("_languages", "_shown", "now")
    now: Organisation
    _languages: Mapping[str, str]
    _shown: Organisation

    def __init__(self, organisation: Organisation) -> None:
        object.__setattr__(self, "_languages", {})
        self.exchange(organisation)

    def __getattr__(self, name: str) -> object:
        return getattr(object.__getattribute__(self, "_shown"), name)

    def exchange(self, organisation: Organisation) -> None:
        """From now on this one is in force."""
        object.__setattr__(self, "now", organisation)
        self.speak(self._languages)

    def speak(self, languages: Mapping[str, str]) -> None:
        """These people, by Matrix ID, are spoken to in these languages from now on."""
        people = tuple(
            replace(p, language=languages.get(p.user_id, p.language)) for p in self.now.practitioners
        )
        object.__setattr__(self, "_languages", dict(languages))
        object.__setattr__(self, "_shown", replace(self.now, practitioners=people))
