"""What must hold across the keys of config.yaml and organisation.yaml, and what is allowed but not meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import urlsplit

from bridge import membership
from bridge.domain.organisation import Mails
from bridge.mail.signing import UnusableKey, checked
from bridge.sections import Config, GroupEntry, OrganisationFile, is_loopback
from bridge.yamlfile import Location, Mistake, YamlFile

UNREADABLE = "unreadable"
"""Stands for a secret whose file can't be read."""
RESERVED = ("q+", "bounce+")
"""What reply and bounce addresses begin with."""
MAIL_ADMINISTRATION = ("postmaster", "abuse", "mailer-daemon", "hostmaster", "noreply", "no-reply")
"""Names that mail servers and people use for other things (RFC 2142)."""


def config_mistakes(source: YamlFile, config: Config) -> Iterator[Mistake]:
    """What is wrong in config.yaml, beyond each key by itself."""
    home = config.homeserver
    if home.bot.startswith(home.namespace):
        yield source.mistake(("homeserver", "bot"), "must not begin with homeserver.namespace")
    tokens = {home.as_token.get_secret_value(), home.hs_token.get_secret_value()}
    if len(tokens) == 1 and tokens != {"unset"}:
        yield source.mistake(("homeserver", "hs_token"), "must not be the same as as_token; make another one")
    yield from _mail_mistakes(source, config)
    yield from _database_mistakes(source, config)


def _mail_mistakes(source: YamlFile, config: Config) -> Iterator[Mistake]:
    smtp, listen, web = config.mail.smtp, config.mail.listen, config.web
    if smtp.tls == "none" and not is_loopback(smtp.host):
        yield source.mistake(
            ("mail", "smtp", "tls"),
            f"'none' is allowed only to this machine, and {smtp.host} is another; use starttls or tls",
        )
    yield from _dkim_mistakes(source, config)
    imap = config.mail.imap
    if imap is not None and imap.tls == "none" and not is_loopback(imap.host):
        yield source.mistake(
            ("mail", "imap", "tls"),
            f"'none' is allowed only to this machine, and {imap.host} is another; use starttls or tls",
        )
    if smtp.username and not smtp.password:
        remedy = "a username needs a password: set password, password_file or COLLOQUE_MAIL_SMTP_PASSWORD"
        yield source.mistake(("mail", "smtp", "username"), remedy)
    if smtp.password and not smtp.username:
        yield source.mistake(("mail", "smtp", "password"), "a password needs a username; set it, too")
    if listen.port and listen.port == web.port and _same(listen.host, web.host):
        yield source.mistake(
            ("web", "port"), f"{web.port} is where mail comes in (mail.listen.port); choose another port"
        )
    if smtp.port == listen.port and is_loopback(smtp.host) and _same(smtp.host, listen.host):
        yield source.mistake(
            ("mail", "smtp", "port"),
            f"{smtp.port} is our own mail.listen.port: mail would come back; give your mail server's port",
        )


def _dkim_mistakes(source: YamlFile, config: Config) -> Iterator[Mistake]:
    """A signature that nobody could verify, or that says nothing of our sender addresses."""
    section, ours = config.mail.dkim, config.mail.domain
    if section is None:
        return
    if section.domain and ours != section.domain and not ours.endswith(f".{section.domain}"):
        remedy = f"must be {ours} (mail.domain) or a domain above it; else the signature counts for nothing"
        yield source.mistake(("mail", "dkim", "domain"), remedy)
    try:
        checked(section.key.get_secret_value())
    except UnusableKey as error:
        if section.key.get_secret_value() != UNREADABLE:  # a file that can't be read is told already
            yield source.mistake(("mail", "dkim"), f"key: {error}")


def _same(one: str, other: str) -> bool:
    """Whether two addresses to listen on meet."""
    anywhere = ("0.0.0.0", "::", "*")  # noqa: S104  # what an admin may have written
    return one == other or one in anywhere or other in anywhere or (is_loopback(one) and is_loopback(other))


def _database_mistakes(source: YamlFile, config: Config) -> Iterator[Mistake]:
    url = config.database.url
    if url.startswith("sqlite:///"):
        folder = (source.file.parent / url.removeprefix("sqlite:///")).resolve().parent
        if not folder.is_dir():
            yield source.mistake(
                ("database", "url"), f"the folder {folder} doesn't exist; make it, or name another"
            )
        return
    if not urlsplit(url).path.strip("/"):
        remedy = "names no database; write postgresql://user@host/colloque"
        yield source.mistake(("database", "url"), remedy)


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
        if group.address.partition("@")[0] in MAIL_ADMINISTRATION:
            yield source.mistake(
                ("groups", number, "address"), "is for the mail server's administration; choose another name"
            )
        if group.mails is Mails.LINK and config is not None and not config.web.public_url:
            remedy = "link needs a page to lead to; set web.public_url in config.yaml, or choose full"
            yield source.mistake(("groups", number, "mails"), remedy)
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


LADDERS = (
    ("silent_after_h", "silent_alert_after_h", "silent_release_after_h"),
    ("remind_after_h", "alert_admin_after_h"),
)
"""Waits of one thing, in the order in which they are meant to end."""


def config_warnings(source: YamlFile, config: Config) -> Iterator[Mistake]:
    """What is allowed in config.yaml, but probably not meant."""
    for ladder in LADDERS:
        for first, then in pairwise(ladder):
            one, other = getattr(config.care, first), getattr(config.care, then)
            if one > other:
                yield source.mistake(
                    ("care", first), f"{one:g} is after {then} ({other:g}): who is told last is told first"
                )


def warnings(source: YamlFile, desired: OrganisationFile, config: Config) -> Iterator[Mistake]:
    """What is allowed, but probably not meant."""
    present = membership.active(desired)
    for number, group in enumerate(desired.groups):
        if not membership.still(group.members, present):
            yield source.mistake(("groups", number), "this group has no members; its patients are told so")
        if str(group.name) in [str(other.name) for other in desired.groups[:number]]:
            yield source.mistake(
                ("groups", number, "name"), "is another group's name, too: people can't tell them apart"
            )
    for number, practitioner in enumerate(desired.practitioners):
        if practitioner.id != practitioner.id.lower():
            remedy = f"has capitals, as accounts have no more; meant {practitioner.id.lower()}?"
            yield source.mistake(("practitioners", number, "id"), remedy)
        domain = practitioner.id.partition(":")[2]
        if domain != config.homeserver.domain:
            yield source.mistake(
                ("practitioners", number, "id"),
                f"is not on {config.homeserver.domain}; meant? Then both homeservers must federate",
            )
