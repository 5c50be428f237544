"""The command line, ``colloque``: the service, its configuration, and what admins look at."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer
from structlog.typing import EventDict

from bridge import __version__
from bridge.admin import app as inbox_commands
from bridge.backup import make_backup
from bridge.config import ConfigError, Settings, load, load_without_tokens
from bridge.desk import commands as desk_commands
from bridge.desk.doctor import doctor_commands
from bridge.desk.files import config_commands, schema
from bridge.mailcommands import app as mail_commands
from bridge.maildoctor import doctor_mail
from bridge.oversight import audit_commands, show_stats
from bridge.protection import hold_commands, patient_commands
from bridge.recording import export_transcript
from bridge.registration import AlreadyThere, acting_registration, as_yaml, registration, write

app = typer.Typer(
    name="colloque",
    help="One patient, one practitioner, over e-mail and Matrix.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(inbox_commands)
app.add_typer(audit_commands)
app.add_typer(patient_commands)
app.add_typer(hold_commands)
app.command("backup")(make_backup)
app.command("stats")(show_stats)
app.command("export")(export_transcript)
app.command()(desk_commands.plan)
app.command()(desk_commands.apply)
app.command()(schema)
app.add_typer(config_commands)
doctor_commands.command("mail")(doctor_mail)
app.add_typer(doctor_commands)
app.add_typer(mail_commands)
WRONG = 2
"""Exit code for a wrong configuration or refused request."""
SWITCH_S = 0.0005
"""How long a database's thread may keep the others waiting: the usual 5 ms would be felt in each message."""

ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="Path of config.yaml.")]
DEFAULT_CONFIG = Path("config/config.yaml")


def _settings(config: Path, reading: Callable[[Path], Settings] = load) -> Settings:
    """The settings, or every mistake on stderr and exit code 2."""
    try:
        settings = reading(config)
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None
    for warning in settings.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return settings


def _log_plainly() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # The library tells envelope addresses at the info level.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _without_exception_text,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def _without_exception_text(_logger: object, _method: str, event: EventDict) -> EventDict:
    """An exception's message may quote a patient: logs get its type and place only."""
    if event.pop("exc_info", None):
        kind, _, trace = sys.exc_info()
        event["error"] = kind.__name__ if kind else "unknown"
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            event["at"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return event


@app.command()
def run(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    settings = _settings(config)
    _log_plainly()
    import uvloop

    from bridge.app import run as serve
    from bridge.storage.database import DatabaseRefused

    sys.setswitchinterval(SWITCH_S)
    try:
        uvloop.run(serve(settings))
    except (DatabaseRefused, OSError) as error:
        # A database of another program, a port that is taken: the admin's to mend, without a traceback.
        typer.echo(f"colloque can't start: {error}", err=True)
        raise typer.Exit(WRONG) from None


@app.command()
def check(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Read the configuration and print every mistake at once."""
    settings = _settings(config)
    organisation = settings.organisation
    typer.echo(
        f"{config}: right. {organisation.name}: {len(organisation.practitioners)} practitioners, "
        f"{len(organisation.groups)} expert groups."
    )


@app.command("registration")
def write_registration(
    config: ConfigFile = DEFAULT_CONFIG,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Where to write it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print it instead.")] = False,
    acting: Annotated[
        bool,
        typer.Option("--acting", help="The second one, to act as practitioners; see SECURITY.md."),
    ] = False,
) -> None:
    """Write the registration for the homeserver, with fresh tokens unless the configuration has some."""
    settings = _settings(config, load_without_tokens)
    content, file = registration(settings.config), config.parent / "registration.yaml"
    if acting:
        people = [practitioner.user_id for practitioner in settings.organisation.practitioners]
        content, file = acting_registration(settings.config, people), config.parent / "acting.yaml"
        file = config.parent / (settings.config.homeserver.acting_registration_file or file.name)
    if show:
        typer.echo(as_yaml(content), nl=False)
        return
    file = output or file
    try:
        write(file, content, force=force)
    except AlreadyThere as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG) from None
    typer.echo(f"{file}: written. Add it to app_service_config_files of the homeserver and restart that.")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the whole story, then stop.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the story's figures as JSON.")] = None,
    directory: Annotated[Path | None, typer.Option("--dir", help="Folder for its state.")] = None,
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
) -> None:
    """Start a local hospital: homeserver, bridge and mailbox, on this machine only."""
    from bridge.demo.main import demo as play

    _log_plainly()
    raise typer.Exit(asyncio.run(play(once=once, report=report, directory=directory, language=language)))


@app.command()
def reference() -> None:
    """Print the reference of every configuration key."""
    from bridge.reference import reference as written

    typer.echo(written(), nl=False)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """The entry point of the ``colloque`` command."""
    app()
