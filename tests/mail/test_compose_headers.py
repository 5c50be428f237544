"""What a mail to a patient says of itself: read back as a patient's program would."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.mail.compose import MailKind, OutgoingFile, OutgoingLine, compose
from bridge.ports import Permanent
from tests.mail.outgoing import (
    EXCHANGE_ID,
    JPEG,
    MAIL,
    TEXTS,
    TOKEN,
    header_block,
    mail,
    names_of_headers,
    read,
    reading,
)


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
