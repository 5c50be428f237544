"""What an owner chooses for an expert, connected to the homeserver, the storage and the process that
opens photos.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.drafting import Fresh
from bridge.mail.addresses import new_id, new_reference, new_token
from bridge.mail.sandbox import ParserDied, Sandbox
from bridge.matrix.client import MatrixClient
from bridge.matrix.expertise import Cleaned, Expertise
from bridge.matrix.outlet import Handlers, Outlet
from bridge.ports import Json, Permanent
from bridge.storage import registry
from bridge.storage.database import Database


async def cleaned(sandbox: Sandbox, content: bytes) -> Cleaned | None:
    """A photo without its metadata; what breaks the process that opens it is none."""
    try:
        photo = await sandbox.clean(content)
    except ParserDied:
        return None
    if photo is None:
        return None
    extension = photo.name.rpartition(".")[2]
    return Cleaned(photo.content, photo.mimetype, extension, photo.width, photo.height)


@dataclass(frozen=True, slots=True)
class StoredMaterials:
    """The :class:`bridge.matrix.expertise.Materials` of this installation."""

    database: Database
    homeserver: MatrixClient
    sandbox: Sandbox
    namespace: str

    async def event(self, room_id: str, event_id: str) -> Json | None:
        """One event as it stands; ``None`` where there is none, or none for us."""
        try:
            return await self.homeserver.event(room_id, event_id)
        except Permanent as error:
            if error.code not in ("M_NOT_FOUND", "M_FORBIDDEN"):
                raise
            return None

    async def cleaned(self, content: bytes) -> Cleaned | None:
        """A photo without its metadata; what breaks the process that opens it is none."""
        return await cleaned(self.sandbox, content)

    async def keep(self, content: bytes, question_id: str) -> None:
        """Keep these bytes, for a question."""
        async with self.database.transaction() as connection:
            await registry.keep_blob(connection, content, question_id)

    def fresh(self) -> Fresh:
        """Random names, revealing nothing."""
        return Fresh(new_id(), f"{self.namespace}p_{new_token()[:16]}", new_reference())


def expertise(outlet: Outlet, database: Database, homeserver: MatrixClient, sandbox: Sandbox) -> Handlers:
    """The handlers of tele-expertise, by effect."""
    materials = StoredMaterials(database, homeserver, sandbox, outlet.place.namespace)
    return Expertise(outlet, materials).handlers
