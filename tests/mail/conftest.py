"""The fixtures of servers.py, for every test of outgoing mail."""

from __future__ import annotations

from tests.mail.servers import localhost, mailer, server, trust, world

__all__ = ["localhost", "mailer", "server", "trust", "world"]
