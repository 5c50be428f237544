"""What the doctor looks at on this machine and around it: database, disk, ports, mail and name servers."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

import aiosmtplib
import dns.asyncresolver
import dns.exception
import dns.resolver
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from bridge.desk.finding import Finding, advice, ok, wrong
from bridge.mailsections import SmtpSection
from bridge.sections import Config, is_loopback
from bridge.storage.database import Database, DatabaseAway, DatabaseRefused

WITHIN_S = 10.0
LITTLE_DISK, HARDLY_ANY_DISK = 1_000_000_000, 200_000_000
AS_MAILED = 1.4
"""How much larger attachments are in a mail."""


async def database(config: Config) -> Sequence[Finding]:
    """Whether the database answers; nothing is created or migrated."""
    url = make_url(config.database.url)
    if url.get_backend_name() == "sqlite" and not _exists(url.database or ""):
        return [ok("database", f"{url.database} will be made at the first start")]
    opened = Database(config.database.url)
    try:
        async with asyncio.timeout(WITHIN_S), opened.reading() as connection:
            known = await connection.run_sync(lambda sync: sa.inspect(sync).has_table("rooms"))
    except (DatabaseAway, DatabaseRefused, OSError, TimeoutError, sa.exc.SQLAlchemyError) as error:
        remedy = "start it, and check database.url: host, port, user, password and database"
        return [wrong("database", f"doesn't answer ({type(error).__name__})", remedy)]
    finally:
        await opened.close()
    if url.get_backend_name() == "sqlite" and _mode(url.database or "") & 0o007:
        remedy = f"chmod 600 {url.database}*: it holds what patients write"
        return [wrong("database", "every account of this machine may read its file", remedy)]
    return [ok("database", "answers" if known else "answers; its tables will be made at the first start")]


def _mode(path: str) -> int:
    return Path(path).stat().st_mode


def _exists(path: str) -> bool:
    return Path(path).exists()


async def disk(config: Config) -> Sequence[Finding]:
    """Whether there is room where SQLite writes, or here."""
    url = make_url(config.database.url)
    place = Path(url.database or ".").parent if url.get_backend_name() == "sqlite" else Path()
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return [wrong("disk", f"{place}: {error.strerror}", "make the folder, and let the service write it")]
    said = f"{free / 1e9:.1f} GB free at {place.resolve()}"
    if free < HARDLY_ANY_DISK:
        return [wrong("disk", said, "make room: with a full disk no message can be accepted")]
    if free < LITTLE_DISK:
        return [advice("disk", said, "make room soon; a gigabyte is little for photos and backups")]
    return [ok("disk", said)]


async def smtp(config: Config) -> Sequence[Finding]:
    """Whether the mail server lets us in, and takes mails as large as ours. Nothing is sent."""
    section = config.mail.smtp
    where = f"{section.host}:{section.port}"
    client = aiosmtplib.SMTP(
        hostname=section.host,
        port=section.port,
        start_tls=section.tls == "starttls",
        use_tls=section.tls == "tls",
        username=section.username or None,
        password=section.password.get_secret_value() if section.password else None,
        timeout=WITHIN_S,
    )
    try:
        async with client:
            await client.ehlo()
            size = client.esmtp_extensions.get("size", "")
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
        return [wrong("smtp", f"{where}: {type(error).__name__}", _smtp_remedy(error, section))]
    needed = int(config.mail.max_attachments_mb * 1_048_576 * AS_MAILED)
    if size.isdigit() and 0 < int(size) < needed:
        said = f"{where} takes mails of {int(size) / 1e6:.0f} MB at most"
        remedy = f"allow {needed / 1e6:.0f} MB there (Postfix: message_size_limit), "
        return [wrong("smtp", said, remedy + "or lower mail.max_attachments_mb")]
    return [ok("smtp", f"{where} lets us in{' by TLS' if section.tls != 'none' else ''}")]


def _smtp_remedy(error: Exception, section: SmtpSection) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "the login is refused: check mail.smtp.username and password"
    if isinstance(error, aiosmtplib.SMTPConnectError | OSError | TimeoutError):
        return (
            "nobody answers there, or without this TLS: check mail.smtp.host, port and tls, and the firewall"
        )
    if "STARTTLS" in str(error).upper():
        return f"it offers no STARTTLS on port {section.port}: turn that on there, or set mail.smtp.tls"
    return f"it refused: {str(error).splitlines()[0][:200] if str(error) else 'without a word'}"


async def listener(config: Config) -> Sequence[Finding]:
    """Whether mail comes in: by the running service, or by a port that is free for it."""
    listen = config.mail.listen
    where = f"{listen.protocol} on {listen.host}:{listen.port}"
    if (refusal := bindable(listen.host, listen.port)) is None:
        return [ok("listener", f"{where} is free for the service, which isn't running")]
    if refusal == errno.EADDRINUSE:
        banner = await _banner("127.0.0.1" if listen.host in ("0.0.0.0", "::") else listen.host, listen.port)  # noqa: S104
        if banner.startswith("220"):
            return [ok("listener", f"{where} answers")]
        remedy = "another program has this port: choose another mail.listen.port"
        return [wrong("listener", f"{where} doesn't greet as a mail server", remedy)]
    return [wrong("listener", f"{where}: {errno.errorcode.get(refusal, refusal)}", BIND_REMEDY)]


BIND_REMEDY = "give an address of this machine and a port that the service's account may open (above 1023)"


def bindable(host: str, port: int) -> int | None:
    """Why nobody could listen there, as ``errno``; ``None`` if one can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        return error.errno or errno.EADDRNOTAVAIL
    return None


async def _banner(host: str, port: int) -> str:
    try:
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return (await reader.readline()).decode("ascii", "replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""


async def names(config: Config) -> Sequence[Finding]:
    """Whether patients' mail servers find ours, and believe it."""
    domain = config.mail.domain
    try:
        found = await _records(domain, "MX")
        texts = await _records(domain, "TXT")
        policy = await _records(f"_dmarc.{domain}", "TXT")
    except (dns.exception.DNSException, OSError) as error:
        remedy = "check /etc/resolv.conf; senders can't be verified without name servers"
        return [advice("dns", f"the name servers don't answer ({type(error).__name__})", remedy)]
    if not found and not is_loopback(config.mail.smtp.host) and not await _records(domain, "A"):
        return [
            wrong("dns", f"{domain} has no MX record", "add one: without it nobody's answers find us"),
        ]
    missing = [
        *([] if found else ["MX (where answers go)"]),
        *([] if any(text.startswith("v=spf1") for text in texts) else ["SPF (TXT v=spf1 …)"]),
        *([] if any(text.startswith("v=DMARC1") for text in policy) else ["DMARC (TXT at _dmarc)"]),
    ]
    if missing:
        remedy = "add them, and sign by DKIM: else patients' mail servers may refuse or hide our mails"
        return [advice("dns", f"{domain} has no {', no '.join(missing)}", remedy)]
    return [ok("dns", f"{domain} has MX, SPF and DMARC")]


async def _records(name: str, kind: str) -> list[str]:
    try:
        answer = await dns.asyncresolver.resolve(name, kind, lifetime=WITHIN_S / 2, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [record.to_text().strip('"') for record in answer]
