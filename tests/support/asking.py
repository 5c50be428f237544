"""Asking on Matrix as people do it, for journeys: the bot chat, and the requester's own room."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bridge.demo.person import Person
from bridge.demo.photos import skin_jpeg
from bridge.ports import Json
from tests.support.clinic import DOMAIN, Asked, Clinic, body, eventually

BOT = f"@colloque:{DOMAIN}"


async def invited(person: Person, name: str) -> str:
    """The room with this in its name that someone is asked into, joined."""
    found = ""

    async def there() -> bool:
        nonlocal found
        synced = await person.call("GET", "/v3/sync", timeout="0")
        for room_id, room in synced.get("rooms", {}).get("invite", {}).items():
            state = room["invite_state"]["events"]
            if any(name in str(event["content"].get("name", "")) for event in state):
                found = room_id
        return bool(found)

    assert await eventually(there)
    return await person.join(found)


async def hears(person: Person, room_id: str, words: str) -> Json:
    """A line with these words that somebody else said."""
    return await person.wait_for(
        room_id, lambda event: words in body(event) and event["sender"] != person.user_id
    )


async def ask(clinic: Clinic, person: Person, group: str, title: str) -> tuple[str, Asked | None]:
    """A question from the bot chat; the requester's own room."""
    chat = await clinic.bot_room(person)
    await person.say(chat, f"!question {group} {title}\nDepuis mardi, sans fièvre.")
    await hears(person, chat, "rien n'est envoyé avant")
    await person.show(chat, skin_jpeg(), "peau.jpg", "image/jpeg")
    await person.say(chat, "Les deux bras.")
    await person.say(chat, "envoyer")
    await hears(person, chat, f"«\N{NO-BREAK SPACE}{title}\N{NO-BREAK SPACE}»")
    return await invited(person, title), None


async def chat_of(person: Person, *state: Json) -> str:
    """A direct chat with the bot, as a client opens it."""
    content = {"preset": "trusted_private_chat", "is_direct": True, "invite": [BOT]}
    made = await person.call("POST", "/v3/createRoom", {**content, "initial_state": list(state)})
    return str(made["room_id"])


@asynccontextmanager
async def someone_with_an_account(clinic: Clinic) -> AsyncIterator[Person]:
    """A patient on Matrix: an account, and nothing else."""
    name, password = f"patient{secrets.token_hex(4)}", secrets.token_urlsafe(9)
    await clinic.stack.synapse.register_user(name, password, displayname="Marie Dupont")
    person = Person(clinic.stack.synapse.url, f"@{name}:{DOMAIN}", "Marie Dupont")
    await person.login(password)
    yield person
    await person.close()
