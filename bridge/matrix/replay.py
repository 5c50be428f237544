"""What was said in a question's former room, posted again in its next one.

The patient's words come from the ghost again; what practitioners said, from the bot, with name and time.
What the group could read before the seal carries a relation (see :func:`rooms.anchored_to`), here as there;
so the two parts can be told from each other, however often a question moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from bridge.domain import effects as fx
from bridge.domain.content import Sent
from bridge.locale import text
from bridge.matrix import rooms
from bridge.matrix.outlet import PAGE, Handlers, Outlet
from bridge.matrix.parse import read_line
from bridge.ports import Json, Outcome, Task

SAID = "org.colloque.said"
"""Marks what the bot posts again of a practitioner: who said it, and when."""
NOTE = "!note"

SentLines = Mapping[str, Sequence[Sent]]
"""Lines as they left, by the event they came from."""


@dataclass(frozen=True, slots=True)
class Replaying:
    """Performs :class:`fx.Replay`."""

    outlet: Outlet

    @property
    def handlers(self) -> Handlers:
        """By effect."""
        return {fx.Replay: self.replay}

    async def replay(self, task: Task, effect: fx.Replay) -> Outcome:
        """Post everything wanted, each once; what an interrupted try posted is found by its mark."""
        room_id = await self.outlet.room(f"question:{effect.question_id}")
        joined = await self.outlet.earlier(f"{effect.stem}:ghost")
        timeline = await self._timeline(await self.outlet.room(effect.former))
        posted = await self._posted(room_id) if task.started else {}
        names = _names(timeline)
        first, count = "", 0
        sent = await self.outlet.names.sent(effect.question_id)
        for event, content in _as_it_stands(timeline, sent):
            asked = _is_asked(event)
            if (asked and not effect.asked) or (not asked and not effect.talked):
                continue
            for number, again in enumerate(self._again(effect, event, content, names, sent)):
                if asked:
                    again |= rooms.anchored_to(joined)
                key = f"{effect.key}:{event['event_id']}" + (f":{number}" if number else "")
                found = posted.get(rooms.txn_id(key)) or await self._post(room_id, effect, event, again, key)
                first, count = first or found, count + 1
        return Outcome(result={"event_id": first or joined, "events": count})

    async def _post(self, room_id: str, effect: fx.Replay, event: Json, content: Json, key: str) -> str:
        ghost = self.outlet.place.ghost(effect.ghost)
        as_user = ghost if event["sender"] == ghost else None
        return await self.outlet.send(room_id, content, key=key, doubtful=False, as_user=as_user)

    async def _timeline(self, room_id: str) -> list[Json]:
        """The whole room, oldest first."""
        events, start = await self.outlet.homeserver.newest(room_id, PAGE)
        newest_first = events
        while events and start is not None:
            events, start = await self.outlet.homeserver.messages(room_id, start=start, limit=PAGE)
            newest_first = newest_first + events
        return newest_first[::-1]

    async def _posted(self, room_id: str) -> dict[str, str]:
        timeline = await self._timeline(room_id)
        return {str(event.get("content", {}).get(rooms.KEY)): event["event_id"] for event in timeline}

    def _again(
        self, effect: fx.Replay, event: Json, content: Json, names: dict[str, str], sent: SentLines
    ) -> list[Json]:
        """What to post for an event, nothing for what only concerned its room.

        Of what left, the words as they left: whoever asked has those, whatever became of them here.
        """
        kept = {key: value for key, value in content.items() if key not in ("m.relates_to", rooms.KEY)}
        if event["sender"] == self.outlet.place.ghost(effect.ghost):
            return [kept]
        if event["sender"] == self.outlet.place.bot:
            if SAID in content:
                return [kept]
            if rooms.COPY_OF not in content:
                return []
            copied = sent.get(str(content[rooms.COPY_OF]), [])[1:]
            # What was corrected is posted here once; the next room has it from this one.
            told: Json = {SAID: {"sender": event["sender"], "at": event.get("origin_server_ts", 0)}}
            return [kept | told, *(_left(effect, line) for line in copied)]
        left = sent.get(event["event_id"], [])
        if left:
            return [_left(effect, left[0], event), *(_left(effect, line) for line in left[1:])]
        said = self._said(effect, event, content, names)
        return [] if said is None else [said]

    def _said(self, effect: fx.Replay, event: Json, content: Json, names: dict[str, str]) -> Json | None:
        """What a practitioner said that never left, or of which nothing is known any more."""
        line, _ = read_line(event, content, "")
        if line is None:
            return None
        internal = event["event_id"] in effect.internal or line.text.lstrip().startswith("!")
        if internal and line.text.lstrip().startswith("!") and not line.text.lstrip().startswith(NOTE):
            return None  # an order to the bot
        words = line.text.lstrip().removeprefix(NOTE).lstrip() if internal else line.text
        return _quoted(
            event, content, words, _who(event, names, effect, internal), line.attachment is not None
        )


def _left(effect: fx.Replay, sent: Sent, event: Json | None = None) -> Json:
    """A line as it left, and what became of it; its ``event`` is the one that has the file."""
    content: Json = event["content"] if event is not None else {}
    at = event.get("origin_server_ts", 0) if event is not None else int(sent.at * 1000)
    signs = {
        "refused": sent.failed,
        "corrects": sent.correction,
        "deleted": event is not None and not content,
    }
    notes = [text(effect.language, f"bot.left_{sign}") for sign, holds in signs.items() if holds]
    mark = "⚠️" if sent.failed else "✉️"
    who = ", ".join((f"{mark} {sent.owner_name}", _when(effect, at), *notes))
    attached = sent.line.attachment
    words = sent.line.text or (attached.name if attached is not None else "")
    said: Json = {"sender": sent.owner, "origin_server_ts": at}
    return _quoted(said, content, words, who, attached is not None and bool(content))


def _quoted(event: Json, content: Json, words: str, who: str, is_file: bool) -> Json:
    said = {SAID: {"sender": event["sender"], "at": event.get("origin_server_ts", 0)}}
    if is_file:
        kept = {key: value for key, value in content.items() if key not in ("m.relates_to", rooms.KEY)}
        return kept | {"body": f"{who} : {content.get('body', '')}", "m.mentions": {}} | said
    shown = escape(words).replace("\n", "<br>")
    html = f"<strong>{escape(who)}</strong><blockquote>{shown}</blockquote>"
    return rooms.words(f"{who} : {words}", html, notice=True) | said


def _who(event: Json, names: dict[str, str], effect: fx.Replay, internal: bool) -> str:
    """Name, time, and whether it went out: « 📝 Dr Petit, 02/03/2026 10:05 »."""
    sender = str(event["sender"])
    when = _when(effect, event.get("origin_server_ts", 0))
    return f"{'📝' if internal else '✉️'} {names.get(sender, sender)}, {when}"


def _when(effect: fx.Replay, at: int) -> str:
    local = datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(effect.time_zone))
    return f"{local:%Y-%m-%d %H:%M}" if effect.language == "en" else f"{local:%d/%m/%Y %H:%M}"


def _names(timeline: list[Json]) -> dict[str, str]:
    """Each person's name when they were last here; a leave may carry none."""
    known: dict[str, str] = {}
    for event in timeline:
        name = event.get("content", {}).get("displayname") if event.get("type") == "m.room.member" else None
        if isinstance(name, str) and name:
            known[str(event.get("state_key"))] = name
    return known


