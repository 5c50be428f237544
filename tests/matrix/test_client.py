"""The homeserver's API as we use it: what is repeated changes nothing, what fails says how."""

from __future__ import annotations

import uuid

import pytest
from aiohttp import web

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person
from bridge.matrix.client import MatrixClient
from bridge.ports import Permanent, PortError, Temporary, TransportDown
from tests.matrix.conftest import DOMAIN


async def _room(client: MatrixClient, **content: object) -> str:
    return await client.create_room({"preset": "private_chat", **content})


async def test_a_room_made_twice_under_one_alias_is_one_room(client: MatrixClient) -> None:
    alias = f"a{uuid.uuid4().hex}"
    first = await _room(client, room_alias_name=alias)
    assert await _room(client, room_alias_name=alias) == first
    assert await client.resolve_alias(f"#{alias}:{DOMAIN}") == first


async def test_a_message_sent_twice_under_one_transaction_is_one_message(client: MatrixClient) -> None:
    room = await _room(client)
    content = {"msgtype": "m.text", "body": "x"}
    first = await client.send(room, "m.room.message", content, txn_id="t1")
    assert await client.send(room, "m.room.message", content, txn_id="t1") == first


async def test_registering_twice_is_fine(client: MatrixClient, namespace: str) -> None:
    await client.register(f"{namespace}ghost")
    await client.register(f"{namespace}ghost")


async def test_inviting_and_removing_twice_is_fine(client: MatrixClient, synapse: LocalSynapse) -> None:
    name = f"p{uuid.uuid4().hex[:8]}"
    person = Person(synapse.url, f"@{name}:{DOMAIN}")
    person.token = await synapse.register_user(name, "secret")
    room = await _room(client)
    await client.invite(room, person.user_id)
    await person.join(room)
    await client.invite(room, person.user_id)
    for _ in range(2):
        await client.kick(room, person.user_id, reason="fini")
    (member,) = [m for m in await client.members(room) if m.user_id == person.user_id]
    assert (member.membership, member.was_joined) == ("leave", True)
    await person.close()


async def test_an_invite_that_was_withdrawn_was_never_a_reader(
    client: MatrixClient, synapse: LocalSynapse
) -> None:
    name = f"p{uuid.uuid4().hex[:8]}"
    await synapse.register_user(name, "secret")
    room = await _room(client)
    await client.invite(room, f"@{name}:{DOMAIN}")
    await client.kick(room, f"@{name}:{DOMAIN}")
    (member,) = [m for m in await client.members(room) if m.user_id != client.bot_id]
    assert member.was_joined is False


async def test_media_come_back_as_they_went_up_and_not_beyond_the_limit(client: MatrixClient) -> None:
    mxc = await client.upload(b"octets" * 1000, mimetype="image/png", filename="é.png")
    assert await client.download(mxc, limit=6000) == b"octets" * 1000
    with pytest.raises(Permanent) as refused:
        await client.download(mxc, limit=5999)
    assert refused.value.code == "too_large"


async def test_what_is_not_there_is_none(client: MatrixClient) -> None:
    room = await _room(client)
    assert await client.state_event(room, "m.room.topic") is None
    assert await client.resolve_alias(f"#nothing:{DOMAIN}") is None
    assert not await client.account_exists(f"@nobody:{DOMAIN}")


ANSWERS: list[tuple[int, object, type[PortError], float | None]] = [
    (429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}, Temporary, 1.5),
    (500, {"errcode": "M_UNKNOWN"}, Temporary, None),
    (502, {}, TransportDown, None),
    (401, {"errcode": "M_UNKNOWN_TOKEN"}, TransportDown, None),
    (403, {"errcode": "M_FORBIDDEN"}, Permanent, None),
]


@pytest.mark.parametrize(("status", "body", "kind", "wait_s"), ANSWERS)
async def test_a_refusal_says_whether_to_come_again(
    status: int, body: object, kind: type[PortError], wait_s: float | None
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    client = MatrixClient(url=f"http://127.0.0.1:{port}", domain="h", as_token="t", bot="b", service_id="s")
    await client.start()
    with pytest.raises(kind) as refused:
        await client.leave("!room")
    assert type(refused.value) is kind
    if isinstance(refused.value, Temporary):
        assert refused.value.retry_after == wait_s
    await client.close()
    await runner.cleanup()
    gone = MatrixClient(url=f"http://127.0.0.1:{port}", domain="h", as_token="t", bot="b", service_id="s")
    await gone.start()
    with pytest.raises(TransportDown):
        await gone.leave("!room")
    await gone.close()
