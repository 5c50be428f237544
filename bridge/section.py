"""What every section of the configuration has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration: nothing unknown, nothing changed later, no value guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
