"""Performs the effects of the Matrix lane, each so that doing it twice changes nothing."""

from __future__ import annotations

from html import escape

from bridge.domain import effects as fx
from bridge.domain.events import PostFailed
from bridge.domain.organisation import Organisation
from bridge.flow.retry import MATRIX, Backoff
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.botchat import BotChat
from bridge.matrix.outlet import Outlet
from bridge.matrix.restore import Restorer
from bridge.matrix.seal import Seal
from bridge.ports import Json, Outcome, Permanent, Task


class MatrixPerformer:
    """The performer of the Matrix lane."""

    backoff: Backoff = MATRIX

    def __init__(self, outlet: Outlet, organisation: Organisation, *, grant_at_once_up_to: int) -> None:
        self._outlet = outlet
        self._homeserver = outlet.homeserver
        self._place = outlet.place
        self._organisation = organisation
        self._seal = Seal(outlet, grant_at_once_up_to)
        self._chat = BotChat(outlet)
        self._restorer = Restorer(outlet)

    async def perform(self, task: Task) -> Outcome:
        """Do what the effect says. Raises port errors."""
        effect = task.effect
        match effect:
            case fx.Lock():
                return await self._seal.lock(effect)
            case fx.CloseJoin():
                return await self._seal.close_join(effect)
            case fx.HideHistory():
                return await self._seal.hide_history(effect)
            case fx.RemoveOthers():
                return await self._seal.remove_others(effect)
            case fx.CoverExposed():
                return await self._seal.cover_exposed(task, effect)
            case fx.GrantOwner():
                return await self._seal.grant(effect)
            case fx.RedactEvent():
                return await self._seal.redact_event(task, effect)
            case fx.Restore():
                return await self._restorer.restore(task, effect)
            case fx.HandBack():
                return await self._chat.hand_back(task, effect)
            case _:
                return await self._post(task)

    async def failed(self, task: Task, error: str) -> Outcome:
        """What can't be posted is told in the room, so that somebody asks the patient again."""
        effect = task.effect
        if isinstance(effect, fx.PostFile):
            told = PostFailed(effect.key, effect.attachment.name, error)
            return Outcome(question_id=effect.question_id, events=(told,))
        if isinstance(effect, fx.PostText):
            return Outcome(question_id=effect.question_id, events=(PostFailed(effect.key, "", error),))
        return Outcome()

    async def _post(self, task: Task) -> Outcome:
        effect = task.effect
        match effect:
            case fx.CreateQuestionRoom():
                return await self._create(effect)
            case fx.JoinGhost():
                return await self._join_ghost(effect)
            case fx.PostText():
                return await self._post_text(task, effect)
            case fx.PostFile():
                return await self._post_file(task, effect)
            case fx.Say():
                return await self._say(task, effect)
            case fx.PutBack():
                return await self._put_back(task, effect)
            case _:
                return await self._announce(task)

    async def _announce(self, task: Task) -> Outcome:
        effect = task.effect
        match effect:
            case fx.PostCard():
                return await self._post_card(task, effect)
            case fx.ListInSpace():
                return await self._list(effect)
            case fx.InviteMembers():
                return await self._invite(effect)
            case fx.CountWaiting():
                return await self._count(effect)
            case fx.RedactOwn():
                return await self._redact_own(effect)
            case fx.React():
                return await self._react(task, effect)
            case _:
                raise Permanent(f"not a Matrix effect: {type(effect).__name__}")

    # --- the question room ---

    async def _create(self, effect: fx.CreateQuestionRoom) -> Outcome:
        space = await self._outlet.room(f"group:{effect.group}")
        await self._homeserver.register(effect.ghost)
        content = rooms.question_room(
            alias=self._place.alias(f"q_{effect.question_id}"),
            name=f"{effect.title} · {effect.reference}",
            group_space=space,
            bot=self._place.bot,
            ghost=self._place.ghost(effect.ghost),
            room_version=self._place.room_version,
        )
        room_id = await self._homeserver.create_room(content)
        return Outcome(
            result={
                "room_id": room_id,
                "room_version": self._place.room_version,
                "group": effect.group,
            },
            rooms={f"question:{effect.question_id}": room_id},
        )

    async def _join_ghost(self, effect: fx.JoinGhost) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        ghost = self._place.ghost(effect.ghost)
        content = {"membership": "join", "displayname": effect.name}
        event_id = await self._homeserver.put_state(room_id, "m.room.member", ghost, content, as_user=ghost)
        return Outcome(result={"event_id": event_id})

    async def _relation(self, question_id: str, exposed: bool) -> Json:
        """What others can read must not become the root of a thread (see :func:`rooms.anchored_to`)."""
        return rooms.anchored_to(await self._outlet.earlier(f"{question_id}:ghost")) if exposed else {}

    async def _post_text(self, task: Task, effect: fx.PostText) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        relation = await self._relation(effect.question_id, effect.exposed)
        first = ""
        for number, part in enumerate(rooms.chunks(effect.text)):
            event_id = await self._outlet.send(
                room_id,
                rooms.words(part) | relation,
                key=f"{task.key}:{number}" if number else task.key,
                doubtful=task.started,
                as_user=self._place.ghost(effect.ghost),
            )
            first = first or event_id
        return Outcome(result={"event_id": first})

    async def _post_file(self, task: Task, effect: fx.PostFile) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        relation = await self._relation(effect.question_id, effect.exposed)
        ghost, attachment = self._place.ghost(effect.ghost), effect.attachment
        content = await self._outlet.names.blob(attachment.blob)
        if content is None:
            raise Permanent("the file's bytes are not kept", code="missing")
        mxc = await self._homeserver.upload(
            content, mimetype=attachment.mimetype, filename=attachment.name, as_user=ghost
        )
        event_id = await self._outlet.send(
            room_id,
            rooms.file(attachment, mxc) | relation,
            key=task.key,
            doubtful=task.started,
            as_user=ghost,
        )
        return Outcome(result={"event_id": event_id})

    async def _say(self, task: Task, effect: fx.Say) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        relation = await self._relation(effect.question_id, effect.exposed)
        said = text(effect.language, f"bot.{effect.message}", **effect.values)
        event_id = await self._outlet.send(
            room_id, rooms.words(said, notice=True) | relation, key=task.key, doubtful=task.started
        )
        return Outcome(result={"event_id": event_id})

    async def _put_back(self, task: Task, effect: fx.PutBack) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        event_id = await self._seal.quote(room_id, task.key, effect.owner_name, effect.line, task.started)
        return Outcome(result={"event_id": event_id})

    # --- the group's rooms ---

    async def _post_card(self, task: Task, effect: fx.PostCard) -> Outcome:
        room_id = await self._outlet.room(f"waiting:{effect.group}")
        event_id = await self._outlet.earlier(effect.links_to)
        domain = self._place.domain
        alias = f"#{self._place.alias(f'q_{effect.question_id}')}:{domain}"
        link = f"https://matrix.to/#/{alias}/{event_id}?via={domain}"
        label = f"{effect.title} · {effect.reference}"
        hint = text(effect.language, "bot.card_hint")
        html = f'<strong><a href="{escape(link)}">{escape(label)}</a></strong><br>{escape(hint)}'
        content = rooms.words(f"{label}\n{link}\n{hint}", html)
        card = await self._outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome(
            result={"event_id": card}, anchors={card: effect.question_id, event_id: effect.question_id}
        )

    async def _list(self, effect: fx.ListInSpace) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        space, made = await self._listing(effect.group, effect.question_id)
        content = {"via": [self._place.domain], "suggested": effect.suggested}
        await self._homeserver.put_state(space, "m.space.child", room_id, content)
        return Outcome(rooms=made)

    async def _listing(self, group: str, question_id: str) -> tuple[str, dict[str, str]]:
        """The space that lists this question: the group's own, or a further one once that is full."""
        space = await self._outlet.room(f"group:{group}")
        generation = await self._outlet.names.listing(group, question_id)
        if generation <= 1:
            return space, {}
        key = f"listing:{group}:{generation}"
        known = await self._outlet.names.room_id(key)
        if known is not None:
            return known, {}
        content = rooms.listing_space(
            alias=self._place.alias(f"l_{group}_{generation}"),
            name=f"{self._group_name(group)} · {generation}",
            group_space=space,
            bot=self._place.bot,
            room_version=self._place.room_version,
        )
        made = await self._homeserver.create_room(content)
        child = {"via": [self._place.domain], "suggested": True}
        await self._homeserver.put_state(space, "m.space.child", made, child)
        return made, {key: made}

    async def _invite(self, effect: fx.InviteMembers) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        refused = 0
        for member in effect.members:
            try:
                await self._homeserver.invite(room_id, member)
            except Permanent:  # one wrong account must not keep the others out
                refused += 1
        return Outcome(result={"refused": refused})

    def _group_name(self, key: str) -> str:
        group = self._organisation.group(key)
        return group.name if group else key

    async def _count(self, effect: fx.CountWaiting) -> Outcome:
        space = await self._outlet.room(f"group:{effect.group}")
        waiting = await self._outlet.names.waiting(effect.group)
        name = self._group_name(effect.group)
        wanted = {"name": f"{name} ({waiting})" if waiting else name}
        if await self._homeserver.state_event(space, "m.room.name") != wanted:
            await self._homeserver.put_state(space, "m.room.name", "", wanted)
        return Outcome(result={"waiting": waiting})

    async def _redact_own(self, effect: fx.RedactOwn) -> Outcome:
        room_id = await self._outlet.room(effect.room)
        event_id = await self._outlet.earlier(effect.sent)
        await self._homeserver.redact(room_id, event_id, txn_id=rooms.txn_id(effect.key))
        return Outcome()

    async def _react(self, task: Task, effect: fx.React) -> Outcome:
        room_id = await self._outlet.room(effect.room)
        event_id = effect.event_id or await self._outlet.earlier(effect.sent)
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": effect.symbol}
        content = {"m.relates_to": relation}
        try:
            await self._outlet.send(
                room_id, content, key=task.key, doubtful=task.started, event_type="m.reaction"
            )
        except Permanent as error:
            if error.code != "M_DUPLICATE_ANNOTATION":
                raise
        return Outcome()
