"""What comes in by the homeserver's transactions and by mail, on its way into the inbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bridge.flow.streams import Streams
from bridge.mail.intake import ArrivedMail
from bridge.matrix.own import OwnRooms
from bridge.matrix.present import Present
from bridge.ports import Json
from bridge.storage.arrivals import matrix_arrivals
from bridge.storage.inbox import Arrival


@dataclass(frozen=True, slots=True)
class Doorway:
    """Keeps what arrives; ``is_ours`` tells the bot and the ghosts.

    ``ahead`` is given each mail and its recipient while it is being kept.
    """

    take: Callable[[Sequence[Arrival]], Awaitable[None]]
    is_ours: Callable[[object], bool]
    streams: Streams
    ahead: Callable[[bytes, str], None]
    own_rooms: OwnRooms = field(default_factory=OwnRooms)
    present: Present = field(default_factory=Present)

    async def mail(self, mail: ArrivedMail) -> None:
        """Keep a mail."""
        self.ahead(mail.raw, mail.recipient)
        arrival = Arrival(mail.key, "mail", mail.conversation, mail.raw, mail.recipient, mail.sender)
        await self.take([arrival])

    async def events(self, events: list[Json]) -> None:
        """Keep what people did; what we did ourselves is in the outbox already and comes back to no use."""
        self.present.came(events)
        told = [
            event for event in events if not (isinstance(event, dict) and self.is_ours(event.get("sender")))
        ]
        arrivals = matrix_arrivals(self.own_rooms.sift(told))
        self.streams.came(arrival.key.removeprefix("matrix:") for arrival in arrivals)
        await self.take(arrivals)
