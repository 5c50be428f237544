"""Who performs what practitioners ask for, connected to what is stored."""

from __future__ import annotations

from bridge.catalogue import StoredCatalogue
from bridge.domain.organisation import Organisation
from bridge.matrix.inquiry import Inquiry
from bridge.matrix.outlet import Handlers, Outlet
from bridge.matrix.summary import Summary
from bridge.ports import Clock
from bridge.storage.database import Database


def asking(outlet: Outlet, organisation: Organisation, database: Database, clock: Clock) -> Handlers:
    """The handlers, by effect."""
    catalogue = StoredCatalogue(database)
    return {
        **Inquiry(outlet, organisation, catalogue, clock).handlers,
        **Summary(outlet, organisation, catalogue).handlers,
    }
