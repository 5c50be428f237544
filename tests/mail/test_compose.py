"""Every mail is read back with the standard library, as a patient's program would."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mail.compose import MailKind, OutgoingFile, OutgoingLine, OutgoingMail, compose
from bridge.mail.reply import MARKER_EN, MARKER_FR, strip_quotes
from bridge.ports import Permanent

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


# --- headers ----------------------------------------------------------------------------------------


def test_an_answer_comes_from_practitioner_and_group_at_the_reply_address() -> None:
    message = read(MAIL)
    assert parseaddr(str(message["From"])) == ("Dr Claire Petit – Dermatologie", MAIL.from_address)
    assert parseaddr(str(message["To"])) == ("Marie Lefèvre", "marie@patients.test")
    assert "Reply-To" not in message


@pytest.mark.parametrize("kind", [MailKind.ACKNOWLEDGEMENT, MailKind.NOTICE])
def test_our_own_mails_come_from_organisation_and_group_and_say_that_they_are_automatic(
    kind: MailKind,
) -> None:
    message = read(mail(kind=kind, practitioner=""))
    assert parseaddr(str(message["From"]))[0] == "Hôpital des Lilas – Dermatologie"
    assert message["Auto-Submitted"] == "auto-replied"


def test_an_answer_is_not_called_automatic() -> None:
    assert "Auto-Submitted" not in read(MAIL)


@pytest.mark.parametrize("kind", list(MailKind))
def test_every_mail_keeps_robots_from_answering_and_tells_our_own_mails_apart(kind: MailKind) -> None:
    message = read(mail(kind=kind))
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Colloque-Instance"] == "1"
    assert message["MIME-Version"] == "1.0"


def test_date_and_message_id_are_the_given_ones() -> None:
    message = read(MAIL)
    assert message["Date"].datetime == MAIL.date
    assert message["Message-ID"] == "<answer-1@reponse.test>"


def test_every_header_occurs_once() -> None:
    names = names_of_headers(mail(kind=MailKind.NOTICE, subject="é" * 500))
    assert len(names) == len(set(names))


def test_a_person_without_name_is_the_bare_address() -> None:
    assert read(mail(to_name=""))["To"] == "marie@patients.test"


def test_a_mail_without_group_comes_from_the_organisation_alone() -> None:
    message = read(mail(kind=MailKind.NOTICE, practitioner="", group=""))
    assert parseaddr(str(message["From"]))[0] == "Hôpital des Lilas"


@pytest.mark.parametrize(
    "name", ['O\'Neil "Bob" \\ <x@y.test>, Dr.', "=?utf-8?q?=3Cx=40y=3E?=", "Ŵ, 李; <é>"]
)
def test_a_name_stays_a_name_whatever_it_holds(name: str) -> None:
    addresses = read(mail(to_name=name))["To"].addresses
    assert [(one.display_name, one.addr_spec) for one in addresses] == [(name, "marie@patients.test")]


# --- subject ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject", ["Tache", "Re: Tache", "RE : re:Ré: Tache", "Re[2]: Tache", "Fwd: AW: Tache"]
)
def test_the_subject_has_one_re(subject: str) -> None:
    assert read(mail(subject=subject))["Subject"] == "Re: Tache"


def test_words_that_only_start_like_a_prefix_stay() -> None:
    assert read(mail(subject="Rein : douleur"))["Subject"] == "Re: Rein : douleur"


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Re: Question sans objet"), ("en", "Re: Question without")]
)
@pytest.mark.parametrize("subject", ["", " \r\n ", "Re: "])
def test_a_subject_without_words_is_named(language: str, words: str, subject: str) -> None:
    assert str(read(mail(language=language, subject=subject))["Subject"]).startswith(words)


@pytest.mark.parametrize("letter", ["é", "A", "a ", "李", "👩‍⚕️"])
def test_a_very_long_subject_is_clipped_and_folded(letter: str) -> None:
    composed = mail(subject=letter * 500)
    subject = str(make_header(decode_header(str(message_from_bytes(compose(composed))["Subject"]))))
    assert subject.startswith(f"Re: {letter * 10}")
    assert subject.endswith("…")
    assert len(subject) <= 200
    assert max(map(len, header_block(composed).split(b"\r\n"))) <= 78


def test_a_subject_that_looks_encoded_is_shown_as_it_was_written() -> None:
    assert read(mail(subject="=?utf-8?q?a=0d=0aBcc:_x=40y.test?="))["Subject"] == (
        "Re: =?utf-8?q?a=0d=0aBcc:_x=40y.test?="
    )


def test_the_token_leaves_a_subject_in_which_someone_pasted_it() -> None:
    subject = str(read(mail(subject=f"Réponse de q+{TOKEN.upper()}@reponse.test"))["Subject"])
    assert TOKEN not in subject.lower()
    assert subject == "Re: Réponse de q+…@reponse.test"


# --- thread -----------------------------------------------------------------------------------------


def test_the_mail_follows_the_thread() -> None:
    message = read(MAIL)
    assert message["In-Reply-To"] == "<second@patients.test>"
    assert str(message["References"]).split() == ["<first@patients.test>", "<second@patients.test>"]


def test_a_thread_that_starts_here_has_no_thread_headers() -> None:
    names = names_of_headers(mail(in_reply_to="", references=()))
    assert "In-Reply-To" not in names
    assert "References" not in names


def test_a_long_thread_keeps_its_first_and_its_last_twenty_messages() -> None:
    known = tuple(f"<{number}@patients.test>" for number in range(100))
    kept = str(read(mail(references=known))["References"]).split()
    assert kept == [known[0], *known[-20:]]


def test_a_thread_of_twenty_one_messages_is_kept_whole() -> None:
    known = tuple(f"<{number}@patients.test>" for number in range(21))
    assert str(read(mail(references=known))["References"]).split() == list(known)


def test_a_message_id_longer_than_a_line_is_never_encoded() -> None:
    block = header_block(mail(in_reply_to=EXCHANGE_ID, references=(EXCHANGE_ID, EXCHANGE_ID)))
    assert block.count(EXCHANGE_ID.encode()) == 3


def test_whatever_else_stands_beside_message_ids_is_dropped() -> None:
    odd = (
        "<é@b.test>",
        "none",
        "(hello) <ok@b.test>",
        f"<{'x' * 2000}@b.test>",
        "<two@b.test><three@b.test>",
    )
    message = read(mail(in_reply_to="from Marie: <ok@b.test>", references=odd))
    assert message["In-Reply-To"] == "<ok@b.test>"
    assert str(message["References"]).split() == ["<ok@b.test>", "<two@b.test>", "<three@b.test>"]


def test_a_mail_without_message_id_is_refused() -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        compose(mail(message_id="answer-1"))


# --- nobody smuggles anything in --------------------------------------------------------------------

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


@pytest.mark.parametrize("field", [*TEXTS, "message_id", "language"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\x00", "\r\n\r\n"])
def test_no_line_break_starts_a_header(field: str, end: str) -> None:
    composed = mail(**{field: f"<a@b.test>{end}Bcc: <eve@evil.test>{end} "})
    assert names_of_headers(composed) == names_of_headers(MAIL)
    assert "Bcc" not in read(composed)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.test\r\nBcc: eve@evil.test",
        "a@b.test, eve@evil.test",
        "a@b.test> <eve@evil.test",
        "é@b.test",
        '"a b"@b.test',
        "a@b@c.test",
        "",
    ],
)
@pytest.mark.parametrize("field", ["to_address", "from_address"])
def test_an_address_that_could_be_read_as_another_is_refused_for_good(field: str, address: str) -> None:
    with pytest.raises(Permanent) as refused:
        compose(mail(**{field: address}))
    assert refused.value.code == "553"
    assert "test" not in str(refused.value)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries({field: st.text(st.characters(), max_size=120) for field in TEXTS}), st.text())
def test_any_words_make_a_mail_that_reads_back(fields: dict[str, str], words: str) -> None:
    composed = mail(**fields, lines=(OutgoingLine(words), OutgoingLine(html=words)))
    whole = compose(composed)
    assert whole.isascii()
    assert b"\n" not in whole.replace(b"\r\n", b"")
    assert max(map(len, whole.split(b"\r\n"))) <= 998
    assert set(names_of_headers(composed)) <= {*names_of_headers(MAIL), "Auto-Submitted"}
    assert parseaddr(str(read(composed)["To"]))[1] == "marie@patients.test"


def test_half_characters_and_control_characters_do_not_stop_a_mail() -> None:
    composed = mail(
        subject="a\ud83d", to_name="M\udce9", lines=(OutgoingLine("x\ud83d\x00\x1by", "<b>z\udc00</b>"),)
    )
    assert read(composed)["Subject"] == "Re: a\N{REPLACEMENT CHARACTER}"
    assert "x\N{REPLACEMENT CHARACTER}y" in reading(composed)
    assert "<b>z\N{REPLACEMENT CHARACTER}</b>" in reading(composed, "html")


@pytest.mark.parametrize("field", TEXTS)
def test_no_field_is_too_odd_to_be_encoded(field: str) -> None:
    read(mail(**{field: "K7\ud83d\r\n\x00\u2028M"}))


# --- bytes ------------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_bytes() -> None:
    photo = OutgoingLine(file=OutgoingFile("a.jpg", "image/jpeg", JPEG))
    document = OutgoingLine("Voici", file=OutgoingFile("é.pdf", "application/pdf", JPEG))
    composed = mail(lines=(photo, document))
    assert compose(composed) == compose(replace(composed))


def test_boundaries_follow_the_message_id() -> None:
    one, other = compose(MAIL), compose(mail(message_id="<answer-2@reponse.test>"))
    boundary = re.search(rb'boundary="([^"]+)"', one)
    assert boundary
    assert boundary[1] not in other


def test_a_mail_is_ascii_with_crlf_line_ends_and_short_lines() -> None:
    whole = compose(mail(lines=(OutgoingLine("é" * 5000, f"<p>{'à' * 5000}</p>"),)))
    assert whole.isascii()
    assert b"\n" not in whole.replace(b"\r\n", b"")
    assert b"\r" not in whole.replace(b"\r\n", b"")
    assert max(map(len, whole.split(b"\r\n"))) <= 78


# --- what is read -----------------------------------------------------------------------------------


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


# --- files ------------------------------------------------------------------------------------------

PDF = OutgoingFile("ordonnance.pdf", "application/pdf", JPEG)
PHOTO = OutgoingFile("schéma.jpg", "image/jpeg", JPEG)


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
    ("language", "words"), [("fr", "Pièce jointe : schéma.jpg"), ("en", "Attached: schéma.jpg")]
)
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_file_is_named_in_both_readings(language: str, words: str, subtype: str) -> None:
    assert words in reading(replace(with_line(file=PHOTO), language=language), subtype)


def test_what_could_not_be_attached_is_said_in_both_readings() -> None:
    composed = with_line(note="[Le fichier « a<b>.zip » est trop volumineux.]")
    assert "[Le fichier « a<b>.zip » est trop volumineux.]" in reading(composed)
    assert "« a&lt;b&gt;.zip »" in reading(composed, "html")
    assert attached(read(composed)) == []
