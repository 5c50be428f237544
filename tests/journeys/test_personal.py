"""What a practitioner finds in their own space, through the real service."""

from __future__ import annotations

from bridge.demo.person import Person, Refused
from bridge.domain.house import hidden
from tests.support.clinic import DOMAIN, Clinic, _hash, eventually


async def _children(clinic: Clinic, person: Person, section: str) -> set[str]:
    """What a sub-space lists, as its practitioner sees it once they accepted what they are invited to."""
    await person.accept_invites()
    alias = f"%23colloque_s_{hidden(person.user_id)}_{section}%3A{DOMAIN}"
    try:
        room = (await person.call("GET", f"/v3/directory/room/{alias}"))["room_id"]
        state = await person.call("GET", f"/v1/rooms/{room}/hierarchy")
    except Refused:
        return set()
    return {child["state_key"] for child in state["rooms"][0]["children_state"]}


async def test_a_question_that_is_taken_stands_in_its_owners_space_and_in_no_other(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    first, second = clinic.members("duo")
    await first.say(asked.room_id, "Je m'en occupe.")
    await clinic.sealed(asked, first)

    async def shown() -> bool:
        return asked.room_id in await _children(clinic, first, "questions")

    assert await eventually(shown)
    assert asked.room_id not in await _children(clinic, second, "questions")


async def test_a_private_message_is_opened_from_the_bot_chat_and_found_by_both(clinic: Clinic) -> None:
    first, second = clinic.members("duo")
    chat = await first.join(f"#colloque_b_{_hash(first.user_id)}:{DOMAIN}")
    await first.say(chat, f"!message {second.user_id} Astreinte de samedi")

    async def shown() -> bool:
        both = [await _children(clinic, person, "private") for person in (first, second)]
        return both[0] == both[1] != set()

    assert await eventually(shown)
    (room,) = await _children(clinic, first, "private")
    await first.say(room, "Peux-tu échanger ?")
    await second.wait_for(room, lambda e: e.get("content", {}).get("body") == "Peux-tu échanger ?")

    async def told() -> bool:
        return any("salon privé avec" in line for line in await clinic.bot_chat(first))

    assert await eventually(told)


async def test_a_direct_chat_that_a_client_starts_with_the_bot_in_it_is_found_by_both(clinic: Clinic) -> None:
    first, second = clinic.members("derm")[2:4]
    room = await first.call(
        "POST",
        "/v3/createRoom",
        {
            "is_direct": True,
            "invite": [second.user_id, f"@colloque:{DOMAIN}"],
            "preset": "trusted_private_chat",
        },
    )

    async def shown() -> bool:
        both = [await _children(clinic, person, "private") for person in (first, second)]
        return both == [{room["room_id"]}] * 2

    assert await eventually(shown)
