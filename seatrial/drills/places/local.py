"""The folder of a drill on the machine that Seatrial runs on: backups are fetched to it, and it is gone when the drill ends.

What lies in it may be the deployment's data. So it is for its owner alone, it is journalled like any place, and all that is
made of temporary files meanwhile is made in it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.safety.acts import Hands
    from seatrial.safety.disturbing import Disturber

__all__ = ["local_folder", "remove"]

NAMED = "seatrial-drill-"


@contextmanager
def local_folder(disturber: Disturber, hands: Hands) -> Iterator[Path]:
    """A folder for one drill.

    Args:
        disturber: of the bench.
        hands: of the bench.
    """
    token = secrets.token_hex(8)
    above = Path(tempfile.gettempdir()).absolute()
    if above.name.startswith(NAMED):  # of a drill that is made in this process at the same time, and may end before
        above = above.parent
    path = above / f"{NAMED}{token}"
    acts = hands.acts("stage", "drill", token=token, name=f"folder {path}", local=path)
    with disturber.disturbed(*acts):
        tempfile.tempdir = str(path)
        try:
            yield path
        finally:
            if tempfile.tempdir == str(path):
                tempfile.tempdir = str(above)


def remove(path: Path, token: str) -> None:
    """Remove such a folder, whatever modes are in it; nothing that is not one."""
    if path.name != f"{NAMED}{token}" or path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
        return
    for folder, names, _ in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
    shutil.rmtree(path, ignore_errors=True)
