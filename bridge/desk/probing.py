"""What the doctor asks the homeserver, partly as a ghost of its own that makes a room and leaves it again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import TypeVar

import aiohttp
from aiohttp import web

from bridge.config import Settings
from bridge.desk.desk import acting
from bridge.desk.finding import Finding, advice, ok, unknown, wrong
from bridge.desk.hereabouts import bindable
from bridge.matrix.client import MatrixClient
from bridge.matrix.transactions import routes
from bridge.ports import Permanent, PortError, Temporary, TransportDown
from bridge.sections import Config

T = TypeVar("T")
NEEDED = "v1.7"
"""The first version whose application services can ask for a ping."""
QUICK_SENDS = 15
"""More than a homeserver lets ordinary accounts send at once."""
CLOCK_ADVICE_S, CLOCK_WRONG_S = 5.0, 60.0
PATIENT_TRIES, PATIENCE_S = 3, 15.0
UNHURRIED = "install the registration with rate_limited: false, and restart the homeserver"
INSTALL = (
    "run `colloque registration`, name the file in the homeserver's app_service_config_files, restart that"
)


def _client(config: Config, localpart: str) -> MatrixClient:
    return MatrixClient(
        url=config.homeserver.url,
        domain=config.homeserver.domain,
        as_token=config.homeserver.as_token.get_secret_value(),
        bot=localpart,
        service_id=config.homeserver.service_id,
        timeout=20,
    )


async def homeserver(settings: Settings) -> Sequence[Finding]:
    """Everything that the homeserver can tell; what needs something wrong is not looked at."""
    config = settings.config
    found = await _reachable(config)
    if found[-1].check == "homeserver":
        return [*found, *(unknown(name, "the homeserver first") for name in ("token", "ping", "options"))]
    client = _client(config, f"{config.homeserver.namespace}doctor")
    await client.start()
    try:
        token = await _token(client, config)
        found.append(token)
        if token.remedy:
            return [*found, *(unknown(name, "the token first") for name in ("ping", "options"))]
        found.append(await _ping(client, config))
        found += await _capabilities(client, config)
        found += await _as_ghost(client, config)
        found.append(await _accounts(client, settings))
        found += await _further_tokens(settings)
    except PortError as error:
        found.append(wrong("homeserver", f"stopped answering: {error}", "look into its log, then try again"))
    finally:
        await client.close()
    return found


async def _reachable(config: Config) -> list[Finding]:
    """Whether it answers, speaks what we need, and goes by the same time."""
    url = config.homeserver.url
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url.rstrip('/')}/_matrix/client/versions") as answer,
        ):
            versions = (await answer.json(content_type=None))["versions"]
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        remedy = "start it, and check homeserver.url, its certificate and the firewall"
        return [wrong("homeserver", f"{url} can't be reached ({type(error).__name__})", remedy)]
    except (ValueError, KeyError, TypeError):
        remedy = "homeserver.url must be where its client-server API is, not a page or a proxy without it"
        return [wrong("homeserver", f"{url} is no Matrix homeserver", remedy)]
    if NEEDED not in versions:
        return [wrong("homeserver", f"doesn't speak {NEEDED} of Matrix", "update it (Synapse 1.90 or later)")]
    return [ok("homeserver", f"{url} answers, up to {versions[-1]}"), _clock(date)]


def _clock(date: str | None) -> Finding:
    try:
        apart = abs(time.time() - parsedate_to_datetime(date or "").timestamp())
    except ValueError:
        return advice("clock", "the homeserver doesn't tell its time", "see that both machines use NTP")
    remedy = "set the clocks of both machines by NTP (timedatectl set-ntp true)"
    if apart > CLOCK_WRONG_S:
        return wrong("clock", f"{apart:.0f} s apart from the homeserver's", remedy)
    if apart > CLOCK_ADVICE_S:
        return advice("clock", f"{apart:.0f} s apart from the homeserver's", remedy)
    return ok("clock", "the same as the homeserver's")


async def _token(client: MatrixClient, config: Config) -> Finding:
    """Whether the homeserver knows us, under our domain and namespaces."""
    home = config.homeserver
    try:
        await client.register(client.bot_id[1:].partition(":")[0])
        await client.is_registered()
        await client.register(home.bot)
    except TransportDown as error:
        return wrong("token", f"the homeserver doesn't know as_token ({error})", INSTALL)
    except Permanent as error:
        said = f"{client.bot_id} or the bot is refused ({error.code})"
        remedy = "the installed registration has other namespaces, bot or domain than config.yaml; "
        return wrong("token", said, remedy + INSTALL)
    except Temporary as error:
        return wrong("token", f"can't be tried now ({error})", "try again in a minute")
    if not await client.is_registered():
        remedy = "homeserver.domain must be its server_name, and the namespaces those installed; " + INSTALL
        return wrong("token", f"the homeserver has no {client.bot_id}", remedy)
    return ok("token", "the homeserver knows us: token, domain, namespace and bot")


async def _ping(client: MatrixClient, config: Config) -> Finding:
    """Whether the homeserver reaches us; as long as the service isn't running we answer ourselves."""
    where = config.homeserver.service_url or f"http://localhost:{config.web.port}"
    try:
        async with _answering(config):
            await client.ping()
    except OSError as error:
        remedy = "give web.host an address of this machine and web.port a port that its account may open"
        return wrong(
            "ping", f"can't listen at {config.web.host}:{config.web.port} ({error.strerror})", remedy
        )
    except PortError as error:
        return wrong("ping", f"the homeserver doesn't reach us ({error})", _ping_remedy(str(error), where))
    return ok("ping", "the homeserver reaches us, and we know its token")


