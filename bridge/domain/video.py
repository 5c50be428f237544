"""Video consultations: arranged, moved and cancelled by the owner; the patient's calendar answers.

A consultation keeps its number, its link and its calendar UID for ever; every change raises its sequence.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.acts import COLLOQUE, PATIENT, Act, Did
from bridge.domain.answers import answered
from bridge.domain.commands import Command, folded
from bridge.domain.consulting import Video, uid
from bridge.domain.content import Meeting
from bridge.domain.dates import DateProblem, read_appointment, spoken
from bridge.domain.letters import tell_patient
from bridge.domain.state import Decision, Policy, Question, Status, in_room, said

MOST_AHEAD = 5
"""Consultations of one question that may lie ahead at a time."""
KEPT = 20
_MOVE = ("deplacer", "reporter", "decaler", "move", "reschedule", "postpone")
_CANCEL = ("annuler", "supprimer", "cancel", "delete")
_ANYWAY = re.compile(r"\s+(?:quand m[êe]me|anyway)\s*[.!]?$", re.IGNORECASE)
_NUMBER = re.compile(r"(?:n\s?°|no?\.?|#)?\s*(\d{1,3})(?:\s+|$)", re.IGNORECASE)


def ordered(
    question: Question, event: ev.Ordered, command: Command, now: datetime, policy: Policy
) -> Decision:
    """« !visio demain 14h30 20min », « !visio déplacer … », « !visio annuler », or alone: what there is."""
    if not policy.video.link:
        return answered(question, event, (fx.Phrase("bot.video_unconfigured"),))
    if question.link is not None:
        return answered(question, event, (fx.Phrase("bot.opinion_no_video"),))
    if question.status is not Status.TAKEN:
        return answered(question, event, (fx.Phrase("bot.video_not_open"),))
    word, _, rest = command.argument.partition(" ")
    if not word:
        return answered(question, event, (*_listed(question, event, now, policy), _usage(event)))
    if folded(word) in _CANCEL:
        return _cancel(question, event, rest.strip(), now, policy)
    if folded(word) in _MOVE:
        return _move(question, event, rest.strip(), now, policy)
    if len(ahead(question, now)) >= MOST_AHEAD:
        return answered(
            question, event, (fx.Phrase("bot.video_too_many"), *_listed(question, event, now, policy))
        )
    return _look(question, event, 0, command.argument, now, policy)


def ahead(question: Question, now: datetime) -> tuple[Video, ...]:
    """The consultations that are not over."""
    return tuple(video for video in question.videos if not video.cancelled and video.end > now)


def _usage(event: ev.Ordered) -> fx.Phrase:
    return fx.Phrase("bot.video_usage")


def _listed(question: Question, event: ev.Ordered, now: datetime, policy: Policy) -> tuple[fx.Phrase, ...]:
    lines = _standing(question, event.message.author.language, now, policy)
    return lines or (fx.Phrase("bot.video_none"),)


def told_new_owner(question: Question, now: datetime, policy: Policy) -> tuple[fx.Effect, ...]:
    """Whoever takes over learns which consultations were arranged before them."""
    lines = _standing(question, question.language, now, policy)
    return (fx.SayAll(f"{question.stem}:videos", question.id, question.language, lines),) if lines else ()


def _standing(question: Question, language: str, now: datetime, policy: Policy) -> tuple[fx.Phrase, ...]:
    return tuple(
        fx.Phrase(
            f"bot.video_listed{'_' + video.answer if video.answer else ''}", _values(video, policy, language)
        )
        for video in ahead(question, now)
    )


def _values(video: Video, policy: Policy, language: str) -> dict[str, str]:
    return {
        "number": str(video.number),
        "when": spoken(video.start, policy.time_zone, language),
        "minutes": str(video.minutes),
        "link": video.link,
    }


# --- arrange and move ---


def _look(
    question: Question, event: ev.Ordered, number: int, words: str, now: datetime, policy: Policy
) -> Decision:
    """Understand the date, and look into the owner's agenda before anybody is told."""
    language = event.message.author.language
    plain = _ANYWAY.sub("", f" {words}").strip()
    known = next((video for video in question.videos if video.number == number), None)
    minutes = known.minutes if known else policy.video.minutes
    try:
        found = read_appointment(plain, now, policy.time_zone, language=language, minutes=minutes)
    except DateProblem as problem:
        return answered(question, event, (fx.Phrase(f"bot.date_{problem.code}", {"word": problem.word}),))
    check = fx.CheckAgenda(
        key=f"{question.id}:agenda:{event.message.event_id}",
        question_id=question.id,
        owner=question.owner,
        language=language,
        number=number,
        start=found.start,
        minutes=found.minutes,
        words=(f"{number} " if number else "") + plain,
        anyway=plain != words.strip(),
    )
    return Decision(question, in_room(question, check))


