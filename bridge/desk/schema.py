"""JSON Schemas of both configuration files, for editors: written from the sections themselves.

`colloque schema` prints one; `config/schema/` holds them, and a test keeps those true.
"""

from __future__ import annotations

from typing import Any

from bridge.config import SECRETS
from bridge.renames import CONFIG, ORGANISATION, Renamed
from bridge.sections import Config, OrganisationFile, Section

FILES: dict[str, tuple[type[Section], tuple[Renamed, ...]]] = {
    "config": (Config, CONFIG),
    "organisation": (OrganisationFile, ORGANISATION),
}
"""By name, what a schema is written from."""


def schema(name: str) -> dict[str, Any]:
    """The schema of ``config`` or ``organisation``."""
    model, renamed = FILES[name]
    made = model.model_json_schema()
    _without_titles(made)
    if model is Config:
        _with_secrets_elsewhere(made)
    for old in renamed:
        section = _section(made, old.section)
        gone = {"deprecated": True, "description": f"Old name of {old.new}."}
        section["properties"][old.old] = section["properties"][old.new] | gone
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Colloque: {name}.yaml",
        **made,
    }


def _without_titles(node: Any) -> None:
    """Pydantic gives each key a title made of its name; completion shows the description instead."""
    if isinstance(node, dict):
        if isinstance(node.get("title"), str):
            del node["title"]
        for child in node.values():
            _without_titles(child)
    elif isinstance(node, list):
        for child in node:
            _without_titles(child)


def _section(made: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    section = made
    for step in path:
        there = section["properties"][step]
        kinds = there.get("anyOf", [there])  # a section that may be left out has « null » beside it
        name = next(kind["$ref"] for kind in kinds if "$ref" in kind).rpartition("/")[2]
        section = made["$defs"][name]
    return section


def _with_secrets_elsewhere(made: dict[str, Any]) -> None:
    """A secret may stand in a file or the environment instead, and so may its section."""
    for location in SECRETS:
        *path, key = (str(step) for step in location)
        section = _section(made, tuple(path))
        described = {"type": "string", "description": f"File that holds {key}."}
        section["properties"][f"{key}_file"] = described
        section["required"] = [name for name in section.get("required", []) if name != key]
        if not section["required"]:
            del section["required"]
    home = _section(made, ("homeserver",))
    home["properties"]["registration_file"] = {
        "type": "string",
        "description": "The registration that the homeserver has: tokens that stand nowhere else.",
    }
