"""The example hospital of the demonstration: two expert groups, five practitioners, three patients.

It is an ordinary organisation: written out as the YAML an administrator would write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML

from bridge.domain.organisation import ExpertGroup, Notify, Organisation, Practitioner

_LOOPBACK = "127.0.0.1"
NOTHING: Mapping[str, Any] = MappingProxyType({})
_GROUP_NAMES = {
    "dermatologie": {"fr": "Dermatologie", "en": "Dermatology"},
    "cardiologie": {"fr": "Cardiologie", "en": "Cardiology"},
}
_GROUP_MEMBERS = {
    "dermatologie": ("claire.petit", "amine.benali", "sophie.laurent"),
    "cardiologie": ("julien.moreau", "nadia.haddad", "sophie.laurent"),
}
_PRACTITIONERS = {
    "claire.petit": "Dr Claire Petit",
    "amine.benali": "Dr Amine Benali",
    "sophie.laurent": "Dr Sophie Laurent",
    "julien.moreau": "Dr Julien Moreau",
    "nadia.haddad": "Dr Nadia Haddad",
}
_EMERGENCY = {
    "fr": "Ce service ne traite pas les urgences. En cas d'urgence, appelez le 15 ou le 112.",
    "en": "This service does not handle emergencies. In an emergency, call 15 or 112.",
}


@dataclass(frozen=True, slots=True)
class Patient:
    """Someone who asks by e-mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Hospital:
    """The organisation and the people who write to it. ``domain`` serves Matrix and mail alike."""

    domain: str
    organisation: Organisation
    patients: tuple[Patient, ...]

    def patient(self, address: str) -> Patient | None:
        """The patient with this address (case-insensitive), if there is one."""
        return next((p for p in self.patients if p.address.casefold() == address.casefold()), None)


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback TCP ports of the demonstration.

    ``listener``: where the bridge receives mail; ``mailbox``: the patients' mail server, where it
    sends; ``web``: where the homeserver and browsers reach the bridge.
    """

    listener: int
    mailbox: int
    web: int


def example_hospital(domain: str = "hopital.example", language: str = "fr") -> Hospital:
    """The example hospital on this Matrix and mail domain, its groups named in this language."""
    groups = tuple(_group(key, domain, language) for key in _GROUP_NAMES)
    practitioners = tuple(
        Practitioner(_user_id(localpart, domain), name, language)
        for localpart, name in _PRACTITIONERS.items()
    )
    patients = (
        Patient("Marie Dupont", "marie.dupont@patients.example"),
        Patient("Jean Lefèvre", "jean.lefevre@patients.example"),
        Patient("Aïcha Traoré", "aicha.traore@patients.example"),
    )
    name = {"fr": "Hôpital Saint-Luc", "en": "Saint Luke Hospital"}[language]
    return Hospital(domain, Organisation(name, language, practitioners, groups), patients)


def write_configuration(
    directory: Path,
    *,
    homeserver_url: str,
    ports: Ports,
    hospital: Hospital,
    quiet_period_s: int = 2,
    database: str = "sqlite:///colloque.db",
    changes: Mapping[str, Any] = NOTHING,
) -> Path:
    """Write ``config.yaml`` and ``organisation.yaml`` into the folder and return the first's path.

    ``changes`` are put over what ``config.yaml`` would say otherwise, section by section. The quiet
    period is short so that a visitor isn't kept waiting. The tokens come from the ``registration.yaml``
    that belongs beside both.
    """
    directory.mkdir(parents=True, exist_ok=True)
    settings = _settings(homeserver_url, ports, hospital, quiet_period_s)
    settings["database"] = {"url": database}
    _write(directory / "organisation.yaml", _organisation(hospital.organisation))
    _write(directory / "config.yaml", laid_over(settings, changes))
    return directory / "config.yaml"


def laid_over(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """These settings with others over them, in every section that both have."""
    changed = dict(settings)
    for key, value in changes.items():
        inner = changed.get(key, NOTHING)
        changed[key] = laid_over(inner, value) if isinstance(value, Mapping) else value
    return changed


def _group(key: str, domain: str, language: str) -> ExpertGroup:
    members = tuple(_user_id(localpart, domain) for localpart in _GROUP_MEMBERS[key])
    return ExpertGroup(
        key, _GROUP_NAMES[key][language], f"{key}@{domain}", members, Notify.ANNOUNCE, language
    )


def _user_id(localpart: str, domain: str) -> str:
    return f"@{localpart}:{domain}"


def _settings(homeserver_url: str, ports: Ports, hospital: Hospital, quiet_period_s: int) -> dict[str, Any]:
    return {
        "language": hospital.organisation.language,
        "homeserver": {
            "url": homeserver_url,
            "domain": hospital.domain,
            "bot": "colloque",
            "namespace": "colloque_",
            "service_url": f"http://{_LOOPBACK}:{ports.web}",
            "registration_file": "registration.yaml",
        },
        "mail": {
            "domain": hospital.domain,
            "listen": {"protocol": "smtp", "host": _LOOPBACK, "port": ports.listener},
            "smtp": {"host": _LOOPBACK, "port": ports.mailbox, "tls": "none"},
            "quiet_period_s": quiet_period_s,
        },
        "web": {"host": _LOOPBACK, "port": ports.web},
        "care": {"emergency": dict(_EMERGENCY)},
        "video": {"link": "https://meet.example.org/{room}"},
    }


def _organisation(organisation: Organisation) -> dict[str, Any]:
    return {
        "organisation": {"name": organisation.name, "language": organisation.language},
        "practitioners": [{"id": p.user_id, "name": p.name} for p in organisation.practitioners],
        "groups": [
            {
                "key": group.key,
                "name": group.name,
                "address": group.address,
                "members": list(group.members),
                "notify": group.notify.value,
                "mails": group.mails.value,
                **({"fallback": group.fallback} if group.fallback else {}),
            }
            for group in organisation.groups
        ],
        "discussions": [
            {
                "key": group.key,
                "name": group.name,
                "members": list(group.members),
                "moderators": list(group.moderators),
                "announce_only": group.announce_only,
                "archived": group.archived,
            }
            for group in organisation.discussions
        ],
    }


def _write(file: Path, content: dict[str, Any]) -> None:
    yaml = YAML()
    yaml.width = 1000
    yaml.indent(mapping=2, sequence=4, offset=2)
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(content, out)
