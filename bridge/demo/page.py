"""The web page of the local mailbox: read a patient's mails, write new ones and answer.

It stands in for the patient's mail client. It serves the loopback interface only, needs nothing from
elsewhere, and shows the HTML of a mail in a frame where no script runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tomllib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jinja2
from aiohttp import web

from bridge.demo.hospital import Hospital, Patient
from bridge.demo.mailbox import Attached, LocalMailbox, Mail
from bridge.ports import Permanent, PortError

_FOLDER = Path(__file__).parent / "templates"
_FORM_LIMIT = 40 * 1024 * 1024
_SUBMIT_DEADLINE_S = 8
_SHOWN_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
# Styles may be inline: mails carry theirs so, and the frame they are shown in inherits this policy.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers then post our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Draft:
    """What someone typed into a form, kept so that a refused mail isn't lost."""

    to: str = ""
    subject: str = ""
    text: str = ""
    answered: int = 0
    photos: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """The mails that answer one another, oldest first."""

    mails: tuple[Mail, ...]

    @property
    def subject(self) -> str:
        """The subject of the first mail."""
        return self.mails[0].subject

    @property
    def answerable(self) -> Mail | None:
        """The mail an answer goes to: the last one received."""
        return next((mail for mail in reversed(self.mails) if not mail.sent), None)


def mailbox_app(mailbox: LocalMailbox, hospital: Hospital) -> web.Application:
    """The page over this mailbox; new mails go to the hospital's expert groups."""
    return _Page(mailbox, hospital).application()


async def start_page(app: web.Application, *, port: int = 0) -> tuple[web.AppRunner, str]:
    """Serve the page on the loopback interface; ``port`` 0 takes a free one. Returns runner and URL.

    There is no access log. The caller ends it with ``await runner.cleanup()``.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


def box_path(address: str) -> str:
    """The path of the page that shows this address's mails; it doesn't tell the address."""
    return f"/box/{hashlib.sha256(address.casefold().encode()).hexdigest()[:16]}"


def threads(mails: tuple[Mail, ...]) -> tuple[Thread, ...]:
    """These mails by conversation (RFC 5322, 3.6.4), the one with the latest mail first."""
    found: dict[str, list[Mail]] = {}
    for mail in mails:
        known = (found[reference] for reference in reversed(mail.references) if reference in found)
        thread = next(known, None) or found.get(mail.message_id) or []
        thread.append(mail)
        # A reference to a mail that isn't here still ties its answers together.
        for name in (*mail.references, mail.message_id or f"#{mail.number}"):
            found.setdefault(name, thread)
    distinct = {id(thread): thread for thread in found.values()}.values()
    return tuple(Thread(tuple(thread)) for thread in sorted(distinct, key=lambda t: t[-1].at, reverse=True))


def split_quote(text: str) -> tuple[str, str]:
    """A text and the quoted original at its end, with its attribution line; the second may be ``""``."""
    lines = text.rstrip("\n").split("\n")
    start = len(lines)
    while start and (lines[start - 1].startswith(">") or not lines[start - 1].strip()):
        start -= 1
    if not any(line.startswith(">") for line in lines[start:]):
        return text.strip("\n"), ""
    if start and lines[start - 1].rstrip().endswith(":"):
        # The attribution runs up to the blank line above it.
        while start and lines[start - 1].strip():
            start -= 1
    return "\n".join(lines[:start]).strip("\n"), "\n".join(lines[start:]).strip("\n")


class _Page:
    """The handlers of the page, over one mailbox and one hospital."""

    def __init__(self, mailbox: LocalMailbox, hospital: Hospital) -> None:
        self._mailbox = mailbox
        self._hospital = hospital
        loader = jinja2.FileSystemLoader(_FOLDER)
        self._templates = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            box_path=box_path,
            split_quote=split_quote,
            frame=_frame,
            loose_files=_loose_files,
            shown_types=_SHOWN_TYPES,
        )
        self._words = tomllib.loads((_FOLDER / "mailbox.toml").read_text(encoding="utf-8"))

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_FORM_LIMIT, middlewares=[_guard])
        app.router.add_get("/", self.boxes)
        app.router.add_get("/box/{box}", self.box)
        app.router.add_post("/box/{box}", self.post)
        app.router.add_get("/box/{box}/news", self.news)
        app.router.add_get(r"/mail/{number:\d{1,9}}/file/{index:\d{1,4}}", self.file)
        app.router.add_get(r"/mail/{number:\d{1,9}}/original", self.original)
        for name, mimetype in (("mailbox.css", "text/css"), ("mailbox.js", "text/javascript")):
            app.router.add_get(f"/{name}", _asset(_FOLDER / name, mimetype))
        return app

    async def boxes(self, request: web.Request) -> web.Response:
        return self._shown(request, "boxes.html", people=self._people())

    async def box(self, request: web.Request) -> web.Response:
        return self._box_shown(request, self._person(request), Draft())

    async def post(self, request: web.Request) -> web.Response:
        person = self._person(request)
        draft = await _draft(request)
        answered = self._received(person, draft.answered) if draft.answered else None
        addresses = {group.address for group in self._hospital.organisation.groups}
        if (answered is None and draft.to not in addresses) or not (draft.text or draft.photos):
            return self._box_shown(request, person, draft, error="incomplete")
        try:
            await self._write(person, draft, answered)
        except PortError as error:
            refused = "refused" if isinstance(error, Permanent) else "unreachable"
            return self._box_shown(request, person, draft, error=refused)
        raise web.HTTPSeeOther(self._link(request, box_path(person.address)))

    async def news(self, request: web.Request) -> web.Response:
        return web.json_response({"count": len(self._mailbox.mails_of(self._person(request).address))})

    async def file(self, request: web.Request) -> web.Response:
        attachments = self._mail(int(request.match_info["number"])).attachments
        index = int(request.match_info["index"])
        if index >= len(attachments):
            raise web.HTTPNotFound
        attached = attachments[index]
        shown = attached.mimetype in _SHOWN_TYPES and "download" not in request.query
        mimetype = attached.mimetype if shown else "application/octet-stream"
        name = quote(attached.name.replace("\n", " "), safe="")
        disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{name}"
        headers = {"Content-Type": mimetype, "Content-Disposition": disposition}
        return web.Response(body=attached.content, headers=headers)

    async def original(self, request: web.Request) -> web.Response:
        mail = self._mail(int(request.match_info["number"]))
        return web.Response(body=mail.raw, content_type="text/plain", charset="utf-8")

    async def _write(self, person: Patient, draft: Draft, answered: Mail | None) -> None:
        await self._mailbox.write(
            to=answered.answer_address if answered else draft.to,
            subject=answered.subject if answered else draft.subject,
            text=draft.text,
            from_address=person.address,
            from_name=person.name,
            photos=draft.photos,
            in_reply_to=answered,
            deadline_s=_SUBMIT_DEADLINE_S,
        )

    def _people(self) -> list[tuple[Patient, tuple[Mail, ...]]]:
        """The patients, then whoever else received a mail here, each with their mails."""
        known = {patient.address.casefold() for patient in self._hospital.patients}
        received = (mail for mail in self._mailbox.mails if not mail.sent)
        others = {address.casefold() for mail in received for address in mail.recipients} - known
        people = (*self._hospital.patients, *(Patient(address, address) for address in sorted(others)))
        return [(person, self._mailbox.mails_of(person.address)) for person in people]

    def _person(self, request: web.Request) -> Patient:
        wanted = f"/box/{request.match_info['box']}"
        for person, _ in self._people():
            if box_path(person.address) == wanted:
                return person
        raise web.HTTPNotFound

    def _received(self, person: Patient, number: int) -> Mail:
        mail = self._mail(number)
        if mail not in self._mailbox.mails_to(person.address):
            raise web.HTTPNotFound
        return mail

    def _mail(self, number: int) -> Mail:
        for mail in self._mailbox.mails:
            if mail.number == number:
                return mail
        raise web.HTTPNotFound

    def _box_shown(
        self, request: web.Request, person: Patient, draft: Draft, error: str = ""
    ) -> web.Response:
        mails = self._mailbox.mails_of(person.address)
        return self._shown(
            request,
            "box.html",
            status=422 if error else 200,
            people=self._people(),
            person=person,
            threads=threads(mails),
            count=len(mails),
            groups=self._hospital.organisation.groups,
            draft=draft,
            no_draft=Draft(),
            error=error,
        )

    def _shown(
        self, request: web.Request, template: str, status: int = 200, **values: object
    ) -> web.Response:
        language = _language(request)
        page = self._templates.get_template(template).render(
            **values,
            words=self._words[language],
            language=language,
            organisation=self._hospital.organisation,
            here=request.path,
            link=lambda path: self._link(request, path),
        )
        return web.Response(text=page, status=status, content_type="text/html")

    def _link(self, request: web.Request, path: str) -> str:
        language = _language(request)
        return path if language == "fr" else f"{path}?lang={language}"


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse forms that another site posts, and put the security headers on every response."""
    origin = request.headers.get("Origin")
    try:
        if request.method == "POST" and origin not in (None, str(request.url.origin())):
            raise web.HTTPForbidden
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response


