"""The seal: closing a question room around its owner, one idempotent step at a time.

``docs/decisions`` explains why what the owner said while others could read is put back by the
bridge: homeservers bundle later edits and thread replies onto events that ex-members once saw.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from html import escape
from typing import Any

from bridge.domain import effects as fx
from bridge.domain.content import Line
from bridge.domain.events import SealCompleted
from bridge.domain.organisation import Organisation
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.acting import Acting
from bridge.matrix.outlet import PAGE, Handlers, Outlet
from bridge.matrix.parse import CONTENT_TYPES, read_line
from bridge.matrix.present import Present
from bridge.ports import Json, Member, Outcome, Task, Temporary

INSIDE = ("join", "invite", "knock")
ROUNDS = 5
"""How often one try of the removal looks again before it leaves the rest to the next try."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Performs the effects of the seal. Groups larger than ``grant_at_once_up_to`` wait for the grant."""

    outlet: Outlet
    organisation: Organisation
    grant_at_once_up_to: int
    acting: Acting | None = None
    present: Present = field(default_factory=Present)

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {
            fx.Lock: self.lock,
            fx.CloseJoin: self.close_join,
            fx.HideHistory: self.hide_history,
            fx.RemoveOthers: self.remove_others,
            fx.CoverExposed: self.cover_exposed,
            fx.GrantOwner: self.grant,
            fx.RedactEvent: self.redact_event,
        }

    async def lock(self, task: Task, effect: fx.Lock) -> Outcome:
        """(a) Others may no longer speak; the owner may, unless too many others may still read.

        Where the group is too small for that to matter, who is there is guessed; the removal looks.
        """
        room_id = await self.outlet.its_room(task, effect.question_id)
        if await self._is_small(effect):
            kept, granted = self._kept(effect), True
            others = [user_id for user_id in self.present.of(room_id) if user_id not in kept]
            await self._levels(effect, room_id, effect.owner)
        else:
            others = await self._others(effect, room_id)
            granted = len(others) <= self.grant_at_once_up_to
            await self._levels(effect, room_id, effect.owner if granted else None)
        return Outcome(result={"granted": granted, "readers": len(others), "others": others})

    async def _is_small(self, effect: fx.Lock) -> bool:
        """Whether those who may be in the room are few; a second group may have been asked, too."""
        if effect.wide:
            return False
        created = f"{effect.stem or effect.question_id}:create"
        group = self.organisation.group(await self.outlet.earlier(created, "group"))
        few = group is not None and len(group.members) <= self.grant_at_once_up_to
        return few and group is not None and not group.fallback

    async def _others(self, effect: fx.Lock, room_id: str) -> list[str]:
        members = await self.outlet.homeserver.members(room_id)
        kept = self._kept(effect)
        return [m.user_id for m in members if m.membership == "join" and m.user_id not in kept]

    def _kept(self, effect: fx.Lock | fx.RemoveOthers | fx.GrantOwner) -> set[str]:
        place = self.outlet.place
        return {effect.owner, place.ghost(effect.ghost), place.bot}

    async def _levels(self, effect: fx.Lock | fx.GrantOwner, room_id: str, owner: str | None) -> None:
        place = self.outlet.place
        version = await self.outlet.earlier(f"{effect.stem or effect.question_id}:create", "room_version")
        ghost = place.ghost(effect.ghost)
        levels = rooms.power_levels(
            bot=place.bot, ghost=ghost, room_version=version, owner=owner, locked=True
        )
        await self.outlet.homeserver.put_state(room_id, "m.room.power_levels", "", levels)

    async def close_join(self, task: Task, effect: fx.CloseJoin) -> Outcome:
        """(b) Nobody joins uninvited any more."""
        room_id = await self.outlet.its_room(task, effect.question_id)
        await self.outlet.homeserver.put_state(room_id, "m.room.join_rules", "", {"join_rule": "invite"})
        return Outcome()

    async def hide_history(self, task: Task, effect: fx.HideHistory) -> Outcome:
        """(c) What comes from here on is for those who are in the room then."""
        room_id = await self.outlet.its_room(task, effect.question_id)
        content = {"history_visibility": "joined"}
        await self.outlet.homeserver.put_state(room_id, "m.room.history_visibility", "", content)
        return Outcome()

    async def remove_others(self, task: Task, effect: fx.RemoveOthers) -> Outcome:
        """(d) Remove until a look at the members shows nobody else; who raised a hand outside is invited."""
        homeserver = self.outlet.homeserver
        room_id = await self.outlet.its_room(task, effect.question_id)
        reason = text(effect.language, "bot.removed", owner=effect.owner_name)
        kept, removed = self._kept(effect), await self._remove_known(effect, room_id, reason)
        for _ in range(ROUNDS):
            members = await homeserver.members(room_id)
            inside = [m for m in members if m.membership in INSIDE and m.user_id not in kept]
            if not inside:
                await self._invite_owner(room_id, effect.owner, members)
                others = any(m.was_joined for m in members if m.user_id not in kept)
                return Outcome(result={"others": others, "removed": removed})
            if self.acting is not None:
                await self.acting.read(room_id, [m.user_id for m in inside if m.membership == "join"])
            for member in inside:
                await homeserver.kick(room_id, member.user_id, reason=reason)
                removed += 1
        raise Temporary("others are still coming in")

    async def _remove_known(self, effect: fx.RemoveOthers, room_id: str, reason: str) -> int:
        """Remove at once who was there when the room was locked; who else is there shows afterwards."""
        locked = await self.outlet.names.result(effect.lock) or {}
        others = [user_id for user_id in locked.get("others", ()) if user_id not in self._kept(effect)]
        if self.acting is not None:
            await self.acting.read(room_id, others)
        for user_id in others:
            await self.outlet.homeserver.kick(room_id, user_id, reason=reason)
        return len(others)

    async def _invite_owner(self, room_id: str, owner: str, members: list[Member]) -> None:
        membership = next((m.membership for m in members if m.user_id == owner), "")
        if membership not in ("join", "invite"):
            # Nobody else is left; what the patient writes before the owner comes is for the owner, too.
            content = {"history_visibility": "invited"}
            await self.outlet.homeserver.put_state(room_id, "m.room.history_visibility", "", content)
            await self.outlet.homeserver.invite(room_id, owner)
        if self.acting is not None and membership != "join":
            await self.acting.join(room_id, owner)

    async def cover_exposed(self, task: Task, effect: fx.CoverExposed) -> Outcome:
        """End of (d): put the owner's exposed words back and redact them; the seal is then complete."""
        removal = await self.outlet.names.result(effect.removal)
        if removal is None:
            raise Temporary("the removal is not recorded yet")
        covered: list[tuple[str, str]] = []
        if removal["others"]:
            room_id = await self.outlet.its_room(task, effect.question_id)
            covered = await self._cover(effect, room_id, doubtful=task.started)
        window = time.time() - effect.claimed_at
        return Outcome(
            result={"seal_s": round(window, 3), "covered": len(covered)},
            question_id=effect.question_id,
            events=(SealCompleted(tuple(covered), bool(removal["others"]), effect.generation),),
        )

    async def _cover(self, effect: fx.CoverExposed, room_id: str, *, doubtful: bool) -> list[tuple[str, str]]:
        timeline = await self._before_seal(room_id)
        copies = {
            event["content"][rooms.COPY_OF]: event["event_id"]
            for event in timeline
            if isinstance(event.get("content"), dict) and rooms.COPY_OF in event["content"]
        }
        edits = _latest_edits(timeline, effect.owner)
        # What we redact must have come in first: a redacted event would reach us without its words.
        mine = [event for event in timeline if _said_by(event, effect.owner)]
        await self.outlet.names.take_events(mine)
        for event in mine:
            line = _words(event, edits, effect.owner_name)
            if line is not None:
                key = f"{effect.key}:{line.event_id}"
                copies[line.event_id] = await self.quote(room_id, key, effect.owner_name, line, doubtful)
            await self._redact(effect, room_id, event["event_id"])
        return sorted(copies.items())

    async def _before_seal(self, room_id: str) -> list[Json]:
        """The whole room, oldest first, without what came after the last removal."""
        newest_first: list[Json] = []
        start: str | None = None
        while True:
            events, start = await self.outlet.homeserver.messages(room_id, start=start, limit=PAGE)
            newest_first += events
            if not events or start is None:
                break
        last = next((n for n, event in enumerate(newest_first) if _removal(event, self.outlet.place.bot)), 0)
        copies = [event for event in newest_first[:last] if rooms.COPY_OF in event.get("content", {})]
        return [*reversed(newest_first[last:]), *copies]

    async def quote(self, room_id: str, key: str, owner_name: str, line: Line, doubtful: bool) -> str:
        """Put someone's words back as the bridge's notice that names them."""
        extra = {rooms.COPY_OF: line.event_id}
        if line.attachment is not None:
            content = rooms.file(line.attachment, line.attachment.mxc)
            if line.text:
                content["body"] = f"{owner_name} : {line.text}"
        else:
            shown = escape(line.text).replace("\n", "<br>")
            html = f"<strong>{escape(owner_name)}</strong><blockquote>{shown}</blockquote>"
            content = rooms.words(f"{owner_name} : {line.text}", html, notice=True)
        return await self.outlet.send(room_id, content | extra, key=key, doubtful=doubtful)

    async def _redact(self, effect: fx.CoverExposed, room_id: str, event_id: str) -> None:
        txn = rooms.txn_id(f"{effect.key}:redact:{event_id}")
        await self.outlet.homeserver.redact(room_id, event_id, txn_id=txn)

    async def grant(self, task: Task, effect: fx.GrantOwner) -> Outcome:
        """The owner may speak now, unless the lock already said so."""
        locked = await self.outlet.names.result(effect.lock)
        if locked is None:
            raise Temporary("the lock is not recorded yet")
        if not locked["granted"]:
            room_id = await self.outlet.its_room(task, effect.question_id)
            await self._levels(effect, room_id, effect.owner)
        return Outcome()

    async def redact_event(self, task: Task, effect: fx.RedactEvent) -> Outcome:
        """Take one person's event out of the room."""
        room_id = effect.room_id or await self.outlet.its_room(task, effect.question_id)
        await self.outlet.homeserver.redact(room_id, effect.event_id, txn_id=rooms.txn_id(task.key))
        return Outcome()


