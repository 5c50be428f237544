"""The sections of config.yaml and organisation.yaml: their keys, defaults and limits."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
)

from bridge.domain.organisation import Notify

Language = Literal["fr", "en"]
MATRIX_ID = re.compile(r"@[!-9;-~]*[!-9;-~]:[A-Za-z0-9.\-\[\]:]+")
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


def _service_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as http://localhost:29330")
    return value.rstrip("/")


def _domain(value: str) -> str:
    if not DOMAIN.fullmatch(value):
        raise ValueError("must be a domain name such as example.org")
    return value.lower()


def _matrix_id(value: str) -> str:
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


def _database_url(value: str) -> str:
    if not value.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("must be sqlite:///colloque.db or postgresql://user:password@host/name")
    return value


def _localpart(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9._=\-/+]+", value):
        raise ValueError("must be of a-z, 0-9 and . _ = - / + only")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA list such as Europe/Paris") from None
    return value


def _video_link(value: str) -> str:
    if value.count("{room}") != 1 or re.search(r"[\s<>{}]", value.replace("{room}", "")):
        raise ValueError("must hold {room} once, as in https://meet.example.org/{room}")
    host = urlsplit(value).netloc
    if "{room}" in host:
        raise ValueError("must hold {room} after the host, as in https://meet.example.org/{room}")
    return _http_url(value)


def _secret(value: Any) -> Any:
    if isinstance(value, str) and not value:
        raise ValueError("must not be empty")
    return value


Url = Annotated[str, AfterValidator(_http_url)]
Domain = Annotated[str, AfterValidator(_domain)]
MatrixId = Annotated[str, AfterValidator(_matrix_id)]
Address = Annotated[str, AfterValidator(_address)]
Localpart = Annotated[str, AfterValidator(_localpart)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Secret = Annotated[SecretStr, BeforeValidator(_secret)]
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1, max_length=120)]
KEY = r"^[a-z0-9][a-z0-9-]{0,30}$"
Key = Annotated[str, Field(pattern=KEY)]


class Section(BaseModel):
    """A part of the configuration: nothing unknown, nothing changed later, no value guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class HomeserverSection(Section):
    """The Matrix homeserver and who we are on it."""

    url: Url = Field(description="Client-server API of the homeserver; https unless on this machine.")
    domain: Domain = Field(description="The homeserver's server name, as in @user:domain.")
    as_token: Secret = Field(description="Token by which we prove ourselves to the homeserver.")
    hs_token: Secret = Field(description="Token by which the homeserver proves itself to us.")
    bot: Localpart = Field("colloque", description="Localpart of the bot.")
    namespace: Localpart = Field(
        "colloque_", description="What our ghosts' localparts and aliases begin with."
    )
    room_version: str | None = Field(None, description="Room version of new rooms; the homeserver's default.")
    admin_token: Secret | None = Field(
        None,
        description="Access token of an administrator of the homeserver (Synapse), by which erasing deletes "
        "rooms and media for good; without it they are emptied and left.",
    )
    service_id: Name = Field("colloque", description="ID in the registration.")
    acting_token: Secret | None = Field(
        None,
        description="Token of the second registration, to act as practitioners; see SECURITY.md.",
    )
    acting_registration_file: Path | None = Field(
        None,
        strict=False,
        description="That registration, beside this file, as `colloque registration --acting` writes it.",
    )
    service_url: Annotated[str, AfterValidator(_service_url)] | None = Field(
        None, description="Where the homeserver reaches us; http://localhost:<web.port> by default."
    )


class DatabaseSection(Section):
    """Where everything is kept."""

    url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///colloque.db",
        description="sqlite:///file beside this file (one process), or postgresql://… (any number)",
    )


class ListenSection(Section):
    """Where mail comes in."""

    protocol: Literal["smtp", "lmtp"] = Field("lmtp", description="What your mail server speaks to us.")
    host: Name = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(2524, description="TCP port to listen on.")
    max_size_mb: Annotated[int, Field(ge=1, le=200)] = Field(35, description="Largest mail, in MB.")


class SmtpSection(Section):
    """Where mail goes out."""

    host: Name = Field("127.0.0.1", description="Your mail server.")
    port: Port = Field(25, description="Its TCP port.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the connection is protected; none only to this machine."
    )
    username: str = Field("", description="Login, if it wants one.")
    password: Secret | None = Field(None, description="Password of that login.")


class MailSection(Section):
    """E-mail with patients."""

    domain: Domain = Field(description="Domain of the reply addresses.")
    listen: ListenSection = Field(default_factory=ListenSection, description="Where mail comes in.")
    smtp: SmtpSection = Field(default_factory=SmtpSection, description="Where mail goes out.")
    authserv_id: str = Field(
        "",
        description="Whose Authentication-Results are our mail server's; empty: we verify DKIM and DMARC.",
    )
    verify_senders: bool = Field(
        True, description="Verify by name servers when our mail server gave no verdict."
    )
    quiet_period_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        20.0, description="Seconds an answer waits, so that an edit still counts."
    )
    max_attachments_mb: Annotated[int, Field(ge=1, le=100)] = Field(
        18, description="Most that one mail's attachments may weigh, in MB."
    )


class WebSection(Section):
    """Where we listen for the homeserver."""

    host: Name = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(29330, description="TCP port to listen on.")
    metrics_token: Secret | None = Field(
        None,
        description="Bearer token for /metrics; without one only programs of this machine may read them.",
    )


