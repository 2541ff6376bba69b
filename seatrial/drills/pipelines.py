"""A dump that fails into a pipe: a shell says that the pipeline succeeded, and the backup is of nothing.

Bash is asked for the status of every part. A part that failed is told only where it is clear which one it was, it is a
program that reads or writes what is saved, and the script does not say that it may fail.
"""

from __future__ import annotations

import os
import shlex

__all__ = ["failed_part"]

TOOLS = frozenset({
    "age", "cpio", "etcdctl", "gpg", "mariadb-dump", "mongodump", "mysqldump", "openssl", "pg_basebackup", "pg_dump",
    "pg_dumpall", "pg_restore", "psql", "redis-cli", "sqlite3", "tar", "zip",
})  # fmt: skip
ENDS = frozenset({";", ";;", "&", "&&", "(", ")", "{", "}", "do", "then", "else"})
ASKED = frozenset({"if", "elif", "while", "until", "!"})
"""What a script asks, and goes on either way."""
SIGPIPE = 141
"""Who is read no further ends so, and has done what it was asked for."""


def failed_part(lines: list[str], number: int, statuses: list[int]) -> tuple[str, int] | None:
    """The part of a pipeline that failed though the pipeline did not, and its status; None where that is not clear.

    Args:
        lines: of the script.
        number: of the line that was reached last, from 1.
        statuses: of the parts, as bash has them.
    """
    wrong = [place for place, status in enumerate(statuses) if status not in (0, SIGPIPE)]
    if not 1 <= number <= len(lines) or len(wrong) != 1 or statuses[-1] != 0:
        return None
    found = [parts for parts in _pipelines(_whole(lines, number - 1)) if len(parts) == len(statuses)]
    if len(found) != 1:
        return None
    part = found[0][wrong[0]]
    if not any(os.path.basename(word) in TOOLS for word in part):
        return None
    return " ".join(part), statuses[wrong[0]]


def _whole(lines: list[str], at: int) -> str:
    """A line with those that it goes on in, and that it goes on from."""
    first = last = at
    while first > 0 and _open(lines[first - 1], lines[first]):
        first -= 1
    while last + 1 < len(lines) and _open(lines[last], lines[last + 1]):
        last += 1
    return " ".join(line.rstrip().removesuffix("\\") for line in lines[first : last + 1])


def _open(line: str, _next: str) -> bool:
    return line.rstrip().endswith(("\\", "|")) and not line.rstrip().endswith("||")


def _pipelines(text: str) -> list[list[list[str]]]:
    """Each pipeline of a line, as its parts, as their words; none where the line says that something may fail."""
    try:
        reader = shlex.shlex(text, posix=True, punctuation_chars="();<>|&")
        reader.whitespace_split = True
        words = list(reader)
    except ValueError:
        return []
    if "||" in words:
        return []
    found: list[list[list[str]]] = [[[]]]
    for word in words:
        if word in ENDS:
            found.append([[]])
        elif word in ("|", "|&"):
            found[-1].append([])
        else:
            found[-1][-1].append(word)
    return [parts for parts in found if len(parts) > 1 and parts[0][:1] and parts[0][0] not in ASKED]
