"""What a check found: that it is right, or what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How it stands. ``advice`` works, but could be better; ``unknown`` could not be looked at."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what to do unless it is right."""

    check: str
    state: State
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.state.value.upper():8}{self.check}: {self.said}"
        return f"{line}\n        -> {self.remedy}" if self.remedy else line

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "check": self.check,
            "state": self.state.value,
            "ok": self.state in (State.OK, State.ADVICE),
            "said": self.said,
            "remedy": self.remedy,
        }


Check = Callable[[], Awaitable[Sequence[Finding]]]


def ok(check: str, said: str) -> Finding:
    """It is right."""
    return Finding(check, State.OK, said)


def advice(check: str, said: str, remedy: str) -> Finding:
    """It works; this would be better."""
    return Finding(check, State.ADVICE, said, remedy)


def wrong(check: str, said: str, remedy: str) -> Finding:
    """It doesn't work; this is what to do."""
    return Finding(check, State.WRONG, said, remedy)


def unknown(check: str, because: str) -> Finding:
    """It could not be looked at; something that is wrong has to be mended first."""
    return Finding(check, State.UNKNOWN, "not looked at", because)
