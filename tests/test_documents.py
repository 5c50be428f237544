"""What the documents say is there is there."""

from __future__ import annotations

import re
from pathlib import Path

from bridge.storage.schema import metadata
from bridge.storage.schema_people import dialogues

DOCS = Path(__file__).parent.parent / "docs"


def test_every_table_is_named_where_data_protection_is_explained() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (DOCS / "data-protection.md").read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"\w+", row)}
    assert dialogues.name in metadata.tables
    assert set(metadata.tables) - named == set()