def _ping_remedy(said: str, where: str) -> str:
    if "M_BAD_STATUS" in said:
        remedy = "something else answers at the registration's url, or hs_token is another there than here; "
        return remedy + INSTALL
    if "M_URL_NOT_SET" in said:
        return "the installed registration has no url; " + INSTALL
    if "M_FORBIDDEN" in said:
        return (
            "homeserver.service_id is another than the id in the installed registration; make them the same"
        )
    return (
        f"the url in the installed registration must lead to us from there (expected: {where}); check "
        "web.host, web.port, homeserver.service_url and the firewall"
    )


@asynccontextmanager
async def _answering(config: Config) -> AsyncIterator[None]:
    """The service's answer to a ping; where something listens already, that is taken for the service."""
    if bindable(config.web.host, config.web.port) is not None:
        yield
        return

    async def keep(_events: object) -> None:
        """Refuse: the homeserver sends them again, to the service."""
        raise OSError("only the service takes events")

    application = web.Application()
    application.add_routes(routes(hs_token=config.homeserver.hs_token.get_secret_value(), keep=keep))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.web.host, config.web.port).start()
        yield
    finally:
        await runner.cleanup()


async def _capabilities(client: MatrixClient, config: Config) -> list[Finding]:
    found = []
    version = config.homeserver.room_version
    known = await client.room_versions()
    if version and version not in known:
        remedy = f"set homeserver.room_version to one of {', '.join(sorted(known))}, or leave it out"
        found.append(wrong("room version", f"the homeserver has no {version}", remedy))
    else:
        found.append(ok("room version", version or "the homeserver's default"))
    limit, needed = await client.upload_limit(), config.mail.max_attachments_mb * 1_048_576
    if limit is not None and limit < needed:
        said = f"the homeserver takes files of {limit / 1e6:.0f} MB, mails may bring {needed / 1e6:.0f} MB"
        remedy = f"set max_upload_size: {config.mail.max_attachments_mb}M there (and in the proxy before it)"
        found.append(advice("upload size", said, remedy))
    else:
        found.append(ok("upload size", "as large as attachments may be"))
    return found


