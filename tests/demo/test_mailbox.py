"""The demonstration's mailbox, its page, its hospital and its photos, over real SMTP and real HTTP."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import pillow_heif
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from PIL import ExifTags, Image

from bridge import registration
from bridge.config import load, load_without_tokens
from bridge.demo.hospital import Ports, example_hospital, write_configuration
from bridge.demo.mailbox import Attached, LocalMailbox, Mail
from bridge.demo.page import box_path, mailbox_app, split_quote, start_page, threads
from bridge.demo.photos import drawing_png, skin_heic, skin_jpeg
from bridge.ports import Permanent, Temporary

MARIE = "marie.dupont@patients.example"
JEAN = "jean.lefevre@patients.example"
GROUP = "dermatologie@hopital.example"
TOKEN = "q+abcdefghijklmnopqrstuvwx@hopital.example"
DOCTOR = "Petit, Dr Claire (Dermatologie) à l'écoute"
JPEG = Attached("grain de beauté.jpg", "image/jpeg", b"\xff\xd8 photo \x00\r\n.\r\n")


class Refusing:
    """A mail server that refuses ``gone@`` for good, and the first try of everyone else for now."""

    def __init__(self) -> None:
        self.tries: list[bytes] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.tries.append(envelope.original_content or b"")
        return "451 4.3.0 later" if len(self.tries) == 1 else "250 OK"


@dataclass
class World:
    """The patients' mailbox, what stands for the bridge's listener, and a browser on Marie's page."""

    directory: Path
    mailbox: LocalMailbox
    listener: LocalMailbox
    url: str
    browser: aiohttp.ClientSession

    async def deliver(self, raw: bytes, to: str = MARIE) -> Mail:
        """A mail of the hospital comes; returns it as the mailbox shows it."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.mailbox.port, start_tls=False) as peer:
            await peer.sendmail("bounce+x@hopital.example", [to], raw)
        return self.mailbox.mails[-1]

    async def write(self, text: str = "Bonjour", to: str = GROUP, **more: Any) -> str:
        usual: dict[str, Any] = {"subject": "Tache été", "from_address": MARIE, "from_name": "Marie Dupont"}
        return await self.mailbox.write(to=to, text=text, **(usual | more))

    async def get(self, path: str = "") -> str:
        async with self.browser.get(self.url + (path or box_path(MARIE))) as response:
            assert response.status == 200
            return await response.text()

    async def post(self, *photos: Attached, **fields: str) -> tuple[int, str]:
        """Send Marie's form as a browser does; returns status and page after the redirection."""
        form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        for photo in photos:
            form.add_field("photos", photo.content, filename=photo.name, content_type=photo.mimetype)
        async with self.browser.post(self.url + box_path(MARIE), data=form) as response:
            return response.status, await response.text()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    listener = LocalMailbox(tmp_path / "listener")
    await listener.start()
    mailbox = LocalMailbox(tmp_path / "mailbox", submit_to=("127.0.0.1", listener.port))
    await mailbox.start()
    runner, url = await start_page(mailbox_app(mailbox, example_hospital()))
    async with aiohttp.ClientSession() as browser:
        yield World(tmp_path / "mailbox", mailbox, listener, url.rstrip("/"), browser)
    await runner.cleanup()
    await mailbox.close()
    await listener.close()


@pytest.fixture
async def refusing(world: World) -> AsyncIterator[Refusing]:
    handler = Refusing()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="localhost"), "127.0.0.1", 0)
    world.mailbox.submit_to = ("127.0.0.1", server.sockets[0].getsockname()[1])
    yield handler
    server.close()
    await server.wait_closed()


def from_hospital(
    text: str = "Bonjour Marie.", *, page: str = "", photo: bytes = b"", author: str = TOKEN
) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f'"{DOCTOR}" <{author}>'
    message["Subject"] = "Re: Tache été"
    message["Message-ID"] = f"<{abs(hash((text, page)))}@hopital.example>"
    message.set_content(text)
    if page:
        message.add_alternative(page, subtype="html")
    if photo:
        named: dict[str, Any] = {"filename": "dessin é.png", "cid": "<dessin>"}
        message.add_attachment(photo, maintype="image", subtype="png", **named)
    return message.as_bytes()


