"""One mail of every kind that is sent, with made-up people: to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from bridge.domain.links import MailLinks
from bridge.locale import catalogue, text
from bridge.mail.compose import MailKind, OutgoingCalendar, OutgoingFile, OutgoingLine, OutgoingMail
from bridge.mail.footer import unsubscribable, with_footer
from bridge.mail.neutral import line_to_page, neutral

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
DOMAIN = "hopital.example"
EMERGENCY = {
    "fr": "Ce service ne traite pas les urgences. En cas d'urgence, appelez le 15 ou le 112.",
    "en": "This service does not handle emergencies. In an emergency, call 15 or 112.",
}
GROUPS = {"fr": "Dermatologie", "en": "Dermatology"}
SUBJECTS = {"fr": "Une tache sur le bras", "en": "A spot on my arm"}
ANSWERS = {
    "fr": (
        "Bonjour,\n\nmerci pour vos photos. Appliquez la crème **matin et soir** pendant 10 jours :\n\n"
        "- une noisette suffit ;\n- évitez le soleil.\n\nMontrez-moi la tache la semaine prochaine, "
        "comme sur ce schéma. Plus de détails : "
        "https://hopital.example/conseils/dermatologie/apres-une-biopsie-ce-qu-il-faut-surveiller",
        "<p>Bonjour,</p><p>merci pour vos photos. Appliquez la crème <strong>matin et soir</strong> pendant "
        "10 jours :</p><ul><li>une noisette suffit ;</li><li>évitez le soleil.</li></ul>"
        "<table><tr><th>Jour</th><th>Matin</th><th>Soir</th></tr>"
        "<tr><td>1 à 10</td><td>1 noisette</td><td>1 noisette</td></tr></table>"
        "<p>Montrez-moi la tache à nouveau la semaine prochaine, comme sur ce schéma. Plus de détails : "
        "https://hopital.example/conseils/dermatologie/apres-une-biopsie-ce-qu-il-faut-surveiller</p>",
    ),
    "en": (
        "Hello,\n\nthank you for your photos. Apply the cream **morning and evening** for 10 days:\n\n"
        "- a small dab is enough;\n- stay out of the sun.\n\nShow me the spot again next week, "
        "as in this drawing. More about it: "
        "https://hospital.example/advice/dermatology/after-a-biopsy-what-you-should-watch-out-for",
        "<p>Hello,</p><p>thank you for your photos. Apply the cream <strong>morning and evening</strong> for "
        "10 days:</p><ul><li>a small dab is enough;</li><li>stay out of the sun.</li></ul>"
        "<table><tr><th>Day</th><th>Morning</th><th>Evening</th></tr>"
        "<tr><td>1 to 10</td><td>1 dab</td><td>1 dab</td></tr></table>"
        "<p>Show me the spot again next week, as in this drawing. More about it: "
        "https://hospital.example/advice/dermatology/after-a-biopsy-what-you-should-watch-out-for</p>",
    ),
}
NOTICE = "notice."
"""The locale's section of all that neutral mails say: each of its keys is one to be looked at."""
VALUES = {
    "fr": {"when": "mardi 3 mars 2026 à 15:00", "minutes": "20"},
    "en": {"when": "Tuesday 3 March 2026 at 3:00 pm", "minutes": "20"},
}
LINKS = MailLinks(f"https://colloque.{DOMAIN}", b"preview")
LINK = "https://meet.hopital.example/colloque-4h7q2mzk5tq3x6c2r7w8p9"


def samples(language: str, photo: bytes) -> Iterator[tuple[str, OutgoingMail]]:
    """Name and mail of each; ``photo`` is a JPEG to be shown in the answer."""
    yield "acknowledgement", replace(_mail("acknowledgement", language), reply_within_h=48)
    unattended = _mail(
        "acknowledgement-unattended", language, OutgoingLine(text(language, "mail.unattended"))
    )
    yield "acknowledgement-unattended", unattended
    words, html = ANSWERS[language]
    shown = OutgoingLine("", "", OutgoingFile("schema.jpg", "image/jpeg", photo))
    missing = OutgoingLine(note=text(language, "mail.file_too_large", name="radio.dcm"))
    answer = _mail("answer", language, OutgoingLine(words, html), shown, missing)
    yield "answer", replace(answer, kind=MailKind.ANSWER, practitioner="Dr Camille Roy")
    correction = _mail(
        "correction", language, OutgoingLine(text(language, "mail.correction")), OutgoingLine(words, html)
    )
    yield "correction", replace(correction, kind=MailKind.ANSWER, practitioner="Dr Camille Roy")
    url = LINKS.answer_url("preview", 1, AT)
    for name, line in (
        ("neutral-answer", line_to_page(language, url)),
        ("neutral-correction", line_to_page(language, url, correction=True)),
    ):
        yield name, neutral(replace(_mail(name, language, line), kind=MailKind.ANSWER))
    yield "neutral-acknowledgement", neutral(_mail("neutral-acknowledgement", language))
    for key in catalogue(language):
        if key.startswith(NOTICE):
            message = key.removeprefix(NOTICE)
            yield message.replace("_", "-"), _notice(message, language)


def _notice(message: str, language: str) -> OutgoingMail:
    name = message.replace("_", "-")
    line = OutgoingLine(text(language, f"notice.{message}", link=LINK, **VALUES[language]))
    mail = replace(_mail(name, language, line), kind=MailKind.NOTICE)
    if name not in ("video-arranged", "video-moved", "video-cancelled"):
        return unsubscribable(mail, LINKS, "preview")
    return replace(mail, calendar=_calendar(mail, cancelled=name == "video-cancelled"))


def _calendar(mail: OutgoingMail, *, cancelled: bool) -> OutgoingCalendar:
    from bridge.domain.content import Meeting
    from bridge.mail.calendar import Party, invitation, method_of

    start = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
    meeting = Meeting(f"preview@{DOMAIN}", 0, start, 20, LINK, 15.0, cancelled)
    content = invitation(
        meeting,
        Party(mail.organisation, mail.from_address),
        Party(mail.to_name, mail.to_address),
        summary=text(mail.language, "mail.video_summary", organisation=mail.organisation),
        description=text(mail.language, "mail.video_description", link=LINK, reference=mail.reference),
        at=AT,
    )
    return OutgoingCalendar(method_of(meeting), content)


def _mail(name: str, language: str, *lines: OutgoingLine) -> OutgoingMail:
    return with_footer(_without_footer(name, language, lines), LINKS, "preview")


def _without_footer(name: str, language: str, lines: tuple[OutgoingLine, ...]) -> OutgoingMail:
    return OutgoingMail(
        kind=MailKind.ACKNOWLEDGEMENT,
        language=language,
        organisation="CHU de l'Exemple",
        group=GROUPS[language],
        practitioner="",
        to_address="marie@patients.example",
        to_name="Marie Durand",
        from_address=f"q+{'preview' * 3}abc@{DOMAIN}",
        subject=SUBJECTS[language],
        reference="K7QX-2M",
        emergency=EMERGENCY[language],
        lines=lines,
        message_id=f"<preview.{name}.{language}@{DOMAIN}>",
        in_reply_to="<1@patients.example>",
        references=("<1@patients.example>",),
        date=AT,
    )
