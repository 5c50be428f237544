"""``colloque stats`` and ``colloque audit``: what happens and who did what, without any content."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.config import Settings
from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile, in_transaction, settings_of
from bridge.storage import audit
from bridge.storage.stats import GroupStats, Spread, Summary, stats

audit_commands = typer.Typer(
    name="audit", help="Who did and saw what, for the organisation's own control.", no_args_is_help=True
)
Since = Annotated[str, typer.Option("--since", help="A date (2026-10-01), or a time ago: 12w, 30d, 48h.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """The moment that a person means. Raises :class:`typer.BadParameter`."""
    if found := re.fullmatch(r"(\d{1,5})([hdw])", text.strip().lower()):
        return now - timedelta(**{UNITS[found[2]]: int(found[1])})
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date like 2026-10-01, and no time ago like 12w") from None


def duration(seconds: float | None) -> str:
    """A time as people say it, in two units at most."""
    if seconds is None:
        return "-"
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02}"
    return f"{hours // 24} d {hours % 24} h"


def _spread(found: Spread | None) -> dict[str, Any] | None:
    return asdict(found) if found else None


def _summary(found: Summary) -> dict[str, Any]:
    return {
        "asked": found.asked,
        "taken": found.taken,
        "answered": found.answered,
        "time_to_take_s": _spread(found.time_to_take),
        "time_to_first_answer_s": _spread(found.time_to_first_answer),
    }


def _for_programs(groups: list[GroupStats], total: Summary, since: datetime, now: datetime) -> str:
    content = {
        "generated_at": now.isoformat(timespec="seconds"),
        "since": since.isoformat(timespec="seconds"),
        "groups": [
            {
                "group": group.group,
                "waiting": group.waiting,
                "oldest_waiting_s": group.oldest_waiting_s,
                "open": group.open,
                **_summary(group.period),
                "weeks": [{"week": week} | _summary(found) for week, found in group.weeks.items()],
            }
            for group in groups
        ],
        "total": {
            "waiting": sum(group.waiting for group in groups),
            "oldest_waiting_s": max((group.oldest_waiting_s for group in groups), default=0.0),
            "open": sum(group.open for group in groups),
            **_summary(total),
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=2)


COLUMNS = (
    ("group", 24),
    ("week", 9),
    ("waiting", 8),
    ("oldest", 10),
    ("open", 5),
    ("asked", 6),
    ("taken", 6),
    ("answered", 9),
    ("taken after, median / 9 of 10", 30),
    ("first answer after, median / 9 of 10", 36),
)


def _row(*cells: object) -> str:
    padded = [str(cell).ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)]
    return " ".join(padded).rstrip()


def _times(found: Spread | None) -> str:
    return f"{duration(found.median)} / {duration(found.p90)}" if found else "-"


def _counts(found: Summary) -> tuple[object, ...]:
    times = (_times(found.time_to_take), _times(found.time_to_first_answer))
    return (found.asked, found.taken, found.answered, *times)


def _for_people(groups: list[GroupStats], total: Summary, since: datetime) -> str:
    lines = [f"Since {since:%Y-%m-%d %H:%M} UTC.", _row(*(name for name, _ in COLUMNS))]
    for group in groups:
        oldest = duration(group.oldest_waiting_s) if group.waiting else "-"
        lines.append(_row(group.group, "", group.waiting, oldest, group.open, *_counts(group.period)))
        lines += [_row("", week, "", "", "", *_counts(found)) for week, found in group.weeks.items()]
    waiting, taken = (sum(getattr(group, name) for group in groups) for name in ("waiting", "open"))
    oldest_s = max((group.oldest_waiting_s for group in groups), default=0.0)
    lines.append(_row("all", "", waiting, duration(oldest_s) if waiting else "-", taken, *_counts(total)))
    return "\n".join(lines)


def show_stats(config: ConfigFile = DEFAULT_CONFIG, since: Since = "12w", as_json: AsJson = False) -> None:
    """How long patients wait: questions waiting, and times to take and to answer, per group and week."""
    settings = settings_of(config)
    now = datetime.now(UTC)
    first = moment(since, now)

    async def found(connection: AsyncConnection) -> tuple[list[GroupStats], Summary]:
        names = [group.key for group in settings.organisation.groups]
        return await stats(connection, since=first.timestamp(), now=now.timestamp(), groups=names)

    groups, total = in_transaction(settings, found)
    typer.echo(_for_programs(groups, total, first, now) if as_json else _for_people(groups, total, first))


def noted(settings: Settings, entry: audit.Entry) -> None:
    """Write one entry into the audit."""

    async def write(connection: AsyncConnection) -> None:
        await audit.note(connection, entry)

    in_transaction(settings, write)


@audit_commands.command("list")
def list_entries(
    config: ConfigFile = DEFAULT_CONFIG,
    since: Since = "520w",
    action: Annotated[str, typer.Option(help="Only these, as in `patient` or `patient.erase`.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List administrative and access events, oldest first. Patients appear by reference only."""
    first = moment(since, datetime.now(UTC)).timestamp()

    async def found(connection: AsyncConnection) -> list[audit.Entry]:
        return await audit.entries(connection, since=first, action=action, limit=limit)

    for entry in in_transaction(settings_of(config), found):
        at = datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds")
        if as_json:
            typer.echo(json.dumps(asdict(entry) | {"at": at}, ensure_ascii=False))
            continue
        detail = " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items()))
        typer.echo("\t".join((str(entry.id), at, entry.actor, entry.action, entry.subject, detail)).rstrip())


@audit_commands.command("check")
def check_entries(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Whether every entry is as it was written, and none is missing between two others (else code 2)."""
    wrong = in_transaction(settings_of(config), audit.broken)
    if wrong is not None:
        typer.echo(f"entry {wrong} was changed, or the one before it is missing", err=True)
        raise typer.Exit(WRONG)
    typer.echo(f"whole, as of {time.strftime('%Y-%m-%d %H:%M:%SZ', time.gmtime())}.")
