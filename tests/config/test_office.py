"""The organisation's file after a change from chat: the group is changed, and not a sign more."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from bridge.desk.office import rewrite
from bridge.domain.administration import Act, GroupOrder

FILE = """# The hospital, kept by Anne.
organisation:
  name: Hôpital   # as on the letterhead
practitioners:
  - {id: "@paul:h.example", name: 'Dr Paul'}
  - {id: "@claire:h.example", name: Dr Claire}
groups:
  # skin
  - key: derm
    name: Dermatologie
    address: derm@h.example
    members:
      - "@paul:h.example"  # head
  - key: vasc
    name: Chirurgie
    address: vasc@h.example
    members: ["@paul:h.example"]
"""


@pytest.mark.parametrize(
    ("order", "minus", "plus"),
    [
        (GroupOrder(Act.ADD, "derm", "@claire:h.example"), [], ["      - '@claire:h.example'"]),
        (
            GroupOrder(Act.ADD, "vasc", "@claire:h.example"),
            ['    members: ["@paul:h.example"]'],
            ["    members: [\"@paul:h.example\", '@claire:h.example']"],
        ),
        (
            GroupOrder(Act.REMOVE, "vasc", "@paul:h.example"),
            ['    members: ["@paul:h.example"]'],
            ["    members: []"],
        ),
        (GroupOrder(Act.SUSPEND, "vasc"), [], ["    suspended: true"]),
        (GroupOrder(Act.RESUME, "vasc"), [], ["    suspended: false"]),
    ],
)
def test_only_the_lines_that_change_are_written(
    tmp_path: Path, order: GroupOrder, minus: list[str], plus: list[str]
) -> None:
    file = tmp_path / "organisation.yaml"
    file.write_text(FILE)
    file.chmod(0o640)
    rewrite(file, order)
    lines = list(difflib.ndiff(FILE.splitlines(), file.read_text().splitlines()))
    assert [line[2:] for line in lines if line.startswith("- ")] == minus
    assert [line[2:] for line in lines if line.startswith("+ ")] == plus
    assert file.stat().st_mode & 0o777 == 0o640
    assert [found.name for found in tmp_path.iterdir()] == ["organisation.yaml"]
