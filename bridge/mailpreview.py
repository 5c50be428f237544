"""``colloque mail preview``: every mail that patients get, as files to look at."""

from __future__ import annotations

import asyncio
import base64
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Annotated

import typer

WRONG = 2


def preview(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write into; it is made.")],
    language: Annotated[
        str | None, typer.Option("--language", help="fr or en; both in folders of their own by default.")
    ] = None,
) -> None:
    """Write every mail that is sent, with made-up people: as sent (.eml), and its two readings."""
    from bridge.locale import LANGUAGES

    if language is not None and language not in LANGUAGES:
        typer.echo(f"--language: {language!r} is none of {', '.join(sorted(LANGUAGES))}", err=True)
        raise typer.Exit(WRONG)
    count = 0
    for one in [language] if language else sorted(LANGUAGES):
        count += write_previews(output if language else output / one, one)
    typer.echo(f"{output}: {count} mails, each as .eml, .html and .txt.")


def write_previews(folder: Path, language: str) -> int:
    """Write the mails of one language; returns how many."""
    from bridge.demo.photos import skin_jpeg
    from bridge.mail.photos import clean_photo

    photo = clean_photo(skin_jpeg())
    assert photo is not None
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_written(folder, language, photo.content))


async def _written(folder: Path, language: str, photo: bytes) -> int:
    from bridge.mail.compose import compose
    from bridge.mail.samples import samples

    names = set()
    async for name, mail in samples(language, photo):
        assert name not in names, name
        names.add(name)
        raw = compose(mail)
        whole = message_from_bytes(raw)
        (folder / f"{name}.eml").write_bytes(raw)
        (folder / f"{name}.txt").write_text(_reading(whole, "text/plain"), encoding="utf-8")
        (folder / f"{name}.html").write_text(_with_photos(whole), encoding="utf-8")
    return len(names)


def _reading(mail: Message, mimetype: str) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == mimetype)
    return _content(part).decode("utf-8").replace("\r\n", "\n")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _with_photos(mail: Message) -> str:
    """The HTML reading with the photos that a mail program finds beside it."""
    html = _reading(mail, "text/html")
    for part in mail.walk():
        cid = str(part.get("Content-ID", "")).strip("<>")
        if cid:
            encoded = base64.b64encode(_content(part)).decode("ascii")
            html = html.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{encoded}")
    return html
