"""``colloque doctor mail``: whether mail can come and go, and whether its receivers will believe it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from bridge.config import Config, ConfigError, load_without_tokens
from bridge.console import DEFAULT_CONFIG, ConfigFile
from bridge.desk.doctor import AsJson, tell
from bridge.desk.finding import Finding, advice, ok, wrong

if TYPE_CHECKING:
    from bridge.mail.signing import Signer

WRONG = 2
WITHIN_S = 10.0


class Records(Protocol):
    """Looks up names of the Internet. Raises :class:`bridge.mail.signed.LookupFailed`."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """The TXT records of a name."""

    async def mx(self, name: str) -> tuple[str, ...]:
        """The hosts that take a domain's mail, the first choice first."""


def doctor_mail(
    config: ConfigFile = DEFAULT_CONFIG,
    selector: Annotated[
        str, typer.Option(help="DKIM selector of your mail server, as in SELECTOR._domainkey.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """See whether mail can come and go, and is believed. Sends nothing. Exits 0: all is right; 1: not."""
    from bridge.mail.dns import NameServers

    try:
        read = load_without_tokens(config).config
    except ConfigError as error:
        for mistake in error.mistakes:
            typer.echo(str(mistake), err=True)
        raise typer.Exit(WRONG) from None
    tell(asyncio.run(examined(read, NameServers(), selector)), as_json=as_json)


def _wrong(check: str, words: str) -> Finding:
    """What is wrong and, after the semicolon, what to do."""
    said, _, remedy = words.partition("; ")
    return wrong(check, said, remedy)


async def examined(config: Config, records: Records, selector: str = "") -> list[Finding]:
    """Every line, in the order in which mail passes."""
    from bridge.mailing import signer

    found = [await smtp(config), await listener(config)]
    if config.mail.imap is not None:
        found.append(await mailbox(config))
    domain, ours = config.mail.domain, signer(config)
    asked: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
        ("MX", lambda: mx(domain, records)),
        ("SPF", lambda: spf(domain, records)),
        ("DKIM", lambda: own_dkim(ours, records) if ours else dkim(domain, selector, records)),
        ("DMARC", lambda: dmarc(domain, records)),
    ]
    found += [await _answered(name, ask) for name, ask in asked]
    return [*found, await senders(config, records), await links(config)]


async def _answered(name: str, ask: Callable[[], Awaitable[Finding]]) -> Finding:
    from bridge.mail.signed import LookupFailed

    try:
        return await ask()
    except LookupFailed:
        return wrong(name, "no name server answers", "see that this machine's resolver works")


# --- this machine and its mail server ---


async def smtp(config: Config) -> Finding:
    """Connect, protect, log in, and go."""
    import aiosmtplib

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
        local_hostname=config.mail.domain,
    )
    try:
        await client.connect()
        await client.quit()
    except aiosmtplib.SMTPAuthenticationError as error:
        words = f"{where} refuses the login ({error.code}); see mail.smtp.username and password"
        return _wrong("SMTP", words)
    except (aiosmtplib.SMTPException, OSError) as error:
        words = f"{where} ({section.tls}) fails with {type(error).__name__}; see mail.smtp.host, port and tls"
        return _wrong("SMTP", words)
    finally:
        client.close()
    login = f", logged in as {section.username}" if section.username else ", without login"
    return ok("SMTP", f"{where} ({section.tls}){login}")


async def listener(config: Config) -> Finding:
    """What answers where mail comes in: the running service, or nobody yet."""
    section = config.mail.listen
    where = f"{section.host}:{section.port}"
    try:
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(section.host, section.port)
            greeting = await reader.readline()
            writer.close()
    except ConnectionRefusedError:
        return _wrong("listener", f"nothing listens on {where}; start `colloque run`")
    except (OSError, TimeoutError) as error:
        return _wrong("listener", f"{where} fails with {type(error).__name__}; see mail.listen")
    if not greeting.startswith(b"220 "):
        return _wrong("listener", f"something else listens on {where}; change mail.listen.port")
    return ok("listener", f"{where} answers ({section.protocol})")


async def mailbox(config: Config) -> Finding:
    """Log in to the mailbox and open its folder; nothing is read or marked."""
    from bridge.mail.imap import FAILURES, ImapSession
    from bridge.secondway import access_of

    access = access_of(config)
    assert access is not None
    where = f"{access.host}:{access.port}"
    session = ImapSession(access)
    try:
        await asyncio.to_thread(session.open)
    except FAILURES as error:
        words = f"{where} ({access.tls}) fails with {type(error).__name__}; see mail.imap"
        return _wrong("IMAP", words)
    else:
        return ok("IMAP", f"{where} ({access.tls}), folder {access.folder}")
    finally:
        await asyncio.to_thread(session.close)


# --- what the world knows about our domain ---


async def mx(domain: str, records: Records) -> Finding:
    """Whether mail to the reply addresses finds a server."""
    hosts = await records.mx(domain)
    if not hosts:
        words = f"{domain} has no MX record: replies find no way; publish one for your mail server"
        return _wrong("MX", words)
    return ok("MX", f"{domain} → {', '.join(hosts)}")


async def spf(domain: str, records: Records) -> Finding:
    """Whether the domain says which servers may send for it, in exactly one record (RFC 7208, 4.5)."""
    found = [one for one in await records.txt(domain) if one.lower().split(" ")[0] == "v=spf1"]
    if len(found) > 1:
        words = f"{domain} has {len(found)} SPF records, which counts as none; keep one"
        return _wrong("SPF", words)
    if not found:
        words = f'{domain} has no SPF record; publish TXT "v=spf1 mx -all", or what your provider names'
        return _wrong("SPF", words)
    if found[0].split()[-1] in ("+all", "all", "?all"):
        return _wrong("SPF", f"{found[0]!r} lets everybody send for {domain}; end it with -all or ~all")
    return ok("SPF", found[0])


async def dkim(domain: str, selector: str, records: Records) -> Finding:
    """Whether a key is published for the mail server's signature; which one only the admin can say."""
    if not selector:
        remedy = (
            "give your mail server's selector with --selector; if it doesn't sign, see mail.dkim: else DMARC "
            "rests on SPF alone"
        )
        return advice("DKIM", "not looked up", remedy)
    name = f"{selector}._domainkey.{domain}"
    found = [one for one in await records.txt(name) if "p=" in one]
    if not found:
        return _wrong("DKIM", f"{name} has no key; publish the TXT record that your mail server gives")
    tags = dict(part.strip().partition("=")[::2] for part in found[0].split(";"))
    if not tags.get("p", "").strip():
        return _wrong("DKIM", f"{name} says that its key is revoked; publish the present one")
    return ok("DKIM", name)


async def own_dkim(ours: Signer, records: Records) -> Finding:
    """Whether the published key is the one that we sign with."""
    from bridge.mail.signing import ADVISED_BITS, checked, public_key, published_key

    name, remedy = ours.record_name, "publish what `colloque mail dkim-record` prints"
    found = [one for one in await records.txt(name) if "p=" in one]
    if not found:
        return _wrong("DKIM", f"we sign, but {name} has no key; {remedy}")
    if len(found) > 1:
        return _wrong("DKIM", f"{name} has {len(found)} keys, of which receivers take any; keep one")
    if published_key(found[0]) != public_key(ours.key):
        return _wrong("DKIM", f"{name} has another key than the one that we sign with; {remedy}")
    if (bits := checked(ours.key)) < ADVISED_BITS:
        return advice("DKIM", f"{name}, a key of {bits} bits", f"make one of {ADVISED_BITS} bits")
    return ok("DKIM", f"{name} is the key that we sign with")


async def dmarc(domain: str, records: Records) -> Finding:
    """Whether the domain, or the one above it, says what to do with forgeries."""
    from bridge.mail.signed import organisational

    for one in dict.fromkeys((domain, organisational(domain))):
        found = [record for record in await records.txt(f"_dmarc.{one}") if record.startswith("v=DMARC1")]
        if len(found) == 1:
            return ok("DMARC", f"_dmarc.{one}: {found[0]}")
        if found:
            return _wrong("DMARC", f"_dmarc.{one} has {len(found)} records, which counts as none; keep one")
    words = f'_dmarc.{domain} has no record; publish TXT "v=DMARC1; p=quarantine" once SPF and DKIM are right'
    return _wrong("DMARC", words)


async def senders(config: Config, records: Records) -> Finding:
    """Who says whether a sender is real, and whether they can."""
    from bridge.mail.signed import LookupFailed

    mail = config.mail
    if mail.authserv_id:
        words = (
            f"Authentication-Results of {mail.authserv_id} are believed; see that your server strips others'"
        )
        return ok("authserv-id", words)
    if mail.verify_senders:
        try:
            await records.txt(f"_dmarc.{mail.domain}")
        except LookupFailed:
            words = (
                "no name server answers: each reply waits half an hour, then for its owner's judgement; "
                "give this machine a resolver, or set mail.authserv_id"
            )
            return _wrong("authserv-id", words)
        return ok("authserv-id", "none; we verify DKIM and DMARC ourselves")
    words = "senders are not verified at all; set mail.authserv_id, or mail.verify_senders: true"
    return _wrong("authserv-id", words)


async def links(config: Config) -> Finding:
    """Whether the links in patients' mails lead to the running service."""
    import aiohttp

    from bridge.domain.links import PATH

    base = config.web.public_url
    if not base:
        remedy = "set web.public_url, and let your proxy pass /m/; until then mails name words to answer with"
        return advice("links", "mails have none", remedy)
    try:
        timeout = aiohttp.ClientTimeout(total=WITHIN_S)
        session = aiohttp.ClientSession(timeout=timeout)
        async with session, session.get(f"{base}{PATH}/status/doctor") as response:
            ours = response.headers.get("X-Colloque") == "page"
    except (aiohttp.ClientError, TimeoutError) as error:
        words = f"{base} fails with {type(error).__name__}; see web.public_url and your proxy"
        return _wrong("links", words)
    if not ours:
        words = f"{base}{PATH}/ is not answered by us; have your proxy pass it to web.host and web.port"
        return _wrong("links", words)
    return ok("links", f"{base}{PATH}/")
