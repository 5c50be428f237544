"""What a practitioner finds: by word, in lists, on the waiting room's card, and in their client's counts."""

from __future__ import annotations

import pytest

from bridge.demo.person import Person, Refused
from bridge.ports import Json
from tests.support.clinic import DOMAIN, Asked, Clinic, _hash, body, eventually


async def _said_back(clinic: Clinic, person: Person, words: str) -> Json:
    """What the bot answers in someone's chat; other than answers, what it says there isn't a notice."""
    chat = await person.join(f"#colloque_b_{_hash(person.user_id)}:{DOMAIN}")
    mine = await person.say(chat, words)

    def is_answer(event: Json) -> bool:
        said: bool = event["sender"].startswith("@colloque:") and event["type"] == "m.room.message"
        return said and event["content"].get("msgtype") == "m.notice"

    async def answered() -> bool:
        found = [event["event_id"] for event in await person.messages(chat)]
        return any(map(is_answer, (await person.messages(chat))[: found.index(mine)]))

    assert await eventually(answered)
    return next(event for event in await person.messages(chat) if is_answer(event))


def _link(asked: Asked) -> str:
    return f'<a href="https://matrix.to/#/{asked.alias}/{asked.event_id}?via={DOMAIN}">{asked.subject}'


async def test_a_word_of_the_title_finds_what_is_the_askers_own_and_nothing_else(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    owner, other = clinic.members("duo")
    for person in (owner, other):
        answer = await _said_back(clinic, person, f"!chercher {asked.subject.upper()}")
        assert _link(asked) in answer["content"]["formatted_body"]
        assert answer["content"]["msgtype"] == "m.notice"
    assert asked.room_id not in str(await _said_back(clinic, clinic.outsider, f"chercher {asked.subject}"))
    await owner.say(asked.room_id, "Je m'en occupe.")
    await clinic.sealed(asked, owner)
    found = await _said_back(clinic, owner, f"search {asked.subject}")
    assert _link(asked) in found["content"]["formatted_body"]
    nothing = await _said_back(clinic, other, f"!search {asked.subject}")
    assert "matrix.to" not in body(nothing)


async def test_lists_show_what_waits_what_is_open_and_the_groups(clinic: Clinic) -> None:
    waiting, taken = await clinic.ask("duo"), await clinic.ask("duo")
    owner, other = clinic.members("duo")
    await owner.say(taken.room_id, "Je m'en occupe.")
    await clinic.sealed(taken, owner)
    whole = body(await _said_back(clinic, owner, "!liste"))
    assert waiting.subject in whole
    assert taken.subject in whole
    assert "Duo" in whole
    open_ones = body(await _said_back(clinic, owner, "!liste questions ouvertes"))
    assert (taken.subject in open_ones, waiting.subject in open_ones) == (True, False)
    queue = body(await _said_back(clinic, owner, "!list questions waiting"))
    assert (taken.subject in queue, waiting.subject in queue) == (False, True)
    assert taken.subject not in body(await _said_back(clinic, other, "!liste"))
    assert "Staff" in body(await _said_back(clinic, owner, "!liste groupes"))
    assert "compris" in body(await _said_back(clinic, owner, "!liste nimporte"))


async def _pinned(person: Person, waiting: str) -> str:
    """The words of the waiting room's pinned card, as a client shows them: with its latest edit."""
    pins = (await person.call("GET", f"/v3/rooms/{waiting}/state/m.room.pinned_events/"))["pinned"]
    assert len(pins) == 1
    for event in await person.messages(waiting):
        content = event.get("content", {})
        if content.get("m.relates_to", {}).get("event_id") == pins[0]:
            return str(content["m.new_content"]["body"])
    return body(await person.call("GET", f"/v3/rooms/{waiting}/event/{pins[0]}"))


async def test_the_pinned_card_and_the_chat_give_the_exact_number(clinic: Clinic) -> None:
    asked = await clinic.ask("derm")
    member = clinic.members("derm")[0]
    waiting = await member.join(f"#colloque_w_derm:{DOMAIN}")

    async def shown() -> bool:
        """Clients show the label of a link to an event, and the alias where they don't know the room."""
        try:
            return f"{asked.alias}/$" in await _pinned(member, waiting)
        except Refused:  # nothing was ever waiting before
            return False

    assert await eventually(shown)
    assert asked.subject not in await _pinned(member, waiting)
    number = int(
        (await _pinned(member, waiting)).partition("En attente\N{NO-BREAK SPACE}: ")[2].partition(".")[0]
    )
    lines = body(await _said_back(clinic, member, "!attente")).splitlines()
    assert any(f"{number} en attente" in line for line in lines if line.startswith("• Derm"))


async def _counts(person: Person, since: str) -> tuple[dict[str, int], str]:
    """Unread notifications by room, as a client's sync tells them."""
    synced = await person.call("GET", "/v3/sync", since=since, timeout="0")
    joined = synced["rooms"]["join"] if "rooms" in synced else {}
    counts = {
        room: entry["unread_notifications"].get("notification_count", 0) for room, entry in joined.items()
    }
    return counts, synced["next_batch"]


async def _read(person: Person, room_id: str) -> None:
    """Have read everything in a room, as a client says it."""
    latest = (await person.messages(room_id))[0]["event_id"]
    await person.call("POST", f"/v3/rooms/{room_id}/receipt/m.read/{latest}", {})


TRIES = 8


@pytest.mark.timeout(400)
async def test_unread_in_the_waiting_room_is_new_waiting_questions_and_nothing_else_counts(
    clinic: Clinic,
) -> None:
    """A homeserver sums its counts up twice a minute, and takes what is withdrawn off the rest only.

    So a card that goes is seen to be taken off if the sum wasn't made just between: in one of some tries.
    """
    reader, owner = clinic.members("derm")[4], clinic.members("derm")[0]
    waiting = await reader.join(f"#colloque_w_derm:{DOMAIN}")
    old = await clinic.ask("derm")
    await _read(reader, waiting)
    since = (await reader.call("GET", "/v3/sync", timeout="0"))["next_batch"]
    seen: dict[str, int] = {}

    async def counts(number: int) -> bool:
        nonlocal since
        fresh, since = await _counts(reader, since)
        seen.update(fresh)
        return seen.get(waiting) == number

    async def taken_off() -> bool:
        first, second = await clinic.ask("derm"), await clinic.ask("derm")
        assert await eventually(lambda: counts(2))
        off = True
        for asked, left in ((first, 1), (second, 0)):
            await owner.say(asked.room_id, "Je m'en occupe.")
            await clinic.sealed(asked, owner)
            off = off and await eventually(lambda left=left: counts(left), within_s=5)  # type: ignore[misc]
            assert seen[waiting] <= 2, "a claim counts"
        await _read(reader, waiting)
        assert await eventually(lambda: counts(0))
        return off

    for _ in range(TRIES):
        if await taken_off():
            break
    else:
        pytest.fail("What is withdrawn stays counted")
    await owner.say(old.room_id, "Je m'en occupe.")
    await clinic.sealed(old, owner)
    assert await eventually(lambda: counts(0))
    assert {room: count for room, count in seen.items() if count} == {}
