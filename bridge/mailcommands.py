"""``colloque mail``: what the bridge makes of a mail, for an admin who wonders."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.dkimrecord import dkim_record
from bridge.mailpreview import preview
from bridge.suppressing import app as suppressing

WRONG = 2
app = typer.Typer(name="mail", help="Look at mails as the bridge does.", no_args_is_help=True)
app.command()(preview)
app.command()(dkim_record)
BARE_TOKEN = 24
"""Letters of a reply token; without a configuration, an address with as many is taken for one of ours."""


app.add_typer(suppressing)


@app.callback()
def mail() -> None:
    """Look at mails as the bridge does."""


@app.command()
def parse(
    file: Annotated[Path | None, typer.Argument(help="A mail as it came (.eml); - reads stdin.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    reply_text: Annotated[
        Path | None, typer.Option(help="Read a bare text body instead (- is stdin); print only the reply.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="config.yaml: our domain, whom to believe.")
    ] = None,
    dns: Annotated[
        bool | None, typer.Option("--dns/--no-dns", help="Look up DKIM and DMARC; by default with -c.")
    ] = None,
) -> None:
    """Show what the bridge would do with a mail. Nothing is stored or sent."""
    if reply_text is not None:
        from bridge.mail.mime import decode_text
        from bridge.mail.reply import strip_quotes

        typer.echo(strip_quotes(decode_text(_content(reply_text), "utf-8")[0]))
        return
    if file is None:
        raise typer.BadParameter("name a file, or --reply-text")
    found = asyncio.run(_parsed(_content(file), _setting(config), dns if dns is not None else bool(config)))
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else _readable(found))


def _content(file: Path) -> bytes:
    """The bytes of a file, or of stdin; one that can't be read ends with code 2."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        typer.echo(f"{file}: can't be read: {error.strerror or error}", err=True)
        raise typer.Exit(WRONG) from None


def _setting(config: Path | None) -> tuple[str, str]:
    """Our domain, and in whose name our mail server gives verdicts."""
    if config is None:
        return "", ""
    from bridge.config import ConfigError, load_without_tokens

    try:
        section = load_without_tokens(config).config.mail
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None
    return section.domain, section.authserv_id


async def _parsed(raw: bytes, setting: tuple[str, str], dns: bool) -> dict[str, Any]:
    """The mail as JSON values, read in a limited process as the bridge does it."""
    from bridge.mail.checked import SenderCheck
    from bridge.mail.sandbox import ParserDied, Sandbox
    from bridge.mail.signed import Verdict

    domain, authserv_id = setting
    sandbox = Sandbox()
    resolver = None
    if dns:
        from bridge.mail.dns import NameServers

        resolver = NameServers()
    try:
        mail = await sandbox.parse(raw, domain)
        verdict = await SenderCheck(authserv_id, resolver, sandbox.verify)(raw, mail)
    except ParserDied:
        return _broken()
    finally:
        await sandbox.close()
    return {
        "text": mail.reply,
        "elided": mail.elided,
        "attachments": [
            {
                "name": file.name,
                "mimetype": file.mimetype,
                "kind": file.kind.value,
                "size": len(file.content),
                "width": file.width,
                "height": file.height,
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in mail.files
        ],
        "from": mail.sender.address if mail.sender else None,
        "token_found": any(_is_token(address, domain) for address in mail.recipients),
        "automatic": bool(mail.automatic),
        "bounce": {"recipient": mail.bounce.recipient, "status": mail.bounce.status} if mail.bounce else None,
        "authenticated": verdict is Verdict.PASS,
        "problems": [problem.code for problem in mail.problems],
    }


def _broken() -> dict[str, Any]:
    """What stands for a mail that took more than its share to read: the bridge sets it aside whole."""
    return {
        "text": "",
        "elided": "",
        "attachments": [],
        "from": None,
        "token_found": False,
        "automatic": False,
        "bounce": None,
        "authenticated": False,
        "problems": ["parser_died"],
    }


def _is_token(address: str, domain: str) -> bool:
    from bridge.mail.addresses import read_address

    found = read_address(address, domain or address.rpartition("@")[2])
    return found is not None and (bool(domain) or len(found.token) == BARE_TOKEN)


def _readable(found: dict[str, Any]) -> str:
    """The same for people."""
    files = [f"{file['name']} ({file['mimetype']}, {file['size']} bytes)" for file in found["attachments"]]
    bounce = found["bounce"]
    rows = [
        ("from", found["from"] or "nobody: there must be exactly one sender"),
        ("authenticated", "yes" if found["authenticated"] else "no"),
        ("reply address of ours", "yes" if found["token_found"] else "no"),
        ("automatic", "yes: never shown as the patient's words" if found["automatic"] else "no"),
        ("bounce", f"{bounce['recipient']} {bounce['status']}" if bounce else "no"),
        ("attachments", "; ".join(files) or "none"),
        ("problems", ", ".join(found["problems"]) or "none"),
        ("left out", f"{len(found['elided'].splitlines())} lines of quoted history"),
    ]
    return "\n".join(f"{name}: {value}" for name, value in rows) + f"\n\n{found['text']}"
