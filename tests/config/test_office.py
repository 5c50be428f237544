"""The organisation's file after a change from chat: the group is changed, and not a sign more."""

from __future__ import annotations

import difflib
import errno
import os
from pathlib import Path

import pytest

from bridge.desk.office import _not_written, rewrite
from bridge.domain.administration import Act, GroupOrder
from bridge.locale import text

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


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / f"{'o' * 245}.yaml"  # no name for the new file beside it is short enough
    file.write_text(FILE)
    with pytest.raises(OSError, match="too long"):
        rewrite(file, GroupOrder(Act.SUSPEND, "derm"))
    assert file.read_text() == FILE
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "give the service"),
        (errno.EIO, "I/O error"),
    ],
)
def test_the_admin_is_told_why_a_file_was_not_written(number: int, says: str) -> None:
    phrase = _not_written(OSError(number, os.strerror(number)), Path("/etc/colloque/organisation.yaml"))
    told = text("en", phrase.text, **phrase.values)
    assert says in told.replace("Input/output", "I/O")
    assert "/etc/colloque/organisation.yaml" in told
