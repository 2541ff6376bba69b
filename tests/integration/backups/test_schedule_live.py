"""Schedules as they lie on a real machine: crontabs, timers and logs, each right or wrong in one way, and exactly its id turns red.

All of them are backups of one profile, so that one run looks at every one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.runs import Run
from tests.lab import Engine, Lab

pytestmark = pytest.mark.integration


class Backups(Run):
    """A run of the area."""

    area = "backups"

    def __init__(self, profile: Path, folder: Path, *options: str) -> None:
        super().__init__(profile, folder, *options)
        self.profile = profile


@dataclass(frozen=True)
class Machine:
    """A machine's files below a folder of ours: /etc/cron.d, /etc/systemd/system, /var/log and a program."""

    root: Path

    def file(self, path: str, text: str, mode: int = 0o644) -> Path:
        at = self.root / path
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(text)
        at.chmod(mode)
        return at

    @property
    def program(self) -> Path:
        return self.root / "sbin/backup.sh"

    def cron(self, name: str, line: str, *, end: str = "\n", mode: int = 0o644, before: str = "") -> str:
        at = self.file(f"etc/cron.d/{name}", f"# backups\n{before}{line}{end}", mode)
        return f"{{every: 1d, crontab: {at}, runs: backup.sh}}"

    def timer(self, name: str, when: str, start: str = "", *, enabled: bool = True) -> str:
        at = self.file(
            f"etc/systemd/system/{name}.timer",
            f"[Timer]\n{when}\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
        )
        if start is not None:
            self.file(
                f"etc/systemd/system/{name}.service", f"[Service]\nType=oneshot\nExecStart={start or self.program}\n"
            )
        if enabled:
            link = self.root / f"etc/systemd/system/timers.target.wants/{name}.timer"
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(at)
        return f"{{every: 1d, timer: {at}, runs: backup.sh}}"

    def log(self, name: str, text: str, *, hours: float = 7.0, **told: str) -> str:
        at = self.file(f"var/log/{name}.log", text)
        os.utime(at, (time.time() - hours * 3600,) * 2)
        line = f"30 2 * * * root {self.program} >> {at} 2>&1"
        cron = self.cron(name, line)
        more = "".join(f", {key}: {value}" for key, value in ({"success": "finished"} | told).items())
        return f"{cron[:-1]}, log: {at}{more}}}"


@dataclass(frozen=True)
class Case:
    """One backup: how its schedule is installed, what turns red, and what is said."""

    schedule: Callable[[Machine], str]
    red: tuple[str, ...] = ()
    text: str = ""
    errors: tuple[str, ...] = ()
    rpo: str = "1d"


# Nothing can be told of how often that runs which does not run.
HIDDEN = ("BKP-021",)


def line(when: str = "30 2 * * *", command: str = "", user: str = "root") -> Callable[[Machine], str]:
    return lambda on: f"{when} {user} {command or on.program}".replace("PROGRAM", str(on.program))


def cron(
    name: str, when: str = "30 2 * * *", command: str = "", user: str = "root", **more: object
) -> Callable[[Machine], str]:
    return lambda on: on.cron(name, line(when, command, user)(on), **more)


