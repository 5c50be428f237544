"""Questions and people for the tests of decisions."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.domain import events as ev
from bridge.domain.commands import Place, parse
from bridge.domain.content import Line
from bridge.domain.effects import Effect
from bridge.domain.question import decide
from bridge.domain.state import Decision, Policy, Question

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT_ONCE = Policy(quiet_period_s=0)
QUIET = Policy(quiet_period_s=20)

CLAIRE = ev.Author("@claire:h.example", "Dr Claire Petit", ev.Standing.MEMBER)
PAUL = ev.Author("@paul:h.example", "Dr Paul Roux", ev.Standing.MEMBER)
NURSE = ev.Author("@nurse:h.example", "Inès Morel", ev.Standing.PRACTITIONER)
STRANGER = ev.Author("@eve:elsewhere.example", "@eve:elsewhere.example", ev.Standing.STRANGER)


def asked(**changes: object) -> ev.QuestionAsked:
    """A patient's new question."""
    values: dict[str, object] = {
        "question_id": "q1",
        "group": "derm",
        "members": (CLAIRE.user_id, PAUL.user_id),
        "invite_members": False,
        "language": "fr",
        "subject": "Un grain de beauté",
        "address": "marie@patients.example",
        "name": "Marie Dupont",
        "text": "Il a changé de couleur.",
        "files": (),
        "message_id": "<1@patients.example>",
        "token": "t" * 24,
        "ghost": "colloque_p_abc",
        "reference": "K7X3M2",
    }
    return ev.QuestionAsked(**(values | changes))  # type: ignore[arg-type]


def message(author: ev.Author, event_id: str, text: str = "Bonjour", **changes: object) -> ev.MemberWrote:
    """A text message in the question room."""
    values: dict[str, object] = {"author": author, "event_id": event_id, "line": Line(event_id, text)}
    return ev.MemberWrote(**(values | changes))  # type: ignore[arg-type]


def bot_asked(author: ev.Author, text: str, event_id: str = "$chat", **changes: object) -> ev.BotAsked:
    """A text in the author's bot chat."""
    values: dict[str, object] = {"author": author, "event_id": event_id, "line": Line(event_id, text)}
    values["command"] = parse(text, Place.BOT_CHAT)
    return ev.BotAsked(**(values | changes))  # type: ignore[arg-type]


def after(*events: ev.Event, policy: Policy = AT_ONCE) -> Decision:
    """What the last of these events brings, after the others."""
    decision = Decision(None)
    for event in events:
        decision = decide(decision.question, event, NOW, policy)
    return decision


def waiting() -> Question:
    """A question nobody has taken."""
    question = after(asked()).question
    assert question is not None
    return question


def kinds(decision: Decision) -> list[str]:
    """The names of the decided effects, in order."""
    return [type(plan.effect).__name__ for plan in decision.effects]


def only(decision: Decision, kind: type[Effect]) -> list[Effect]:
    """The decided effects of one kind."""
    return [plan.effect for plan in decision.effects if isinstance(plan.effect, kind)]
