"""Connects what data protection needs outside of the running service: the way to the homeserver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.config import Config, Settings
from bridge.matrix.client import MatrixClient
from bridge.matrix.forgetting import MatrixForgetting
from bridge.matrix.outlet import Place
from bridge.matrix.synapse import SynapseAdmin
from bridge.names import StoredNames
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival


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
