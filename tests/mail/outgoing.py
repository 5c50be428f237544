"""Every mail is read back with the standard library, as a patient's program would. (what its tests share)"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from bridge.mail.compose import MailKind, OutgoingFile, OutgoingLine, OutgoingMail, compose

TOKEN = "abcdefghijklmnopqrstuvwx"


MAIL = OutgoingMail(
    kind=MailKind.ANSWER,
    language="fr",
    organisation="Hôpital des Lilas",
    group="Dermatologie",
    practitioner="Dr Claire Petit",
    to_address="marie@patients.test",
    to_name="Marie Lefèvre",
    from_address=f"q+{TOKEN}@reponse.test",
    subject="Tache sur l'épaule",
    reference="K7RM2Q",
    emergency="En cas d'urgence, appelez le 15.",
    lines=(OutgoingLine("Bonjour Marie,\nmettez la crème le soir."),),
    message_id="<answer-1@reponse.test>",
    in_reply_to="<second@patients.test>",
    references=("<first@patients.test>", "<second@patients.test>"),
    date=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
)


EXCHANGE_ID = f"<{'A' * 40}.{'B' * 40}@{'C' * 12}.eurprd10.prod.outlook.com>"


JPEG = bytes(range(256)) * 5 + b"\r\n.\r\n--=_mixed\n"


def mail(**changes: Any) -> OutgoingMail:
    return replace(MAIL, **changes)


def with_line(
    text: str = "", html: str = "", file: OutgoingFile | None = None, note: str = ""
) -> OutgoingMail:
    return mail(lines=(OutgoingLine(text, html, file, note),))


def read(composed: OutgoingMail) -> EmailMessage:
    message = message_from_bytes(compose(composed), policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert all(not part.defects for part in message.walk())
    return message


def reading(composed: OutgoingMail, subtype: str = "plain") -> str:
    found = read(composed).get_body((subtype,))
    assert found is not None
    return str(found.get_content()).replace("\r\n", "\n")


def content_of(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def attached(message: EmailMessage) -> list[tuple[str, str, bytes]]:
    parts = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    return [(str(part.get_filename()), part.get_content_type(), content_of(part)) for part in parts]


def header_block(composed: OutgoingMail) -> bytes:
    return compose(composed).partition(b"\r\n\r\n")[0]


def names_of_headers(composed: OutgoingMail) -> list[str]:
    return [name.decode() for name in re.findall(rb"(?m)^([^\s:]+):", header_block(composed))]


TEXTS = (
    "organisation",
    "group",
    "practitioner",
    "to_name",
    "subject",
    "reference",
    "emergency",
    "in_reply_to",
)


PDF = OutgoingFile("ordonnance.pdf", "application/pdf", JPEG)


PHOTO = OutgoingFile("schéma.jpg", "image/jpeg", JPEG)
