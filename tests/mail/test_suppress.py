"""What isn't sent to somebody who wants no mail: who waits for it learns that, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.domain import effects as fx
from bridge.domain.delivery import STOPPED
from bridge.flow.retry import MAIL, Backoff
from bridge.mail.suppress import Suppressing
from bridge.ports import Outcome, Permanent, Task


@dataclass
class Inner:
    """The performer behind: ``asked`` what it was asked to do."""

    backoff: Backoff = MAIL
    asked: list[str] = field(default_factory=list)

    async def perform(self, task: Task) -> Outcome:
        self.asked.append("perform")
        return Outcome()

    async def failed(self, task: Task, error: str) -> Outcome:
        self.asked.append(error)
        return Outcome(question_id="told")


@dataclass
class Given:
    effect: Any
    started: bool = False
    handing_over: bool = False
    room: str = ""
    suppressed: str = ""


def _tell(message: str) -> fx.TellPatient:
    return fx.TellPatient(
        "k", "q", "derm", "fr", "marie@p.example", "Marie", "Titre", "K7X3M2", "t", message, ()
    )


@pytest.mark.parametrize(("message", "told"), [("closed", ""), ("consent", "told")])
async def test_only_who_waits_for_a_consent_learns_that_a_notice_was_not_sent(
    message: str, told: str
) -> None:
    inner = Inner()
    performer = Suppressing(inner, None)  # type: ignore[arg-type]
    task: Any = Given(_tell(message), suppressed=STOPPED)
    with pytest.raises(Permanent) as refused:
        await performer.perform(task)
    assert refused.value.code == STOPPED
    assert (await performer.failed(task, STOPPED)).question_id == told
    assert "perform" not in inner.asked


async def test_a_mail_that_waited_over_a_restart_or_an_outage_is_not_sent_either() -> None:
    inner = Inner()
    performer = Suppressing(inner, None)  # type: ignore[arg-type]
    tried: Any = Given(_tell("closed"), started=True, suppressed=STOPPED)
    with pytest.raises(Permanent):
        await performer.perform(tried)
    assert inner.asked == []
    taken: Any = Given(_tell("closed"), started=True, handing_over=True, suppressed=STOPPED)
    await performer.perform(taken)
    assert inner.asked == ["perform"]
