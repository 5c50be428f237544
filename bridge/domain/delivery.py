"""The owner's lines on their way to the patient: drafted, mailed, handed over or refused, sent again.

Every line that goes out carries its state as the bot's mark: ⏳ queued, ✅ handed over, ⚠️ refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.content import Line
from bridge.domain.replies import By, reply
from bridge.domain.state import (
    Decision,
    Outgoing,
    Policy,
    Question,
    Unmarked,
    in_room,
    latest,
    said,
    thread_of,
)

STOPPED = "stopped"
"""Why nothing is sent to an address whose patient wants no e-mails."""
HANDED_KEPT = 5
"""How many mails a question remembers that could still come back."""
SHOWN_AFTER_S = 0.25
"""A mail that has left by then is never shown as one that waits."""
MARKED_AFTER_S = 0.5
"""For so long no further mail has left when those that did are marked: each mark costs a homeserver as much
as a message, and what somebody says comes before how it is shown."""
MARKED_WITHIN_S = 10.0
"""When the first is that old the timer isn't set again: they are marked even if the owner writes on."""
QUEUED, SENT, REFUSED, AGAIN = "⏳", "✅", "⚠️", "🔁"


def drafted(question: Question, line: Line, now: datetime, policy: Policy) -> Decision:
    """A line for the patient: it waits for the quiet period, with those that follow within it."""
    if question.draft:
        return Decision(replace(question, draft=(*question.draft, line)), queued(question, line.event_id))
    number = question.draft_number + 1
    opened = replace(question, draft=(line,), draft_number=number)
    if policy.quiet_period_s <= 0:  # the mail is named first, and so begun first
        sent = mailed(opened, now)
        return replace(sent, effects=(*sent.effects, *queued(question, line.event_id, SHOWN_AFTER_S)))
    marks = queued(question, line.event_id)
    wake = fx.Wake(f"{question.id}:wake:{number}", question.id, number)
    return Decision(opened, (*marks, fx.Planned(wake, question.id, policy.quiet_period_s)))


def queued(question: Question, event_id: str, after_s: float = 0.0) -> tuple[fx.Planned, ...]:
    """The mark of a line that waits; not before the seal, when the line itself may yet be put back."""
    if not question.sealed:
        return ()
    mark = fx.React(_queued(question, event_id), question.room, event_id, symbol=QUEUED)
    return (fx.Planned(mark, question.id, after_s),)


def _queued(question: Question, event_id: str) -> str:
    return f"{question.id}:queued:{event_id}"


def unqueued(question: Question, event_id: str) -> fx.ClearMark:
    """That mark goes."""
    return fx.ClearMark.of(question.room, _queued(question, event_id))


def draft_due(question: Question, event: ev.DraftDue, now: datetime) -> Decision:
    """The quiet period is over: what is left of the draft becomes one mail."""
    if event.number != question.draft_number or not question.draft:
        return Decision(question)
    return mailed(question, now)


def flushed(question: Question, now: datetime) -> Decision:
    """What the owner has said goes out before the question moves on."""
    return mailed(question, now) if question.draft else Decision(question)


def mailed(question: Question, now: datetime, did: Did = Did.ANSWERED) -> Decision:
    """The draft as one mail."""
    lines = question.draft
    sent = replace(question, draft=(), mailed=latest(question.mailed, *(line.event_id for line in lines)))
    return _answer(sent, question.draft_number, lines, now, did)


def _answer(
    question: Question,
    number: int,
    lines: tuple[Line, ...],
    now: datetime,
    did: Did,
    *,
    correction: bool = False,
) -> Decision:
    key = f"{question.id}:answer:{number}"
    answer = fx.Answer(
        key=key,
        question_id=question.id,
        number=number,
        group=question.group,
        language=question.mail_language,
        owner=question.owner,
        owner_name=question.owner_name,
        address=question.address,
        name=question.name,
        subject=question.title,
        reference=question.reference,
        token=question.token,
        lines=lines,
        references=question.thread,
        correction=correction,
    )
    waited = question.waits_since is not None
    going = Outgoing(number, question.generation, lines)
    sent = replace(
        question,
        thread=thread_of((*question.thread, key)),
        draft_number=max(number, question.draft_number),
        outgoing=(*question.outgoing, going),
        waits_since=None,
        spoke_at=now,
        steps=() if waited else question.steps,
    )
    details = {"number": str(number), "events": ",".join(line.event_id for line in lines)}
    return Decision(sent, in_room(question, answer), (Act(key, did, question.owner, "", details),))


def handed_over(question: Question, event: ev.AnswerHandedOver, now: datetime) -> Decision:
    """The next mail server has the owner's answer; its lines show it when no further mail leaves."""
    act = Act(
        f"{question.id}:answer:{event.number}:sent",
        Did.DELIVERED,
        COLLOQUE,
        "",
        {"number": str(event.number)},
    )
    gone = tuple(o for o in question.outgoing if o.number == event.number)
    generation = gone[0].generation if gone else question.generation
    settled = replace(
        question,
        handed=(*question.handed, *gone)[-HANDED_KEPT:],
        outgoing=tuple(o for o in question.outgoing if o.number != event.number),
        unmarked=(*question.unmarked, Unmarked(event.number, generation, event.events, now)),
        answered_at=question.answered_at or now,
    )
    clears = [unqueued(question, event_id) for event_id in event.events]
    here = in_room(question, *clears) if generation == question.generation else ()
    wake = () if question.unmarked else (_wake_marks(question, event.number),)
    return Decision(settled, (*here, *wake), (act,))


