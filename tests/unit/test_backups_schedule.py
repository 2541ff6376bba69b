"""Crontabs, timers and logs as they are read: what each line comes to, how long nothing runs, and that nothing makes it hang."""

from __future__ import annotations

import contextlib
import os
import time

import pytest

from seatrial.drivers import _cron, _units
from seatrial.drivers._calendar import Unknown, Unreadable, longest
from seatrial.looks._schedule_cron import table
from seatrial.looks._schedule_log import last_run
from seatrial.looks._schedule_timer import timer
from seatrial.looks._schedule_tree import Tree
from seatrial.words import CouldNotLook, Missing

DAY = 86400.0


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("30 2 * * *", 1),
        ("*/15 * * * *", 1 / 96),
        ("0 2 * * 0", 7),
        ("0 2 * * 7", 7),
        ("0 2 * * mon-fri", 3),
        ("0 2 * * fri-mon", 4),
        ("0 2,14 * * *", 1 / 2),
        ("0 2 1 * *", 31),
        ("0 2 31 * *", 61),
        ("0 2 29 2 *", 1461),
        # Either of the two, unless one of them begins with a star.
        ("0 2 1,15 * 1", 7),
        ("0 2 */2 * 1", 21),
        ("0 0 1 1 *", 366),
    ],
)
def test_the_longest_time_between_two_runs_of_cron(text, days):
    assert longest([_cron.fields(text)]) == days * DAY


def test_several_lines_together():
    assert longest([_cron.fields("0 2 * * 1-5"), _cron.fields("0 4 * * 6,0")]) == 26 / 24 * DAY
    assert longest([_cron.fields("0 2 30 2 *")]) is None
    assert longest([]) is None


@pytest.mark.parametrize("text", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "1,,2 * * * *", "*/0 * * * *",
                                  "* * * * Sunday", "7-3 * * * *", "* * * *", "a * * * *", "-1 * * * *", "*/99999999999999999999 * * * x"])  # fmt: skip
def test_what_cron_refuses(text):
    with pytest.raises(Unreadable):
        _cron.fields(text)


def test_a_step_needs_a_range_in_debian_alone():
    assert _cron.fields("5/15 * * * *").times[:2] == [300, 1200]
    with pytest.raises(Unreadable, match="a step needs a range"):
        _cron.fields("5/15 * * * *", debian=True)


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("tar -cf /b/$(date +%F).tar /data", "tar -cf /b/$(date +"),
        ("pg_dump x > '/b/%Y.sql'", "pg_dump x > '/b/"),
        ("backup --name=%d", "backup --name="),
    ],
)
def test_a_percent_sign_ends_a_command(command, given):
    (line,) = _cron.read(f"0 2 * * * {command}\n", system=False).lines
    assert (line.command, "% ends a command" in line.problem) == (given, True)


@pytest.mark.parametrize("command", [r"tar -cf /b/$(date +\%F).tar /data", "mail -s done root%It is done", "echo 100"])
def test_a_percent_sign_that_is_meant_so(command):
    (line,) = _cron.read(f"0 2 * * * {command}\n", system=False).lines
    assert line.problem == ""


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", 1),
        ("weekly", 7),
        ("hourly", 1 / 24),
        ("Mon..Fri 02:00", 3),
        ("Mon,Thu *-*-* 03:30:00", 4),
        ("*-*-* 02:30:00 Europe/Berlin", 1),
        ("daily UTC", 1),
        ("*:0/15", 1 / 96),
        ("*-*-01 04:00", 31),
        ("*-*~01 04:00", 31),
        ("02:00", 1),
        ("*-*-* 1..5/2:00", 20 / 24),
        ("*-01,07-01 00:00:00", 184),
    ],
)
def test_the_longest_time_between_two_runs_of_a_timer(text, days):
    assert longest([_units.calendar(text)]) == pytest.approx(days * DAY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26:00",
        "*-13-* 02:00",
        "Funday 02:00",
        "1 2 3",
        "*-*-* 5..2:00",
        "*:0/0",
        "Fri..Mon 02:00",
        "Mon, Tue 3:00",
        "2027-*-* 2:00",
        "x" * 10_000,
    ],
)
def test_what_a_calendar_event_is_not(text):
    with pytest.raises(Unreadable):
        _units.calendar(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1d", DAY), ("1h 30min", 5400), ("90", 90), ("1 day", DAY), ("2weeks", 14 * DAY)]
)
def test_spans(text, seconds):
    assert _units.span(text) == seconds


def test_what_is_not_worked_out_is_no_fault(tree, tmp_path):
    for text in ("2027-*-* 2:00", "@1800000000", "3:00:00.5"):
        with pytest.raises(Unknown):
            _units.calendar(text)
    units = tmp_path / "etc/systemd/system"
    at = write(units / "b.timer", "[Timer]\nOnCalendar=2027-*-* 2:00\n")
    write(units / "b.service", "[Service]\nExecStart=/bin/true backup\n")
    write(units / "timers.target.wants/b.timer", "")
    ((entry,), _, times) = timer(tree, at, "backup", str) or ((), (), ())
    assert (entry.problem, isinstance(entry.longest, Missing), times) == ("", True, [])


def test_spans_that_are_none():
    for text in ("", "soon", "1 fortnight", "d1"):
        with pytest.raises(Unreadable):
            _units.span(text)


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    return Tree("/", "", frozenset({"cron"}))


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return str(path)


