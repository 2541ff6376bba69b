"""The process of a load, as it is started, heard and ended: with children that are no load at all."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from seatrial import experiments
from seatrial.experiments import _launching
from seatrial.experiments._launching import launched
from seatrial.load.plan import LoadPlan
from seatrial.words import CouldNotLook, Missing

PLAN = LoadPlan("slos.read", "http://127.0.0.1:1", rate=5.0, duration=1.0, timeout=0.5)
HEAD = """import json, os, subprocess, sys, time
plan = json.loads(sys.stdin.readline())
def tell(**told): print(json.dumps(told), flush=True)
def second(at, **more): tell(event="second", at=at, offered=5, sent=5, right=5, failed=0, p95=0.01, late=0.0, **more)
RESULT = {"streams": [], "generator": {}, "seconds": 1.0, "stopped": "", "began": 7.0}
"""


@pytest.fixture
def child(monkeypatch, tmp_path):
    """Of a script, in place of a load's process; gives the file that it writes its pid to."""

    def made(text: str) -> Path:
        script, pid = tmp_path / "child.py", tmp_path / "pid"
        script.write_text(f"{HEAD}open({str(pid)!r}, 'w').write(str(os.getpid()))\n{text}\n")
        monkeypatch.setattr(_launching, "CHILD", (sys.executable, "-I", str(script)))
        monkeypatch.setattr(_launching, "READY_WITHIN", 5.0)
        monkeypatch.setattr(_launching, "SLACK", 1.0)
        monkeypatch.setattr(_launching, "STOPS_WITHIN", 2.0)
        monkeypatch.setattr(_launching, "ENDS_WITHIN", 1.0)
        return pid

    return made


def ended(pid: Path, within: float = 5.0) -> bool:
    """Whether that process is gone in time, and its group with it, but for what only waits to be reaped."""
    end = time.monotonic() + within
    while (left := _group(pid.read_text())) and time.monotonic() < end:
        time.sleep(0.05)
    return not left


def _group(group: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if own == group and state not in "ZX":
                found.append(entry.name)
    return found


def quiet(_: str) -> None:
    pass


def test_seconds_are_heard_and_the_result_is_given(child):
    pid = child("tell(event='ready', began=7.5); second(0); second(1); tell(event='result', **RESULT)")
    heard: list[int] = []
    found = launched(PLAN, quiet, guard=lambda told: heard.append(told["at"]) or "")  # type: ignore[func-returns-value]
    assert heard == [0, 1]
    assert (found["seconds"], found["stopped"], found["zero"]) == (1.0, "", 7.0)
    assert ended(pid)


def test_the_plan_comes_by_standard_input_alone(child):
    child("tell(event='result', **{**RESULT, 'plan': plan, 'argv': sys.argv[1:]})")
    found = launched(LoadPlan("slos.read", "", environment={"KEY": "secret"}), quiet)
    assert (found["plan"]["environment"], found["argv"]) == ({"KEY": "secret"}, [])


def test_what_a_locust_file_prints_is_passed_over(child):
    child("print('hello'); print('{\"event\": 1}'); print('[]'); print('{'); second(0); tell(event='result', **RESULT)")
    assert launched(PLAN, quiet)["seconds"] == 1.0


def test_trouble_is_told_without_secrets(child):
    pid = child("tell(event='trouble', reason='own.py:1: syntax error near S3CRET'); time.sleep(30)")
    with pytest.raises(CouldNotLook, match=r"own.py:1: syntax error near \*\*\*"):
        launched(PLAN, quiet, mask=lambda text: text.replace("S3CRET", "***"))
    assert ended(pid)


def test_a_guard_ends_it_and_what_was_seen_is_kept(child):
    pid = child(
        "tell(event='ready', began=1.0); second(0)\n"
        "order = json.loads(sys.stdin.readline())\n"
        "tell(event='result', **{**RESULT, 'seconds': 0.5, 'stopped': order['why']})"
    )
    found = launched(PLAN, quiet, guard=lambda _: "it is dying")
    assert (found["stopped"], found["seconds"]) == ("it is dying", 0.5)
    assert ended(pid)


def test_what_is_seen_of_the_target_ends_it_too(child):
    child("tell(event='ready', began=1.0)\norder = json.loads(sys.stdin.readline())\ntell(event='result', **RESULT)")
    assert launched(PLAN, quiet, look=lambda: "api-1 ended")["stopped"] == "api-1 ended"


def test_one_that_does_not_listen_is_ended_all_the_same(child):
    pid = child("tell(event='ready', began=1.0); subprocess.Popen(['sleep', '60']); time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(CouldNotLook, match="the load generator did not end in time"):
        launched(PLAN, quiet, look=lambda: "api-1 ended")
    assert time.monotonic() - began < 30
    assert ended(pid)


def test_one_that_never_begins(child, monkeypatch):
    pid = child("time.sleep(60)")
    monkeypatch.setattr(_launching, "READY_WITHIN", 0.5)
    with pytest.raises(CouldNotLook, match="the load did not begin in time"):
        launched(PLAN, quiet)
    assert ended(pid)


def test_one_that_never_ends(child):
    pid = child("tell(event='ready', began=1.0)\nwhile True: second(0); time.sleep(0.2)")
    with pytest.raises(CouldNotLook, match="the load generator did not end in time"):
        launched(PLAN, quiet)
    assert ended(pid)


def test_endless_output_is_bounded(child, monkeypatch):
    monkeypatch.setattr(_launching, "LARGEST", 1 << 20)
    pid = child("while True: sys.stdout.write('x' * 65536)")
    with pytest.raises(CouldNotLook, match="the load generator tells too much"):
        launched(PLAN, quiet)
    assert ended(pid)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sys.exit('no\\nmemory left')", "ended with code 1 and gave no result: memory left"),
        ("os.kill(os.getpid(), 9)", "ended by signal 9 and gave no result"),
        ("sys.stderr.write('x' * 1000000); os._exit(3)", "ended with code 3 and gave no result: xxx"),
    ],
)
def test_an_end_without_a_result_is_told_with_its_last_words(child, text, said):
    child(text)
    with pytest.raises(CouldNotLook) as why:
        launched(PLAN, quiet)
    assert said in why.value.reason
    assert len(why.value.reason) < 500


STOPPING = (
    "tell(event='ready', began=1.0); second(0)\n"
    "order = json.loads(sys.stdin.readline())\n"
    "tell(event='result', **{**RESULT, 'seconds': 0.5, 'stopped': order['why']})"
)


def test_an_interruption_keeps_what_was_seen(child):
    pid = child(STOPPING)

    def interrupted(_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as cut:
        launched(PLAN, quiet, guard=interrupted)
    assert cut.value.load["stopped"] == "the run was cut short"  # type: ignore[attr-defined]
    assert ended(pid)


def test_a_signal_in_the_middle_ends_it(child):
    pid = child("tell(event='ready', began=1.0); time.sleep(60)")
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            launched(PLAN, quiet)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert ended(pid)


def test_an_experiment_that_is_cut_short_leaves_what_it_has_seen():
    found: dict[str, object] = {}
    cut = KeyboardInterrupt()
    cut.seen = "half of it"  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt), experiments._kept(found, "slos.read"):
        raise cut
    assert found == {"slos.read": "half of it"}
    with pytest.raises(KeyboardInterrupt), experiments._kept(found, "slos.write"):
        raise KeyboardInterrupt
    assert found["slos.write"] == Missing("the run was cut short while this experiment was made")


def test_a_plan_survives_its_line():
    assert LoadPlan.loaded(json.dumps(json.loads(PLAN.dumped()))) == PLAN
