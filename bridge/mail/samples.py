"""One mail of every kind that is sent, with made-up people, written as any other: to be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Kind, Line, Meeting
from bridge.domain.errands import ANSWER_AGAIN
from bridge.domain.letters import CONSENT
from bridge.domain.links import MailLinks
from bridge.domain.organisation import ExpertGroup, Mails, Notify, Organisation
from bridge.locale import FRENCH_SIGNS, catalogue
from bridge.mail.compose import OutgoingMail
from bridge.mail.notices import CONSENT_ON_PAGE
from bridge.mail.write import MailSettings, Writer
from bridge.ports import Permanent

AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
DOMAIN = "hopital.example"
EMERGENCY = {
    "fr": "Ce service ne traite pas les urgences. En cas d'urgence, appelez le 15 ou le 112.",
    "en": "This service does not handle emergencies. In an emergency, call 15 or 112.",
}
GROUPS = {"fr": "Dermatologie", "en": "Dermatology"}
LONG_GROUPS = {
    "fr": "Dermatologie pédiatrique, allergologie et maladies inflammatoires chroniques de la peau",
    "en": "Paediatric dermatology, allergology and chronic inflammatory diseases of the skin",
}
SUBJECTS = {"fr": "Une tache sur le bras", "en": "A spot on my arm"}
LONG_SUBJECTS = {
    "fr": "Une tache sur le bras qui change de couleur depuis trois semaines et qui gratte surtout la nuit",
    "en": "A spot on my arm that has been changing its colour for three weeks and itches, above all at night",
}
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
WIDE = (
    "Hydroxychloroquine, prednisolone, diphénhydramine : voir le tableau.",
    "<table><tr><th>Hydroxychloroquine</th><th>Prednisolone</th><th>Diphenhydramine</th><th>Cetirizine</th></tr>"
    "<tr><td>200 mg</td><td>10 mg</td><td>25 mg</td><td>10 mg</td></tr></table>",
)
NOTICE = "notice."
"""The locale's section of all that neutral mails say: each of its keys is one to be looked at."""
UNUSABLE = "unusable_"
VALUES = {
    "fr": {"when": "mardi 3 mars 2026 à 15:00", "minutes": "20", "to": "Dr Paul Mercier"},
    "en": {"when": "Tuesday 3 March 2026 at 3:00 pm", "minutes": "20", "to": "Dr Paul Mercier"},
}
LINKS = MailLinks(f"https://colloque.{DOMAIN}", b"preview")
LINK = "https://meet.hopital.example/colloque-4h7q2mzk5tq3x6c2r7w8p9"
FULL, NEUTRAL, LONG = "full", "neutral", "long"
"""Keys of the made-up groups."""
LARGE = "mxc://hopital.example/large"


@dataclass(frozen=True, slots=True)
class Photo:
    """The one file of the answers; any other is too large."""

    content: bytes

    async def download(self, mxc: str, *, limit: int) -> bytes:
        """The photo's bytes."""
        if mxc == LARGE or len(self.content) > limit:
            raise Permanent("too large to be shown", code="too_large")
        return self.content


@dataclass(frozen=True, slots=True)
class Still:
    """A clock for mails that are the same whenever they are looked at."""

    def now(self) -> datetime:
        """The moment of all of them."""
        return AT


async def samples(language: str, photo: bytes) -> AsyncIterator[tuple[str, OutgoingMail]]:
    """Name and mail of each; ``photo`` is a JPEG to be shown in the answer."""
    settings = MailSettings(DOMAIN, EMERGENCY, 10 * 1024 * 1024, 48, LINKS)
    organisation = _organisation(language)
    writer = Writer(Photo(photo), Still(), organisation, settings)
    for name, effect in effects(language):
        yield name, await writer.mail(effect)
    by_words = replace(writer, settings=replace(settings, links=None))
    yield "without-links", await by_words.mail(_acknowledgement("without-links", language))


def effects(language: str) -> Iterator[tuple[str, fx.Effect]]:
    """What is sent, by name."""
    yield "acknowledgement", _acknowledgement("acknowledgement", language)
    unattended = _acknowledgement("acknowledgement-unattended", language)
    yield "acknowledgement-unattended", replace(unattended, unattended=True)
    yield "neutral-acknowledgement", replace(_acknowledgement("n", language), group=NEUTRAL)
    answer = _answer(language)
    yield "answer", answer
    yield "correction", replace(answer, key="preview:answer:2", lines=answer.lines[:1], correction=True)
    yield "neutral-answer", replace(answer, group=NEUTRAL)
    yield "neutral-correction", replace(answer, group=NEUTRAL, correction=True)
    yield "long-names", _long(answer, language)
    for key in catalogue(language):
        if key.startswith(NOTICE):
            yield from _notices(key.removeprefix(NOTICE), language)


