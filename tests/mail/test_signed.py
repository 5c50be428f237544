"""Who wrote a mail: our mail server's word, else DKIM and DMARC; a forged word counts for nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.mail.checked import SenderCheck
from bridge.mail.parse import parse_mail
from bridge.mail.signed import LookupFailed, Signature, Verdict, by_results, verify

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
DER = KEY.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
RECORD = f"v=DKIM1; k=rsa; p={base64.b64encode(DER).decode()}"
MAIL = b"From: Marie <marie@orange.fr>\r\nTo: q+a@h.example\r\nSubject: Re: x\r\n\r\nOui.\r\n"


class Names:
    """Name servers that know these TXT records; ``None`` stands for no answer."""

    def __init__(self, records: dict[str, str] | None) -> None:
        self.records = records
        self.asked: list[str] = []

    async def txt(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        if self.records is None:
            raise LookupFailed
        return (self.records[name],) if name in self.records else ()


async def _verify(raw: bytes, wanted: Sequence[Signature], records: dict[str, str]) -> bool:
    return verify(raw, wanted, records)


async def _verdict(raw: bytes, names: Names | None, authserv_id: str = "") -> Verdict:
    return await SenderCheck(authserv_id, names, _verify)(raw, parse_mail(raw))


def _signed(domain: bytes = b"orange.fr", **options: object) -> bytes:
    signature = dkim.sign(MAIL, b"s1", domain, PEM, include_headers=[b"from", b"to"], **options)
    return bytes(signature) + MAIL


DMARC = {"_dmarc.orange.fr": "v=DMARC1; p=reject"}
KNOWN = {"s1._domainkey.orange.fr": RECORD, **DMARC}


async def test_a_right_signature_of_the_senders_domain_passes() -> None:
    assert await _verdict(_signed(), Names(KNOWN)) is Verdict.PASS


async def test_changed_words_do_not_pass() -> None:
    assert await _verdict(_signed().replace(b"Oui.", b"Non."), Names(KNOWN)) is Verdict.FAIL


async def test_a_signature_of_another_domain_says_nothing_of_the_sender() -> None:
    names = Names({"s1._domainkey.evil.fr": RECORD, **DMARC})
    assert await _verdict(_signed(b"evil.fr"), names) is Verdict.FAIL


async def test_a_signature_over_part_of_the_words_does_not_count() -> None:
    assert await _verdict(_signed(length=True), Names(KNOWN)) is Verdict.FAIL


async def test_without_a_policy_an_unsigned_mail_is_neither_right_nor_wrong() -> None:
    assert await _verdict(MAIL, Names({})) is Verdict.NONE


async def test_the_policy_of_the_registered_domain_counts_below_it() -> None:
    raw = MAIL.replace(b"@orange.fr", b"@mail.orange.fr")
    assert await _verdict(raw, Names(DMARC)) is Verdict.FAIL


async def test_without_an_answer_of_the_name_servers_nothing_is_known() -> None:
    assert await _verdict(MAIL, Names(None)) is Verdict.UNKNOWN


async def test_names_that_nobody_can_know_are_not_looked_up() -> None:
    names = Names(None)
    assert await _verdict(MAIL.replace(b"orange.fr", b"patients.example"), names) is Verdict.NONE
    assert names.asked == []


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (["mx.h.example; dmarc=pass header.from=orange.fr"], Verdict.PASS),
        (["mx.h.example; dkim=pass; dmarc=fail (p=none) header.from=orange.fr"], Verdict.FAIL),
        (["MX.h.example 1; spf=pass smtp.mailfrom=marie@orange.fr"], Verdict.PASS),
        (["mx.h.example; spf=pass smtp.mailfrom=marie@evil.fr"], Verdict.NONE),
        (["mx.h.example; dkim=pass header.d=mail.orange.fr"], Verdict.PASS),
        (["mx.h.example (dmarc=pass); none"], Verdict.NONE),
        (["evil.fr; dmarc=pass"], None),
        (["mx.h.example.evil.fr; dmarc=pass"], None),
        (["mx.h.example; dmarc=fail", "mx.h.example; dmarc=pass"], Verdict.FAIL),
        ([], None),
    ],
)
def test_only_our_own_mail_server_is_believed(results: list[str], verdict: Verdict | None) -> None:
    assert by_results(results, "mx.h.example", "marie@orange.fr") is verdict


def test_nobody_is_believed_unless_the_admin_says_who() -> None:
    assert by_results(["mx.h.example; dmarc=pass"], "", "marie@orange.fr") is None
