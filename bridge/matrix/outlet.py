"""Sending exactly once: every message carries its effect's key, and a doubtful retry looks for it first.

A homeserver forgets transaction IDs of an application service when it restarts; the mark in the
event does not get lost.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from bridge.domain.effects import Phrase
from bridge.locale import text
from bridge.matrix.rooms import KEY, txn_id
from bridge.ports import Homeserver, Json, Names, Outcome, Task, Temporary

LOOK_BACK_PAGES = 5
PAGE = 100

CODE = re.compile(r"`([^`]+)`")
"""What to type, in a line of help."""

Handlers = Mapping[type, Callable[[Task, Any], Awaitable[Outcome]]]
"""Who performs an effect, by its class: called with the task and its effect."""


def lines(language: str, phrases: Sequence[Phrase]) -> str:
    """A line a phrase, in this language."""
    return marked(language, phrases)[0]


def marked(language: str, phrases: Sequence[Phrase]) -> tuple[str, str]:
    """A line a phrase as plain text; and as HTML if there is help among them, what to type set apart."""
    shown = [(phrase.text, text(language, phrase.text, **phrase.values)) for phrase in phrases]
    plain = "\n".join(words.replace("`", "") if _is_help(key) else words for key, words in shown)
    if not any(_is_help(key) for key, _ in shown):
        return plain, ""
    pieces = []
    for is_help, group in groupby(shown, key=lambda one: _is_help(one[0])):
        around, each = ("<ul>{}</ul>", "<li>{}</li>") if is_help else ("{}", "<p>{}</p>")
        pieces.append(around.format("".join(each.format(_coded(words, is_help)) for _, words in group)))
    return plain, "".join(pieces)


def _is_help(key: str) -> bool:
    """Only these hold no words of a person, so that a backquote in them is ours."""
    return key.startswith("help.")


def _coded(words: str, is_help: bool) -> str:
    shown = escape(words, quote=False).replace("\n", "<br>")
    return CODE.sub(r"<code>\1</code>", shown) if is_help else shown


@dataclass(frozen=True, slots=True)
class Place:
    """Who we are on this homeserver."""

    bot: str
    domain: str
    namespace: str
    room_version: str

    def ghost(self, localpart: str) -> str:
        """The full Matrix ID of a ghost."""
        return f"@{localpart}:{self.domain}"

    def is_ours(self, user_id: object) -> bool:
        """Whether this is the bot or one of our ghosts."""
        return isinstance(user_id, str) and (
            user_id == self.bot
            or (user_id.startswith(f"@{self.namespace}") and user_id.endswith(f":{self.domain}"))
        )

    def alias(self, name: str) -> str:
        """The localpart of one of our room aliases."""
        return f"{self.namespace}{name}"


@dataclass(frozen=True, slots=True)
class Outlet:
    """The homeserver, with the few things that every performer needs."""

    homeserver: Homeserver
    names: Names
    place: Place

    async def room(self, key: str) -> str:
        """The room ID of one of our rooms. Raises :class:`Temporary` while it doesn't exist."""
        room_id = await self.names.room_id(key)
        if room_id is None:
            raise Temporary(f"no such room yet: {key.split(':')[0]}")
        return room_id

    async def its_room(self, task: Task, question_id: str) -> str:
        """The room of the question that a task is about. Raises :class:`Temporary` while it doesn't exist."""
        return task.room or await self.room(f"question:{question_id}")

    async def earlier(self, key: str, field: str = "event_id") -> str:
        """What an earlier effect brought. Raises :class:`Temporary` while it hasn't been performed."""
        result = await self.names.result(key)
        if result is None or field not in result:
            raise Temporary("an earlier effect is not performed yet")
        return str(result[field])

    async def send(
        self,
        room_id: str,
        content: Json,
        *,
        key: str,
        doubtful: bool,
        event_type: str = "m.room.message",
        as_user: str | None = None,
    ) -> str:
        """Send a message, or find it if an earlier try with this key did."""
        txn = txn_id(key)
        if doubtful and (found := await self._find(room_id, txn)):
            return found
        marked = {**content, KEY: txn}
        return await self.homeserver.send(room_id, event_type, marked, txn_id=txn, as_user=as_user)

    async def _find(self, room_id: str, mark: str) -> str | None:
        events, start = await self.homeserver.newest(room_id, PAGE)
        for _ in range(LOOK_BACK_PAGES):
            for event in events:
                if event.get("content", {}).get(KEY) == mark:
                    return str(event["event_id"])
            if not events or start is None:
                return None
            events, start = await self.homeserver.messages(room_id, start=start, limit=PAGE)
        return None
