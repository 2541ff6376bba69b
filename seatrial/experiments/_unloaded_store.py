"""Where unloaded latencies are kept: files of pytest-benchmark, one folder a deployment and in it one a class of hardware."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.experiments import _attesting
from seatrial.safety.journal import state_folder
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.facts.machine import Machine
    from seatrial.profile.model import Profile

__all__ = ["UNSEEN", "class_of", "folder_for", "last", "saved"]

UNSEEN = "unseen"
"""The class of a machine that nobody has looked at."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a file that is read."""
_RIGHT = "a folder of this user's own: SEATRIAL_STATE, or XDG_STATE_HOME"


def class_of(profile: Profile, machine: Machine | Missing) -> str:
    """The first class of the profile that this machine fits; else one made of architecture, processors and memory."""
    if isinstance(machine, Missing):
        return UNSEEN
    emulated = "-emulated" if machine.emulated and not isinstance(machine.emulated, Missing) else ""
    if declared := _attesting.class_of(profile, machine)[0]:
        return f"{declared}{emulated}"
    memory = 0 if isinstance(machine.memory, Missing) else machine.memory.total
    told = [str(each) for each in (machine.arch, machine.cpus) if not isinstance(each, Missing)]
    if len(told) < 2 or not memory:
        return UNSEEN
    return f"{told[0]}-{told[1]}cpus-{round(memory / 2**30)}GiB{emulated}"


def folder_for(profile: Profile, identity: str) -> Path:
    """The folder of one deployment, made when it is not there, for its owner alone: a profile and a target, so that two
    deployments of one profile are not compared.

    Raises:
        CouldNotLook: it can't be made.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "-", profile.profile)[:60]
    folder = state_folder() / "baselines" / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as why:
        raise CouldNotLook(f"no baseline can be kept in {folder}: {why.strerror}", right=_RIGHT) from None
    return folder


def _files(folder: Path, class_: str) -> list[Path]:
    found = [
        file for file in (folder / class_).glob("[0-9][0-9][0-9][0-9]*_*.json") if file.name.split("_")[0].isdigit()
    ]
    return sorted(found, key=lambda file: (int(file.name.split("_")[0]), file.name))


def last(folder: Path, class_: str) -> tuple[str, dict[str, tuple[float, ...]]] | None:
    """The last run of a class: its file and date, and each benchmark's rounds by name. None where there is none yet.

    Raises:
        CouldNotLook: the file can't be read as one of pytest-benchmark.
    """
    files = _files(folder, class_)
    if not files:
        return None
    file = files[-1]
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError
        told = json.loads(file.read_bytes())
        rounds = {str(one["param"]): tuple(float(each) for each in one["stats"]["data"]) for one in told["benchmarks"]}
        when = str(told["datetime"])[:19]
    except OSError as why:
        raise CouldNotLook(f"the last baseline, {file}, can't be read: {why.strerror}", right=_RIGHT) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CouldNotLook(f"the last baseline, {file}, is no file of pytest-benchmark with its data") from None
    return f"{file.name} of {when} UTC", rounds


def saved(folder: Path, class_: str, text: bytes) -> Path:
    """Keep what pytest-benchmark wrote, under the next number, whole or not at all.

    Raises:
        CouldNotLook: it can't be kept.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    place = folder / class_
    new = place / f".{os.getpid()}.new"
    try:
        place.mkdir(exist_ok=True, mode=0o700)
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as writing:
            writing.write(text)
            writing.flush()
            os.fsync(writing.fileno())
        files = _files(folder, class_)
        number = int(files[-1].name.split("_")[0]) + 1 if files else 1
        file = place / f"{number:04}_{stamp}.json"
        new.rename(file)
    except OSError as why:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise CouldNotLook(f"the baseline can't be kept in {place}: {why.strerror}", right=_RIGHT) from None
    return file
