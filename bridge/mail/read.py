"""Reads mails from the inbox: a new question, the patient's answer, or something to set aside."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bridge.domain.arriving import Errand
from bridge.domain.content import Attachment
from bridge.domain.errands import errand_in
from bridge.domain.events import (
    AskedToo,
    ErrandAsked,
    Event,
    MailBounced,
    MailDoubted,
    MailPostponed,
    MailSetAside,
    MailUnusable,
    PatientWrote,
    QuestionAsked,
)
from bridge.domain.keeping import LATER, MANY
from bridge.domain.organisation import ExpertGroup, Organisation
from bridge.domain.state import Question
from bridge.locale import text
from bridge.mail.accepting import invitation_answer
from bridge.mail.addresses import Purpose, message_id_of, new_reference, new_token, read_address
from bridge.mail.parsed import ParsedFile, ParsedMail
from bridge.mail.signed import Verdict
from bridge.mail.turns import Gate, Turn
from bridge.ports import Names, RawInput, Reading


class Parse(Protocol):
    """Reads a mail, somewhere."""

    async def __call__(self, raw: bytes, domain: str = "", *, report_expected: bool = False) -> ParsedMail:
        """Read a mail. Raises anything for one that breaks its reader."""


SHOWN = 2_000
"""Characters of a doubtful mail that its notice shows; the original has all."""

Check = Callable[[bytes, ParsedMail], Awaitable[Verdict]]
"""Finds out whether a sender is who they say they are."""

TITLE_LENGTH = 80
"""Characters of a question's title; the whole subject stands in the mail, which is kept."""


