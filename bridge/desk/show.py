"""A plan as people read it on a terminal, and as programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from bridge.domain.change import OUTCOMES, Access, Change, Setting
from bridge.domain.organisation import Organisation, Practitioner
from bridge.domain.plan import CreateRoom, SetRights, Step, Wanted, Writing
from bridge.flow.reconcile import Report

KINDS = {
    "organisation": "organisation space",
    "group": "group space",
    "waiting": "waiting room",
    "bot": "bot chat",
    "discussion": "discussion room",
}
"""What a room is, by what its key begins with."""


def kind(key: str) -> str:
    """What a room is."""
    word = key.partition(":")[0]
    return KINDS.get(word, word.replace("_", " "))


def place(key: str, organisation: Organisation) -> str:
    """A room as an administrator calls it."""
    group = organisation.group(key.partition(":")[2])
    if key.startswith(("group:", "waiting:")) and group is not None:
        return f"{kind(key)} of {group.name} ({group.key})"
    return kind(key) if key == "organisation" else f"{kind(key)} {key.partition(':')[2]}"


def who(user_id: str, organisation: Organisation, left: Sequence[Practitioner] = ()) -> str:
    """A person by ID and name; ``left`` are those whom the organisation no longer has."""
    name = _name(user_id, organisation, left)
    return f"{user_id} ({name})" if name else user_id


def _name(user_id: str, organisation: Organisation, left: Sequence[Practitioner]) -> str | None:
    practitioner = organisation.practitioner(user_id)
    return next((one.name for one in (practitioner, *left) if one and one.user_id == user_id), None)


# --- for people ---


def show(console: Console, found: Change, organisation: Organisation, limit: float) -> None:
    """The plan, a line for each thing that changes."""
    for room in found.created:
        _line(console, "+", "green", f"create {place(room.key, organisation)}: {room.name}")
    for renaming in found.renamed:
        names = f"{renaming.before or '(no name)'} → {renaming.after}"
        words = f"rename {place(renaming.room, organisation)}: {names}"
        _line(console, "~", "yellow", words)
    for listed in found.listed:
        words = f"list {place(listed.child, organisation)} in {place(listed.key, organisation)}"
        _line(console, "~", "yellow", words)
    for step in found.rights:
        words = f"set who moderates and writes in {place(step.key, organisation)}: {rights(step)}"
        _line(console, "~", "yellow", words)
    for access in found.gains:
        _line(
            console, "+", "green", f"{who(access.user_id, organisation)} gains {_rooms(access, organisation)}"
        )
    for access in found.loses:
        person = who(access.user_id, organisation, found.left)
        _line(console, "-", "red", f"{person} loses {_rooms(access, organisation)}")
    for setting in found.settings:
        _line(console, "~", "yellow", _setting(setting, organisation))
    _notes(console, found, organisation, limit)


def _line(console: Console, sign: str, colour: str, words: str) -> None:
    console.print(Text(f"  {sign} ", style=f"bold {colour}") + Text(words, style=colour), soft_wrap=True)


def _rooms(access: Access, organisation: Organisation) -> str:
    return ", ".join(place(key, organisation) for key in access.rooms)


def _setting(setting: Setting, organisation: Organisation) -> str:
    group = organisation.group(setting.of)
    whose = f"{group.name} ({group.key})" if group else who(setting.of, organisation)
    values = (setting.before, setting.after)
    # Hours, holidays and the names by language are read better in the file.
    plain = all(one is None or isinstance(one, str | bool | int) for one in values)
    words = f": {_value(values[0])} → {_value(values[1])}" if plain else ""
    return f"change {setting.name}{f' of {whose}' if whose else ''}{words}"


def _value(value: object) -> str:
    if value is None or value == "":
        return "(none)"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def rights(step: SetRights) -> str:
    """Who writes and who moderates."""
    moderators = ", ".join(sorted(step.rights.moderators)) or "nobody"
    writing = step.rights.writing
    writes = "nobody writes" if writing is Writing.NOBODY else f"{writing.name.lower()} write"
    return f"{writes}, {moderators} moderates"


def _notes(console: Console, found: Change, organisation: Organisation, limit: float) -> None:
    for user_id in found.without_account:
        words = (
            f"{who(user_id, organisation)}: the homeserver has no such account; create it, then plan again"
        )
        _line(console, "!", "magenta", words)
    for consequence in found.consequences:
        questions = consequence.questions
        owned = f" of {who(questions.owner, organisation)}" if questions.owner else ""
        words = (
            f"{questions.count} open in group {questions.group}{owned}: they {OUTCOMES[consequence.outcome]}"
        )
        _line(console, "?", "magenta", words)
    if found.loses:
        share = f"{len(found.loses)} of {found.people} people lose access ({found.share:.0%})"
        large = found.is_large(limit)
        words = f"{share}; more than {limit:.0%} needs --allow-large-change" if large else share
        _line(console, "!", "red" if large else "magenta", words)
    if found.waits:
        console.print(summary(found), soft_wrap=True, highlight=False)
    else:
        console.print(
            "Nothing to do: Matrix is as the organisation file says.", soft_wrap=True, highlight=False
        )


def summary(found: Change) -> str:
    """The plan in one line."""
    changed = len(found.renamed) + len(found.listed) + len(found.rights) + len(found.settings)
    return (
        f"Plan: {len(found.created)} to create, {changed} to change, "
        f"{len(found.gains)} gain access, {len(found.loses)} lose access."
    )


def told(step: Step, organisation: Organisation) -> str:
    """A step in words, for what was refused."""
    key = step.wanted.key if isinstance(step, CreateRoom) else getattr(step, "key", "")
    words = type(step).__name__ if not key else f"{type(step).__name__} {place(key, organisation)}"
    user_id = getattr(step, "user_id", "")
    return f"{words}: {user_id}" if user_id else words


# --- for programs ---


def as_json(found: Change, organisation: Organisation, limit: float) -> dict[str, Any]:
    """The plan as plain values."""
    return {
        "organisation": organisation.name,
        "changes": found.waits,
        "created": [_created(room) for room in found.created],
        "changed": [
            *({"room": r.room, "name": {"from": r.before, "to": r.after}} for r in found.renamed),
            *({"room": step.child, "listed_in": step.key} for step in found.listed),
            *({"room": step.key, "rights": rights(step)} for step in found.rights),
            *({"of": setting.of, "setting": setting.name} for setting in found.settings),
        ],
        "gains": [_access(access, organisation, found) for access in found.gains],
        "loses": [_access(access, organisation, found) for access in found.loses],
        "without_account": list(found.without_account),
        "open_questions": [
            {
                "group": c.questions.group,
                "owner": c.questions.owner or None,
                "count": c.questions.count,
                "outcome": c.outcome,
                "meaning": OUTCOMES[c.outcome],
            }
            for c in found.consequences
        ],
        "removal": {
            "people": len(found.loses),
            "of": found.people,
            "share": round(found.share, 4),
            "limit": limit,
            "large": found.is_large(limit),
        },
        "steps": len(found.steps) - len(found.without_account),
    }


def _created(room: Wanted) -> dict[str, Any]:
    return {"room": room.key, "kind": kind(room.key), "name": room.name, "members": list(room.members)}


def _access(access: Access, organisation: Organisation, found: Change) -> dict[str, Any]:
    return {
        "user_id": access.user_id,
        "name": _name(access.user_id, organisation, found.left),
        "rooms": list(access.rooms),
        "groups": sorted({key.partition(":")[2] for key in access.rooms if key.startswith("group:")}),
    }


def report_as_json(report: Report, organisation: Organisation) -> dict[str, Any]:
    """What became of it, as plain values."""
    return {
        "done": len(report.done),
        "failed": [
            {"step": told(failure.step, organisation), "reason": failure.reason} for failure in report.failed
        ],
        "held": [told(step, organisation) for step in report.held],
    }
