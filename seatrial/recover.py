"""The command ``seatrial recover``: what earlier runs left of their disturbances is told, and undone."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from seatrial.recovering import hands_of, identity_of, recover, told
from seatrial.safety import journal as journals
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.safety.journal import Entry

__all__ = ["command"]

GUARDIAN_WITHIN = 120.0
"""Seconds that a guardian at work is waited for."""
_ABOUT = """\
Undo what an earlier run did to a target and could not undo itself.

A run that disturbs writes every act into a journal before it does it, and that it is undone after it has been. When a run
is killed its guardian undoes what stands at once; after a power cut, or when the guardian was killed too, the journal
stays open, and no other run disturbs that target before `seatrial recover` has closed it. Acts are undone the last first,
each is looked at afterwards, and trying again does no harm.
"""
_EPILOG = """\
exit codes:
  0  nothing was to be undone, or all of it was
  3  something is not as it was found: not undone, not looked at (--dry-run), or a journal that can't be read
  4  the command line is wrong

examples:
  seatrial recover --dry-run          what stands, by which run, since when; nothing is done
  seatrial recover                    undo it
  seatrial recover --json             the same, for programs
  seatrial recover --close FILE       the target was put right by hand, or is gone: close its journal
  SEATRIAL_STATE=/var/lib/seatrial seatrial recover      journals of runs that had this variable set

Journals lie in $SEATRIAL_STATE/targets, else in $XDG_STATE_HOME/seatrial/targets (~/.local/state/seatrial/targets).
"""


@dataclass(slots=True)
class Told:
    """What came of one journal."""

    journal: str
    state: str
    """recovered, standing, running, not recovered, unreadable, closed."""
    run: str = ""
    driver: str = ""
    target: str = ""
    standing: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether nobody has to look here any more."""
        return self.state in ("recovered", "closed")


def command(words: Sequence[str]) -> int:
    """`seatrial recover`; gives an exit code."""
    parser = _Parser(
        prog="seatrial recover",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what stands, and do nothing")
    parser.add_argument(
        "--journal", metavar="FILE", help="of this journal alone; without it, every open one of every target"
    )
    parser.add_argument(
        "--close", metavar="FILE", help="close this journal without undoing anything: you have put it right"
    )
    parser.add_argument("--json", action="store_true", help="for programs: one object on standard output")
    given = parser.parse_args(words)
    if given.close and (given.journal or given.dry_run):
        parser.error("--close stands alone: it undoes nothing")
    one = given.close or given.journal
    if one and not Path(one).is_file():
        parser.error(f"{one} is no file")

    def say(line: str) -> None:
        if not given.json:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    files = [Path(one)] if one else journals.journals()
    results = [
        result
        for file in files
        if (result := _one(file, say, dry_run=given.dry_run, close=bool(given.close), asked=bool(one)))
    ]
    well = all(result.well for result in results)
    if given.json:
        fields = ("journal", "state", "run", "driver", "target", "standing", "problems")
        document = {
            "recovered": well,
            "dry_run": given.dry_run,
            "journals": [{name: getattr(result, name) for name in fields} for result in results],
        }
        sys.stdout.write(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    elif not results:
        say(f"nothing to recover: no journal is open below {journals.state_folder()}")
    return 0 if well else 3


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _one(file: Path, say: Callable[[str], None], *, dry_run: bool, close: bool, asked: bool) -> Told | None:
    """Deal with one journal; None when it is closed and nobody asked for it."""
    try:
        entry = journals.read(file)
    except CouldNotLook as why:
        say(f"{why.reason}")
        return Told(str(file), "unreadable", problems=[why.reason])
    if entry.closed:
        if asked:
            say(f"{file}: closed; nothing is left of it")
        return Told(str(file), "closed") if asked else None
    result = _introduced(entry, say)
    if entry.alive:
        return _refused(result, say, "running", f"the run that made it still lives: pid {entry.head['pid']}")
    if dry_run:
        return result
    try:
        with _held(entry, say):
            entry = journals.read(file)  # a guardian may have been at it meanwhile
            if entry.closed:
                say("  recovered by the guardian of that run")
                result.state, result.standing = "recovered", []
                return result
            if close:
                journal = journals.Journal.again(file)
                journal.note(by="hand", uid=os.getuid())
                journal.close()
                say("  closed: nothing was undone")
                result.state = "closed"
                return result
            return _recovered(entry, result, say)
    except journals.Held as who:
        return _refused(result, say, "running", f"the target is held: {who}")
    except (CouldNotLook, OSError) as why:
        return _refused(result, say, "not recovered", str(getattr(why, "reason", None) or why))


def _introduced(entry: Entry, say: Callable[[str], None]) -> Told:
    head = entry.head
    run = f"pid {head.get('pid', '?')}, begun {_clock(head.get('at'))}"
    target = str(head.get("target") or head.get("identity") or "")
    result = Told(str(entry.file), "standing", run, str(head.get("driver", "")), target)
    say(f"{entry.file}\n  run {run}; driver {result.driver}, target {target}")
    for number, act in entry.standing:
        sure = "" if number in entry.done else " (whether it was done to its end is not known)"
        say(f"  {_clock(entry.began.get(number))}  {told(act)}{sure}")
        result.standing.append(
            {
                "number": number,
                "at": entry.began.get(number),
                "done": number in entry.done,
                **act.told(),
                "told": told(act),
            }
        )
    if not entry.standing:
        say("  nothing stands: every act was undone before its run ended")
    return result


def _recovered(entry: Entry, result: Told, say: Callable[[str], None]) -> Told:
    if entry.standing:
        hands, was = hands_of(entry.head), entry.head.get("identity")
        # A test alert and a scratch place are no part of the target, and are known by what they are called.
        now = was if all(act.kind in ("alert", "stage") for _, act in entry.standing) else identity_of(entry.head)
        if now != was:
            raise CouldNotLook(
                f"this is not the target of the journal: it is {now or 'unknown'}, the journal's was {was}"
            )
        result.problems = recover(entry, hands, by="recover", say=lambda line: say(f"  {line}"))
    else:
        journal = journals.Journal.again(entry.file)
        journal.close()
    if not result.problems:
        say("  recovered")
        result.state = "recovered"
        return result
    for problem in result.problems:
        say(f"  not recovered: {problem}")
    say(f"  the journal stays open; put it right by hand and say `seatrial recover --close {entry.file}`, or try again")
    result.state = "not recovered"
    return result


def _refused(result: Told, say: Callable[[str], None], state: str, why: str) -> Told:
    say(f"  not recovered: {why}")
    result.state = state
    result.problems.append(why)
    return result


@contextmanager
def _held(entry: Entry, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the target; a guardian that is at work is waited for."""
    key, pid = entry.head.get("key"), entry.head.get("pid")
    folder = journals.folder_of(key) if isinstance(key, str) else entry.file.parent
    end = time.monotonic() + GUARDIAN_WITHIN
    waited = False
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(journals.held_at(folder, "seatrial recover"))
                break
            except journals.Held as who:
                # By that run, as the guardian found it, or by the guardian by its name.
                own = str(who).startswith((f"pid {pid},", f"the guardian of run {pid},"))
                if not own or time.monotonic() >= end:
                    raise
            if not waited:
                say("  waiting for the guardian of that run")
            waited = True
            time.sleep(0.2)
        yield


def _clock(at: object) -> str:
    if not isinstance(at, int | float):
        return "at an unknown time"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
