"""The application service registration that the homeserver's admin installs."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bridge.sections import Config


class AlreadyThere(Exception):
    """A registration exists; overwriting it would cut the homeserver off."""


def registration(config: Config) -> dict[str, Any]:
    """The registration for this configuration, with its tokens where it has some, else fresh ones."""
    home = config.homeserver
    domain, namespace = re.escape(home.domain), re.escape(home.namespace)
    as_token, hs_token = (
        known if (known := secret.get_secret_value()) != "unset" else secrets.token_urlsafe(48)
        for secret in (home.as_token, home.hs_token)
    )
    return {
        "id": home.service_id,
        "url": home.service_url or f"http://localhost:{config.web.port}",
        "as_token": as_token,
        "hs_token": hs_token,
        # The bot is a namespaced user of its own, so that it can have devices one day.
        "sender_localpart": f"{home.namespace}service",
        "namespaces": {
            "users": [
                {"exclusive": True, "regex": f"@{namespace}.*:{domain}"},
                {"exclusive": True, "regex": f"@{re.escape(home.bot)}:{domain}"},
            ],
            "aliases": [{"exclusive": True, "regex": f"#{namespace}.*:{domain}"}],
            "rooms": [],
        },
        "rate_limited": False,
        "receive_ephemeral": False,
    }


def acting_registration(config: Config, practitioners: Iterable[str]) -> dict[str, Any]:
    """The second registration, by which we may act as these practitioners.

    It has no URL, so it brings us no events; and it names each of them, so that it gives power over
    nobody else. Matrix IDs of other servers can't be acted as.
    """
    home = config.homeserver
    ours = [user_id for user_id in practitioners if user_id.endswith(f":{home.domain}")]
    known = home.acting_token.get_secret_value() if home.acting_token else ""
    return {
        "id": f"{home.service_id}_acting",
        "url": None,
        "as_token": known or secrets.token_urlsafe(48),
        "hs_token": secrets.token_urlsafe(48),
        "sender_localpart": f"{home.namespace}acting",
        "namespaces": {
            "users": [{"exclusive": False, "regex": f"^{re.escape(user_id)}$"} for user_id in ours],
            "aliases": [],
            "rooms": [],
        },
        "rate_limited": False,
    }


def as_yaml(content: dict[str, Any]) -> str:
    """The registration as the homeserver reads it."""
    out = StringIO()
    yaml = YAML()
    yaml.width = 200
    yaml.dump(content, out)
    return out.getvalue()


def write(file: Path, content: dict[str, Any], *, force: bool) -> None:
    """Write it, readable by its owner only. Raises :class:`AlreadyThere` unless ``force``."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(file, flags, 0o600)
    except FileExistsError:
        raise AlreadyThere(f"{file} exists; give --force to replace it with fresh tokens") from None
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(as_yaml(content))
