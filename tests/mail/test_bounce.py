"""Delivery reports name whom a mail did not reach; nobody's words are taken for one."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import compat32

import pytest

from bridge.mail.bounce import read_bounce
from bridge.mail.parse import parse_mail
from bridge.mail.parsed import Bounce

DSN = b"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example
To: bounce+abc@h.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; Marie@Patients.example
Original-Recipient: rfc822;marie@patients.example
Action: %s
Status: %s
Diagnostic-Code: smtp; 550 5.1.1 <marie@patients.example>: no such user

--b
Content-Type: message/rfc822

From: q+abc@h.example
Subject: Votre question

Bonjour
--b--
"""
PROSE = b"""\
From: "Mail Delivery System" <MAILER-DAEMON@qmail.example>
To: bounce+abc@h.example
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<marie@patients.example>:
User's mailbox is unknown. (#5.1.1)

--- Below this line is a copy of the message.
"""


def _bounce(raw: bytes, *, expected: bool = False) -> Bounce | None:
    return read_bounce(message_from_bytes(raw, policy=compat32), expected=expected)


@pytest.mark.parametrize(
    ("action", "status", "told"),
    [
        (b"failed", b"5.1.1", "5.1.1"),
        (b"failed", b"5.0.0", "5.1.1"),  # the diagnosis says more
        (b"delayed", b"4.4.1", "4.4.1"),
        (b"failed (bad destination)", b"5.2.2 (mailbox full)", "5.2.2"),
    ],
)
def test_a_report_by_the_standard_names_recipient_and_status(action: bytes, status: bytes, told: str) -> None:
    bounce = _bounce(DSN % (action, status))
    assert bounce == Bounce("marie@patients.example", told, final=action != b"delayed")


def test_a_report_of_delivery_is_no_bounce() -> None:
    mail = parse_mail(DSN % (b"delivered", b"2.0.0"))
    assert (mail.bounce, mail.automatic) == (None, "auto-submitted")


def test_a_report_in_prose_is_read_too() -> None:
    assert _bounce(PROSE) == Bounce("marie@patients.example", "5.1.1")
    assert parse_mail(PROSE).automatic


def test_a_person_who_writes_about_a_failed_mail_sends_no_report() -> None:
    told = PROSE.replace(b"MAILER-DAEMON@qmail.example", b"marie@patients.example").replace(
        b"failure notice", b"Re: failure notice"
    )
    assert _bounce(told) is None
    assert parse_mail(told).automatic == ""


def test_a_forwarded_report_is_no_report() -> None:
    forwarded = (
        b"From: marie@patients.example\nSubject: TR: retour\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\n\nje ne comprends pas ce message\n--x\nContent-Type: message/rfc822\n\n"
        + DSN % (b"failed", b"5.1.1")
        + b"\n--x--\n"
    )
    assert _bounce(forwarded) is None
    assert parse_mail(forwarded).automatic == ""


@pytest.mark.parametrize("kind", [b"disposition-notification", b"feedback-report"])
def test_receipts_and_complaints_are_automatic_but_no_bounces(kind: bytes) -> None:
    raw = (
        b"From: marie@patients.example\nSubject: Lu\nContent-Type: multipart/report; report-type="
        + kind
        + b"; boundary=b\n\n--b\n\nVotre message a ete lu.\n--b--\n"
    )
    mail = parse_mail(raw)
    assert (mail.bounce, mail.automatic) == (None, "report")


ABOUT = DSN.replace(
    b"--b--", b"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <answer@h.example>\nSubject: x\n--b--"
)


def test_a_report_names_the_mail_that_it_is_about() -> None:
    bounce = _bounce(ABOUT % (b"failed", b"5.1.1"))
    assert bounce is not None
    assert bounce.about == ("<answer@h.example>",)


def test_a_report_in_unicode_is_read_as_the_others_are() -> None:
    bounce = _bounce(
        b"From: postmaster@h.example\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"
        b"--B\nContent-Type: message/global-delivery-status\n\nReporting-MTA: dns; x\n\n"
        b"Final-Recipient: utf-8; marie@patients.example\nAction: failed\nStatus: 5.1.10\n\n--B--\n"
    )
    assert bounce == Bounce("marie@patients.example", "5.1.10")
