"""Retention: how long backups are kept, that none is removed early, and that none is missing between."""

from __future__ import annotations

import posixpath
from itertools import pairwise
from typing import TYPE_CHECKING

from seatrial.facts.backups.files import BackupFile, sequence
from seatrial.words import Finding

if TYPE_CHECKING:
    from seatrial.facts.backups.files_judged import JudgedFiles

__all__ = ["gaps", "too_early", "too_long"]

DAY = 86400.0
MISSED = 2.5
"""Between two backups there may be so many times what is usual: one that was late or failed is no gap."""


def _ago(seconds: float) -> str:
    from seatrial.facts.backups.files_judged import ago

    return ago(seconds)


def _usual(of: JudgedFiles) -> float:
    """Seconds between two backups, as declared; 0 where nothing is."""
    return float(of.every.seconds if of.every else of.rpo.seconds if of.rpo else 0)


def too_long(of: JudgedFiles) -> list[Finding]:
    """Backups that should have been removed. What removes them comes by as often as they are made, so it has that time."""
    keep, found = of.declared.keep, []
    if keep is None:
        return []
    if keep.age is not None:
        least = keep.age.seconds
        # `find -mtime +7` removes what is eight days old, once a day: nine days are no broken promise.
        grace = max(MISSED * _usual(of), min(least / 2, 2.1 * DAY))
        found += [
            Finding(of.where(file), f"{_ago(of.age(file))} old", f"kept for {keep.age}")
            for file in of.written()
            if of.age(file) > least + grace
        ]
    if keep.at_most is not None:
        for name, count in _counts(of).items():
            if count > keep.at_most:
                found.append(Finding(of.where(), f"{count} backups{name}", f"at most {keep.at_most}"))
    return found


def _counts(of: JudgedFiles) -> dict[str, int]:
    """How many there are of each sequence of names; one run may leave several files."""
    counts: dict[str, int] = {}
    for file in of.written():
        counts[sequence(file.name)] = counts.get(sequence(file.name), 0) + 1
    return {f" ({name})" if len(counts) > 1 else "": count for name, count in counts.items()}


def too_early(of: JudgedFiles) -> list[Finding]:
    """What shows that more were made than are there, where retention would have kept them.

    That there are few is no proof: a deployment may be young. What is left of others is: their checksum files, their copies,
    a schedule that has been there for longer than they are kept.
    """
    keep = of.declared.keep
    if keep is None:
        return []
    files, usual = of.written(), _usual(of)
    few = keep.count is not None and max(_counts(of).values()) < keep.count
    if of.observed.single:
        wanted = [f"at least {keep.count}"] if keep.count is not None and keep.count > 1 else []
        wanted += [f"each kept for {keep.age}"] if keep.age is not None and usual and keep.age.seconds > usual else []
        return [Finding(of.where(), "each backup replaces the one before it", one) for one in wanted[:1]]

    def kept(seconds: float) -> bool:
        return few or (keep.age is not None and seconds < keep.age.seconds)

    expected = f"at least {keep.count}" if few else f"each kept for {keep.age}"
    found = [
        Finding(
            of.where(file),
            f"the backup of this checksum file is gone, {_ago(of.age(file))} after it was made",
            expected,
        )
        for file in of.observed.orphans
        if kept(of.age(file))
    ]
    names = {file.name for file in of.observed.files}
    oldest = min(file.modified for file in files)
    for copy in of.observed.copies:
        for file in copy.files if isinstance(copy.files, tuple) else ():
            name = posixpath.basename(file.name)
            alike = sequence(name) in {sequence(each.name) for each in files}
            if alike and name not in names and file.modified < oldest + DAY and kept(of.age(file)):
                text = f"{name} is gone here; its copy at {copy.place} is {_ago(of.age(file))} old"
                found.append(Finding(of.where(), text, expected))
    if not found and of.observed.since and usual:
        long = of.observed.looked - of.observed.since
        due = (keep.count or 0) * usual
        if few and long > due + MISSED * usual:
            found.append(
                Finding(
                    of.where(),
                    f"{len(files)} backups, of a schedule of {_ago(long)} with one each {_ago(usual)}",
                    expected,
                )
            )
        promised = keep.age.seconds if keep.age is not None else 0.0
        oldest_age = of.observed.looked - oldest
        if promised and long > promised + MISSED * usual and oldest_age < promised - MISSED * usual:
            text = f"the oldest is {_ago(oldest_age)} old, of a schedule of {_ago(long)}"
            found.append(Finding(of.where(), text, f"each kept for {keep.age}"))
    return found


def gaps(of: JudgedFiles) -> list[Finding]:
    """Where between two that are kept others are missing."""
    keep, usual = of.declared.keep, _usual(of)
    if keep is None or not usual:
        return []
    files: list[BackupFile] = of.written()
    if keep.age is not None:
        files = [file for file in files if of.age(file) <= keep.age.seconds]
    elif keep.count is not None:
        files = files[: keep.count]
    else:
        return []
    found = []
    for later, earlier in pairwise(files):
        gap = later.modified - earlier.modified
        if gap > MISSED * usual:
            text = f"no backup for {_ago(gap)} before it, since {earlier.name}"
            found.append(Finding(of.where(later), text, f"one each {_ago(usual)}"))
    return found