@dataclass(frozen=True, slots=True)
class MailReader:
    """Turns stored mails into what they mean. ``namespace`` begins every ghost's localpart."""

    names: Names
    organisation: Organisation
    domain: str
    namespace: str
    parse: Parse
    check: Check | None = None
    gate: Gate | None = None
    stopped: Callable[[str], Awaitable[bool]] | None = None
    """Whether the patient with an address wants no e-mails."""
    vouched: Callable[[ParsedMail], bool] | None = None
    """Whether our mail server vouches for a mail's sender."""

    async def __call__(self, item: RawInput) -> Reading:
        """Read one mail, in another process: parsing may be slow, and a mail hostile."""
        reading = self._read(item)
        return await (self.gate.counted(item, reading) if self.gate else reading)

    async def _read(self, item: RawInput) -> Reading:
        address = read_address(item.recipient, self.domain)
        reported = address is not None and address.purpose is Purpose.BOUNCE
        mail = await self.parse(item.payload, self.domain, report_expected=reported)
        if address is None:
            return await self._new(item, mail)
        if address.purpose is Purpose.BOUNCE:
            return await self._report(item, mail)
        return await self._answer(item, mail)

    # --- a new question ---

    async def _new(self, item: RawInput, mail: ParsedMail) -> Reading:
        group = self.organisation.group_of_address(item.recipient)
        if group is None:
            return Reading(hold="no_such_group")
        if mail.automatic or not item.sender:
            return Reading(hold="automatic")
        known = await self.names.question(item.conversation)
        if known is not None:  # one mail to several groups is one question
            return Reading(known.id, (AskedToo(item.key, group.key),))
        told = mail.sender.address if mail.sender else item.sender
        vouched = self.vouched is not None and self.vouched(mail)
        if self.gate and (turn := await self.gate.sender(item, told, vouched=vouched)):
            return _postponed(item, turn, _unusable_mail(item, mail, group, MANY, told))
        if reason := _unusable(mail):
            return self._refuse(item, mail, group, reason)
        blobs, files = _files(mail.files)
        asked = replace(self._asked(item, mail, group, files), resumes=await self._resumes(item, mail, told))
        return Reading(item.conversation, (asked,), blobs)

    def _asked(
        self, item: RawInput, mail: ParsedMail, group: ExpertGroup, files: tuple[Attachment, ...]
    ) -> QuestionAsked:
        assert mail.sender is not None
        subject = mail.subject or text(group.language, "names.untitled")
        return QuestionAsked(
            question_id=item.conversation,
            group=group.key,
            members=group.on_duty,
            invite_members=group.notify == "invite",
            language=group.language,
            subject=_shortened(subject),
            address=mail.sender.address,
            name=mail.sender.name or mail.sender.address,
            text=mail.text or ("" if files else mail.subject),
            files=files,
            message_id=mail.message_id,
            token=new_token(),
            ghost=f"{self.namespace}p_{new_token()[:16]}",
            reference=new_reference(),
            problems=_problems(mail),
        )

    def _refuse(self, item: RawInput, mail: ParsedMail, group: ExpertGroup, reason: str) -> Reading:
        told = mail.sender.address if mail.sender else item.sender
        if not told:
            return Reading(hold=reason)
        return Reading(events=(_unusable_mail(item, mail, group, reason, told),))

    # --- mail for a question ---

    async def _answer(self, item: RawInput, mail: ParsedMail) -> Reading:
        question = await self.names.question(item.conversation)
        if question is None:
            return Reading(hold="no_such_question")
        if mail.bounce is not None and (mail.automatic or not item.sender):
            return await self._report(item, mail)
        answered = invitation_answer(item.key, question, mail, self.domain)
        if answered is None and (mail.automatic or not item.sender):
            if self.gate and await self.gate.automatic(item):
                return Reading(item.conversation)  # kept, and said often enough
            return _aside(item, "automatic")
        verdict = Verdict.PASS
        if item.key not in question.admitted:
            verdict = await self._verdict(question, item, mail)
        theirs = verdict in (Verdict.PASS, Verdict.NONE)
        if self.gate and (turn := await (self.gate.question if theirs else self.gate.doubted)(item)):
            return _postponed(item, turn, self._flooder(question, item, mail, verdict))
        if verdict is Verdict.UNKNOWN and self.gate and (again := self.gate.look_again(item)):
            event = MailPostponed(item.key, item.conversation, LATER, again)
            return Reading(item.conversation, (event,), hold=LATER)
        if not theirs:
            return _doubted(item, mail)
        events = await self._resumed(question, item)
        if answered is not None:
            events, mail = (*events, answered[0]), answered[1]
        elif (asked := _errand(question, item, mail)) is not None:
            stops = asked.errand is Errand.STOP
            return Reading(item.conversation, (asked,) if stops else (*events, asked))
        if mail.reply or mail.files:
            blobs, files = _files(mail.files)
            known = _answered(mail, question, self.domain)
            wrote = PatientWrote(
                item.key, mail.reply, files, mail.message_id, _problems(mail), known, at=item.received_at
            )
            return Reading(item.conversation, (*events, wrote), blobs)
        return Reading(item.conversation, events) if events else _aside(item, "empty")

    async def _wants_none(self, address: str) -> bool:
        return self.stopped is not None and await self.stopped(address)

    async def _resumes(self, item: RawInput, mail: ParsedMail, told: str) -> bool:
        """The same of whoever asks anew; but not on the word of somebody who may only use their name."""
        if not await self._wants_none(told):
            return False
        return self.check is None or await self.check(item.payload, mail) in (Verdict.PASS, Verdict.NONE)

    async def _resumed(self, question: Question, item: RawInput) -> tuple[Event, ...]:
        """Whoever writes again wants to be written to again."""
        if not await self._wants_none(question.address):
            return ()
        return (ErrandAsked(item.key, Errand.RESUME),)

    async def _verdict(self, question: Question, item: RawInput, mail: ParsedMail) -> Verdict:
        """Whether it is from an address of the patient, and what that domain itself says to it."""
        if mail.sender is None:
            return Verdict.FAIL
        addresses = (question.address, *question.also_from)
        if mail.sender.address.lower() not in (address.lower() for address in addresses):
            return Verdict.FAIL
        return await self.check(item.payload, mail) if self.check else Verdict.NONE

    def _flooder(
        self, question: Question, item: RawInput, mail: ParsedMail, verdict: Verdict
    ) -> MailUnusable | None:
        """The patient, to be told that there is much; nobody else, and no program."""
        group = self.organisation.group(question.group)
        known = verdict in (Verdict.PASS, Verdict.NONE) and not mail.automatic and bool(item.sender)
        if not known or group is None:
            return None
        return _unusable_mail(item, mail, group, MANY, question.address)

    async def _report(self, item: RawInput, mail: ParsedMail) -> Reading:
        """A delivery report about one of our mails (RFC 3464), or whatever else comes to its sender."""
        question = await self.names.question(item.conversation)
        if question is None or mail.bounce is None:
            return Reading(hold="delivery_report")
        numbers = {
            message_id_of(f"{question.id}:answer:{number}", self.domain): number
            for number in range(1, question.draft_number + 1)
        }
        number = next((numbers[about] for about in mail.bounce.about if about in numbers), 0)
        if not mail.bounce.about and question.handed:
            number = question.handed[-1].number  # it doesn't say which: it came for the latest, most likely
        if self.gate and (turn := await self.gate.report(item)):
            return _postponed(item, turn, None)
        event = MailBounced(item.key, mail.bounce.status, number, mail.bounce.final)
        return Reading(item.conversation, (event,))


