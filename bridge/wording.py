"""How a value that isn't allowed is told: what must stand there instead, in an administrator's words."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic_core import ErrorDetails

PLAIN = {
    "model_type": "must hold keys with values, indented below it (a mapping)",
    "dict_type": "must hold keys with values, indented below it (a mapping)",
    "list_type": "must be a list: a line that starts with '- ' for each",
    "string_type": "must be text (a string); put it in quotes",
    "int_type": "must be a whole number (an integer), without quotes",
    "int_from_float": "must be a whole number (an integer)",
    "float_type": "must be a number, without quotes",
    "bool_type": "must be true or false",
    "string_too_short": "must not be empty",
    "path_type": "must be the path of a file",
    "date_type": "must be a day as 2026-05-01",
}
"""By the kind of mistake, what is told whatever the value was."""


def wording(detail: ErrorDetails) -> str:
    """What is told of one value; begins with a small letter."""
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind == "string_type" and detail.get("input") is None:
        return "is empty; write a value, in quotes if it begins with # or another sign"
    if kind in PLAIN:
        return PLAIN[kind]
    if kind in ("literal_error", "enum"):
        return f"must be {limits['expected']}{_nearest(detail.get('input'), str(limits['expected']))}"
    if kind == "string_pattern_mismatch":
        return "must be of a-z, 0-9 and - only, 31 characters at most, and not begin with -"
    if kind == "string_too_long":
        return f"must have {limits['max_length']} characters at most"
    if (limit := _limit(kind, limits)) is not None:
        return limit
    message = detail["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _limit(kind: str, limits: dict[str, Any]) -> str | None:
    words = {
        "greater_than_equal": ("ge", "at least"),
        "greater_than": ("gt", "more than"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "less than"),
    }
    if kind not in words:
        return None
    name, said = words[kind]
    return f"must be {said} {limits[name]:g}"


def _nearest(value: object, expected: str) -> str:
    allowed = [word.strip(" '") for part in expected.split(", ") for word in part.split(" or ")]
    close = difflib.get_close_matches(str(value), allowed, n=1)
    return f"; did you mean {close[0]}?" if close else ""
