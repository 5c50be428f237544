"""The same with another client: matrix-nio joins by the card, takes, answers, searches, and counts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.clinic import DOMAIN, PATIENT, Clinic, _hash
from tests.support.nio_person import NioPerson


@pytest.fixture
async def two(clinic: Clinic) -> AsyncIterator[list[NioPerson]]:
    """Both members of a group, each at a second device, with everything in the waiting room read."""
    people = [NioPerson(clinic.stack.synapse.url, person.user_id) for person in clinic.members("duo")]
    for person in people:
        await person.login(clinic.stack.passwords[person.user_id])
        waiting = await person.join(f"#colloque_w_duo:{DOMAIN}")
        await person.read(waiting)
    yield people
    for person in people:
        await person.close()


@pytest.mark.timeout(300)
async def test_a_question_from_its_card_to_the_patients_mail(clinic: Clinic, two: list[NioPerson]) -> None:
    owner, other = two
    waiting = await owner.join(f"#colloque_w_duo:{DOMAIN}")
    before = [person.unread(waiting) for person in two]
    subject = await clinic.write("duo", "Une tache qui grandit.")
    card = await owner.shown(waiting, subject)
    await other.until(lambda: other.unread(waiting) == before[1] + 1)
    assert owner.unread(waiting) == before[0] + 1

    room_id = await owner.open(card.source["content"]["body"])
    question = await owner.shown(room_id, "Une tache qui grandit.")
    await owner.react(room_id, question.event_id, "🙋")
    await owner.shown(room_id, "Prise en charge par")
    words = f"Montrez-la de près ({subject})."
    await owner.say(room_id, words)
    await clinic.stack.mailbox.wait_for(PATIENT.address, matching=lambda m: words in m.text)

    # What a homeserver has summed up it takes off with a receipt only, though the card has gone.
    assert other.unread(waiting) <= before[1] + 1, "nothing else counts"
    await other.read(waiting)
    await other.until(lambda: other.unread(waiting) == 0)
    assert room_id not in other.client.rooms

    chat = await owner.join(f"#colloque_b_{_hash(owner.user_id)}:{DOMAIN}")
    await owner.say(chat, f"!chercher {subject}")
    found = await owner.shown(chat, f"Pour «\N{NO-BREAK SPACE}{subject}\N{NO-BREAK SPACE}»")
    html = found.source["content"]["formatted_body"]
    assert await owner.open(html.partition('href="')[2].partition('"')[0]) == room_id
    assert found.source["content"]["msgtype"] == "m.notice"
