"""Copies at other sites: there in time, the same, and another file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.facts.backups.files import BackupFile, CopyFiles
from seatrial.words import Finding, Missing

if TYPE_CHECKING:
    from seatrial.facts.backups.files_judged import JudgedFiles

__all__ = ["different", "late", "same_file"]

DAY = 86400.0
NEWEST = 3
"""So many of those that are due are looked for at the other site, which may keep fewer."""
CLOCKS = 2.0
"""Seconds that times of one file differ by, by what file systems and stores keep of them."""


def _within(of: JudgedFiles, number: int) -> float:
    declared = of.declared.copies[number].within if number < len(of.declared.copies) else None
    return float((declared or of.rpo or of.every).seconds) if declared or of.rpo or of.every else DAY  # type: ignore[union-attr]


def _pairs(of: JudgedFiles) -> Iterator[tuple[CopyFiles, BackupFile, BackupFile | None, bool]]:
    """Each site, each of the newest backups, its copy there, and whether it should be there by now."""
    for number, site in enumerate(of.observed.copies):
        if isinstance(site.files, Missing):
            continue
        there = {posixpath.basename(file.name): file for file in reversed(site.files)} | {
            file.name: file for file in site.files
        }
        due = 0
        for file in of.written():
            is_due = of.age(file) > _within(of, number)
            if is_due and due >= NEWEST:
                break
            due += is_due
            yield site, file, there.get(file.name) or there.get(posixpath.basename(file.name)), is_due


def _closed(of: JudgedFiles) -> list[Missing]:
    return [
        Missing(f"{site.place}: {site.files.reason}", site.files.right)
        for site in of.observed.copies
        if isinstance(site.files, Missing)
    ]


def _where(of: JudgedFiles, site: CopyFiles) -> str:
    return f"{of.id}: {site.place}"


def _earlier(file: BackupFile, copy: BackupFile) -> bool:
    """Whether a copy is of what lay there before: known to be another, and older. Clocks of two sites differ, so age alone says nothing."""
    read = isinstance(file.digest, str) and isinstance(copy.digest, str)
    other = file.digest != copy.digest if read else file.size != copy.size
    return other and copy.modified < file.modified - CLOCKS


def late(of: JudgedFiles) -> list[Finding]:
    """Backups of which there is no copy, or only one of an earlier backup, although it is due."""
    from seatrial.facts.backups.files_judged import ago

    found = []
    for site, file, copy, due in _pairs(of):
        if not due:
            continue
        if copy is None:
            found.append(Finding(_where(of, site), f"no copy of {file.name}, which is {ago(of.age(file))} old"))
        elif _earlier(file, copy):
            old = ago(file.modified - copy.modified)
            found.append(
                Finding(
                    _where(of, site), f"{copy.name} is of an earlier backup, {old} older than the one it should be of"
                )
            )
    return of.told(found, _closed(of))


def different(of: JudgedFiles) -> list[Finding]:
    """Copies with another digest."""
    found, undecided = [], list(_closed(of))
    for site, file, copy, due in _pairs(of):
        if copy is None or copy.kind == "link" or _earlier(file, copy) or isinstance(file.digest, Missing):
            continue
        if isinstance(copy.digest, Missing):
            undecided.append(Missing(f"{site.place}/{copy.name}: {copy.digest.reason}", copy.digest.right))
        elif copy.digest != file.digest and (due or copy.size == file.size):
            sizes = f"{copy.size:,} of {file.size:,} bytes" if copy.size != file.size else "of the same size"
            text = f"the copy of {file.name} is {sizes}, with digest {copy.digest[:12]}…"
            found.append(Finding(_where(of, site), text, f"{str(file.digest)[:12]}…"))
    return of.told(found, undecided)


def same_file(of: JudgedFiles) -> list[Finding]:
    """Copies that are a link to the backup, or the same file under another name."""
    found = []
    for site, file, copy, _ in _pairs(of):
        if copy is None:
            continue
        if copy.kind == "link":
            found.append(Finding(_where(of, site), f"{copy.name} is a symbolic link, and no copy"))
        elif copy.identity and copy.identity == file.identity:
            found.append(Finding(_where(of, site), f"{copy.name} is the backup itself: the same file on the same disk"))
    return of.told(found, _closed(of))
