"""``colloque doctor``: whether everything that the service needs is there, and what to do if not."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bridge.config import ConfigError, Settings, load
from bridge.console import DEFAULT_CONFIG, ConfigFile
from bridge.desk import hereabouts, probing
from bridge.desk.finding import Finding, State, ok, wrong

doctor_commands = typer.Typer(name="doctor", help="See whether everything is right, or what to do.")
"""Further examinations are commands below this one."""
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]


@doctor_commands.callback(invoke_without_command=True)
def doctor(context: typer.Context, config: ConfigFile = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """See whether everything is right, or what to do. Exits 0: all is right; 1: something isn't."""
    if context.invoked_subcommand is not None:
        return
    tell(examined(config), as_json=as_json)


def tell(found: Sequence[Finding], *, as_json: bool) -> None:
    """Print what was found and end with 0 or 1."""
    right = all(one.state in (State.OK, State.ADVICE) for one in found)
    if as_json:
        said = {"ok": right, "checks": [one.as_json() for one in found]}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        for one in found:
            typer.echo(str(one))
    raise typer.Exit(0 if right else 1)


def examined(config: Path) -> list[Finding]:
    """Every finding; with a wrong configuration these are its mistakes."""
    try:
        settings = load(config)
    except ConfigError as error:
        return [
            wrong("configuration", f"{mistake.file}:{mistake.line}: {mistake.path}", mistake.message)
            for mistake in error.mistakes
        ]
    # What is found is told by the command itself.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return [ok("configuration", f"{config} is right"), *asyncio.run(_all(settings))]


async def _all(settings: Settings) -> list[Finding]:
    config = settings.config
    parts = await asyncio.gather(
        probing.homeserver(settings),
        hereabouts.database(config),
        hereabouts.disk(config),
        hereabouts.smtp(config),
        hereabouts.listener(config),
        hereabouts.names(config),
    )
    return [one for part in parts for one in part]
