"""The net under every question: what happens when nobody does anything, and when.

Each status has a next step, and each step a time: :func:`steps` lists them. The storage keeps the time of
the next one with the question, so that a restart forgets none, and lets the question know when it has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.domain import effects as fx
from bridge.domain import expertise, handing
from bridge.domain.acts import COLLOQUE, Act, Did
from bridge.domain.closing import archived_by_time
from bridge.domain.hours import later
from bridge.domain.letters import told_patient
from bridge.domain.linked import asked_in
from bridge.domain.organisation import Practitioner
from bridge.domain.replies import remind
from bridge.domain.state import Decision, Policy, Question, Status, counted, in_room


class Step(StrEnum):
    """What the net does."""

    REMIND = "remind"
    """A question waits: its group is reminded."""
    WIDEN = "widen"
    """It still waits: the fallback group may take it, too."""
    TELL_PATIENT = "tell_patient"
    """It still waits: the patient is told."""
    ALERT = "alert"
    """It still waits: the administrators are told, again and again."""
    NUDGE = "nudge"
    """The patient waits for the owner: the owner is reminded."""
    ALERT_SILENT = "alert_silent"
    """The patient still waits: the administrators are told."""
    GIVE_BACK = "give_back"
    """The patient still waits: the question goes back to its group."""
    IDLE = "idle"
    """Nobody waits, but nobody closes either: the owner is asked to, again and again."""
    TOLD = "told"
    """What can no longer be undone is told to the patient."""
    ARCHIVE = "archive"
    """Nobody came back to a closed question."""
    EXPIRE = "expire"
    """A colleague did not answer an offer."""
    LAPSE = "lapse"
    """The patient did not answer whether another expert may be asked."""


Due = tuple[datetime, Step]
LADDER = (Step.REMIND, Step.TELL_PATIENT, Step.ALERT, Step.NUDGE, Step.ALERT_SILENT, Step.GIVE_BACK)
"""Steps that say the same ever more urgently. Widening isn't one: it lets people in, whenever it comes."""
LATE = timedelta(hours=1)
"""A step that is due for longer was missed, by an outage or before an upgrade."""


def watched(question: Question, policy: Policy) -> Question:
    """The question with the time at which the net has to look at it again."""
    first = min((at for at, _ in steps(question, policy)), default=None)
    return question if first == question.alarm_at else replace(question, alarm_at=first)


def steps(question: Question, policy: Policy) -> Iterator[Due]:
    """What the net will do if nothing happens; each status but the last has at least one."""
    if question.undo is not None and Step.TOLD not in question.steps and _is_told(question):
        yield question.undo.until, Step.TOLD
    if question.offered_at is not None:
        yield _hours(question, policy, question.offered_at, policy.waits.handover_h), Step.EXPIRE
    if (lapses := expertise.lapses_at(question, policy)) is not None:
        yield lapses, Step.LAPSE
    match question.status:
        case Status.WAITING:
            yield from _of_waiting(question, policy)
        case Status.TAKEN:
            yield from _of_taken(question, policy)
        case Status.CLOSED | Status.WITHDRAWN:
            yield question.began + timedelta(hours=policy.waits.archive_h), Step.ARCHIVE
        case Status.ARCHIVED:
            return  # from here retention counts, and a mail of the patient


def _is_told(question: Question) -> bool:
    assert question.undo is not None
    released = question.status is Status.WAITING and question.undo.did == Did.RELEASED
    return released or question.status in (Status.CLOSED, Status.ARCHIVED)


def _hours(question: Question, policy: Policy, since: datetime, hours: float) -> datetime:
    return later(since, hours, policy.organisation.calendar(question.group))


def _of_waiting(question: Question, policy: Policy) -> Iterator[Due]:
    waits = policy.waits
    plan = [
        (Step.REMIND, waits.remind_h),
        (Step.TELL_PATIENT, waits.tell_patient_h),
        (Step.ALERT, waits.alert_h),
    ]
    group = policy.organisation.group(question.group)
    # For an opinion the patient agreed to one group, and to no other.
    if group is not None and group.fallback and not question.also and question.link is None:
        plan.append((Step.WIDEN, waits.widen_h))
    for step, hours in plan:
        if step not in question.steps:
            yield _hours(question, policy, question.began, hours), step
    if Step.ALERT in question.steps and question.step_at is not None:
        yield _hours(question, policy, question.step_at, waits.alert_h), Step.ALERT


