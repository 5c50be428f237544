"""Mails as they come: every one is read, and nothing in it vanishes."""

from __future__ import annotations

import base64
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.demo.photos import skin_jpeg
from bridge.domain.content import Kind
from bridge.mail.parse import MAX_TEXT, parse_mail, read_mailbox, safe_name, split_addresses

HEAD = b"From: Marie <marie@patients.example>\r\nTo: derm@h.example\r\nMessage-ID: <1@x>\r\n"


def _codes(raw: bytes) -> list[str]:
    return [problem.code for problem in parse_mail(raw).problems]


def test_a_plain_mail_says_who_and_what() -> None:
    mail = parse_mail(HEAD + b"Subject: =?utf-8?q?Un_bouton_=C3=A9trange?=\r\n\r\nBonjour\r\ndocteur\r\n")
    assert mail.sender is not None
    assert (mail.sender.name, mail.sender.address) == ("Marie", "marie@patients.example")
    assert (mail.subject, mail.text, mail.message_id) == ("Un bouton étrange", "Bonjour\ndocteur", "<1@x>")
    assert mail.problems == ()


def test_of_alternatives_the_plain_one_counts() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.set_content("simple")
    message.add_alternative("<p>riche</p>", subtype="html")
    assert parse_mail(message.as_bytes()).text == "simple"


def test_a_mail_of_html_only_becomes_text() -> None:
    raw = (
        HEAD
        + b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Bonjour</p><script>x()</script><p>docteur</p>"
    )
    text = parse_mail(raw).text
    assert "Bonjour" in text
    assert "docteur" in text
    assert "x()" not in text


def test_photos_are_cleaned_and_other_files_stay_files() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.set_content("voici")
    message.add_attachment(skin_jpeg(), maintype="image", subtype="jpeg", filename="IMG 1.JPG")
    message.add_attachment(
        b"%PDF-1.4", maintype="application", subtype="pdf", filename="../../etc/ordonnance.pdf"
    )
    photo, document = parse_mail(message.as_bytes()).files
    assert (photo.kind, photo.name, photo.mimetype) == (Kind.IMAGE, "IMG 1.jpg", "image/jpeg")
    assert (document.kind, document.name, document.content) == (Kind.FILE, "ordonnance.pdf", b"%PDF-1.4")


def test_a_photo_named_as_a_document_is_still_a_photo() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.add_attachment(skin_jpeg(), maintype="application", subtype="octet-stream", filename="photo")
    (photo,) = parse_mail(message.as_bytes()).files
    assert photo.kind is Kind.IMAGE


@pytest.mark.parametrize(
    ("declared", "encoded"),
    [("utf-8", "é".encode()), ("iso-8859-1", b"\xe9"), ("", "é".encode()), ("windows-1252", b"\xe9")],
)
def test_text_is_read_by_its_charset(declared: str, encoded: bytes) -> None:
    charset = f"; charset={declared}".encode() if declared else b""
    assert (
        parse_mail(HEAD + b"Content-Type: text/plain" + charset + b"\r\n\r\nt\xc3\xa9"[:-2] + encoded).text
        == "té"
    )


def test_an_unknown_charset_is_guessed_and_said() -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=klingon\r\n\r\nfi\xe8vre"
    assert parse_mail(raw).text == "fièvre"
    assert _codes(raw) == ["unknown_charset"]


@pytest.mark.parametrize(
    ("headers", "problem", "senders"),
    [
        (b"", "no_sender", 0),
        (b"From: a@b.example\r\nFrom: c@d.example\r\n", "several_senders", 2),
        (b"From: a@b.example, c@d.example\r\n", "several_senders", 2),
        (b"From: Marie\r\n", "invalid_sender", 0),
        (b"From: a@b.example <c@d.example> <e@f.example>\r\n", "invalid_sender", 0),
    ],
)
def test_without_exactly_one_sender_nobody_is_taken_for_the_sender(
    headers: bytes, problem: str, senders: int
) -> None:
    mail = parse_mail(headers + b"Subject: x\r\n\r\nbonjour")
    assert mail.sender is None
    assert len(mail.senders) == senders
    assert problem in [found.code for found in mail.problems]


def test_a_name_that_pretends_to_be_an_address_is_not_shown() -> None:
    mailbox = read_mailbox('"boss@bank.example" <eve@evil.example>')
    assert mailbox is not None
    assert (mailbox.name, mailbox.address) == ("", "eve@evil.example")


def test_two_addresses_that_differ_are_no_sender() -> None:
    assert read_mailbox("boss@bank.example <eve@evil.example>") is None
    assert read_mailbox("marie@p.example <marie@p.example>") is not None


def test_commas_in_names_separate_nobody() -> None:
    assert split_addresses('"Dupont, Marie" <m@p.example>, (a, b) x@y.example') == [
        '"Dupont, Marie" <m@p.example>',
        "(a, b) x@y.example",
    ]


