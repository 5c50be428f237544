"""Matrix events as inputs of the inbox."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import orjson

from bridge.storage.inbox import Arrival


def matrix_arrivals(events: Sequence[dict[str, Any]]) -> list[Arrival]:
    """Matrix events as inputs: unique by event ID, in order within a room.

    What has no event ID can't be told apart from a replay except by its content. Half a surrogate pair,
    which JSON can say and UTF-8 cannot, becomes a question mark rather than a refusal that would hold
    back every later transaction.
    """
    arrivals = []
    for event in events:
        event_id = event.get("event_id") if isinstance(event, dict) else None
        room_id = event.get("room_id") if isinstance(event, dict) else None
        payload = _written(event, stable=not isinstance(event_id, str))
        key = f"matrix:{event_id}" if isinstance(event_id, str) else f"matrix:?{hash_of(payload)}"
        conversation = room_id if isinstance(room_id, str) else "matrix"
        arrivals.append(Arrival(key, "matrix", conversation, payload))
    return arrivals


def _written(event: Any, *, stable: bool) -> bytes:
    """An event as JSON; ``stable``: the same for the same content, whatever the order of its keys."""
    try:
        return orjson.dumps(event, option=orjson.OPT_SORT_KEYS if stable else None)
    except TypeError:  # half a surrogate pair, a number of more than 64 bits, or nested too deeply
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"), sort_keys=stable)
        return text.encode(errors="replace")


def hash_of(payload: bytes) -> str:
    """The SHA-256 of these bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()
