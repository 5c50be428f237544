"""``colloque run`` with an appetite for SIGKILL: dies once at every point that ``crash-at`` asks for.

The file lies beside the configuration; ``kept:mail`` there is about mails only. ``performed`` kills
after an effect was performed and before that is recorded, ``recorded`` right after; ``arrived`` when
a mail's bytes are here and before they are committed, ``kept`` after an input is committed and before it is
acknowledged, ``decided`` after its decision is committed. ``uploaded`` (by MIME type) and ``sent`` (by
message type) kill within an effect, after a document of a transcript or a message is on the homeserver.
Each input and effect kills once; of the bridge's own events that come back, which decide nothing, only the
first does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge.cli import main
from bridge.domain.content import Attachment, Document
from bridge.flow.inbox import Inbox
from bridge.flow.outbox import Outbox
from bridge.matrix.exporting import Exporting
from bridge.matrix.outlet import Outlet
from bridge.ports import Json
from bridge.storage.inbox import Arrival

PLACE = Path(sys.argv[sys.argv.index("-c") + 1]).parent


def crash(point: str, key: str) -> None:
    """Die here if asked to and not yet done."""
    asked = PLACE / "crash-at"
    points = asked.read_text().split() if asked.exists() else []
    if point not in points and f"{point}:{key.split()[0]}" not in points:
        return
    seen = PLACE / "crashed"
    mark = f"{point} {key}"
    if seen.exists() and mark in seen.read_text().splitlines():
        return
    with seen.open("a") as out:
        out.write(mark + "\n")
        out.flush()
        os.fsync(out.fileno())
    os.kill(os.getpid(), signal.SIGKILL)


def named(kind: str, key: str, payload: bytes) -> str:
    """What to call this input; the bridge's own events share one name."""
    if kind != "matrix":
        return f"{kind} {key}"
    event = json.loads(payload)
    own = event["sender"].startswith("@colloque")
    return f"{kind} {'own' if own else key}"


_finish, _take, _commit = Outbox._finish, Inbox.take, Inbox._commit
_upload, _send = Exporting._upload, Outlet.send


async def finish(self: Outbox, row: Any, outcome: Any, error: str | None = None) -> Any:
    crash("performed", f"{type(row.effect).__name__} {row.key}")
    following = await _finish(self, row, outcome, error)
    crash("recorded", f"{type(row.effect).__name__} {row.key}")
    return following


async def take(self: Inbox, arrivals: Sequence[Arrival]) -> None:
    for arrival in arrivals:
        if arrival.kind == "mail":
            crash("arrived", named(arrival.kind, arrival.key, arrival.payload))
    await _take(self, arrivals)
    for arrival in arrivals:
        crash("kept", named(arrival.kind, arrival.key, arrival.payload))


async def commit(self: Inbox, item: Any, reading: Any, *, unsure: bool) -> Any:
    following = await _commit(self, item, reading, unsure=unsure)
    crash("decided", named(item.kind, item.key, item.payload))
    return following


async def upload(self: Exporting, document: Document) -> Attachment:
    attachment = await _upload(self, document)
    crash("uploaded", f"{document.mimetype} {document.name}")
    return attachment


async def send(self: Outlet, room_id: str, content: Json, **how: Any) -> str:
    event_id = await _send(self, room_id, content, **how)
    crash("sent", f"{content.get('msgtype')} {how['key']}")
    return event_id


Outbox._finish = finish  # type: ignore[method-assign]
Inbox.take = take  # type: ignore[method-assign]
Inbox._commit = commit  # type: ignore[method-assign]
Exporting._upload = upload  # type: ignore[method-assign]
Outlet.send = send  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
