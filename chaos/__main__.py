"""``python -m chaos``: breaks things for some minutes, lets everything settle, and counts."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from chaos.run import Plan, play
from tests.support.postgres import Server


def main(
    seed: Annotated[
        int, typer.Option(help="The chance that everything is chosen by; 0 takes a new one.")
    ] = 0,
    minutes: Annotated[float, typer.Option(help="How long things break.")] = 2.0,
    db: Annotated[str, typer.Option(help="sqlite or postgres.")] = "sqlite",
    processes: Annotated[int, typer.Option(help="How many bridges; more than one needs postgres.")] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep logs and databases here.")] = None,
) -> None:
    """Break things; exit 1 if anything was lost, doubled, disordered, unmarked or misdirected."""
    if db not in ("sqlite", "postgres"):
        raise typer.BadParameter("must be sqlite or postgres", param_hint="--db")
    if processes > 1 and db == "sqlite":
        raise typer.BadParameter("an SQLite database serves one process", param_hint="--processes")
    seed = seed or random.SystemRandom().randrange(1, 10**6)
    with ExitStack() as stack:
        folder = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloque-chaos-")))
        server = stack.enter_context(Server.opened()) if db == "postgres" else None
        figures = asyncio.run(play(Plan(seed, minutes, processes, folder, server)))
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    typer.echo(text, nl=False)
    if report is not None:
        report.write_text(text)
    raise typer.Exit(0 if _good(figures) else 1)


def _good(figures: dict[str, Any]) -> bool:
    bad = ("lost", "duplicated", "order_inversions", "owners_wrong", "misdirected", "unmarked", "troubles")
    return figures["sent"] > 0 and not any(figures[name] for name in bad)


typer.run(main)