def _notices(message: str, language: str) -> Iterator[tuple[str, fx.Effect]]:
    name = message.replace("_", "-")
    if message.startswith(UNUSABLE):
        yield name, _told(message, language)
        yield f"neutral-{name}", replace(_told(message, language), group=NEUTRAL)
    if message == f"{UNUSABLE}many":
        name = "many"  # who has a question already is told so in its thread
    elif message.startswith(UNUSABLE):
        return
    if message == CONSENT_ON_PAGE:
        yield name, replace(_tell(CONSENT, language), group=NEUTRAL)
        return
    tell = _tell(message, language)
    yield name, replace(tell, group=NEUTRAL) if message == ANSWER_AGAIN else tell
    if message in ("closed", "video_arranged"):
        yield f"neutral-{name}", replace(tell, group=NEUTRAL)


def _organisation(language: str) -> Organisation:
    def group(key: str, name: str, mails: Mails = Mails.FULL) -> ExpertGroup:
        return ExpertGroup(key, name, f"{key}@{DOMAIN}", (), Notify.ANNOUNCE, language, mails=mails)

    short = GROUPS[language]
    groups = group(FULL, short), group(NEUTRAL, short, Mails.LINK), group(LONG, LONG_GROUPS[language])
    return Organisation("CHU de l'Exemple", language, (), groups)


def _common(language: str) -> dict[str, str]:
    return {
        "group": FULL,
        "language": language,
        "address": "marie@patients.example",
        "subject": SUBJECTS[language],
    }


def _of_question(language: str) -> dict[str, str]:
    about = {"question_id": "preview", "name": "Marie Durand", "reference": "K7X3M2"}
    return {**_common(language), **about, "token": f"{'preview' * 3}abc"}


def _acknowledgement(name: str, language: str) -> fx.Acknowledge:
    first = "<1@patients.example>"
    return fx.Acknowledge(
        key=f"preview:{name}", in_reply_to=first, unattended=False, **_of_question(language)
    )


def _answer(language: str) -> fx.Answer:
    words, html = ANSWERS[language]
    if language == "fr":
        words, html = (FRENCH_SIGNS.sub("\N{NO-BREAK SPACE}", one) for one in (words, html))
    photo = Attachment(Kind.IMAGE, "schema.jpg", "image/jpeg", 1, mxc=f"mxc://{DOMAIN}/photo")
    scan = Attachment(Kind.FILE, "radio.dcm", "application/dicom", 1, mxc=LARGE)
    return fx.Answer(
        key="preview:answer:1",
        number=1,
        owner=f"@roy:{DOMAIN}",
        owner_name="Dr Camille Roy",
        lines=(Line("$1", words, html), Line("$2", attachment=photo), Line("$3", attachment=scan)),
        references=("<1@patients.example>",),
        correction=False,
        **_of_question(language),
    )


def _long(answer: fx.Answer, language: str) -> fx.Answer:
    """Everything as long as it can get."""
    return replace(
        answer,
        key="preview:answer:3",
        group=LONG,
        subject=LONG_SUBJECTS[language],
        name="Marie-Antoinette de La Rochefoucauld-Montmorency",
        owner_name="Professeure Anne-Charlotte Vandenbroucke-Grauls de Saint-Hilaire",
        lines=(Line("$1", *WIDE),),
    )


def _told(message: str, language: str) -> fx.TellSender:
    first = "<1@patients.example>"
    return fx.TellSender(key=f"preview:{message}", message=message, in_reply_to=first, **_common(language))


def _tell(message: str, language: str) -> fx.TellPatient:
    values = {**VALUES[language], "link": LINK, "number": "1"}
    meeting = None
    if message in ("video_arranged", "video_moved", "video_cancelled"):
        start = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
        cancelled = message == "video_cancelled"
        meeting = Meeting("preview", 0, start, 20, LINK, 15.0, cancelled)
    return fx.TellPatient(
        key=f"preview:{message}:1",
        message=message,
        references=("<1@patients.example>",),
        values=values,
        meeting=meeting,
        **_of_question(language),
    )