def _move(question: Question, event: ev.Ordered, rest: str, now: datetime, policy: Policy) -> Decision:
    coming = ahead(question, now)
    numbered = _NUMBER.match(rest)
    if numbered and any(video.number == int(numbered[1]) for video in coming):
        words = rest[numbered.end() :]
        if words and _is_date(words, now, policy):
            return _look(question, event, int(numbered[1]), words, now, policy)
    if len(coming) == 1:
        return _look(question, event, coming[0].number, rest, now, policy)
    return _which(question, event, now, policy)


def _is_date(words: str, now: datetime, policy: Policy) -> bool:
    """Whether « 2 mai 10h » is about the consultation number 2, or about the second of May."""
    try:
        read_appointment(_ANYWAY.sub("", f" {words}"), now, policy.time_zone)
    except DateProblem as problem:
        return problem.code != "not_understood"
    return True


def _which(question: Question, event: ev.Ordered, now: datetime, policy: Policy) -> Decision:
    listed = _listed(question, event, now, policy)
    several = (fx.Phrase("bot.video_which"),) if ahead(question, now) else ()
    return answered(question, event, (*several, *listed))


def agenda_checked(question: Question, event: ev.AgendaChecked, now: datetime, policy: Policy) -> Decision:
    """The owner's agenda is known: a conflict is told, else the consultation stands."""
    asked = event.asked
    if question.owner != asked.owner or question.status is not Status.TAKEN:
        return Decision(question)
    if event.conflicts and not asked.anyway:
        return _conflicting(question, event, policy)
    known = next((video for video in question.videos if video.number == asked.number), None)
    if known is None:
        number = max((video.number for video in question.videos), default=0) + 1
        link = policy.video.link.replace("{room}", room_name(policy.video.secret, asked.key))
        video = Video(number, asked.start, asked.minutes, link)
        return _settled(question, video, "arranged", asked, now, policy)
    if known.cancelled:
        return _say(question, asked, (fx.Phrase("bot.video_none"),))
    video = replace(known, start=asked.start, minutes=asked.minutes, sequence=known.sequence + 1, answer="")
    return _settled(question, video, "moved", asked, now, policy)


def room_name(secret: str, cause: str) -> str:
    """The name of a room that nobody can guess: 130 bits, from the installation's secret and the cause."""
    digest = hmac.digest(secret.encode(), f"video:{cause}".encode(), hashlib.sha256)
    return base64.b32encode(digest).decode().lower()[:26]


def _conflicting(question: Question, event: ev.AgendaChecked, policy: Policy) -> Decision:
    asked = event.asked
    lines = tuple(
        fx.Phrase(
            "bot.video_conflict",
            {
                "when": spoken(conflict.start, policy.time_zone, asked.language),
                "minutes": str(conflict.minutes),
                "reference": conflict.reference,
            },
        )
        for conflict in event.conflicts
    )
    again = fx.Phrase("bot.video_move_anyway" if asked.number else "bot.video_anyway", {"words": asked.words})
    return _say(question, asked, (*lines, again))


def _say(question: Question, asked: fx.CheckAgenda, phrases: tuple[fx.Phrase, ...]) -> Decision:
    say = fx.SayAll(f"{asked.key}:said", question.id, asked.language, phrases)
    return Decision(question, in_room(question, say))


def _settled(
    question: Question, video: Video, done: str, asked: fx.CheckAgenda, now: datetime, policy: Policy
) -> Decision:
    """The consultation stands (``done``: ``arranged`` or ``moved``): room, patient and reminder follow."""
    kept = _with(question, video)
    values = _values(video, policy, asked.language)
    phrases = (
        fx.Phrase(f"bot.video_{done}", values),
        fx.Phrase("bot.video_change", {"number": str(video.number)}),
    )
    told = _patient(kept, video, f"video_{done}", policy)
    assert told.question is not None
    act = Act(
        f"{question.id}:video:{video.number}:{video.sequence}",
        Did.VIDEO_MOVED if video.sequence else Did.VIDEO_ARRANGED,
        question.owner,
        "",
        {
            "number": str(video.number),
            "start": video.start.isoformat(timespec="minutes"),
            "minutes": str(video.minutes),
        },
    )
    said_so = _say(told.question, asked, phrases)
    return told.then(said_so).then(Decision(told.question, _reminder(kept, video, now, policy), (act,)))


