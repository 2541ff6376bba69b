"""Scratch places are what they say: kept apart, bounded, and gone, on this kernel and on a real engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills.hands import LABEL, StageHands
from seatrial.drills.places import deployment
from seatrial.drills.places.hiding import hidden
from seatrial.drivers import docker
from seatrial.experiments._handless import Handless
from seatrial.outcomes import Tier
from seatrial.safety import journal as journals
from seatrial.words import CouldNotLook, Missing
from tests.integration.backups import places_lab as lab
from tests.lab import Engine, images

pytestmark = pytest.mark.integration
SLEEPING = {"image": lab.IMAGE, "command": ["sleep", "600"]}
REDIS = {"image": "seatrial-lab/redis:1", "files": {"/run/secrets/harbor_password": "password"}}
ROOT = os.geteuid() == 0


@pytest.fixture
def image(require) -> str:
    require("docker")
    images.ensure(Engine(), ("redis",), digests=False)
    return lab.IMAGE


@pytest.fixture(params=["folder", "container"])
def stage(request):
    if request.param == "container":
        request.getfixturevalue("image")
        return SLEEPING
    return {}


# --- files, commands and servers, the same in both --------------------------------------------------------------------


def test_files_go_in_and_come_out_as_they_were(stage, tmp_path):
    source = tmp_path / "notes"
    (source / "deep" / "empty").mkdir(parents=True)
    (source / "a ü\nb.txt").write_bytes(b"\0\xff" * 1000)
    (source / "a ü\nb.txt").chmod(0o640)
    os.utime(source / "a ü\nb.txt", (1_000_000_000, 1_000_000_000))
    (source / "nothing").touch()
    (source / "link").symlink_to("/etc/passwd")
    with lab.placed(tmp_path, **stage) as place:
        place.put(source, "notes")
        place.put(source, "notes")  # in place of what is there
        here = place.resolve("notes") and place.announced["SCRATCH_DIR"]
        found = {entry.path.removeprefix(f"{here}/"): entry for entry in place.entries("notes")}
        assert sorted(found) == [
            "notes",
            "notes/a ü\nb.txt",
            "notes/deep",
            "notes/deep/empty",
            "notes/link",
            "notes/nothing",
        ]
        file = found["notes/a ü\nb.txt"]
        assert (file.kind, file.size, file.mode, int(file.modified)) == ("file", 2000, 0o640, 1_000_000_000)
        assert (found["notes/link"].kind, found["notes/link"].link) == ("link", "/etc/passwd")
        assert place.read("notes/a ü\nb.txt") == b"\0\xff" * 1000
        place.fetch("notes", tmp_path / "back")
        assert (tmp_path / "back/a ü\nb.txt").read_bytes() == b"\0\xff" * 1000
        assert (tmp_path / "back/a ü\nb.txt").stat().st_mode & 0o777 == 0o640
        assert os.readlink(tmp_path / "back/link") == "/etc/passwd"
        place.remove("notes")
        place.remove("notes")
        assert place.entries("notes") == ()
        place.put(source, "more")
        with pytest.raises(CouldNotLook, match="larger than 1KiB"):
            place.fetch("more", tmp_path / "too-much", most=1024)
        with pytest.raises(CouldNotLook, match="more than 3 files"):
            place.entries("more", most=3)
        with pytest.raises(CouldNotLook):
            place.fetch("not-there", tmp_path / "nothing")


def test_a_script_is_run_as_it_is_written_and_what_failed_in_it_is_known(stage, tmp_path):
    node = lab.script(
        tmp_path,
        """#!/bin/bash
