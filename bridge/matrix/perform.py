"""Performs the effects of the Matrix lane, each so that doing it twice changes nothing."""

from __future__ import annotations

from bridge.domain import effects as fx
from bridge.domain.drafting import Fresh, Relay
from bridge.domain.events import AnswerFailed, ExportFailed, PostFailed
from bridge.domain.opinions import ChoiceGathered, GatherChosen, NoteOpinion
from bridge.domain.organisation import Organisation
from bridge.flow.retry import MATRIX, Backoff
from bridge.matrix.acting import Acting
from bridge.matrix.announcing import Announcing
from bridge.matrix.badges import Badges
from bridge.matrix.botchat import BotChat
from bridge.matrix.exporting import Exporting, Transcripts
from bridge.matrix.house import House
from bridge.matrix.invited import Invited
from bridge.matrix.moving import Moving
from bridge.matrix.outlet import Handlers, Outlet
from bridge.matrix.posting import Clean, Posting
from bridge.matrix.present import Present
from bridge.matrix.private import Private
from bridge.matrix.replay import Replaying
from bridge.matrix.restore import Restorer
from bridge.matrix.seal import Seal
from bridge.ports import Outcome, Permanent, Task


class MatrixPerformer:
    """The performer of the Matrix lane: finds who performs an effect. ``more`` adds handlers."""

    backoff: Backoff = MATRIX

    def __init__(
        self,
        outlet: Outlet,
        organisation: Organisation,
        *,
        grant_at_once_up_to: int,
        acting: Acting | None = None,
        present: Present | None = None,
        transcripts: Transcripts | None = None,
        clean: Clean | None = None,
        more: Handlers | None = None,
    ) -> None:
        seal = Seal(outlet, organisation, grant_at_once_up_to, acting, present or Present())
        chat = BotChat(outlet)
        self.handlers: Handlers = {
            **seal.handlers,
            **Posting(outlet, seal, clean).handlers,
            **Announcing(outlet, organisation).handlers,
            **chat.handlers,
            **Exporting(outlet, chat, transcripts).handlers,
            **Restorer(outlet).handlers,
            **House(outlet, organisation, acting).handlers,
            **Private(outlet, organisation, acting).handlers,
            **Invited(outlet, organisation, acting).handlers,
            **Badges(outlet, acting).handlers,
            **Moving(outlet).handlers,
            **Replaying(outlet).handlers,
            **(more or {}),
        }

    async def perform(self, task: Task) -> Outcome:
        """Do what the effect says. Raises port errors."""
        handler = self.handlers.get(type(task.effect))
        if handler is None:
            raise Permanent(f"not a Matrix effect: {type(task.effect).__name__}")
        return await handler(task, task.effect)

    async def failed(self, task: Task, error: str) -> Outcome:
        """What can't be posted is told in the room, so that somebody asks the patient again."""
        effect = task.effect
        if isinstance(effect, fx.PostFile):
            told = PostFailed(effect.key, effect.attachment.name, error)
            return Outcome(question_id=effect.question_id, events=(told,))
        if isinstance(effect, Relay):
            events = tuple(line.event_id for line in effect.lines)
            refused = AnswerFailed(effect.number, events, error)
            return Outcome(question_id=effect.question_id, events=(refused,))
        if isinstance(effect, GatherChosen):
            nothing = ChoiceGathered(effect.number, (), ("failed",), Fresh("", "", ""))
            return Outcome(question_id=effect.question_id, events=(nothing,))
        if isinstance(effect, NoteOpinion):
            events = tuple(line.event_id for line in effect.said.lines)
            refused = AnswerFailed(effect.said.number, events, error)
            return Outcome(question_id=effect.linked, events=(refused,))
        if isinstance(effect, fx.PostText):
            return Outcome(question_id=effect.question_id, events=(PostFailed(effect.key, "", error),))
        if isinstance(effect, fx.Export):
            return Outcome(question_id=effect.question_id, events=(ExportFailed(effect.key, error),))
        return Outcome()
