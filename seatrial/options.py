"""The command line of a run, read once into one frozen value; what can't work is refused before anything is contacted."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.outcomes import Mode, Tier

__all__ = ["Options", "Refused", "add_options", "read_options"]


class Refused(Exception):
    """A run that can't be believed, or may not be made: exit code 4, with what to do instead."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    profile: str
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


def add_options(group: Any) -> None:
    """Add ours to pytest's group ``seatrial``."""
    group.addoption(
        "--profile",
        metavar="NAME|PATH",
        help="profile of the deployment to test: the name of a shipped one, or a YAML file; write it with the equals sign "
        "(default: demo, a small stack that is started for the run)",
    )
    group.addoption(
        "--mode",
        choices=[mode.value for mode in Mode],
        help="why the suite runs: audit only observes (the default), gate may write and load, drill may disrupt",
    )
    group.addoption(
        "--tier",
        choices=list(Tier.__members__),
        help="the most that tests may do to the target, when it is to be less than the mode grants",
    )
    group.addoption(
        "--confirm-target",
        metavar="IDENTITY",
        help="repeat the target's identity, to grant more than observe on production",
    )
    group.addoption("--enforce-should", action="store_true", help="a broken SHOULD is a violation, not an advisory")
    group.addoption(
        "--plan",
        action="store_true",
        help="show what would run, with tier, rights and expected time, and stop; nothing is contacted",
    )
    group.addoption(
        "--facts", metavar="RUN", help="judge the facts that an earlier run saved in its folder; no target is contacted"
    )
    group.addoption("--report-dir", metavar="DIR", help="where each run's report folder goes (default: reports)")
    group.addoption(
        "--wait-ready",
        metavar="DURATION",
        help="wait until every declared readiness endpoint answers as declared, at most this long (60s), before looking",
    )
    group.addoption(
        "--deadline",
        metavar="DURATION",
        help="end the run after this time (10m); what was not looked at by then is an error, the report is written",
    )


def _duration(name: str, text: str | None) -> float | None:
    from seatrial.words import Duration

    if text is None:
        return None
    try:
        return Duration.parse(text).seconds
    except ValueError as bad:
        raise Refused(f"{name}={text}: {bad}") from None


def read_options(option: Mapping[str, Any], arguments: tuple[str, ...], environ: Mapping[str, str] = os.environ) -> Options:
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
        problems.append("write --profile=PATH with an equals sign: with a space, pytest takes PATH for a test to collect")
    if sys.flags.optimize or environ.get("PYTHONOPTIMIZE"):
        problems.append("Python runs with -O or PYTHONOPTIMIZE, which removes every assert: run without it")
    if option.get("assertmode") == "plain":
        problems.append("--assert=plain hides what was seen: run without it")
    if option.get("numprocesses") or option.get("tx"):
        problems.append("-n would observe the target once per worker and speeds nothing up: run without it (-n 0)")
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
        problems.append(f"--timeout-method=thread ends the process without undoing anything: use signal above observe ({granted})")
    try:
        wait_ready = _duration("--wait-ready", option.get("wait_ready"))
        deadline = _duration("--deadline", option.get("deadline"))
    except Refused as refused:
        problems.append(str(refused))
    if problems:
        raise Refused("\n".join(problems))
    return Options(
        profile=option.get("profile") or "demo",
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
