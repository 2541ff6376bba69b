"""Crontabs as they are installed: the entries that run a backup, and why one is not run, or does something else."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from seatrial.drivers import _cron
from seatrial.drivers._calendar import When, longest
from seatrial.facts.backups.schedule import REBOOT, Entry
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.looks._schedule_tree import Tree

__all__ = ["table"]

_SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron", "/etc/crontabs")
_PARTS = {"cron.hourly": 3600.0, "cron.daily": 86400.0, "cron.weekly": 7 * 86400.0, "cron.monthly": 31 * 86400.0}
_SHELL = frozenset(
    ("cd", "test", "[", "[[", "if", "for", "while", "until", "case", "{", "(", "!", ".", "source", "export", "set", "umask",
     "exec", "eval", "command", "true", "false", "echo", "printf", "trap", "ulimit", "wait", "time", ":", "type", "unset",
     "read", "return", "exit", "builtin", "pushd", "shopt")
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9_-]+")

LONGEST = 4096
"""Characters of a command in which its program is looked for."""
MOST = 200
"""Lines of one crontab that run one backup."""
Found = tuple[list[Entry], list[Entry], list[When | float]]
"""Entries that run it, others beside them, and the times of the first."""


def table(tree: Tree, path: str, runs: str, told: Callable[[str], str]) -> Found | None:
    """What a crontab, or a script in /etc/cron.daily and the like, has of a backup; None when it is not there.

    Args:
        tree: the file system it is in.
        path: absolute.
        runs: text that the command holds.
        told: takes secrets out of a text.
    """
    folder = os.path.basename(os.path.dirname(path))
    if folder in _PARTS:
        return _part(tree, path, runs, folder)
    text = tree.text(path)
    if text is None:
        return None
    prefix = path.partition("/etc/")[0] if "/etc/" in path else ""
    debian = tree.find(f"{prefix}/etc/debian_version", 0) is not None or tree.find("/etc/debian_version", 0) is not None
    users = tree.users(prefix)
    system = folder == "cron.d" or os.path.basename(path) == "crontab"
    if not system and os.path.dirname(path) not in _SPOOLS:
        # Some other cron reads it, or it is installed from there: whether its lines name users is seen by them.
        lines = _cron.read(text, system=True).lines
        system = bool(lines) and all(line.user in users for line in lines)
    found = _cron.read(text, system=system, debian=debian)
    ignored = _ignored(tree, path, folder, debian, found)
    search = found.settings.get("PATH", _cron.PATH)
    entries: list[Entry] = []
    beside: list[Entry] = []
    gaps: dict[str, float | None] = {}
    chosen: dict[str, When | float] = {}
    for line in found.lines:
        ours = runs in line.given or ("/" in line.user and runs in line.user)
        problem = ignored or line.problem or (ours and _undone(tree, line, users, search)) or ""
        if ours and len(entries) == MOST:
            raise CouldNotLook(f"more than {MOST} lines of {tree.where(path)} run `{runs}`")
        if ours and line.times and line.when not in gaps:
            gaps[line.when] = longest([line.times])
        gap = gaps.get(line.when) if ours else None
        if line.times and ours and gap is None:
            problem = problem or f"its date never comes: {line.when}"
        entry = Entry(
            where=tree.where(f"{path}:{line.number}"),
            runs=told(line.given)[:300],
            when=line.when,
            user=line.user,
            longest=gap if gap is not None else Missing(REBOOT if not line.times else "it never runs"),
            problem=told(problem),
        )
        (entries if ours else beside).append(entry)
        if ours and line.times and not problem:
            chosen[line.when] = line.times
    for number, why in found.unread:
        raw = text.split("\n")[number - 1]
        if runs in raw:
            entries.append(Entry(tree.where(f"{path}:{number}"), told(raw.strip())[:300], "", problem=ignored or why))
    return entries, beside[:50], [*chosen.values()]


def _ignored(tree: Tree, path: str, folder: str, debian: bool, found: _cron.Table) -> str:
    """Why cron leaves out the whole file."""
    file = tree.find(path, 0)
    name = os.path.basename(path)
    if file is None:
        return ""
    if folder == "cron.d" and (not _NAME.fullmatch(name) if debian else name.startswith(".") or name.endswith("~")):
        return f"cron leaves out a file of this name: {name} has more than letters, digits, _ and - in it"
    if (folder == "cron.d" or path == "/etc/crontab") and file.mode & 0o022:
        return f"cron leaves out a file that others than root can write: its mode is {file.mode:04o}"
    if (folder == "cron.d" or path == "/etc/crontab") and file.uid and tree.root == "/":
        return f"cron leaves out a file that is not root's: it is that of user {file.uid}"
    if debian and os.path.dirname(path) in _SPOOLS and file.mode & 0o077:
        return f"cron leaves out a crontab whose mode is not 0600: it is {file.mode:04o}"
    if debian and found.unended:
        return "cron leaves out a file whose last line has no newline at its end"
    if debian and found.unread:
        number, why = found.unread[0]
        return f"Debian's cron leaves out the whole file for its line {number}: {why}"
    return ""


def _undone(tree: Tree, line: _cron.Line, users: frozenset[str], search: str) -> str:
    """Why an entry can't do what it is written for."""
    if line.user and ("/" in line.user or (users and line.user not in users)):
        return f"`{line.user}` is no user here: each line of this file names one before the command"
    word = _program(line.command)
    if not word or tree.program(word, search) is not None:
        return ""
    if word.startswith("/"):
        there = tree.find(word, 0)
        return f"{word} is not executable" if there else f"there is no {word}"
    if not line.user and word in users:
        return f"`{word}` is taken for the command: the crontab of a user names none before it"
    return f"`{word}` is in no folder of cron's PATH, {search}; write its whole path, or set PATH above it"


def _program(command: str) -> str:
    """The first program of a command line, where that is plain to see."""
    try:
        words = shlex.split(command[:LONGEST], comments=True)
    except ValueError:
        return ""
    while words and re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
        if words.pop(0).startswith("PATH="):
            return ""
    word = words[0] if words else ""
    if word in _SHELL or not re.fullmatch(r"[\w@%+=:,./-]+", word) or word.startswith("~"):
        return ""
    return word if word.startswith("/") or "/" not in word else ""


def _part(tree: Tree, path: str, runs: str, folder: str) -> Found | None:
    """A script that run-parts runs."""
    file = tree.find(path)
    if file is None:
        return None
    name = os.path.basename(path)
    if runs and runs not in name and runs not in file.data.decode("utf-8", "replace"):
        return [], [], []
    problem = ""
    if not _NAME.fullmatch(name):
        problem = f"run-parts leaves out a file of this name: {name} has more than letters, digits, _ and - in it"
    elif not file.mode & 0o111:
        problem = f"run-parts leaves out what is not executable: its mode is {file.mode:04o}"
    gap = _PARTS[folder]
    entry = Entry(tree.where(path), name, folder, "root", gap, problem)
    return [entry], [], [] if problem else [gap]