SOUND = {
    "nightly": Case(cron("nightly")),
    "nickname": Case(cron("nickname", "@daily")),
    "percent": Case(cron("percent", command=r"PROGRAM --to /b/$(date +\%F).tar.gz")),
    "hourly": Case(cron("hourly", "17 */6 * * *", command="flock -n /run/b.lock PROGRAM")),
    "guarded": Case(cron("guarded", command="[ -x PROGRAM ] && cd / && PROGRAM >> /dev/null 2>&1")),
    "pathed": Case(lambda on: on.cron("pathed", "5 1 * * * root backup.sh", before=f"PATH=/usr/bin:{on.root}/sbin\n")),
    "wordy": Case(cron("wordy", command="PROGRAM --mail 'half done' --note \"it's\"")),
    "weekly": Case(lambda on: cron("weekly", "0 3 * * sun")(on).replace("every: 1d", "every: 7d"), rpo="7d"),
    "daily-script": Case(
        lambda on: (
            f"{{every: 1d, crontab: {on.file('etc/cron.daily/backup', f'#!/bin/sh{chr(10)}exec {on.program}{chr(10)}', 0o755)}, runs: backup.sh}}"
        )
    ),
    "timer": Case(lambda on: on.timer("sound", "OnCalendar=*-*-* 02:30:00")),
    "timer-shell": Case(
        lambda on: on.timer(
            "shell", "OnCalendar=daily\nRandomizedDelaySec=1h", f"/bin/sh -c '{on.program} > /b/$(date +%%F)'"
        )
    ),
    "timer-active": Case(lambda on: on.timer("active", "OnBootSec=15min\nOnUnitActiveSec=1d")),
    "logged": Case(lambda on: on.log("logged", "starting\nbackup finished\n")),
    "log-noise": Case(lambda on: on.log("log-noise", "backup finished\nrotated 3 files\n", failure="error")),
    "undeclared": Case(lambda on: "{none: it is made by hand before each release, owner: someone}"),
}
BROKEN = {
    "gone": Case(
        lambda on: f"{{every: 1d, crontab: {on.root}/etc/cron.d/gone, runs: backup.sh}}",
        ("BKP-020",),
        "there is no such file",
        HIDDEN,
    ),
    "commented": Case(
        lambda on: on.cron("commented", f"#30 2 * * * root {on.program}"),
        ("BKP-020",),
        "nothing in it runs `backup.sh`",
        HIDDEN,
    ),
    "dated": Case(
        cron("dated", command="PROGRAM --to /b/$(date +%F).tar.gz"),
        ("BKP-020",),
        "% ends a command in a crontab",
        HIDDEN,
    ),
    "unended": Case(cron("unended", end=""), ("BKP-020",), "no newline at its end", HIDDEN),
    "named.cron": Case(cron("named.cron"), ("BKP-020",), "cron leaves out a file of this name", HIDDEN),
    "writable": Case(cron("writable", mode=0o664), ("BKP-020",), "its mode is 0664", HIDDEN),
    "userless": Case(
        lambda on: on.cron("userless", f"30 2 * * * {on.program} --all"), ("BKP-020",), "is no user here", HIDDEN
    ),
    "unpathed": Case(
        cron("unpathed", command="backup.sh"), ("BKP-020",), "is in no folder of cron's PATH, /usr/bin:/bin", HIDDEN
    ),
    "moved": Case(cron("moved", command="/opt/old/backup.sh"), ("BKP-020",), "there is no /opt/old/backup.sh", HIDDEN),
    "never": Case(cron("never", "30 2 31 6 *"), ("BKP-020",), "its date never comes: 30 2 31 6 *", HIDDEN),
    "late": Case(cron("late", "30 24 * * *"), ("BKP-020",), "bad hour: 24", HIDDEN),
    "neighbour": Case(
        lambda on: on.cron("neighbour", f"30 2 * * * root {on.program}\n60 4 * * * root true"),
        ("BKP-020",),
        "leaves out the whole file for its line 3: bad minute: 60",
        HIDDEN,
    ),
    "weekdays": Case(
        cron("weekdays", "30 2 * * 1-5"), ("BKP-021",), "as much as 3d pass between two runs (30 2 * * 1-5)"
    ),
    "boot": Case(cron("boot", "@reboot"), ("BKP-021",), "it runs when the machine starts, and at no other time"),
    "rare": Case(cron("rare"), ("BKP-021",), "at most 6h (rpo)", rpo="6h"),
    "disabled": Case(
        lambda on: on.timer("disabled", "OnCalendar=daily", enabled=False),
        ("BKP-020",),
        "it is not enabled: no timers.target.wants",
        HIDDEN,
    ),
    "misspelled": Case(
        lambda on: on.timer("misspelled", "OnCalendar=*-*-* 26:00:00"), ("BKP-020",), "26 is not from 0 to 23", HIDDEN
    ),
    "once": Case(lambda on: on.timer("once", "OnBootSec=1h"), ("BKP-020",), "it elapses once", HIDDEN),
    "unborn": Case(
        lambda on: on.timer("unborn", "OnUnitActiveSec=1d"), ("BKP-020",), "never elapses a first time", HIDDEN
    ),
    "piped": Case(
        lambda on: on.timer("piped", "OnCalendar=daily", f"{on.program} --all | gzip > /b/x.gz"),
        ("BKP-020",),
        "systemd starts no shell: `|`",
        HIDDEN,
    ),
    "specifier": Case(
        lambda on: on.timer("specifier", "OnCalendar=daily", f"/bin/sh -c '{on.program} > /b/$(date +%F)'"),
        ("BKP-020",),
        "% begins a specifier",
        HIDDEN,
    ),
    "weekly-timer": Case(lambda on: on.timer("weekly", "OnCalendar=weekly"), ("BKP-021",), "as much as 7d pass"),
    "failing": Case(
        lambda on: on.log("failing", "backup finished\npg_dump: error: connection refused\n", failure="error"),
        ("BKP-023",),
        "the last run did not succeed: pg_dump: error: connection refused",
    ),
    "aborted": Case(
        lambda on: on.log("aborted", "backup finished\nstarting\n"),
        ("BKP-023",),
        "the last run did not succeed: starting",
    ),
    "stopped": Case(lambda on: on.log("stopped", "backup finished\n", hours=80), ("BKP-023",), "the last run was 3d"),
}


