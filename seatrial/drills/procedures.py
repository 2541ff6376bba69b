"""Documented procedures: how each is run as it is written, and what is known of how it went.

A script of bash is watched from inside by the file that BASH_ENV names: it notes programs that are not there, commands that
fail and the line that is reached, and changes nothing of what the script does. Of other shells what they complain of is read.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills import pipelines
from seatrial.facts.backups.drill import Failed, Ran
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["KEPT", "Plan", "Said", "as_status", "merged", "plan", "ran", "replaced", "watching"]

KEPT = 16 * 1024
"""Bytes of the end of what a procedure says that are kept."""
SHOWN = 4096
NOTES = 1000
"""Notes of a watched script that are read at most."""
WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """One procedure, ready to be run."""

    what: str
    argv: tuple[str, ...]
    within: float
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    user: str = ""
    service: str = ""
    script: str = ""
    """Path of the script, where the place has it."""
    shell: str = ""
    """bash, sh, or empty."""
    lines: tuple[str, ...] = ()
    """Of a script of bash."""


@dataclass(frozen=True, slots=True)
class Said:
    """How it ended, as its place saw it."""

    status: int | Missing
    seconds: float
    output: bytes = b""
    error: bytes = b""
    absent: str = ""
    """The program that could not be started."""
    notes: bytes = b""
    """What `watching` wrote."""


def plan(
    node: Any, base: Path, text: Callable[[Any], str], lay: Callable[[Path], str], *, within: float | None = None
) -> Plan:
    """How a procedure of the profile is run.

    Args:
        node: a `Script`, or a program with arguments.
        base: folder of the profile.
        text: resolves what it is given.
        lay: gives where the place has a script, after it was put there if need be.
        within: seconds, when not its own.

    Raises:
        CouldNotLook: the script can't be read, or a reference of it.
    """
    if isinstance(node, list | tuple):
        argv = tuple(map(str, node))
        return Plan(os.path.basename(argv[0]), argv, within or WITHIN)
    file = base / node.script
    first = _first_line(file)
    path = lay(file)
    arguments = tuple(text(each) for each in node.arguments)
    interpreter = tuple(shlex.split(node.interpreter)) if node.interpreter else _shebang(first)
    return Plan(
        what=file.name,
        argv=(*(interpreter or ("sh",)), path, *arguments),
        within=within or node.within.seconds,
        environment={name: text(value) for name, value in node.environment.items()},
        directory=node.directory or "",
        user=node.user or "",
        service=node.service or "",
        script=path,
        shell=_shell(interpreter),
        lines=_lines(file) if _shell(interpreter) == "bash" else (),
    )


def _lines(file: Path) -> tuple[str, ...]:
    try:
        with open(file, "rb") as stream:
            return tuple(stream.read(1024 * 1024).decode("utf-8", "replace").split("\n"))
    except OSError:
        return ()


def _first_line(file: Path) -> bytes:
    try:
        with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as stream:
            return stream.readline(1024)
    except OSError as why:
        raise CouldNotLook(f"{file} can't be read: {why.strerror}", right=f"read {file}") from None


def _shebang(first: bytes) -> tuple[str, ...]:
    """What the first line says that runs it, as the kernel would."""
    if not first.startswith(b"#!"):
        return ()
    words = first[2:].decode("utf-8", "replace").strip().split(None, 1)
    return tuple(words)


def _shell(interpreter: tuple[str, ...]) -> str:
    if not interpreter:
        return "sh"
    words = [os.path.basename(part) for word in interpreter for part in word.split()]
    name = words[0]
    if name == "env":
        name = next((word for word in words[1:] if not word.startswith("-") and "=" not in word), "")
    return name if name == "bash" else "sh" if name in ("sh", "dash", "ash", "busybox", "ksh", "zsh") else ""


def watching(notes: str) -> str:
    """The text of a file for BASH_ENV that notes into another file how a script goes on."""
    to = shlex.quote(notes)
    return f"""\
