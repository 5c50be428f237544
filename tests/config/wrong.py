"""The wrong configurations of test_mistakes.py, each with the place and the remedy that must be told."""

from __future__ import annotations

from dataclasses import dataclass

CONFIG = """\
language: fr
homeserver:
  url: https://matrix.h.example
  domain: h.example
  as_token: a
  hs_token: b
mail:
  domain: h.example
  smtp:
    host: localhost
    tls: none
web:
  port: 29330
"""
ORGANISATION = """\
organisation:
  name: Hôpital
practitioners:
  - id: "@claire:h.example"
    name: Dr Claire
  - id: "@paul:h.example"
    name: Dr Paul
groups:
  - key: derm
    name: Dermatologie
    address: derm@h.example
    members:
      - "@claire:h.example"
"""


@dataclass(frozen=True)
class Case:
    """One mistake: what to replace by what, in which file, and what must be said where."""

    name: str
    old: str
    new: str
    line: int
    path: str
    words: str
    file: str = "config.yaml"


ORG = "organisation.yaml"
CASES = [
    Case("a language we don't speak", "language: fr", "language: de", 1, "language", "'fr' or 'en'"),
    Case("an unknown section", "language: fr", "langage: fr", 1, "langage", "did you mean 'language'"),
    Case(
        "an unknown key",
        "  domain: h.example\n  as",
        "  domian: h.example\n  as",
        4,
        "homeserver.domian",
        "did you mean 'domain'",
    ),
    Case("a missing key", "  domain: h.example\n  as", "  as", 2, "homeserver.domain", "missing"),
    Case("a homeserver in clear text", "https://matrix", "http://matrix", 3, "homeserver.url", "https://"),
    Case(
        "a homeserver that is no URL",
        "https://matrix.h.example",
        "matrix",
        3,
        "homeserver.url",
        "must be a URL",
    ),
    Case("a URL that is a number", "https://matrix.h.example", "3", 3, "homeserver.url", "string"),
    Case(
        "a domain with spaces",
        "domain: h.example\n  as",
        "domain: h example\n  as",
        4,
        "homeserver.domain",
        "domain name",
    ),
    Case("no token anywhere", "  as_token: a\n", "", 2, "homeserver.as_token", "colloque registration"),
    Case("an empty token", "as_token: a", "as_token: ''", 5, "homeserver.as_token", "must not be empty"),
    Case(
        "a token file that isn't there",
        "as_token: a",
        "as_token_file: nowhere",
        5,
        "homeserver.as_token_file",
        "can't be read",
    ),
    Case(
        "a registration that isn't there",
        "as_token: a",
        "registration_file: nowhere.yaml",
        5,
        "homeserver.registration_file",
        "can't be read",
    ),
    Case("a bot with capitals", "  hs_token: b", "  hs_token: b\n  bot: Bot", 7, "homeserver.bot", "a-z"),
    Case(
        "a bot in its ghosts' namespace",
        "  hs_token: b",
        "  hs_token: b\n  bot: colloque_x",
        7,
        "homeserver.bot",
        "must not begin",
    ),
    Case(
        "no mail section",
        "mail:\n  domain: h.example\n  smtp:\n    host: localhost\n    tls: none\n",
        "",
        1,
        "mail",
        "missing",
    ),
    Case(
        "a mail section without domain",
        "mail:\n  domain: h.example\n",
        "mail:\n",
        7,
        "mail.domain",
        "missing",
    ),
    Case(
        "mail in clear text to another machine",
        "host: localhost",
        "host: mail.h.example",
        11,
        "mail.smtp.tls",
        "starttls or tls",
    ),
    Case("an unknown kind of TLS", "tls: none", "tls: ssl", 11, "mail.smtp.tls", "'starttls'"),
    Case("a port as text", "port: 29330", 'port: "29330"', 13, "web.port", "integer"),
    Case("a port that is yes", "port: 29330", "port: yes", 13, "web.port", "integer"),
    Case("a port beyond all ports", "port: 29330", "port: 99999", 13, "web.port", "65535"),
    Case("a section that is a list", "web:\n  port: 29330", "web:\n  - port", 12, "web", "mapping"),
    Case(
        "a quiet period below nothing",
        "  smtp:",
        "  quiet_period_s: -1\n  smtp:",
        9,
        "mail.quiet_period_s",
        "at least 0",
    ),
    Case(
        "an unknown protocol",
        "  smtp:",
        "  listen: {protocol: pop3}\n  smtp:",
        9,
        "mail.listen.protocol",
        "'smtp' or 'lmtp'",
    ),
    Case(
        "an unknown database",
        "web:",
        "database: {url: 'mysql://x'}\nweb:",
        12,
        "database.url",
        "postgresql://",
    ),
    Case("the same key twice", "web:", "language: en\nweb:", 12, "(whole file)", "given twice"),
    Case("a tab as indentation", "web:\n  port", "web:\n\tport", 13, "(whole file)", "not valid YAML"),
    Case("a bracket left open", "language: fr", "language: [fr", 2, "(whole file)", "not valid YAML"),
    Case(
        "an anchor that holds itself",
        "language: fr",
        "care: &a\n  emergency: *a",
        2,
        "care.emergency",
        "mapping",
    ),
    Case(
        "an organisation without name",
        "  name: Hôpital\n",
        "  nom: Hôpital\n",
        1,
        "organisation.name",
        "missing",
        ORG,
    ),
    Case(
        "a practitioner without domain",
        '"@paul:h.example"',
        '"@paul"',
        6,
        "practitioners[1].id",
        "Matrix ID",
        ORG,
    ),
    Case(
        "a practitioner twice",
        '"@paul:h.example"',
        '"@claire:h.example"',
        6,
        "practitioners[1].id",
        "listed twice",
        ORG,
    ),
    Case(
        "a practitioner who is our bot",
        '"@paul:h.example"',
        '"@colloque:h.example"',
        6,
        "practitioners[1].id",
        "Colloque itself",
        ORG,
    ),
    Case(
        "a practitioner who is a ghost",
        '"@paul:h.example"',
        '"@colloque_p_x:h.example"',
        6,
        "practitioners[1].id",
        "Colloque itself",
        ORG,
    ),
    Case(
        "a member nobody knows",
        '      - "@claire:h.example"',
        '      - "@clair:h.example"',
        13,
        "groups[0].members[0]",
        "did you mean @claire",
        ORG,
    ),
    Case(
        "a member twice",
        '      - "@claire:h.example"',
        '      - "@claire:h.example"\n      - "@claire:h.example"',
        14,
        "groups[0].members[1]",
        "listed twice",
        ORG,
    ),
    Case("a key with capitals", "key: derm", "key: Derm", 9, "groups[0].key", "a-z, 0-9 and -", ORG),
    Case(
        "an address that is none",
        "address: derm@h.example",
        "address: derm",
        11,
        "groups[0].address",
        "e-mail address",
        ORG,
    ),
    Case(
        "an address that answers use",
        "address: derm@h.example",
        "address: q+derm@h.example",
        11,
        "groups[0].address",
        "q+",
        ORG,
    ),
    Case(
        "a time zone that there isn't",
        "  name: Hôpital",
        "  name: Hôpital\n  time_zone: Paris",
        3,
        "organisation.time_zone",
        "such as Europe/Paris",
        ORG,
    ),
    Case(
        "an unknown way to notify",
        "    members:",
        "    notify: shout\n    members:",
        12,
        "groups[0].notify",
        "'announce' or 'invite'",
        ORG,
    ),
    Case(
        "a name in one language only",
        "name: Dermatologie",
        "name: {fr: Dermatologie}",
        10,
        "groups[0].name.en",
        "missing",
        ORG,
    ),
    Case(
        "a key that another group has",
        "groups:",
        "groups:\n  - {key: derm, name: X, address: x@h.example}",
        10,
        "groups[1].key",
        "used twice",
        ORG,
    ),
    Case(
        "an address that another group has",
        "groups:",
        "groups:\n  - {key: x, name: X, address: derm@h.example}",
        12,
        "groups[1].address",
        "another group",
        ORG,
    ),
    Case(
        "members that are no list",
        '    members:\n      - "@claire:h.example"',
        "    members: all",
        12,
        "groups[0].members",
        "list",
        ORG,
    ),
    Case(
        "a discussion group of a group that isn't there",
        "groups:",
        "discussions:\n  - {key: staff, name: Staff, members: [dermm]}\ngroups:",
        9,
        "discussions[0].members[0]",
        "did you mean derm",
        ORG,
    ),
    Case(
        "a discussion group of somebody unknown",
        "groups:",
        "discussions:\n  - {key: staff, name: Staff, members: ['@claire:h.exampel']}\ngroups:",
        9,
        "discussions[0].members[0]",
        "did you mean @claire:h.example",
        ORG,
    ),
    Case(
        "a discussion group of a word that means nothing",
        "groups:",
        "discussions:\n  - {key: staff, name: Staff, members: All of them}\ngroups:",
        9,
        "discussions[0].members[0]",
        "everyone",
        ORG,
    ),
    Case(
        "a moderator who isn't a member",
        "groups:",
        "discussions:\n  - {key: s, name: Staff, members: derm, moderators: ['@paul:h.example']}\ngroups:",
        9,
        "discussions[0].moderators[0]",
        "not a member",
        ORG,
    ),
    Case(
        "a discussion group's key that another one has",
        "groups:",
        "discussions:\n  - {key: staff, name: Staff}\n  - {key: staff, name: Encore}\ngroups:",
        10,
        "discussions[1].key",
        "used twice",
        ORG,
    ),
    Case(
        "an activity that is no yes or no",
        "    name: Dr Paul",
        "    name: Dr Paul\n    active: non",
        8,
        "practitioners[1].active",
        "true or false",
        ORG,
    ),
]
