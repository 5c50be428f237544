"""What a mail to a patient says, and what it carries."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import MIMEPart

import pytest

from bridge.mail.compose import MailKind, OutgoingFile, OutgoingLine
from bridge.mail.reply import MARKER_EN, MARKER_FR, strip_quotes
from tests.mail.outgoing import (
    JPEG,
    MAIL,
    PDF,
    PHOTO,
    attached,
    mail,
    read,
    reading,
    with_line,
)


@pytest.mark.parametrize(("language", "marker"), [("fr", MARKER_FR), ("en", MARKER_EN)])
@pytest.mark.parametrize("kind", list(MailKind))
def test_the_marker_is_the_first_line_of_both_readings(kind: MailKind, language: str, marker: str) -> None:
    composed = mail(kind=kind, language=language)
    assert marker in reading(composed).splitlines()[0]
    body = reading(composed, "html").partition("<body")[2]
    assert marker in body[: body.index("</p>")]


@pytest.mark.parametrize("subtype", ["plain", "html"])
@pytest.mark.parametrize("kind", list(MailKind))
def test_every_mail_shows_who_which_question_how_to_answer_and_the_emergency_wording(
    kind: MailKind, subtype: str
) -> None:
    shown = reading(mail(kind=kind, emergency="Urgence : 15 ou 112"), subtype)
    for words in (
        "Hôpital des Lilas",
        "Dermatologie",
        "K7RM2Q",
        "Urgence : 15 ou 112",
        "répondez simplement",
    ):
        assert words in shown


def test_the_emergency_wording_is_not_in_what_programs_fold_away_as_a_signature() -> None:
    before, _, after = reading(MAIL).partition("\n-- \n")
    assert MAIL.emergency in before
    assert MAIL.reference in after


@pytest.mark.parametrize(
    ("language", "words", "soon"),
    [
        ("fr", "Nous avons bien reçu votre question.", "sous 48 heures"),
        ("en", "We have received your question.", "within 48 hours"),
    ],
)
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_an_acknowledgement_says_that_the_question_arrived(
    language: str, words: str, soon: str, subtype: str
) -> None:
    base = mail(kind=MailKind.ACKNOWLEDGEMENT, practitioner="", language=language, lines=())
    assert words in reading(base, subtype)
    assert soon not in reading(base, subtype)
    assert soon in reading(replace(base, reply_within_h=48), subtype)
    assert words not in reading(replace(base, kind=MailKind.NOTICE), subtype)


@pytest.mark.parametrize(
    ("language", "lang"), [("fr", "fr"), ("en", "en"), ("de", "fr"), ('"><script>', "fr")]
)
def test_the_page_names_the_language_it_is_in(language: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in reading(mail(language=language), "html")


def test_the_lines_are_in_both_readings_in_order() -> None:
    composed = mail(lines=(OutgoingLine("un\ndeux"), OutgoingLine("trois"), OutgoingLine(note="trop grand")))
    assert re.search(r"un\ndeux\n\ntrois\n\ntrop grand\n", reading(composed))
    assert re.search(r"un<br>deux<.*trois.*trop grand", reading(composed, "html"), re.DOTALL)


def test_words_without_formatting_are_shown_as_they_are() -> None:
    composed = with_line("TSH < 0,4 & T4 > 12 <script>alert(1)</script> {{ mail }}")
    assert "TSH < 0,4 & T4 > 12 <script>alert(1)</script> {{ mail }}" in reading(composed)
    assert "TSH &lt; 0,4 &amp; T4 &gt; 12 &lt;script&gt;" in reading(composed, "html")


@pytest.mark.parametrize("field", ["organisation", "group", "practitioner", "emergency", "reference"])
def test_a_name_is_not_markup(field: str) -> None:
    assert "<img" not in reading(mail(**{field: '<img src="x">'}), "html")


@pytest.mark.parametrize(
    "html",
    [
        "<p>Le <strong>soir</strong> <em>seul</em></p>",
        "<ul><li>un</li></ul>",
        '<ol start="3"><li>trois</li></ol>',
        "10<sup>9</sup>/L et H<sub>2</sub>O",
        "<h3>Titre</h3>",
        "<del>non</del> <code>x</code>",
    ],
)
def test_formatting_is_kept(html: str) -> None:
    assert html in reading(with_line("x", html), "html")


def test_the_columns_of_a_table_stay_apart() -> None:
    page = reading(with_line("x", "<table><tr><td>1 g</td><td>3 par jour</td></tr></table>"), "html")
    assert re.search(r"<td[^>]*>1 g</td><td[^>]*>3 par jour</td>", page)


def test_preformatted_lines_wrap_on_a_small_screen() -> None:
    assert re.search(r"<pre style=\"[^\"]*pre-wrap", reading(with_line("x", "<pre>x</pre>"), "html"))


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://evil.test/pixel.png">',
        '<a href="javascript:evil()">x</a>',
        '<p style="display:none" class="evil" onclick="evil()">x</p>',
        "<style>.evil{}</style>x",
        "<script>evil()</script>x",
        '<iframe src="https://evil.test"></iframe>x',
        "<svg onload=evil()>x</svg>",
        '<form action="https://evil.test">x</form>',
    ],
)
def test_nothing_that_loads_hides_styles_or_runs_gets_into_a_mail(html: str) -> None:
    assert "evil" not in reading(with_line("x", html), "html")


@pytest.mark.parametrize("url", ["https://sante.test/a?b=1", "http://sante.test", "mailto:a@b.test"])
def test_a_link_is_kept(url: str) -> None:
    assert f'<a href="{url}"' in reading(with_line("x", f'<a href="{url}">lien</a>'), "html")


@pytest.mark.parametrize(
    "quote",
    [
        "<mx-reply><blockquote>secret</blockquote></mx-reply>",
        "<MX-REPLY id=x>secret<mx-reply>secret</mx-reply>secret</MX-REPLY>",
    ],
)
def test_the_quoted_message_of_a_reply_is_not_in_the_mail(quote: str) -> None:
    page = reading(with_line("oui", f"{quote}<p>oui</p>"), "html")
    assert "secret" not in page
    assert "<p>oui</p>" in page


@pytest.mark.parametrize("html", ["<mx-reply>never closed <p>Oui</p>", "<img alt='x'>", "<p></p>"])
def test_words_are_shown_when_their_formatted_form_says_nothing(html: str) -> None:
    assert ">Mettez-la le soir<" in reading(with_line("Mettez-la le soir", html), "html")


def test_a_line_that_is_only_formatted_is_in_the_text_too() -> None:
    composed = with_line(html="<p>Le <b>soir</b> &amp; le matin</p>")
    assert "Le soir & le matin" in reading(composed)
    assert "<b>soir</b>" in reading(composed, "html")


def test_an_answer_above_the_quoted_mail_can_be_told_from_it() -> None:
    quoted = "\n".join(f"> {line}" for line in reading(MAIL).splitlines())
    answer = f"Merci docteur.\n\nLe 4 mars 2026 à 06:06, Dr Petit <x@y.test> a écrit :\n\n{quoted}\n"
    assert strip_quotes(answer) == "Merci docteur."


@pytest.mark.parametrize(
    "file",
    [PDF, PHOTO, OutgoingFile("n.txt", "text/plain", b"\xff\r\nx\ry\n"), OutgoingFile("v", "a/b", b"")],
)
def test_a_file_arrives_byte_for_byte(file: OutgoingFile) -> None:
    assert attached(read(with_line(file=file))) == [(file.name, file.mimetype, file.content)]


@pytest.mark.parametrize(
    "name",
    [
        'l"été" d\'août; 100% \\.pdf',
        "été.pdf",
        "a b,c.pdf",
        "李.pdf",
        "x" * 140 + ".pdf",
        "é" * 140 + ".pdf",
    ],
)
def test_a_file_keeps_its_name(name: str) -> None:
    ((got, _, _),) = attached(read(with_line(file=replace(PDF, name=name))))
    assert got == name
    assert name in reading(with_line(file=replace(PDF, name=name)))


@pytest.mark.parametrize(
    "name", ["", "\r\n", "a\r\nBcc: x.pdf", "a\u202efdp.exe", "=?utf-8?q?a=0D=0ABcc:_x=E2=80=AE?=.pdf"]
)
def test_a_file_name_is_one_line_that_reads_forwards(name: str) -> None:
    message = read(with_line(file=replace(PDF, name=name)))
    ((got, _, _),) = attached(message)
    assert got
    assert not re.search(r"[\r\n\u202e]", got)
    assert "Bcc" not in [header for part in message.walk() for header in part]


@pytest.mark.parametrize(
    "mimetype", ["", "image", "message/rfc822", "Multipart/mixed", "a/b; x=y", "a/b\r\nX: y", "é/b"]
)
def test_a_type_that_is_none_becomes_a_plain_file(mimetype: str) -> None:
    assert attached(read(with_line(file=replace(PDF, mimetype=mimetype)))) == [
        (PDF.name, "application/octet-stream", JPEG)
    ]


def test_a_photo_is_shown_in_place_and_attached() -> None:
    message = read(mail(lines=(OutgoingLine("Regardez :"), OutgoingLine(file=PHOTO), OutgoingLine("Merci"))))
    (photo,) = [part for part in message.walk() if part.get_content_type() == "image/jpeg"]
    body = message.get_body(("html",))
    assert isinstance(body, MIMEPart)
    page = str(body.get_content())
    assert re.findall(r'src="cid:([^"]+)"', page) == [str(photo["Content-ID"]).strip("<>")]
    assert page.index("Regardez") < page.index("cid:") < page.index("Merci")
    assert photo.get_content_disposition() == "attachment"


def test_photos_are_beside_the_readings_so_that_a_text_program_shows_them_too() -> None:
    message = read(mail(lines=(OutgoingLine(file=PHOTO), OutgoingLine(file=PDF))))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/jpeg",
        "application/pdf",
    ]


def test_a_mail_of_words_only_is_two_readings_and_nothing_else() -> None:
    assert [p.get_content_type() for p in read(MAIL).walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_two_photos_of_the_same_name_are_both_there() -> None:
    message = read(
        mail(lines=(OutgoingLine(file=PHOTO), OutgoingLine(file=replace(PHOTO, content=b"other"))))
    )
    assert [content for _, _, content in attached(message)] == [JPEG, b"other"]
    ids = [part["Content-ID"] for part in message.walk() if part["Content-ID"]]
    assert len(set(ids)) == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [("fr", "Pièce jointe\N{NO-BREAK SPACE}: schéma.jpg"), ("en", "Attached: schéma.jpg")],
)
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_file_is_named_in_both_readings(language: str, words: str, subtype: str) -> None:
    assert words in reading(replace(with_line(file=PHOTO), language=language), subtype)


def test_what_could_not_be_attached_is_said_in_both_readings() -> None:
    composed = with_line(note="[Le fichier « a<b>.zip » est trop volumineux.]")
    assert "[Le fichier « a<b>.zip » est trop volumineux.]" in reading(composed)
    assert "« a&lt;b&gt;.zip »" in reading(composed, "html")
    assert attached(read(composed)) == []
