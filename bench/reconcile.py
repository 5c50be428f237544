"""Calls that it takes to bring a homeserver to a large organisation, to find it right, and to add someone.

200 practitioners, 20 expert groups, 30 discussion groups; every call to the homeserver is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.config import load, load_without_tokens
from bridge.demo.freeport import free_port
from bridge.demo.homeserver import LocalSynapse
from bridge.demo.hospital import Hospital, Ports, write_configuration
from bridge.desk.desk import Desk, client
from bridge.domain.organisation import DiscussionGroup, ExpertGroup, Notify, Organisation, Practitioner
from bridge.names import StoredNames
from bridge.registration import registration, write
from bridge.storage.database import Database

DOMAIN = "hopital.example"
PRACTITIONERS, GROUPS, DISCUSSIONS = 200, 20, 30
IN_A_GROUP, IN_A_DISCUSSION = 12, 20
AT_ONCE = 8
WRITES = ("PUT", "POST", "DELETE")


def organisation(people: int = PRACTITIONERS) -> Organisation:
    """One person is in about one expert group and three discussion groups; one discussion is everyone's."""
    ids = [f"@d{number}:{DOMAIN}" for number in range(people)]

    def some(start: int, count: int) -> tuple[str, ...]:
        return tuple(ids[(start + step) % PRACTITIONERS] for step in range(count))

    groups = [
        ExpertGroup(f"g{n}", f"Groupe {n}", f"g{n}@{DOMAIN}", some(n * 10, IN_A_GROUP), Notify.ANNOUNCE, "fr")
        for n in range(GROUPS)
    ]
    talks = [DiscussionGroup("staff", "Staff", tuple(ids), (ids[0],), announce_only=True)]
    talks += [
        DiscussionGroup(f"t{n}", f"Discussion {n}", some(n * 7, IN_A_DISCUSSION))
        for n in range(1, DISCUSSIONS)
    ]
    practitioners = tuple(Practitioner(user, f"Dr {user[1:]}", "fr") for user in ids)
    return Organisation("Grand hôpital", "fr", practitioners, tuple(groups), discussions=tuple(talks))


@dataclass
class Counted:
    """The calls that bringing the homeserver to an organisation took."""

    calls: Counter[str]
    seconds: float
    failed: int

    @property
    def writes(self) -> int:
        """Those that change something, or try to."""
        return sum(count for method, count in self.calls.items() if method in WRITES)


async def reconciling(directory: Path) -> dict[str, Any]:
    """Cold; warm; with one practitioner more, in one expert group and one discussion group; warm again."""
    desk, synapse = await _desk(directory)
    try:
        cold = await _brought(desk, organisation())
        warm = await _brought(desk, organisation())
        await synapse.register_user(f"d{PRACTITIONERS}", "secret")
        added = await _brought(desk, _with_one_more())
        again = await _brought(desk, _with_one_more())
    finally:
        assert desk.database is not None
        await desk.homeserver.close()
        await desk.database.close()
        await synapse.stop()
    return {
        "cold_start_calls": cold.calls.total(),
        "cold_start_writes": cold.writes,
        "cold_start_s": round(cold.seconds, 1),
        "warm_start_writes": warm.writes + again.writes,
        "warm_start_calls": warm.calls.total(),
        "warm_start_s": round(warm.seconds, 1),
        "add_member_writes": added.writes,
        "reconcile_failed": cold.failed + warm.failed + added.failed + again.failed,
    }


def _with_one_more() -> Organisation:
    larger = organisation(PRACTITIONERS + 1)
    newcomer = larger.practitioners[-1].user_id
    first, *others = larger.groups
    grown = replace(first, members=(*first.members, newcomer))
    return replace(larger, groups=(grown, *others))


async def _brought(desk: Desk, wanted: Organisation) -> Counted:
    """What the service does at its start."""
    calls: Counter[str] = Counter()
    desk.homeserver.on_call = lambda method, _path: calls.update((method,))
    began = time.monotonic()
    await desk.appear(wanted)
    place = await desk.place()
    applied = await desk.apply(wanted, place, await desk.look(wanted, place), by="bench", at=time.time())
    return Counted(calls, time.monotonic() - began, len(applied.report.failed))


async def _desk(directory: Path) -> tuple[Desk, LocalSynapse]:
    port = free_port()
    config_file = write_configuration(
        directory,
        homeserver_url=f"http://127.0.0.1:{port}",
        ports=Ports(free_port(), free_port(), free_port()),
        hospital=Hospital(DOMAIN, organisation(), ()),
    )
    file = directory / "registration.yaml"
    # No URL: nobody listens here, and the homeserver's events would only wait.
    write(file, registration(load_without_tokens(config_file).config) | {"url": None}, force=True)
    synapse = LocalSynapse(directory / "synapse", domain=DOMAIN, port=port, registration=file)
    await synapse.start()
    await _people(synapse)
    config = load(config_file).config
    database = Database(config.database.url)
    await database.migrate()
    homeserver = client(config)
    await homeserver.start()

    async def nothing(_arrivals: object) -> None:
        """Nothing comes in."""

    names = StoredNames(database, nothing, config.claim.listing_limit)
    return Desk(config, database, homeserver, names), synapse


async def _people(synapse: LocalSynapse) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def register(number: int) -> None:
        async with gate:
            await synapse.register_user(f"d{number}", "secret")

    await asyncio.gather(*(register(number) for number in range(PRACTITIONERS)))
