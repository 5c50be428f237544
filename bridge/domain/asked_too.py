"""One mail to several groups is one question: whoever of them is first takes it, and nobody works twice.

The second group may take it as a fallback group may. Further ones are only named in the room.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import net
from bridge.domain.acts import PATIENT, Act, Did
from bridge.domain.arriving import AskedToo
from bridge.domain.organisation import Notify
from bridge.domain.patient import back
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said


def asked_too(question: Question, event: AskedToo, now: datetime, policy: Policy) -> Decision:
    """The patient addressed another group as well."""
    group = policy.organisation.group(event.group)
    if group is None or event.group in question.groups:
        return Decision(question)
    name = group.called(question.language)
    if question.status is not Status.WAITING:
        return _seen(question, event, now, policy, name)
    if question.also:
        return said(question, "asked_too_named", event.input_id, group=name)
    wide = net.widened(question, event.group)
    assert wide.question is not None
    effects = wide.effects
    if group.notify is Notify.INVITE and group.on_duty:
        invite = fx.InviteMembers(f"{question.stem}:invite:also", question.id, group.on_duty)
        effects = (*effects, *in_room(wide.question, invite))
    act = Act(f"{question.id}:asked-too:{event.group}", Did.WIDENED, PATIENT, event.group)
    told = said(wide.question, "asked_too", event.input_id, group=name)
    return Decision(wide.question, effects, (act,)).then(told)


def _seen(question: Question, event: AskedToo, now: datetime, policy: Policy, name: str) -> Decision:
    """Somebody has or had it already: it comes back to them, with the other group's name."""
    again = back(question, event.input_id, now, policy)
    assert again.question is not None
    told = said(again.question, "asked_too_named", event.input_id, group=name)
    return again.then(replace(told, question=again.question))
