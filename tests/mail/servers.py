"""Submission to a real mail server, whose recipients choose how it behaves. (what its tests share)"""

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
from bridge.ports import PortError

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
        self.tired: set[SMTP] = set()
        self.closing = False
        self.stuck: set[SMTP] = set()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if server in self.stuck:
            await asyncio.Event().wait()
        if self.closing or server in self.tired:
            return "421 4.4.2 idle for too long"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

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


async def login_server(world: World, identity: Identity) -> Server:
    server = await world.server(tls_context=identity.context, auth_required=True)
    server.options["authenticator"] = server.authenticate
    return server
