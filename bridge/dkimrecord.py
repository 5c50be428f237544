"""``colloque mail dkim-record``: what to publish so that receivers can verify our signature."""

from __future__ import annotations

import typer

from bridge.console import DEFAULT_CONFIG, WRONG, ConfigFile

STRING = 255
"""Bytes of one string of a TXT record (RFC 1035, 3.3.14)."""


def dkim_record(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Print the TXT record that belongs to mail.dkim, as a zone file takes it."""
    from bridge.config import ConfigError, load_without_tokens
    from bridge.mailing import signer

    try:
        ours = signer(load_without_tokens(config).config)
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None
    if ours is None:
        typer.echo("mail.dkim isn't set: your mail server signs, or nobody does; see docs/mail.md", err=True)
        raise typer.Exit(WRONG)
    record = ours.record
    parts = (record[start : start + STRING] for start in range(0, len(record), STRING))
    typer.echo(f"{ours.record_name}. IN TXT ( " + " ".join(f'"{part}"' for part in parts) + " )")
