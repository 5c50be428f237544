"""Matrix events as inputs of the inbox."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

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
        text = json.dumps(
            event, ensure_ascii=False, separators=(",", ":"), sort_keys=not isinstance(event_id, str)
        )
        payload = text.encode(errors="replace")
        key = f"matrix:{event_id}" if isinstance(event_id, str) else f"matrix:?{hash_of(payload)}"
        conversation = room_id if isinstance(room_id, str) else "matrix"
        arrivals.append(Arrival(key, "matrix", conversation, payload))
    return arrivals


def hash_of(payload: bytes) -> str:
    """The SHA-256 of these bytes, in hex."""
    return hashlib.sha256(payload).hexdigest()
