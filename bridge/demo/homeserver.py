"""A real Synapse for the demonstration and the tests: one process, one folder, SQLite, loopback only."""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import hmac
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
from ruamel.yaml import YAML
from signedjson.key import generate_signing_key, write_signing_keys

from bridge.demo.freeport import free_port

BOOT_WITHIN_S = 120.0
RATES = (
    "rc_message",
    "rc_registration",
    "rc_admin_redaction",
    "rc_registration_token_validity",
    "rc_third_party_invite",
    "rc_media_create",
    "rc_room_creation",
)
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
"""Loaded before any fork: in the child of a program with threads nothing that locks may be called."""


class SynapseFailed(Exception):
    """The homeserver did not start; the message ends with its last log lines."""


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it dies, however it dies."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class LocalSynapse:
    """One Synapse in ``directory``. ``registration`` is an application service's registration file.

    ``acting`` is the one by which it may act as people; ``settings`` go before ours; ``module`` is the
    program to run in its place.
    """

    def __init__(
        self,
        directory: Path,
        *,
        domain: str = "hopital.example",
        port: int | None = None,
        registration: Path | None = None,
        acting: Path | None = None,
        room_version: str | None = None,
        settings: dict[str, Any] | None = None,
        module: str = "synapse.app.homeserver",
    ) -> None:
        self.directory = directory
        self.domain = domain
        self.port = port or free_port()
        self._registrations = [str(file) for file in (registration, acting) if file is not None]
        self._room_version = room_version
        self._extra = settings or {}
        self._module = module
        self._secret = secrets.token_hex(16)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where its client-server API is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.directory / "synapse.log"

    def prepare(self) -> Path:
        """Write its configuration and signing key; returns the configuration's path."""
        self.directory.mkdir(parents=True, exist_ok=True)
        key_file = self.directory / "signing.key"
        if not key_file.exists():
            with key_file.open("w") as out:
                write_signing_keys(out, [generate_signing_key("a_demo")])
        _dump(self.directory / "log.yaml", self._logging())
        _dump(self.directory / "homeserver.yaml", self._settings(key_file))
        return self.directory / "homeserver.yaml"

    def _logging(self) -> dict[str, Any]:
        handler = {"class": "logging.FileHandler", "filename": str(self.log), "formatter": "plain"}
        return {
            "version": 1,
            "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
            "handlers": {"file": handler},
            "root": {"level": "WARNING", "handlers": ["file"]},
            "disable_existing_loggers": False,
        }

    def _settings(self, key_file: Path) -> dict[str, Any]:
        generous = {"per_second": 100_000, "burst_count": 100_000}
        settings: dict[str, Any] = {
            "server_name": self.domain,
            "public_baseurl": f"{self.url}/",
            "pid_file": str(self.directory / "pid"),
            "listeners": [
                {
                    "port": self.port,
                    "type": "http",
                    "bind_addresses": ["127.0.0.1"],
                    "resources": [{"names": ["client", "media"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.directory / "homeserver.db")}},
            "log_config": str(self.directory / "log.yaml"),
            "media_store_path": str(self.directory / "media"),
            "signing_key_path": str(key_file),
            "registration_shared_secret": self._secret,
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "report_stats": False,
            "enable_registration": False,
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "url_preview_enabled": False,
            "max_upload_size": "50M",
            "bcrypt_rounds": 4,
            "forget_rooms_on_leave": True,
            "caches": {"sync_response_cache_duration": "0s"},
            "app_service_config_files": self._registrations,
            "rc_login": {"address": generous, "account": generous, "failed_attempts": generous},
            "rc_joins": {"local": generous, "remote": generous},
            "rc_joins_per_room": generous,
            "rc_invites": {"per_room": generous, "per_user": generous, "per_issuer": generous},
            **dict.fromkeys(RATES, generous),
        }
        if self._room_version:
            settings["default_room_version"] = self._room_version
        return settings | self._extra

    async def start(self) -> None:
        """Start it and wait until it answers. Raises :class:`SynapseFailed`."""
        config = self.prepare()
        with (self.directory / "output.log").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                "-c",
                str(config),
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
            )
        await self._wait()

    async def _wait(self) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(BOOT_WITHIN_S), aiohttp.ClientSession() as session:
                while self._process.returncode is None:
                    try:
                        async with session.get(f"{self.url}/_matrix/client/versions") as response:
                            if response.status == 200:
                                return
                    except aiohttp.ClientError:
                        pass
                    await asyncio.sleep(0.1)
        except TimeoutError:
            await self.kill()
        raise SynapseFailed(f"Synapse did not start in {self.directory}:\n{self._tail()}")

    def _tail(self) -> str:
        lines: list[str] = []
        for file in (self.directory / "output.log", self.log):
            if file.exists():
                lines += file.read_text(errors="replace").splitlines()[-20:]
        return "\n".join(lines)

    async def stop(self) -> None:
        """Stop it as a service manager does, and kill it if it doesn't."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it at once, as a power cut does."""
        await self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """Its process, which must have been started."""
        assert self._process is not None
        return self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(number)
        try:
            async with asyncio.timeout(15):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def register_user(
        self, localpart: str, password: str, *, displayname: str | None = None, admin: bool = False
    ) -> str:
        """Make an account through the shared-secret admin API and return an access token."""
        url = f"{self.url}/_synapse/admin/v1/register"
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                nonce = (await response.json())["nonce"]
            parts = (nonce, localpart, password, "admin" if admin else "notadmin")
            mac = hmac.new(self._secret.encode(), "\0".join(parts).encode(), hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": localpart, "password": password, "admin": admin, "mac": mac}
            if displayname:
                body["displayname"] = displayname
            async with session.post(url, json=body) as response:
                answer = await response.json()
                if response.status != 200:
                    raise SynapseFailed(f"no account for {localpart}: {answer}")
                return str(answer["access_token"])


def _dump(file: Path, content: dict[str, Any]) -> None:
    with file.open("w", encoding="utf-8") as out:
        YAML().dump(content, out)
