"""Who performs what practitioners ask for, connected to what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bridge.catalogue import StoredCatalogue
from bridge.domain.drafting import Fresh
from bridge.domain.organisation import Organisation
from bridge.domain.wishes import Wishes
from bridge.keptmails import StoredMails
from bridge.mail.addresses import new_id, new_reference, new_token
from bridge.matrix.asked import AskedRooms, Promise
from bridge.matrix.guests import Guests
from bridge.matrix.inquiry import Inquiry
from bridge.matrix.inside import is_made_by
from bridge.matrix.original import Originals
from bridge.matrix.outlet import Handlers, Outlet, Place
from bridge.matrix.own import OwnRooms
from bridge.matrix.read import MatrixReader
from bridge.matrix.summary import Summary
from bridge.matrix.wishing import Wishing
from bridge.names import StoredNames
from bridge.ports import Clock, Homeserver
from bridge.sections import CareSection, Config
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
        **Summary(outlet, organisation, catalogue, clock).handlers,
    }


def asked(outlet: Outlet, organisation: Organisation, care: CareSection) -> Handlers:
    """The handlers of what happens in requesters' rooms."""
    emergency = {"fr": care.emergency.fr, "en": care.emergency.en}
    return AskedRooms(outlet, organisation, Promise(emergency, care.answer_within_h)).handlers


def reader(
    names: StoredNames,
    organisation: Organisation,
    place: Place,
    own_rooms: OwnRooms,
    config: Config,
    homeserver: Homeserver,
) -> MatrixReader:
    """What reads what people do on Matrix, those from outside who may ask included."""
    guests = _guests(config, homeserver, place.namespace)

    async def made_by_us(room_id: str) -> bool:
        return await is_made_by(homeserver, room_id, place.bot)

    return MatrixReader(names, organisation, place, own_rooms, guests, names.heard, made_by_us)


def _guests(config: Config, homeserver: Homeserver, namespace: str) -> Guests:
    """Who from outside may ask, and how they are called in a room: their profile needn't be shown."""

    async def called(room_id: str, user_id: str) -> str:
        member = await homeserver.state_event(room_id, "m.room.member", user_id)
        name = (member or {}).get("displayname")
        return name if isinstance(name, str) and name.strip() else user_id[1:].partition(":")[0]

    def fresh() -> Fresh:
        return Fresh(new_id(), f"{namespace}p_{new_token()[:16]}", new_reference())

    return Guests(frozenset((config.homeserver.domain, *config.care.patient_servers)), called, fresh)
