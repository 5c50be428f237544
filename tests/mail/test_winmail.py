"""What Outlook packs into winmail.dat is read as what it is; what is none stays a file."""

from __future__ import annotations

import struct
from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.demo.photos import skin_jpeg
from bridge.domain.content import Kind
from bridge.mail.parse import parse_mail
from bridge.mail.winmail import SIGNATURE, unpack

MESSAGE, ATTACHMENT = 1, 2
BODY, TITLE, CONTENT, RENDERING = 0x800C, 0x8010, 0x800F, 0x9002


def _attribute(level: int, name: int, kind: int, content: bytes) -> bytes:
    head = struct.pack("<BHHI", level, name, kind, len(content))
    return head + content + struct.pack("<H", sum(content) & 0xFFFF)


def _packed(body: bytes, files: dict[bytes, bytes]) -> bytes:
    parts = [SIGNATURE, struct.pack("<H", 1), _attribute(MESSAGE, BODY, 2, body + b"\0")]
    for name, content in files.items():
        parts.append(_attribute(ATTACHMENT, RENDERING, 6, b"\0" * 14))
        parts.append(_attribute(ATTACHMENT, TITLE, 1, name + b"\0"))
        parts.append(_attribute(ATTACHMENT, CONTENT, 6, content))
    return b"".join(parts)


def _mail(packed: bytes, text: str = "") -> bytes:
    message = EmailMessage()
    message["From"] = "m@p.example"
    if text:
        message.set_content(text)
    message.add_attachment(packed, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    return message.as_bytes()


def test_its_words_and_files_are_the_mails() -> None:
    mail = parse_mail(
        _mail(_packed(b"J'ai de la fi\xe8vre", {b"IMG_1.JPG": skin_jpeg(), b"labo.pdf": b"%PDF-1.4"}))
    )
    assert mail.text == "J'ai de la fièvre"
    photo, document = mail.files
    assert (photo.kind, photo.name) == (Kind.IMAGE, "IMG_1.jpg")
    assert (document.name, document.content) == ("labo.pdf", b"%PDF-1.4")


def test_what_cant_be_unpacked_stays_a_file() -> None:
    broken = _packed(b"x", {})[:9]
    (file,) = parse_mail(_mail(broken, "voir ci-joint")).files
    assert (file.name, file.content) == ("winmail.dat", broken)


@given(st.binary(max_size=200), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_hostile_ones_break_nothing(noise: bytes, place: int) -> None:
    whole = _packed(b"corps", {b"a": b"b"})
    unpack(whole[:place] + noise + whole[place:])
