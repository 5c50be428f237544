"""The end of a patient's mail: what they can ask of the service, by links or by words alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.domain.arriving import Errand
from bridge.domain.links import MailLinks
from bridge.locale import text
from bridge.mail.compose import OutgoingMail

OTHER = {"fr": Errand.ENGLISH, "en": Errand.FRENCH}
SUBJECT = "STOP%20e-mails"
"""What a program that knows only mail writes as the subject: an errand by itself."""


def with_footer(mail: OutgoingMail, links: MailLinks | None, question_id: str) -> OutgoingMail:
    """The mail with its links; without them, the footer names the words to answer with."""
    return mail if links is None else replace(mail, links=tuple(_links(links, question_id, mail.language)))


def _links(links: MailLinks, question_id: str, language: str) -> Iterator[tuple[str, str]]:
    other = OTHER.get(language, Errand.ENGLISH)
    for errand in (Errand.STATUS, Errand.WITHDRAW, other, Errand.STOP):
        yield text(language, f"page.link_{errand.value}"), links.url(errand, question_id)


def unsubscribable(mail: OutgoingMail, links: MailLinks | None, question_id: str) -> OutgoingMail:
    """A reminder, which mail programs offer to get no more of."""
    pages = () if links is None else (links.url(Errand.STOP, question_id),)
    return replace(mail, unsubscribe=(*pages, f"mailto:{mail.from_address}?subject={SUBJECT}"))