def _of_taken(question: Question, policy: Policy) -> Iterator[Due]:
    waits = policy.waits
    since = question.waits_since
    if since is None:
        last = max(question.step_at or question.began, question.spoke_at or question.began, question.began)
        yield last + timedelta(hours=waits.idle_h), Step.IDLE
        return
    plan = [(Step.NUDGE, waits.silent_h), (Step.ALERT_SILENT, waits.silent_alert_h)]
    yield _hours(question, policy, since, waits.silent_release_h), Step.GIVE_BACK
    for step, hours in plan:
        if step not in question.steps:
            yield _hours(question, policy, since, hours), step


def rang(question: Question, now: datetime, policy: Policy) -> Decision:
    """Take every step whose time has come; a step that moves the question ends that."""
    due = sorted(due for due in steps(question, policy) if due[0] <= now)
    late = _passed_over(due, now)
    known = tuple(dict.fromkeys((*question.steps, *late)))
    decision = Decision(replace(question, rings=question.rings + 1, steps=known))
    for step in (step for _, step in due if step not in late):
        current = decision.question
        assert current is not None
        if (current.status, current.generation) != (question.status, question.generation):
            break
        noted = replace(current, steps=tuple(dict.fromkeys((*current.steps, step))), step_at=now)
        decision = replace(decision, question=noted).then(TAKE[step](noted, now, policy))
    return decision.then(_asked_in_again(question, decision.question, policy)) if due else decision


def _asked_in_again(before: Question, question: Question | None, policy: Policy) -> Decision:
    """Where people come in by invitation only, who has become a member since then is asked in, too."""
    if question is None or question.status is not Status.WAITING or question.generation != before.generation:
        return Decision(question)
    invites = asked_in(question, policy, f"{question.turn}:{question.rings}")
    return Decision(question, in_room(question, *invites))


def _passed_over(due: Sequence[Due], now: datetime) -> tuple[Step, ...]:
    """Steps that nobody needs any more, since a later one is due as well.

    After an outage or an upgrade a question may be late for all of them: only the last one speaks then,
    so that nobody gets a row of reminders, or a patient of mails, at once.
    """
    last = max((at for at, step in due if step in LADDER), default=now)
    return tuple(step for at, step in due if step in LADDER and at < last and now - at > LATE)


Take = Callable[[Question, datetime, Policy], Decision]


def _remind(question: Question, now: datetime, policy: Policy) -> Decision:
    people = members(question, policy)
    told = tuple(
        remind(
            question,
            p.user_id,
            p.language,
            "remind_waiting",
            f"{question.turn}:{question.rings}",
            since=_age(question, now),
        )
        for p in people
    )
    return Decision(question, told, (_act(question, Did.REMINDED, "waiting", len(people)),))


def members(question: Question, policy: Policy) -> tuple[Practitioner, ...]:
    """The practitioners who may take it and are there."""
    organisation = policy.organisation
    groups = (organisation.group(key) for key in question.groups)
    nobody = (question.asker, question.about)
    ids = [m for group in groups if group for m in group.on_duty if m not in nobody]
    people = (
        organisation.practitioner(user_id) for user_id in dict.fromkeys(ids) if user_id not in policy.away
    )
    return tuple(person for person in people if person is not None)


def _widen(question: Question, now: datetime, policy: Policy) -> Decision:
    group = policy.organisation.group(question.group)
    assert group is not None
    wide = widened(question, group.fallback)
    wider = replace(question, also=group.fallback)
    told = tuple(
        remind(
            wider,
            p.user_id,
            p.language,
            "remind_widened",
            f"{question.turn}:{question.rings}",
            since=_age(question, now),
        )
        for p in members(replace(question, group=group.fallback), policy)
    )
    act = _act(question, Did.WIDENED, group.fallback, len(told))
    return Decision(wide.question, (*wide.effects, *told), (act,))


