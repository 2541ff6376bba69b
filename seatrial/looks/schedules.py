"""What makes each backup by itself, as it is installed, and what its last run came to. Only files and names of processes are read."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from seatrial.drivers._calendar import longest
from seatrial.facts.backups.schedule import Entry, LastRun, ScheduleSeen
from seatrial.looks._schedule_cron import table
from seatrial.looks._schedule_log import last_run
from seatrial.looks._schedule_timer import timer
from seatrial.looks._schedule_tree import Tree, trees
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.backing import Backup, Schedule
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "RIGHTS", "look", "program"]

PART = "schedules"
NOUNS = ("schedule",)
RIGHTS = {Tier.observe: "read the crontab or unit files of a backup, its log, and the names of the processes beside it"}
_INTERPRETERS = ("sh", "bash", "dash", "zsh", "ksh", "env", "sudo", "python", "python3", "perl", "node")


def program(node: Backup) -> str:
    """Text that what runs a backup must hold: declared, or the program that makes it."""
    schedule: Any = node.schedule
    if schedule is not None and getattr(schedule, "runs", None):
        return str(schedule.runs)
    command = node.command
    if not isinstance(command, list):
        return os.path.basename(str(command.script))
    words = [str(word) for word in command]
    if len(words) > 1 and os.path.basename(words[0]) in _INTERPRETERS:
        if "-m" in words and words[-1] != "-m":
            return words[words.index("-m") + 1]
        words = [word for word in words[1:] if not word.startswith("-")] or words
    return os.path.basename(words[0].rstrip("/")) or words[0]


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> ScheduleSeen:
    """What is installed to make one backup."""
    node: Backup = subject.node
    schedule: Any = node.schedule
    now = time.time()
    found = [_seen(session, tree, schedule, program(node), now) for tree in trees(session, runtime, schedule.service)]
    session.call("files", "GET")
    # Of several containers of one service one is to run it.
    good = [
        seen for seen in found if isinstance(seen.entries, tuple) and any(not each.problem for each in seen.entries)
    ]
    return good[0] if good else found[0]


def _seen(session: Session, tree: Tree, schedule: Schedule, runs: str, now: float) -> ScheduleSeen:
    entries: tuple[Entry, ...] | Missing = Missing("schedule declares neither crontab nor timer")
    beside: tuple[Entry, ...] = ()
    place = absent = ""
    gap: float | Missing = Missing("nothing that is installed runs it")
    alive: str | Missing = Missing("schedule declares neither crontab nor timer")
    if (declared := schedule.crontab or schedule.timer) is not None:
        path = _path(session, tree, declared)
        place = tree.where(path)
        try:
            alive = tree.cron() if schedule.crontab is not None else tree.systemd()
        except CouldNotLook as why:
            alive = Missing(why.reason, why.right)
        try:
            found = (table if schedule.crontab is not None else timer)(tree, path, runs, _told(session))
        except CouldNotLook as why:
            entries = Missing(why.reason, why.right)
        else:
            absent = "there is no such file" if found is None else f"nothing in it runs `{runs}`"
            ours, others, times = found or ([], [], [])
            entries, beside = tuple(ours), tuple(others)
            spans = [each for each in times if isinstance(each, float)]
            whens = [each for each in times if not isinstance(each, float)]
            known = [each for each in (longest(whens), *spans) if each is not None]
            gap = min(known) if known else Missing(_why(entries))
    return ScheduleSeen(
        looked=now,
        entries=entries,
        beside=beside,
        place=place,
        absent="" if entries else absent,
        longest=gap,
        last=_last(session, tree, schedule, now),
        alive=alive,
    )


def _why(entries: tuple[Entry, ...]) -> str:
    """Why there is no longest time between two runs."""
    reasons = [each.longest.reason for each in entries if isinstance(each.longest, Missing) and not each.problem]
    return reasons[0] if reasons else "nothing that is installed runs it"


def _told(session: Session) -> Any:
    return lambda text: session.redact(session.mask(text))


def _path(session: Session, tree: Tree, declared: Any) -> str:
    path = session.resolve(declared)
    return path if tree.name else os.path.abspath(os.path.join(session.base, path))


def _last(session: Session, tree: Tree, schedule: Schedule, now: float) -> LastRun | Missing | None:
    if schedule.log is None:
        return None
    try:
        path = _path(session, tree, schedule.log)
        return last_run(tree, path, schedule.success, schedule.failure, now, _told(session))
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
