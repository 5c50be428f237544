"""Submission to a real mail server, whose recipients choose how it behaves."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.mail.send import SmtpMailer
from bridge.ports import Permanent, PortError, Temporary, TransportDown

SENDER = "bounce+abcdefghijklmnopqrstuvwx@reponse.test"
BODY = b"Subject: x\r\n\r\n.\r\n..two\r\n. \r\n\r\nend  \r\n"
PASSWORD = "correct"
AT_RCPT = {
    "full": "452 4.2.2 full",
    "gone": "550 5.1.1 gone",
    "busy": "421 4.3.2 busy",
    "login": "530 5.7.0 no",
}
AT_DATA = {"late": "451 4.3.0 late", "large": "552 5.3.4 large", "closing": "421 4.3.2 closing"}


class Server:
    """A mail server that keeps what it accepts; ``bodies`` counts what it was given, accepted or not."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.accepted: list[tuple[str, list[str], bytes]] = []
        self.bodies = 0
        self.encrypted: list[bool] = []
        self.connections: list[Connection] = []
        self.got_body = asyncio.Event()
        self.port = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := AT_RCPT.get(address.partition("@")[0]):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.bodies += 1
        self.got_body.set()
        chosen = str(envelope.rcpt_tos[0]).partition("@")[0]
        if chosen == "hang":
            await asyncio.Event().wait()
        if chosen == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if refusal := AT_DATA.get(chosen):
            return refusal
        recipients = [str(recipient) for recipient in envelope.rcpt_tos]
        self.accepted.append((str(envelope.mail_from), recipients, bytes(envelope.original_content or b"")))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, how: str, login: Any
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)


