"""Text that was broken to be sent is whole again, and what nobody can open is said to be so."""

from __future__ import annotations

import pytest

from bridge.mail.parse import parse_mail

HEAD = (
    "From: Marie <marie@p.example>\r\nSubject: x\r\nMessage-ID: <1@p>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: {}\r\n\r\n"
)


@pytest.mark.parametrize(
    ("delsp", "lines", "text"),
    [
        ("no", ["J'ai mal depuis ", "lundi.", "", "Merci"], "J'ai mal depuis lundi.\n\nMerci"),
        ("yes", ["J'ai mal depuis  ", "lundi.", "https://p.example/une-tres- ", "longue"], None),
        ("no", ["> Depuis ", "> quand ?", "Lundi ", "soir."], "> Depuis quand ?\nLundi soir."),
        ("no", [">> a ", "> b ", "c"], ">> a\n> b\nc"),
        ("no", [" > 39 de fièvre", " From moi"], "> 39 de fièvre\nFrom moi"),
        ("no", ["Oui ", "-- ", "Marie"], "Oui\n--\nMarie"),
    ],
)
def test_lines_that_were_broken_only_to_be_sent_are_whole_again(
    delsp: str, lines: list[str], text: str | None
) -> None:
    kind = f"text/plain; charset=utf-8; format=flowed; delsp={delsp}"
    mail = parse_mail((HEAD.format(kind) + "\r\n".join(lines)).encode())
    assert mail.text == (text or "J'ai mal depuis lundi.\nhttps://p.example/une-tres-longue")


def test_lines_that_were_not_sent_as_flowed_stay() -> None:
    mail = parse_mail((HEAD.format("text/plain; charset=utf-8") + "Oui \r\nnon").encode())
    assert mail.text == "Oui\nnon"


@pytest.mark.parametrize(
    "kind",
    [
        'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"',
    ],
)
def test_of_a_mail_that_only_its_key_opens_it_is_said_that_nobody_can(kind: str) -> None:
    body = "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n"
    mail = parse_mail((HEAD.format(kind) + body).encode())
    assert "encrypted_mail" in [problem.code for problem in mail.problems]
    assert mail.files
