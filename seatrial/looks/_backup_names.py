"""Which of what lies in a folder are backups, and which stand beside them: checksums, half-written files, links."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from seatrial.looks._backup_sites import Entry

__all__ = ["Sorted", "checksum_name", "said", "sort"]

_UNFINISHED = re.compile(
    r".*(?:\.(?:tmp|temp|part|partial|incomplete|filepart|crdownload|swp|swx|writing|inprogress|in-progress|unfinished)|~)"
    r"|temp-[\d-]*\d+\.(?:rdb|aof)|temp-rewriteaof(?:-bg)?-\d+\.aof|\..+\.[A-Za-z0-9]{6}|\.tmp.*",
    re.IGNORECASE,
)
"""Names that programs give to what they have not finished: Redis, rsync, curl, editors, and most scripts."""
_SUMS = re.compile(
    r"(.*)\.(?:sha256|sha512|sha384|sha224|sha1|md5|b2|sha256sum|sha512sum|md5sum|sum|sig|minisig)", re.IGNORECASE
)
_NEVER = re.compile(
    r"lost\+found|(?:sha\d+|md5|b2)sums?(?:\.txt)?|.*\.log(?:\.\d+)?(?:\.gz)?|readme.*|\.(?:git|nfs).*", re.IGNORECASE
)
_LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_HEX = re.compile(
    r"\b([0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64}|[0-9a-fA-F]{56}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})\b"
)


@dataclass(slots=True)
class Sorted:
    """What lies there, each newest first."""

    backups: list[Entry] = field(default_factory=list)
    others: list[Entry] = field(default_factory=list)
    """Half-written files, links, and what is neither file nor folder."""
    sums: dict[str, Entry] = field(default_factory=dict)
    """Checksum files, by name."""
    orphans: list[Entry] = field(default_factory=list)
    """Those of backups that are not there."""


def checksum_name(pattern: str, name: str) -> str:
    """The name of the file with the digest of a backup."""
    return pattern.replace("{name}", name)


def sort(entries: Iterable[Entry], match: str, checksum: str | None) -> Sorted:
    """Sort what lies in a folder by what it is.

    Args:
        entries: all of it.
        match: names of backups.
        checksum: the declared name of checksum files.
    """
    found = Sorted()
    listed = sorted(entries, key=lambda each: (-each.modified, each.name))
    names = {each.name for each in listed}
    of_sums = re.compile("(.*)".join(map(re.escape, checksum.split("{name}")))) if checksum else None
    for each in listed:
        told = of_sums.fullmatch(each.name) if of_sums else None
        beside = _SUMS.fullmatch(each.name)
        if told and each.kind == "file":
            found.sums[each.name] = each
            if told.groups() and told[1] not in names and fnmatch.fnmatchcase(told[1], match):
                found.orphans.append(each)
        elif beside and not _asks(match, each.name) and (beside[1] in names or fnmatch.fnmatchcase(beside[1], match)):
            continue
        elif each.name.endswith(".asc") and each.name[:-4] in names:
            continue  # a signature beside what it signs
        elif _UNFINISHED.fullmatch(each.name) and not _asks(match, each.name):
            found.others.append(each)
        elif not _matches(each.name, match) or (_NEVER.fullmatch(each.name) and not _asks(match, each.name)):
            continue
        elif each.kind in ("file", "folder"):
            found.backups.append(each)
        else:
            found.others.append(each)
    return found


def _matches(name: str, match: str) -> bool:
    return fnmatch.fnmatchcase(name, match) and (not name.startswith(".") or match.startswith("."))


def _asks(match: str, name: str) -> bool:
    """Whether the pattern asks for such names by more than a wildcard at its end."""
    if match == name:
        return True
    last = match.rpartition(".")[2] if "." in match else ""
    return bool(last) and not set(last) & set("*?[") and name.endswith("." + last) and fnmatch.fnmatchcase(name, match)


def said(text: str, name: str) -> tuple[str, str]:
    """What a checksum file says of a backup: algorithm and digest; empty when nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    own = [line for line in lines if re.search(rf"(?:^|[\s(*/]){re.escape(name)}\)?(?:$|\s|=)", line)]
    for line in own or (lines if len(lines) == 1 else []):
        if found := _HEX.search(line):
            return _LENGTHS[len(found[1])], found[1].lower()
    return "", ""
