"""Wrong waits, hours, fallback groups and administrators, for test_mistakes.py."""

from __future__ import annotations

from tests.config.wrong import ORG, Case

WAITS = [
    Case(
        "a fallback group that does not exist",
        "    name: Dermatologie",
        "    name: Dermatologie\n    fallback: cardio",
        11,
        "groups[0].fallback",
        "no other group's key",
        ORG,
    ),
    Case(
        "hours that are no hours",
        "    name: Dermatologie",
        '    name: Dermatologie\n    hours: {mon-fri: "8 to 7"}',
        11,
        "groups[0].hours",
        "write 08:00-19:00",
        ORG,
    ),
    Case(
        "a holiday that is no day",
        "  name: Hôpital",
        "  name: Hôpital\n  holidays: [christmas]",
        3,
        "organisation.holidays[0]",
        "a day such as 2026-05-01",
        ORG,
    ),
    Case(
        "an administrator who is no practitioner",
        "  name: Hôpital",
        '  name: Hôpital\n  admins: ["@boss:h.example"]',
        3,
        "organisation.admins[0]",
        "not among the practitioners",
        ORG,
    ),
    Case(
        "a wait of no time",
        "language: fr",
        "language: fr\ncare: {remind_after_h: 0}",
        2,
        "care.remind_after_h",
        "more than 0",
    ),
]
