"""What people say, independent of the medium: text and attachments.

Attachments are content-addressed: the bytes live in storage (``blob``) or on the homeserver
(``mxc``); events and effects only carry these references.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """How a client shows an attachment."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photo or file. Exactly one of ``blob`` (SHA-256 hex in our storage) and ``mxc`` is set.

    ``name`` is our own cleaned name, never a path. ``size`` is in bytes, ``width`` and ``height`` in pixels.
    """

    kind: Kind
    name: str
    mimetype: str
    size: int
    blob: str = ""
    mxc: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the owner for the patient: text (with its formatted form) or an attachment.

    ``event_id`` is the Matrix event it came from; ``html`` is the sender's formatted body, unsanitised.
    """

    event_id: str
    text: str = ""
    html: str = ""
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A line as it left for whoever asked, by whom and when (epoch seconds); ``failed``: it didn't arrive."""

    line: Line
    owner: str
    owner_name: str
    at: float
    correction: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """A video consultation as a calendar keeps it.

    ``uid`` never changes; ``sequence`` rises with every change, so that calendars follow (RFC 5546, 2.1.4).
    ``remind_min`` is how many minutes before the start people are reminded, 0 for never.
    """

    uid: str
    sequence: int
    start: datetime
    minutes: int
    link: str
    remind_min: float = 0.0
    cancelled: bool = False

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.start + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was made for someone."""

    name: str
    mimetype: str
    content: bytes
