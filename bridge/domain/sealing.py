"""The effects of the seal, in their order (see :mod:`bridge.domain.effects` for what an effect is).

``stem`` begins the keys of the room's own effects; empty in effects of a question's first room.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """Seal (a): one power-level event by which others may no longer speak and the owner may.

    ``wide``: the members of a second group may be in the room as well.
    """

    key: str
    question_id: str
    owner: str
    ghost: str
    stem: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class CloseJoin:
    """Seal (b): join rule ``invite``."""

    key: str
    question_id: str


@dataclass(frozen=True, slots=True)
class HideHistory:
    """Seal (c): history visibility ``joined``."""

    key: str
    question_id: str


@dataclass(frozen=True, slots=True)
class RemoveOthers:
    """Seal (d): remove members and invites until only owner, patient and bridge remain; invite the owner.

    ``lock`` is the key of the :class:`Lock` that saw who was there.
    """

    key: str
    question_id: str
    owner: str
    owner_name: str
    ghost: str
    language: str
    lock: str = ""


@dataclass(frozen=True, slots=True)
class CoverExposed:
    """Seal, end of (d): what the owner said while others could read is put back by the bridge and
    redacted, so that no later edit or thread reply can reach them through it."""

    key: str
    question_id: str
    owner: str
    owner_name: str
    ghost: str
    removal: str
    claimed_at: float
    generation: int = 1


@dataclass(frozen=True, slots=True)
class GrantOwner:
    """The owner may speak, if :class:`Lock` (``lock``: its key) had to wait with that for the removals."""

    key: str
    question_id: str
    owner: str
    ghost: str
    lock: str
    stem: str = ""


OVERLAPPING = (CloseJoin, HideHistory, RemoveOthers)
"""May begin while the step before is performed but not yet recorded: the seal is short, and were the record
lost, that step would be done once more, to no effect."""

UNBROKEN = (*OVERLAPPING, CoverExposed)
"""Follow the step before whatever else waits: until they are done, others may read what the owner says."""
