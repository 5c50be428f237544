"""What a group sees outside of question rooms: cards, listings, invites, the number of those who wait."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from bridge.domain import effects as fx
from bridge.domain.organisation import Organisation
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Outcome, Permanent, Task


@dataclass(frozen=True, slots=True)
class Announcing:
    """Performs what happens in a group's own rooms."""

    _outlet: Outlet
    _organisation: Organisation

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.PostCard: self._post_card,
            fx.ListInSpace: self._list,
            fx.InviteMembers: self._invite,
            fx.RedactOwn: self._redact_own,
        }

    async def _post_card(self, task: Task, effect: fx.PostCard) -> Outcome:
        room_id = await self._outlet.room(f"waiting:{effect.group}")
        event_id = await self._outlet.earlier(effect.links_to)
        domain = self._outlet.place.domain
        alias = (
            f"#{self._outlet.place.alias(rooms.question_alias(effect.stem or effect.question_id))}:{domain}"
        )
        link = f"https://matrix.to/#/{alias}/{event_id}?via={domain}"
        label = f"{effect.title} · {effect.reference}"
        hint = text(effect.language, "bot.card_hint")
        html = f'<strong><a href="{escape(link)}">{escape(label)}</a></strong><br>{escape(hint)}'
        content = rooms.words(f"{label}\n{link}\n{hint}", html)
        card = await self._outlet.send(room_id, content, key=task.key, doubtful=task.started)
        return Outcome(
            result={"event_id": card}, anchors={card: effect.question_id, event_id: effect.question_id}
        )

    async def _list(self, _task: Task, effect: fx.ListInSpace) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        space, made = await self._listing(effect.group, effect.stem or effect.question_id)
        content = {"via": [self._outlet.place.domain], "suggested": effect.suggested}
        await self._outlet.homeserver.put_state(space, "m.space.child", room_id, content)
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
            alias=self._outlet.place.alias(f"l_{group}_{generation}"),
            name=f"{self._group_name(group)} · {generation}",
            group_space=space,
            bot=self._outlet.place.bot,
            room_version=self._outlet.place.room_version,
        )
        made = await self._outlet.homeserver.create_room(content)
        child = {"via": [self._outlet.place.domain], "suggested": True}
        await self._outlet.homeserver.put_state(space, "m.space.child", made, child)
        return made, {key: made}

    async def _invite(self, _task: Task, effect: fx.InviteMembers) -> Outcome:
        room_id = await self._outlet.room(f"question:{effect.question_id}")
        refused = 0
        for member in effect.members:
            try:
                await self._outlet.homeserver.invite(room_id, member)
            except Permanent:  # one wrong account must not keep the others out
                refused += 1
        return Outcome(result={"refused": refused})

    def _group_name(self, key: str) -> str:
        group = self._organisation.group(key)
        return group.name if group else key

    async def _redact_own(self, _task: Task, effect: fx.RedactOwn) -> Outcome:
        room_id = await self._outlet.room(effect.room)
        event_id = await self._outlet.earlier(effect.sent)
        await self._outlet.homeserver.redact(room_id, event_id, txn_id=rooms.txn_id(effect.key))
        return Outcome()