def test_a_subject_of_two_kilobytes_is_one_clipped_line() -> None:
    mail = parse_mail(HEAD + b"Subject: " + b"tr\xc3\xa8s long " * 200 + b"\r\n\r\nx")
    assert len(mail.subject) == 200
    assert "\n" not in mail.subject


def test_newlines_in_a_subject_cannot_break_out() -> None:
    mail = parse_mail(HEAD + b"Subject: =?utf-8?q?a=0D=0ABcc=3A_eve=40evil.example?=\r\n\r\nx")
    assert mail.subject == "a Bcc: eve@evil.example"


def test_an_empty_mail_says_so_and_a_photo_alone_does_not() -> None:
    assert _codes(HEAD + b"\r\n\r\n") == ["empty_body"]
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.add_attachment(skin_jpeg(), maintype="image", subtype="jpeg", filename="a.jpg")
    assert parse_mail(message.as_bytes()).problems == ()


def test_a_very_long_text_is_clipped_and_attached_whole() -> None:
    text = "fièvre " * 50_000
    mail = parse_mail(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode())
    assert len(mail.text) == MAX_TEXT
    assert mail.files[0].content.decode() == text.strip()
    assert [problem.code for problem in mail.problems] == ["text_clipped"]


def test_broken_base64_is_read_as_far_as_it_goes() -> None:
    body = base64.b64encode(b"Bonjour docteur")[:-3]
    mail = parse_mail(HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + body)
    assert mail.text.startswith("Bonjour doct")
    assert [problem.code for problem in mail.problems] == ["broken_mime"]


def test_a_missing_end_of_a_multipart_loses_nothing() -> None:
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nBonjour\r\n--b\r\n\r\nSuite'
    assert parse_mail(raw).text == "Bonjour\n\nSuite"


def test_a_forwarded_mail_is_kept_as_a_file() -> None:
    inner = EmailMessage()
    inner["Subject"] = "dedans"
    inner.set_content("texte intérieur")
    outer = EmailMessage()
    outer["From"] = "m@p.example"
    outer.set_content("voir ci-joint")
    outer.add_attachment(inner)
    mail = parse_mail(outer.as_bytes())
    assert mail.text == "voir ci-joint"
    assert "dedans" in mail.files[0].content.decode()


def test_words_that_only_the_html_part_says_are_read() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.set_content("Votre logiciel n'affiche pas le HTML.")
    message.add_alternative("<p>" + "j'ai de la fièvre depuis lundi " * 20 + "</p>", subtype="html")
    assert "fièvre" in parse_mail(message.as_bytes()).text


def test_a_blank_plain_part_does_not_hide_the_html() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    message.set_content("\u00a0\n")
    message.add_alternative("<p>oui</p>", subtype="html")
    assert parse_mail(message.as_bytes()).text == "oui"


def test_links_of_html_can_be_read() -> None:
    page = (
        b'<p>voir <a href="https://x.example/a">ici</a> ou <a href="https://y.example/">y.example</a>, '
        b'<a href="mailto:m@p.example">m@p.example</a></p>'
    )
    text = parse_mail(HEAD + b"Content-Type: text/html\r\n\r\n" + page).text
    assert text == "voir ici (https://x.example/a) ou y.example, m@p.example"


def test_a_very_long_page_also_goes_on_whole() -> None:
    page = b"<p>" + b"<b></b>" * 110_000 + b"fin</p>"
    mail = parse_mail(HEAD + b"Content-Type: text/html\r\n\r\n" + page)
    assert [file.content for file in mail.files] == [page]
    assert "text_clipped" in [problem.code for problem in mail.problems]


def test_a_multipart_without_a_single_boundary_is_read_as_text() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\nBonjour docteur"
    assert parse_mail(raw).text == "Bonjour docteur"


def test_words_behind_the_last_boundary_are_read() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nun\r\n--b--\r\ndeux\r\n"
    assert parse_mail(raw).text == "un\n\ndeux"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + b"--b\r\n\r\nx\r\n" * 300
            + b"--b\r\n\r\nfin",
            "too_many_parts",
        ),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(30)
            )
            + b"\r\nfin",
            "too_deep",
        ),
        (b"Content-Transfer-Encoding: base64\r\n\r\nQm9uam91cg==\r\nfin: \xc3\xa9\r\n", "broken_mime"),
    ],
)
def test_what_is_not_taken_apart_comes_along_whole(body: bytes, problem: str) -> None:
    mail = parse_mail(HEAD + body)
    assert problem in [found.code for found in mail.problems]
    assert mail.files[-1].name == "message.eml"
    assert mail.files[-1].content == HEAD + body