PROMISED = "command: [a], restore: [a], verify: [a], rpo: 1d, rto: 1h, drill: {none: not here, owner: someone}"
UNDECLARED = {
    "unrestorable": ("restore: [a], ", "BKP-026", "nothing restores it: restore is not declared"),
    "untried": ("drill: {none: not here, owner: someone}", "BKP-027", "drill is not declared"),
    "unverified": ("verify: [a], ", "BKP-028", "verify is not declared"),
    "unpromised": ("rpo: 1d, ", "BKP-029", "rpo is not declared"),
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with a program that makes backups, where a cron and a systemd run, by their names."""
    if os.geteuid():
        pytest.skip("files of cron are root's")
    on = Machine(tmp_path_factory.mktemp("machine"))
    on.file("sbin/backup.sh", "#!/bin/sh\nexit 0\n", 0o755)
    on.file("etc/debian_version", "12.4\n")
    started = []
    for name in ("cron", "systemd"):
        shutil.copy(shutil.which("sleep") or "", on.root / name)
        started.append(subprocess.Popen([on.root / name, "600"]))
    yield on
    for one in started:
        one.kill()
        one.wait()


@pytest.fixture(scope="module")
def seen(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Backups:
    """One run over all of them."""
    folder = tmp_path_factory.mktemp("run")
    return Backups(_profile(machine, folder, SOUND | BROKEN), folder)


def _profile(machine: Machine, folder: Path, cases: dict[str, Case]) -> Path:
    script = machine.file("sbin/made.sh", "#!/bin/sh\nexit 0\n", 0o755)
    backups = "".join(
        f"  {name.replace('.', '-')}:\n    command: [{script}]\n    restore: [{script}]\n    verify: [{script}]\n"
        f"    rpo: {case.rpo}\n    rto: 1h\n    drill: {{none: not here, owner: someone}}\n    schedule: {case.schedule(machine)}\n"
        for name, case in cases.items()
    )
    backups += "".join(
        f"  {name}: {{{PROMISED}, schedule: {{none: by hand, owner: someone}}}}\n".replace(key, "").replace(", ,", ",")
        for name, (key, _, _) in UNDECLARED.items()
    )
    at = folder / "machine.yaml"
    at.write_text(
        "profile: machine\nenvironment: test\ntarget: {driver: process}\n"
        f"services:\n  app:\n    process: {{pid: {os.getpid()}}}\nbackups:\n{backups}"
    )
    return at


def of(seen: Backups, name: str, *outcomes: str) -> list[str]:
    ids = (f"backups.{name.replace('.', '-')}", f"backups.{name.replace('.', '-')}.schedule")
    return sorted({r["id"] for r in seen.results if r["subject"] in ids and r["outcome"] in outcomes})


@pytest.mark.parametrize("name", SOUND)
def test_what_is_installed_as_it_should_be_is_green(name: str, seen: Backups) -> None:
    assert of(seen, name, "violation", "advisory", "error") == [], seen.text
    assert of(seen, name, "pass")


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_in_one_way_turns_exactly_its_id_red(name: str, seen: Backups) -> None:
    case = BROKEN[name]
    assert (of(seen, name, "violation", "advisory"), of(seen, name, "error")) == (
        sorted(case.red),
        sorted(case.errors),
    ), seen.text
    told = [
        f"{r['seen']}"
        for r in seen.results
        if r["subject"] == f"backups.{name.replace('.', '-')}.schedule" and r["outcome"] == "violation"
    ]
    assert case.text in "\n".join(told)


# --- containers ------------------------------------------------------------------------------------------------------

SLEEP = {
    "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"],
    "healthcheck": {"test": ["CMD", "true"], "interval": "300ms"},
}
CRON = shutil.which("cron", path="/usr/sbin")


@pytest.fixture(scope="module")
def contained(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backups]:
    """A deployment in containers, of which one crontab has no cron, one volume was forgotten, and so was one store."""
    folder = tmp_path_factory.mktemp("contained")
    table = folder / "backup"
    table.write_text("30 2 * * * root /bin/true backup.sh\n")
    with Lab(docker_engine) as lab:
        mounted = f"{table}:/etc/cron.d/backup:ro"
        singles = {
            "store": lab.single(name="store", volumes=["kept:/data"], **SLEEP),
            "later": lab.single(name="later", volumes=["fresh:/srv/media"], **SLEEP),
            "lost": lab.single(name="lost", volumes=["queue:/queue"], **SLEEP),
            "cache": lab.single(name="cache", volumes=["cached:/cache"], **SLEEP),
            "cronless": lab.single(name="cronless", volumes=[mounted], **SLEEP),
        }
        if CRON:
            cron = {"user": "0:0", "read_only": False, "entrypoint": ["/usr/sbin/cron", "-f"], "command": []}
            singles["croned"] = lab.single(
                "service",
                name="croned",
                volumes=[mounted, f"{CRON}:/usr/sbin/cron:ro"],
                healthcheck=SLEEP["healthcheck"],
                **cron,
            )
        kept = {
            "store": "{paths: [/data]}",
            "lost": "{paths: [/queue]}",
            "cache": "{paths: [/cache], backup: {none: made again from the store, owner: someone}}",
        }
        services = "".join(
            f"  {name}:\n    containers: [{one.name}]\n" + (f"    persistence: {kept[name]}\n" if name in kept else "")
            for name, one in singles.items()
        )
        backups = (
            f"  store: {{holds: [{lab.project}-store-kept], {PROMISED}, schedule: {{none: by hand, owner: someone}}}}\n"
        )
        for name in sorted({"cronless", "croned"} & set(singles)):
            backups += f"  {name}: {{{PROMISED}, schedule: {{every: 1d, service: {name}, crontab: /etc/cron.d/backup, runs: backup.sh}}}}\n"
        profile = folder / "contained.yaml"
        profile.write_text(
            f"profile: contained\nenvironment: test\ntarget: {{driver: docker}}\nservices:\n{services}backups:\n{backups}"
        )
        yield Backups(profile, folder)


def test_what_is_forgotten_among_containers_turns_exactly_its_id_red(contained: Backups) -> None:
    red = {
        (r["id"], r["subject"]): f"{r['seen']}" for r in contained.results if r["outcome"] in ("violation", "advisory")
    }
    assert sorted(red) == [
        ("BKP-022", "backups.cronless.schedule"),
        ("BKP-024", "later"),
        ("BKP-025", "lost.persistence"),
    ], contained.text
    assert "no cron runs in container" in red["BKP-022", "backups.cronless.schedule"]
    assert "-later-fresh, at /srv/media, is in no backup" in red["BKP-024", "later"]
    assert "lost: /queue: it is in no backup" in red["BKP-025", "lost.persistence"]
    assert contained.ids("error") == []
    assert "services.cache.persistence.backup: made again from the store (someone)" in " ".join(contained.text.split())


def test_a_container_whose_cron_runs_is_green(contained: Backups) -> None:
    told = {r["id"]: r["outcome"] for r in contained.results if r["subject"] == "backups.croned.schedule"}
    if not told:
        pytest.skip("there is no cron here that a container could run")
    assert told == dict.fromkeys(("BKP-020", "BKP-021", "BKP-022"), "pass"), contained.text


# --- the declaration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNDECLARED)
def test_what_is_not_declared_turns_exactly_its_id_red(name: str, seen: Backups) -> None:
    _, id, text = UNDECLARED[name]
    assert (of(seen, name, "violation", "advisory"), of(seen, name, "error")) == ([id], []), seen.text
    assert text in "".join(f"{r['seen']}" for r in seen.results if (r["id"], r["subject"]) == (id, f"backups.{name}"))


def test_a_replay_gives_the_same_verdicts(seen: Backups, tmp_path: Path) -> None:
    assert Backups(seen.profile, tmp_path, f"--facts={seen.folder}").told() == seen.told()


def test_a_replay_knows_what_was_mounted(contained: Backups, tmp_path: Path) -> None:
    assert Backups(contained.profile, tmp_path, f"--facts={contained.folder}").told() == contained.told()
