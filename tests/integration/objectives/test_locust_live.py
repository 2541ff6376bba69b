"""Plain `locust -f FILE`: without and with its web page, and what an open loop sees of a server that stands still."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.lab.laws import serving

from .loads import JOURNEYS, LOCUST, QUIET, Child, counted, made, null_server, plan

pytestmark = pytest.mark.alone

STOCK = """
from locust import HttpUser, constant_throughput, task

class Stock(HttpUser):
    wait_time = constant_throughput(10)

    @task
    def look(self):
        self.client.get("/x")
"""

OPEN = """
from seatrial.load import JourneyUser, Request

def look(visit):
    yield Request("GET", "/x")

class Open(JourneyUser):
    journeys = [look]
"""

LISTENING = (
    JOURNEYS
    + """
import json
from locust import events

heard = []

@events.request.add_listener
def hear(request_type, name, response_time, exception, **_):
    heard.append([request_type, name, response_time, exception is None])

@events.quit.add_listener
def tell(**_):
    with open("heard.json", "w") as file:
        json.dump(heard, file)
"""
)


@pytest.fixture(scope="module")
def target():
    with null_server() as address:
        yield address


def started(folder, text, *words):
    """Locust on a file."""
    (folder / "file.py").write_text(text)
    return subprocess.Popen(
        [*LOCUST, "-f", "file.py", *words], cwd=folder, env=QUIET, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def statistics(folder):
    """Locust's own, by name: requests, failures, and the 95 % quantile in milliseconds."""
    found = {}
    for entry in json.loads((folder / "told.json").read_text()):
        times = sorted((float(ms), count) for ms, count in entry["response_times"].items())
        left = 0.95 * sum(count for _, count in times)
        for ms, count in times:
            left -= count
            if left <= 0:
                found[f"{entry['method']} {entry['name']}"] = (entry["num_requests"], entry["num_failures"], ms)
                break
    return found


def test_a_stall_that_stock_locust_hides_is_told(tmp_path):
    ours, stock = tmp_path / "ours", tmp_path / "stock"
    ours.mkdir()
    stock.mkdir()
    common = ("--headless", "-t", "10s", "--only-summary", "--json-file", "told")
    with serving("stall", tmp_path / "1.log") as one, serving("stall", tmp_path / "2.log") as two:
        first = started(ours, OPEN, "--host", one.origin, "--rate", "100", *common)
        second = started(stock, STOCK, "--host", two.origin, "-u", "10", "-r", "10", *common)
        assert "open loop, 100/s constant" in first.communicate(timeout=60)[1]
        second.communicate(timeout=60)
    requests, failures, p95 = statistics(ours)["GET /x"]
    assert failures == 0
    assert requests > 700
    # Of 10 s it stood still for 2: one in five was late, by up to 2 s.
    assert 700 < p95 < 2000
    assert statistics(stock)["GET /x"][2] < 300


def test_plain_locust_makes_journeys_and_tells_whoever_listens(target, tmp_path):
    locust = started(
        tmp_path,
        LISTENING,
        "--headless",
        "-t",
        "4s",
        "--host",
        target,
        "--rate",
        "30",
        "--only-summary",
        "--json-file",
        "told",
    )
    log = locust.communicate(timeout=60)[1]
    told, heard = statistics(tmp_path), json.loads((tmp_path / "heard.json").read_text())
    assert locust.returncode == 0, log
    assert sorted(told) == ["GET /notes", "GET /notes/{id}", "POST /notes"]
    assert sum(count for count, _, _ in told.values()) == len(heard) > 50
    assert {(kind, right) for kind, _, _, right in heard} == {("GET", True), ("POST", True)}


def test_it_is_closed_where_that_is_asked_for(target, tmp_path):
    locust = started(
        tmp_path,
        JOURNEYS,
        "--headless",
        "-t",
        "3s",
        "--host",
        target,
        "--closed",
        "-u",
        "4",
        "-r",
        "4",
        "--pause",
        "200ms",
    )
    log = locust.communicate(timeout=60)[1]
    assert "closed loop: " in log


def ask(address, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=5) as answer:
        return answer.read().decode()


def until(look, within=20.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.1)
    raise AssertionError("it never was")