def test_headers_beyond_what_is_looked_at_hide_no_words() -> None:
    raw = HEAD + b"X-Long: y\r\n z\r\n" * 30_000 + b"\r\nBonjour\r\n"
    mail = parse_mail(raw)
    assert mail.text == "Bonjour"
    assert mail.sender is not None
    assert [problem.code for problem in mail.problems] == ["headers_too_large"]
    assert mail.files[-1].content == raw


def test_a_header_that_takes_the_library_its_square_in_time_is_read_at_once() -> None:
    started = time.process_time()
    inner = b"--b\r\nContent-Type: multipart/mixed" + b';"' * 500_000 + b"\r\n\r\nx\r\n--b--\r\n"
    parse_mail(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inner)
    assert time.process_time() - started < 5


def test_a_broken_photo_stays_a_file_with_its_bytes() -> None:
    message = EmailMessage()
    message["From"] = "m@p.example"
    broken = skin_jpeg()[:2_000]
    message.add_attachment(broken, maintype="image", subtype="jpeg", filename="a.jpg")
    (file,) = parse_mail(message.as_bytes()).files
    assert (file.kind, file.content, file.name) == (Kind.FILE, broken, "a.jpg")


def test_headers_of_eight_bits_are_read() -> None:
    mail = parse_mail(
        "From: Éléonore <m@p.example>\r\nSubject: Éruption, cœur =?utf-8?q?=C3=A9?=\r\n"
        'Content-Disposition: attachment; filename="été.txt"\r\n\r\nx'.encode()
    )
    assert mail.sender is not None
    assert (mail.sender.name, mail.subject) == ("Éléonore", "Éruption, cœur é")
    assert mail.files[0].name == "été.txt"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (b"Auto-Submitted: auto-replied\r\n", "auto-submitted"),
        (b"Precedence: bulk\r\n", "precedence"),
        (b"List-Id: <x.y>\r\n", "list-id"),
        (b"X-Colloque-Instance: 1\r\n", "own-instance"),
        (b"Subject: =?utf-8?q?R=C3=A9ponse_automatique_=3A_absence?=\r\n", "automatic-subject"),
        (b"Received: from a by b\r\n" * 26, "loop"),
        (b"Received: from a by b\r\n" * 25, ""),
        (b"Feedback-ID: 1:eu-west:amazon\r\n", ""),  # on every mail that some providers carry
        (b"Auto-Submitted: no\r\n", ""),
    ],
)
def test_automatic_mail_is_known_as_such(headers: bytes, reason: str) -> None:
    assert parse_mail(HEAD + headers + b"\r\nx").automatic == reason


@pytest.mark.parametrize(
    ("given_name", "ours"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.pdf", "y.pdf"),
        ("a\x00b\u202egpj.exe", "a b gpj.exe"),
        ("...", ""),
        ("é" * 300 + ".pdf", "é" * 89 + ".pdf"),
    ],
)
def test_file_names_are_our_own(given_name: str, ours: str) -> None:
    assert safe_name(given_name) == ours


HOSTILE = {
    "unbalanced quotes": b'From: "' + b'"' * 50_000 + b"\r\nTo: " + b'"' * 50_000 + b"\r\n\r\nbonjour",
    "a hundred thousand parts": b'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    + b"--b\r\n\r\nx\r\n" * 100_000,
    "nested a thousand deep": b"From: a@b.example\r\n"
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1000)
    )
    + b"\r\nau fond",
    "messages in messages": b"From: a@b.example\r\n"
    + b"Content-Type: message/rfc822\r\n\r\n" * 500
    + b"fond",
    "nul bytes": b"From: a@b.example\r\nSubject: a\x00b\r\n\r\n" + b"\x00" * 10_000,
    "only boundaries": b'Content-Type: multipart/mixed; boundary=""\r\n\r\n' + b"--\r\n" * 20_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?x?= " * 20_000 + b"\r\n\r\nx",
    "deep html": b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000 + b"x",
    "no line ends": b"x" * 1_000_000,
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mail_is_read_in_seconds(raw: bytes) -> None:
    started = time.process_time()
    mail = parse_mail(raw)
    assert time.process_time() - started < 20  # minutes or a crash, without the limits
    assert mail.text or mail.files or mail.problems


LINES = st.sampled_from(
    [
        b"From: Marie <m@p.example>",
        b"From:",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: text/html; charset=\xff",
        b"Content-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64",
        b"Content-Disposition: attachment; filename*=utf-8''%ff%00",
        b"Subject: =?x?q?=?=",
        b"--b",
        b"--b--",
        b"",
        b"begin 644 x",
        b"\xc3\x28",
    ]
)


@given(st.lists(st.one_of(LINES, st.binary(max_size=60)), max_size=40))
@settings(max_examples=400, deadline=None)
def test_no_mail_makes_the_parser_raise(lines: list[bytes]) -> None:
    parse_mail(b"\r\n".join(lines))
