"""What was said in a question's former room, for those who read the next one."""

from __future__ import annotations

from bridge.domain import effects as fx
from bridge.domain.state import Policy, Question


def replayed(question: Question, policy: Policy, *, asked: bool, talked: bool) -> fx.Replay:
    """``asked``: what the group could read before it was taken; ``talked``: what came after the seal."""
    part = "asked" if asked else "talked"
    return fx.Replay(
        f"{question.stem}:{part}",
        question.id,
        question.stem,
        f"former:{question.id}:{question.generation - 1}",
        question.ghost,
        question.name,
        question.language,
        policy.time_zone,
        asked,
        talked,
        question.internal,
    )
