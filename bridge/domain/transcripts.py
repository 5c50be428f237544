"""The transcript of a question: the owner asks for it, and it is on record that they did."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import Act, Did
from bridge.domain.answers import answered
from bridge.domain.commands import Command
from bridge.domain.state import Decision, Policy, Question, said


def ordered(
    question: Question, event: ev.Ordered, _command: Command, _now: datetime, _policy: Policy
) -> Decision:
    """« !export »: the documents go to the owner's bot chat: there no patient and no successor reads them."""
    author, event_id = event.message.author, event.message.event_id
    key = f"{question.id}:export:{event_id}"
    values = {"title": question.title, "reference": question.reference}
    export = fx.Export(key, question.id, author.user_id, author.language, author.name, values)
    coming = answered(question, event, (fx.Phrase("bot.export_coming"),))
    # Writing it takes a while, and nothing in the room waits for it.
    planned = fx.Planned(export, key)
    act = Act(key, Did.EXPORTED, author.user_id)
    return replace(coming, effects=(*coming.effects, planned), acts=(act,))


def failed(question: Question, event: ev.ExportFailed) -> Decision:
    """The transcript could not be brought: the room is told."""
    return said(question, "export_failed", event.effect_key, reason=event.reason)