def widened(question: Question, also: str) -> Decision:
    """The members of a second group may take it as well."""
    wider = replace(question, also=also)
    qid, stem = question.id, question.stem
    card = f"{stem}:card:also"
    first = f"{stem}:asked" if question.generation > 1 else f"{stem}:ghost"
    effects: list[fx.Effect] = [
        fx.Widen(f"{stem}:widen", qid, wider.groups),
        fx.PostCard(card, qid, also, question.title, question.reference, question.language, first, stem),
        fx.React(f"{card}:hand", room=f"waiting:{also}", sent=card, symbol="🙋"),
    ]
    return Decision(wider, (*in_room(wider, *effects), counted(also, f"{stem}:widened")))


def _tell_patient(question: Question, _now: datetime, _policy: Policy) -> Decision:
    return told_patient(question, "still_waiting", f"{question.turn}")


def _alert(question: Question, now: datetime, policy: Policy) -> Decision:
    return alerted(question, "alert_waiting", now, policy)


def _alert_silent(question: Question, now: datetime, policy: Policy) -> Decision:
    return alerted(question, "alert_silent", now, policy)


def alerted(question: Question, message: str, now: datetime, policy: Policy) -> Decision:
    """Tell the administrators; where there are none, whoever may take it."""
    organisation = policy.organisation
    known = (p for p in organisation.practitioners if p.user_id in organisation.admins)
    admins = tuple(p for p in known if p.user_id != question.about)
    cause = f"{question.turn}:{question.rings}"
    told = tuple(
        remind(question, p.user_id, p.language, message, cause, urgent=True, since=_age(question, now))
        for p in admins or members(question, policy)
    )
    return Decision(question, told, (_act(question, Did.ADMINS_ALERTED, message, len(admins)),))


def unattended(question: Question, now: datetime, policy: Policy) -> Decision:
    """Nobody of the group is there: the patient was told; administrators and fallback group are, too."""
    noted = replace(question, steps=(Step.TELL_PATIENT, Step.ALERT), step_at=now)
    told = alerted(noted, "alert_unattended", now, policy)
    group = policy.organisation.group(question.group)
    if group is None or not group.fallback or question.link is not None:
        return told
    wide = _widen(replace(noted, steps=(*noted.steps, Step.WIDEN)), now, policy)
    return told.then(wide)


def _nudge(question: Question, now: datetime, policy: Policy) -> Decision:
    return _to_owner(question, "owner_silent", now, policy)


def _idle(question: Question, now: datetime, policy: Policy) -> Decision:
    return _to_owner(question, "owner_idle", now, policy)


def _to_owner(question: Question, message: str, now: datetime, policy: Policy) -> Decision:
    owner = policy.organisation.practitioner(question.owner)
    language = owner.language if owner else question.language
    cause = f"{question.turn}:{question.rings}"
    told = remind(question, question.owner, language, message, cause, since=_age(question, now))
    return Decision(question, (told,), (_act(question, Did.REMINDED, message, 1),))


def _give_back(question: Question, now: datetime, policy: Policy) -> Decision:
    return handing.requeued(question, now, policy, actor=COLLOQUE, why="", code="silent")


def _told(question: Question, _now: datetime, _policy: Policy) -> Decision:
    message = "released" if question.status is Status.WAITING else "closed"
    return told_patient(question, message, f"{question.turn}")


def _age(question: Question, now: datetime) -> str:
    """How long it has been so, in whole hours, or minutes below one."""
    minutes = int((now - (question.waits_since or question.spoke_at or question.began)).total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def _act(question: Question, did: Did, why: str, people: int) -> Act:
    key = f"{question.id}:{did}:{question.turn}:{question.rings}:{why}"
    return Act(key, did, COLLOQUE, why, {"people": str(people)})


TAKE: dict[Step, Take] = {
    Step.REMIND: _remind,
    Step.WIDEN: _widen,
    Step.TELL_PATIENT: _tell_patient,
    Step.ALERT: _alert,
    Step.NUDGE: _nudge,
    Step.ALERT_SILENT: _alert_silent,
    Step.GIVE_BACK: _give_back,
    Step.IDLE: _idle,
    Step.TOLD: _told,
    Step.ARCHIVE: archived_by_time,
    Step.EXPIRE: handing.expired,
    Step.LAPSE: expertise.lapsed,
}
"""Who takes each step."""
