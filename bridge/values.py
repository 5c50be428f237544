"""What a value of the configuration may be, and how that is said when it isn't."""

from __future__ import annotations

import difflib
import ipaddress
import re
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from bridge.domain.hours import read_week

Language = Literal["fr", "en"]
MATRIX_ID = re.compile(r"@[!-9;-~]*[!-9;-~]:[A-Za-z0-9.\-\[\]:]+")
PLACEHOLDER = re.compile(r"\$\{\w+\}|\$[A-Z][A-Z0-9_]{2,}|\{\{.*\}\}|<[\w -]+>")
"""What templates of other programs have in a secret's place."""
DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.\-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://matrix.example.org")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must start with https:// (http:// is allowed only to this machine)")
    return value.rstrip("/")


def checked_homeserver_url(value: str) -> str:
    """Where the client-server API is: what goes before ``/_matrix``."""
    if "/_matrix" in urlsplit(value).path or urlsplit(value).query:
        raise ValueError("must end before /_matrix, as in https://matrix.example.org")
    return _http_url(value)


def checked_service_url(value: str) -> str:
    """A URL that the homeserver reaches us at."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as http://localhost:29330")
    return value.rstrip("/")


def _domain(value: str) -> str:
    if not DOMAIN.fullmatch(value):
        raise ValueError("must be a domain name such as example.org")
    return value.lower()


def checked_matrix_id(value: str) -> str:
    """A full Matrix ID."""
    if not MATRIX_ID.fullmatch(value) or len(value) > 255:
        raise ValueError("must be a Matrix ID such as @claire:example.org")
    return value


def _address(value: str) -> str:
    try:
        found = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"must be an e-mail address such as group@example.org ({error})") from None
    if found.ascii_email is None:
        raise ValueError("must be an address in plain ASCII before the @")
    return found.normalized.lower()


def checked_database_url(value: str) -> str:
    """SQLite or PostgreSQL."""
    if not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("must be sqlite:///colloque.db or postgresql://user:password@host/name")
    return value


def _host(value: str) -> str:
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        if value != "*" and not re.fullmatch(r"[\w.-]+", value):
            raise ValueError(
                "must be a host name or an address, and nothing else; its port stands under port"
            ) from None
    return value


def _localpart(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9._=\-/+]+", value):
        raise ValueError("must be of a-z, 0-9 and . _ = - / + only")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = difflib.get_close_matches(value.title(), available_timezones(), n=1, cutoff=0.8)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"must be a time zone of the IANA list such as Europe/Paris{hint}") from None
    return value


def checked_video_link(value: str) -> str:
    """A template with one room in it."""
    if value.count("{room}") != 1 or re.search(r"[\s<>{}]", value.replace("{room}", "")):
        raise ValueError("must hold {room} once, as in https://meet.example.org/{room}")
    host = urlsplit(value).netloc
    if "{room}" in host:
        raise ValueError("must hold {room} after the host, as in https://meet.example.org/{room}")
    return _http_url(value)


def _day(value: Any) -> Any:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a day such as 2026-05-01") from None


def _hours(value: dict[str, str]) -> dict[str, str]:
    read_week(value)
    return value


def _secret(value: Any) -> Any:
    if isinstance(value, str) and not value:
        raise ValueError("must not be empty")
    if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
        raise ValueError(
            "is a placeholder that nothing fills in here; write the secret itself, name its file under "
            "the key with _file, or set it in the environment as COLLOQUE_<SECTION>_<KEY>"
        )
    return value


def _token(value: Any) -> Any:
    value = _secret(value)
    if isinstance(value, str) and not re.fullmatch(r"[!-~]+", value):
        raise ValueError("must be one word of plain ASCII, as `colloque registration` writes it")
    return value


Url = Annotated[str, AfterValidator(checked_homeserver_url)]
Domain = Annotated[str, AfterValidator(_domain)]
MatrixId = Annotated[str, AfterValidator(checked_matrix_id)]
Address = Annotated[str, AfterValidator(_address)]
Localpart = Annotated[str, AfterValidator(_localpart)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Day = Annotated[date, BeforeValidator(_day)]
Hours = Annotated[dict[str, str], AfterValidator(_hours)]
Wait = Annotated[float, Field(gt=0, le=100_000)]
Token = Annotated[SecretStr, BeforeValidator(_token)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
Host = Annotated[Name, AfterValidator(_host)]
KEY = r"^[a-z0-9][a-z0-9-]{0,30}$"
RetentionDays = Annotated[int, Field(ge=1, le=36500)] | None
Key = Annotated[str, Field(pattern=KEY)]
