"""Neutral mails of the service about a question, with an invitation for the patient's calendar if need be."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain.errands import ANSWER_AGAIN
from bridge.domain.organisation import Organisation
from bridge.locale import text
from bridge.mail.addresses import message_id_of, reply_address
from bridge.mail.compose import MailKind, OutgoingCalendar, OutgoingLine, OutgoingMail

CONSENT_ON_PAGE = "consent_on_page"
"""Asks for consent where the mail itself may not say to what."""
BUTTONS = {ANSWER_AGAIN: "read_answer", CONSENT_ON_PAGE: "read_consent"}
"""Which notices lead to a page, and how their button is called (locale keys of ``[mail]``)."""


def patient_notice(
    effect: fx.TellPatient, organisation: Organisation, domain: str, emergency: str, now: datetime
) -> OutgoingMail:
    """The mail of this effect, in the thread of its question."""
    group = organisation.group(effect.group)
    references = tuple(
        known if known.startswith("<") else message_id_of(known, domain) for known in effect.references
    )
    return OutgoingMail(
        kind=MailKind.NOTICE,
        language=effect.language,
        organisation=organisation.name,
        group=group.name if group else effect.group,
        practitioner="",
        to_address=effect.address,
        to_name=effect.name,
        from_address=reply_address(effect.token, domain),
        subject=effect.subject,
        reference=effect.reference,
        emergency=emergency,
        lines=(_line(effect),),
        message_id=message_id_of(effect.key, domain),
        in_reply_to=references[-1] if references else "",
        references=references,
        date=now,
        calendar=_calendar(effect, organisation, domain, now) if effect.meeting else None,
    )


def _line(effect: fx.TellPatient) -> OutgoingLine:
    words = text(effect.language, f"notice.{effect.message}", **effect.values)
    button = BUTTONS.get(effect.message)
    if button is None:
        return OutgoingLine(words)
    return OutgoingLine(words, link=(text(effect.language, f"mail.{button}"), effect.values["link"]))


def calendar_uid(key: str, domain: str) -> str:
    """The UID by which calendars know a consultation: it reveals nothing, and comes back in answers."""
    return message_id_of(key, domain).strip("<>")


def _calendar(
    effect: fx.TellPatient, organisation: Organisation, domain: str, now: datetime
) -> OutgoingCalendar:
    from bridge.mail.calendar import Party, invitation, method_of  # its library is heavy, and seldom needed

    assert effect.meeting is not None
    meeting = replace(effect.meeting, uid=calendar_uid(effect.meeting.uid, domain))
    content = invitation(
        meeting,
        Party(organisation.name, reply_address(effect.token, domain)),
        Party(effect.name, effect.address),
        summary=text(effect.language, "mail.video_summary", organisation=organisation.name),
        description=text(
            effect.language, "mail.video_description", link=meeting.link, reference=effect.reference
        ),
        at=now,
    )
    return OutgoingCalendar(method_of(meeting), content)
