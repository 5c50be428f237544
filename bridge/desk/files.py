"""``colloque config migrate`` and ``colloque schema``: what keeps the administrator's files up to date."""

from __future__ import annotations

import difflib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile
from bridge.desk import edit
from bridge.desk.schema import schema as schema_of
from bridge.renames import CONFIG, ORGANISATION, Renamed, migrate
from bridge.yamlfile import ConfigError

config_commands = typer.Typer(name="config", help="The configuration files themselves.", no_args_is_help=True)


@config_commands.callback()
def _several() -> None:
    """The configuration files themselves."""


class Which(StrEnum):
    """A configuration file."""

    CONFIG = "config"
    ORGANISATION = "organisation"


def schema(
    which: Annotated[Which, typer.Argument(help="Of which file.")] = Which.CONFIG,
) -> None:
    """Print the JSON Schema of a configuration file, for editors."""
    typer.echo(json.dumps(schema_of(which), ensure_ascii=False, indent=2))


@config_commands.command("migrate")
def migrate_files(
    config: ConfigFile = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change only.")] = False,
) -> None:
    """Rename old keys in both files; comments, order and everything else stay."""
    try:
        _, root = edit.opened(config)
        organisation = config.parent / str(root.get("organisation_file") or "organisation.yaml")
        changes = _migrated(config, CONFIG, dry_run) + _migrated(organisation, ORGANISATION, dry_run)
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None
    except OSError as error:
        typer.echo(f"{error.filename or config} can't be written: {error.strerror}", err=True)
        raise typer.Exit(WRONG) from None
    if not changes:
        typer.echo("Nothing to do: no old keys.")


def _migrated(file: Path, table: tuple[Renamed, ...], dry_run: bool) -> int:
    yaml, root = edit.opened(file)
    done = migrate(root, table)
    if not done:
        return 0
    before, after = file.read_text(encoding="utf-8-sig"), edit.as_text(yaml, root)
    if dry_run:
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(file), str(file), lineterm=""
        )
        typer.echo("\n".join(lines))
        return len(done)
    edit.write(file, after)
    for change in done:
        typer.echo(f"{file}: {change}")
    return len(done)
