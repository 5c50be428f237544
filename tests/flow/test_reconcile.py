"""A plan is performed several steps at once, but nothing before what it needs, and with patience."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from bridge.domain.organisation import DiscussionGroup, ExpertGroup, Notify, Organisation, Practitioner
from bridge.domain.plan import (
    AddChild,
    CreateRoom,
    Invite,
    Remove,
    Snapshot,
    Step,
    plan,
    wanted_rooms,
)
from bridge.flow.reconcile import AT_ONCE, Report, perform
from bridge.ports import Permanent, Temporary, TransportDown

BOT = "@colloque:h.example"
PEOPLE = tuple(f"@d{number}:h.example" for number in range(12))


@dataclass
class Homeserver:
    """Performs a step in a few turns of the loop, and notes what happened when."""

    trouble: dict[Step, list[Exception]] = field(default_factory=dict)
    began: list[Step] = field(default_factory=list)
    ended: list[Step] = field(default_factory=list)
    before: dict[Step, tuple[Step, ...]] = field(default_factory=dict)
    most: int = 0
    times: list[float] = field(default_factory=list)

    async def perform(self, step: Step) -> None:
        self.before[step] = tuple(self.ended)
        self.began.append(step)
        self.times.append(time.monotonic())
        self.most = max(self.most, len(self.began) - len(self.ended))
        for _ in range(len(str(step)) % 7 + 1):
            await asyncio.sleep(0)
        self.ended.append(step)
        if self.trouble.get(step):
            raise self.trouble[step].pop(0)


def _steps() -> tuple[Step, ...]:
    people = tuple(Practitioner(user, user, "fr") for user in PEOPLE)
    groups = tuple(
        ExpertGroup(key, key, f"{key}@h.example", PEOPLE[:5], Notify.ANNOUNCE, "fr")
        for key in ("a", "b", "c")
    )
    talks = (DiscussionGroup("staff", "Staff", PEOPLE, PEOPLE[:1], announce_only=True),)
    wanted = wanted_rooms(
        Organisation("H", "fr", people, groups, discussions=talks),
        namespace="c_",
        waiting_names={"fr": "w", "en": "w"},
        bot_chat_names={"fr": "Colloque"},
    )
    return plan(wanted, Snapshot(), bot=BOT)


def _key(step: Step) -> str:
    match step:
        case CreateRoom():
            return step.wanted.key
        case AddChild():
            return step.child
    return getattr(step, "key", "")


async def test_everything_is_done_once_several_at_a_time_and_nothing_before_what_it_needs() -> None:
    steps, homeserver = _steps(), Homeserver()
    report = await perform(steps, homeserver)
    assert report == Report(steps, ())
    assert Counter(homeserver.began) == Counter(steps)
    assert homeserver.most == AT_ONCE
    made = {step.wanted.key: step for step in steps if isinstance(step, CreateRoom)}
    for number, step in enumerate(steps):
        earlier = homeserver.before[step]
        assert [s for s in steps[:number] if _key(s) == _key(step) and s not in earlier] == []
        if isinstance(step, CreateRoom) and step.wanted.parent:
            assert made[step.wanted.parent] in earlier
        if isinstance(step, AddChild):
            assert {made[step.key], made[step.child]} <= set(earlier)


async def test_a_space_made_anew_is_there_before_rooms_that_exist_are_listed_in_it() -> None:
    organisation = next(step for step in _steps() if isinstance(step, CreateRoom))
    homeserver = Homeserver()
    listed = AddChild("organisation", "group:a")
    await perform((listed, Remove("group:a", PEOPLE[0]), organisation), homeserver)
    assert organisation in homeserver.before[listed]


async def test_a_refusal_costs_only_its_own_step() -> None:
    steps = _steps()
    bad = next(step for step in steps if isinstance(step, Invite))
    report = await perform(steps, Homeserver({bad: [Permanent("no")]}))
    assert [failure.step for failure in report.failed] == [bad]
    assert set(report.done) == set(steps) - {bad}


async def test_a_homeserver_that_asks_for_time_gets_it_from_everyone() -> None:
    steps = _steps()
    busy = [step for step in steps if isinstance(step, Invite)][:2]
    homeserver = Homeserver({step: [Temporary("429", retry_after=0.15)] * 2 for step in busy})
    report = await perform(steps, homeserver)
    assert report == Report(steps, ())
    gaps = [after - before for before, after in zip(homeserver.times, homeserver.times[1:], strict=False)]
    assert max(gaps) >= 0.1
    assert Counter(homeserver.began) == Counter((*steps, *busy, *busy))


async def test_patience_has_an_end() -> None:
    steps = _steps()
    busy = next(step for step in steps if isinstance(step, Invite))
    homeserver = Homeserver({busy: [Temporary("429", retry_after=3600)]})
    report = await perform(steps, homeserver, past_temporary=True)
    assert [failure.step for failure in report.failed] == [busy]


@pytest.mark.parametrize("past", [True, False])
async def test_a_homeserver_that_goes_away_ends_it_and_what_runs_is_completed(past: bool) -> None:
    steps = _steps()
    homeserver = Homeserver({steps[0]: [TransportDown("gone")]})
    with pytest.raises(TransportDown):
        await perform(steps, homeserver, past_temporary=past)
    assert homeserver.began != []
    assert sorted(map(str, homeserver.began)) == sorted(map(str, homeserver.ended))
    assert len(homeserver.began) < len(steps)


async def test_another_trouble_ends_it_unless_it_may_be_passed_by() -> None:
    steps = _steps()
    homeserver = Homeserver({steps[0]: [Temporary("later"), Temporary("later")]})
    with pytest.raises(Temporary):
        await perform(steps, homeserver)
    report = await perform(steps, homeserver, past_temporary=True)
    assert [failure.step for failure in report.failed] == [steps[0]]
    assert "try again later" in report.failed[0].reason
