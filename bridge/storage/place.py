"""New files beside the database: for one account only, and that is the service's whoever makes them."""

from __future__ import annotations

import os
from pathlib import Path


def make_private(file: Path) -> None:
    """Make an empty file that only its owner reads; one that is there stays as it is. Raises ``OSError``.

    What root makes belongs to who owns the folder: an admin may look before the service first starts, and the
    service has to be able to open what they left.
    """
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        if os.geteuid() == 0:
            folder = file.parent.stat()
            os.fchown(made, folder.st_uid, folder.st_gid)
    finally:
        os.close(made)