class Connection(SMTP):
    """One session, so that a test can count them and end them."""

    def __init__(self, server: Server) -> None:
        super().__init__(server, hostname="localhost", **server.options)
        self._server = server
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._server.connections:  # STARTTLS makes it twice
            self._server.connections.append(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.lost.set()

    async def end(self) -> None:
        if self.transport is not None:
            self.transport.close()
        async with asyncio.timeout(5):
            await self.lost.wait()


class World:
    """Starts servers and mailers, and ends them all."""

    def __init__(self) -> None:
        self._servers: list[tuple[asyncio.Server, Server]] = []
        self._mailers: list[SmtpMailer] = []

    async def server(self, *, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Server:
        server = Server(**options)
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, ssl=implicit_tls)
        server.port = listening.sockets[0].getsockname()[1]
        self._servers.append((listening, server))
        return server

    def mailer(
        self,
        server: Server,
        tls: Literal["starttls", "tls", "none"] = "none",
        *,
        host: str = "127.0.0.1",
        timeout: float = 5,
        **login: str,
    ) -> SmtpMailer:
        mailer = SmtpMailer(
            host=host, port=server.port, tls=tls, timeout=timeout, hostname="bridge.reponse.test", **login
        )
        self._mailers.append(mailer)
        return mailer

    async def end(self) -> None:
        for mailer in self._mailers:
            await mailer.close()
        for listening, server in self._servers:
            listening.close()
            for connection in server.connections:
                await connection.end()
            await listening.wait_closed()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    yield world
    await world.end()


@pytest.fixture
async def server(world: World) -> Server:
    return await world.server()


@pytest.fixture
def mailer(world: World, server: Server) -> SmtpMailer:
    return world.mailer(server)


async def submit(mailer: SmtpMailer, *recipients: str, message: bytes = BODY, sender: str = SENDER) -> None:
    addresses = [f"{recipient}@patients.test" for recipient in recipients]
    await mailer.send(sender=sender, recipients=addresses, message=message)


async def failure(mailer: SmtpMailer, *recipients: str) -> PortError:
    with pytest.raises(PortError) as caught:
        await submit(mailer, *recipients)
    return caught.value


# --- delivery ---------------------------------------------------------------------------------------


async def test_a_mail_arrives_with_its_exact_bytes(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie")
    assert server.accepted == [(SENDER, ["marie@patients.test"], BODY)]


async def test_a_large_mail_arrives_with_its_exact_bytes(mailer: SmtpMailer, server: Server) -> None:
    message = BODY + b".0123456789" * 6 + b"\r\n" + (b"." + b"x" * 70 + b"\r\n") * 40_000
    await submit(mailer, "marie", message=message)
    assert server.accepted[0][2] == message


async def test_the_null_sender_stays_null(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie", sender="")
    assert server.accepted[0][0] in ("", "<>")


async def test_several_recipients_get_one_mail(mailer: SmtpMailer, server: Server) -> None:
    await submit(mailer, "marie", "jean")
    assert [recipients for _, recipients, _ in server.accepted] == [
        ["marie@patients.test", "jean@patients.test"]
    ]


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("recipient", "bodies"), [("full", 0), ("late", 1)])
async def test_a_transient_refusal_is_temporary(
    mailer: SmtpMailer, server: Server, recipient: str, bodies: int
) -> None:
    error = await failure(mailer, recipient)
    assert isinstance(error, Temporary)
    assert not isinstance(error, TransportDown)
    assert (server.accepted, server.bodies) == ([], bodies)


@pytest.mark.parametrize(("recipient", "code"), [("gone", "550"), ("large", "552")])
async def test_a_permanent_refusal_keeps_its_code(
    mailer: SmtpMailer, server: Server, recipient: str, code: str
) -> None:
    error = await failure(mailer, recipient)
    assert isinstance(error, Permanent)
    assert error.code == code
    assert server.accepted == []


@pytest.mark.parametrize("recipient", ["busy", "closing"])
async def test_a_server_that_closes_its_service_is_a_transport_that_is_down(
    mailer: SmtpMailer, recipient: str
) -> None:
    assert isinstance(await failure(mailer, recipient), TransportDown)


async def test_a_server_that_wants_a_login_does_not_condemn_the_mail(mailer: SmtpMailer) -> None:
    assert isinstance(await failure(mailer, "login"), TransportDown)


@pytest.mark.parametrize(
    ("recipients", "code"),
    [(("marie", "gone"), "550"), (("gone", "full"), "550"), (("full", "marie", "gone"), "550")],
)
async def test_among_several_recipients_a_permanent_refusal_counts(
    mailer: SmtpMailer, server: Server, recipients: tuple[str, ...], code: str
) -> None:
    error = await failure(mailer, *recipients)
    assert isinstance(error, Permanent)
    assert error.code == code
    accepted = [got for _, got, _ in server.accepted]
    assert accepted == ([["marie@patients.test"]] if "marie" in recipients else [])


async def test_a_transient_refusal_of_one_recipient_is_not_passed_over(
    mailer: SmtpMailer, server: Server
) -> None:
    assert isinstance(await failure(mailer, "marie", "full"), Temporary)
    assert len(server.accepted) == 1


@pytest.mark.parametrize("recipient", ["full", "gone", "late", "large", "busy", "closing", "drop"])
async def test_after_a_failure_the_next_mail_arrives(
    mailer: SmtpMailer, server: Server, recipient: str
) -> None:
    await failure(mailer, recipient)
    await submit(mailer, "marie")
    assert [recipients for _, recipients, _ in server.accepted][-1] == ["marie@patients.test"]


@pytest.mark.parametrize("recipient", ["full", "gone", "late", "large", "busy", "closing"])
async def test_an_error_names_nobody(mailer: SmtpMailer, recipient: str) -> None:
    error = await failure(mailer, recipient)
    assert "@" not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


ODD_ADDRESSES = [
    "a@b.test\r\nRCPT TO:<eve@evil.test>",
    "a@b.test> NOTIFY=NEVER",
    "Marie <a@b.test>",
    "a@b.test,eve@evil.test",
    "(a)b@c.test",
    "é@b.test",
    "a@b@c.test",
    '"a b"@c.test',
    "nobody",
    "",
]


@pytest.mark.parametrize("address", ODD_ADDRESSES)
async def test_a_recipient_that_could_be_read_as_another_is_refused_unasked(
    mailer: SmtpMailer, server: Server, address: str
) -> None:
    with pytest.raises(Permanent) as caught:
        await mailer.send(sender=SENDER, recipients=["marie@patients.test", address], message=BODY)
    assert caught.value.code == "553"
    assert "test" not in str(caught.value)
    assert (server.connections, server.bodies) == ([], 0)


@pytest.mark.parametrize("address", [odd for odd in ODD_ADDRESSES if odd])
async def test_a_sender_that_could_be_read_as_another_is_refused_unasked(
    mailer: SmtpMailer, server: Server, address: str
) -> None:
    with pytest.raises(Permanent):
        await submit(mailer, "marie", sender=address)
    assert server.connections == []


async def test_a_mail_to_nobody_is_an_error(mailer: SmtpMailer) -> None:
    with pytest.raises(ValueError, match="recipient"):
        await submit(mailer)


# --- connections that break -------------------------------------------------------------------------


async def test_a_server_that_drops_after_the_body_may_have_it(mailer: SmtpMailer, server: Server) -> None:
    error = await failure(mailer, "drop")
    assert isinstance(error, Temporary)
    assert not isinstance(error, TransportDown)
    assert server.bodies == 1


async def test_a_server_that_hangs_after_the_body_may_have_it(world: World, server: Server) -> None:
    error = await failure(world.mailer(server, timeout=0.1), "hang")
    assert isinstance(error, Temporary)
    assert not isinstance(error, TransportDown)
    assert server.bodies == 1


async def test_the_reply_to_the_body_is_waited_for_longer_than_others(world: World, server: Server) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    await failure(world.mailer(server, timeout=0.1), "hang")
    assert 0.9 <= loop.time() - start < 5


async def slow_server(got_body: asyncio.Event, answer: asyncio.Event) -> asyncio.Server:
    """A bare server that refuses ``gone@`` and takes the rest, but answers a body only when told to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 slow\r\n")
        while line := (await reader.readline()).decode().strip():
            reply = b"250 OK\r\n"
            if line.startswith("RCPT TO:<gone@"):
                reply = b"550 gone\r\n"
            if line == "DATA":
                writer.write(b"354 go\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                got_body.set()
                await answer.wait()
            if line == "QUIT":
                break
            writer.write(reply)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


@pytest.mark.parametrize("how", ["timeout", "cancelled"])
async def test_a_late_reply_is_never_taken_for_the_reply_to_the_next_mail(how: str) -> None:
    got_body, late = asyncio.Event(), asyncio.Event()
    listening = await slow_server(got_body, late)
    port = listening.sockets[0].getsockname()[1]
    timeout = 0.05 if how == "timeout" else 5
    mailer = SmtpMailer(host="127.0.0.1", port=port, tls="none", timeout=timeout, hostname="bridge.test")
    first = asyncio.create_task(submit(mailer, "marie"))
    async with asyncio.timeout(5):
        await got_body.wait()
        if how == "timeout":
            await asyncio.wait([first])
    first.cancel()
    with pytest.raises((Temporary, asyncio.CancelledError)):
        await first
    late.set()
    assert isinstance(await failure(mailer, "gone"), Permanent)
    await mailer.close()
    listening.close()
    await listening.wait_closed()


async def test_a_cancelled_mail_leaves_the_mailer_usable(mailer: SmtpMailer, server: Server) -> None:
    hanging = asyncio.create_task(submit(mailer, "hang"))
    async with asyncio.timeout(5):
        await server.got_body.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    await submit(mailer, "marie")
    assert len(server.connections) == 2
    assert len(server.accepted) == 1


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


# --- never in clear text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["mail.hopital.test", "192.0.2.1", "10.0.0.1", "localhost.evil.test", "::2", ""]
)
def test_clear_text_is_refused_for_another_machine(host: str) -> None:
    with pytest.raises(ValueError, match="must be encrypted"):
        SmtpMailer(host=host, port=25, tls="none")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_clear_text_is_for_this_machine_only(host: str) -> None:
    SmtpMailer(host=host, port=25, tls="none")


class Identity:
    """A self-made certificate for one name: its file, and a server's context with it."""

    def __init__(self, directory: Path, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(key, name)
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = directory / f"{name}.key"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.file, private)


def _certificate(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    unused = "content_commitment key_encipherment data_encipherment key_agreement crl_sign encipher_only"
    usage = dict.fromkeys([*unused.split(), "decipher_only"], False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


Trust = Callable[[Identity], None]


@pytest.fixture
def localhost(tmp_path: Path) -> Identity:
    return Identity(tmp_path, "localhost")


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch) -> Trust:
    """Makes this process trust a certificate, as an administrator's own authority would be."""
    # A handshake that fails is the point of some tests here; the server need not complain.
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", True)
    return lambda identity: monkeypatch.setenv("SSL_CERT_FILE", str(identity.file))


async def tls_server(world: World, identity: Identity, tls: str) -> Server:
    if tls == "tls":
        return await world.server(implicit_tls=identity.context)
    return await world.server(tls_context=identity.context, require_starttls=True)


ENCRYPTED: list[Literal["starttls", "tls"]] = ["starttls", "tls"]


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


async def login_server(world: World, identity: Identity) -> Server:
    server = await world.server(tls_context=identity.context, auth_required=True)
    server.options["authenticator"] = server.authenticate
    return server
