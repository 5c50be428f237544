"""Writes the mail that an effect of the mail lane stands for; what is left out of it is said in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.errands import ANSWER_AGAIN
from bridge.domain.letters import CONSENT
from bridge.domain.links import LARGEST_FILE, MailLinks
from bridge.domain.organisation import Mails, Organisation
from bridge.locale import text
from bridge.mail.addresses import message_id_of, reply_address
from bridge.mail.compose import MailKind, OutgoingFile, OutgoingLine, OutgoingMail
from bridge.mail.footer import unsubscribable, with_footer
from bridge.mail.neutral import line_to_page, neutral
from bridge.mail.notices import CONSENT_ON_PAGE, patient_notice
from bridge.mail.signing import Signer
from bridge.ports import Clock, Permanent, Temporary, TransportDown

if TYPE_CHECKING:
    from bridge.mail.photos import Photo


class Files(Protocol):
    """Where the files of answers are (:class:`bridge.ports.Homeserver`)."""

    async def download(self, mxc: str, *, limit: int) -> bytes:
        """Download media; :class:`Permanent` with code ``too_large`` above ``limit`` bytes."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """What mails need of the configuration. ``emergency`` is by language; sizes are in bytes.

    Without ``links`` patients are told which words they can answer with. Without a ``signer`` the mail
    server signs, or nobody.
    """

    domain: str
    emergency: dict[str, str]
    max_attachments: int
    reply_within_h: int
    links: MailLinks | None = None
    signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes mails of one installation, as its organisation is now."""

    files: Files
    clock: Clock
    organisation: Organisation
    settings: MailSettings

    async def mail(self, effect: fx.Effect) -> OutgoingMail:
        """What is sent. Raises port errors while files are fetched."""
        mail = await self._whole_mail(effect)
        return neutral(mail) if self._neutral(getattr(effect, "group", "")) else mail

    def _neutral(self, key: str) -> bool:
        """Whether a group's mails say nothing; of one that has left the YAML, if any group's do."""
        group = self.organisation.group(key)
        groups = self.organisation.groups if group is None else (group,)
        return any(one.mails is Mails.LINK for one in groups)

    async def _whole_mail(self, effect: fx.Effect) -> OutgoingMail:
        links = self.settings.links
        match effect:
            case fx.Acknowledge():
                return with_footer(self._acknowledgement(effect), links, effect.question_id)
            case fx.Answer():
                return with_footer(await self._answer(effect), links, effect.question_id)
            case fx.TellPatient():
                emergency = self.settings.emergency[effect.language]
                domain, now = self.settings.domain, self.clock.now()
                if effect.message == ANSWER_AGAIN:
                    url = self._page(effect.question_id, int(effect.values["number"]))
                    effect = replace(effect, values={**effect.values, "link": url})
                elif effect.message == CONSENT and self._neutral(effect.group):
                    url = self._consent_page(effect)
                    effect = replace(effect, message=CONSENT_ON_PAGE, values={"link": url})
                notice = patient_notice(effect, self.organisation, domain, emergency, now)
                notice = with_footer(notice, links, effect.question_id)
                return notice if effect.meeting else unsubscribable(notice, links, effect.question_id)
            case fx.TellSender():
                return self._told(effect)
            case _:
                raise Permanent(f"not a mail: {type(effect).__name__}")

    def _group(self, key: str) -> tuple[str, str]:
        """Name and address of a group, which may have left the YAML meanwhile."""
        group = self.organisation.group(key)
        return (group.name, group.address) if group else (key, f"{key}@{self.settings.domain}")

    def _acknowledgement(self, effect: fx.Acknowledge) -> OutgoingMail:
        line = OutgoingLine(text(effect.language, "mail.unattended")) if effect.unattended else None
        mail = self._mail(effect, MailKind.ACKNOWLEDGEMENT, _first(effect), (line,) if line else ())
        promised = 0 if line else self.settings.reply_within_h
        return replace(self._of_question(mail, effect), reply_within_h=promised)

    async def _answer(self, effect: fx.Answer) -> OutgoingMail:
        references = tuple(
            known if known.startswith("<") else message_id_of(known, self.settings.domain)
            for known in effect.references
        )
        lines, left_out = await self._answer_lines(effect)
        mail = self._mail(effect, MailKind.ANSWER, references, lines)
        return replace(self._of_question(mail, effect), practitioner=effect.owner_name, left_out=left_out)

    def _told(self, effect: fx.TellSender) -> OutgoingMail:
        line = OutgoingLine(text(effect.language, f"notice.{effect.message}"))
        return self._mail(effect, MailKind.NOTICE, _first(effect), (line,))

    def _of_question(self, mail: OutgoingMail, effect: fx.Acknowledge | fx.Answer) -> OutgoingMail:
        """The mail to the patient of a question, answered to an address of its own."""
        address = reply_address(effect.token, self.settings.domain)
        return replace(mail, to_name=effect.name, from_address=address, reference=effect.reference)

    def _mail(
        self,
        effect: fx.Acknowledge | fx.Answer | fx.TellSender,
        kind: MailKind,
        references: tuple[str, ...],
        lines: tuple[OutgoingLine, ...],
    ) -> OutgoingMail:
        """What mails have in common, from the group itself to an address that may be nobody's."""
        group, address = self._group(effect.group)
        return OutgoingMail(
            kind=kind,
            language=effect.language,
            organisation=self.organisation.name,
            group=group,
            practitioner="",
            to_address=effect.address,
            to_name="",
            from_address=address,
            subject=effect.subject,
            reference="",
            emergency=self.settings.emergency[effect.language],
            lines=lines,
            message_id=message_id_of(effect.key, self.settings.domain),
            in_reply_to=references[-1] if references else "",
            references=references,
            date=self.clock.now(),
        )

    async def _answer_lines(self, effect: fx.Answer) -> tuple[tuple[OutgoingLine, ...], tuple[int, ...]]:
        """The owner's words; a correction says that it is one. Or where they are read.

        Beside them the numbers of the lines whose file is too large, for a mail or for a page.
        """
        if self._neutral(effect.group):
            url = self._page(effect.question_id, effect.number)
            files = [line.attachment for line in effect.lines]
            hidden = tuple(n for n, file in enumerate(files) if file and file.size > LARGEST_FILE)
            return (line_to_page(effect.language, url, correction=effect.correction),), hidden
        lines = await self._lines(effect.lines, effect.language)
        left_out = tuple(number for number, line in enumerate(lines) if line.note)
        if effect.correction:
            lines = (OutgoingLine(text(effect.language, "mail.correction")), *lines)
        return lines, left_out

    def _page(self, question_id: str, number: int, *, consent: bool = False) -> str:
        """Where an answer is read. Without an address for pages nothing may be sent instead."""
        if self.settings.links is None:
            raise Permanent("web.public_url isn't set", code="no_public_url")
        return self.settings.links.answer_url(question_id, number, self.clock.now(), consent=consent)

    def _consent_page(self, effect: fx.TellPatient) -> str:
        """Where the patient reads whose opinion is wanted, which may say what their question is about."""
        number = int(effect.key.rpartition(":")[2])
        return self._page(effect.question_id, number, consent=True)

    async def _lines(self, lines: tuple[Line, ...], language: str) -> tuple[OutgoingLine, ...]:
        """The owner's lines with their files; one that doesn't fit is said, never silently left out."""
        room = self.settings.max_attachments
        composed = []
        for line in lines:
            if line.attachment is None:
                composed.append(OutgoingLine(line.text, line.html))
                continue
            file = await self._file(line.attachment, room)
            room -= len(file.content) if file else 0
            note = "" if file else text(language, "mail.file_too_large", name=line.attachment.name)
            composed.append(OutgoingLine(line.text, line.html, file, note))
        return tuple(composed)

    async def _file(self, attachment: Attachment, room: int) -> OutgoingFile | None:
        try:
            content = await self.files.download(attachment.mxc, limit=room)
        except Permanent as error:
            if error.code == "too_large":
                return None
            raise
        except TransportDown as error:
            # The homeserver is away, not the mail server: other mails go on.
            raise Temporary(str(error)) from None
        photo = _clean(content) if attachment.kind is Kind.IMAGE else None
        if photo is None:
            return OutgoingFile(attachment.name, attachment.mimetype, content)
        if len(photo.content) > room:
            return None
        stem = attachment.name.rpartition(".")[0] or attachment.name
        return OutgoingFile(f"{stem}.{photo.extension.lstrip('.')}", photo.mimetype, photo.content)


def _clean(content: bytes) -> Photo | None:
    from bridge.mail.photos import clean_photo  # picture libraries are heavy, and photos are few

    return clean_photo(content)


def _first(effect: fx.Acknowledge | fx.TellSender) -> tuple[str, ...]:
    """The thread of a mail that answers the first one."""
    return (effect.in_reply_to,) if effect.in_reply_to else ()
