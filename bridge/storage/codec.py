"""Frozen domain values to JSON text and back; a wrong or missing field is refused, never guessed."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import TypeAdapter

from bridge.domain import events
from bridge.domain.drafting import Dialogue
from bridge.domain.effects import Effect
from bridge.domain.events import Event
from bridge.domain.organisation import Organisation
from bridge.domain.state import Question

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
_EFFECTS = {kind.__name__: kind for kind in get_args(Effect)}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: Any) -> str:
    """A domain dataclass as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


def decode_question(text: str) -> Question:
    """The question written by :func:`encode`. Raises ``pydantic.ValidationError`` on anything else."""
    question: Question = _adapter(Question).validate_json(text)
    return question


def decode_dialogue(text: str) -> Dialogue:
    """The dialogue written by :func:`encode`. Raises ``pydantic.ValidationError`` on anything else."""
    dialogue: Dialogue = _adapter(Dialogue).validate_json(text)
    return dialogue


def decode_organisation(text: str) -> Organisation:
    """The organisation written by :func:`encode`. Raises ``pydantic.ValidationError`` on anything else."""
    organisation: Organisation = _adapter(Organisation).validate_json(text)
    return organisation


def decode_effect(kind: str, text: str) -> Effect:
    """The effect of this class name. Raises ``pydantic.ValidationError`` or ``KeyError``."""
    effect: Effect = _adapter(_EFFECTS[kind]).validate_json(text)
    return effect


def decode_event(kind: str, text: str | bytes) -> Event:
    """The domain event of this class name. Raises ``pydantic.ValidationError`` or ``AttributeError``."""
    happened: Event = _adapter(getattr(events, kind)).validate_json(text)
    return happened
