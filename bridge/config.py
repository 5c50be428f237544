"""Loads the configuration: both files, every mistake at once, secrets from wherever they are.

A secret may stand in the file, in a file named by ``<key>_file``, or in the environment as
``COLLOQUE_<SECTION>_<KEY>``; the environment wins over the file, and that over the value.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bridge import membership, renames, roster, rules
from bridge.domain.hours import read_week
from bridge.domain.organisation import ExpertGroup, Organisation, Practitioner
from bridge.sections import Config, GroupEntry, NameByLanguage, OrganisationFile, Section
from bridge.wording import wording
from bridge.yamlfile import ConfigError, Location, Mistake, YamlFile, plain, read_yaml

__all__ = ["Config", "ConfigError", "Mistake", "Settings", "load", "load_without_tokens"]

SECRETS: tuple[Location, ...] = (
    ("homeserver", "as_token"),
    ("homeserver", "hs_token"),
    ("homeserver", "admin_token"),
    ("homeserver", "acting_token"),
    ("mail", "smtp", "password"),
    ("mail", "imap", "password"),
    ("mail", "dkim", "key"),
    ("web", "metrics_token"),
    ("database", "url"),
)
TOKENS = ("as_token", "hs_token")
M = TypeVar("M", bound=Section)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the admin wrote. ``warnings`` are allowed, but probably not meant.

    ``files`` are those it was read from, config.yaml first.
    """

    config: Config
    organisation: Organisation
    warnings: tuple[Mistake, ...] = ()
    files: tuple[Path, ...] = ()


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read config.yaml and the organisation file. Raises :class:`ConfigError` with every mistake."""
    return _load(path, environ, tokens_needed=True)


def load_without_tokens(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """The same before there is a registration; missing tokens are then made up as ``unset``."""
    return _load(path, environ, tokens_needed=False)


def _load(path: Path, environ: Mapping[str, str], *, tokens_needed: bool) -> Settings:
    source = read_yaml(path)
    values = plain(source.root)
    mistakes = [*_fill_secrets(source, values, environ)]
    mistakes += _fill_tokens(source, values, needed=tokens_needed)
    mistakes += _fill_acting(source, values, needed=tokens_needed)
    warnings = [*renames.accept(source, values, renames.CONFIG)]
    config = _validated(Config, source, values, mistakes)
    named = values.get("organisation_file")
    organisation_path = path.parent / (named if isinstance(named, str) and named else "organisation.yaml")
    try:
        desired_source = read_yaml(organisation_path)
    except ConfigError as error:
        raise ConfigError(tuple(sorted({*mistakes, *error.mistakes}))) from None
    desired_values = plain(desired_source.root)
    warnings += renames.accept(desired_source, desired_values, renames.ORGANISATION)
    in_csv, csv_files = roster.expand(desired_source, desired_values)
    mistakes += in_csv
    desired = _validated(OrganisationFile, desired_source, desired_values, mistakes)
    if config is not None:
        mistakes += rules.config_mistakes(source, config)
    if desired is not None:
        mistakes += rules.organisation_mistakes(desired_source, desired, config)
    if mistakes or config is None or desired is None:
        raise ConfigError(tuple(sorted(set(mistakes))))
    organisation = _organisation(desired, config)
    warnings += rules.config_warnings(source, config)
    warnings += rules.warnings(desired_source, desired, config)
    placed = _export_placed(_placed(config, path.parent), path.parent)
    return Settings(placed, organisation, tuple(warnings), (path, organisation_path, *csv_files))


# --- values that may come from elsewhere ---


def _section(values: dict[str, Any], location: Location) -> dict[str, Any] | None:
    section: Any = values
    for step in location[:-1]:
        section = section.get(step) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else None


def _fill_secrets(source: YamlFile, values: dict[str, Any], environ: Mapping[str, str]) -> Iterator[Mistake]:
    for location in SECRETS:
        name = "COLLOQUE_" + "_".join(str(step) for step in location).upper()
        if environ.get(name) and location[0] not in values:
            values[str(location[0])] = {}
        section = _section(values, location)
        if section is None:
            continue
        key = str(location[-1])
        named = section.pop(f"{key}_file", None)
        if environ.get(name):
            section[key] = environ[name]
        elif named is not None:
            content = _content(source.file.parent / str(named))
            if content is None:
                place = (*location[:-1], f"{key}_file")
                yield source.mistake(place, "the file can't be read; give a readable file with the secret")
                content = rules.UNREADABLE
            section[key] = content


def _content(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def _fill_tokens(source: YamlFile, values: dict[str, Any], *, needed: bool) -> Iterator[Mistake]:
    """Tokens that stand nowhere else come from the registration that the homeserver has, too."""
    section = values.get("homeserver")
    if not isinstance(section, dict):
        return
    named = section.pop("registration_file", None)
    missing = [key for key in TOKENS if key not in section]
    if not missing:
        return
    file = source.file.parent / str(named or "registration.yaml")
    try:
        found = plain(read_yaml(file).root)
    except ConfigError as error:
        found = {}
        if needed and named is not None:
            yield source.mistake(("homeserver", "registration_file"), error.mistakes[0].message)
    for key in missing:
        if isinstance(found.get(key), str) and found[key]:
            section[key] = found[key]
            if needed and "sample-token" in found[key]:
                yield source.mistake(
                    ("homeserver", "registration_file" if named else key),
                    f"the {key} of {file} is the public sample's; run `colloque registration --force`",
                )
        elif not needed:
            section[key] = "unset"
        elif named is None or found:
            yield source.mistake(
                ("homeserver", key),
                "missing; run `colloque registration`, or set it here, in "
                f"{key}_file or in COLLOQUE_HOMESERVER_{key.upper()}",
            )
            section[key] = "unset"
        else:
            section[key] = "unset"


def _fill_acting(source: YamlFile, values: dict[str, Any], *, needed: bool) -> Iterator[Mistake]:
    """The token by which we act as practitioners, from the second registration that the homeserver has."""
    section = values.get("homeserver")
    named = section.get("acting_registration_file") if isinstance(section, dict) else None
    if not isinstance(section, dict) or not isinstance(named, str) or "acting_token" in section:
        return
    place = ("homeserver", "acting_registration_file")
    try:
        token = plain(read_yaml(source.file.parent / named).root).get("as_token")
    except ConfigError as error:
        if needed:
            yield source.mistake(place, f"{error.mistakes[0].message}; run `colloque registration --acting`")
        return
    if isinstance(token, str) and token:
        section["acting_token"] = token
    elif needed:
        yield source.mistake(place, "has no as_token; run `colloque registration --acting`")


# --- one file by its schema ---


def _validated(model: type[M], source: YamlFile, values: dict[str, Any], mistakes: list[Mistake]) -> M | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        mistakes += [_mistake(source, model, detail) for detail in error.errors(include_url=False)]
        return None


def _mistake(source: YamlFile, model: type[BaseModel], detail: ErrorDetails) -> Mistake:
    # pydantic names the member of a union it tried; that is no key of the file.
    location = tuple(step for step in detail["loc"] if step not in ("constrained-str", "NameByLanguage"))
    if detail["type"] == "extra_forbidden":
        return source.mistake(location, _unknown_key(model, location))
    if detail["type"] == "missing":
        return source.mistake(location, "missing; this key is needed")
    return source.mistake(location, wording(detail))


def _unknown_key(model: type[BaseModel], location: Location) -> str:
    known = sorted(_keys(model, location[:-1]))
    close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}allowed: {', '.join(known)}"


def _keys(model: type[BaseModel], location: Location) -> set[str]:
    """The keys allowed in the section at this place."""
    for step in location:
        if isinstance(step, int):
            continue
        field = model.model_fields.get(str(step))
        found = _model_in(field.annotation) if field else None
        if found is None:
            return set()
        model = found
    return set(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


# --- the result ---


def _placed(config: Config, directory: Path) -> Config:
    """The same with a relative SQLite path taken from the file's folder."""
    url = config.database.url
    if not url.startswith("sqlite:///"):
        return config
    absolute = (directory / url.removeprefix("sqlite:///")).resolve()
    database = config.database.model_copy(update={"url": f"sqlite:///{absolute}"})
    return config.model_copy(update={"database": database})


