"""Who wants no more mail and asks anew gets mail again; not because somebody uses their name."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.domain.events import QuestionAsked
from bridge.mail.parsed import ParsedMail
from bridge.mail.read import MailReader
from bridge.mail.signed import Verdict
from tests.support.post import DOMAIN, GROUP, ORGANISATION, _parse


class Nobody:
    async def question(self, _question_id: str) -> None:
        return None


class Item:
    key, conversation, received_at = "mail:1", "q1", 0.0
    recipient, sender = GROUP.address, "marie@p.test"
    payload = b"From: Marie <marie@p.test>\r\nSubject: x\r\nMessage-ID: <1@p.test>\r\n\r\nBonjour\r\n"


async def _stopped(_address: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("verdict", "resumes"),
    [(Verdict.PASS, True), (Verdict.NONE, True), (Verdict.FAIL, False), (Verdict.UNKNOWN, False)],
)
async def test_a_new_question_brings_mails_again_if_it_may_well_be_theirs(
    verdict: Verdict, resumes: bool
) -> None:
    async def check(_raw: bytes, _mail: ParsedMail) -> Verdict:
        return verdict

    names, item = Nobody(), Item()
    reader: Any = MailReader(
        names,  # type: ignore[arg-type]
        ORGANISATION,
        DOMAIN,
        "colloque_",
        _parse,
        check,
        stopped=_stopped,
    )
    (asked,) = (await reader(item)).events
    assert isinstance(asked, QuestionAsked)
    assert asked.resumes is resumes