def test_a_drop_in_changes_when_a_timer_elapses(tree, tmp_path):
    units = tmp_path / "etc/systemd/system"
    at = write(units / "b.timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n")
    write(units / "b.service", "[Service]\nExecStart=/bin/true backup\n")
    write(units / "timers.target.wants/b.timer", "")
    found = timer(tree, at, "backup", str)
    assert found is not None
    assert [(each.longest, each.problem) for each in found[0]] == [(DAY, "")]
    write(units / "b.timer.d/weekly.conf", "[Timer]\nOnCalendar=\nOnCalendar=weekly\n")
    found = timer(tree, at, "backup", str)
    assert found is not None
    assert [(each.longest, each.problem) for each in found[0]] == [(7 * DAY, "")]


def test_a_timer_of_something_else_is_none_of_this_backup(tree, tmp_path):
    at = write(tmp_path / "etc/systemd/system/b.timer", "[Timer]\nOnCalendar=daily\n")
    write(tmp_path / "etc/systemd/system/b.service", "[Service]\nExecStart=/bin/true cleanup\n")
    found = timer(tree, at, "backup", str)
    assert found is not None
    assert (found[0], [each.runs for each in found[1]]) == ([], ["/bin/true cleanup"])


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("30 2 * * * root /bin/true backup", ""),
        ("30 2 * * * /bin/true backup", ""),
        ("30 2 * * * PATH=$PATH:/opt/bin backup.sh", ""),
        ("30 2 * * * (cd / && ./backup.sh)", ""),
        ("30 2 * * * nowhere-at-all --backup", "`nowhere-at-all` is in no folder of cron's PATH"),
    ],
)
def test_a_crontab_that_some_other_cron_reads(tree, tmp_path, line, problem):
    found = table(tree, write(tmp_path / "deploy/backup.cron", f"{line}\n"), "backup", str)
    assert found is not None
    ((entry,), _, _) = found
    assert entry.problem.startswith(problem)
    assert bool(entry.problem) == bool(problem)


def test_a_random_delay_that_spreads_load_is_not_counted(tree, tmp_path):
    units = tmp_path / "etc/systemd/system"
    write(units / "b.service", "[Service]\nExecStart=/bin/true backup\n")
    write(units / "timers.target.wants/b.timer", "")
    for delay, gap in (("1h", DAY), ("12h", 1.5 * DAY)):
        at = write(units / "b.timer", f"[Timer]\nOnCalendar=daily\nRandomizedDelaySec={delay}\n")
        ((entry,), _, _) = timer(tree, at, "backup", str) or ((), (), ())
        assert entry.longest == gap


def test_a_huge_crontab_is_refused_and_a_pipe_is_none(tree, tmp_path):
    with pytest.raises(CouldNotLook, match="larger than 1 MiB"):
        table(tree, write(tmp_path / "etc/cron.d/huge", "#" * 2_000_000), "backup", str)
    os.mkfifo(tmp_path / "etc/cron.d/pipe")
    assert table(tree, str(tmp_path / "etc/cron.d/pipe"), "backup", str) is None


def test_a_crontab_of_very_many_lines_takes_no_time(tree, tmp_path):
    began = time.monotonic()
    at = write(tmp_path / "etc/cron.d/many", "* * * * * root /bin/true backup\n" * 9_000)
    with pytest.raises(CouldNotLook, match="more than 200 lines"):
        table(tree, at, "backup", str)
    at = write(tmp_path / "etc/cron.d/others", "* * * * * root /bin/true other\n" * 9_000)
    assert table(tree, at, "backup", str) is not None
    assert time.monotonic() - began < 10


def test_nothing_that_is_written_takes_long(tree, tmp_path):
    began = time.monotonic()
    for text in ("1" * 100_000 + "!", "1 " * 50_000 + "!", "1"):
        with contextlib.suppress(Unreadable):
            _units.span(text)
    with contextlib.suppress(Unreadable):
        _units.calendar(":" * 100_000)
    units = tmp_path / "etc/systemd/system"
    write(units / "b.service", f"[Service]\nExecStart=/bin/true backup {'date +' * 100_000}\n")
    at = write(units / "b.timer", "[Timer]\n" + "OnCalendar=daily\n" * 40_000)
    assert timer(tree, at, "backup", str) is not None
    spaces, quotes = " " * 400_000, "'" * 400_000
    at = write(tmp_path / "etc/cron.d/long", f"A={spaces}x\n0 2 * * * root backup {quotes}\n")
    assert table(tree, at, "backup", str) is not None
    assert time.monotonic() - began < 10


def test_bytes_that_are_no_text_are_no_trouble(tree, tmp_path):
    at = write(tmp_path / "etc/cron.d/odd", bytes(range(256)) * 40)
    assert table(tree, at, "backup", str) is not None
    assert timer(tree, write(tmp_path / "etc/systemd/system/odd.timer", bytes(range(256))), "backup", str) is not None


def log(tree, tmp_path, text, *, success="done", failure=None, hours=5.0):
    at = write(tmp_path / "b.log", text)
    return last_run(tree, at, success, failure, os.stat(at).st_mtime + hours * 3600, str)


def test_what_a_log_tells(tree, tmp_path):
    assert log(tree, tmp_path, "begin\nall done\n").ok is True
    assert log(tree, tmp_path, "all done\nbegin\n").ok is False
    assert isinstance(log(tree, tmp_path, "all done\nbegin\n", hours=0.2).ok, Missing)
    assert log(tree, tmp_path, "all done\nerror: full\n", failure="error").ok is False
    assert log(tree, tmp_path, "error: full\nall done\nrotated\n", failure="error").ok is True
    assert log(tree, tmp_path, "x\nerror: full\n", success=None, failure="error").said == "error: full"
    assert isinstance(log(tree, tmp_path, ""), Missing)
    (tmp_path / "b.log.1").write_text("all done\n")
    assert log(tree, tmp_path, "").where.endswith("b.log.1")


def test_of_a_huge_log_the_end_is_read(tree, tmp_path):
    assert log(tree, tmp_path, "noise\n" * 1_000_000 + "all done\n").ok is True
