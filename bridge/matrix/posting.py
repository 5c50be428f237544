"""What is said and shown in a question room: its creation, the patient's words, the bot's lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

from bridge.domain import effects as fx
from bridge.domain.content import Attachment, Kind
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.expertise import Cleaned
from bridge.matrix.outlet import Handlers, Outlet, marked
from bridge.matrix.seal import Seal
from bridge.ports import Json, Outcome, Permanent, Task

LARGEST_PHOTO = 50 * 1024 * 1024
"""Bytes; what is larger stays a file as it is."""


Clean = Callable[[bytes], Awaitable[Cleaned | None]]
"""Takes the metadata from a picture; ``None`` for what isn't one that can be opened."""


@dataclass(frozen=True, slots=True)
class Posting:
    """Performs what happens inside a question room. ``clean``: photos of those who ask on Matrix."""

    _outlet: Outlet
    _seal: Seal
    _clean: Clean | None = None

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.CreateQuestionRoom: self._create,
            fx.JoinGhost: self._join_ghost,
            fx.PostText: self._post_text,
            fx.PostFile: self._post_file,
            fx.Say: self._say,
            fx.SayAll: self._say_all,
            fx.PutBack: self._put_back,
            fx.React: self._react,
        }

    async def _create(self, _task: Task, effect: fx.CreateQuestionRoom) -> Outcome:
        space = await self._outlet.room(f"group:{effect.group}")
        await self._outlet.homeserver.register(effect.ghost)
        key = f"question:{effect.question_id}"
        content = rooms.question_room(
            alias=self._outlet.place.alias(rooms.question_alias(effect.stem or effect.question_id)),
            name=f"{effect.title} · {effect.reference}",
            group_space=space,
            bot=self._outlet.place.bot,
            ghost=self._outlet.place.ghost(effect.ghost),
            room_version=self._outlet.place.room_version,
            owner=effect.owner,
            by_invitation=effect.by_invitation,
        )
        room_id = await self._outlet.homeserver.create_room(content)
        known = {key: room_id}
        if effect.generation > 1:  # the room that the question leaves stays known as such
            known[f"former:{effect.question_id}:{effect.generation - 1}"] = await self._outlet.room(key)
        return Outcome(
            result={
                "room_id": room_id,
                "room_version": self._outlet.place.room_version,
                "group": effect.group,
            },
            rooms=known,
        )

    async def _join_ghost(self, task: Task, effect: fx.JoinGhost) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        ghost = self._outlet.place.ghost(effect.ghost)
        content = {"membership": "join", "displayname": effect.name}
        event_id = await self._outlet.homeserver.put_state(
            room_id, "m.room.member", ghost, content, as_user=ghost
        )
        return Outcome(result={"event_id": event_id})

    async def _relation(self, stem: str, exposed: bool) -> Json:
        """What others can read must not become the root of a thread (see :func:`rooms.anchored_to`)."""
        return rooms.anchored_to(await self._outlet.earlier(f"{stem}:ghost")) if exposed else {}

    async def _post_text(self, task: Task, effect: fx.PostText) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        relation = await self._relation(effect.stem or effect.question_id, effect.exposed)
        first = ""
        for number, part in enumerate(rooms.chunks(effect.text)):
            event_id = await self._outlet.send(
                room_id,
                rooms.words(part) | relation,
                key=f"{task.key}:{number}" if number else task.key,
                doubtful=task.started,
                as_user=self._outlet.place.ghost(effect.ghost),
            )
            first = first or event_id
        return Outcome(result={"event_id": first})

    async def _post_file(self, task: Task, effect: fx.PostFile) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        relation = await self._relation(effect.stem or effect.question_id, effect.exposed)
        ghost = self._outlet.place.ghost(effect.ghost)
        attachment = effect.attachment
        if attachment.mxc:
            attachment = await self._cleaned(attachment, ghost)
        mxc = attachment.mxc or await self._uploaded(attachment, ghost)
        event_id = await self._outlet.send(
            room_id,
            rooms.file(attachment, mxc) | relation,
            key=task.key,
            doubtful=task.started,
            as_user=ghost,
        )
        return Outcome(result={"event_id": event_id})

    async def _cleaned(self, attachment: Attachment, ghost: str) -> Attachment:
        """A requester's photo as it may be shown: where it was taken, and by which device, is theirs.

        What is called a picture and can't be opened stays a file, as by mail.
        """
        picture = attachment.kind is Kind.IMAGE or attachment.mimetype.startswith("image/")
        if self._clean is None or not picture:
            return attachment
        homeserver = self._outlet.homeserver
        try:
            content = await homeserver.download(attachment.mxc, limit=LARGEST_PHOTO)
        except Permanent:  # too large, or gone: then it is what it is
            return replace(attachment, kind=Kind.FILE)
        photo = await self._clean(content)
        if photo is None:
            return replace(attachment, kind=Kind.FILE)
        name = f"{PurePath(attachment.name).stem or 'photo'}.{photo.extension}"
        mxc = await homeserver.upload(photo.content, mimetype=photo.mimetype, filename=name, as_user=ghost)
        return Attachment(
            Kind.IMAGE, name, photo.mimetype, len(photo.content), "", mxc, photo.width, photo.height
        )

    async def _uploaded(self, attachment: Attachment, ghost: str) -> str:
        content = await self._outlet.names.blob(attachment.blob)
        if content is None:
            raise Permanent("the file's bytes are not kept", code="missing")
        return await self._outlet.homeserver.upload(
            content, mimetype=attachment.mimetype, filename=attachment.name, as_user=ghost
        )

    async def _say(self, task: Task, effect: fx.Say) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        relation = await self._relation(effect.stem or effect.question_id, effect.exposed)
        said = text(effect.language, f"bot.{effect.message}", **effect.values)
        event_id = await self._outlet.send(
            room_id, rooms.words(said, notice=True) | relation, key=task.key, doubtful=task.started
        )
        return Outcome(result={"event_id": event_id})

    async def _say_all(self, task: Task, effect: fx.SayAll) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        relation = await self._relation(effect.stem or effect.question_id, effect.exposed)
        said = rooms.words(*marked(effect.language, effect.phrases), notice=True)
        event_id = await self._outlet.send(room_id, said | relation, key=task.key, doubtful=task.started)
        return Outcome(result={"event_id": event_id})

    async def _put_back(self, task: Task, effect: fx.PutBack) -> Outcome:
        room_id = await self._outlet.its_room(task, effect.question_id)
        event_id = await self._seal.quote(room_id, task.key, effect.owner_name, effect.line, task.started)
        return Outcome(result={"event_id": event_id})

    async def _react(self, task: Task, effect: fx.React) -> Outcome:
        """Put a mark, unless it is to be taken back already and surely isn't there yet."""
        taken_back = fx.ClearMark.of(effect.room, effect.key)
        if not task.started and await self._outlet.names.planned(taken_back.key):
            return Outcome()
        room_id = await self._outlet.room(effect.room)
        event_id = effect.event_id or await self._outlet.earlier(effect.sent)
        relation = {"rel_type": "m.annotation", "event_id": event_id, "key": effect.symbol}
        content = {"m.relates_to": relation}
        try:
            put = await self._outlet.send(
                room_id, content, key=task.key, doubtful=task.started, event_type="m.reaction"
            )
        except Permanent as error:
            if error.code != "M_DUPLICATE_ANNOTATION":
                raise
            return Outcome()
        return Outcome(result={"event_id": put})
