"""One session with a mailbox, in a thread of its own: what is new, its bytes, and that we have it.

Nothing is ever deleted or moved, and ``\\Seen`` is set by nothing but :meth:`ImapSession.seen`. The
library's own way to set a flag also expunges what others marked as deleted; it is not used here.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Literal

from imap_tools import (
    BaseMailBox,
    ImapToolsError,
    MailBox,
    MailBoxStartTls,
    MailBoxUnencrypted,
)

from bridge.sections import is_loopback

TIMEOUT_S = 60.0
SLICE_S = 1.0
"""How often a session that waits looks whether it shall end."""
FAILURES = (ImapToolsError, imaplib.IMAP4.error, OSError, EOFError)
"""What can go wrong with a server; ``imaplib.IMAP4.error`` includes its ``abort``."""
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


@dataclass(frozen=True, slots=True)
class MailboxAccess:
    """Where a mailbox is and how to get in."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    username: str
    password: str
    folder: str

    @property
    def name(self) -> str:
        """What progress is noted under."""
        return f"{self.username}@{self.host}/{self.folder}"


class NotFetched(Exception):
    """The server is there but doesn't give this one mail."""


class ImapSession:
    """A session; every method blocks, and raises one of :data:`FAILURES` when the server fails."""

    def __init__(self, access: MailboxAccess) -> None:
        if access.tls == "none" and not is_loopback(access.host):
            raise ValueError(f"the mailbox at {access.host} must be read encrypted: use starttls or tls")
        self._access = access
        self._ending = threading.Event()
        self._box: BaseMailBox

    def open(self) -> int:
        """Log in and open the folder; returns its UIDVALIDITY."""
        access = self._access
        self._box = _connected(access)
        self._box.login(access.username, access.password, initial_folder=None)
        self._box.folder.set(access.folder)
        answer = self._box.client.response("UIDVALIDITY")[1]
        return int(answer[0]) if answer and answer[0] else 0

    @property
    def idles(self) -> bool:
        """Whether the server tells by itself that something came."""
        return "IDLE" in self._box.client.capabilities

    def above(self, uid: int) -> list[int]:
        """The UIDs above this one, in their order."""
        # « n:* » always names the last mail too, also when its UID is below n (RFC 3501, 6.4.8).
        return [found for found in self._search(f"UID {uid + 1}:*") if found > uid]

    def unread(self) -> list[int]:
        """The UIDs of mails that nobody has read."""
        return self._search("UNSEEN")

    def unread_or_since(self, day: str) -> list[int]:
        """The UIDs of mails that nobody has read or that came on this day (``01-Feb-2026``) or later."""
        return self._search(f"OR UNSEEN SINCE {day}")

    def _search(self, criteria: str) -> list[int]:
        return sorted(map(int, self._box.uids(criteria, charset=None)))

    def size(self, uid: int) -> int:
        """Bytes of a mail; 0 when it is gone."""
        answer = self._box.client.uid("FETCH", str(uid), "(RFC822.SIZE)")[1]
        found = _SIZE.search(answer[0]) if answer and isinstance(answer[0], bytes) else None
        return int(found[1]) if found else 0

    def fetch(self, uid: int) -> bytes | None:
        """A mail's bytes, which leaves it unread; ``None`` when it is gone. Raises :class:`NotFetched`."""
        try:
            status, answer = self._box.client.uid("FETCH", str(uid), "(BODY.PEEK[])")
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise NotFetched(type(error).__name__) from None
        if status != "OK":
            raise NotFetched(str(status))
        parts = [part[1] for part in answer if isinstance(part, tuple) and len(part) > 1]
        return bytes(parts[0]) if parts else None

    def seen(self, uid: int) -> None:
        """Mark a mail as read: it is kept by us."""
        self._flag(uid, r"(\Seen)")

    def flagged(self, uid: int) -> None:
        """Mark a mail for whoever looks after the mailbox: it could not be taken."""
        self._flag(uid, r"(\Flagged)")

    def _flag(self, uid: int, flags: str) -> None:
        self._box.client.uid("STORE", str(uid), "+FLAGS.SILENT", flags)

    def wait(self, idle_s: float, poll_s: float) -> None:
        """Wait until something may have come: told by the server within ``idle_s``, or after ``poll_s``."""
        if self._box.client.response("EXISTS")[1] != [None]:
            return  # told along with an answer, so the server won't tell it again
        if not self.idles:
            self._ending.wait(poll_s)
            self._box.client.noop()
            return
        end = time.monotonic() + idle_s
        self._box.idle.start()  # type: ignore[no-untyped-call]
        while not self._told_already() and not self._ending.is_set() and (left := end - time.monotonic()) > 0:
            begun, slice_s = time.monotonic(), min(SLICE_S, left)
            # Back early with nothing: the connection has ended, which the library conceals; stopping tells.
            if self._box.idle.poll(timeout=slice_s) or time.monotonic() - begun < slice_s / 2:
                break
        self._box.idle.stop()  # type: ignore[no-untyped-call]

    def _told_already(self) -> bool:
        """Whether something came along with the last answer: in a buffer, it hides from ``select``."""
        client = self._box.client
        timeout = client.sock.gettimeout()
        client.sock.setblocking(False)
        try:
            return bool(client.file.peek(1))  # type: ignore[union-attr]
        except ssl.SSLWantReadError:
            return False
        finally:
            client.sock.settimeout(timeout)

    def end(self) -> None:
        """Have a waiting session return, from any thread."""
        self._ending.set()

    def cut(self) -> None:
        """End whatever is under way, from any thread."""
        with contextlib.suppress(AttributeError, OSError):
            self._box.client.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Log out, whatever the server thinks of it."""
        with contextlib.suppress(AttributeError, *FAILURES):
            self._box.client.logout()
        with contextlib.suppress(AttributeError, *FAILURES):
            self._box.client.shutdown()  # after a failure, logging out leaves the socket open


def _connected(access: MailboxAccess) -> BaseMailBox:
    # Without a context of our own, imaplib would accept every certificate.
    context = ssl.create_default_context()
    if access.tls == "tls":
        return MailBox(access.host, access.port, timeout=TIMEOUT_S, ssl_context=context)
    if access.tls == "starttls":
        return MailBoxStartTls(access.host, access.port, timeout=TIMEOUT_S, ssl_context=context)
    return MailBoxUnencrypted(access.host, access.port, timeout=TIMEOUT_S)
