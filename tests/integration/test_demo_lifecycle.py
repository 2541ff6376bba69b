"""The demo deployment starts, keeps what it is given, and leaves nothing behind however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import seatrial
from seatrial.demo import procfs, redis_server
from seatrial.demo.launch import Launched, NotLaunched
from seatrial.demo.resp import Connection

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stacks of these tests see, and tidy, no others."""
    if redis_server.find() is None:
        required = "redis" in os.environ.get("SEATRIAL_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(redis_server.MISSING)
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def demo() -> Iterator[Launched]:
    with Launched() as running:
        yield running


def call(url: str, body: Any = None, **headers: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def identities(names: dict[str, str]) -> dict[int, int | None]:
    """Process ids of a stack, and when each started."""
    pids = [int(names[name]) for name in ("DEMO_SUPERVISOR_PID", "DEMO_API_PID", "DEMO_REDIS_PID")]
    found = {pid: procfs.start_time(pid) for pid in pids}
    assert all(found.values()), "a process of the stack is not there to begin with"
    return found


def within(seconds: float, condition: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def all_gone(known: dict[int, int | None]) -> bool:
    return not any(started and procfs.alive(pid, started) for pid, started in known.items())


def answers(url: str) -> bool:
    try:
        return bool(call(url))
    except OSError:
        return False


def test_it_is_up_and_ready_soon_after_its_start() -> None:
    took = []
    for _ in range(3):
        began = time.monotonic()
        with Launched() as demo:
            took.append(time.monotonic() - began)
            assert call(f"{demo.names['DEMO_API_URL']}/health/ready")["status"] == "ready"
    assert min(took) < 1.5


def test_only_loopback_listens_and_each_listener_is_its_own(demo: Launched) -> None:
    for part in ("API", "REDIS"):
        host, _, port = demo.names[f"DEMO_{part}_ADDRESS"].partition(":")
        assert host == "127.0.0.1"
        assert procfs.listens(int(demo.names[f"DEMO_{part}_PID"]), int(port))
        assert len(procfs.listeners(int(port))) == 1


def test_what_is_secret_is_for_the_owner_only(demo: Launched) -> None:
    folder = Path(demo.names["DEMO_DATA_DIR"])
    open_to_others = [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077]
    assert open_to_others == []
    for part in ("API", "REDIS"):
        command = Path(f"/proc/{demo.names[f'DEMO_{part}_PID']}/cmdline").read_text()
        assert demo.names["DEMO_REDIS_PASSWORD"] not in command


def test_the_service_runs_with_exactly_its_env_file(demo: Launched) -> None:
    raw = Path(f"/proc/{demo.names['DEMO_API_PID']}/environ").read_text().split("\0")
    effective = {line for line in raw if line.startswith("DEMO_")}
    assert effective == set(Path(demo.names["DEMO_ENV_FILE"]).read_text().splitlines())


def test_redis_refuses_strangers(demo: Launched) -> None:
    with (
        Connection("127.0.0.1", int(demo.names["DEMO_REDIS_PORT"])) as stranger,
        pytest.raises(Exception, match="NOAUTH"),
    ):
        stranger.call("PING")


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, None])
def test_without_anyone_who_holds_its_standard_input_it_does_not_stay(
    own_temporary_folder: Path, stdin: int | None
) -> None:
    environ = {**os.environ, "PYTHONPATH": str(Path(seatrial.__file__).parent.parent)}
    closed = (lambda: os.close(0)) if stdin is None else None
    ended = subprocess.run(
        [sys.executable, "-m", "seatrial.demo"], stdin=stdin, preexec_fn=closed, env=environ, timeout=10, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "seatrial demo: stopped before it was up: its standard input ended\n"
    assert list(own_temporary_folder.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_note_outlives_the_service(demo: Launched, number: int) -> None:
    url = demo.names["DEMO_API_URL"]
    written = call(f"{url}/notes", {"id": "kept", "text": "before"})
    known = {int(demo.names["DEMO_API_PID"]): procfs.start_time(int(demo.names["DEMO_API_PID"]))}
    os.kill(int(demo.names["DEMO_API_PID"]), number)
    assert within(5, lambda: all_gone(known))
    assert within(5, lambda: answers(f"{url}/health/ready")), "the supervisor did not start it again"
    assert call(f"{url}/notes/kept") == written
    # The announcement on disk, by which backups find the stack, tells of the new process.
    again = dict(
        line.split("=", 1) for line in Path(demo.names["DEMO_DATA_DIR"], "announced.env").read_text().splitlines()
    )
    assert again["DEMO_API_PID"] != demo.names["DEMO_API_PID"]
    assert Path(demo.names["DEMO_API_PIDFILE"]).read_text().strip() == again["DEMO_API_PID"]


def test_readiness_follows_redis_down_and_up(demo: Launched) -> None:
    url = demo.names["DEMO_API_URL"]
    redis = int(demo.names["DEMO_REDIS_PID"])
    os.kill(redis, signal.SIGSTOP)
    assert within(3, lambda: not answers(f"{url}/health/ready"))
    assert call(f"{url}/health/live") == {"status": "ok"}
    assert call(f"{url}/notes", {"id": "alone", "text": "kept without a cache"})["revision"] == 1
    assert call(f"{url}/notes/alone")["text"] == "kept without a cache"
    os.kill(redis, signal.SIGCONT)
    assert within(3, lambda: answers(f"{url}/health/ready"))


def test_what_was_written_while_the_cache_was_lost_is_what_is_read_afterwards(demo: Launched) -> None:
    url = demo.names["DEMO_API_URL"]
    redis = int(demo.names["DEMO_REDIS_PID"])
    call(f"{url}/notes", {"id": "n", "text": "old"})
    os.kill(redis, signal.SIGSTOP)
    call(f"{url}/notes", {"id": "n", "text": "new"})
    os.kill(redis, signal.SIGCONT)
    assert within(3, lambda: answers(f"{url}/health/ready"))
    time.sleep(0.3)  # the cache is asked again
    assert call(f"{url}/notes/n")["text"] == "new"


def test_sigterm_takes_readiness_away_first_and_finishes_what_was_begun(demo: Launched) -> None:
    import http.client

    host, _, port = demo.names["DEMO_API_ADDRESS"].partition(":")
    slow = http.client.HTTPConnection(host, int(port), timeout=5)
    body = json.dumps({"text": "in flight"}).encode()
    slow.putrequest("POST", "/notes")
    slow.putheader("Content-Type", "application/json")
    slow.putheader("Content-Length", str(len(body)))
    slow.endheaders(body[:5])
    os.kill(int(demo.names["DEMO_API_PID"]), signal.SIGTERM)
    assert within(0.15, lambda: not answers(f"{demo.names['DEMO_API_URL']}/health/ready"))
    slow.send(body[5:])
    answer = slow.getresponse()
    assert (answer.status, json.load(answer)["text"]) == (201, "in flight")
    slow.close()


@pytest.mark.parametrize("way", ["stdin", "SIGTERM", "SIGINT", "SIGHUP"])
def test_an_orderly_end_leaves_nothing(own_temporary_folder: Path, way: str) -> None:
    demo = Launched()
    with demo:
        known = identities(demo.names)
        if way != "stdin":
            demo.process.send_signal(getattr(signal, way))
            assert demo.process.wait(5) == 0
    assert demo.process.returncode == 0
    assert within(5, lambda: all_gone(known))
    assert list(own_temporary_folder.iterdir()) == []


def test_an_orderly_end_takes_parts_along_that_do_not_listen(own_temporary_folder: Path) -> None:
    with Launched() as demo:
        known = identities(demo.names)
        for part in ("API", "REDIS"):
            os.kill(int(demo.names[f"DEMO_{part}_PID"]), signal.SIGSTOP)
    assert within(5, lambda: all_gone(known))
    assert list(own_temporary_folder.iterdir()) == []


def test_a_killed_supervisor_takes_everything_along_and_the_next_start_tidies(own_temporary_folder: Path) -> None:
    with Launched() as demo:
        known = identities(demo.names)
        demo.process.kill()
        assert within(5, lambda: all_gone(known))
    assert Path(demo.names["DEMO_DATA_DIR"]).exists()
    with Launched() as following:
        assert [path.name for path in own_temporary_folder.iterdir()] == [Path(following.names["DEMO_DATA_DIR"]).name]
    assert list(own_temporary_folder.iterdir()) == []


RUNNER = """
import json, time
from seatrial.demo.launch import Launched
with Launched() as demo:
    print(json.dumps(demo.names), flush=True)
    time.sleep(60)
"""


def _runner() -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(Path(seatrial.__file__).parent.parent)}
    return subprocess.Popen([sys.executable, "-c", RUNNER], stdout=subprocess.PIPE, text=True, env=environ)


def test_a_killed_runner_takes_everything_along(own_temporary_folder: Path) -> None:
    with _runner() as runner:
        assert runner.stdout
        known = identities(json.loads(runner.stdout.readline()))
        runner.kill()
        assert within(5, lambda: all_gone(known))
    assert within(1, lambda: list(own_temporary_folder.iterdir()) == [])


def test_a_killed_runner_and_supervisor_leave_no_process() -> None:
    with _runner() as runner:
        assert runner.stdout
        names = json.loads(runner.stdout.readline())
        known = identities(names)
        os.kill(int(names["DEMO_SUPERVISOR_PID"]), signal.SIGSTOP)  # so that it can't tidy in the meantime
        runner.kill()
        os.kill(int(names["DEMO_SUPERVISOR_PID"]), signal.SIGKILL)
        assert within(5, lambda: all_gone(known))


def test_a_signal_during_the_start_leaves_nothing(own_temporary_folder: Path) -> None:
    for delay in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        demo = Launched()
        time.sleep(delay)
        demo.process.terminate()
        demo.stop()
        # Before the handlers are there, the signal itself ends it: then nothing was started yet.
        assert demo.process.returncode in (0, 1, -signal.SIGTERM)
    assert list(own_temporary_folder.iterdir()) == []


def test_two_stacks_do_not_see_each_other() -> None:
    with Launched() as one, Launched() as other:
        call(f"{one.names['DEMO_API_URL']}/notes", {"id": "mine", "text": "one"})
        assert not answers(f"{other.names['DEMO_API_URL']}/notes/mine")
        assert answers(f"{one.names['DEMO_API_URL']}/notes/mine")


def _tool(part: str, backup: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {
        **os.environ,
        "BACKUP_DIR": str(backup),
        "PYTHONPATH": str(Path(seatrial.__file__).parent.parent),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "seatrial.demo", part],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_backup_brings_everything_back(demo: Launched, tmp_path: Path) -> None:
    url, token = demo.names["DEMO_API_URL"], {"Authorization": f"Bearer {demo.names['DEMO_ADMIN_TOKEN']}"}
    call(f"{url}/notes", {"id": "a", "text": "first"})
    call(f"{url}/notes", {"id": "b", "text": "second"})
    before = call(f"{url}/admin/stats", **token)
    made = _tool("backup", tmp_path)
    assert made.returncode == 0, made.stderr

    call(f"{url}/notes", {"id": "a", "text": "spoilt"})
    call(f"{url}/notes", {"id": "c", "text": "too late for the backup"})
    assert call(f"{url}/admin/stats", **token) != before
    back = _tool("restore", tmp_path, DEMO_DATA_DIR=demo.names["DEMO_DATA_DIR"])
    assert back.returncode == 0, back.stderr
    assert call(f"{url}/notes/a")["text"] == "first"
    assert not answers(f"{url}/notes/c")
    assert call(f"{url}/admin/stats", **token) == before == {"notes": 3, "notes_written": 2}
    assert call(f"{url}/health/ready")["status"] == "ready"


def test_a_backup_restores_into_a_new_deployment(tmp_path: Path) -> None:
    with Launched() as old:
        call(f"{old.names['DEMO_API_URL']}/notes", {"id": "a", "text": "moved"})
        assert _tool("backup", tmp_path).returncode == 0
    with Launched() as new:
        assert _tool("restore", tmp_path).returncode == 0
        assert call(f"{new.names['DEMO_API_URL']}/notes/a")["text"] == "moved"


@pytest.mark.parametrize("harm", ["changed", "incomplete", "gone", "no folder"])
def test_a_spoilt_backup_is_refused_and_touches_nothing(demo: Launched, tmp_path: Path, harm: str) -> None:
    url = demo.names["DEMO_API_URL"]
    assert _tool("backup", tmp_path).returncode == 0
    call(f"{url}/notes", {"id": "a", "text": "after"})
    (made,) = tmp_path.glob("notes-*.tar.gz")
    if harm == "changed":
        made.write_bytes(made.read_bytes().replace(made.read_bytes()[200:204], b"xxxx"))
    elif harm == "incomplete":
        made.write_bytes(made.read_bytes()[:-100])
    elif harm == "gone":
        made.unlink()
    folder = tmp_path / "nowhere" if harm == "no folder" else tmp_path
    assert _tool("verify", folder).returncode == 1
    refused = _tool("restore", folder)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert call(f"{url}/notes/a")["text"] == "after"


def test_a_second_run_can_attach_and_leaves_the_stack_alone(demo: Launched) -> None:
    environ = {
        **os.environ,
        "SEATRIAL_DEMO_ATTACH": demo.names["DEMO_DATA_DIR"],
        "PYTHONPATH": str(Path(seatrial.__file__).parent.parent),
    }
    command = [sys.executable, "-m", "seatrial.demo"]
    attached = subprocess.run(
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10, check=True
    )
    assert dict(line.split("=", 1) for line in attached.stdout.splitlines() if line) == demo.names
    assert attached.stdout.endswith("\n\n")
    assert answers(f"{demo.names['DEMO_API_URL']}/health/ready")


def test_without_redis_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DEMO_REDIS", "/nowhere/redis-server")
    demo = Launched(stderr=subprocess.PIPE)
    assert demo.process.stderr
    said = demo.process.stderr.read()
    with pytest.raises(NotLaunched) as refused, demo:
        pass
    assert refused.value.status == 3
    assert "apt-get install redis-server" in said
    assert said.count("\n") == 1


def test_a_part_that_can_not_start_is_told_in_one_line(
    own_temporary_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no luck today\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("SEATRIAL_DEMO_REDIS", str(broken))
    demo = Launched(stderr=subprocess.PIPE)
    assert demo.process.stderr
    said = demo.process.stderr.read()
    with pytest.raises(NotLaunched), demo:
        pass
    assert said == "seatrial demo: redis ended while it started: no luck today\n"
    assert list(own_temporary_folder.iterdir()) == []


def test_a_service_that_keeps_dying_ends_the_stack(own_temporary_folder: Path) -> None:
    with Launched(stderr=subprocess.PIPE) as demo:
        pidfile = Path(demo.names["DEMO_REDIS_PIDFILE"])
        killed = set()
        end = time.monotonic() + 30
        while demo.process.poll() is None and time.monotonic() < end:
            written = (
                pidfile.read_text() if pidfile.exists() else ""
            )  # redis makes the file before it writes the number
            pid = int(written) if written.strip() else 0
            if pid and pid not in killed and (started := procfs.start_time(pid)) and procfs.alive(pid, started):
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        assert demo.process.poll() == 1
        assert demo.process.stderr
        assert "redis keeps ending" in demo.process.stderr.read()
    assert list(own_temporary_folder.iterdir()) == []


def test_keep_leaves_the_data_and_no_later_start_takes_it(own_temporary_folder: Path) -> None:
    with Launched(keep=True) as demo:
        kept = Path(demo.names["DEMO_DATA_DIR"])
    with Launched():
        pass
    assert list(own_temporary_folder.iterdir()) == [kept]
    assert (kept / "store" / "notes.db").exists()


def test_the_command_by_hand_stops_at_ctrl_c(own_temporary_folder: Path) -> None:
    code = "import sys; from seatrial.demo.cli import run; sys.exit(run([]))"
    environ = {**os.environ, "PYTHONPATH": str(Path(seatrial.__file__).parent.parent)}
    command = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=environ,
        # A runner in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with command:
        assert command.stdout
        told = ""
        while "Ctrl-C stops it" not in told:
            told += command.stdout.readline()
        assert "SEATRIAL_DEMO_ATTACH=" in told
        command.send_signal(signal.SIGINT)
        try:
            assert command.wait(10) == 0
        finally:
            command.kill()
    assert list(own_temporary_folder.iterdir()) == []


def _control(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(Path(seatrial.__file__).parent.parent), **more}
    command = [sys.executable, "-P", "-m", "seatrial.demo", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("part", ["api", "redis"])
def test_a_part_is_stopped_and_started_by_commands_and_stays_down_in_between(demo: Launched, part: str) -> None:
    name = part.upper()
    pidfile, port = Path(demo.names[f"DEMO_{name}_PIDFILE"]), int(demo.names[f"DEMO_{name}_PORT"])
    for _ in range(2):  # as often as one likes
        assert _control("stop", part).returncode == 0
        assert procfs.listeners(port) == set()
    time.sleep(0.3)  # longer than the supervisor takes to start again what died
    assert procfs.listeners(port) == set()
    for _ in range(2):
        assert _control("start", part).returncode == 0
        assert procfs.listens(int(pidfile.read_text()), port)
    assert within(5, lambda: answers(f"{demo.names['DEMO_API_URL']}/health/ready"))
    os.kill(int(pidfile.read_text()), signal.SIGKILL)
    assert within(5, lambda: answers(f"{demo.names['DEMO_API_URL']}/health/ready")), "it is looked after no more"


def test_how_a_part_ended_can_be_seen_before_it_is_started_again(demo: Launched) -> None:
    pid = int(demo.names["DEMO_API_PID"])
    os.kill(pid, signal.SIGKILL)
    seen = []
    with contextlib.suppress(OSError):  # until it is reaped
        while not seen or procfs.start_time(pid):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            seen += [state[49]] if state[0] == "Z" else []
    assert set(seen) == {str(int(signal.SIGKILL))}


def test_the_commands_know_which_of_two_stacks_is_meant(demo: Launched) -> None:
    with _runner() as runner:  # another one's stack
        assert runner.stdout
        other = json.loads(runner.stdout.readline())
        assert _control("stop", "redis").returncode == 0
        assert procfs.listeners(int(demo.names["DEMO_REDIS_PORT"])) == set()
        assert procfs.listeners(int(other["DEMO_REDIS_PORT"])) != set()
        with Launched():
            refused = _control("start", "redis")
            assert (refused.returncode, "set DEMO_DATA_DIR" in refused.stderr) == (1, True)
            assert _control("start", "redis", DEMO_DATA_DIR=demo.names["DEMO_DATA_DIR"]).returncode == 0
        runner.kill()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(["stop", "nothing"], 4, "usage"), (["start"], 4, "usage"), (["stop", "api"], 1, "0 demo")],
)
def test_a_command_that_means_nothing_says_so(words: list[str], status: int, said: str) -> None:
    done = _control(*words)
    assert (done.returncode, said in done.stderr, len(done.stderr.splitlines())) == (status, True, 1)


def test_a_note_that_is_removed_is_gone_though_it_was_cached(demo: Launched) -> None:
    url = demo.names["DEMO_API_URL"]
    call(f"{url}/notes", {"id": "n", "text": "kept for a while"})
    call(f"{url}/notes/n")
    removal = urllib.request.Request(f"{url}/notes/n", method="DELETE")
    with urllib.request.urlopen(removal, timeout=5) as answer:
        assert json.load(answer) == {"id": "n", "removed": True}
    assert not answers(f"{url}/notes/n")
    with pytest.raises(OSError, match="404"):
        urllib.request.urlopen(removal, timeout=5)
    assert call(f"{url}/notes", {"id": "n", "text": "again"})["revision"] == 1
    assert call(f"{url}/notes/n")["text"] == "again"
