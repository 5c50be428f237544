"""Floods and name servers that are away: by a real connection into a real database, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.domain import effects as fx
from bridge.domain.keeping import LATER, MANY
from bridge.domain.state import Question, Status
from bridge.keptmails import AT_THE_SAME_TIME
from bridge.mail.addresses import bounce_address, reply_address
from bridge.mail.checked import SenderCheck
from bridge.mail.read import MailReader
from bridge.mail.signed import Verdict
from bridge.mail.turns import AUTOMATIC_SHOWN
from bridge.storage import inbox, mails, questions, registry
from tests.domain.given import waiting
from tests.support.post import ADMIN, DOMAIN, GROUP, LIMIT, Post, opened


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with opened(tmp_path) as made:
        yield made


@pytest.fixture
async def question(post: Post) -> Question:
    """One that its owner is alone with."""
    made = replace(
        waiting(),
        id="a" * 16,
        status=Status.TAKEN,
        owner=ADMIN.user_id,
        sealed=True,
        taken_at=post.clock.now(),
    )
    async with post.database.transaction() as connection:
        await questions.save(connection, made, None)
        await registry.add_token(connection, made.token, made.id)
    return made


def _mail(number: int, headers: str = "") -> bytes:
    return (
        f"From: Marie <marie@patients.example>\r\nSubject: s{number}\r\nMessage-ID: <{number}@p>\r\n"
        f"{headers}\r\nmots {number}\r\n"
    ).encode()


def _words(effects: list[fx.Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, fx.PostText)]


def _said(effects: list[fx.Effect], message: str) -> list[fx.Say]:
    return [effect for effect in effects if isinstance(effect, fx.Say) and effect.message == message]


async def test_more_questions_of_one_sender_than_an_hour_lets_in_wait_and_come_in_by_themselves(
    post: Post,
) -> None:
    await post.send(GROUP.address, *map(_mail, range(LIMIT + 3)))
    assert len(_words(await post.effects(fx.PostText))) == LIMIT
    assert [item.error for item in await post.held()] == [MANY] * 3
    (told,) = await post.effects(fx.TellSender)
    assert isinstance(told, fx.TellSender)
    assert (told.address, told.message) == ("marie@patients.example", "unusable_many")
    assert len(await post.effects(fx.TellAll)) == 1
    for minutes in (61, 61):
        post.clock.forward(minutes)
        await post.timers()
    assert sorted(_words(await post.effects(fx.PostText))) == [f"mots {n}" for n in range(LIMIT + 3)]
    assert await post.held() == []
    assert len(await post.effects(fx.TellSender)) == 1


async def test_with_a_large_limit_too_each_mail_counts_and_the_rest_waits(tmp_path: Path) -> None:
    limit = AT_THE_SAME_TIME + 4
    async with opened(tmp_path, limit) as post:
        await post.send(GROUP.address, *map(_mail, range(limit + 3)))
        assert len(_words(await post.effects(fx.PostText))) == limit
        assert [item.error for item in await post.held()] == [MANY] * 3
        assert len(await post.effects(fx.TellSender)) == 1


async def test_mails_that_are_read_at_the_same_moment_do_not_pass_by_the_limit(tmp_path: Path) -> None:
    limit = AT_THE_SAME_TIME + 4
    async with opened(tmp_path, limit) as post:
        assert post.intake is not None
        for number in range(limit + 30):
            await post.intake.keep(sender="m@p.example", recipient=GROUP.address, raw=_mail(number))
        async with post.database.reading() as connection:
            waiting_ones = list(await inbox.pending(connection))
        at_once = asyncio.Semaphore(AT_THE_SAME_TIME)

        async def decide(conversation: str) -> None:
            async with at_once:
                await post.worker._drain_ours(conversation)

        await asyncio.gather(*map(decide, waiting_ones))
        assert len(_words(await post.effects(fx.PostText))) == limit
        assert len(await post.held()) == 30
        assert len(await post.effects(fx.TellSender)) == 1


async def test_each_hour_has_its_own_answer_and_another_sender_is_not_held(post: Post) -> None:
    await post.send(GROUP.address, *map(_mail, range(LIMIT + 1)))
    await post.send(GROUP.address, _mail(77).replace(b"marie@", b"paul@"), sender="paul@patients.example")
    assert len(_words(await post.effects(fx.PostText))) == LIMIT + 1
    post.clock.forward(130)
    await post.timers()
    await post.send(GROUP.address, *map(_mail, range(100, 100 + LIMIT + 1)))
    assert len(await post.effects(fx.TellSender)) == 2


async def test_automatic_mail_to_a_group_is_never_answered_however_much_there_is(post: Post) -> None:
    robot = "Auto-Submitted: auto-replied\r\n"
    await post.send(GROUP.address, *(_mail(n, robot) for n in range(LIMIT + 3)))
    assert {item.error for item in await post.held()} == {"automatic"}
    assert await post.effects(fx.TellSender) == []
    assert await post.effects(fx.Acknowledge) == []


async def test_a_question_gets_its_mails_in_turn_and_says_so_once_to_patient_and_owner(
    post: Post, question: Question
) -> None:
    to = reply_address(question.token, DOMAIN)
    await post.send(to, *map(_mail, range(LIMIT + 3)))
    assert _words(await post.effects(fx.PostText)) == ["mots 0", "mots 1"]
    assert len(await post.held()) == 3
    assert len(_said(await post.effects(fx.Say), "mail_many")) == 1
    (told,) = await post.effects(fx.TellPatient)
    assert isinstance(told, fx.TellPatient)
    assert (told.message, told.address) == ("unusable_many", question.address)
    post.clock.forward(61)
    await post.timers()
    assert _words(await post.effects(fx.PostText)) == ["mots 0", "mots 1", "mots 2", "mots 3"]
    post.clock.forward(61)
    await post.timers()
    assert _words(await post.effects(fx.PostText))[-1] == "mots 4"
    async with post.database.reading() as connection:
        stored = await questions.load(connection, question.id)
    assert stored is not None
    assert stored.question.held == ()


async def test_whoever_is_not_the_patient_is_not_answered_when_there_is_much(
    post: Post, question: Question
) -> None:
    post.verdict = Verdict.FAIL
    await post.send(reply_address(question.token, DOMAIN), *map(_mail, range(LIMIT + 2)))
    assert len(await post.effects(fx.TellPatient)) == 0
    assert len(_said(await post.effects(fx.Say), "mail_many")) == 1
    assert len(_said(await post.effects(fx.Say), "mail_doubted")) == LIMIT


async def test_what_is_held_comes_in_at_once_when_the_owner_or_an_admin_lets_it(
    post: Post, question: Question
) -> None:
    await post.send(reply_address(question.token, DOMAIN), *map(_mail, range(LIMIT + 2)))
    first, second = await post.held()
    async with post.database.transaction() as connection:
        assert await inbox.take_back(connection, first.id, post.clock.now().timestamp())
    await post.decide()
    assert _words(await post.effects(fx.PostText))[-1] == "mots 2"
    async with post.database.transaction() as connection:
        await mails.let_in(connection, question.id, post.clock.now().timestamp())
    await post.decide()
    assert _words(await post.effects(fx.PostText))[-1] == "mots 3"
    assert second.id not in {item.id for item in await post.held()}


async def test_an_absence_that_is_sent_over_and_over_is_kept_and_said_only_a_few_times(
    post: Post, question: Question
) -> None:
    robot = "Auto-Submitted: auto-replied\r\n"
    await post.send(reply_address(question.token, DOMAIN), *(_mail(n, robot) for n in range(12)))
    assert len(_said(await post.effects(fx.Say), "mail_automatic")) == AUTOMATIC_SHOWN
    assert await post.effects(fx.TellPatient) == []
    async with post.database.reading() as connection:
        kept = [
            await mails.raw(connection, question.id, key) for key in await mails.of(connection, question.id)
        ]
    assert len(kept) == 12
    assert all(kept)


async def test_while_no_name_server_answers_a_mail_waits_and_then_is_the_patients(
    post: Post, question: Question
) -> None:
    post.verdict = Verdict.UNKNOWN
    to = reply_address(question.token, DOMAIN)
    await post.send(to, _mail(1))
    assert [item.error for item in await post.held()] == [LATER]
    assert await post.effects(fx.Say) == []
    post.clock.forward(2)
    await post.timers()
    assert [item.error for item in await post.held()] == [LATER]
    post.verdict = Verdict.PASS
    post.clock.forward(5)
    await post.timers()
    assert _words(await post.effects(fx.PostText)) == ["mots 1"]
    assert _said(await post.effects(fx.Say), "mail_doubted") == []


async def test_name_servers_that_stay_away_leave_the_judgement_to_the_owner_within_the_hour(
    post: Post, question: Question
) -> None:
    post.verdict = Verdict.UNKNOWN
    await post.send(reply_address(question.token, DOMAIN), _mail(1))
    for _ in range(10):
        post.clock.forward(6)
        await post.timers()
    assert len(_said(await post.effects(fx.Say), "mail_doubted")) == 1
    assert [item.error for item in await post.held()] == ["unverified"]


BOUNCE = (
    b"From: MAILER-DAEMON@p.example\r\nSubject: Undelivered\r\nMessage-ID: <b%d@p>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nfull %d\r\n"
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; p.example\r\n\r\n"
    b"Final-Recipient: rfc822; marie@patients.example\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n--b--\r\n"
)


@pytest.mark.parametrize("kind", ["reports", "reports to the answer address", "automatic", "unverified"])
async def test_what_the_patient_did_not_write_uses_up_nothing_of_what_they_may(
    post: Post, question: Question, kind: str
) -> None:
    to, back = reply_address(question.token, DOMAIN), bounce_address(question.token, DOMAIN)
    more = range(100, 100 + LIMIT + 3)
    match kind:
        case "reports":
            await post.send(back, *(BOUNCE % (n, n) for n in more), sender="")
        case "reports to the answer address":
            await post.send(to, *(BOUNCE % (n, n) for n in more), sender="")
        case "automatic":
            await post.send(to, *(_mail(n, "Auto-Submitted: auto-replied\r\n") for n in more))
        case _:
            post.verdict = Verdict.FAIL
            await post.send(to, *map(_mail, more))
            post.verdict = Verdict.PASS
    assert _words(await post.effects(fx.PostText)) == []
    await post.send(to, *map(_mail, range(LIMIT)))
    assert _words(await post.effects(fx.PostText)) == [f"mots {n}" for n in range(LIMIT)]


async def test_what_the_owner_accepts_of_a_held_flood_comes_in_at_once(
    post: Post, question: Question
) -> None:
    post.verdict = Verdict.FAIL
    await post.send(reply_address(question.token, DOMAIN), *map(_mail, range(LIMIT + 1)))
    held = [item.key for item in await post.held() if item.error == "unverified"]
    assert len(held) == LIMIT
    for key in held:
        async with post.database.transaction() as connection:
            before = await questions.load(connection, question.id)
            assert before is not None
            admitted = replace(before.question, admitted=(*before.question.admitted, key))
            await questions.save(connection, admitted, before, post.clock.now().timestamp())
            await mails.settle(connection, question.id, key, True, post.clock.now().timestamp())
    await post.decide()
    assert len(_words(await post.effects(fx.PostText))) == LIMIT


async def test_a_held_flood_is_let_in_whatever_it_was_held_as(post: Post, question: Question) -> None:
    post.verdict = Verdict.FAIL
    await post.send(reply_address(question.token, DOMAIN), *map(_mail, range(LIMIT + 3)))
    async with post.database.transaction() as connection:
        await mails.let_in(connection, question.id, post.clock.now().timestamp())
    await post.decide()
    assert {item.error for item in await post.held()} == {"unverified"}
    assert len(_said(await post.effects(fx.Say), "mail_doubted")) == LIMIT + 3


async def test_who_only_uses_a_patients_address_does_not_keep_their_new_question_waiting(post: Post) -> None:
    async def verify(*_args: object) -> bool:
        return False

    reader = post.worker.readers["mail"]
    assert isinstance(reader, MailReader)
    check = SenderCheck("mx.test", None, verify)
    post.worker.readers["mail"] = replace(reader, vouched=check.vouched)
    await post.send(GROUP.address, *map(_mail, range(LIMIT + 3)))
    assert [item.error for item in await post.held()] == [MANY] * 3
    passed = "Authentication-Results: mx.test; dmarc=pass header.from=patients.example\r\n"
    await post.send(GROUP.address, *(_mail(n, passed) for n in range(100, 100 + LIMIT + 1)))
    words = _words(await post.effects(fx.PostText))
    assert len([word for word in words if len(word) == len("mots 100")]) == LIMIT
    assert len(await post.held()) == 4
