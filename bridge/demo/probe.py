"""Tries, as someone who must not read a sealed room, every client-server endpoint that could tell.

The talk after the seal carries marks; whatever answer holds one of them is a leak.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bridge.demo.person import Person, Refused
from bridge.ports import Json

EVERYTHING = json.dumps({"room": {"include_leave": True, "timeline": {"limit": 500}}})


@dataclass(frozen=True, slots=True)
class Secret:
    """What must not be readable: a room's marks, and the events around which to look for them."""

    room_id: str
    space_id: str
    marks: tuple[str, ...]
    events: tuple[str, ...]


@dataclass(slots=True)
class Findings:
    """What was tried and what leaked: pairs of endpoint and mark."""

    tried: int = 0
    leaks: list[tuple[str, str]] = field(default_factory=list)

    def look(self, endpoint: str, answer: Any, marks: Sequence[str]) -> None:
        """Search one answer for every mark."""
        self.tried += 1
        text = json.dumps(answer, ensure_ascii=False)
        self.leaks += [(endpoint, mark) for mark in marks if mark in text]


async def probe(person: Person, secret: Secret) -> Findings:
    """Every endpoint, as this person; joining, knocking and inviting count as leaks when they succeed."""
    findings = Findings()
    for name, method, path, body, query in _calls(secret):
        findings.look(name, await _answer(person, method, path, body, query), secret.marks)
    for name, path, body in _ways_in(person, secret):
        try:
            await person.call("POST", path, body)
        except Refused:
            findings.tried += 1
        else:
            findings.leaks.append((name, "got in"))
    return findings


async def _answer(person: Person, method: str, path: str, body: Any, query: dict[str, str]) -> Any:
    try:
        return await person.call(method, path, body, **query)
    except Refused as refused:
        return str(refused)


Call = tuple[str, str, str, Any, dict[str, str]]


def _calls(secret: Secret) -> list[Call]:
    room = f"/v3/rooms/{quote(secret.room_id)}"
    v1 = f"/v1/rooms/{quote(secret.room_id)}"
    calls: list[Call] = [
        ("messages backwards", "GET", f"{room}/messages", None, {"dir": "b", "limit": "500"}),
        ("messages forwards", "GET", f"{room}/messages", None, {"dir": "f", "limit": "500"}),
        ("state", "GET", f"{room}/state", None, {}),
        ("members", "GET", f"{room}/members", None, {}),
        ("joined_members", "GET", f"{room}/joined_members", None, {}),
        ("initialSync", "GET", f"{room}/initialSync", None, {"limit": "500"}),
        ("threads", "GET", f"{v1}/threads", None, {"include": "all"}),
        ("timestamp", "GET", f"{v1}/timestamp_to_event", None, {"ts": "9999999999999", "dir": "b"}),
        ("summary", "GET", f"/v1/room_summary/{quote(secret.room_id)}", None, {}),
        ("hierarchy of room", "GET", f"{v1}/hierarchy", None, {}),
        ("hierarchy of space", "GET", f"/v1/rooms/{quote(secret.space_id)}/hierarchy", None, {}),
        ("sync", "GET", "/v3/sync", None, {"timeout": "0", "full_state": "true", "filter": EVERYTHING}),
        (
            "sliding sync",
            "POST",
            "/unstable/org.matrix.simplified_msc3575/sync",
            _sliding(secret.room_id),
            {},
        ),
    ]
    calls += [("search", "POST", "/v3/search", _search(mark, secret.room_id), {}) for mark in secret.marks]
    for event_id in secret.events:
        event = quote(event_id)
        calls += [
            ("event", "GET", f"{room}/event/{event}", None, {}),
            ("context", "GET", f"{room}/context/{event}", None, {"limit": "200"}),
            ("relations", "GET", f"{v1}/relations/{event}", None, {"limit": "100"}),
            ("edits", "GET", f"{v1}/relations/{event}/m.replace", None, {}),
            ("thread", "GET", f"{v1}/relations/{event}/m.thread", None, {}),
        ]
    return calls


def _ways_in(person: Person, secret: Secret) -> list[tuple[str, str, Any]]:
    room = quote(secret.room_id)
    return [
        ("join", f"/v3/rooms/{room}/join", {}),
        ("join by ID", f"/v3/join/{room}", {}),
        ("knock", f"/v3/knock/{room}", {}),
        ("invite", f"/v3/rooms/{room}/invite", {"user_id": person.user_id}),
    ]


def _search(mark: str, room_id: str) -> Json:
    criteria = {
        "search_term": mark,
        "filter": {"rooms": [room_id]},
        "event_context": {"before_limit": 20, "after_limit": 20},
        "include_state": True,
    }
    return {"search_categories": {"room_events": criteria}}


def _sliding(room_id: str) -> Json:
    wanted = {"required_state": [["*", "*"]], "timeline_limit": 200}
    return {
        "lists": {"all": {"ranges": [[0, 99]], **wanted}},
        "room_subscriptions": {room_id: wanted},
    }