count() { false; echo counted; }
if ! grep -q zz /etc/hostname; then echo "into $BACKUP_DIR: $1"; fi
count
no-such-dump --globals-only > "$SCRATCH_DIR/globals"
true && test -e /nowhere || echo none
cd "$SCRATCH_DIR" && ls
(exit 7)
exit 3
echo never reached
""",
        arguments=[{"env": "BACKUP_FILE"}],
    )
    with lab.placed(tmp_path, **stage) as place:
        ran = place.procedure(node, what="backup", environment={"BACKUP_DIR": "/backups", "BACKUP_FILE": "/backups/x"})
        assert (ran.what, ran.status, ran.last_line) == ("backup.sh", 3, 9)
        assert ran.said == "into /backups: /backups/x\ncounted\nnone\nglobals\n"
        assert ran.lacking == ("no-such-dump",)
        assert [(each.line, each.status) for each in ran.failed] == [(2, 1), (5, 127), (8, 7)]
        assert ran.failed[1].command == 'no-such-dump --globals-only > "$SCRATCH_DIR/globals"'


def test_a_program_that_is_missing_and_one_that_takes_too_long_are_told(stage, tmp_path):
    with lab.placed(tmp_path, **stage) as place:
        ran = place.procedure(["no-such-program", "x"], what="backups.notes.restore")
        assert (ran.what, ran.lacking, ran.ok) == ("backups.notes.restore", ("no-such-program",), False)
        ran = place.procedure(["sh", "-c", "echo begun; sleep 61.5 & sleep 61.5"], what="restore", within=0.6)
        assert ran.status == Missing("it was not done within 0.6 s, and was ended")
        assert (ran.said, ran.seconds < 5) == ("begun\n", True)
        left = place.run(["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).output
        assert b"sleep 61.5" not in left


def test_a_server_on_loopback_is_reached_and_nothing_of_the_machine_is(stage, tmp_path):
    serving = "import os,socket\ns=socket.socket()\ns.bind(('127.0.0.1',7001))\ns.listen()\nif os.fork()==0:\n c,_=s.accept()\n c.sendall(b'aye')\n"
    (tmp_path / "password").write_text("pass")
    stage, listens = (REDIS, 6379) if stage else ({}, 7001)
    with socket.create_server(("127.0.0.1", 0)) as ours, lab.placed(tmp_path, **stage) as place:
        if not stage:
            place.run(["python", "-c", serving])
        with place.connect(listens) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(7) in (b"aye", b"-NOAUTH")
        with pytest.raises(CouldNotLook, match="nothing answers at port 7002"):
            place.connect(7002)
        port = ours.getsockname()[1]
        assert place.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]).status != 0
        assert place.run(["sh", "-c", "cat /proc/net/dev | tail -n +3 | cut -d: -f1"]).output.split() == [b"lo"]


# --- kept apart -------------------------------------------------------------------------------------------------------


def test_a_folder_takes_what_is_written_anywhere_and_the_machine_none_of_it(tmp_path):
    mark = f"seatrial-{os.getpid()}"
    outside = tmp_path / "outside"
    outside.write_text("as it was")
    writes = f"""
for to in /etc/{mark} /var/tmp/{mark} /tmp/{mark} {tmp_path}/{mark} "$HOME/{mark}" /dev/shm/{mark} /run/{mark}; do
  echo data > "$to" && cat "$to"