unset BASH_ENV
__seatrial_line=0
__seatrial_pipe=
command_not_found_handle() {{
  builtin printf 'lacking\\t%s\\n' "$1" >>{to}
  builtin printf '%s: line %s: %s: command not found\\n' "$0" "${{BASH_LINENO[0]}}" "$1" >&2
  return 127
}}
__seatrial_failed() {{
  [[ ${{BASH_SOURCE[1]}} == "$0" ]] && builtin printf 'failed\\t%s\\t%s\\t%s\\n' "$2" "$1" "${{3//[$'\\n\\t']/ }}" >>{to}
  return 0
}} 2>/dev/null
__seatrial_reached() {{
  if [[ $BASHPID == "$$" && $2 != "$__seatrial_pipe" ]]; then
    __seatrial_pipe=$2
    [[ $2 == *[1-9]*" 0" && ${{BASH_SOURCE[1]}} == "$0" ]] && builtin printf 'piped\\t%s\\t%s\\n' "$1" "$2" >>{to}
  fi
  if [[ ${{BASH_SOURCE[1]}} == "$0" ]] && (( $1 > __seatrial_line )); then
    __seatrial_line=$1
    builtin printf 'line\\t%s\\n' "$1" >>{to}
  fi
  return 0
}} 2>/dev/null
set -o errtrace -o functrace
trap '__seatrial_failed "$?" "$LINENO" "$BASH_COMMAND" "$_"' ERR
trap '__seatrial_reached "$LINENO" "${{PIPESTATUS[*]}}" "$_"' DEBUG
"""


# --- what came of it ---------------------------------------------------------------------------------------------------

_LACKING = (
    re.compile(r"^(?:\S+: )?(?:line )?\d+: (?P<name>[^\s:]+): (?:command )?not found$"),
    re.compile(r"^(?:\S+: )?line \d+: (?P<name>[^\s:]+): command not found$"),
    re.compile(r"^(?:sudo|doas): (?P<name>[^\s:]+): command not found$"),
    re.compile(r"^(?:/\S*/)?(?:env|nohup|nice|timeout|xargs|setsid|exec)(?:: failed to run command| failed to run command)?:? "
               r"[‘'\"](?P<name>[^’'\"]+)[’'\"]: No such file or directory$"),
    re.compile(r"^xargs: (?P<name>[^\s:]+): No such file or directory$"),
)  # fmt: skip


def ran(session: Session, plan: Plan, said: Said) -> Ran:
    """The fact of one run. No secrets are in it."""

    def shown(text: str) -> str:
        return session.redact(session.mask(text))

    error = said.error.decode("utf-8", "replace")
    lacking, failed, last = _noted(said.notes, list(plan.lines))
    lacking += [said.absent] if said.absent else []
    if plan.shell:
        lacking += [
            match["name"] for line in error.splitlines() for rule in _LACKING if (match := rule.match(line.strip()))
        ]
    return Ran(
        what=plan.what,
        status=said.status,
        seconds=round(said.seconds, 3),
        said=shown(said.output.decode("utf-8", "replace"))[-SHOWN:],
        complained=shown(error)[-SHOWN:],
        lacking=tuple(dict.fromkeys(shown(name)[:200] for name in lacking)),
        failed=tuple(Failed(line, shown(command)[:300], status) for line, command, status in dict.fromkeys(failed)),
        last_line=last,
    )


def _noted(notes: bytes, lines: list[str]) -> tuple[list[str], list[tuple[int, str, int]], int]:
    """Programs that lacked, commands that failed, and the last line, of what `watching` wrote."""
    lacking: list[str] = []
    failed: list[tuple[int, str, int]] = []
    last = 0
    for raw in notes.decode("utf-8", "replace").split("\n")[:-1]:
        words = raw.split("\t", 3)
        if words[0] == "lacking" and len(words) > 1 and len(lacking) < NOTES:
            lacking.append(words[1])
        elif words[0] == "failed" and len(words) == 4 and words[1].isdecimal() and words[2].isdecimal():
            if len(failed) < NOTES:
                failed.append((int(words[1]), words[3], int(words[2])))
        elif words[0] == "piped" and len(words) == 3 and len(failed) < NOTES:
            statuses = [int(word) for word in words[2].split() if word.isdecimal()]
            if part := pipelines.failed_part(lines, last, statuses):
                failed.append((last, f"{part[0]} (its pipeline ended with 0)", part[1]))
        elif words[0] == "line" and len(words) > 1 and words[1].isdecimal():
            last = max(last, int(words[1]))
    return lacking, failed, last


def replaced(plan: Plan, what: str) -> Plan:
    """The same under another name."""
    return replace(plan, what=what)


def as_status(status: int) -> int:
    """An exit status as shells have it: 128 and the number of a signal."""
    return 128 - status if status < 0 else status


def merged(*parts: Mapping[str, str] | None) -> dict[str, str]:
    """Variables, the later ones before the earlier."""
    found: dict[str, str] = {}
    for part in parts:
        found.update(part or {})
    return found
