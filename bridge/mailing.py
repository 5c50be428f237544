"""Mail on its way out, by the configured server; and how much of it comes in within an hour."""

from __future__ import annotations

from bridge.config import Config
from bridge.keptmails import StoredSuppressions, StoredTurns
from bridge.mail.send import SmtpMailer
from bridge.mail.suppress import Performs, Suppressing
from bridge.mail.turns import Gate
from bridge.ports import Clock
from bridge.storage.database import Database


def suppressing(performer: Performs, database: Database, clock: Clock) -> Suppressing:
    """The mail lane's performer, for all addresses but those."""
    return Suppressing(performer, StoredSuppressions(database, clock))


def gate(config: Config, database: Database, clock: Clock) -> Gate:
    """What an hour lets in."""
    limits = config.mail.limits
    return Gate(StoredTurns(database), clock, limits.of_question, limits.of_sender)


def mailer(config: Config) -> SmtpMailer:
    """The connection to that server."""
    smtp = config.mail.smtp
    return SmtpMailer(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else "",
        hostname=config.mail.domain,
    )
