"""Acting as the practitioner, where the admin allows it: joining for them, and leaving without a trace.

This is a second registration of the homeserver (no URL, so it brings us no events), by whose token we may
call as any practitioner. Everything works without it, by invitations that people accept themselves.
"""

from __future__ import annotations

from typing import Protocol


class Acting(Protocol):
    """What may be done as a practitioner. Raises port errors."""

    async def join(self, room_id: str, user_id: str) -> bool:
        """Let them join a room that they may join; ``False`` when that was refused."""

    async def leave(self, room_id: str, user_id: str) -> bool:
        """Mark everything as read and leave, so that no badge stays; ``False`` when that was refused."""
