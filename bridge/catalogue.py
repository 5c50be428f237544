"""Questions by whose they are, answered from the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.findings import Found, Listed, Queue
from bridge.domain.state import Status
from bridge.storage import lists
from bridge.storage.database import Database
from bridge.storage.search import search


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """The :class:`bridge.domain.findings.Catalogue` of one database."""

    database: Database

    async def search(self, allowed: Sequence[str], keywords: Sequence[str], limit: int) -> Found:
        """The newest questions of these scopes whose title has every keyword."""
        async with self.database.reading() as connection:
            return await search(connection, allowed, keywords, limit)

    async def waiting(self, groups: Sequence[str], limit: int) -> Listed:
        """What waits in these groups, newest first."""
        async with self.database.reading() as connection:
            return await lists.waiting(connection, groups, limit)

    async def owned(self, user_id: str, statuses: Sequence[Status], limit: int) -> Listed:
        """What someone took, those first in which something happened last."""
        async with self.database.reading() as connection:
            return await lists.owned(connection, user_id, statuses, limit)

    async def requested(self, user_id: str, statuses: Sequence[Status], limit: int) -> Listed:
        """What someone asked, those first in which something happened last."""
        async with self.database.reading() as connection:
            return await lists.requested(connection, user_id, statuses, limit)

    async def queues(self, groups: Sequence[str]) -> dict[str, Queue]:
        """How many wait in each of these groups, and the one that has waited longest."""
        async with self.database.reading() as connection:
            return await lists.queues(connection, groups)

    async def first_events(self, stems: Sequence[str]) -> dict[str, str]:
        """The first event in the room of each question."""
        async with self.database.reading() as connection:
            return await lists.first_events(connection, stems)