def _unusable_mail(
    item: RawInput, mail: ParsedMail, group: ExpertGroup, reason: str, told: str
) -> MailUnusable:
    return MailUnusable(
        input_id=item.key,
        group=group.key,
        address=told,
        language=group.language,
        reason=reason,
        subject=_shortened(mail.subject),
        message_id=mail.message_id,
    )


def _postponed(item: RawInput, turn: Turn, told: MailUnusable | None) -> Reading:
    """Too much came within an hour: this one waits, and whoever wrote it may be told."""
    event = MailPostponed(item.key, item.conversation, MANY, turn.at, turn.first, told)
    return Reading(item.conversation, (event,), hold=MANY)


def _answered(mail: ParsedMail, question: Question, domain: str) -> str:
    """Which mail of ours it answers, by the key of what made that; empty where it names none that we know."""
    keys = {message_id_of(key, domain): key for key in question.thread if not key.startswith("<")}
    named = (mail.in_reply_to, *reversed(mail.references))
    return next((keys[message_id] for message_id in named if message_id in keys), "")


def _errand(question: Question, item: RawInput, mail: ParsedMail) -> ErrandAsked | None:
    """What the mail asks of the service, if it says nothing else; programs may write a subject only."""
    if mail.files:
        return None
    words = mail.reply or mail.subject
    errand = errand_in(words, question.name)
    return ErrandAsked(item.key, errand, words.strip(), mail.message_id) if errand else None


def _aside(item: RawInput, reason: str, hold: str = "") -> Reading:
    event: Event = MailSetAside(item.key, reason)
    return Reading(item.conversation, (event,), hold=hold)


def _doubted(item: RawInput, mail: ParsedMail) -> Reading:
    """Held for the owner's judgement, who sees whom it says it is from and how it begins."""
    shown = mail.sender.address if mail.sender else ", ".join(sender.address for sender in mail.senders[:3])
    words = mail.reply if len(mail.reply) <= SHOWN else mail.reply[:SHOWN].rstrip() + " …"
    event = MailDoubted(item.key, shown or item.sender, words, len(mail.files))
    return Reading(item.conversation, (event,), hold="unverified")


def _unusable(mail: ParsedMail) -> str:
    if len(mail.senders) > 1:
        return "several_senders"
    if mail.sender is None:
        return "no_sender"
    return "" if mail.text or mail.files or mail.subject else "empty"


def _shortened(subject: str) -> str:
    return subject if len(subject) <= TITLE_LENGTH else subject[: TITLE_LENGTH - 1].rstrip() + "…"


def _problems(mail: ParsedMail) -> tuple[str, ...]:
    """What could not be read; an empty body beside a photo is nothing to mention."""
    codes = dict.fromkeys(str(problem.code) for problem in mail.problems)
    return tuple(code for code in codes if code not in ("empty_body", "no_sender", "several_senders"))


def _files(parsed: tuple[ParsedFile, ...]) -> tuple[tuple[bytes, ...], tuple[Attachment, ...]]:
    attachments = tuple(
        Attachment(
            kind=file.kind,
            name=file.name,
            mimetype=file.mimetype,
            size=len(file.content),
            blob=hashlib.sha256(file.content).hexdigest(),
            width=file.width,
            height=file.height,
        )
        for file in parsed
    )
    return tuple(file.content for file in parsed), attachments
