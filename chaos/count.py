"""Counts every message on both sides by its own word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from bridge.matrix.rooms import KEY
from bridge.ports import Json
from chaos.mailserver import Taken
from chaos.people import Talk
from tests.support.clinic import Clinic, body

FIGURES = (
    "sent",
    "lost",
    "duplicated",
    "duplicated_in_ambiguous_window",
    "order_inversions",
    "owners_wrong",
    "misdirected",
    "unmarked",
    "refused_and_told",
    "troubles",
)
WORD = re.compile(r"zq[0-9a-f]{12}")


class Count:
    """What became of everything."""

    def __init__(self) -> None:
        self.figures: Counter[str] = Counter()
        self.findings: list[str] = []

    def add(self, figure: str, finding: str) -> None:
        """One more, and what it was."""
        self.figures[figure] += 1
        self.findings.append(f"{figure}: {finding}")

    def as_json(self) -> dict[str, Any]:
        """The figures that a run is judged by, zeros included."""
        return {name: self.figures[name] for name in FIGURES} | {"findings": self.findings}


async def count(clinic: Clinic, talks: Sequence[Talk], taken: Sequence[Taken], doubtful: set[str]) -> Count:
    """Look through every room and mailbox. ``doubtful``: Message-IDs whose hand-over was left in doubt."""
    result = Count()
    for talk in talks:
        if talk.trouble:
            result.add("troubles", f"question {talk.number}: {talk.trouble}")
        if talk.owner:
            await _question(clinic, talk, taken, doubtful, result)
    return result


async def _question(
    clinic: Clinic, talk: Talk, taken: Sequence[Taken], doubtful: set[str], result: Count
) -> None:
    owner = clinic.people[talk.owner]
    events = await whole_room(clinic, talk)
    inside = [
        person.user_id
        for person in clinic.people.values()
        if talk.room_id in (await person.call("GET", "/v3/joined_rooms"))["joined_rooms"]
    ]
    if inside != [owner.user_id]:
        result.add("owners_wrong", f"question {talk.number}: {inside}")
    _room_side(talk, events, result)
    _mail_side(talk, events, taken, doubtful, result)


async def whole_room(clinic: Clinic, talk: Talk) -> list[Json]:
    """Every event of a room, oldest first."""
    owner = clinic.people[talk.owner]
    events: list[Json] = []
    path = f"/v3/rooms/{talk.room_id}/messages"
    start: dict[str, str] = {}
    while True:
        page = await owner.call("GET", path, dir="b", limit="500", **start)
        events += page["chunk"]
        if not page["chunk"] or "end" not in page:
            return events[::-1]
        start = {"from": page["end"]}


def _room_side(talk: Talk, events: Sequence[Json], result: Count) -> None:
    """The patient's words, as the ghost said them."""
    said = [(w, e) for e in events if e["sender"].startswith("@colloque_p_") for w in WORD.findall(body(e))]
    seen: dict[str, list[Json]] = {}
    for word, event in said:
        if word != talk.title:
            seen.setdefault(word, []).append(event)
    result.figures["sent"] += len(talk.to_room)
    for number, word in enumerate(talk.to_room):
        times = seen.get(word, [])
        if not times:
            result.add("lost", f"question {talk.number}: patient's {word}")
        if len(times) > 1:
            which = ", ".join(f"{e['content'].get(KEY)} at {e['origin_server_ts']}" for e in times)
            result.add("duplicated", f"question {talk.number}: patient's {word}, mail {number}: {which}")
    _order(f"question {talk.number}, in the room", talk.to_room, list(seen), result)


def _order(where: str, sent: Sequence[str], seen: Sequence[str], result: Count) -> None:
    place = {word: number for number, word in enumerate(sent)}
    first = [place[word] for word in dict.fromkeys(seen) if word in place]
    for before, after in pairwise(first):
        if after < before:
            result.add("order_inversions", f"{where}: {sent[after]} came after {sent[before]}")


def _mail_side(
    talk: Talk, events: Sequence[Json], taken: Sequence[Taken], doubtful: set[str], result: Count
) -> None:
    """The owner's words, in mails to this patient and nobody else."""
    told, marked = _marked(events, "⚠"), _marked(events, "✅")
    seen: list[str] = []
    for word, event_id in talk.to_patient:
        result.figures["sent"] += 1
        mails = [mail for mail in taken if word in mail.text]
        seen += [word for mail in mails if mail.recipient == talk.address]
        if any(mail.recipient != talk.address for mail in mails):
            result.add("misdirected", f"question {talk.number}: {word}")
        # What others may have read is shown by a copy, which has the same word.
        shown = {event["event_id"] for event in events if word in body(event)} | {event_id}
        if mails and not shown & (told | marked):
            result.add("unmarked", f"question {talk.number}: owner's {word} {event_id}")
        if not mails and shown & told:
            result.figures["refused_and_told"] += 1
        elif not mails:
            result.add("lost", f"question {talk.number}: owner's {word} {event_id}")
        elif len(mails) > 1:
            same = len({mail.message_id for mail in mails}) == 1 and mails[0].message_id in doubtful
            result.add("duplicated_in_ambiguous_window" if same else "duplicated", f"owner's {word}")
    for word in talk.never:
        if any(word in mail.text for mail in taken):
            result.add("misdirected", f"question {talk.number}: a loser's {word}")
    order = {word: number for number, (word, _) in enumerate(talk.to_patient)}
    arrived = [w for mail in taken for w in WORD.findall(mail.text) if w in order]
    _order(f"question {talk.number}, by mail", [word for word, _ in talk.to_patient], arrived, result)


def _marked(events: Sequence[Json], symbol: str) -> set[str]:
    """The messages with this mark of the bot."""
    relations = [
        event["content"].get("m.relates_to", {})
        for event in events
        if event["type"] == "m.reaction" and event["sender"].startswith("@colloque:")
    ]
    return {relation["event_id"] for relation in relations if symbol in relation.get("key", "")}