def _export_placed(config: Config, directory: Path) -> Config:
    """The same with a relative folder for exports taken from the file's folder."""
    folder = config.retention.export_to
    if folder is None:
        return config
    absolute = (directory / folder).resolve()
    return config.model_copy(
        update={"retention": config.retention.model_copy(update={"export_to": absolute})}
    )


def _organisation(desired: OrganisationFile, config: Config) -> Organisation:
    language = desired.organisation.language or config.language
    present = membership.active(desired)
    people = [Practitioner(e.id, e.name, e.language or language) for e in desired.practitioners]
    return Organisation(
        desired.organisation.name,
        language,
        tuple(person for person in people if person.user_id in present),
        tuple(_group(entry, language, present, config.retention.days) for entry in desired.groups),
        time_zone=desired.organisation.time_zone,
        discussions=membership.discussions(desired, language),
        inactive=tuple(person for person in people if person.user_id not in present),
        admins=tuple(dict.fromkeys(desired.organisation.admins)),
        holidays=frozenset(desired.organisation.holidays),
    )


def _group(entry: GroupEntry, language: str, present: frozenset[str], kept_days: int | None) -> ExpertGroup:
    chosen = entry.language or language
    several = entry.name if isinstance(entry.name, NameByLanguage) else None
    names = (("fr", several.fr), ("en", several.en)) if several else ()
    name = dict(names).get(chosen, str(entry.name))
    members = membership.still(entry.members, present)
    days = entry.retention_days if entry.retention_days is not None else kept_days
    return ExpertGroup(
        entry.key,
        name,
        entry.address,
        members,
        entry.notify,
        chosen,
        entry.suspended,
        names,
        fallback=entry.fallback or "",
        hours=read_week(entry.hours),
        retention_days=days,
        mails=entry.mails,
    )
