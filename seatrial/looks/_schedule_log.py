"""The log of a backup's runs: when it was written last, and whether the last run says that it succeeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from seatrial.facts.backups.schedule import LastRun
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.looks._schedule_tree import Tree

__all__ = ["last_run"]

UNDER_WAY = 3600.0
"""Seconds since it was written last, for which a run whose end is not there yet may be under way."""


def last_run(
    tree: Tree, path: str, success: str | None, failure: str | None, now: float, told: Callable[[str], str]
) -> LastRun | Missing:
    """What a log says of the last run. Where it was just rotated, the one before it.

    Args:
        tree: the file system it is in.
        path: absolute.
        success: text that the last line of a run that succeeded holds.
        failure: text that a line of a run that failed holds.
        now: seconds since the epoch.
        told: takes secrets out of a text.
    """
    found = tree.find(path, end=True)
    lines = _lines(found.data) if found else []
    if not lines:
        before = tree.find(f"{path}.1", end=True)
        if before is not None and _lines(before.data):
            found, lines, path = before, _lines(before.data), f"{path}.1"
    if found is None:
        return Missing(f"there is no {tree.where(path)}: nothing shows that it ever ran")
    if not lines:
        return Missing(f"{tree.where(path)} is empty: nothing shows that it ever ran")
    good = _last(lines, success)
    bad = _last(lines, failure)
    said = lines[-1]
    ok: bool | Missing
    if bad > good:
        ok, said = False, lines[bad]
    elif good == len(lines) - 1 or (good >= 0 and failure):
        # Where failures are told, what comes after a success is no failure.
        ok, said = True, lines[good]
    elif success is None:
        ok = True
    elif now - found.modified < UNDER_WAY:
        ok = Missing("a run seems to be under way: its log has just been written, and its last line does not tell yet")
    else:
        ok = False
    return LastRun(tree.where(path), found.modified, ok, told(said)[:300])


def _lines(data: bytes) -> list[str]:
    return [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]


def _last(lines: list[str], text: str | None) -> int:
    """The number of the last line that holds a text; -1 when none does."""
    if not text:
        return -1
    return max((number for number, line in enumerate(lines) if text in line), default=-1)