async def test_a_mail_is_kept_as_the_exact_bytes_that_came(world: World) -> None:
    raw = from_hospital("Ligne\n.\n..point\n")
    assert (await world.deliver(raw)).raw == raw
    (file,) = world.directory.glob("*.eml")
    assert file.read_bytes().endswith(raw)


async def test_the_parsed_view_tells_names_text_html_and_files(world: World) -> None:
    photo = drawing_png()
    mail = await world.deliver(from_hospital("Çà va", page="<p>Ça <b>va</b></p>", photo=photo))
    assert (mail.from_name, mail.from_address) == (DOCTOR, TOKEN)
    assert (mail.subject, mail.sender) == ("Re: Tache été", "bounce+x@hopital.example")
    assert (mail.text.strip(), mail.html.strip()) == ("Çà va", "<p>Ça <b>va</b></p>")
    assert mail.attachments == (Attached("dessin é.png", "image/png", photo),)
    assert mail.inline["dessin"].content == photo


async def test_addresses_have_no_case_and_nobody_else_sees_the_mail(world: World) -> None:
    await world.deliver(from_hospital(), "Marie.Dupont@Patients.example")
    assert len(world.mailbox.mails_to(MARIE)) == 1
    assert world.mailbox.mails_to(JEAN) == ()


async def test_the_null_sender_is_an_empty_string(world: World) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=world.mailbox.port, start_tls=False) as peer:
        await peer.mail("")
        await peer.rcpt(MARIE)
        await peer.data(from_hospital())
    assert world.mailbox.mails_to(MARIE)[0].sender == ""


async def test_a_waiter_gets_the_nth_mail_that_matches(world: World) -> None:
    wait = world.mailbox.wait_for(MARIE, count=2, deadline_s=10, matching=lambda mail: "oui" in mail.text)
    waiting = asyncio.create_task(wait)
    for text in ("oui, une", "non", "oui, deux", "oui, trois"):
        await world.deliver(from_hospital(text))
    assert (await waiting).text.strip() == "oui, deux"


async def test_a_waiter_whose_mail_never_comes_is_told_how_many_came(world: World) -> None:
    await world.deliver(from_hospital())
    with pytest.raises(TimeoutError, match="1 of 2 mails"):
        await world.mailbox.wait_for(MARIE, count=2, deadline_s=0.1)


async def test_a_mail_that_could_not_be_kept_is_not_acknowledged(world: World) -> None:
    world.directory.write_text("in the way")
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await world.deliver(from_hospital())
    assert refused.value.code == 451
    assert world.mailbox.mails == ()


async def test_a_restarted_mailbox_shows_what_it_held_and_overwrites_nothing(world: World) -> None:
    await world.deliver(from_hospital("avant"))
    await world.write()
    again = LocalMailbox(world.directory)
    await again.start()
    assert again.mails == world.mailbox.mails
    world.mailbox, before = again, world.mailbox
    assert (await world.deliver(from_hospital("après"))).number == 3
    assert len(list(world.directory.glob("*.eml"))) == 3
    await again.close()
    world.mailbox = before


