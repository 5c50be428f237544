"""Matrix events to domain events: pure, and tolerant of whatever a client or a federated server sends."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bridge.domain.commands import SIGN, Place, parse
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.events import Author, HandRaised, MemberLeft, MemberRedacted, MemberWrote, Ordered, Reacted
from bridge.matrix.encryption import ENCRYPTED
from bridge.ports import Json

HANDS = ("🙋", "✋", "🤚", "🖐")
"""Raised hands; skin tones and genders follow as further code points."""

_KINDS = {"m.image": Kind.IMAGE, "m.audio": Kind.AUDIO, "m.video": Kind.VIDEO, "m.file": Kind.FILE}
_UNSUPPORTED = {
    ENCRYPTED: "encrypted",
    "m.poll.start": "poll",
    "org.matrix.msc3381.poll.start": "poll",
    "m.call.invite": "call",
    "m.beacon": "live_location",
    "org.matrix.msc3672.beacon": "live_location",
}
CONTENT_TYPES = frozenset({"m.room.message", "m.sticker", *_UNSUPPORTED})
"""Event types by which a person says something."""


Happened = MemberWrote | Ordered | HandRaised | Reacted | MemberRedacted | MemberLeft


def read_event(event: Json, author: Author) -> Happened | None:
    """What a person did in a question room, or ``None`` when it means nothing to a question."""
    kind, content = event.get("type"), _object(event.get("content"))
    if "state_key" in event:
        return MemberLeft(author, event["event_id"]) if went_by_hand(event) else None
    if kind == "m.reaction":
        return _reaction(event, content, author)
    if kind == "m.room.redaction":
        redacts = event.get("redacts") or content.get("redacts")
        return MemberRedacted(author, redacts) if isinstance(redacts, str) else None
    if kind not in CONTENT_TYPES:
        return None
    return _message(event, content, author)


def went_by_hand(event: Json) -> bool:
    """Whether someone left a room, or did not accept to come in: nobody removed them."""
    left = _object(event.get("content")).get("membership") == "leave"
    return left and event.get("type") == "m.room.member" and event.get("state_key") == event.get("sender")


def came_in(event: Json) -> bool:
    """Whether someone is in a room from now on (or is called otherwise there, which looks the same)."""
    joined = _object(event.get("content")).get("membership") == "join"
    return joined and event.get("type") == "m.room.member" and event.get("state_key") == event.get("sender")


def reaction_target(event: Json) -> str:
    """The event that a reaction is on, or an empty string."""
    return _text(_object(_object(event.get("content")).get("m.relates_to")).get("event_id"))


def _reaction(event: Json, content: Json, author: Author) -> HandRaised | Reacted | None:
    relation = _object(content.get("m.relates_to"))
    key, target = _text(relation.get("key")), _text(relation.get("event_id"))
    if key.startswith(HANDS):
        return HandRaised(author, event["event_id"])
    return Reacted(author, event["event_id"], target, key) if key and target else None


def in_room_of(happened: Happened, generation: int, room_id: str) -> Happened:
    """The same, in this one of the question's rooms."""
    match happened:
        case Ordered():
            message = replace(happened.message, generation=generation, room_id=room_id)
            return replace(happened, message=message)
        case MemberWrote():
            return replace(happened, generation=generation, room_id=room_id)
        case MemberRedacted():
            return happened
        case _:
            return replace(happened, generation=generation)


def reply_target(content: Json) -> str:
    """The event that a message answers, or an empty string."""
    relation = _object(content.get("m.relates_to"))
    return _text(_object(relation.get("m.in_reply_to")).get("event_id"))


def thread_of(content: Json) -> str:
    """The event that a thread began with, or an empty string."""
    relation = _object(content.get("m.relates_to"))
    return _text(relation.get("event_id")) if relation.get("rel_type") == "m.thread" else ""