def _said_by(event: Json, user_id: str) -> bool:
    """Whether this is a person's message that still has its words."""
    return (
        event.get("sender") == user_id
        and event.get("type") in CONTENT_TYPES
        and "state_key" not in event
        and bool(event.get("content"))
    )


def _words(event: Json, edits: dict[str, Json], name: str) -> Line | None:
    """What a message says, with its latest edit; an edit itself says nothing more."""
    if _edit_target(event):
        return None
    content: Json = edits.get(event["event_id"]) or event["content"]
    line, _ = read_line(event, content, name)
    return line


def _removal(event: Json, bot: str) -> bool:
    return (
        event.get("type") == "m.room.member"
        and event.get("sender") == bot
        and event.get("content", {}).get("membership") == "leave"
    )


def _edit_target(event: Json) -> str:
    relation: Any = event.get("content", {}).get("m.relates_to")
    if isinstance(relation, dict) and relation.get("rel_type") == "m.replace":
        return str(relation.get("event_id", ""))
    return ""


def _latest_edits(timeline: list[Json], owner: str) -> dict[str, Json]:
    edits: dict[str, Json] = {}
    for event in timeline:
        target = _edit_target(event)
        if (
            target
            and event.get("sender") == owner
            and isinstance(event["content"].get("m.new_content"), dict)
        ):
            edits[target] = event["content"]["m.new_content"]
    return edits
