"""The sections of config.yaml and organisation.yaml: their keys, defaults and limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
)

from bridge.domain.organisation import Mails, Notify
from bridge.mailsections import MailSection
from bridge.section import Section as Section
from bridge.values import (
    KEY,
    Address,
    Day,
    Domain,
    Host,
    Hours,
    Key,
    Language,
    Localpart,
    MatrixId,
    Name,
    Port,
    RetentionDays,
    TimeZone,
    Token,
    Url,
    Wait,
    checked_database_url,
    checked_matrix_id,
    checked_service_url,
    checked_video_link,
)
from bridge.values import is_loopback as is_loopback


class HomeserverSection(Section):
    """The Matrix homeserver and who we are on it."""

    url: Url = Field(description="Client-server API of the homeserver; https unless on this machine.")
    domain: Domain = Field(description="The homeserver's server name, as in @user:domain.")
    as_token: Token = Field(description="Token by which we prove ourselves to the homeserver.")
    hs_token: Token = Field(description="Token by which the homeserver proves itself to us.")
    bot: Localpart = Field("colloque", description="Localpart of the bot.")
    namespace: Localpart = Field(
        "colloque_", description="What our ghosts' localparts and aliases begin with."
    )
    room_version: str | None = Field(None, description="Room version of new rooms; the homeserver's default.")
    admin_token: Token | None = Field(
        None,
        description="Access token of an administrator of the homeserver (Synapse), by which erasing deletes "
        "rooms and media for good; without it they are emptied and left.",
    )
    service_id: Name = Field("colloque", description="ID in the registration.")
    acting_token: Token | None = Field(
        None,
        description="Token of the second registration, to act as practitioners; see SECURITY.md.",
    )
    acting_registration_file: Path | None = Field(
        None,
        strict=False,
        description="That registration, beside this file, as `colloque registration --acting` writes it.",
    )
    service_url: Annotated[str, AfterValidator(checked_service_url)] | None = Field(
        None, description="Where the homeserver reaches us; http://localhost:<web.port> by default."
    )


class DatabaseSection(Section):
    """Where everything is kept."""

    url: Annotated[str, AfterValidator(checked_database_url)] = Field(
        "sqlite:///colloque.db",
        description="sqlite:///file beside this file (one process), or postgresql://… (any number)",
    )


class WebSection(Section):
    """Where we listen for the homeserver, and for patients who follow a link of a mail."""

    host: Host = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(29330, description="TCP port to listen on.")
    public_url: Url | None = Field(
        None,
        description="Where patients' browsers reach us by your proxy (only /m/ is needed), as in "
        "https://colloque.example.org; without it mails have no links.",
    )
    metrics_token: Token | None = Field(
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


class WaitsSection(Section):
    """How long what may wait, in hours; fractions are allowed."""

    remind_after_h: Wait = Field(4.0, description="A waiting question: its group is reminded.")
    widen_after_h: Wait = Field(8.0, description="A waiting question: the fallback group may take it, too.")
    tell_patient_after_h: Wait = Field(24.0, description="A waiting question: the patient is told.")
    alert_admin_after_h: Wait = Field(
        24.0, description="A waiting question: the administrators are told, and again each time."
    )
    silent_after_h: Wait = Field(24.0, description="A patient waits for the owner: the owner is reminded.")
    silent_alert_after_h: Wait = Field(48.0, description="And then the administrators are told.")
    silent_release_after_h: Wait = Field(72.0, description="And then the question goes back to its group.")
    idle_after_h: Wait = Field(
        336.0, description="Nobody has written since the last answer: the owner is asked to close."
    )
    archive_after_h: Wait = Field(720.0, description="A closed question is archived.")
    handover_expires_after_h: Wait = Field(24.0, description="An offer to a colleague ends.")
    consent_expires_after_h: Wait = Field(
        72.0, description="The patient's consent to another expert's opinion is no longer waited for."
    )
    undo_within_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        60.0, description="Seconds in which closing, archiving and releasing can be undone."
    )


class CareSection(WaitsSection):
    """What is promised to patients, and how long what may wait (in hours; fractions are allowed)."""

    emergency: EmergencySection = Field(
        default_factory=EmergencySection, description="Emergency wording in fr and en."
    )
    answer_within_h: Annotated[int, Field(ge=1, le=720)] = Field(
        48, description="Hours within which patients are told to expect an answer."
    )
    patient_servers: list[Domain] = Field(
        [],
        description="Servers whose people may ask by writing to the bot; those of our own always may.",
    )
    admin_export: bool = Field(
        False,
        description="Whether administrators may write transcripts (colloque export); each is on record.",
    )


class VideoSection(Section):
    """Video consultations between owner and patient."""

    link: Annotated[str, AfterValidator(checked_video_link)] | None = Field(
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


class RetentionSection(Section):
    """How long questions are kept once they are archived."""

    days: RetentionDays = Field(
        None, description="Days after archiving until a question is erased; without it they are kept."
    )
    export_to: Path | None = Field(
        None, strict=False, description="Folder into which each question is exported before it is erased."
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
    retention: RetentionSection = Field(default_factory=RetentionSection)


class OrganisationSection(Section):
    """The organisation itself."""

    name: Name = Field(description="Name of the organisation, in mails and rooms.")
    language: Language | None = Field(None, description="fr or en; config.yaml's language by default.")
    time_zone: TimeZone = Field(
        "Europe/Paris", description="IANA time zone in which people's dates and working hours are read."
    )
    holidays: list[Day] = Field([], description="Days on which no group works, as 2026-05-01.")
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
    members_csv: str | None = Field(None, description="CSV file with further members; its column: id.")
    notify: Annotated[Notify, Field(strict=False)] = Field(
        Notify.ANNOUNCE, description="announce: a card in the waiting room; invite: each member, each time."
    )
    mails: Annotated[Mails, Field(strict=False)] = Field(
        Mails.FULL,
        description="full: answers stand in the mail; link: the mail is neutral, and a page has them.",
    )
    language: Language | None = Field(None, description="Language of its mails and rooms.")
    fallback: Key | None = Field(
        None, description="Key of the group that may take, too, what this one leaves unanswered."
    )
    hours: Hours = Field(
        {},
        description='When this group works, as {mon-fri: "08:00-19:00"}; waits count then. Else always.',
    )
    retention_days: RetentionDays = Field(
        None, description="Days after archiving until its questions are erased; retention.days by default."
    )
    suspended: bool = Field(
        False, description="true: patients who ask it are told that nobody is available for now."
    )


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _named(value: str) -> str:
    if value != EVERYONE and not value.startswith("@") and not re.fullmatch(KEY, value):
        raise ValueError(f"must be {EVERYONE}, a group's key, or a Matrix ID such as @claire:example.org")
    return checked_matrix_id(value) if value.startswith("@") else value


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
    practitioners: list[PractitionerEntry] = Field([])
    practitioners_csv: str | None = Field(
        None, description="CSV file with further practitioners; its columns: id, name, language, active."
    )
    groups: list[GroupEntry] = Field([])
    discussions: list[DiscussionEntry] = Field([])