def _message(event: Json, content: Json, author: Author) -> MemberWrote | Ordered:
    relation = _object(content.get("m.relates_to"))
    rel_type, target = relation.get("rel_type"), _text(relation.get("event_id"))
    replaces = rel_type == "m.replace"
    related = target if rel_type in ("m.replace", "m.thread") else ""
    if replaces:
        content = _object(content.get("m.new_content")) or content
    line, unsupported = read_line(event, content, author.name)
    notice = content.get("msgtype") == "m.notice"
    signed = line is not None and line.attachment is None and line.text.lstrip().startswith(SIGN)
    message = MemberWrote(
        author, event["event_id"], line, unsupported, related, replaces, internal=notice or signed
    )
    # An edit of a command is none: what was ordered is done already.
    command = parse(line.text, Place.QUESTION) if line and signed and not notice and not replaces else None
    return Ordered(message, command, reply_target(content)) if command else message


def read_line(event: Json, content: Json, name: str) -> tuple[Line | None, str]:
    """The words or file of a message, or the name of the kind that mail can't carry."""
    kind, event_id = event.get("type"), _text(event.get("event_id"))
    if isinstance(kind, str) and kind in _UNSUPPORTED:
        return None, _UNSUPPORTED[kind]
    msgtype = "m.image" if kind == "m.sticker" else _text(content.get("msgtype"))
    if msgtype in _KINDS:
        return _file(event_id, content, _KINDS[msgtype])
    body = _text(content.get("body"))
    if msgtype == "m.location":
        return _location(event_id, content)
    if msgtype not in ("m.text", "m.notice", "m.emote") or not body.strip():
        return None, "empty" if msgtype in ("m.text", "m.emote") else "unknown"
    html = _text(content.get("formatted_body")) if content.get("format") == "org.matrix.custom.html" else ""
    html = _without_quote(html)
    text = _without_reply_fallback(body, content)
    if msgtype == "m.emote":
        text, html = f"* {name} {text}", ""
    return Line(event_id, text, html), ""


def _file(event_id: str, content: Json, kind: Kind) -> tuple[Line | None, str]:
    mxc = _text(content.get("url"))
    if not mxc.startswith("mxc://"):
        return None, "encrypted_file" if "file" in content else "empty"
    info = _object(content.get("info"))
    body, filename = _text(content.get("body")), _text(content.get("filename"))
    attachment = Attachment(
        kind=kind,
        name=filename or body or kind.value,
        mimetype=_text(info.get("mimetype")) or "application/octet-stream",
        size=_number(info.get("size")),
        mxc=mxc,
        width=_number(info.get("w")),
        height=_number(info.get("h")),
    )
    caption = _without_reply_fallback(body, content) if filename and body != filename else ""
    return Line(event_id, caption, attachment=attachment), ""


def _location(event_id: str, content: Json) -> tuple[Line | None, str]:
    """A place, as words and as the ``geo:`` URI that maps understand (RFC 5870)."""
    words = [_text(content.get("body")), _text(content.get("geo_uri"))]
    text = "\n".join(word for word in words if word)
    return (Line(event_id, text), "") if text else (None, "empty")


def _without_reply_fallback(body: str, content: Json) -> str:
    """Drop the quoted lines older clients put before a reply (Matrix 1.12 and before)."""
    quoted = body.startswith(("> <", "> * <"))
    if not quoted or "m.in_reply_to" not in _object(content.get("m.relates_to")):
        return body
    lines = body.split("\n")
    while lines and lines[0].startswith(">"):  # an empty line of what is quoted may have lost its space
        lines.pop(0)
    return "\n".join(lines[1:] if lines and not lines[0] else lines)


_QUOTE = re.compile("<mx-reply", re.IGNORECASE)
_QUOTE_END = re.compile(r"</mx-reply\s*>", re.IGNORECASE)


def _without_quote(html: str) -> str:
    """The same of the formatted words: what is answered, a note even, isn't part of the answer.

    Where that can't be told apart for sure the plain words have to do.
    """
    begin = _QUOTE.search(html)
    if begin is None:
        return html
    end = _QUOTE_END.search(html, begin.end())
    left = html[: begin.start()] + html[end.end() :] if end else ""
    return "" if "mx-reply" in left.lower() else left


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
