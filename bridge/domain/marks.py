"""A mark on a message stands for something only once it is known what that message is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnMessage:
    """Find out what the message ``target`` is, and bring back what its mark (``event_id``) stands for."""

    key: str
    question_id: str
    user_id: str
    name: str
    language: str
    standing: str
    event_id: str
    target: str
