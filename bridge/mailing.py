"""Mail by the configuration: how it is read and sent, how much comes in, and what its links lead to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.care import secret_for
from bridge.config import Config
from bridge.domain.arriving import Errand, ErrandAsked
from bridge.domain.errands import BY_LINK
from bridge.domain.links import MailLinks
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question
from bridge.keptmails import StoredSuppressions, StoredTurns
from bridge.mail.ahead import Ahead
from bridge.mail.checked import sender_check
from bridge.mail.perform import MailPerformer
from bridge.mail.read import MailReader
from bridge.mail.send import SmtpMailer
from bridge.mail.signing import Signer
from bridge.mail.suppress import Suppressing
from bridge.mail.turns import Gate
from bridge.mail.write import MailSettings
from bridge.ports import Clock, Homeserver, Mailer, Names, RawInput, Reading
from bridge.storage.database import Database
from bridge.storage.inbox import Arrival
from bridge.web.sheet import TooMany

ERRANDS_AN_HOUR = 20
"""What one question's links may ask in an hour."""


def mail_reader(
    config: Config,
    names: Names,
    organisation: Organisation,
    namespace: str,
    ahead: Ahead,
    database: Database,
    clock: Clock,
) -> MailReader:
    """What reads mails out of the inbox."""
    section = config.mail
    check = sender_check(section.authserv_id, section.verify_senders, ahead.sandbox.verify)
    return MailReader(
        names,
        organisation,
        section.domain,
        namespace,
        ahead,
        check,
        Gate(StoredTurns(database), clock, section.limits.of_question, section.limits.of_sender),
        StoredSuppressions(database, clock).stopped,
        check.vouched,
    )


def mail_performer(
    config: Config,
    mailer: Mailer,
    homeserver: Homeserver,
    names: Names,
    organisation: Organisation,
    database: Database,
    clock: Clock,
) -> Suppressing:
    """The mail lane's performer: to every address but those that gave mails back, or want none."""
    settings = MailSettings(
        config.mail.domain,
        emergency(config),
        config.mail.max_attachments_mb * 1024 * 1024,
        config.care.answer_within_h,
        mail_links(config),
        signer(config),
    )
    performer = MailPerformer(mailer, homeserver, names, clock, organisation, settings)
    return Suppressing(performer, StoredSuppressions(database, clock))


def emergency(config: Config) -> dict[str, str]:
    """What is said about emergencies, by language."""
    return {"fr": config.care.emergency.fr, "en": config.care.emergency.en}


def mail_links(config: Config) -> MailLinks | None:
    """The links of patients' mails, where they can lead somewhere."""
    base = config.web.public_url
    return MailLinks(base, secret_for("links", config)) if base else None


def signer(config: Config) -> Signer | None:
    """Who signs our mails, where it is we."""
    section = config.mail.dkim
    if section is None:
        return None
    return Signer(section.domain or config.mail.domain, section.selector, section.key.get_secret_value())


@dataclass(frozen=True, slots=True)
class StoredErrands:
    """See :class:`bridge.web.pages.Errands`."""

    names: Names
    database: Database
    clock: Clock
    put: Callable[[Sequence[Arrival]], Awaitable[None]]

    async def look(self, question_id: str) -> tuple[Question, bool] | None:
        """A question, and whether its patient wants no e-mails."""
        question = await self.names.question(question_id)
        if question is None or not question.address:
            return None
        return question, await StoredSuppressions(self.database, self.clock).stopped(question.address)

    async def take(self, question_id: str, errand: Errand, nonce: str) -> None:
        """Commit an errand."""
        key, now = f"web:{question_id}:{errand.value}:{nonce}", self.clock.now().timestamp()
        turn = await StoredTurns(self.database).exactly(key, "web", question_id, ERRANDS_AN_HOUR, now)
        if turn.at > now:
            raise TooMany
        payload = json.dumps({"errand": errand.value}).encode()
        await self.put([Arrival(key, "web", question_id, payload)])


async def read_errand(item: RawInput) -> Reading:
    """What somebody did on a page."""
    errand = Errand(json.loads(item.payload)["errand"])
    return Reading(item.conversation, (ErrandAsked(item.key, errand, BY_LINK, by_link=True),))


def mailer(config: Config) -> SmtpMailer:
    """The connection to the configured server."""
    smtp = config.mail.smtp
    return SmtpMailer(
        host=smtp.host,
        port=smtp.port,
        tls=smtp.tls,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else "",
        hostname=config.mail.domain,
    )
