"""The end of a patient's mail: how to get no more reminders, and what else can be asked of the service."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from bridge.domain.arriving import Errand
from bridge.domain.errands import errand_in
from bridge.domain.links import MailLinks
from bridge.locale import text
from bridge.mail.compose import MailKind
from bridge.mail.footer import unsubscribable, with_footer
from tests.mail.outgoing import TOKEN, mail, read, reading


def test_a_reminder_can_be_stopped_by_one_post_or_by_a_mail() -> None:
    links = MailLinks("https://colloque.test", b"secret")
    message = read(unsubscribable(mail(kind=MailKind.NOTICE), links, "q" * 16))
    page, by_mail = (part.strip(" <>") for part in str(message["List-Unsubscribe"]).split(","))
    assert page == links.url(Errand.STOP, "q" * 16)
    assert by_mail == f"mailto:q+{TOKEN}@reponse.test?subject=STOP%20e-mails"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert errand_in(unquote(by_mail.partition("=")[2])) is Errand.STOP


@pytest.mark.parametrize("links", [None, MailLinks("http://localhost:1", b"secret")])
def test_one_click_is_promised_for_a_protected_page_only(links: MailLinks | None) -> None:
    message = read(unsubscribable(mail(kind=MailKind.NOTICE), links, "q" * 16))
    assert "mailto:" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] is None


def test_an_answer_is_no_reminder() -> None:
    assert read(with_footer(mail(), MailLinks("https://c.test", b"s"), "q"))["List-Unsubscribe"] is None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_footer_names_links_or_else_words_that_are_understood(language: str) -> None:
    named = re.findall(r"(?<=[ :])[A-ZÇ][A-ZÇ -]+[A-ZÇ](?=[,. ])", text(language, "mail.by_words"))
    assert len(named) == 4
    assert None not in [errand_in(words) for words in named]
    bare = reading(mail(language=language))
    assert text(language, "mail.by_words") in bare
    links = MailLinks("https://colloque.test", b"secret")
    linked = reading(with_footer(mail(language=language), links, "q" * 16))
    assert links.url(Errand.STOP, "q" * 16) in linked
    assert text(language, "mail.by_words") not in linked
