"""Connects what data protection needs: the way to the homeserver, and the rounds of retention."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.config import Config, Settings
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.exporting import write_one
from bridge.flow.retention import Retention
from bridge.matrix.client import MatrixClient
from bridge.matrix.forgetting import MatrixForgetting
from bridge.matrix.outlet import Place
from bridge.matrix.synapse import SynapseAdmin
from bridge.names import StoredNames
from bridge.ports import Clock
from bridge.storage.database import Database
from bridge.storage.dossier import dossier
from bridge.storage.inbox import Arrival
from bridge.storage.sharing import Sharing


def administration(config: Config) -> SynapseAdmin | None:
    """The homeserver's administration, where the configuration has a token for it."""
    token = config.homeserver.admin_token
    return SynapseAdmin(config.homeserver.url, token.get_secret_value()) if token else None


async def _nothing_comes_in(_arrivals: Sequence[Arrival]) -> None:
    raise AssertionError("only the service takes inputs")


@asynccontextmanager
async def forgetting(settings: Settings, database: Database) -> AsyncIterator[MatrixForgetting]:
    """The homeserver, to be made to forget; it need not be up."""
    config = settings.config
    home = config.homeserver
    client = MatrixClient(
        url=home.url,
        domain=home.domain,
        as_token=home.as_token.get_secret_value(),
        bot=home.bot,
        service_id=home.service_id,
    )
    admin = administration(config)
    names = StoredNames(database, _nothing_comes_in, config.claim.listing_limit)
    place = Place(client.bot_id, home.domain, home.namespace, home.room_version or "")
    await client.start()
    if admin is not None:
        await admin.start()
    try:
        yield MatrixForgetting(client, names, place, admin)
    finally:
        await client.close()
        if admin is not None:
            await admin.close()


def retention(
    settings: Settings, database: Database, sharing: Sharing, clock: Clock, organisation: Organisation
) -> Retention:
    """The rounds that erase what was kept long enough."""
    folder = settings.config.retention.export_to

    async def keep(question: Question) -> None:
        async with database.reading() as connection:
            found = await dossier(connection, question)
        assert folder is not None
        await asyncio.to_thread(write_one, folder / question.group, found)

    opened = functools.partial(forgetting, settings, database)
    return Retention(database, sharing, clock, organisation, opened, keep if folder else None)
