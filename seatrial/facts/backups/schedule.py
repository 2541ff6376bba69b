"""What is installed that makes a backup by itself, and what its last runs came to."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["REBOOT", "Entry", "LastRun", "ScheduleSeen"]

REBOOT = "it runs when the machine starts, and at no other time"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a crontab, or one timer with the unit it starts."""

    where: str
    """``/etc/cron.d/backup:3``, ``backup.timer``."""
    runs: str
    """What it runs; secrets are taken out."""
    when: str
    """Its five fields, or OnCalendar."""
    user: str = ""
    longest: float | Missing = Missing("it was not worked out")
    """The longest time between two runs of it, seconds."""
    problem: str = ""
    """Why it never runs, or does something else: ``% is a newline in a crontab``, ``not enabled``, ``no newline at the end``."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a log says of the last run."""

    where: str
    at: float
    """When it was written last, seconds since the epoch."""
    ok: bool | Missing
    said: str = ""
    """The line that tells; secrets are taken out."""


@dataclass(frozen=True, slots=True)
class ScheduleSeen:
    """What is installed, and how its last run ended."""

    looked: float
    entries: tuple[Entry, ...] | Missing
    """Those that run the backup."""
    beside: tuple[Entry, ...] = ()
    """Others of the same file."""
    place: str = ""
    """Where that was looked for: ``/etc/cron.d/backup``."""
    absent: str = ""
    """Why there is none of them: ``there is no such file``."""
    longest: float | Missing = Missing("it was not worked out")
    """The longest time between two runs of any of them, seconds."""
    last: LastRun | Missing | None = None
    """None where no log is declared."""
    alive: str | Missing = Missing("nothing shows whether cron or systemd runs")
    """Empty when what must start it runs; else why not."""
