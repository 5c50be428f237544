"""Slips of the pen in YAML itself: what is told is the line to change, and how."""

from __future__ import annotations

from tests.config.wrong import ORG, Case

WHOLE = "(whole file)"
SIGNS = [
    Case("a tab after a colon", "language: fr", "language:\tfr", 1, WHOLE, "with spaces, not tabs"),
    Case(
        "a Matrix ID without quotes", '"@paul:h.example"', "@paul:h.example", 6, WHOLE, 'in quotes: "@…"', ORG
    ),
    Case("a section twice", "web:\n", "mail: {}\nweb:\n", 12, WHOLE, 'the key "mail" is given twice'),
    Case("a quote that stays open", "language: fr", 'language: "fr', 1, WHOLE, "never closed"),
    Case("a colon without a space", "  url: https", "  url:https", 4, WHOLE, "a space after the colon"),
    Case("a space that is none", "language: fr", "language:\u00a0fr", 2, WHOLE, "plain spaces"),
    Case("a sign that can't be seen", "localhost", "local\x07host", 10, WHOLE, "U+0007"),
    Case("a second document", "web:\n", "---\nweb:\n", 12, WHOLE, "leave out the line ---"),
    Case("a reference to nothing", "h.example\n  smtp", "*h\n  smtp", 8, WHOLE, "put it in quotes"),
    Case("a merge of a word", "web:\n", "web:\n  <<: port\n", 13, WHOLE, "`<<:`"),
    Case("a number without end", "29330", "9" * 5000, 13, WHOLE, "too long"),
    Case("a key that is a number", "web:\n", "3: x\nweb:\n", 12, "3", "unknown key"),
    Case("a key that is a list", "web:\n", "? [a, b]\n: x\nweb:\n", 12, "('a', 'b')", "unknown key"),
    Case(
        "a day that isn't in the calendar",
        "  name: Hôpital",
        "  name: Hôpital\n  holidays: [2026-02-30]",
        3,
        WHOLE,
        "there is no 2026-02-30",
        ORG,
    ),
    Case(
        "quotes of a word processor",
        '"@paul:h.example"',
        "“@paul:h.example”",
        6,
        "practitioners[1].id",
        "",
        ORG,
    ),
    Case(
        "an address with its path",
        "h.example\n  domain",
        "h.example/_matrix\n  domain",
        3,
        "homeserver.url",
        "before",
    ),
    Case(
        "a file that is a list",
        "language: fr",
        "organisation_file: [a]",
        1,
        "organisation_file",
        "path of a file",
    ),
    Case(
        "a name that no file can have",
        "  as_token: a",
        '  as_token_file: "a\\0b"',
        5,
        "homeserver.as_token_file",
        "can't be read",
    ),
    Case(
        "lines that end as on Windows",
        "web:\n  port: 29330",
        "web:\r\n  port: abc\r",
        13,
        "web.port",
        "whole number",
    ),
]
