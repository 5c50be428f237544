"""Who performs what practitioners ask for, connected to what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.catalogue import StoredCatalogue
from bridge.domain.organisation import Organisation
from bridge.domain.wishes import Wishes
from bridge.keptmails import StoredMails
from bridge.matrix.inquiry import Inquiry
from bridge.matrix.original import Originals
from bridge.matrix.outlet import Handlers, Outlet
from bridge.matrix.summary import Summary
from bridge.matrix.wishing import Wishing
from bridge.ports import Clock
from bridge.storage.database import Database


def asking(
    outlet: Outlet,
    organisation: Organisation,
    database: Database,
    clock: Clock,
    wake: Callable[[Sequence[str]], None],
    wishes: Wishes,
) -> Handlers:
    """The handlers, by effect; ``wake`` lets the inbox look at a conversation again."""
    catalogue = StoredCatalogue(database)
    return {
        **Inquiry(outlet, organisation, catalogue, clock).handlers,
        **Originals(outlet, StoredMails(database, clock, wake)).handlers,
        **Wishing(outlet, organisation, wishes).handlers,
        **Summary(outlet, organisation, catalogue).handlers,
    }
