"""Requests a second that one core can make, beside other generators: the same server, on a core of its own, in the same minutes.

The server counts. What a generator says of itself is not asked, nor is its begin counted: from half a second after its first
request on, the server's own count and the generator's use of the processor are read every half second, and the best of them is
what it can do. An open loop is led up to more than it can do, as one that is far behind only counts who waits.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

CONNECTIONS = 16
SETTLE, WINDOW, WINDOWS = 0.5, 0.5, 4
RAMP = 6.0
TICKS = os.sysconf("SC_CLK_TCK")

K6 = """
import http from 'k6/http';
import { check } from 'k6';
export const options = { vus: %d, duration: '30s' };
export default function () {
  const answer = http.get('%s');
  check(answer, { right: (a) => a.status === 200 && a.body === 'ok\\n' });
}
"""

LOCUST = """
from locust import %(kind)s, task

class One(%(kind)s):
    @task
    def ask(self):
        with self.client.get("/", catch_response=True) as answer:
            if answer.status_code != 200 or answer.text != "ok\\n":
                answer.failure("wrong")
"""

# The client alone in one Locust User: each latency is kept, and Locust's statistics are fed.
CLIENT = """
import atexit, json, sys
from array import array
from time import perf_counter
import gevent
from locust import User, task
from seatrial.load.feeding import Feeder
from seatrial.load.wire import Client, encode

BODIES = %(bodies)r

class One(User):
    @task
    def all(self):
        client = Client(self.host, connections=%(connections)d, timeout=10.0)
        feed = Feeder(self.environment)
        one, number, wrong = encode("GET", "/", {}, None, self.host), 0, 0
        told = {}
        atexit.register(lambda: print("UNREAD " + json.dumps(told), file=sys.stderr))
        def another():
            nonlocal number
            if not BODIES:
                return one
            number += 1
            return encode("POST", "/", {"Content-Type": "application/json"}, b'{"number": %%d, "text": "a note"}' %% number, self.host)
        for _ in range(%(connections)d):
            client.send(another(), perf_counter())
        took, turn, fold = array("d"), perf_counter() + 0.004, perf_counter() + 0.2
        while True:
            for done in client.poll(0.002):
                if done.status == 200 and done.body == b"ok\\n" and not done.failure:
                    took.append(done.ended - done.intended)
                else:
                    wrong += 1
                client.send(another(), perf_counter())
            now = perf_counter()
            if now >= turn:
                if now >= fold:
                    kept, took, fold = took, array("d"), now + 0.2
                    feed("GET", "/", [int(each * 1e6 + 0.5) for each in kept], 3 * len(kept), [(0.0, "wrong")] * wrong)
                    wrong = 0
                    unread = client.unread
                    told.update(p50=unread.quantile(0.5), p99=unread.quantile(0.99), most=unread.most, by_kernel=unread.by_kernel)
                gevent.sleep(0)
                turn = perf_counter() + 0.004
