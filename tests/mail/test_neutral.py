"""Mails of groups whose answers are read on a page: whatever kind of mail, nothing says what it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from bridge.domain import effects as fx
from bridge.domain.arriving import FileLeftOut
from bridge.domain.content import Attachment, Kind, Line
from bridge.domain.errands import ANSWER_AGAIN
from bridge.domain.letters import CONSENT
from bridge.domain.links import MailLinks
from bridge.domain.organisation import Mails, Organisation
from bridge.mail.compose import compose
from bridge.mail.perform import MailPerformer
from bridge.mail.samples import LARGE, Photo
from bridge.mail.write import MailSettings
from bridge.ports import Permanent
from bridge.utc import SystemClock
from tests.support.memory import MemoryNames, Try
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


class Taken:
    """Whatever is sent is taken."""

    async def send(self, *, before_body: Callable[[], Awaitable[None]], **_mail: object) -> None:
        await before_body()


def _performer(
    organisation: Organisation, links: MailLinks | None = LINKS, files: object = None
) -> MailPerformer:
    settings = MailSettings("reponse.test", {"fr": "Le 15.", "en": "112."}, 10**6, 48, links)
    return MailPerformer(
        Taken(),  # type: ignore[arg-type]
        files or Nowhere(),  # type: ignore[arg-type]
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


SCAN = Attachment(Kind.FILE, "irm.zip", "application/zip", 200 * 1024 * 1024, mxc=LARGE)
SMALL = Attachment(Kind.FILE, "note.txt", "text/plain", 4, mxc="mxc://h.example/a")
WITH_FILES = replace(
    ANSWER, lines=(Line("$1", "Voici."), Line("$2", attachment=SCAN), Line("$3", attachment=SMALL))
)


@pytest.mark.parametrize("group", ["derm", SECOND.key])
@pytest.mark.parametrize("correction", [False, True])
async def test_the_author_of_a_file_that_does_not_reach_the_patient_is_told_however_often_it_was_tried(
    group: str, correction: bool
) -> None:
    effect = replace(WITH_FILES, group=group, correction=correction)
    performer = _performer(LINKED, files=Photo(b"text"))
    first = await performer.perform(Try(effect))
    again = await performer.perform(Try(effect, compose(await performer._mail(effect))))
    for outcome in (first, again):
        assert [event for event in outcome.events if isinstance(event, FileLeftOut)] == [
            FileLeftOut(2, 1, "irm.zip")
        ]


async def test_what_went_along_is_not_said_to_be_missing() -> None:
    effect = replace(WITH_FILES, lines=WITH_FILES.lines[::2])
    for group in ("derm", SECOND.key):
        performer = _performer(LINKED, files=Photo(b"text"))
        outcome = await performer.perform(Try(replace(effect, group=group)))
        assert len(outcome.events) == 1
