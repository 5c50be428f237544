"""What a plan means for people: who gains and loses what, and whether that is more than was meant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.plan import (
    PRESENT,
    AddChild,
    CreateRoom,
    Invite,
    NoAccount,
    Remove,
    SetName,
    SetRights,
    Snapshot,
    Step,
    Wanted,
)


@dataclass(frozen=True, slots=True)
class Access:
    """The managed rooms, by key, that someone gains or loses."""

    user_id: str
    rooms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Renaming:
    """A managed room's name, before and after."""

    room: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class OpenQuestions:
    """So many open questions of a group; ``owner`` is empty for those that wait."""

    group: str
    owner: str
    count: int


@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of open questions; ``outcome`` is a code of :data:`OUTCOMES`."""

    questions: OpenQuestions
    outcome: str


OUTCOMES = {
    "stay": "stay with their owner, who has left this group but not the organisation",
    "leaderless": "belong to someone who leaves the organisation",
    "unattended": "wait in a group that nobody answers for any more",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of the file that no room shows. ``of`` is a group's key, a Matrix ID, or empty: of all."""

    of: str
    name: str
    before: object
    after: object


OF_ALL = ("language", "time_zone", "admins", "holidays")
OF_GROUP = (
    *("address", "notify", "language", "suspended", "names", "fallback", "hours"),
    *("retention_days", "mails"),
)
OF_PRACTITIONER = ("name", "language")


def settings_between(before: Organisation, after: Organisation) -> tuple[Setting, ...]:
    """What differs beside rooms and who is in them, of all that is in both."""
    found = [*_settings("", before, after, OF_ALL)]
    for group in after.groups:
        if (former := before.group(group.key)) is not None:
            found += _settings(group.key, former, group, OF_GROUP)
    for person in after.practitioners:
        if (known := before.practitioner(person.user_id)) is not None:
            found += _settings(person.user_id, known, person, OF_PRACTITIONER)
    return tuple(found)


def _settings(of: str, before: object, after: object, names: Iterable[str]) -> Iterator[Setting]:
    for name in names:
        one, other = getattr(before, name), getattr(after, name)
        if one != other:
            yield Setting(of, name, one, other)


@dataclass(frozen=True, slots=True)
class Change:
    """A plan as people read it. ``people``: how many have access to anything now."""

    steps: tuple[Step, ...]
    created: tuple[Wanted, ...] = ()
    renamed: tuple[Renaming, ...] = ()
    listed: tuple[AddChild, ...] = ()
    rights: tuple[SetRights, ...] = ()
    gains: tuple[Access, ...] = ()
    loses: tuple[Access, ...] = ()
    settings: tuple[Setting, ...] = ()
    """What no room shows, and what counts only once it is applied."""
    left: tuple[Practitioner, ...] = ()
    """Who only the organisation in force knows, or who is inactive: their names."""
    without_account: tuple[str, ...] = ()
    people: int = 0
    consequences: tuple[Consequence, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether applying it changes anything, in Matrix or in what decisions go by."""
        return self.anything or bool(self.settings)

    @property
    def anything(self) -> bool:
        """Whether there is something to do; an account that is missing is only told."""
        return any(not isinstance(step, NoAccount) for step in self.steps)

    @property
    def share(self) -> float:
        """The share of the people with access who lose some of it."""
        return len(self.loses) / self.people if self.people else 0.0

    def is_large(self, limit: float) -> bool:
        """Whether it takes access from more than this share of people; one person never is too many."""
        return len(self.loses) > 1 and self.share > limit


def change(
    steps: tuple[Step, ...],
    snapshot: Snapshot,
    *,
    bot: str,
    organisation: Organisation | None = None,
    questions: Sequence[OpenQuestions] = (),
) -> Change:
    """What these steps change from what there is."""
    loses = _access(
        (step.user_id, step.key)
        for step in steps
        if isinstance(step, Remove) and _inside(snapshot, step.key, step.user_id)
    )
    made = [step for step in steps if isinstance(step, CreateRoom)]
    invited = [(user, step.wanted.key) for step in made for user in step.invite]
    invited += [(step.user_id, step.key) for step in steps if isinstance(step, Invite)]
    return Change(
        steps=steps,
        created=tuple(step.wanted for step in made),
        renamed=tuple(
            Renaming(step.key, snapshot.rooms[step.key].name, step.name)
            for step in steps
            if isinstance(step, SetName)
        ),
        listed=tuple(step for step in steps if isinstance(step, AddChild)),
        rights=tuple(step for step in steps if isinstance(step, SetRights)),
        gains=_access(invited),
        loses=loses,
        without_account=tuple(step.user_id for step in steps if isinstance(step, NoAccount)),
        people=len(_present(snapshot) - {bot}),
        consequences=_consequences(organisation, questions) if organisation else (),
    )


def _access(pairs: Iterable[tuple[str, str]]) -> tuple[Access, ...]:
    rooms: dict[str, list[str]] = {}
    for user_id, key in pairs:
        rooms.setdefault(user_id, []).append(key)
    return tuple(Access(user_id, tuple(keys)) for user_id, keys in rooms.items())


def _inside(snapshot: Snapshot, key: str, user_id: str) -> bool:
    return key in snapshot.rooms and snapshot.rooms[key].members.get(user_id) in PRESENT


def _present(snapshot: Snapshot) -> set[str]:
    return {
        user_id
        for room in snapshot.rooms.values()
        for user_id, membership in room.members.items()
        if membership in PRESENT
    }


def _consequences(organisation: Organisation, questions: Sequence[OpenQuestions]) -> tuple[Consequence, ...]:
    return tuple(
        Consequence(found, outcome) for found in questions if (outcome := _outcome(organisation, found))
    )


def _outcome(organisation: Organisation, questions: OpenQuestions) -> str:
    group = organisation.group(questions.group)
    if not questions.owner:
        return "" if group is not None and group.on_duty else "unattended"
    if organisation.practitioner(questions.owner) is None:
        return "leaderless"
    return "" if group is not None and questions.owner in group.members else "stay"


def without_removals(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Remove, ...]]:
    """The steps that take nothing from anyone, and those that are held back."""
    held = tuple(step for step in steps if isinstance(step, Remove))
    return tuple(step for step in steps if not isinstance(step, Remove)), held


def keeping(wanted: Organisation, before: Organisation | None, held: Sequence[Remove]) -> Organisation:
    """The organisation as wanted, but that those whose removal is held stay what they were before.

    As long as the rooms are theirs, what they do in them must count.
    """
    if before is None:
        return wanted
    kept = {(step.key.removeprefix("group:"), step.user_id) for step in held if step.key.startswith("group:")}
    groups = list(wanted.groups)
    for old in before.groups:
        members = tuple(user for user in old.members if (old.key, user) in kept)
        if not members:
            continue
        place = next((n for n, group in enumerate(groups) if group.key == old.key), None)
        if place is None:
            groups.append(replace(old, members=members))
        else:
            more = tuple(user for user in members if user not in groups[place].members)
            groups[place] = replace(groups[place], members=(*groups[place].members, *more))
    people = {step.user_id for step in held}
    known = {practitioner.user_id for practitioner in wanted.practitioners}
    staying = tuple(p for p in before.practitioners if p.user_id in people and p.user_id not in known)
    return replace(wanted, practitioners=(*wanted.practitioners, *staying), groups=tuple(groups))
