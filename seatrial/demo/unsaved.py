"""Defects of backups: what lies there is not what it should be, or the procedure that makes it does something else than it says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.demo.defect import defect

if TYPE_CHECKING:
    from seatrial.demo.stack import Plan, Stack

__all__ = ["HOWS"]

DAY = 86400
HOWS: dict[str, Callable[[Path, Path], None]] = {}
"""Other ways in which the store is copied, from one path to another: what `Plan.backups` names."""


def _newest(stack: Stack) -> Path:
    return max(stack.backups.glob("notes-*.tar.gz"))


def _sealed(path: Path) -> None:
    """Write the digest of a backup anew."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")


# What lies there ------------------------------------------------------------------------------------------------------


@defect("backup-readable", turns_red=("BKP-006",), summary="backups have mode 0644, where 0600 is declared")
def backup_readable(plan: Plan) -> None:
    """Backups: the job was moved to a host with another umask."""
    plan.after_up.append(lambda stack: _newest(stack).chmod(0o644))


@defect("backup-old", turns_red=("BKP-002",), summary="the newest backup is three days old, and one day may be lost")
def backup_old(plan: Plan) -> None:
    """Backups: the job that makes them has not run since somebody renamed its script."""
    before = time.time() - 3 * DAY
    plan.after_up.append(lambda stack: os.utime(_newest(stack), (before, before)))


@defect(
    "backup-cut",
    turns_red=("BKP-011",),
    summary="the disk was full: the archive ends in the middle, with a digest that fits",
)
def backup_cut(plan: Plan) -> None:
    """Backups: the exit status of the program before a pipe is nobody's business."""

    def cut(stack: Stack) -> None:
        newest = _newest(stack)
        content = newest.read_bytes()
        newest.write_bytes(content[:-40])
        _sealed(newest)

    plan.after_up.append(cut)


@defect(
    "backup-changed", turns_red=("BKP-010",), summary="a backup is another than the one whose digest lies beside it"
)
def backup_changed(plan: Plan) -> None:
    """Backups: somebody packed it again, to save space."""

    def again(stack: Stack) -> None:
        import gzip

        newest = _newest(stack)
        newest.write_bytes(gzip.compress(gzip.decompress(newest.read_bytes()), 1))

    plan.after_up.append(again)


@defect("backups-pile-up", turns_red=("BKP-014",), summary="twelve backups are kept, where seven are declared")
def backups_pile_up(plan: Plan) -> None:
    """Backups: nothing removes the old ones."""

    def more(stack: Stack) -> None:
        newest = _newest(stack)
        for days in range(1, 12):
            stamp = time.gmtime(time.time() - days * DAY)
            older = newest.with_name(f"notes-{time.strftime('%Y%m%dT%H%M%S', stamp)}.{days:09}Z.tar.gz")
            shutil.copyfile(newest, older)
            older.chmod(0o600)
            os.utime(older, (time.time() - days * DAY,) * 2)
            _sealed(older)

    plan.after_up.append(more)


# What makes it --------------------------------------------------------------------------------------------------------


@defect(
    "backup-copies-the-file",
    drilled=("BKP-036", "BKP-061"),
    by="backups.notes.drill",
    summary="the file of the store is copied without its log, so that the latest notes are in no backup",
)
def backup_copies_the_file(plan: Plan) -> None:
    """Backups: cp was quicker to write than what SQLite has for it."""
    plan.backups = "copied"

    def settled(stack: Stack) -> None:
        with contextlib.closing(sqlite3.connect(stack.plan.settings["DEMO_STORE"])) as store:
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    plan.after_up.append(settled)


def _copied(store: Path, to: Path) -> None:
    shutil.copyfile(store, to)


HOWS["copied"] = _copied


@defect(
    "backup-skips-long-notes",
    drilled=("BKP-036",),
    by="backups.notes.drill",
    summary="notes of more than 200 characters are in no backup",
)
def backup_skips_long_notes(plan: Plan) -> None:
    """Backups: an export that was written for a report, and has a limit."""
    plan.backups = "short"


def _short(store: Path, to: Path) -> None:
    with contextlib.closing(sqlite3.connect(store)) as live, contextlib.closing(sqlite3.connect(to)) as copy:
        live.backup(copy)
        copy.execute("DELETE FROM notes WHERE length(text) > 200")
        copy.commit()


HOWS["short"] = _short


@defect(
    "backup-leaves-a-copy",
    drilled=("BKP-047",),
    by="backups.notes.drill",
    summary="each backup leaves the copy of the store that it was made from",
)
def backup_leaves_a_copy(plan: Plan) -> None:
    """Backups: the step that removes it comes after an exit."""
    plan.backups = "left"


def _left(store: Path, to: Path) -> None:
    beside = store.parents[1] / "backups" / f"copy-{time.time_ns()}.db"
    beside.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(store)) as live, contextlib.closing(sqlite3.connect(beside)) as copy:
        live.backup(copy)
    shutil.copyfile(beside, to)


HOWS["left"] = _left
