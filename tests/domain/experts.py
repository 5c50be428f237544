"""Questions, choices and experts for the tests of tele-expertise."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from bridge import life
from bridge.domain import events as ev
from bridge.domain.commands import Command
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.drafting import Fresh
from bridge.domain.opinions import (
    Chosen,
    Link,
    Said,
)
from bridge.domain.organisation import ExpertGroup, Notify, Practitioner
from bridge.domain.question import decide
from bridge.domain.state import Decision, Policy, Question, Status

EXPERT = ev.Author("@expert:h.example", "Dr Expert", ev.Standing.MEMBER, "en")
OTHER = Practitioner("@other:h.example", "Dr Other", "en")
CARDIO = ExpertGroup(
    "cardio",
    "Cardiology",
    "cardio@h.example",
    (EXPERT.user_id, OTHER.user_id),
    Notify.ANNOUNCE,
    "en",
    fallback="derm",
)
PEOPLE = (*life.PEOPLE, Practitioner(EXPERT.user_id, EXPERT.name, "en"), OTHER)
POLICY = replace(
    life.POLICY,
    organisation=replace(
        life.POLICY.organisation,
        practitioners=PEOPLE,
        groups=(*life.POLICY.organisation.groups, CARDIO),
    ),
)
E = TypeVar("E")
LINKED = Fresh("linkedlinkedlink", "colloque_p_other", "ABC234")
MARK = "MARK-OPINION"
PHOTO = Attachment(Kind.IMAGE, "photo-1.jpg", "image/jpeg", 3, blob="f" * 64)
CHOSEN = (Chosen(True, "I am Marie Dupont, it itches."), Chosen(True, "", PHOTO))


def ordered(words: str, event_id: str = "$o", reply_to: str = "$words") -> ev.Ordered:
    line = Line(event_id, f"!opinion {words}")
    message = ev.MemberWrote(life.OWNER, event_id, line, internal=True)
    return ev.Ordered(message, Command("opinion", words), reply_to)


def on(question: Question, *events: ev.Event, policy: Policy = POLICY) -> Decision:
    decision = Decision(question)
    for event in events:
        assert decision.question is not None
        decision = decide(decision.question, event, life.NOW, policy)
    return decision


def state(decision: Decision) -> Question:
    assert decision.question is not None
    return decision.question


def only(decision: Decision, kind: type[E]) -> list[E]:
    return [plan.effect for plan in decision.effects if isinstance(plan.effect, kind)]


def taken() -> Question:
    return life.statuses()[Status.TAKEN]


def gathered(chosen: tuple[Chosen, ...] = CHOSEN) -> ev.ChoiceGathered:
    return ev.ChoiceGathered(1, chosen, (), LINKED)


def shown_one(words: str = "cardio: what of Marie?") -> Question:
    return state(on(taken(), ordered(words), gathered()))


def sending(number: int = 1, *, right: bool = True) -> ev.PreviewMarked:
    owner = life.OWNER
    return ev.PreviewMarked(owner.user_id, owner.name, owner.language, owner.standing, "$send", number, right)


def asked_one() -> Question:
    return state(on(shown_one(), sending()))


def answering(text: str, answers: str = "q1:consent:1") -> ev.PatientWrote:
    return ev.PatientWrote(f"m:{text[:8]}", text, (), "<m@x>", answers=answers)


def opened_one() -> Question:
    return state(on(asked_one(), answering("Oui.")))


def asked_of_expert(*, named: bool = False) -> ev.QuestionAsked:
    return ev.QuestionAsked(
        question_id=LINKED.question_id,
        group="cardio",
        members=(EXPERT.user_id,) if named else CARDIO.members,
        invite_members=False,
        language="en",
        subject="Opinion asked for by Dr Owner",
        address=life.OWNER.user_id,
        name=life.OWNER.name,
        text="it itches",
        files=(PHOTO,),
        message_id="",
        token="",
        ghost=LINKED.ghost,
        reference=LINKED.reference,
        link=Link("q1", life.OWNER.user_id, named),
    )


def taken_by_expert() -> Question:
    first = decide(None, asked_of_expert(), life.NOW, POLICY)
    return state(on(state(first), ev.HandRaised(EXPERT, "$hand"), ev.SealCompleted()))


def came(text: str = MARK, key: str = "a1") -> ev.OpinionTold:
    given = Said(key, 1, EXPERT.user_id, EXPERT.name, 0.0, (Line("$a", text),))
    return ev.OpinionTold(f"back:{key}", LINKED.question_id, said=given)
