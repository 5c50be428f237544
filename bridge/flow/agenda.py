"""An owner's agenda: the video consultations of all the questions that someone owns."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.consulting import AgendaChecked, CheckAgenda, Conflict
from bridge.storage import questions

NOTHING = timedelta()


async def conflicts(connection: AsyncConnection, check: CheckAgenda) -> AgendaChecked:
    """The owner's other consultations that overlap this one, earliest first."""
    end = check.start + timedelta(minutes=check.minutes)
    found = [
        Conflict(video.start, video.minutes, question.reference)
        for question in await questions.owned_by(connection, check.owner)
        for video in question.videos
        if not video.cancelled
        and (question.id, video.number) != (check.question_id, check.number)
        and min(end, video.end) - max(check.start, video.start) > NOTHING
    ]
    return AgendaChecked(check, tuple(sorted(found, key=lambda conflict: conflict.start)))
