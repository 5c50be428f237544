"""A practitioner's first morning, the language they choose, and the digest that they ask for."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.demo.person import Person
from bridge.ports import Json
from tests.support.clinic import DOMAIN, Clinic, body, eventually

PARIS = ZoneInfo("Europe/Paris")


async def _told(clinic: Clinic, person: Person, words: str) -> bool:
    async def told() -> bool:
        return any(words in said for said in await clinic.bot_chat(person))

    return await eventually(told)


def _html(event: Json) -> str:
    return str(event["content"].get("formatted_body", ""))


async def test_whoever_comes_in_first_is_told_three_things_once_with_links_that_open_in_the_app(
    clinic: Clinic,
) -> None:
    person = clinic.members("derm")[3]
    chat = await clinic.bot_room(person)
    welcome = await person.wait_for(chat, lambda e: body(e).startswith("Bienvenue dans Colloque"))
    for number in "123":
        assert f"{number}. " in body(welcome)
    assert f'<a href="https://matrix.to/#/#colloque_w_derm:{DOMAIN}?via={DOMAIN}">' in _html(welcome)
    path = f"/v3/profile/{person.user_id}/displayname"
    await person.call("PUT", path, {"displayname": "Dr Renommé"})  # which looks as if they came in again
    await person.say(chat, "!aide")
    assert await _told(clinic, person, "Ici, Colloque vous rend")
    assert sum(said.startswith("Bienvenue") for said in await clinic.bot_chat(person)) == 1


async def test_help_and_answers_follow_the_language_that_someone_chose(clinic: Clinic) -> None:
    person = clinic.outsider
    chat = await clinic.bot_room(person)
    await person.say(chat, "!langue en")
    assert await _told(clinic, person, "I speak English with you")
    await person.say(chat, "!help")
    assert await _told(clinic, person, "!search")
    await person.say(chat, "!liste nimporte")
    assert await _told(clinic, person, "I did not understand")
    await person.say(chat, "!language fr")
    assert await _told(clinic, person, "je vous parle désormais en français")


def _is_digest(event: Json) -> bool:
    """What waits, said of its own accord: it counts, other than the answer to a command."""
    counts = event.get("content", {}).get("msgtype") == "m.text"
    return counts and body(event).startswith("Questions en attente dans vos groupes")


@pytest.mark.timeout(300)
async def test_a_digest_comes_once_at_its_hour_with_what_waits(clinic: Clinic) -> None:
    asked = await clinic.ask("duo")
    person, other = clinic.members("duo")
    chat = await clinic.bot_room(person)
    # The next whole minute from half a minute on: an hour that has struck when it is heard means tomorrow.
    soon = datetime.now(PARIS) + timedelta(seconds=90)
    await person.say(chat, f"!résumé {soon:%Hh%M}")
    assert await _told(clinic, person, "noté\N{NO-BREAK SPACE}: chaque jour à")
    digest = await person.wait_for(chat, _is_digest, deadline_s=150)
    assert asked.subject in _html(digest) or "Duo" in _html(digest)
    await person.say(chat, "!résumé non")
    assert await _told(clinic, person, "plus de résumé")
    assert not any("noté\N{NO-BREAK SPACE}: chaque jour à" in said for said in await clinic.bot_chat(other))
