"""Backups of the real programs: sound ones of every form and rotation are green, and each broken one turns its requirement red alone.

All of them are backups of one profile, so that one run looks at every one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.drivers import Session, _s3
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook
from tests.integration.backups import inspection_lab as lab_
from tests.integration.backups.inspection_lab import DAY, HOUR, Case, Made, aged, cut, flipped, rotated, sh
from tests.integration.backups.store_places import free, until
from tests.integration.runs import Run
from tests.lab import Lab

pytestmark = pytest.mark.integration

KEPT = {"keep": {"for": "7d", "count": 3}, "mode": "0600", "min_size": "20B"}
FORMS = {  # by sample, what it is told to be
    "tar": "tar", "tgz": "tar in gzip", "tbz": "tar in bzip2", "txz": "tar in xz", "tzst": "tar in zstd", "zip": "zip", "gz": "gzip", "json": "json",
    "openssl": "openssl", "openssl64": "openssl", "gpg": "openpgp", "asc": "openpgp", "age": "age", "sqlite": "sqlite", "dump": "sql",
    "rdb": "rdb", "aof": "aof", "aofs": "aof", "pg_custom": "pg_dump", "pg_tar": "tar", "pg_plain": "sql", "pg_all": "sql",
    "pg_gzip": "sql in gzip", "pg_folder": "pg_dump", "pg_base": "pg_basebackup",
}  # fmt: skip
SUMMED = ("tgz", "tbz", "txz", "tzst", "zip", "rdb", "pg_custom", "pg_gzip")
"""Forms in which one turned bit shows."""
UNTOLD = ("openssl", "age")
"""Forms that don't show that they are cut off, without their key."""
SEALED = {"openssl": "openssl", "openssl64": "openssl", "gpg": "openpgp", "asc": "openpgp", "age": "age"}
CUTS = {
    "tar": "within member", "tgz": "before its end mark", "zip": "the list of members that ends a zip archive is missing",
    "rdb": "without the end mark of a dump: it is cut off", "aof": "it ends at byte", "sqlite": "that its head tells: it is cut off",
    "pg_custom": "it ends at byte", "pg_plain": "without the last line of pg_dump: it is cut off",
    "pg_all": "without the last line of pg_dumpall", "dump": "without the last line of sqlite3's .dump", "json": "it is no JSON",
    "gpg": "it is cut off", "asc": "its armor has no end",
}  # fmt: skip


