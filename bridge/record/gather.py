"""Gathers a transcript from what is stored, effects, inputs and acts; the homeserver isn't asked."""

from __future__ import annotations

import email
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain import effects as fx
from bridge.domain.acts import Did
from bridge.domain.commands import SIGN
from bridge.domain.opinions import NoteOpinion
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.domain.wording import asked_by_colleague
from bridge.locale import text
from bridge.record.transcript import Entry, File, Recorded, Transcript
from bridge.storage import acts, inbox, registry
from bridge.storage.codec import decode_effect
from bridge.storage.schema import FAILED, SENT, outbox

SAID = ("PostText", "PostFile", "Answer", "Acknowledge", "TellPatient", "NoteOpinion")
"""Effects that carry what somebody said, or what the service wrote to the patient."""

STATES = {SENT: "sent", FAILED: "failed"}


@dataclass(frozen=True, slots=True)
class Sources:
    """What a transcript is made with."""

    connection: AsyncConnection
    organisation: Organisation
    language: str


async def gather(sources: Sources, question: Question, *, made_at: datetime, made_by: str) -> Transcript:
    """Everything that happened in a question, as it is stored now."""
    group = sources.organisation.group(question.group)
    return Transcript(
        question_id=question.id,
        reference=question.reference,
        title=question.title,
        status=question.status.value,
        organisation=sources.organisation.name,
        group=group.name if group else question.group,
        owner=question.owner_name,
        requester=question.name,
        address=question.address,
        asked_at=question.asked_at,
        time_zone=sources.organisation.time_zone,
        made_at=made_at,
        made_by=made_by,
        entries=tuple(await _entries(sources, question)),
        acts=tuple(await _acts(sources, question)),
        by_colleague=asked_by_colleague(question, sources.organisation),
    )


async def _acts(sources: Sources, question: Question) -> list[Recorded]:
    people = {"patient": question.name, "colloque": "Colloque", question.owner: question.owner_name}

    def known(actor: str) -> str:
        practitioner = sources.organisation.practitioner(actor)
        return practitioner.name if practitioner else people.get(actor, actor)

    return [
        Recorded(
            datetime.fromtimestamp(done.at, UTC),
            known(done.act.actor),
            done.act.actor,
            done.act.did,
            done.act.why,
            tuple(sorted(done.act.details.items())),
        )
        for done in await acts.of_question(sources.connection, question.id)
    ]


async def _entries(sources: Sources, question: Question) -> list[Entry]:
    query = (
        sa.select(outbox)
        .where(outbox.c.about == question.id, outbox.c.kind.in_(SAID))
        .order_by(outbox.c.created_at, outbox.c.id)
    )
    entries: list[Entry] = []
    for row in await sources.connection.execute(query):
        effect = decode_effect(row.kind, row.payload)
        entries += await _said(sources, question, effect, row)
    entries += await _notes(sources, question)
    return sorted(entries, key=lambda entry: entry.at)


async def _notes(sources: Sources, question: Question) -> list[Entry]:
    """The owners' notes, which stand in the room and never left it."""
    found = []
    for done in await acts.of_question(sources.connection, question.id):
        if done.act.did != Did.NOTED or "event" not in done.act.details:
            continue
        stored = await inbox.by_key(sources.connection, f"matrix:{done.act.details['event']}")
        if stored is None or not stored.payload:
            continue
        practitioner = sources.organisation.practitioner(done.act.actor)
        words = str(json.loads(stored.payload).get("content", {}).get("body", ""))
        command, _, rest = words.partition(" ")
        words = rest.strip() if command.startswith(SIGN) else words
        who = practitioner.name if practitioner else done.act.actor
        found.append(Entry(datetime.fromtimestamp(done.at, UTC), who, "owner", words, internal=True))
    return found


async def _said(sources: Sources, question: Question, effect: fx.Effect, row: Any) -> Sequence[Entry]:
    at = datetime.fromtimestamp(row.created_at, UTC)
    match effect:
        case fx.PostText():
            return [Entry(at, question.name, "patient", effect.text)]
        case fx.PostFile():
            attachment = effect.attachment
            content = await registry.blob(sources.connection, attachment.blob)
            file = File(attachment.name, attachment.mimetype, content)
            return [Entry(at, question.name, "patient", files=(file,))]
        case fx.Answer():
            return [_answer(effect, row, at)]
        case fx.Acknowledge():
            words = text(effect.language, "mail.acknowledgement", group=effect.group)
            return [_mailed(Entry(at, "Colloque", "service", words), row)]
        case fx.TellPatient():
            words = text(effect.language, f"notice.{effect.message}", **effect.values)
            return [_mailed(Entry(at, "Colloque", "service", words), row)]
        case NoteOpinion():
            return [_opinion(effect, at)]
        case _:
            return []


def _opinion(effect: NoteOpinion, at: datetime) -> Entry:
    """What another expert said of it, which stands in the room and was never sent."""
    given = effect.said
    words = "\n\n".join(line.text for line in given.lines if line.text)
    files = tuple(
        File(line.attachment.name, line.attachment.mimetype, None) for line in given.lines if line.attachment
    )
    return Entry(at, given.name, "colleague", words, files, internal=True)


def _answer(effect: fx.Answer, row: Any, at: datetime) -> Entry:
    words = "\n\n".join(line.text for line in effect.lines if line.text)
    files = _attached(row.body) if row.body else ()
    named = {file.name for file in files}
    missing = tuple(
        File(line.attachment.name, line.attachment.mimetype, None)
        for line in effect.lines
        if line.attachment is not None and not files and line.attachment.name not in named
    )
    return _mailed(Entry(at, effect.owner_name, "owner", words, (*files, *missing)), row)


def _attached(raw: bytes) -> tuple[File, ...]:
    """The files of one of our own mails, as they went out."""
    message: Message = email.message_from_bytes(raw)
    return tuple(
        File(name, part.get_content_type(), payload)
        for part in message.walk()
        if (name := part.get_filename()) and isinstance(payload := part.get_payload(decode=True), bytes)
    )


def _mailed(entry: Entry, row: Any) -> Entry:
    finished = datetime.fromtimestamp(row.finished_at, UTC) if row.finished_at else None
    return Entry(
        entry.at,
        entry.who,
        entry.role,
        entry.text,
        entry.files,
        STATES.get(row.status, "queued"),
        finished,
        row.error or "",
    )
