"""Mails that say nothing of what they are about, for groups whose answers are read on a page."""

from __future__ import annotations

from dataclasses import replace

from bridge.locale import text
from bridge.mail.compose import OutgoingLine, OutgoingMail


def neutral(mail: OutgoingMail) -> OutgoingMail:
    """Without the patient's subject, and from nobody but the organisation."""
    named = "neutral_subject" if mail.reference else "neutral_subject_bare"
    subject = text(mail.language, f"mail.{named}", reference=mail.reference)
    return replace(mail, subject=subject, group="", practitioner="")


def line_to_page(language: str, url: str, *, correction: bool = False) -> OutgoingLine:
    """What stands in the place of an answer."""
    key = "mail.correction_waits" if correction else "mail.answer_waits"
    return OutgoingLine(text(language, key), link=(text(language, "mail.read_answer"), url))
