"""The bot is asked where it can't read: it says so in clear and plain words, and acts on nothing."""

from __future__ import annotations

from bridge.demo.person import Person, Refused
from bridge.ports import Json
from tests.support.clinic import DOMAIN, Clinic, _hash, body, eventually

BOT = f"@colloque:{DOMAIN}"
ENCRYPTED: Json = {
    "type": "m.room.encryption",
    "state_key": "",
    "content": {"algorithm": "m.megolm.v1.aes-sha2"},
}
CIPHERTEXT: Json = {
    "algorithm": "m.megolm.v1.aes-sha2",
    "ciphertext": "AwgAEnACgAkLmt6qF84IK++J7UDH2Za1YVchHyprqTqsg",
    "device_id": "RJYKSTBOIE",
    "sender_key": "IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA",
    "session_id": "X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ",
}


async def _invite(person: Person, *state: Json) -> str:
    """A new direct chat with the bot, as clients open one."""
    content = {"preset": "trusted_private_chat", "is_direct": True, "invite": [BOT]}
    made = await person.call("POST", "/v3/createRoom", {**content, "initial_state": list(state)})
    return str(made["room_id"])


async def _bot_is(person: Person, room_id: str, membership: str) -> bool:
    path = f"/v3/rooms/{room_id}/state/m.room.member/{BOT}"
    try:
        return bool((await person.call("GET", path))["membership"] == membership)
    except Refused:
        return False


async def _gone(person: Person, room_id: str) -> bool:
    return await eventually(lambda: _bot_is(person, room_id, "leave"))


async def _said_by_bot(person: Person, room_id: str) -> list[Json]:
    events = await person.messages(room_id)
    return [e for e in events if e["sender"] == BOT and e["type"] in ("m.room.message", "m.room.encrypted")]


async def _chat(clinic: Clinic, person: Person) -> list[str]:
    """What the bot wrote to them since it welcomed them; that their space is ready may come at any time."""
    await person.wait_for(await clinic.bot_room(person), lambda e: body(e).startswith("Bienvenue"))
    said = await clinic.bot_chat(person)
    return [words for words in said if not words.startswith("Votre espace personnel est prêt")]


async def test_in_an_encrypted_room_the_bot_says_in_clear_that_it_cannot_read_and_leaves(
    clinic: Clinic,
) -> None:
    person = clinic.outsider  # whom no question of another test is told of late
    before = await _chat(clinic, person)
    room_id = await _invite(person, ENCRYPTED)
    await person.send(room_id, CIPHERTEXT, "m.room.encrypted")
    assert await _gone(person, room_id)
    (notice,) = await _said_by_bot(person, room_id)
    assert notice["type"] == "m.room.message"
    assert "chiffré" in body(notice)
    assert f"https://matrix.to/#/#colloque_b_{_hash(person.user_id)}:{DOMAIN}" in body(notice)
    assert await _chat(clinic, person) == before


async def test_an_encrypted_message_in_the_bot_chat_is_said_to_be_unreadable(clinic: Clinic) -> None:
    person = clinic.members("derm")[2]
    chat = await clinic.bot_room(person)
    mine = await person.send(chat, CIPHERTEXT, "m.room.encrypted")

    async def told() -> bool:
        newest = await person.messages(chat)
        since = newest[: [event["event_id"] for event in newest].index(mine)]
        return any("chiffré" in body(event) for event in since)

    assert await eventually(told)