class EmergencySection(Section):
    """What every mail says about emergencies, by language."""

    fr: Name = Field(
        "Ce service ne traite pas les urgences. En cas d'urgence, appelez le 15 ou le 112.",
        description="In French.",
    )
    en: Name = Field(
        "This service does not handle emergencies. In an emergency, call 15 or 112.",
        description="In English.",
    )


class CareSection(Section):
    """What is promised to patients."""

    emergency: EmergencySection = Field(
        default_factory=EmergencySection, description="Emergency wording in fr and en."
    )
    question_reply_within_h: Annotated[int, Field(ge=1, le=720)] = Field(
        48, description="Hours within which patients are told to expect an answer."
    )


class VideoSection(Section):
    """Video consultations between owner and patient."""

    link: Annotated[str, AfterValidator(_video_link)] | None = Field(
        None,
        description="Link to a video room, with {room} where its unguessable name goes, "
        "as in https://meet.example.org/{room}; none by default, then there are no consultations.",
    )
    minutes: Annotated[int, Field(ge=5, le=240)] = Field(
        20, description="How long one takes unless the owner says otherwise."
    )
    remind_before_min: Annotated[float, Field(ge=0, le=10080)] = Field(
        15.0, description="Minutes before the start at which both are reminded; 0 for never."
    )


class ClaimSection(Section):
    """How a question is taken."""

    grant_at_once_up_to: Annotated[int, Field(ge=0, le=10000)] = Field(
        10, description="With more readers than this, the owner may write only once they are out."
    )
    listing_limit: Annotated[int, Field(ge=1, le=100000)] = Field(
        1000, description="Questions that one space lists before another space goes on."
    )


class Config(Section):
    """The whole of config.yaml."""

    language: Language = Field("fr", description="Language of the organisation: fr or en.")
    organisation_file: Path = Field(
        Path("organisation.yaml"), strict=False, description="The organisation, beside this file."
    )
    homeserver: HomeserverSection
    database: DatabaseSection = Field(default_factory=DatabaseSection)
    mail: MailSection
    web: WebSection = Field(default_factory=WebSection)
    care: CareSection = Field(default_factory=CareSection)
    claim: ClaimSection = Field(default_factory=ClaimSection)
    reconcile: Literal["auto", "manual"] = Field(
        "auto",
        description="auto: Matrix follows organisation.yaml by itself; manual: by `colloque apply` only.",
    )
    largest_removal: Annotated[float, Field(ge=0, le=1)] = Field(
        0.2,
        description="Share of the people with access whom one change may take it from without being asked.",
    )
    video: VideoSection = Field(default_factory=VideoSection)


class OrganisationSection(Section):
    """The organisation itself."""

    name: Name = Field(description="Name of the organisation, in mails and rooms.")
    language: Language | None = Field(None, description="fr or en; config.yaml's language by default.")
    time_zone: TimeZone = Field(
        "Europe/Paris", description="IANA time zone in which people's dates and working hours are read."
    )
    admins: list[MatrixId] = Field([], description="Practitioners who may change groups from their bot chat.")


class PractitionerEntry(Section):
    """One practitioner."""

    id: MatrixId = Field(description="Matrix ID, as in @claire:example.org.")
    name: Name = Field(description="Name that patients and colleagues see.")
    language: Language | None = Field(None, description="Language that the bot speaks with them.")
    active: bool = Field(
        True, description="false: out of every room for now; their open questions go back to the group."
    )


class NameByLanguage(Section):
    """A name in both languages."""

    fr: Name
    en: Name


class GroupEntry(Section):
    """One expert group."""

    key: Key = Field(description="Stable short name: rooms are found by it. a-z, 0-9 and -.")
    name: Name | NameByLanguage = Field(description="Name that people see; or one in fr and one in en.")
    address: Address = Field(description="E-mail address at which patients ask this group.")
    members: list[MatrixId] = Field([], description="Matrix IDs, each among the practitioners.")
    notify: Annotated[Notify, Field(strict=False)] = Field(
        Notify.ANNOUNCE, description="announce: a card in the waiting room; invite: each member, each time."
    )
    language: Language | None = Field(None, description="Language of its mails and rooms.")
    suspended: bool = Field(
        False, description="true: patients who ask it are told that nobody is available for now."
    )


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(value: str) -> str:
    if value != EVERYONE and not value.startswith("@") and not re.fullmatch(KEY, value):
        raise ValueError(f"must be {EVERYONE}, a group's key, or a Matrix ID such as @claire:example.org")
    return _matrix_id(value) if value.startswith("@") else value


EVERYONE = "everyone"
Named = Annotated[str, AfterValidator(_named)]
_STRINGS = {"type": "array", "items": {"type": "string"}}
Members = Annotated[
    list[Named], BeforeValidator(_listed), WithJsonSchema({"anyOf": [{"type": "string"}, _STRINGS]})
]


class DiscussionEntry(Section):
    """One discussion group: an ordinary room for colleagues."""

    key: Key = Field(description="Stable short name: the room is found by it. a-z, 0-9 and -.")
    name: Name | NameByLanguage = Field(description="Name that people see; or one in fr and one in en.")
    members: Members = Field(
        [], description="everyone, or a list of expert groups' keys and Matrix IDs of practitioners."
    )
    moderators: list[MatrixId] = Field(
        [], description="Members who may delete messages, pin, and set the topic."
    )
    announce_only: bool = Field(False, description="true: only moderators write, everyone reads and reacts.")
    archived: bool = Field(False, description="true: members can still read, nobody writes.")


class OrganisationFile(Section):
    """The whole of organisation.yaml."""

    organisation: OrganisationSection
    practitioners: list[PractitionerEntry] = []
    groups: list[GroupEntry] = []
    discussions: list[DiscussionEntry] = []
