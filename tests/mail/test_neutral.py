"""Mails of groups whose answers are read on a page: whatever kind of mail, nothing says what it is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from bridge.domain import effects as fx
from bridge.domain.content import Line
from bridge.domain.errands import ANSWER_AGAIN
from bridge.domain.letters import CONSENT
from bridge.domain.links import MailLinks
from bridge.domain.organisation import Mails, Organisation
from bridge.mail.compose import compose
from bridge.mail.perform import MailPerformer, MailSettings
from bridge.ports import Permanent
from bridge.utc import SystemClock
from tests.support.memory import MemoryNames
from tests.support.post import GROUP, SECOND

LINKS = MailLinks("https://colloque.test", b"secret")
SECRETS = ("Psoriasis", "Dermatologie", "Dr Claire", "crème", "derm")
LINKED = Organisation("Hôpital", "fr", (), (replace(GROUP, mails=Mails.LINK), SECOND))
COMMON = {
    "question_id": "q" * 16,
    "language": "fr",
    "address": "marie@p.example",
    "name": "Marie",
    "subject": "Psoriasis",
    "reference": "K7X3M2",
    "token": "t" * 24,
}
ANSWER = fx.Answer(
    key="a",
    number=2,
    group="derm",
    owner="@c:h.example",
    owner_name="Dr Claire",
    lines=(Line("$1", "Mettez la crème."),),
    references=(),
    **COMMON,  # type: ignore[arg-type]
)
ACKNOWLEDGE = fx.Acknowledge(key="b", group="derm", in_reply_to="<1@p>", unattended=True, **COMMON)
TELL = fx.TellPatient(key="c", group="derm", message="closed", references=(), **COMMON)  # type: ignore[arg-type]


@dataclass
class Nowhere:
    """No mail server is needed to see what would be sent."""


def _performer(organisation: Organisation, links: MailLinks | None = LINKS) -> MailPerformer:
    settings = MailSettings("reponse.test", {"fr": "Le 15.", "en": "112."}, 10**6, 48, links)
    return MailPerformer(
        Nowhere(),  # type: ignore[arg-type]
        Nowhere(),  # type: ignore[arg-type]
        MemoryNames(),
        SystemClock(),
        organisation,
        settings,
    )


async def _words(effect: fx.Effect, organisation: Organisation = LINKED) -> str:
    mail = await _performer(organisation)._mail(effect)
    return compose(mail).decode("ascii") + mail.subject + str(mail.lines)


@pytest.mark.parametrize("effect", [ANSWER, replace(ANSWER, correction=True), ACKNOWLEDGE, TELL])
async def test_neither_subject_nor_sender_nor_words_say_what_it_is_about(effect: fx.Effect) -> None:
    words = await _words(effect)
    assert [secret for secret in SECRETS if secret in words] == []
    assert "Votre question K7X3M2" in words


async def test_an_answer_leads_to_its_page_and_another_link_can_be_sent() -> None:
    url = LINKS.answer_url("q" * 16, 2, SystemClock().now())
    assert url in await _words(ANSWER)
    again = replace(TELL, message=ANSWER_AGAIN, values={"number": "2"})
    assert url in await _words(again)


async def test_another_groups_mails_stay_as_they_are() -> None:
    words = await _words(replace(ANSWER, group=SECOND.key))
    assert "Psoriasis" in words
    assert "Dr Claire" in words


async def test_of_a_group_that_has_left_the_file_nothing_is_said_where_any_group_is_silent() -> None:
    assert "Psoriasis" not in await _words(replace(ANSWER, group="gone"))
    full = replace(LINKED, groups=(GROUP, SECOND))
    assert "Psoriasis" in await _words(replace(ANSWER, group="gone"), full)


async def test_without_a_page_to_lead_to_an_answer_fails_and_is_not_sent_in_full() -> None:
    with pytest.raises(Permanent) as refused:
        await _performer(LINKED, None)._mail(ANSWER)
    assert refused.value.code == "no_public_url"


async def test_whose_opinion_is_wanted_is_read_on_a_page() -> None:
    asks = replace(TELL, key=f"{'q' * 16}:consent:4", message=CONSENT, values={"to": "Rhumatologie"})
    words = await _words(asks)
    assert "Rhumatologie" not in words
    assert LINKS.answer_url("q" * 16, 4, SystemClock().now(), consent=True) in words
    assert "Rhumatologie" in await _words(replace(asks, group=SECOND.key))