def _asset(file: Path, mimetype: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        content = await asyncio.to_thread(file.read_text, encoding="utf-8")
        return web.Response(text=content, content_type=mimetype)

    return serve


def _language(request: web.Request) -> str:
    return "en" if request.query.get("lang") == "en" else "fr"


async def _draft(request: web.Request) -> Draft:
    """The posted form, its photos read whole."""
    fields: dict[str, str] = {}
    photos: list[Attached] = []
    form = await request.post()
    for name, value in form.items():
        if isinstance(value, web.FileField):
            if value.filename:
                photos.append(Attached(value.filename, value.content_type, value.file.read()))
        elif isinstance(value, str):
            fields[name] = value.replace("\r\n", "\n").strip()
    answered = fields.get("answered", "")
    return Draft(
        to=fields.get("to", ""),
        subject=" ".join(fields.get("subject", "").split()),
        text=fields.get("text", ""),
        answered=int(answered) if answered.isdecimal() else 0,
        photos=tuple(photos),
    )


def _frame(mail: Mail) -> str:
    """The HTML of a mail for the frame: its own photos put in, its links opened in a new tab."""
    page = mail.html
    for content_id, attached in mail.inline.items():
        photo = f"data:{attached.mimetype};base64,{b64encode(attached.content).decode()}"
        page = page.replace(f"cid:{content_id}", photo)
    base = '<base target="_blank">'
    with_base, found = re.subn(r"<head(\s[^>]*)?>", lambda head: head[0] + base, page, count=1)
    return with_base if found else base + page


def _loose_files(mail: Mail) -> list[tuple[int, Attached]]:
    """The attachments, with their index, that the HTML of the mail doesn't show by itself."""
    within = [one for cid, one in mail.inline.items() if not mail.sent and f"cid:{cid}" in mail.html]
    return [(index, one) for index, one in enumerate(mail.attachments) if not any(one is w for w in within)]