class Inspected(Run):
    """A run of the area."""

    area = "backups/test_inspection.py"

    def of(self, name: str, *outcomes: str) -> dict[str, str]:
        """By requirement, what was seen of one backup, where it came to one of these outcomes."""
        return {
            one["id"]: f"{one['seen'] or one['reason']}"
            for one in self.results
            if one["subject"] == f"backups.{name}.files" and one["outcome"] in outcomes
        }


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder that every user may enter, unlike those of pytest."""
    at = Path(tempfile.mkdtemp(prefix="seatrial-inspection-", dir="/var/tmp"))
    at.chmod(0o755)
    try:
        yield at
    finally:
        shutil.rmtree(at, ignore_errors=True)


@pytest.fixture(scope="module")
def made(ground: Path) -> Made:
    return lab_.make(ground / "samples", ground)


def _sound(root: Path, made: Made) -> list[Case]:
    found = []
    for name, path in made.samples.items():
        rotated(root / f"good-{name}", path)
        found.append(Case(f"good-{name}", declared=KEPT | ({"encrypted": SEALED[name]} if name in SEALED else {})))
    tgz = made.sample("tgz")
    rotated(root / "first", tgz, 1)
    rotated(root / "daily", tgz, 9)
    rotated(root / "weekly", tgz, 4, every=7 * DAY, first=5 * DAY)
    for n, every in (("daily", DAY), ("weekly", 7 * DAY), ("monthly", 30 * DAY)):
        rotated(root / "gfs", tgz, 4, every=every, name=f"notes-{n}-{{}}")
    shrinking = rotated(root / "shrinking", made.sample("tar"), 3)
    for n, path in enumerate(shrinking):
        sh(f"tar cf {path} --exclude 'note {'[0-2]' if n == 0 else '1'}*' source", made.folder)
        path.chmod(0o600)
        aged(path, HOUR + n * DAY)
    single = rotated(root / "single", made.samples.get("rdb", tgz), 1)[0]
    single.rename(root / "single/dump.rdb")
    sums = rotated(root / "sums", tgz, 3)
    lab_.summed(sums)
    old = root / "sums/notes-2026-01-01.tar.gz.sha256"  # of one that was removed in its time
    old.write_text("0" * 64 + "  notes-2026-01-01.tar.gz\n")
    aged(old, 40 * DAY)
    beside = rotated(root / "beside", tgz, 3)
    (root / "beside/latest").symlink_to(beside[0].name)
    (root / "beside/backup.log").write_text("done\n")
    (root / "beside/notes-2026-11-29.tar.gz.tmp").write_bytes(b"half of it")
    (root / "beside/.hidden").touch()
    rotated(root / "copied", tgz, 4)
    shutil.copytree(root / "copied", root / "copied.second")
    (root / "copied.second/notes-2026-11-28.tar.gz").unlink()  # it has two hours
    sorted_ = root / "copied.second/2026/11"
    sorted_.mkdir(parents=True)
    (root / "copied.second/notes-2026-11-27.tar.gz").rename(sorted_ / "notes-2026-11-27.tar.gz")
    late = {"copies": [{"path": "backups/copied.second", "within": "2h"}]}
    return [
        *found,
        Case("first", declared={"keep": {"for": "30d", "count": 30}}, more={"schedule": {"every": "1d"}}),
        Case("daily", declared={"keep": {"for": "7d"}}, more={"schedule": {"every": "1d"}}),
        Case("weekly", declared={"keep": {"for": "21d"}}, more={"schedule": {"every": "7d"}, "rpo": "8d"}),
        Case("gfs", declared={"keep": {"at_most": 4}}),
        Case("shrinking"),
        Case("single", declared={"keep": {"at_most": 1}}, path="backups/single/dump.rdb"),
        Case("sums", declared={"checksum": "{name}.sha256", "keep": {"for": "7d"}}),
        Case("beside"),
        Case("copied", declared=late),
    ]


def _cut(root: Path, made: Made) -> list[Case]:
    found = []
    for name, path in made.samples.items():
        if name in UNTOLD or path.is_dir():
            continue
        cut(rotated(root / f"cut-{name}", path)[0], 0.7)
        aged(next((root / f"cut-{name}").glob("*28*")), HOUR)
        found.append(Case(f"cut-{name}", "BKP-011", CUTS.get(name, ""), KEPT))
        if name in SUMMED:
            # What has a list at its end, or a sum, shows a single bit; the form is told by its first bytes all the same.
            flipped(rotated(root / f"flip-{name}", path)[0])
            aged(next((root / f"flip-{name}").glob("*28*")), HOUR)
            found.append(Case(f"flip-{name}", "BKP-011", "", KEPT))
    for name, file in (("pg_folder", "toc.dat"), ("pg_base", "base.tar.gz"), ("aofs", "appendonly.aof.1.base.rdb")):
        if name in made.samples:
            whole = rotated(root / f"cut-{name}", made.sample(name))[0]
            each = whole / file
            each = each if each.exists() else next(whole.glob("*.rdb"))
            cut(each)
            aged(whole, HOUR)
            found.append(Case(f"cut-{name}", "BKP-011", f"{each.name}: ", KEPT))
    return found


def _broken(root: Path, made: Made) -> list[Case]:
    tgz = made.sample("tgz")

    def at(name: str, count: int = 4, **more: Any) -> list[Path]:
        return rotated(root / name, tgz, count, **more)

    (root / "nothing").mkdir()
    at("stale", first=3 * DAY)
    at("ahead")
    aged(root / "ahead/notes-2026-11-28.tar.gz", -2 * DAY)
    at("small")
    shrunk = at("shrunk")[0]
    sh(f"tar czf {shrunk} -C source 'note 1.txt'", made.folder)
    shrunk.chmod(0o600)
    aged(shrunk, HOUR)
    empty = at("empty")[0]
    empty.write_bytes(b"")
    aged(empty, HOUR)
    member = at("memberless", 1)[0]
    sh(f"tar czf {member} -T /dev/null", made.folder)
    aged(member, HOUR)
    at("wide")[1].chmod(0o644)
    at("open")[0].chmod(0o644)
    (root / "open").chmod(0o755)
    os.chown(at("owner")[0], 34, 34)
    at("clear")
    if "gpg" in made.samples:
        at("renamed")[0].rename(root / "renamed/notes-2026-11-28.gpg")
    false = at("salted", 1)[0]
    false.write_bytes(b"Salted__12345678" + made.sample("tgz").read_bytes())
    aged(false, HOUR)
    words = at("worded", 1)[0]
    words.write_bytes(b"Salted__12345678" + b"a note that anybody can read\n" * 900)
    aged(words, HOUR)
    lab_.summed(at("sumless")[1:])
    sums = at("wrong_sum")
    lab_.summed(sums)
    (root / "wrong_sum/notes-2026-11-28.tar.gz.sha256").write_text("ab" * 32 + "  notes-2026-11-28.tar.gz\n")
    lab_.summed(at("unsummed"))
    (root / "unsummed/notes-2026-11-28.tar.gz.sha256").write_text("sha256sum: no such file\n")
    at("left")
    (root / "left/notes-2026-11-20.tar.gz.part").write_bytes(b"half")
    aged(root / "left/notes-2026-11-20.tar.gz.part", 2 * DAY)
    at("old", 14)
    at("many", 6)
    lab_.summed(at("early", 7))
    for path in sorted((root / "early").glob("*.tar.gz"))[:5]:
        path.unlink()
    at("replaced", 1)
    at("gap")
    for path in sorted((root / "gap").glob("*.tar.gz"))[:-1]:
        aged(path, 5 * DAY + HOUR * int(path.name[14:16]))
    copies = {}
    for name in ("uncopied", "unlike", "shortened", "linked", "same"):
        at(name, first=5 * HOUR)
        if name != "same":
            shutil.copytree(root / name, root / f"{name}.second")
        copies[name] = {"copies": [{"path": f"backups/{name}.second", "within": "1h"}]}
    (root / "uncopied.second/notes-2026-11-28.tar.gz").unlink()
    flipped(root / "unlike.second/notes-2026-11-28.tar.gz")
    cut(root / "shortened.second/notes-2026-11-28.tar.gz")
    link = root / "linked.second/notes-2026-11-28.tar.gz"
    link.unlink()
    link.symlink_to(root / "linked/notes-2026-11-28.tar.gz")
    (root / "same.second").mkdir()
    for path in (root / "same").iterdir():
        os.link(path, root / "same.second" / path.name)
    daily = {"schedule": {"every": "1d"}}
    return [
        Case("nothing", "BKP-001", "no file whose name is *"),
        Case("nowhere", "BKP-001", "there is no such file or folder"),
        Case("unmatched", "BKP-001", "no file whose name is *.sql.gz", {"match": "*.sql.gz"}, path="backups/stale"),
        Case("stale", "BKP-002", "the newest backup is 3d"),
        Case("ahead", "BKP-002", "ahead, so that its age can't be told"),
        Case("small", "BKP-003", "at least 1MiB", {"min_size": "1MiB"}),
        Case("shrunk", "BKP-004", "and the 3 before it"),
        Case("empty", "BKP-005", "0 bytes"),
        Case("memberless", "BKP-005", "tar in gzip without a member"),
        Case("wide", "BKP-006", "mode 0644 (expected no more than 0600)", {"mode": "0600"}),
        Case("open", "BKP-007", "mode 0644, in a folder that all users may enter"),
        Case("owner", "BKP-008", "owned by backup (expected root)", {"owner": "root"}),
        Case("clear", "BKP-009", "it is tar in gzip, in the clear", {"encrypted": "any"}),
        *([Case("renamed", "BKP-009", "it is tar in gzip", {"encrypted": "openpgp", "match": "*.gpg"})] if "gpg" in made.samples else []),
        Case("salted", "BKP-009", "after its head there is gzip, in the clear", {"encrypted": "openssl"}),
        Case("worded", "BKP-009", "which nothing encrypted does", {"encrypted": "openssl"}),
        Case("sumless", "BKP-010", "no checksum file notes-2026-11-28.tar.gz.sha256", {"checksum": "{name}.sha256"}),
        Case("wrong_sum", "BKP-010", "sha256 says abababababab…", {"checksum": "{name}.sha256"}),
        Case("unsummed", "BKP-010", "holds no digest of it", {"checksum": "{name}.sha256"}),
        Case("left", "BKP-013", "not written to for 2d"),
        Case("old", "BKP-014", "old (expected kept for 7d)", {"keep": {"for": "7d"}}, daily),
        Case("many", "BKP-014", "6 backups (expected at most 5)", {"keep": {"at_most": 5}}),
        Case("early", "BKP-015", "the backup of this checksum file is gone", {"checksum": "{name}.sha256", "keep": {"for": "7d"}}),
        Case("replaced", "BKP-015", "each backup replaces the one before", {"keep": {"count": 7}}, path="backups/replaced/notes-2026-11-28.tar.gz"),
        Case("gap", "BKP-016", "no backup for", {"keep": {"for": "7d"}}, daily),
        Case("uncopied", "BKP-017", "no copy of notes-2026-11-28.tar.gz, which is 5h", copies["uncopied"]),
        Case("unlike", "BKP-018", "is of the same size, with digest", copies["unlike"]),
        Case("shortened", "BKP-018", "the copy of notes-2026-11-28.tar.gz is", copies["shortened"]),
        Case("linked", "BKP-019", "is a symbolic link, and no copy", copies["linked"]),
        Case("same", "BKP-019", "the same file on the same disk", copies["same"]),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def every(made: Made, ground: Path) -> tuple[Inspected, dict[str, Case], Path]:
    """One run over all of them."""
    root = ground / "all"
    (root / "backups").mkdir(parents=True)
    cases = [*_sound(root / "backups", made), *_cut(root / "backups", made), *_broken(root / "backups", made)]
    run = Inspected(lab_.profile(root, cases), root)
    return run, {case.name: case for case in cases}, root


def test_what_is_sound_is_green_whatever_program_made_it(every: tuple[Inspected, dict[str, Case], Path]) -> None:
    run, cases, _ = every
    wrong = {name: run.of(name, "violation", "advisory", "error") for name, case in cases.items() if not case.red}
    assert len(wrong) > 20
    assert {name: told for name, told in wrong.items() if told} == {}


def test_each_broken_one_turns_its_requirement_red_and_no_other(every: tuple[Inspected, dict[str, Case], Path]) -> None:
    run, cases, _ = every
    broken = {name: case for name, case in cases.items() if case.red}
    seen = {name: run.of(name, "violation", "advisory") for name in broken}
    assert {name: sorted(told) for name, told in seen.items()} == {name: [case.red] for name, case in broken.items()}
    assert [f"{name}: {seen[name]}" for name, case in broken.items() if case.said not in seen[name][case.red]] == []
    undecided = {name: sorted(run.of(name, "error")) for name in broken}
    assert {name: ids for name, ids in undecided.items() if ids and broken[name].red != "BKP-001"} == {}


def test_every_requirement_but_that_on_half_written_files_is_shown_red(
    every: tuple[Inspected, dict[str, Case], Path],
) -> None:
    _, cases, _ = every
    assert {case.red for case in cases.values() if case.red} == {f"BKP-{n:03d}" for n in range(1, 20)} - {"BKP-012"}


def test_each_form_is_told(every: tuple[Inspected, dict[str, Case], Path], made: Made) -> None:
    run, _, _ = every
    facts = json.loads((run.folder / "facts.json").read_text())["observations"]["backup_files"]
    told = {name: facts[f"backups.good-{name}.files"]["files"][0]["form"] for name in made.samples}
    assert told == {name: FORMS[name] for name in made.samples}
    assert {name for name in made.samples if facts[f"backups.good-{name}.files"]["files"][0]["broken"]} == set()


def test_its_facts_give_the_same_verdicts_when_the_backups_are_gone(
    every: tuple[Inspected, dict[str, Case], Path],
) -> None:
    run, _, root = every
    (root / "backups").rename(root / "gone")
    try:
        again = Inspected(root / "inspection.yaml", root, f"--facts={run.folder}")
    finally:
        (root / "gone").rename(root / "backups")
    assert again.told() == run.told()


def test_a_backup_that_is_being_written_is_told_and_the_one_before_it_counts(made: Made, tmp_path: Path) -> None:
    rotated(tmp_path / "backups/growing", made.sample("tgz"))
    growing = tmp_path / "backups/growing/notes-2026-11-29.tar.gz"
    profile = lab_.profile(tmp_path, [Case("growing", declared=KEPT)])
    done = threading.Event()

    def write() -> None:
        with growing.open("wb", buffering=0) as file:
            growing.chmod(0o600)
            while not done.wait(0.05):
                file.write(b"\x1f\x8b" + os.urandom(512))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        run = Inspected(profile, tmp_path)
    finally:
        done.set()
        writer.join()
    assert run.ids("violation", "error") == []
    assert run.of("growing", "advisory") == {"BKP-012": run.of("growing", "advisory")["BKP-012"]}
    assert "notes-2026-11-29.tar.gz: it changed within a second" in run.of("growing", "advisory")["BKP-012"]


def test_who_may_not_read_them_is_told_so_and_gets_no_verdict_on_what_is_in_them(made: Made, tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can be somebody else, with setpriv")
    at = Path(tempfile.mkdtemp(prefix="seatrial-closed-", dir="/var/tmp"))
    try:
        at.chmod(0o777)
        rotated(at / "backups/closed", made.sample("tgz"))
        (at / "backups/closed").chmod(0o755)
        (at / "backups").chmod(0o755)
        profile = lab_.profile(at, [Case("closed", declared=KEPT)])
        paths = f"PYTHONPATH={os.pathsep.join([str(Path(__file__).parents[3]), *filter(None, sys.path)])}"
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"HOME={at}", paths)
        code = "import pydantic_core, pytest, seatrial"
        pythons = (sys.executable, shutil.which("python3", path=os.defpath) or "")
        able = [  # an interpreter in somebody's home is closed to others
            python
            for python in pythons
            if python and not subprocess.run([*nobody, python, "-c", code], check=False, capture_output=True).returncode
        ]
        if not able:
            pytest.skip("no Python here that nobody in particular may run")
        run = Inspected(profile, at, before=nobody, python=able[0], SEATRIAL_STATE=str(at / "state"))
        assert run.ids("violation", "advisory") == []
        assert sorted(run.of("closed", "error")) == ["BKP-011"]
        assert "can't be read by this user" in run.of("closed", "error")["BKP-011"]
    finally:
        shutil.rmtree(at)


def test_hostile_files_are_refused_and_cost_little(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "backups"
    bomb = rotated(root / "bomb", made.sample("gz"), 1)[0]
    sh(f"head -c 100M /dev/zero | gzip -1 > {bomb}", tmp_path)
    deep = rotated(root / "deep", made.sample("json"), 1)[0]
    deep.write_text("[" * 2_000_000)
    (root / "fifo").mkdir()
    os.mkfifo(root / "fifo/notes.tar")
    (root / "loop").mkdir()
    (root / "loop/notes.tar").symlink_to("notes.tar")
    names = ("bomb", "deep", "fifo", "loop")
    began = time.monotonic()
    run = Inspected(lab_.profile(tmp_path, [Case(name) for name in names]), tmp_path)
    assert time.monotonic() - began < 60
    assert "notes" not in run.of("bomb", "violation").get("BKP-011", "")
    assert sorted(run.of("fifo", "violation")) == sorted(run.of("loop", "violation")) == ["BKP-001"]
    assert "it is nested too deep to be read" in run.of("deep", "error")["BKP-011"]
    assert all("trouble of Seatrial's own" not in (one["reason"] or "") for one in run.results)


# --- in containers, and in buckets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("running", [True, False])
def test_backups_in_a_container_are_looked_at_through_its_root_or_its_engine(
    running: bool, made: Made, lab: Lab, tmp_path: Path
) -> None:
    samples = tmp_path / "in"
    for path in rotated(samples / "good", made.sample("tgz")) + rotated(samples / "cut", made.sample("tgz")):
        os.chown(path, 10001, 10001)
    cut(samples / "cut/notes-2026-11-28.tar.gz")
    aged(samples / "cut/notes-2026-11-28.tar.gz", HOUR)
    container = lab.single("tiny", volumes=[f"{samples}:/var/backups:ro"])
    try:
        if not running:
            lab.engine.call("POST", f"/containers/{container.id}/stop", t=1, accept=(304,))
        more = {"owner": "10001", "mode": "0600", "service": "app"}
        cases = [
            Case(name, declared=more, path=f"/var/backups/{name}", more={"service": "app"})
            for name in ("good", "cut", "gone")
        ]
        target = {"driver": "docker"}
        app = {"app": {"containers": [container.name]}}
        run = Inspected(lab_.profile(tmp_path, cases, target=target, services=app), tmp_path)
    finally:
        container.down()
    assert run.of("good", "violation", "advisory", "error") == {}, run.text
    assert list(run.of("cut", "violation", "advisory", "error")) == ["BKP-011"]
    assert list(run.of("gone", "violation", "advisory")) == ["BKP-001"]
    calls = run.report["calls"]
    assert [name for name in calls if not name.endswith(" GET")] == []


def test_backups_and_copies_in_a_bucket(minio: str, made: Made, tmp_path: Path) -> None:
    port, key = free(), "a-key-of-the-test-alone"
    store = tmp_path / "store"
    for name in ("primary", "second"):
        (store / name).mkdir(parents=True)
    env = {**os.environ, "MINIO_ROOT_USER": "seatrial", "MINIO_ROOT_PASSWORD": key}
    child = subprocess.Popen(
        [minio, "server", "--quiet", "--address", f"127.0.0.1:{port}", str(store)],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        session = Session(None, tmp_path, lambda value: value or "", granted=Tier.write)  # type: ignore[arg-type]

        def bucket(name: str) -> Any:
            return _s3.Bucket(session, f"http://127.0.0.1:{port}", name, access="seatrial", secret=key)

        def up() -> bool:
            try:
                bucket("primary").list()
            except CouldNotLook:
                return False
            return True

        until(up, "MinIO", within=150)  # in qemu, beside others
        local = rotated(tmp_path / "backups/notes", made.sample("tgz"), first=2 * HOUR)
        for path in local:
            bucket("second").put(f"good/{path.name}", path)
            bucket("primary").put(f"good/{path.name}", path)
        half = local[0].read_bytes()[:-500]
        bucket("primary").put("cut/notes-1.tar.gz", half)
        for path in local[1:]:
            bucket("second").put(f"less/{path.name}", path)
            bucket("second").put(f"other/{path.name}", path)
        bucket("second").put(f"other/{local[0].name}", half)
        (tmp_path / "key").write_text(key)

        def node(name: str, prefix: str = "") -> dict[str, Any]:
            keys = {"access_key": {"env": "STORE_USER"}, "secret_key": {"file": str(tmp_path / "key")}}
            return {"url": f"http://127.0.0.1:{port}", "bucket": name, "prefix": prefix, **keys}

        cases = [Case("in-bucket", declared={"bucket": node("primary")}, path="good/")]
        cases += [Case("cut-in-bucket", declared={"bucket": node("primary")}, path="cut/")]
        cases += [Case("none-in-bucket", declared={"bucket": node("primary")}, path="none/")]
        cases += [
            Case(
                f"copied-{prefix}",
                declared={"copies": [{"bucket": node("second", f"{prefix}/"), "within": "1h"}]},
                path="backups/notes",
            )
            for prefix in ("good", "less", "other")
        ]
        run = Inspected(lab_.profile(tmp_path, cases), tmp_path, STORE_USER="seatrial")
    finally:
        child.terminate()
        child.wait(40)
    bad = {case.name: sorted(run.of(case.name, "violation", "advisory")) for case in cases}
    assert bad == {
        "in-bucket": [],
        "cut-in-bucket": ["BKP-011"],
        "none-in-bucket": ["BKP-001"],
        "copied-good": [],
        "copied-less": ["BKP-017"],
        "copied-other": ["BKP-018"],
    }, run.text
    assert [name for name in bad if run.of(name, "error") and name != "none-in-bucket"] == []
    assert key not in run.text
    assert [path for path in run.folder.rglob("*") if path.is_file() and key.encode() in path.read_bytes()] == []
