"""Connects a mailbox that is read by IMAP with what the listener's mails go to, too.

The IMAP library is loaded only where a mailbox is configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.config import Config
from bridge.mail.listener import MailSink
from bridge.ports import Clock
from bridge.storage import mailboxes
from bridge.storage.database import Database
from bridge.storage.sharing import Sharing

if TYPE_CHECKING:
    from bridge.mail.imap import MailboxAccess
    from bridge.mail.mailbox import MailboxPlace, MailboxReader


@dataclass(frozen=True, slots=True)
class StoredPlaces:
    """The :class:`bridge.mail.mailbox.MailboxPlaces` of one database."""

    database: Database

    async def load(self, mailbox: str) -> MailboxPlace | None:
        """How far this mailbox is taken; ``None`` when it was never read."""
        from bridge.mail.mailbox import MailboxPlace

        async with self.database.reading() as connection:
            found = await mailboxes.load(connection, mailbox)
        return MailboxPlace(*found) if found else None

    async def save(self, mailbox: str, place: MailboxPlace) -> None:
        """Note that everything up to this place is committed."""
        async with self.database.transaction() as connection:
            await mailboxes.save(connection, mailbox, place.validity, place.uid, place.since)


def access_of(config: Config) -> MailboxAccess | None:
    """The mailbox of the configuration, if there is one."""
    section = config.mail.imap
    if section is None:
        return None
    from bridge.mail.imap import MailboxAccess

    return MailboxAccess(
        section.host,
        section.port,
        section.tls,
        section.username,
        section.password.get_secret_value(),
        section.folder,
    )


def mailbox_reader(
    config: Config, sink: MailSink, database: Database, sharing: Sharing, clock: Clock
) -> MailboxReader | None:
    """What reads the mailbox of the configuration, if there is one."""
    access = access_of(config)
    if access is None:
        return None
    from bridge.mail.mailbox import MailboxReader

    return MailboxReader(
        access,
        sink,
        StoredPlaces(database),
        clock,
        claim=lambda: sharing.claimed("mailbox", access.name),
        max_size=config.mail.listen.max_size_mb * 1024 * 1024,
    )