def _with(question: Question, video: Video) -> Question:
    others = tuple(known for known in question.videos if known.number != video.number)
    return replace(question, videos=(*others, video)[-KEPT:])


def _patient(question: Question, video: Video, message: str, policy: Policy) -> Decision:
    meeting = Meeting(
        uid(question.id, video.number),
        video.sequence,
        video.start,
        video.minutes,
        video.link,
        policy.video.remind_min,
        video.cancelled,
    )
    key = f"{question.id}:mail:{message}:{video.number}:{video.sequence}"
    values = _values(video, policy, question.mail_language)
    reminding = message == "video_soon"
    return tell_patient(question, key, message, values, None if reminding else meeting)


def _reminder(question: Question, video: Video, now: datetime, policy: Policy) -> tuple[fx.Planned, ...]:
    wait = video.start - timedelta(minutes=policy.video.remind_min) - now
    if policy.video.remind_min <= 0 or wait <= timedelta():
        return ()  # they are told right now
    key = f"{question.id}:video:{video.number}:{video.sequence}:due"
    wake = fx.WakeVideo(key, question.id, video.number, video.sequence)
    return (fx.Planned(wake, question.id, wait.total_seconds()),)


def due(question: Question, event: ev.VideoDue, now: datetime, policy: Policy) -> Decision:
    """It is time to remind both, unless the consultation was moved or cancelled meanwhile."""
    video = next((video for video in ahead(question, now) if video.number == event.number), None)
    if video is None or video.sequence != event.sequence:
        return Decision(question)
    cause = f"{video.number}:{video.sequence}"
    values = _values(video, policy, question.language)
    if question.status is not Status.TAKEN:
        # Others may read a waiting room: the link is the owner's and the patient's.
        return said(question, "video_soon_unowned", cause, **{**values, "link": ""})
    act = Act(
        f"{question.id}:video:{cause}:reminded",
        Did.VIDEO_REMINDED,
        COLLOQUE,
        "",
        {"number": str(video.number)},
    )
    told = _patient(question, video, "video_soon", policy)
    assert told.question is not None
    return told.then(replace(said(told.question, "video_soon", cause, **values), acts=(act,)))


# --- cancel and answer ---


def _cancel(question: Question, event: ev.Ordered, rest: str, now: datetime, policy: Policy) -> Decision:
    coming = ahead(question, now)
    numbered = _NUMBER.fullmatch(rest)
    if rest and not numbered:
        return _which(question, event, now, policy)
    chosen = [video for video in coming if numbered is None or video.number == int(numbered[1])]
    if len(chosen) != 1:
        return _which(question, event, now, policy)
    video = replace(chosen[0], cancelled=True, sequence=chosen[0].sequence + 1, answer="")
    told = _patient(_with(question, video), video, "video_cancelled", policy)
    assert told.question is not None
    values = _values(video, policy, event.message.author.language)
    key = f"{question.id}:video:{video.number}:{video.sequence}"
    act = Act(key, Did.VIDEO_CANCELLED, question.owner, "", {"number": str(video.number)})
    said_so = answered(told.question, event, (fx.Phrase("bot.video_cancelled", values),))
    return told.then(replace(said_so, acts=(act,)))


def invitation_answered(question: Question, event: ev.InvitationAnswered, policy: Policy) -> Decision:
    """The patient's calendar answered; an answer to what has changed since is told as such."""
    video = next((video for video in question.videos if video.number == event.number), None)
    if video is None or video.cancelled:
        return Decision(question)
    current = event.sequence == video.sequence
    message = f"video_{event.answer}" if current else "video_answered_before"
    values = _values(video, policy, question.language)
    details = {"number": str(video.number), "sequence": str(event.sequence)}
    act = Act(
        f"{question.id}:video:answer:{event.input_id}", Did.VIDEO_ANSWERED, PATIENT, event.answer, details
    )
    kept = _with(question, replace(video, answer=event.answer)) if current else question
    return replace(said(kept, message, event.input_id, **{**values, "link": ""}), acts=(act,))