"""


class Row(NamedTuple):
    """One generator, measured."""

    name: str
    rate: float
    """Requests a second, as the server counted them."""
    busy: float
    """Share of a core that it used meanwhile."""
    served: float
    """Share of a core that the server used."""
    note: str = ""

    @property
    def of_a_core(self):
        return self.rate / max(self.busy, 0.01)


rows: list[Row] = []


def _pin(core):
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)])] if shutil.which("taskset") else []


def _ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """nginx with one worker on the first core: its address, its worker's pid, and how many requests it has had."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx:
        pytest.skip("no nginx on PATH: a server in Python would be what limits the faster generators")
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 300;\n"
        f"client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;\n"
        f"uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ default_type text/plain; return 200 'ok\\n'; }}\n"
        "location = /count { stub_status; } } }\n"
    )
    command = [*_pin(0), nginx, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"

        def count():
            with urllib.request.urlopen(f"{url}/count", timeout=5) as answer:
                return int(answer.read().split()[9])

        for _ in range(100):
            try:
                count()
                break
            except OSError:
                time.sleep(0.05)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield url, process.pid, count
        process.terminate()


def _measured(name, command, server, *, told=None, environ=None):
    """Run a generator on the second core, and count at the server; gives the row and what it wrote."""
    _, server_pid, count = server
    with subprocess.Popen(
        [*_pin(1), *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    ) as process:  # fmt: skip
        if told is not None:
            process.stdin.write(told + "\n")
            process.stdin.flush()
        before = count()
        gives_up = time.monotonic() + 20
        while count() - before < 100 and time.monotonic() < gives_up and process.poll() is None:
            time.sleep(0.05)
        time.sleep(SETTLE)
        assert process.poll() is None, process.stdout.read()[-2000:]
        best = Row(name, 0.0, 0.0, 0.0)
        at = time.perf_counter(), count(), _ticks(process.pid), _ticks(server_pid)
        for _ in range(round(RAMP / WINDOW) if told is not None else WINDOWS):
            time.sleep(WINDOW)
            now = time.perf_counter(), count(), _ticks(process.pid), _ticks(server_pid)
            took, asked, used, served = (after - before for after, before in zip(now, at, strict=True))
            best = max(best, Row(name, asked / took, used / took, served / took), key=lambda row: row.rate)
            at = now
        process.terminate()
        try:
            out, _ = process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
    return best, out


def _plan(url, bodies):
    from seatrial.load.plan import Call, LoadPlan

    if bodies:
        text = '{"number": "SENTINEL", "text": "a note"}'
        calls = (Call("POST", "/", "POST /", {"Content-Type": "application/json"}, text, needs="ok"),)
    else:
        calls = (Call("GET", "/", "GET /", needs="ok"),)
    # From nothing to somewhat more than the client alone just did on this machine.
    alone = next((row.rate for row in rows if row.name == KINDS["client bodies" if bodies else "client"]), 10_000)
    rate = max(1_000, round(1.2 * alone))
    return LoadPlan(
        "benchmark", url, calls, "SENTINEL" if bodies else "", rate=rate, ramp=RAMP, duration=30, connections=CONNECTIONS, timeout=30, stop_at=2.0
    )  # fmt: skip


def _command(kind, url, folder):
    if kind in ("wrk", "hey", "k6"):
        program = shutil.which(kind) or shutil.which(kind, path=str(Path.home() / "go" / "bin"))
        if not program:
            pytest.skip(f"no {kind} on PATH")
        if kind == "wrk":
            return [program, "-t1", f"-c{CONNECTIONS}", "-d30", f"{url}/"]
        if kind == "hey":
            return [program, "-c", CONNECTIONS, "-z", "30s", "-cpus", "1", f"{url}/"]
        script = folder / "script.js"
        script.write_text(K6 % (CONNECTIONS, f"{url}/"))
        return [program, "run", "--quiet", "--no-usage-report", script]
    pytest.importorskip("locust")
    file = folder / "locustfile.py"
    if kind in ("HttpUser", "FastHttpUser"):
        file.write_text(LOCUST % {"kind": kind})
        users = CONNECTIONS
    else:
        file.write_text(CLIENT % {"connections": CONNECTIONS, "bodies": "bodies" in kind})
        users = 1
    return [
        sys.executable,
        "-m",
        "locust",
        "-f",
        file,
        "--headless",
        "-u",
        users,
        "-r",
        users,
        "--host",
        url,
        "--only-summary",
    ]


KINDS = {
    "wrk": "wrk, nothing checked",
    "client": "seatrial's client in one Locust User",
    "client bodies": "the same, a body of its own each",
    "seatrial": "seatrial, open loop, one request",
    "seatrial bodies": "seatrial, open loop, a body of its own each",
    "hey": "hey",
    "k6": "k6",
    "FastHttpUser": "Locust FastHttpUser",
    "HttpUser": "Locust HttpUser",
}


@pytest.mark.parametrize("kind", KINDS)
def test_generator(kind, server, tmp_path, benchmark):
    url = server[0]
    # What was compiled is kept, as on any machine that runs it a second time.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run():
        if kind.startswith("seatrial"):
            pytest.importorskip("locust")
            command = [sys.executable, "-m", "seatrial.load"]
            return _measured(KINDS[kind], command, server, told=_plan(url, "bodies" in kind).dumped(), environ=environ)
        return _measured(KINDS[kind], _command(kind, url, tmp_path), server, environ=environ)

    row, out = benchmark.pedantic(run, rounds=1)
    if kind.startswith("seatrial"):
        events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        assert sum(event.get("failed", 0) for event in events if event["event"] == "second") == 0, out[-2000:]
    if "UNREAD " in out:
        unread = json.loads(out.rpartition("UNREAD ")[2].splitlines()[0])
        row = row._replace(note=f"unread {unread['p50'] * 1e6:.0f} µs p50, {unread['p99'] * 1e6:.0f} µs p99")
    rows.append(row)
    benchmark.extra_info.update(requests=row.rate, busy=row.busy, of_a_core=row.of_a_core, server=row.served)
    assert row.rate > 100, out[-2000:]


def test_ours_makes_three_times_as_many_as_k6(capsys):
    if not rows:
        pytest.skip("nothing was measured")
    with capsys.disabled():
        print(f"\n\n{'16 connections, 3-byte body':<48}{'requests/s':>12}{'busy':>7}{'a core':>10}{'server':>8}  note")
        for row in rows:
            print(
                f"{row.name:<48}{row.rate:>12,.0f}{row.busy:>7.0%}{row.of_a_core:>10,.0f}{row.served:>8.0%}  {row.note}"
            )
    found = {row.name: row for row in rows}
    peer, client, whole = (found.get(KINDS[kind]) for kind in ("k6", "client", "seatrial"))
    if peer is None or client is None:
        pytest.skip("no k6 on PATH, or no Locust")
    assert client.of_a_core >= 3 * peer.of_a_core
    if whole is None or (whole.rate < 0.7 * client.rate and whole.busy < 0.7):
        pytest.skip("others use this machine: an open loop without a processor only counts who waits")
    assert whole.of_a_core >= 3 * peer.of_a_core
