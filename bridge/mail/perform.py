"""Performs the effects of the mail lane: composes a mail once, keeps its bytes, and submits those."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import structlog

from bridge.domain import effects as fx
from bridge.domain.events import (
    AnswerFailed,
    AnswerHandedOver,
    Event,
    FileLeftOut,
    MailSetAside,
    NoticeFailed,
)
from bridge.domain.organisation import Organisation
from bridge.flow.retry import MAIL, Backoff
from bridge.mail.addresses import bounce_address
from bridge.mail.compose import LEFT_OUT_HEADER, OutgoingMail, compose
from bridge.mail.write import MailSettings, Writer
from bridge.ports import (
    Ambiguous,
    Clock,
    Homeserver,
    Mailer,
    Names,
    Outcome,
    Permanent,
    PortError,
    Task,
)

log = structlog.get_logger()

NULL_SENDER = ""
"""Mails that must never cause another one are sent with the null reverse-path (RFC 5321, 4.5.5)."""
_LEFT_OUT = re.compile(rb"^" + LEFT_OUT_HEADER.encode() + rb": ([0-9, ]+)\r$", re.MULTILINE)


@dataclass(slots=True)
class MailPerformer:
    """The performer of the mail lane."""

    mailer: Mailer
    homeserver: Homeserver
    names: Names
    clock: Clock
    organisation: Organisation
    settings: MailSettings
    backoff: Backoff = MAIL

    async def perform(self, task: Task) -> Outcome:
        """Submit the mail, with the same bytes on every try. Raises port errors."""
        body = task.body
        if body is None:
            body = compose(await self._mail(task.effect))
            if self.settings.signer is not None:  # a large mail takes a while
                body = await asyncio.to_thread(self.settings.signer.sign, body)
        sender, recipient = self._envelope(task.effect)
        if task.handing_over:
            log.warning("mail.again", row=task.id)  # it may arrive twice, with one Message-ID
        await self._submit(task.id, sender, recipient, body)
        return self._handed_over(task.effect, body)

    async def _submit(self, task_id: int, sender: str, recipient: str, body: bytes) -> None:
        offered = False

        async def before_body() -> None:
            nonlocal offered
            await self.names.handing_over(task_id, body)
            offered = True

        try:
            await self.mailer.send(
                sender=sender, recipients=[recipient], message=body, before_body=before_body
            )
        except Ambiguous:
            raise
        except PortError:
            if offered:
                await self.names.not_taken(task_id)
            raise

    async def failed(self, task: Task, error: str) -> Outcome:
        """The owner learns that the patient did not get it."""
        effect = task.effect
        match effect:
            case fx.Answer():
                events = tuple(line.event_id for line in effect.lines)
                failed = AnswerFailed(effect.number, events, error)
                return Outcome(question_id=effect.question_id, events=(failed,))
            case fx.Acknowledge():
                aside = MailSetAside(effect.key, "refused")
                return Outcome(question_id=effect.question_id, events=(aside,))
            case fx.TellPatient():
                return Outcome(question_id=effect.question_id, events=(NoticeFailed(effect.key, error),))
            case _:
                return Outcome()

    def _handed_over(self, effect: fx.Effect, body: bytes) -> Outcome:
        """Sent; and what didn't fit into it, which the kept mail itself says, however often it was tried."""
        if not isinstance(effect, fx.Answer):
            return Outcome()
        events: list[Event] = [AnswerHandedOver(effect.number, tuple(line.event_id for line in effect.lines))]
        found = _LEFT_OUT.search(body.partition(b"\r\n\r\n")[0] + b"\r\n")
        for index in map(int, found[1].split(b",")) if found else ():
            file = effect.lines[index].attachment
            assert file is not None
            events.append(FileLeftOut(effect.number, index, file.name))
        return Outcome(question_id=effect.question_id, events=tuple(events))

    def _envelope(self, effect: fx.Effect) -> tuple[str, str]:
        match effect:
            case fx.Answer() | fx.Acknowledge() | fx.TellPatient():
                return bounce_address(effect.token, self.settings.domain), effect.address
            case fx.TellSender():
                return NULL_SENDER, effect.address
            case _:
                raise Permanent(f"not a mail: {type(effect).__name__}")

    async def _mail(self, effect: fx.Effect) -> OutgoingMail:
        return await Writer(self.homeserver, self.clock, self.organisation, self.settings).mail(effect)
