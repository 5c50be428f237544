"""HTML mails without a plain part, as eight French mail programs write them: each answer exact."""

from __future__ import annotations

import tomllib
from email.message import EmailMessage
from pathlib import Path

import pytest

from bridge.mail.html import html_text
from bridge.mail.parse import parse_mail
from tests.mail.clients import MARKER

BODY = (
    f'<div style="color:#666">{MARKER}</div><p>Bonjour Madame,</p><p>Depuis quand avez-vous de la fièvre'
    "&nbsp;?<br>Prenez-vous un traitement&nbsp;?</p><table><tr><td>Dr Léa Martin</td></tr></table>"
)
WORDS = ["Bonjour docteur,", "J'ai de la fièvre depuis lundi (38,5 °C).", "Doliprane : 1 g & repos", "Merci"]
LINES = [line.replace("&", "&amp;") for line in WORDS]
PARTS = {
    "divs": "".join(f"<div>{line}</div>" for line in LINES),
    "breaks": "<br>".join(LINES),
    "mso": "".join(f'<p class="MsoNormal">{line}<o:p></o:p></p>' for line in LINES),
    "body": BODY,
}
PAGES = tomllib.loads((Path(__file__).parent / "pages.toml").read_text())["pages"]
CLIENTS = {name: page.format_map(PARTS) for name, page in PAGES.items()}


def _mail(html: str) -> bytes:
    message = EmailMessage()
    message["From"] = "Marie <marie@example.fr>"
    message["Subject"] = "Re: Votre question"
    message.set_content(html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


@pytest.mark.parametrize("marker", [True, False], ids=["with our line", "without"])
@pytest.mark.parametrize("html", CLIENTS.values(), ids=CLIENTS.keys())
def test_an_answer_in_html_is_read_exactly(html: str, marker: bool) -> None:
    mail = parse_mail(_mail(html if marker else html.replace(MARKER, "")))
    assert [line.strip() for line in mail.reply.split("\n") if line.strip()] == WORDS


@pytest.mark.parametrize("name", ["gmail", "thunderbird", "proton", "la poste", "orange"])
def test_an_answer_below_quoted_html_is_kept(name: str) -> None:
    said = "<p>Et depuis hier, des frissons.</p>"
    assert "Et depuis hier, des frissons." in parse_mail(_mail(CLIENTS[name] + said)).reply


def test_an_answer_between_quotes_is_kept() -> None:
    html = (
        '<blockquote type="cite"><p>Mal ?</p></blockquote><p>Oui.</p><blockquote type="cite"><p>Depuis ?</p>'
        "<p>Et</p><p>encore</p></blockquote><p>Lundi.</p>"
    )
    assert [word for word in ("Oui.", "Lundi.") if word in parse_mail(_mail(html)).reply] == [
        "Oui.",
        "Lundi.",
    ]


def test_words_behind_the_end_of_the_page_are_read() -> None:
    assert html_text("<html><body><p>un</p></body></html><p>deux</p>").split() == ["un", "deux"]


@pytest.mark.parametrize(
    "style", ["margin:0 0 0 40px;border:none;padding:0px", "margin-left:40px", "border:0;padding:0"]
)
def test_what_a_patient_indents_is_no_quote(style: str) -> None:
    html = (
        f'<p>Voici :</p><blockquote style="{style}"><div>un</div><div>deux</div><div>trois</div></blockquote>'
    )
    assert parse_mail(_mail(html)).reply.split() == ["Voici", ":", "un", "deux", "trois"]


def test_quotes_in_quotes_have_a_mark_each() -> None:
    html = '<blockquote type="cite">un<blockquote type="cite">deux</blockquote></blockquote>'
    lines = [line.strip() for line in html_text(f"<div>{html}</div>").split("\n") if line.strip(" >")]
    assert lines == ["> un", "> > deux"]


@pytest.mark.parametrize(
    "html",
    ['<blockquote type="cite">' * 10_000 + "x", '<div><blockquote type="cite">x</blockquote></div>' * 5_000],
    ids=["deep", "many"],
)
def test_hostile_quotes_are_read(html: str) -> None:
    assert "x" in html_text(html)