done
echo changed > {outside}; rm -rf {tmp_path}/../{tmp_path.name}/outside; ln -s /etc/passwd "$SCRATCH_DIR/link"; echo x >> "$SCRATCH_DIR/link"
echo 1 > /proc/sys/kernel/panic; echo b > /proc/sysrq-trigger; mknod /tmp/disk b 254 0; mount -t tmpfs none /mnt
kill -9 {os.getpid()}; ls /var/run/docker.sock; true
"""
    passwd = Path("/etc/passwd").read_bytes()
    with lab.placed(tmp_path) as place:
        said = place.run(["sh", "-c", writes])
        assert said.output.count(b"data") >= (7 if ROOT else 3)
        assert b"/proc/sys/kernel/panic: Read-only file system" in said.error
        assert b"docker.sock" in said.error
        assert outside.read_text() == "as it was"
    assert Path("/etc/passwd").read_bytes() == passwd
    assert [
        path for path in ("/etc", "/var/tmp", "/tmp", str(tmp_path), "/dev/shm", "/run") if Path(path, mark).exists()
    ] == []


def test_a_folder_shows_nothing_of_what_the_profile_says_is_data(tmp_path):
    data, old = tmp_path / "data", tmp_path / "old"
    for folder in (data / "deep", old):
        folder.mkdir(parents=True)
        (folder / "secret").write_text("of the deployment")
    (tmp_path / "notes.db").write_text("of the deployment")
    declared = {
        "store": {"files": {"path": str(data)}}, "files": {"path": str(old)},
        "drill": {"target": {}}, "command": ["true"], "restore": ["true"],
    }  # fmt: skip
    session = lab.session_of(lab.declared(tmp_path, **declared))
    assert hidden(session) == [str(data), str(old)]
    with lab.placed(tmp_path, backup=declared) as place:
        assert [entry.path for entry in place.entries(str(data))] == [str(data)]
        assert [entry.path for entry in place.entries(str(old))] == [str(old)]
        said = place.run(["sh", "-c", f"mkdir {data}/new && mv {data} {data}.was && ls {data}.was"])
        assert (said.status, said.output) == (0, b"new\n")
    assert (data / "deep/secret").read_text() == "of the deployment"


@pytest.mark.parametrize("path", ["/", "/usr", "/etc/app", "/usr/lib"])
def test_what_programs_lie_in_is_shown_whatever_is_declared(path, tmp_path):
    session = lab.session_of(lab.declared(tmp_path, store={"files": {"path": path}}, files={"path": str(tmp_path)}))
    assert hidden(session) == []


@pytest.mark.skipif(not ROOT, reason="needs root, to become somebody else")
def test_an_ordinary_user_has_a_folder_too(tmp_path):
    """By namespaces for ordinary users; where a machine allows none, that is said."""
    code = (
        "import sys, os\nfrom seatrial.drills.places.jail import Jail\n"
        "jail = Jail(10 * 2**20, ['/tmp/x'])\njail.up()\n"
        "child = jail.spawn(['sh', '-c', 'id -u; echo x > /tmp/x/here && cat /tmp/x/here; dd if=/dev/zero of=/tmp/x/big bs=1M count=20 2>&1 | grep -o No.space.left'],"
        " {'PATH': os.environ['PATH']}, '/')\n"
        "os.close(child.stdin)\nprint(child.wait(20), os.read(child.stdout, 1000).decode())\njail.down()\n"
    )
    engine = str(Path(sys.modules["seatrial"].__file__).parents[1])
    python = "/usr/bin/python3"
    if not os.access(python, os.X_OK):
        pytest.skip("no Python that everybody may run")
    done = subprocess.run(
        [python, "-c", code], user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=60, cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": engine, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if "can't be kept apart" in done.stderr or "no scratch folder" in done.stderr:
        pytest.skip("this kernel has no namespaces for ordinary users")
    assert done.stdout.split("\n")[:3] == ["0 65534", "x", "No space left"], done.stderr


# --- bounded ----------------------------------------------------------------------------------------------------------


def test_a_full_folder_ends_the_command_and_not_the_machine(tmp_path):
    with lab.placed(tmp_path, size="16MiB") as place:
        ran = place.procedure(["sh", "-c", 'dd if=/dev/zero of="$SCRATCH_DIR/big" bs=1M count=64'], what="backup")
        assert ran.status == 1
        assert "No space left on device" in ran.complained
        place.remove("big")
        assert place.procedure(["sh", "-c", 'echo fits > "$SCRATCH_DIR/small"'], what="backup").ok


def test_a_full_container_ends_the_command_and_not_the_machine(image, tmp_path):
    many = "for name in 1 2 3 4 5; do dd if=/dev/zero of=/big$name bs=1M count=10 2>&1; done; sleep 30"
    with lab.placed(tmp_path, size="16MiB", **SLEEPING) as place:
        one = place.procedure(["dd", "if=/dev/zero", "of=/big", "bs=1M", "count=64"], what="backup")
        assert not one.ok  # a single file ends at the bound
        place.remove("/big")
        ran = place.procedure(["sh", "-c", many], what="backup")
        assert ran.status == Missing(f"more than 16MiB were written to {place.name}, and it was ended")


def test_processes_and_memory_without_end_are_ended(tmp_path):
    with lab.placed(tmp_path) as place:
        ran = place.procedure(["bash", "-c", "bomb() { bomb | bomb & }; bomb; sleep 30"], what="backup", within=25)
        assert ran.status == Missing("more than 1000 processes")
        assert place.run(["echo", "still here"]).output == b"still here\n"


def test_output_without_end_is_read_and_let_go(stage, tmp_path):
    with lab.placed(tmp_path, **stage) as place:
        ran = place.procedure(["sh", "-c", "yes | head -c 50000000; echo the end"], what="backup")
        assert (ran.status, len(ran.said) <= 4096, ran.said[-8:]) == (0, True, "the end\n")


def test_links_and_devices_of_a_place_lead_nowhere(tmp_path):
    with lab.placed(tmp_path) as place:
        place.run(["sh", "-c", 'cd "$SCRATCH_DIR"; mkdir d; mkfifo d/fifo; ln -s / d/root; ln -s /etc/passwd d/passwd'])
        with pytest.raises(CouldNotLook, match="invalid argument"):
            place.read("d/fifo")
        place.fetch("d", tmp_path / "d")
        assert sorted(each.name for each in (tmp_path / "d").iterdir()) == ["passwd", "root"]
        assert {entry.path.rpartition("/")[2]: entry.kind for entry in place.entries("d")} == {
            "d": "folder", "fifo": "fifo", "passwd": "link", "root": "link",
        }  # fmt: skip


# --- made ready, or not -----------------------------------------------------------------------------------------------


def test_a_stage_is_prepared_started_and_ready_before_it_is_given(tmp_path):
    (tmp_path / "app.conf").write_text("colour = blue\n")
    stack = "import os,sys\nopen('/srv/up','w').write(open('/etc/app/app.conf').read())\nprint('WHERE=' + os.environ['SCRATCH_DIR'])\nprint(flush=True)\nsys.stdin.read()\nopen('/srv/up','w')"
    stage = {
        "files": {"/etc/app/app.conf": "app.conf"}, "prepare": ["mkdir", "-p", "/srv"], "ready": ["test", "-s", "/srv/up"],
        "start": {"command": ["python", "-c", stack]}, "environment": {"PLACE": {"env": "WHERE"}, "FIXED": "yes"},
    }  # fmt: skip
    if not ROOT:
        pytest.skip("/srv is root's")
    with lab.placed(tmp_path, **stage) as place:
        assert place.read("/srv/up") == b"colour = blue\n"
        assert place.resolve(SimpleNamespace(env="WHERE")) == place.announced["SCRATCH_DIR"]
        said = place.run(["sh", "-c", 'echo "$PLACE $FIXED $WHERE"']).output.decode().split()
        assert said == [place.announced["SCRATCH_DIR"], "yes", place.announced["SCRATCH_DIR"]]


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        ({"prepare": ["sh", "-c", "echo no room >&2; exit 3"]}, "could not be prepared: prepare ended with 3; its last words: no room"),
        ({"prepare": ["no-such-program"]}, "not there: no-such-program"),
        ({"ready": ["false"], "within": "1s"}, "was not ready within 1 s: ready ended with 1"),
        ({"start": {"command": ["sh", "-c", "echo lost >&2; exit 1"]}}, "ended, before it was up; its last words: lost"),
        ({"start": {"command": ["sleep", "60"], "within": "1s"}}, "was not up within 1 s"),
    ],
)  # fmt: skip
def test_a_folder_that_does_not_become_ready_is_gone_and_says_why(stage, why, tmp_path):
    with pytest.raises(CouldNotLook, match=why), lab.placed(tmp_path, **stage):
        pytest.fail("it was given")


@pytest.mark.parametrize(
    ("stage", "why"),
    [
        ({"image": lab.IMAGE, "command": ["sh", "-c", "exit 4"]}, "does not run: its command ended with 4"),
        ({"image": "seatrial-lab/no-such:1"}, "the engine has no image seatrial-lab/no-such:1, and none is fetched"),
        ({"image": lab.IMAGE, "command": ["no-such-program"]}, "no-such-program"),
    ],
)
def test_a_container_that_does_not_become_ready_is_gone_and_says_why(stage, why, image, tmp_path):
    with pytest.raises(CouldNotLook, match=why), lab.placed(tmp_path, **stage):
        pytest.fail("it was given")


def test_an_image_with_systemd_comes_up_whole(require, tmp_path):
    require("docker")
    name = "seatrial-systems/host-redis"  # made by tests.systems.procedures.images
    if subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode:
        pytest.skip(f"{name} is not there")
    with lab.placed(tmp_path, image=name, init=True) as place:
        assert place.run(["systemctl", "is-system-running"]).output.strip() in (b"running", b"degraded")
        assert place.run(["sudo", "-n", "true"]).error == b""
        place.run(["systemctl", "restart", "redis-server"])
        with place.connect(6379) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(10) == b"+PONG\r\n"
        assert (
            place.run(
                ["sh", "-c", "mount -o remount,rw /proc/sys && echo 0 > /proc/sys/kernel/panic; ls /dev/vda"]
            ).status
            != 0
        )


# --- gone -------------------------------------------------------------------------------------------------------------


def _containers() -> list[str]:
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--no-trunc", "--filter", f"label={LABEL}"], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def _programs(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in words:
                found.append(entry.name)
    return found


@pytest.fixture
def killed(image, tmp_path, monkeypatch):
    """A run with a scratch folder and a scratch container, which is just about to be killed."""
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.backups.places_lab", "places", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        container, pid, local = run.stdout.readline().split()  # type: ignore[union-attr]
        (file,) = journals.journals()
        yield SimpleNamespace(run=run, container=container, mark=f"599.{pid}", journal=file, local=Path(local))
    finally:
        run.kill()
        run.wait()
        run.stdout.close()  # type: ignore[union-attr]


def _gone(killed, within=20.0):
    end = time.monotonic() + within
    while killed.container in _containers() or _programs(killed.mark) or killed.local.exists():
        assert time.monotonic() < end, killed.journal.read_text()
        time.sleep(0.1)


def test_a_killed_run_s_places_are_gone_at_once(killed):
    assert killed.container in _containers()
    assert _programs(killed.mark)
    assert next(killed.local.glob("*/artifact")).read_text() == "data"
    killed.run.kill()
    killed.run.wait()
    _gone(killed)
    end = time.monotonic() + 20
    while not (entry := journals.read(killed.journal)).closed:
        assert time.monotonic() < end, killed.journal.read_text()
        time.sleep(0.1)
    assert entry.standing == ()


def test_what_run_and_guardian_left_is_gone_after_recover(killed):
    os.kill(_guardian(killed.run.pid), signal.SIGKILL)
    killed.run.kill()
    killed.run.wait()
    assert killed.container in _containers()
    done = subprocess.run([sys.executable, "-m", "seatrial", "recover"], capture_output=True, text=True, check=False)
    assert (done.returncode, "recovered" in done.stdout) == (0, True), done.stdout + done.stderr
    _gone(killed, 0.5)
    again = subprocess.run([sys.executable, "-m", "seatrial", "recover"], capture_output=True, text=True, check=False)
    assert again.returncode == 0


@pytest.mark.parametrize("guarded", [True, False], ids=["by its guardian", "by recover"])
def test_sentinels_of_a_killed_run_are_taken_away(guarded, tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/own").write_text("of the deployment")
    command = [sys.executable, "-m", "tests.integration.backups.places_lab", "seed", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "seeded\n"  # type: ignore[union-attr]
        assert len(list((tmp_path / "data").rglob("*"))) > 2
        if not guarded:
            os.kill(_guardian(run.pid), signal.SIGKILL)
        run.kill()
    end = time.monotonic() + 20
    if not guarded:
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", "recover"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    while os.listdir(tmp_path / "data") != ["own"]:  # what is below goes while it is looked at
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (tmp_path / "data/own").read_text() == "of the deployment"


# --- the deployment itself --------------------------------------------------------------------------------------------


def test_a_container_of_the_deployment_is_a_place_and_keeps_nothing_of_ours(image, tmp_path):
    name = f"seatrial-places-{os.getpid()}"
    subprocess.run(
        ["docker", "run", "-d", "--name", name, "--network", "none", lab.IMAGE, "sleep", "600"],
        check=True,
        capture_output=True,
    )
    try:
        (tmp_path / "save.sh").write_text(
            '#!/bin/bash\nmkdir -p "$BACKUP_DIR"; hostname > "$BACKUP_DIR/notes"; no-such-dump; id -u\n'
        )
        file = lab.declared(
            tmp_path, target={"driver": "docker"}, services={"notes": {"containers": [name]}}, service="notes",
            command={"script": "save.sh", "service": "notes", "user": "1234"},
        )  # fmt: skip
        session = lab.session_of(file)
        hands = StageHands(session, docker.hands(session))
        node = session.profile.backups["notes"].command  # type: ignore[index]
        before = subprocess.run(["docker", "diff", name], check=True, capture_output=True, text=True).stdout
        ran = deployment(session, hands).procedure(node, what="backup", environment={"BACKUP_DIR": "/tmp/backup"})
        assert (ran.status, ran.said, ran.lacking) == (0, "1234\n", ("no-such-dump",))
        place = deployment(session, hands, "notes")
        assert (place.name, place.scratch) == (f"container {name}", False)
        assert len(place.read("/tmp/backup/notes")) == 13  # a short id, and a newline
        place.remove("/tmp/backup")
        after = subprocess.run(["docker", "diff", name], check=True, capture_output=True, text=True).stdout
        assert set(after.splitlines()) - set(before.splitlines()) <= {"C /tmp"}
    finally:
        subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)


def test_the_machine_itself_is_a_place(tmp_path):
    session = lab.session_of(lab.declared(tmp_path))
    place = deployment(session, StageHands(session, Handless("process")))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x").write_text("text")
    place.put(tmp_path / "in", str(tmp_path / "to/there"))
    assert [entry.kind for entry in place.entries(str(tmp_path / "to"))] == ["folder", "folder", "file"]
    place.fetch(str(tmp_path / "to/there"), tmp_path / "back")
    assert (place.read(str(tmp_path / "to/there/x")), (tmp_path / "back/x").read_text()) == (b"text", "text")
    place.remove(str(tmp_path / "to"))
    assert place.entries(str(tmp_path / "to")) == ()
    with pytest.raises(CouldNotLook, match="no such file"):
        place.read(str(tmp_path / "to"))
    ran = place.procedure(["sh", "-c", "sleep 61.25 & sleep 61.25"], what="backup", within=0.5)
    assert (ran.ok, _programs("61.25")) == (False, [])
    assert place.procedure(["no-such-program"], what="backup").lacking == ("no-such-program",)
    session.granted = Tier.observe
    with pytest.raises(CouldNotLook, match="tier write"):
        place.procedure(["true"], what="backup")


def _guardian(run: int) -> int:
    return next(int(pid) for pid in _children(run) if b"seatrial.guardian" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _children(parent: int) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(parent):
                    found.append(entry.name)
            except OSError:
                continue
    return found
