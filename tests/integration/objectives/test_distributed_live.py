"""Several processes that make one load, for real: one schedule, one histogram, and nothing lost without a word."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import seatrial.load
from seatrial.latency import histograms
from seatrial.load.recording import RAW

from .loads import LOCUST, QUIET, Child, counted, made, null_server, plan

DECLARED = Path(seatrial.load.__file__).parent / "declared.py"


@pytest.fixture(scope="module")
def target():
    with null_server() as address:
        yield address


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def raw(folder):
    """Every latency that any worker recorded: second and microseconds."""
    lines = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    return [(second, took) for _, second, each in lines for took in each]


def same_histogram(text, microseconds):
    return histograms.counts(histograms.decode(text)) == histograms.counts(
        histograms.of(us / 1e6 for us in microseconds)
    )


def test_three_workers_make_one_schedule_and_their_sum_is_one_histogram(target, tmp_path):
    told = plan(target, processes=3, rate=150.0, arrivals="poisson", seed=4, warm_up=1.0, duration=2.0)
    result, code, child = made(told, **{RAW: str(tmp_path)})
    whole, seen = result["streams"][0], raw(tmp_path)
    assert code == 0
    assert (result["generator"]["joined"], result["generator"]["lost"], result["stopped"]) == (3, 0, "")
    assert len(result["generator"]["busy"]) == 3
    assert len(list(tmp_path.glob("*.jsonl"))) == 3
    # The schedule is known before: so many in each second, of all three together.
    from seatrial.load.arrivals import Schedule

    wanted = [int(at) for _, at in Schedule(150.0, lasts=3.0, kind="poisson", seed=4).times()]
    assert [(s["at"], s["offered"]) for s in whole["seconds"]] == [(n, wanted.count(n)) for n in range(3)]
    assert counted(whole) == (len(wanted), len(seen), 0)
    assert same_histogram(whole["latency"], [took for _, took in seen])
    for second in whole["seconds"]:
        assert same_histogram(second["latency"], [took for at, took in seen if at == second["at"]])
    assert result["generator"]["skew"] < 5.0
    assert [event["at"] for event in child.events if event["event"] == "second"] == [0, 1, 2]


def test_workers_on_other_machines_come_by_locusts_own_protocol(target):
    port = free_port()
    told = plan(target, rate=60.0, hosts={"expect": 2, "listen": f"127.0.0.1:{port}", "within": 40})
    with Child(told) as child, contextlib.ExitStack() as stack:
        words = [*LOCUST, "-f", str(DECLARED), "--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
        workers = [
            subprocess.Popen(words, env=QUIET, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)
        ]
        for worker in workers:
            stack.callback(worker.wait)
            stack.callback(worker.kill)
        result = child.until("result")
        assert counted(result["streams"][0]) == (180, 180, 0)
        assert (result["generator"]["joined"], result["generator"]["lost"]) == (2, 0)
        assert [worker.wait(20) for worker in workers] == [0, 0]


def test_a_lost_worker_is_told_and_the_others_go_on(target):
    with Child(plan(target, processes=3, rate=90.0, duration=5.0)) as child:
        child.until("second")
        os.kill(child.workers()[0], signal.SIGKILL)
        result = child.until("result")
    assert result["generator"]["lost"] == 1
    offered, right, failed = counted(result["streams"][0])
    assert 300 <= offered < 450
    assert right == offered
    assert failed == 0


def test_bounds_are_kept_over_all_processes(target):
    result, _, _ = made(plan(target, processes=3, rate=300.0, max_requests=100))
    assert counted(result["streams"][0]) == (100, 100, 0)
    assert "max_requests" in result["stopped"]


@pytest.mark.parametrize("how", ["killed", "left alone"])
def test_nothing_is_left_when_it_is_killed_or_left_alone(target, how):
    with Child(plan(target, processes=2, duration=60.0)) as child:
        child.until("ready")
        assert len(child.workers()) == 2
        if how == "killed":
            child.process.kill()
        else:
            child.process.stdin.close()
        assert child.nothing_left()
        assert child.process.wait(5) != 0


def test_it_stops_when_it_is_told_to_and_gives_what_it_has_seen(target):
    with Child(plan(target, processes=2, duration=60.0)) as child:
        child.until("second")
        before = time.monotonic()
        child.say(json.dumps({"order": "stop", "why": "the probe fails"}))
        result = child.until("result")
        assert time.monotonic() - before < 10
        child.process.stdin.close()
        assert child.process.wait(10) == 0
    offered, right, failed = counted(result["streams"][0])
    assert result["stopped"] == "the probe fails"
    assert offered == right > 0
    assert failed == 0
    assert result["seconds"] < 30


def test_the_port_that_workers_come_to_may_be_in_use(target):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Child(plan(target, hosts={"expect": 1, "listen": f"127.0.0.1:{port}", "within": 5})) as child:
            assert f"127.0.0.1:{port} that workers come to is in use" in child.until("trouble")["reason"]
            assert child.process.wait(10) == 1