def test_the_web_page_starts_and_stops_a_load(target, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    web = f"http://127.0.0.1:{port}"
    locust = started(tmp_path, JOURNEYS, "--web-host", "127.0.0.1", "--web-port", str(port), "--host", target)
    try:
        assert "rate" in until(lambda: ask(web))
        ask(f"{web}/swarm", {"user_count": 1, "spawn_rate": 1, "host": target, "rate": "40"})
        found = until(
            lambda: (told := json.loads(ask(f"{web}/stats/requests")))["stats"][-1]["num_requests"] > 60 and told
        )
        assert {entry["name"] for entry in found["stats"]} == {"/notes", "/notes/{id}", "Aggregated"}
        assert json.loads(ask(f"{web}/stop", {"now": ""}))["success"]
        assert until(lambda: json.loads(ask(f"{web}/stats/requests"))["state"] == "stopped")
    finally:
        locust.terminate()
        locust.communicate(timeout=20)


def test_a_locust_file_of_journeys_is_made_by_a_run(target, tmp_path):
    (tmp_path / "file.py").write_text("print('hello')\n" + JOURNEYS)
    result, code, _ = made(plan(target, locustfile=str(tmp_path / "file.py"), rate=50.0, duration=2.0))
    assert code == 0
    assert (result["loop"], result["by_locust"]) == ("open", False)
    assert {stream["name"] for stream in result["streams"]} == {"", "POST /notes", "GET /notes/{id}", "GET /notes"}
    offered, right, failed = counted(result["streams"][0])
    assert offered == right > 80
    assert failed == 0


def test_a_stock_locust_file_is_recorded_and_says_that_it_is(target, tmp_path):
    (tmp_path / "file.py").write_text(STOCK)
    result, _, _ = made(plan(target, locustfile=str(tmp_path / "file.py"), rate=0.0, users=3, duration=2.0))
    assert (result["loop"], result["by_locust"]) == ("closed", True)
    assert counted(result["streams"][0])[1] > 10


BAD = {
    "syntax.py": ("import os\n\ndef x(:\n", "syntax.py:3: syntax error"),
    "imports.py": ("import os\nimport nonsuch_at_all\n", "imports.py:2: ModuleNotFoundError"),
    "empty.py": ("import os\n", "no user class"),
    "taskless.py": ("from locust import User\nclass Idle(User):\n    pass\n", "Idle has no task"),
    "still.py": (
        "from seatrial.load import JourneyUser\nclass Still(JourneyUser):\n    pass\n",
        "Still has no journeys",
    ),
    "stock.py": (STOCK, "Stock is no JourneyUser"),
    "exits.py": ("raise SystemExit(3)\n", "exits.py:1: SystemExit"),
}
ALL = """
import sys
from seatrial.load.child import Trouble, _classes
from seatrial.load.plan import LoadPlan
for file in sys.argv[1:]:
    try:
        _classes(LoadPlan("slos.x", "http://127.0.0.1:1", locustfile=file, rate=1.0))
    except Trouble as trouble:
        print(trouble)
"""


def test_bad_locust_files_are_told_in_one_line_each(tmp_path):
    for name, (text, _) in BAD.items():
        (tmp_path / name).write_text(text)
    words = [sys.executable, "-c", ALL, *(str(tmp_path / name) for name in BAD)]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert len(told) == len(BAD)
    assert [reason in line for (_, reason), line in zip(BAD.values(), told, strict=True)] == [True] * len(BAD)


@pytest.mark.parametrize(
    ("text", "reason"),
    [BAD["syntax.py"], (OPEN + "    def prepare(self):\n        raise ValueError('no data')\n", "prepare: no data")],
)
def test_a_bad_locust_file_ends_the_load_and_leaves_nothing(target, tmp_path, text, reason):
    (tmp_path / "syntax.py").write_text(text)
    with Child(plan(target, locustfile=str(tmp_path / "syntax.py"), processes=2)) as child:
        assert reason in child.until("trouble")["reason"]
        assert child.process.wait(10) == 1
        assert child.nothing_left()


@pytest.mark.parametrize(
    ("host", "reason"),
    [("http://nonsuch.invalid:80", "unknown host"), ("http://127.0.0.1:1", "refused"), ("ftp://x", "no address")],
)
def test_a_target_that_can_not_be_asked_is_told_before_the_load(host, reason):
    with Child(plan(host)) as child:
        assert reason in child.until("trouble")["reason"]
        assert child.process.wait(10) == 1


def test_no_plan_is_told():
    process = subprocess.run([sys.executable, "-m", "seatrial.load"], input=b"hello\n", capture_output=True, timeout=30)
    assert json.loads(process.stdout)["reason"] == "standard input holds no plan of a load: one line of JSON"
    assert process.returncode == 1