def _wake_marks(question: Question, number: int) -> fx.Planned:
    wake = fx.WakeMarks(f"{question.id}:marks:{number}", question.id, number)
    return fx.Planned(wake, question.id, MARKED_AFTER_S)


def marks_due(question: Question, event: ev.MarksDue, now: datetime) -> Decision:
    """The lines of the mails that left show it, unless more have left since."""
    if not question.unmarked:
        return Decision(question)
    first, newest = question.unmarked[0], question.unmarked[-1]
    if newest.number > event.number and now - first.at < timedelta(seconds=MARKED_WITHIN_S):
        return Decision(question, (_wake_marks(question, newest.number),))
    marks = [
        _mark(question, f"answer:{mail.number}:sent", event_id, SENT)
        for mail in question.unmarked
        if mail.generation == question.generation
        for event_id in mail.events
    ]
    return Decision(replace(question, unmarked=()), in_room(question, *marks))


def left_out(question: Question, event: ev.FileLeftOut) -> Decision:
    """A file didn't reach the patient: said once, however often they try. Its name is its author's only."""
    name = event.name if question.owner else "…"
    return said(question, "file_left_out", f"{event.number}:{event.index}", name=name)


def refused(question: Question, event: ev.AnswerFailed) -> Decision:
    """The owner sees on the message, and in words, that the patient did not get it, and can send it again."""
    cause = f"answer:{event.number}:failed"
    kept = tuple(replace(o, refused=True) if o.number == event.number else o for o in question.outgoing)
    key = f"{question.id}:say:{cause}"
    values = {"reason": event.reason}
    message = "answer_stopped" if event.reason == STOPPED else "answer_failed"
    say = fx.Say(key, question.id, message, question.language, values, stem=question.stem)
    again = fx.React(f"{key}:again", question.room, sent=key, symbol=AGAIN)
    act = Act(f"{question.id}:{cause}", Did.FAILED, COLLOQUE, event.reason, {"number": str(event.number)})
    marks = _refusals(question, event.number, event.events, cause)
    return Decision(replace(question, outgoing=kept), (*marks, *in_room(question, say, again)), (act,))


def _refusals(question: Question, number: int, events: tuple[str, ...], cause: str) -> tuple[fx.Planned, ...]:
    """Each of a mail's lines shows that it was refused; not in a room that was left behind."""
    going = next((o for o in question.outgoing if o.number == number), None)
    if going is not None and going.generation != question.generation:
        return ()
    effects: list[fx.Effect] = []
    for event_id in events:
        effects += [unqueued(question, event_id), _mark(question, cause, event_id, REFUSED)]
    return in_room(question, *effects)


def _mark(question: Question, cause: str, event_id: str, symbol: str) -> fx.React:
    """The state of a mail on one of its lines, or on its copy."""
    shown = dict(question.exposed).get(event_id) or event_id
    return fx.React(f"{question.id}:{cause}:{event_id}", question.room, event_id=shown, symbol=symbol)


def resend(question: Question, by: By, _why: str, now: datetime, _policy: Policy) -> Decision:
    """Send again what was refused, as one mail."""
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    lost = [going for going in question.outgoing if going.refused]
    if not lost:
        return reply(question, by, "nothing_to_resend")
    lines = tuple(line for going in lost for line in going.lines)
    # Whoever sends again says that the address may be written to again.
    lift = fx.Suppress(f"{question.id}:lift:{by.event_id}", question.id, question.address, lifted=True)
    lifted = (lift,) if question.address else ()
    kept = replace(question, outgoing=tuple(o for o in question.outgoing if not o.refused))
    clears = [
        fx.ClearMark.of(question.room, f"{question.id}:answer:{going.number}:failed:{line.event_id}")
        for going in lost
        for line in going.lines
    ]
    # With an open draft they go as one mail, the older words first.
    number = kept.draft_number + (0 if kept.draft else 1)
    draft = replace(kept, draft=(*lines, *kept.draft), draft_number=number)
    sent = mailed(draft, now, Did.RESENT)
    assert sent.question is not None
    return Decision(kept, in_room(kept, *lifted, *clears)).then(sent).then(reply(sent.question, by, "resent"))


def correct(question: Question, by: By, _why: str, now: datetime, _policy: Policy) -> Decision:
    """Send the edit that came after its mail, as a correction."""
    if by.user_id != question.owner:
        return reply(question, by, "owner_only_here")
    if question.correction is None:
        return reply(question, by, "nothing_to_correct")
    sent = flushed(question, now)
    assert sent.question is not None
    base = replace(sent.question, correction=None)
    line = question.correction
    corrected = _answer(base, base.draft_number + 1, (line,), now, Did.CORRECTED, correction=True)
    assert corrected.question is not None
    marks = queued(base, line.event_id)
    return sent.then(Decision(base, marks)).then(corrected).then(reply(corrected.question, by, "corrected"))
