"""How a mail reaches the next server, and never in the clear."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import AuthResult

from bridge.mail.send import SmtpMailer
from bridge.ports import TransportDown
from tests.mail.servers import (
    BODY,
    ENCRYPTED,
    PASSWORD,
    SENDER,
    Identity,
    Server,
    Trust,
    World,
    failure,
    login_server,
    submit,
    tls_server,
)


async def test_one_connection_carries_many_mails(mailer: SmtpMailer, server: Server) -> None:
    for _ in range(3):
        await submit(mailer, "marie")
    assert len(server.accepted) == 3
    assert len(server.connections) == 1


async def test_mails_sent_at_once_go_one_after_the_other(mailer: SmtpMailer, server: Server) -> None:
    bodies = [b"Subject: %d\r\n\r\n%d\r\n" % (number, number) for number in range(20)]
    await asyncio.gather(*(submit(mailer, f"p{number}", message=body) for number, body in enumerate(bodies)))
    got = {(recipients[0], message) for _, recipients, message in server.accepted}
    assert got == {(f"p{number}@patients.test", body) for number, body in enumerate(bodies)}
    assert len(server.accepted) == 20
    assert len(server.connections) == 1


async def test_a_connection_that_the_server_ended_is_opened_again(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie")
    await server.connections[0].end()
    await submit(mailer, "marie")
    assert len(server.accepted) == 2
    assert len(server.connections) == 2


async def test_a_connection_that_the_server_wants_to_end_is_opened_again(
    mailer: SmtpMailer, server: Server
) -> None:
    await submit(mailer, "marie")
    server.tired.add(server.connections[0])
    await submit(mailer, "marie")
    assert len(server.accepted) == 2
    assert len(server.connections) == 2


async def test_a_connection_that_no_longer_answers_is_opened_again(world: World) -> None:
    server = await world.server()
    mailer = world.mailer(server)
    await submit(mailer, "marie")
    server.stuck.add(server.connections[0])
    assert mailer._client is not None
    mailer._client.timeout = 0.3  # of this connection only: the next one has time
    await submit(mailer, "marie")
    assert len(server.accepted) == 2
    assert len(server.connections) == 2


async def test_a_new_connection_that_the_server_ends_at_once_is_a_transport_that_is_down(
    mailer: SmtpMailer, server: Server
) -> None:
    await submit(mailer, "marie")
    server.closing = True
    assert isinstance(await failure(mailer, "marie"), TransportDown)
    assert len(server.connections) == 2


async def test_closing_ends_the_session_and_sending_opens_another(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie")
    await mailer.close()
    async with asyncio.timeout(5):
        await server.connections[0].lost.wait()
    await mailer.close()
    await submit(mailer, "marie")
    assert len(server.accepted) == 2


async def test_a_server_that_is_not_there_is_a_transport_that_is_down(world: World) -> None:
    server = await world.server()
    mailer = world.mailer(server)
    await world.end()
    assert isinstance(await failure(mailer, "marie"), TransportDown)


async def test_a_mail_whose_server_takes_no_envelope_is_not_in_doubt(
    mailer: SmtpMailer, server: Server
) -> None:
    told: list[str] = []

    async def before_body() -> None:
        told.append("noted")

    server.closing = True
    with pytest.raises(TransportDown):
        await mailer.send(
            sender=SENDER, recipients=["marie@patients.test"], message=BODY, before_body=before_body
        )
    assert told == []


async def test_a_server_that_never_greets_is_a_transport_that_is_down() -> None:
    never = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        never.set()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    mailer = SmtpMailer(host="127.0.0.1", port=port, tls="none", timeout=0.2, hostname="bridge.test")
    assert isinstance(await failure(mailer, "marie"), TransportDown)
    async with asyncio.timeout(5):
        await never.wait()
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(
    "host", ["mail.hopital.test", "192.0.2.1", "10.0.0.1", "localhost.evil.test", "::2", ""]
)
def test_clear_text_is_refused_for_another_machine(host: str) -> None:
    with pytest.raises(ValueError, match="must be encrypted"):
        SmtpMailer(host=host, port=25, tls="none")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_clear_text_is_for_this_machine_only(host: str) -> None:
    SmtpMailer(host=host, port=25, tls="none")


@pytest.mark.parametrize("tls", ENCRYPTED)
async def test_a_mail_goes_encrypted_to_a_server_that_is_trusted(
    world: World, localhost: Identity, trust: Trust, tls: Literal["starttls", "tls"]
) -> None:
    trust(localhost)
    server = await tls_server(world, localhost, tls)
    mailer = world.mailer(server, tls)
    await submit(mailer, "marie")
    await submit(mailer, "marie")
    assert [message for _, _, message in server.accepted] == [BODY, BODY]
    if tls == "starttls":  # with implicit TLS there is no other way in
        assert server.encrypted == [True, True]


@pytest.mark.parametrize("tls", ENCRYPTED)
async def test_an_untrusted_certificate_is_refused(
    world: World, localhost: Identity, trust: Trust, tmp_path: Path, tls: Literal["starttls", "tls"]
) -> None:
    trust(Identity(tmp_path, "someone.test"))
    server = await tls_server(world, localhost, tls)
    assert isinstance(await failure(world.mailer(server, tls), "marie"), TransportDown)
    assert server.bodies == 0


@pytest.mark.parametrize("tls", ENCRYPTED)
async def test_a_trusted_certificate_of_another_server_is_refused(
    world: World, trust: Trust, tmp_path: Path, tls: Literal["starttls", "tls"]
) -> None:
    other = Identity(tmp_path, "other.test")
    trust(other)
    server = await tls_server(world, other, tls)
    assert isinstance(await failure(world.mailer(server, tls), "marie"), TransportDown)
    assert server.bodies == 0


@pytest.mark.parametrize("tls", ENCRYPTED)
@pytest.mark.parametrize("login", [{}, {"username": "bridge", "password": PASSWORD}])
async def test_a_server_without_encryption_gets_neither_mail_nor_password(
    world: World, trust: Trust, localhost: Identity, tls: Literal["starttls", "tls"], login: dict[str, str]
) -> None:
    trust(localhost)
    tried: list[Any] = []

    def authenticate(*given: Any) -> AuthResult:
        tried.append(given)
        return AuthResult(success=True)

    server = await world.server(authenticator=authenticate, auth_require_tls=False)
    assert isinstance(await failure(world.mailer(server, tls, timeout=1, **login), "marie"), TransportDown)
    assert (server.bodies, tried) == (0, [])


async def test_a_login_is_made_before_mails_are_sent(world: World, localhost: Identity, trust: Trust) -> None:
    trust(localhost)
    server = await login_server(world, localhost)
    await submit(world.mailer(server, "starttls", username="bridge", password=PASSWORD), "marie")
    assert len(server.accepted) == 1


async def test_a_refused_login_is_a_transport_that_is_down(
    world: World, localhost: Identity, trust: Trust
) -> None:
    trust(localhost)
    server = await login_server(world, localhost)
    mailer = world.mailer(server, "starttls", username="bridge", password="wrong")
    assert isinstance(await failure(mailer, "marie"), TransportDown)
    assert server.bodies == 0


async def test_a_missing_login_is_a_transport_that_is_down(
    world: World, localhost: Identity, trust: Trust
) -> None:
    trust(localhost)
    server = await login_server(world, localhost)
    assert isinstance(await failure(world.mailer(server, "starttls"), "marie"), TransportDown)
