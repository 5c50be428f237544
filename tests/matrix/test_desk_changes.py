"""Changes of the organisation file that are easy to get wrong: planned, applied, and nothing left to plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.matrix.test_desk import Office
from tests.matrix.test_desk import office as office

pytestmark = pytest.mark.timeout(600)
"""Some thirty commands, each a process of its own."""

Content = dict[str, Any]


def _organisation(people: list[str]) -> Content:
    return {
        "organisation": {"name": "Hôpital"},
        "practitioners": [{"id": p, "name": f"Dr N{number}"} for number, p in enumerate(people)],
        "groups": [
            {"key": "derm", "name": "Dermatologie", "address": "derm@h.example", "members": people[:3]},
            {
                "key": "cardio",
                "name": {"fr": "Cardiologie", "en": "Cardiology"},
                "address": "cardio@h.example",
                "members": people[:1],
            },
        ],
        "discussions": [{"key": "staff", "name": "Staff", "members": "everyone"}],
    }


def _person_renamed(content: Content) -> None:
    content["practitioners"][1]["name"] = "Dr Neu"


def _group_renamed(content: Content) -> None:
    content["groups"][0]["name"] = "Peau"


def _moved(content: Content) -> None:
    members = content["groups"][0]["members"]
    content["groups"][1]["members"] = [content["groups"][1]["members"][0], members[2]]
    content["groups"][0]["members"] = members[:2]


def _suspended(content: Content) -> None:
    content["groups"][1]["suspended"] = True


def _announces(content: Content) -> None:
    content["discussions"][0] |= {"announce_only": True, "moderators": [content["practitioners"][0]["id"]]}


def _english(content: Content) -> None:
    content["organisation"]["language"] = "en"


def _inactive(content: Content) -> None:
    content["practitioners"][2]["active"] = False


def _gone(content: Content) -> None:
    (gone,) = content["practitioners"][2:3]
    del content["practitioners"][2]
    for group in content["groups"]:
        group["members"] = [member for member in group["members"] if member != gone["id"]]


def _archived(content: Content) -> None:
    content["discussions"][0] = content["discussions"][0] | {"archived": True, "announce_only": False}


CHANGES: tuple[tuple[Callable[[Content], None], str], ...] = (
    (_person_renamed, "change name of {1} (Dr Neu): Dr N1 → Dr Neu"),
    (_group_renamed, "rename group space of Peau (derm): Dermatologie → Peau"),
    (_moved, "{2} (Dr N2) loses group space of Peau (derm), waiting room of Peau (derm)"),
    (_suspended, "change suspended of Cardiologie (cardio): no → yes"),
    (_announces, "discussion room staff: moderators write, {0} moderates"),
    (_english, "Questions en attente · Cardiologie → Waiting questions · Cardiology"),
    (_archived, "discussion room staff: nobody writes, {0} moderates"),
    (_inactive, "{2} (Dr N2) loses bot chat {2}, organisation space"),
)


async def test_each_change_is_named_applied_and_leaves_nothing_to_plan(office: Office) -> None:
    content = _organisation(office.people[:3])
    await _applied(office, content)
    for change, words in CHANGES:
        change(content)
        told = await _applied(office, content)
        assert words.format(*office.people) in told, (change.__name__, told)


async def test_who_is_no_longer_in_the_file_loses_access_by_name(office: Office) -> None:
    content = _organisation(office.people[:3])
    await _applied(office, content)
    _gone(content)
    assert f"{office.people[2]} (Dr N2) loses bot chat" in await _applied(office, content)


async def _applied(office: Office, content: Content) -> str:
    """Plan it, apply it, and see that nothing is left; returns the plan."""
    with (office.directory / "organisation.yaml").open("w") as out:
        YAML().dump(content, out)
    code, told, err = await office.run("plan")
    assert code == 2, (told, err)
    code, done, err = await office.run("apply", "--allow-large-change")
    assert code == 0, (done, err)
    assert (await office.run("plan"))[:2] == (0, "Nothing to do: Matrix is as the organisation file says.\n")
    return told
