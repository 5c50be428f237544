"""``python -m bench [--only race,seal,…] [--report file.json]``: measures, shows each part as it is done."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from bench.calls import calls
from bench.intake import intake
from bench.latency import latency
from bench.race import races
from bench.reconcile import reconciling
from bench.scale import scale
from bench.seal import seals
from bench.search import searching

Figures = dict[str, Any]
Measurement = Callable[[Path], Awaitable[Figures]]
ALL: dict[str, Measurement] = {
    "race": races,
    "seal": seals,
    "calls": calls,
    "intake": intake,
    "scale": scale,
    "latency": latency,
    "search": searching,
    "reconcile": reconciling,
}


def main(
    only: Annotated[str, typer.Option(help="Names, separated by commas.")] = "",
    report: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
) -> None:
    """Measure and print."""
    names = [name for name in only.split(",") if name] or list(ALL)
    if unknown := set(names) - set(ALL):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: known are {', '.join(ALL)}")
    figures: Figures = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"colloque-{name}-") as directory:
            found = uvloop.run(_measured(ALL[name], Path(directory)))
        _print(found)
        figures |= found
        if report is not None:
            report.write_text(json.dumps(figures, indent=2) + "\n")


async def _measured(measurement: Measurement, directory: Path) -> Figures:
    return await measurement(directory)


def _print(figures: Figures) -> None:
    table = Table(show_header=False)
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


typer.run(main)
