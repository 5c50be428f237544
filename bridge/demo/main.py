"""``colloque demo``: keeps a local hospital running, or plays the whole story once and checks it."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bridge.demo.hospital import NOTHING, example_hospital
from bridge.demo.page import mailbox_app, start_page
from bridge.demo.stack import Stack
from bridge.demo.story import Story

QUIET_PERIOD_S = 2
SHORT_WAITS = {"care": {"remind_after_h": 5 / 3600, "undo_within_s": 1}}
"""The story can't wait for hours until somebody is reminded."""


async def demo(*, once: bool, report: Path | None, directory: Path | None, language: str = "fr") -> int:
    """Run the demonstration; returns the exit code: 0 only if everything it claims held."""
    console = Console(highlight=False, soft_wrap=True)
    place = directory or Path(tempfile.mkdtemp(prefix="colloque-demo-"))
    console.print(f"[dim]state, logs and mails: {place}[/dim]")
    hospital = example_hospital(language=language)
    # The story measures the way of an answer; a visitor should see an edit still count.
    changes = SHORT_WAITS if once else NOTHING
    stack = Stack(place, hospital, quiet_period_s=0 if once else QUIET_PERIOD_S, changes=changes)
    try:
        console.print("[dim]starting a homeserver, a mailbox and Colloque …[/dim]")
        await stack.start()
        if once:
            return await _play(stack, console, report)
        await _keep_running(stack, console)
        return 0
    finally:
        await stack.stop()


async def _play(stack: Stack, console: Console, report: Path | None) -> int:
    story = Story(stack, lambda line: console.print(line))
    try:
        await story.play()
    except Exception as error:
        story.claim(False, f"the story broke off: {type(error).__name__}: {error}")
    if report is not None:
        figures = json.dumps(story.figures, indent=2, ensure_ascii=False)
        await asyncio.to_thread(report.write_text, figures + "\n", encoding="utf-8")
    if story.broken:
        console.print(f"[bold red]{len(story.broken)} claims did not hold[/bold red]; see {stack.directory}")
        return 1
    console.print(f"[bold green]all {story.held} claims held[/bold green]")
    return 0


async def _keep_running(stack: Stack, console: Console) -> None:
    runner, page = await start_page(mailbox_app(stack.mailbox, stack.hospital))
    try:
        console.print(_table(stack, page))
        console.print("Ctrl-C stops everything.")
        await _until_stopped()
    finally:
        await runner.cleanup()


def _table(stack: Stack, page: str) -> Table:
    table = Table(title=stack.hospital.organisation.name, show_header=False)
    table.add_row("patients' mailboxes", page)
    for group in stack.hospital.organisation.groups:
        table.add_row(f"ask {group.name}", group.address)
    table.add_row("homeserver, for Element", stack.synapse.url)
    for practitioner in stack.hospital.organisation.practitioners:
        login = f"{practitioner.user_id}  {stack.passwords[practitioner.user_id]}"
        table.add_row(practitioner.name, login)
    return table


async def _until_stopped() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
