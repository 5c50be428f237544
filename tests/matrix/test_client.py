"""The homeserver's API as we use it: what is repeated changes nothing, what fails says how."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.demo.homeserver import LocalSynapse
from bridge.demo.person import Person, Refused
from bridge.matrix import rooms
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
    (403, {"errcode": "M_UNKNOWN_TOKEN"}, TransportDown, None),
    (403, {"errcode": "M_FORBIDDEN"}, Permanent, None),
    (408, {}, Temporary, None),
    (413, {}, Permanent, None),
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


VERSIONS = pytest.mark.parametrize("room_version", ["11", "12"])


async def _person(synapse: LocalSynapse) -> Person:
    name = f"p{uuid.uuid4().hex[:8]}"
    person = Person(synapse.url, f"@{name}:{DOMAIN}")
    person.token = await synapse.register_user(name, "secret")
    return person


def _waiting_room(client: MatrixClient, room_version: str, invite: tuple[str, ...] = ()) -> dict[str, object]:
    return rooms.group_room(
        alias=f"a{uuid.uuid4().hex}",
        name="En attente",
        invite=invite,
        join_rule={"join_rule": "invite"},
        space=False,
        bot=client.bot_id,
        room_version=room_version,
    )


@VERSIONS
async def test_a_room_whose_creation_was_refused_halfway_is_completed_before_it_is_used(
    client: MatrixClient, synapse: LocalSynapse, room_version: str
) -> None:
    person = await _person(synapse)
    body = _waiting_room(client, room_version, (person.user_id,))
    with pytest.raises(Permanent):
        await client.create_room(body | {"name": "x" * 70_000})
    room = await client.create_room(body)
    sealed = {"m.room.power_levels", "m.room.join_rules", "m.room.history_visibility", "m.room.guest_access"}
    assert sealed | {"m.room.name", "m.room.canonical_alias"} <= {e["type"] for e in await client.state(room)}
    await person.join(room)
    with pytest.raises(Refused):
        await person.say(room, "non")
    await person.close()


async def test_a_direct_room_that_lacks_its_invite_gets_it(
    client: MatrixClient, synapse: LocalSynapse
) -> None:
    person = await _person(synapse)
    body = _waiting_room(client, "12")
    room = await client.create_room(body)
    assert await client.create_room(body | {"invite": [person.user_id], "is_direct": True}) == room
    member = await client.state_event(room, "m.room.member", person.user_id)
    assert member is not None
    assert (member["membership"], member["is_direct"]) == ("invite", True)
    await person.close()


async def test_a_complete_room_is_left_as_it_has_become(client: MatrixClient, synapse: LocalSynapse) -> None:
    person = await _person(synapse)
    body = _waiting_room(client, "12", (person.user_id,))
    room = await client.create_room(body)
    await client.put_state(room, "m.room.history_visibility", "", {"history_visibility": "joined"})
    await client.kick(room, person.user_id)
    calls: list[tuple[str, str]] = []
    client.on_call = lambda method, path: calls.append((method, path))
    assert await client.create_room(body) == room
    assert [path for method, path in calls if method != "GET"] == ["/client/v3/createRoom"]
    assert await client.state_event(room, "m.room.history_visibility") == {"history_visibility": "joined"}
    (member,) = [m for m in await client.members(room) if m.user_id == person.user_id]
    assert member.membership == "leave"
    await person.close()


async def test_a_room_that_we_are_not_in_gives_its_alias_to_a_new_one(client: MatrixClient) -> None:
    body = _waiting_room(client, "12")
    lost = await client.create_room(body)
    await client.leave(lost)
    room = await client.create_room(body)
    assert room != lost
    assert await client.resolve_alias(f"#{body['room_alias_name']}:{DOMAIN}") == room


@pytest.mark.parametrize("user_id", ["@dr:wrong-domain.example", "@dr:", "@dr:a b", f"@Dr No:{DOMAIN}"])
async def test_a_wrong_matrix_id_is_nobody(client: MatrixClient, user_id: str) -> None:
    assert not await client.account_exists(user_id)


@pytest.mark.parametrize("mxc", ["mxc://../config", "mxc://h/..", "mxc://h", "http://h/x", "mxc://h/a/b", ""])
async def test_what_is_no_file_address_is_not_asked_for(client: MatrixClient, mxc: str) -> None:
    calls: list[str] = []
    client.on_call = lambda method, _path: calls.append(method)
    with pytest.raises(Permanent):
        await client.download(mxc, limit=100)
    assert calls == []


@asynccontextmanager
async def _before(answer: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[MatrixClient]:
    """A client of something that answers in this way."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        client = MatrixClient(url=str(server.make_url("")), domain="h", as_token="t", bot="b", service_id="s")
        await client.start()
        try:
            yield client
        finally:
            await client.close()


PAGES: list[tuple[int, str]] = [(200, "<html>"), (200, "null"), (200, ""), (404, "<html>"), (302, "")]


@pytest.mark.parametrize(("status", "page"), PAGES)
async def test_a_page_of_something_in_between_is_never_taken_for_success(status: int, page: str) -> None:
    methods: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        methods.append(request.method)
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text=page, content_type="text/html", headers=headers)

    async with _before(answer) as client:
        for call in (client.kick("!room", "@p:h"), client.state("!room"), client.join("!room")):
            with pytest.raises(TransportDown):
                await call
    assert methods == ["POST", "GET", "POST"]


async def test_what_got_no_answer_is_not_sent_again_behind_our_back() -> None:
    """By then the homeserver may have it, and may have restarted: only who looks first may send again."""
    methods: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        methods.append(request.method)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with _before(answer) as client:
        with pytest.raises(TransportDown):
            await client.send("!room", "m.room.message", {}, txn_id="t1")
        with pytest.raises(TransportDown):
            await client.join("!room")
    assert methods == ["PUT", "POST"]


REFUSED_FILES: list[tuple[int, object, type[PortError]]] = [
    (504, {"errcode": "M_NOT_YET_UPLOADED"}, Temporary),
    (502, {"errcode": "M_UNKNOWN"}, Temporary),
    (502, {}, TransportDown),
    (404, {"errcode": "M_NOT_FOUND"}, Permanent),
]


@pytest.mark.parametrize(("status", "body", "kind"), REFUSED_FILES)
async def test_a_file_that_is_late_does_not_mean_that_the_homeserver_is_away(
    status: int, body: object, kind: type[PortError]
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with _before(answer) as client:
        with pytest.raises(kind) as refused:
            await client.download("mxc://h/abc", limit=10)
    assert type(refused.value) is kind


PROFILES: list[tuple[str, int, object, bool]] = [
    ("@dr:h", 403, {"errcode": "M_FORBIDDEN"}, True),
    ("@dr:h", 404, {"errcode": "M_NOT_FOUND"}, False),
    ("@dr:far", 403, {"errcode": "M_FORBIDDEN"}, False),
    ("@dr:far", 502, {"errcode": "M_UNKNOWN"}, False),
]


@pytest.mark.parametrize(("user_id", "status", "body", "known"), PROFILES)
async def test_an_account_is_known_or_not_whatever_the_homeserver_shows(
    user_id: str, status: int, body: object, known: bool
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "profile" in request.path:
            return web.json_response(body, status=status)
        return web.json_response({"versions": []})

    async with _before(answer) as client:
        assert await client.account_exists(user_id) is known


@pytest.mark.parametrize("user_id", ["@dr:h", "@dr:far"])
async def test_nobody_is_unknown_because_our_homeserver_is_away(user_id: str) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=502)

    async with _before(answer) as client:
        with pytest.raises(TransportDown):
            await client.account_exists(user_id)
