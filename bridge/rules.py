"""What must hold across the keys of config.yaml and organisation.yaml, and what is allowed but not meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from bridge import membership
from bridge.domain.organisation import Organisation
from bridge.sections import Config, GroupEntry, OrganisationFile, is_loopback
from bridge.yamlfile import Location, Mistake, YamlFile

RESERVED = ("q+", "bounce+")
"""What reply and bounce addresses begin with."""


def config_mistakes(source: YamlFile, config: Config) -> Iterator[Mistake]:
    """What is wrong in config.yaml, beyond each key by itself."""
    smtp = config.mail.smtp
    if smtp.tls == "none" and not is_loopback(smtp.host):
        yield source.mistake(
            ("mail", "smtp", "tls"),
            f"'none' is allowed only to this machine, and {smtp.host} is another; use starttls or tls",
        )
    if config.homeserver.bot.startswith(config.homeserver.namespace):
        yield source.mistake(("homeserver", "bot"), "must not begin with homeserver.namespace")


def organisation_mistakes(
    source: YamlFile, desired: OrganisationFile, config: Config | None
) -> Iterator[Mistake]:
    """What is wrong in organisation.yaml, beyond each key by itself."""
    known = [practitioner.id for practitioner in desired.practitioners]
    for number, user_id in enumerate(known):
        place = ("practitioners", number, "id")
        if user_id in known[:number]:
            yield source.mistake(place, f"{user_id} is listed twice; keep one")
        if config is not None and _is_ours(user_id, config):
            yield source.mistake(place, f"{user_id} belongs to Colloque itself; name a person")
    keys = [group.key for group in desired.groups]
    addresses = [group.address for group in desired.groups]
    for number, group in enumerate(desired.groups):
        if group.key in keys[:number]:
            yield source.mistake(("groups", number, "key"), f"{group.key!r} is used twice; keys are unique")
        if group.address in addresses[:number]:
            yield source.mistake(
                ("groups", number, "address"), f"{group.address} is another group's; addresses are unique"
            )
        if group.address.startswith(RESERVED):
            yield source.mistake(
                ("groups", number, "address"), "must not begin with q+ or bounce+, which answers use"
            )
        yield from _members(source, number, group, known)
        yield from _fallback(source, number, group, keys)
    yield from membership.mistakes(source, desired)
    admins = desired.organisation.admins
    yield from _people(source, ("organisation", "admins"), admins, known, "admins")


def _members(source: YamlFile, number: int, group: GroupEntry, known: list[str]) -> Iterator[Mistake]:
    yield from _people(source, ("groups", number, "members"), group.members, known, "this group")


def _fallback(source: YamlFile, number: int, group: GroupEntry, keys: list[str]) -> Iterator[Mistake]:
    if group.fallback is None or (group.fallback in keys and group.fallback != group.key):
        return
    close = difflib.get_close_matches(group.fallback, [key for key in keys if key != group.key], n=1)
    hint = f"did you mean {close[0]}?" if close else "name another group"
    yield source.mistake(
        ("groups", number, "fallback"), f"{group.fallback!r} is no other group's key; {hint}"
    )


def _people(
    source: YamlFile, place: Location, named: Sequence[str], known: Sequence[str], where: str
) -> Iterator[Mistake]:
    """Each among the practitioners, and once."""
    for position, user_id in enumerate(named):
        if user_id not in known:
            close = difflib.get_close_matches(user_id, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else "; add them there first"
            yield source.mistake((*place, position), f"{user_id} is not among the practitioners{hint}")
        if user_id in named[:position]:
            yield source.mistake((*place, position), f"{user_id} is listed twice in {where}; keep one")


def _is_ours(user_id: str, config: Config) -> bool:
    localpart, _, domain = user_id[1:].partition(":")
    ours = localpart == config.homeserver.bot or localpart.startswith(config.homeserver.namespace)
    return ours and domain == config.homeserver.domain


def warnings(source: YamlFile, organisation: Organisation) -> tuple[Mistake, ...]:
    """What is allowed, but probably not meant."""
    return tuple(
        source.mistake(("groups", number), "this group has no members; its patients are told so")
        for number, group in enumerate(organisation.groups)
        if not group.members
    )
