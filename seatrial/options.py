"""The command line of a run, read once into one frozen value; what can't work is refused before anything is contacted."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.outcomes import Mode, Tier

__all__ = ["Options", "Refused", "read_options"]


class Refused(Exception):
    """A run that can't be believed, or may not be made: exit code 4, with what to do instead."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    profile: str | None
    """As it was given; without one it is that of the facts, else the demo."""
    mode: Mode
    tier: Tier
    confirm_target: str | None = None
    enforce_should: bool = False
    plan: bool = False
    facts: str | None = None
    report_dir: str = "reports"
    wait_ready: float | None = None
    """Seconds."""
    deadline: float | None = None
    """Seconds."""


def _duration(name: str, text: str | None) -> float | None:
    from seatrial.words import Duration

    if text is None:
        return None
    try:
        seconds = Duration.parse(text).seconds
    except ValueError as bad:
        raise Refused(f"{name}={text}: {bad}") from None
    if not seconds:
        raise Refused(f"{name}={text} leaves no time at all: leave it out, or give more")
    return seconds


def read_options(
    option: Mapping[str, Any], arguments: tuple[str, ...], environ: Mapping[str, str] = os.environ
) -> Options:
    """The options of a run.

    Args:
        option: pytest's parsed options by destination.
        arguments: the command line as it was typed, to see what parsing hides.
        environ: of the process.

    Raises:
        Refused: with everything that is wrong, and what to do.
    """
    problems = []
    if "--profile" in arguments:
        problems.append(
            "write --profile=PATH with an equals sign: with a space, pytest takes PATH for a test to collect"
        )
    if sys.flags.optimize or environ.get("PYTHONOPTIMIZE"):
        problems.append("Python runs with -O or PYTHONOPTIMIZE, which removes every assert: run without it")
    if option.get("assertmode") == "plain":
        problems.append("--assert=plain hides what was seen: run without it")
    if option.get("numprocesses") or option.get("tx"):
        problems.append("-n would observe the target once per worker and speeds nothing up: run without it (-n 0)")
    # An unset variable in a script must not quietly mean another deployment: --profile="$PROFILE".
    problems += [
        f"--{name.replace('_', '-')}= is empty: give it a value, or leave it out"
        for name in ("profile", "facts", "report_dir", "confirm_target", "wait_ready", "deadline")
        if option.get(name) == ""
    ]
    if option.get("plan") and option.get("facts"):
        problems.append("--plan shows what would be looked at, --facts looks at nothing: give one of them")

    tier = Tier[option["tier"]] if option.get("tier") else None
    if option.get("mode"):
        mode = Mode(option["mode"])
        if tier is not None and tier > mode.tier:
            problems.append(f"--tier={tier} is more than --mode={mode} grants ({mode.tier})")
    else:
        mode = next(mode for mode in Mode if (tier or Tier.observe) <= mode.tier)
    granted = mode.tier if tier is None else tier
    if granted > Tier.observe and option.get("timeout_method") == "thread":
        problems.append(
            f"--timeout-method=thread ends the process without undoing anything: use signal above observe ({granted})"
        )
    wait_ready = deadline = None
    try:
        wait_ready = _duration("--wait-ready", option.get("wait_ready") or None)
        deadline = _duration("--deadline", option.get("deadline") or None)
    except Refused as refused:
        problems.append(str(refused))
    if problems:
        raise Refused("\n".join(problems))
    return Options(
        profile=option.get("profile"),
        mode=mode,
        tier=granted,
        confirm_target=option.get("confirm_target"),
        enforce_should=bool(option.get("enforce_should")),
        plan=bool(option.get("plan")),
        facts=option.get("facts"),
        report_dir=option.get("report_dir") or "reports",
        wait_ready=wait_ready,
        deadline=deadline,
    )
