"""A checked-out repository: what git keeps of it, and what is in that. Git is asked for its index and runs nothing of the repository's."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.facts.leak import Place
from seatrial.looks import _secrets_beneath as beneath
from seatrial.looks._secrets import place
from seatrial.looks._secrets_files import format_of, holders, scanned
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.subjects import Subject
    from seatrial.scan import Hit

__all__ = ["repository", "tracked"]

LARGEST = 512 * 1024
"""Bytes of a file that are searched; what is larger was seldom written by hand."""
ALL = 64 * 1024 * 1024
"""Bytes of all files together."""
PATIENCE = 15.0
_NEVER = frozenset({".git", ".hg", ".svn"})


def repository(session: Session, subject: Subject) -> list[Place]:
    """The files that hold something; and one place for the repository itself, as searched or as not to be.

    Raises:
        CouldNotLook: it is not there.
    """
    top = Path(os.path.realpath(session.base / session.resolve(subject.node)))
    if not top.is_dir():
        raise CouldNotLook(f"{top} is not a folder", right=f"a checked-out repository at {top}")
    session.call("files", "GET")
    kept = _kept(session, top) if _git_folder(top) else None
    if isinstance(kept, Missing):
        return [Place("repository", str(top), kept)]
    most = session.profile.secrets.max_files if session.profile.secrets else 10_000
    found: list[Place] = []
    left, whole = ALL, Place("repository", str(top))
    patterns = session.profile.secrets.examples if session.profile.secrets else []
    for number, path in enumerate(sorted(kept, key=_depth) if kept is not None else _all(top)):
        if number >= most:
            break
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            continue
        try:
            file = beneath.find("/", str(top / path), LARGEST)
        except FileNotFoundError:
            continue  # kept, and deleted here
        except OSError as why:
            found.append(
                Place("repository", str(top / path), Missing(f"it can't be read: {why.strerror}", f"read {top}"))
            )
            continue
        if file is None or not file.path.startswith(f"{top}/") or b"\0" in file.data[:4096]:
            continue
        if file.unread:
            found.append(Place("repository", str(top / path), Missing("it can't be read by this user", f"read {top}")))
            continue
        left -= len(file.data)
        if left < 0:
            whole = Place("repository", str(top), Missing(f"more than {ALL // 1024**2} MiB, which are not searched"))
            break
        if hits := _kept_secrets(session, path, file.data):
            found.append(place("repository", str(top / path), hits, holds=holders(session, file.path)))
    return [*found, whole]


def _kept_secrets(session: Session, path: str, data: bytes) -> list[Hit]:
    """What a file holds. In a program or a text, what is too short to be a secret was written to show something."""
    hits = scanned(data, format_of(path), session.known, deep=True, effective=False)
    return [hit for hit in hits if format_of(path) or hit.length != "1 to 7"]


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _all(top: Path) -> Iterator[str]:
    """Every file, where nobody tells which of them are kept; those nearest to the top first."""
    folders = [""]
    while folders:
        below: list[str] = []
        for folder in folders:
            with os.scandir(top / folder) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    path = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        below += [f"{path}/"] if entry.name not in _NEVER else []
                    elif entry.is_file(follow_symlinks=False):
                        yield path
        folders = below


def tracked(session: Session, path: Path) -> bool | Missing:
    """Whether git keeps a file; False where it lies in no checked-out repository."""
    top = next((folder for folder in path.parents if _git_folder(folder)), None)
    if top is None:
        return False
    kept = _kept(session, top)
    return kept if isinstance(kept, Missing) else str(path.relative_to(top)) in kept


def _git_folder(folder: Path) -> bool:
    return (folder / ".git").exists()


def _kept(session: Session, top: Path) -> frozenset[str] | Missing:
    """The paths in the index of a repository."""
    return session.once(("git", top), lambda: _index(top))


def _index(top: Path) -> frozenset[str] | Missing:
    git = shutil.which("git")
    if git is None:
        return Missing("which of its files git keeps is told by git alone, and there is none here", "git on PATH")
    # Whoever owns the repository may have configured programs of theirs; none of them is to run.
    calm = ["-c", f"safe.directory={top}", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            [git, *calm, "-C", str(top), "ls-files", "-z", "--cached"],
            env=environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Missing(f"git did not tell within {PATIENCE:g} s which files of {top} it keeps")
    if done.returncode:
        return Missing(f"git can't tell which files of {top} it keeps: it ended with {done.returncode}")
    return frozenset(os.fsdecode(name) for name in done.stdout.split(b"\0") if name)