def _is_asked(event: Json) -> bool:
    relation: Any = event.get("content", {}).get("m.relates_to")
    return isinstance(relation, dict) and relation.get("rel_type") == "m.reference"


def _deleted_by_author(event: Json) -> bool:
    """What the bot took back stands in the room as a copy."""
    because = event.get("unsigned", {}).get("redacted_because", {})
    return bool(because.get("sender") == event.get("sender"))


def _as_it_stands(timeline: list[Json], sent: SentLines) -> list[tuple[Json, Json]]:
    """Every message with its latest edit by its own author; of what was deleted, what had left before."""
    edits: dict[str, tuple[str, Json]] = {}
    messages: list[Json] = []
    for event in timeline:
        content = event.get("content")
        if (
            event.get("type") not in ("m.room.message", "m.sticker")
            or not isinstance(content, dict)
            or (not content and not (event.get("event_id") in sent and _deleted_by_author(event)))
        ):
            continue
        relation = content.get("m.relates_to")
        relation = relation if isinstance(relation, dict) else {}
        if relation.get("rel_type") == "m.replace":
            new = content.get("m.new_content")
            if isinstance(new, dict):
                edits[str(relation.get("event_id"))] = (str(event.get("sender")), new)
            continue
        messages.append(event)
    stands = []
    for event in messages:
        editor, new = edits.get(event["event_id"], ("", {}))
        stands.append((event, new if editor == event["sender"] else event["content"]))
    return stands