async def _as_ghost(client: MatrixClient, config: Config) -> list[Finding]:
    """Make a room, write quickly, leave it: what the homeserver's options let us do."""
    alias = f"{config.homeserver.namespace}doctor"
    await _patiently(lambda: client.remove_alias(f"#{alias}:{config.homeserver.domain}"))
    content = {"preset": "private_chat", "room_alias_name": alias, "creation_content": {"m.federate": False}}
    try:
        room = await _patiently(lambda: client.create_room(content))
    except Temporary as error:
        said = f"a ghost isn't let make a room now ({error})"
        return [wrong("rooms", said, UNHURRIED if error.retry_after is not None else "try again in a minute")]
    except Permanent as error:
        remedy = "let our ghosts make rooms and aliases (room_creation_rules, modules), or " + INSTALL
        return [wrong("rooms", f"a ghost can't make a room with an alias ({error})", remedy)]
    found = [ok("rooms", "a ghost can make rooms and aliases"), await _encryption(client, room)]
    found.append(await _rate(client, room))
    await _patiently(lambda: client.remove_alias(f"#{alias}:{config.homeserver.domain}"))
    await _patiently(lambda: client.leave(room))
    found.append(await _forgotten(client, room))
    return found


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """A homeserver that asks for time gets some: being slowed down is one finding of several."""
    for _ in range(PATIENT_TRIES):
        try:
            return await call()
        except Temporary as error:
            if error.retry_after is None or error.retry_after > PATIENCE_S:
                raise
            await asyncio.sleep(error.retry_after)
    return await call()


async def _encryption(client: MatrixClient, room: str) -> Finding:
    if await client.state_event(room, "m.room.encryption") is None:
        return ok("encryption", "rooms are not encrypted unasked")
    remedy = "set encryption_enabled_by_default_for_room_type: off: we can't read encrypted rooms"
    return wrong("encryption", "the homeserver encrypts new rooms by itself", remedy)


async def _rate(client: MatrixClient, room: str) -> Finding:
    sends = (
        client.send(room, "m.room.message", {"msgtype": "m.notice", "body": "·"}, txn_id=secrets.token_hex(8))
        for _ in range(QUICK_SENDS)
    )
    if any(isinstance(one, Temporary) for one in await asyncio.gather(*sends, return_exceptions=True)):
        return wrong("rate limits", "the homeserver slows us down", UNHURRIED)
    return ok("rate limits", "we aren't slowed down")


async def _forgotten(client: MatrixClient, room: str) -> Finding:
    """With ``forget_rooms_on_leave`` who has left can no longer read what they could."""
    try:
        await client.messages(room, limit=1)
    except Permanent:
        return ok("forget_rooms_on_leave", "who has left a room reads nothing of it")
    await _patiently(lambda: client.forget(room))
    remedy = "set forget_rooms_on_leave: true: former members keep what they saw, and their clients slow down"
    return advice("forget_rooms_on_leave", "off", remedy)


async def _accounts(client: MatrixClient, settings: Settings) -> Finding:
    people = [practitioner.user_id for practitioner in settings.organisation.practitioners]
    missing = [user_id for user_id in people if not await client.account_exists(user_id)]
    if missing:
        remedy = "create their accounts, or correct organisation.yaml; they are invited at the next apply"
        return advice("accounts", f"unknown there: {', '.join(missing[:10])} ({len(missing)})", remedy)
    return ok("accounts", f"all {len(people)} practitioners have one")


async def _further_tokens(settings: Settings) -> list[Finding]:
    """The tokens that an admin may give us on top."""
    found, home = [], settings.config.homeserver
    if (person := acting(settings.config)) is not None:
        await person.start()
        try:
            await person.known()
            found.append(ok("acting", "the second registration is known"))
        except PortError as error:
            remedy = "add acting.yaml to app_service_config_files and restart the homeserver"
            found.append(wrong("acting", f"the second registration is unknown ({error})", remedy))
        finally:
            await person.close()
    if home.admin_token is not None:
        headers = {"Authorization": f"Bearer {home.admin_token.get_secret_value()}"}
        url = f"{home.url.rstrip('/')}/_synapse/admin/v1/rooms?limit=1"
        async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
            if answer.status == 200:
                found.append(ok("admin_token", "is an administrator's"))
            else:
                remedy = (
                    "give an access token of an administrator (Synapse), and let us reach /_synapse/admin"
                )
                found.append(wrong("admin_token", f"is refused ({answer.status})", remedy))
    return found
