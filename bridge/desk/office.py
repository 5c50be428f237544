"""The organisation's file as administrators change it from their bot chat: read, changed, written back."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from bridge.config import ConfigError, Settings, load
from bridge.desk import edit
from bridge.desk.desk import Desk
from bridge.domain.administration import Act, GroupOrder, changed
from bridge.domain.effects import Phrase
from bridge.ports import Clock
from bridge.storage import audit
from bridge.storage.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FileOffice:
    """The :class:`bridge.matrix.administering.Office` of the running service."""

    files: Sequence[Path]
    desk: Desk
    database: Database
    clock: Clock
    reload: Callable[[], None]

    async def possible(self, order: GroupOrder) -> Phrase | None:
        """Why it can't be done to the file as it is; ``None`` if it can."""
        try:
            settings = await asyncio.to_thread(load, self.files[0])
        except ConfigError as error:
            return Phrase("admin.broken", {"mistake": str(error.mistakes[0])})
        group = settings.organisation.group(order.group)
        person = settings.organisation.practitioner(order.user_id) if order.user_id else None
        if group is None or (order.user_id and person is None):
            return Phrase("admin.gone", {})
        if changed(settings.organisation, order) == settings.organisation:
            return Phrase("admin.already", {})
        _, root = await asyncio.to_thread(edit.opened, self.files[1])
        if not await asyncio.to_thread(_writable, self.files[1]):
            return Phrase("admin.read_only", {"file": str(self.files[1])})
        entry = _entry(root, order.group)
        if order.act is Act.REMOVE and order.user_id not in (entry.get("members") or ()):
            return Phrase("admin.in_csv", {"file": str(entry.get("members_csv", ""))})
        return None

    async def preview(self, order: GroupOrder) -> Sequence[Phrase]:
        """What this would change, read from the file and from Matrix; nothing is written."""
        settings = await asyncio.to_thread(load, self.files[0])
        after = changed(settings.organisation, order)
        questions = await self.desk.open_questions()
        found = await self.desk.look(after, await self.desk.place(), questions)
        phrases = []
        for name, people in (("admin.gains", found.gains), ("admin.loses", found.loses)):
            if people:
                shown = ", ".join(_name(settings, access.user_id) for access in people[:20])
                phrases.append(Phrase(name, {"people": shown}))
        waiting = sum(one.count for one in questions if one.group == order.group)
        if waiting:
            phrases.append(Phrase("admin.open", {"count": str(waiting)}))
        if found.is_large(settings.config.largest_removal):
            phrases.append(Phrase("admin.large", {}))
        if settings.config.reconcile == "manual":
            phrases.append(Phrase("admin.manual", {}))
        return phrases

    async def make(self, order: GroupOrder, by: str) -> Phrase | None:
        """Write it into the file, note who wanted it, and have it applied. Returns why it isn't."""
        detail = {"member": order.user_id} if order.user_id else {}
        entry = audit.Entry(by, f"group.{order.act.value}", order.group, detail, self.clock.now().timestamp())
        # Noted first: a change that nobody answers for is worse than a note of one that was tried twice.
        async with self.database.transaction() as connection:
            await audit.note(connection, entry)
        try:
            await asyncio.to_thread(rewrite, self.files[1], order)
        except OSError as error:  # the file is as it was: it is put in place in one step or not at all
            log.error("organisation.not_written", error=errno.errorcode.get(error.errno or 0, ""))
            async with self.database.transaction() as connection:
                await audit.note(connection, replace(entry, action=f"{entry.action}.failed"))
            return _not_written(error, self.files[1])
        self.reload()
        return None


def _not_written(error: OSError, file: Path) -> Phrase:
    """What an administrator can do about it."""
    values = {"file": str(file)}
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Phrase("admin.disk_full", values)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Phrase("admin.read_only", values)
    return Phrase("admin.not_written", values | {"why": error.strerror or type(error).__name__})


def rewrite(file: Path, order: GroupOrder) -> None:
    """Change the group in this file; everything else in it stays as it is."""
    yaml, root = edit.opened(file)
    entry = _entry(root, order.group)
    match order.act:
        case Act.ADD:
            if not isinstance(entry.get("members"), list):
                entry["members"] = CommentedSeq()
            entry["members"].append(order.user_id)
        case Act.REMOVE:
            entry["members"].remove(order.user_id)
        case Act.SUSPEND:
            entry["suspended"] = True
        case Act.RESUME:
            entry["suspended"] = False
    edit.write(file, edit.as_text(yaml, root))


def _writable(file: Path) -> bool:
    """Whether it can be replaced: that takes its folder."""
    target = file.resolve()
    return os.access(target, os.W_OK) and os.access(target.parent, os.W_OK)


def _entry(root: CommentedMap, key: str) -> Any:
    return next(entry for entry in root["groups"] if entry["key"] == key)


def _name(settings: Settings, user_id: str) -> str:
    person = settings.organisation.practitioner(user_id)
    return person.name if person else user_id