async def test_closing_ends_idle_connections(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.mailbox.port)
    assert (await reader.readline()).startswith(b"220")
    await asyncio.wait_for(world.mailbox.close(), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_written_question_reaches_the_group_with_its_photo_intact(world: World) -> None:
    message_id = await world.write("Bonjour,\nune tache.\n.\nMarie", photos=[JPEG])
    mail = await world.listener.wait_for(GROUP, deadline_s=5)
    assert (mail.message_id, mail.sender, mail.subject) == (message_id, MARIE, "Tache été")
    assert (mail.from_name, mail.text.strip()) == ("Marie Dupont", "Bonjour,\nune tache.\n.\nMarie")
    assert mail.attachments == (JPEG,)


async def test_an_answer_quotes_the_original_below_a_french_attribution(world: World) -> None:
    original = await world.deliver(from_hospital())
    await world.write("Merci docteur", original.answer_address, in_reply_to=original, subject="")
    reply = await world.listener.wait_for(TOKEN, deadline_s=5)
    assert (reply.subject, reply.header("In-Reply-To")) == ("Re: Tache été", original.message_id)
    assert reply.references == (original.message_id,)
    attribution = re.search(r"^Le .*?a écrit\s:$", reply.text, re.MULTILINE | re.DOTALL)
    assert attribution is not None
    assert TOKEN in attribution[0]
    assert 0 < attribution.start() < reply.text.index("\n> Bonjour Marie.")
    assert "<blockquote" in reply.html
    assert split_quote(reply.text)[0] == "Merci docteur"


async def test_an_answer_may_leave_the_original_out(world: World) -> None:
    original = await world.deliver(from_hospital())
    await world.write("Merci docteur", TOKEN, in_reply_to=original, quote=False)
    assert (await world.listener.wait_for(TOKEN, deadline_s=5)).text.strip() == "Merci docteur"


async def test_a_refusal_for_good_is_raised_and_shown_as_not_sent(world: World, refusing: Refusing) -> None:
    with pytest.raises(Permanent) as refused:
        await world.write(to="gone@hopital.example")
    assert refused.value.code == "550"
    assert world.mailbox.mails == ()


async def test_a_refusal_for_now_is_tried_again_with_the_same_bytes(world: World, refusing: Refusing) -> None:
    await world.write()
    assert len(refusing.tries) == 2
    assert refusing.tries[0] == refusing.tries[1]
    assert len(world.mailbox.mails_of(MARIE)) == 1


async def test_a_listener_that_stays_down_is_told_when_time_is_up(world: World) -> None:
    world.mailbox.submit_to = ("127.0.0.1", 1)  # where nothing listens
    with pytest.raises(Temporary):
        await world.write(deadline_s=0.2)


async def test_two_questions_are_two_conversations_latest_first(world: World) -> None:
    await world.write()
    original = await world.deliver(from_hospital())
    await world.write("Merci", TOKEN, in_reply_to=original)
    shown = threads(world.mailbox.mails_of(MARIE))
    assert [[mail.sent for mail in thread.mails] for thread in shown] == [[False, True], [True]]


async def test_the_list_names_every_patient_and_whoever_received_a_mail(world: World) -> None:
    await world.deliver(from_hospital(), "paul@ailleurs.example")
    page = await world.get("/")
    assert all(name in page for name in ("Marie Dupont", "Jean Lefèvre", "paul@ailleurs.example"))
    assert all("@" not in path for path in re.findall(r'href="([^"]*)"', page))


async def test_the_html_of_a_mail_is_escaped_into_a_frame_where_nothing_runs(world: World) -> None:
    await world.deliver(from_hospital(page='<p>Bon"jour</p><script>alert(1)</script>'))
    page = await world.get()
    frame = re.search(r'<iframe[^>]* sandbox="([^"]*)" srcdoc="([^"]*)"', page)
    assert frame is not None
    assert "allow-scripts" not in frame[1]
    assert "&lt;script&gt;alert(1)" in frame[2]
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/box/none", 404), ("/mail/1/file/0", 404)])
async def test_every_response_forbids_what_comes_from_elsewhere(world: World, path: str, status: int) -> None:
    async with world.browser.get(world.url + path) as response:
        assert response.status == status
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "same-origin"


async def test_a_photo_named_in_the_html_is_shown_there_and_not_twice(world: World) -> None:
    await world.deliver(from_hospital(page='<img src="cid:dessin">', photo=b"png"))
    page = await world.get()
    assert "data:image/png;base64,cG5n" in page
    assert "/file/0" not in page


async def test_attachments_are_shown_and_downloaded_with_their_exact_bytes(world: World) -> None:
    await world.deliver(from_hospital(photo=drawing_png()))
    assert '<img src="/mail/1/file/0" alt="dessin é.png">' in await world.get()
    for query, disposition in (("", "inline"), ("?download", "attachment")):
        async with world.browser.get(f"{world.url}/mail/1/file/0{query}") as response:
            expected = f"{disposition}; filename*=UTF-8''dessin%20%C3%A9.png"
            assert response.headers["Content-Disposition"] == expected
            assert await response.read() == drawing_png()


async def test_the_form_writes_a_new_mail_with_a_photo(world: World) -> None:
    status, page = await world.post(JPEG, to=GROUP, subject="Ma peau", text="Bonjour\r\ndocteur")
    assert status == 200
    assert "Ma peau" in page
    mail = await world.listener.wait_for(GROUP, deadline_s=5)
    assert (mail.from_address, mail.subject, mail.text.strip()) == (MARIE, "Ma peau", "Bonjour\ndocteur")
    assert mail.attachments == (JPEG,)


async def test_the_answer_form_answers_the_mail_it_stands_under(world: World) -> None:
    original = await world.deliver(from_hospital())
    assert 'name="answered" value="1"' in await world.get()
    await world.post(answered="1", text="Merci")
    reply = await world.listener.wait_for(TOKEN, deadline_s=5)
    assert reply.header("In-Reply-To") == original.message_id
    assert reply.text.startswith("Merci")


async def test_the_mail_of_someone_else_cannot_be_answered(world: World) -> None:
    await world.deliver(from_hospital(), JEAN)
    assert (await world.post(answered="1", text="Merci"))[0] == 404
    assert world.listener.mails == ()


@pytest.mark.parametrize(("to", "text"), [("a@autre.example", "Bonjour"), (GROUP, "  "), ("", "Bonjour")])
async def test_a_form_that_cannot_be_sent_keeps_the_words(world: World, to: str, text: str) -> None:
    status, page = await world.post(to=to, text=text, subject="Ma peau")
    assert status == 422
    assert 'role="alert"' in page
    assert 'value="Ma peau"' in page
    assert world.listener.mails == ()


async def test_a_mail_the_hospital_refuses_is_told_on_the_page(world: World, refusing: Refusing) -> None:
    await world.deliver(from_hospital(author="gone@hopital.example"))
    _, page = await world.post(answered="1", text="Mes mots")
    assert "refusé par le serveur" in page
    assert "Mes mots</textarea>" in page


async def test_a_form_posted_by_another_site_is_refused(world: World) -> None:
    world.browser.headers["Origin"] = "http://ailleurs.example"
    assert (await world.post(to=GROUP, text="x"))[0] == 403
    assert world.listener.mails == ()


async def test_the_page_is_french_unless_english_is_asked(world: World) -> None:
    assert "Écrire un nouveau mail" in await world.get()
    english = await world.get(f"{box_path(MARIE)}?lang=en")
    assert "Write a new mail" in english
    assert f'action="{box_path(MARIE)}?lang=en"' in english


async def test_the_page_needs_nothing_from_elsewhere(world: World) -> None:
    await world.deliver(from_hospital())
    page = await world.get()
    assert re.findall(r'(?:src|href|action)="(?!/|data:,)[^"]*"', page) == []
    assert all([await world.get(path) for path in re.findall(r'"(/mailbox\.[a-z]+)"', page)])


async def test_the_news_tell_that_a_mail_came(world: World) -> None:
    assert await world.get(f"{box_path(MARIE)}/news") == '{"count": 0}'
    await world.deliver(from_hospital())
    assert await world.get(f"{box_path(MARIE)}/news") == '{"count": 1}'


def test_a_colon_before_words_that_are_no_quote_stays() -> None:
    for text in ("Le pharmacien a écrit :\nrien à faire", "> cité\nmes mots"):
        assert split_quote(text) == (text, "")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_bridge_reads_the_hospital_it_is_given(tmp_path: Path, language: str) -> None:
    hospital, ports = example_hospital(language=language), Ports(listener=2525, mailbox=2526, web=29330)
    path = write_configuration(
        tmp_path, homeserver_url="http://127.0.0.1:8008", ports=ports, hospital=hospital
    )
    content = registration.registration(load_without_tokens(path, {}).config)
    registration.write(path.with_name("registration.yaml"), content, force=False)
    read = load(path, {})
    assert read.organisation == hospital.organisation
    config = read.config
    assert (config.mail.listen.port, config.mail.smtp.port, config.web.port) == (2525, 2526, 29330)


def test_the_photos_tell_the_place_as_those_of_phones_do() -> None:
    jpeg, heic = Image.open(io.BytesIO(skin_jpeg())), pillow_heif.open_heif(io.BytesIO(skin_heic()))
    assert (jpeg.size, jpeg.getexif()[ExifTags.Base.Orientation]) == ((1200, 900), 6)
    assert (heic.mimetype, heic.size) == ("image/heic", (900, 1200))
    exif = Image.Exif()
    exif.load(heic.info["exif"])
    for place in (jpeg.getexif().get_ifd(ExifTags.IFD.GPSInfo), exif.get_ifd(ExifTags.IFD.GPSInfo)):
        assert place[ExifTags.GPS.GPSLatitude] == pytest.approx((45, 45, 51.84))
