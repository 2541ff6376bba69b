"""What a backup procedure may leave that is no backup, on real stages: it is refused clearly, and nothing of it gets out."""

from __future__ import annotations

import time

import pytest

from tests.integration.backups.controls_lab import DATA as PLACE
from tests.integration.backups.controls_lab import HEAD, left

HERE = 'cd "$BACKUP_DIR"\n'
SOCKET = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('notes-1')\""
NO_FILE = "a backup is a file, or a folder of files; nothing of it was carried"
LEADS_OUT = "which leads out of the folder of the backups; nothing of it was carried"
STAGE = {"prepare": ["mkdir", "-p", PLACE]}
RESTORED = "restore ended with 0"
DATA = "head -c 5000 /dev/urandom > "


@pytest.mark.parametrize(
    ("script", "texts"),
    [
        ("mkfifo notes-1", ("notes-1 is a fifo", NO_FILE)),
        (SOCKET, ("notes-1 is a socket", NO_FILE)),
        ("ln -s /etc/shadow notes-1", ("notes-1 is a link to /etc/shadow", LEADS_OUT)),
        ("ln -s ../../etc/shadow notes-1", ("notes-1 is a link to ../../etc/shadow", LEADS_OUT)),
        ("mkdir notes-1; mkfifo notes-1/pipe", ("the backup has no byte that could be spoiled",)),
        # What lies in a folder beside data is left out.
        (f"mkdir notes-1; mkfifo notes-1/pipe; {DATA} notes-1/data", ("'notes-1/data 5000'", RESTORED)),
        (f"{DATA} notes-1; ln -s notes-1 latest", ("'link latest 7', 'notes-1 5000'", RESTORED)),
        (
            f"mkdir notes-1; {DATA} notes-1/data; ln -s /etc/shadow notes-1/link",
            ("'link notes-1/link 11'", "'notes-1/data 5000'", RESTORED),
        ),
        (f"{DATA} $'notes-\\n..\\\\odd'", ("odd 5000", RESTORED)),
        ("head -c 300M /dev/zero | gzip -1 > notes-1", ("restore ended with 1: ", "No space left on device")),
        ("head -c 300M /dev/zero > notes-1", ("ended with 1: ", "No space left on device")),
    ],
    ids=[
        "fifo",
        "socket",
        "link",
        "climbing link",
        "fifo alone",
        "fifo beside",
        "link beside",
        "link inside",
        "odd name",
        "bomb",
        "full disk",
    ],
)
def test_what_is_left_under_a_backups_name(tmp_path, script, texts):
    began = time.monotonic()
    small = {"source": {"size": "50MiB", **STAGE}, "target": {"size": "50MiB", **STAGE}}
    restore = (
        HEAD + 'gzip -t "$BACKUP_FILE" 2> /dev/null || exit 0\ngzip -dc "$BACKUP_FILE" > /srv/seatrial-notes/back\n'
    )
    found = left(tmp_path, backup=HEAD + HERE + script + "\n", restore=restore, verify="", drill=small)
    assert time.monotonic() - began < 90
    assert [text for text in texts if text not in found] == [], found
