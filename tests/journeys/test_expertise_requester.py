"""A colleague who asked never reads what the owner asks experts about it, even once they are one of them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bridge.demo.person import Person, Refused
from bridge.ports import Json
from tests.support.asking import ask, hears
from tests.support.clinic import DOMAIN, Asked, Clinic, body, eventually, hospital, is_card
from tests.support.opinions import choose, reference_in, told

ASKS = "FAUT-IL-UNE-BIOPSIE"


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    opened = await Clinic.open(tmp_path, hospital({"duo": 2, "derm": 4}))
    yield opened
    await opened.close()


async def _becomes_a_member(clinic: Clinic, person: Person, group: str) -> str:
    """The file says so from now on; returns the group's waiting room, which they are in then."""
    path = clinic.stack.config.parent / "organisation.yaml"
    yaml = YAML()
    content = yaml.load(path.read_text())
    entry = next(entry for entry in content["groups"] if entry["key"] == group)
    entry["members"] = [*entry["members"], person.user_id]
    with path.open("w") as out:
        yaml.dump(content, out)
    waiting = ""

    async def inside() -> bool:
        nonlocal waiting
        try:
            await person.accept_invites()
            waiting = await person.join(f"#colloque_w_{group}:{DOMAIN}")
            await person.join(f"#colloque_g_{group}:{DOMAIN}")
        except Refused:
            return False
        return True

    assert await eventually(inside)
    return waiting


async def _opinion_asked(clinic: Clinic, asker: Person) -> tuple[Person, Asked, str]:
    """A colleague's question, taken, and another group asked about it with their consent."""
    own, _ = await ask(clinic, asker, "duo", title := f"Placard {secrets.token_hex(3)}")
    asked = await clinic.found("duo", title)
    owner = clinic.members("duo")[0]
    await owner.react(asked.room_id, asked.event_id, "🙋")
    await clinic.sealed(asked, owner)
    preview = await choose(owner, asked, f"!avis derm : {ASKS} ?")
    await owner.react(asked.room_id, preview["event_id"], "📮")
    await hears(asker, own, "souhaite l'avis")
    await asker.say(own, "Oui, je suis d'accord.")
    return owner, asked, reference_in(body(await told(owner, asked.room_id, "est partie")))


async def _card(person: Person, waiting: str, reference: str, not_of: str = "") -> Json:
    """The card of the question that is asked of the group; of its next room, if one is named."""

    def right(event: Json) -> bool:
        return is_card(event, reference) and (not not_of or f"{not_of}/" not in body(event))

    return await person.wait_for(waiting, right, deadline_s=60)


def _room(card: Json) -> str:
    return body(card).partition("matrix.to/#/")[2].partition("/")[0]


async def _is_shut_out(person: Person, alias: str, room_id: str) -> None:
    """They neither come in nor read, and no list of the group's rooms has it for them."""
    for room in (alias, room_id):
        with pytest.raises(Refused):
            await person.join(room)
    with pytest.raises(Refused):
        await person.call("GET", f"/v3/rooms/{room_id}/messages", dir="b", limit="20")
    assert room_id not in await person.invites()
    space = await person.join(f"#colloque_g_derm:{DOMAIN}")
    listed = await person.call("GET", f"/v1/rooms/{space}/hierarchy")
    assert room_id not in [room["room_id"] for room in listed["rooms"]]


@pytest.mark.timeout(360)
async def test_a_requester_who_joins_the_group_while_it_is_asked_reads_takes_and_finds_nothing(
    clinic: Clinic,
) -> None:
    asker = clinic.outsider
    owner, asked, reference = await _opinion_asked(clinic, asker)
    expert, other = clinic.members("derm")[2:]
    card = await _card(expert, await expert.join(f"#colloque_w_derm:{DOMAIN}"), reference)
    room_id = await expert.join(_room(card))
    await hears(expert, room_id, ASKS)

    waiting = await _becomes_a_member(clinic, asker, "derm")
    await _is_shut_out(asker, _room(card), room_id)
    await asker.react(waiting, card["event_id"], "🙋")
    chat = await clinic.bot_room(asker)
    await hears(asker, chat, "une question que vous avez posée")
    await asker.say(chat, "!chercher avis")
    await hears(asker, chat, "«\N{NO-BREAK SPACE}avis\N{NO-BREAK SPACE}»")
    assert not any(reference in words for words in await clinic.bot_chat(asker))

    # Another group member takes it, and gives it back: its next room is shut to the requester as well.
    await expert.react(room_id, (await hears(expert, room_id, ASKS))["event_id"], "🙋")
    await told(expert, room_id, "Prise en charge par")
    await expert.say(room_id, "!rendre")
    again = await _card(other, waiting, reference, not_of=_room(card))
    next_room = await other.join(_room(again))
    await hears(other, next_room, ASKS)
    await _is_shut_out(asker, _room(again), next_room)
    await other.say(next_room, "Oui, une biopsie.")
    await told(owner, asked.room_id, "Avis interne", "une biopsie")

    # From now on the owner is told to ask somebody of the group by name.
    reply = {"m.in_reply_to": {"event_id": asked.event_id}}
    again_asked = {"msgtype": "m.text", "body": f"!avis derm : {ASKS} ?", "m.relates_to": reply}
    await owner.send(asked.room_id, again_asked)
    await told(owner, asked.room_id, "membre de ce groupe")
