"""A practitioner leaves a room that is theirs by the organisation: they stay out, and know the way back."""

from __future__ import annotations

from datetime import datetime

from bridge.domain import effects as fx
from bridge.domain import events as ev
from bridge.domain.commands import SIGN, TABLE
from bridge.domain.house import Depart
from bridge.domain.state import Decision, Question

ROOMS = (
    "organisation",
    "group",
    "waiting",
    "discussion",
    "personal",
    "personal-questions",
    "personal-private",
    "personal-archives",
)
"""How the keys of these rooms begin."""


def went_out(question: Question | None, event: ev.WentOut, now: datetime) -> Decision:
    """Told once a day, however many rooms they leave. Without the organisation's space, nobody reaches them:
    what patients wait for goes back to the groups."""
    author = event.author
    whole = event.room == "organisation"
    word = next(spec for spec in TABLE if spec.name == "return").word(author.language)
    phrase = fx.Phrase("house.went_out_of_all" if whole else "house.went_out", {"command": SIGN + word})
    day = f"{now:%Y-%m-%d}" + (":all" if whole else "")
    tell = fx.TellAll(f"went-out:{author.user_id}:{day}", author.user_id, author.language, (phrase,))
    effects: tuple[fx.Effect, ...] = (tell,)
    if whole:
        effects = (tell, Depart(f"out:{event.event_id}", author.user_id, "absent"))
    return Decision(question, tuple(fx.Planned(effect, f"bot:{author.user_id}") for effect in effects))
