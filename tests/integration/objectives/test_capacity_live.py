"""The capacity of a real server that can do no more than a known number of requests a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone

SERVICE = Path(__file__).with_name("slowing.py")
TAKES = 0.02
"""Seconds of one request, of which the server does one at a time."""
MOST = 1 / TAKES
PROFILE = """\
profile: shop
environment: test
target: {{driver: process, identity: {identity}}}
services:
  api:
    url: http://127.0.0.1:{port}
    process: {{pid: {pid}}}
    readiness: {{path: /ready}}
slos:
  read:
    service: api
    call: GET /notes
    headers: {{X-Key: {{env: SHOP_KEY}}}}
    rate: 40/s
    latency: {{p50: 400ms}}
    max_rate: 400/s
"""
KEY = "kept-out-of-every-file-77c2"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The server, and a profile of it."""
    folder = tmp_path_factory.mktemp("shop")
    port = folder / "port"
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"/notes": TAKES}))
    with subprocess.Popen([sys.executable, str(SERVICE), str(port), str(settings)]) as server:
        end = time.monotonic() + 20
        while not port.exists() and time.monotonic() < end:
            time.sleep(0.05)
        identity = Path("/etc/machine-id").read_text().strip()
        text = PROFILE.format(port=port.read_text(), pid=server.pid, identity=identity)
        (folder / "shop.yaml").write_text(text)
        yield folder
        server.kill()


@pytest.fixture(scope="module")
def search(shop):
    """One search, doubled from half of what it can to more than it can, and halved twice at most."""
    environment = os.environ | {"SEATRIAL_STATE": str(shop / "state"), "SHOP_KEY": KEY}
    return subprocess.run(
        [sys.executable, "-m", "seatrial", "capacity", "./shop.yaml", "--slo=read", "--within=60%", "--duration=5s",
         "--json", f"--out={shop / 'reports'}"],
        cwd=shop, env=environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_the_answer_lies_in_the_right_range(search):
    told = json.loads(search.stdout)
    assert told["exit"] == search.returncode
    words = [(step["rate"], step["word"]) for step in told["steps"]]
    assert {rate for rate, _ in words} <= {5, 10, 20, 30, 40, 60, 80}, search.stderr
    # What can't be carried can't be met, however busy this machine is.
    assert (80, "met") not in words
    assert all(step["why"] for step in told["steps"] if step["word"] == "undecided")
    if told["met"] is None:  # this machine was too busy to tell anything
        assert search.returncode == 3 or told["missed"] is not None
        return
    assert 5 <= told["met"] <= 1.3 * MOST
    above = [rate for rate in (told["missed"], told["edge"]) if rate is not None]
    assert told["met"] < min(above) <= 80, search.stderr
    if search.returncode == 0:
        assert told["met"] >= 40
        assert told["edge"] is not None or told["missed"] in (60, 80)


def test_every_step_is_told_while_it_is_made(search):
    assert "step 1: 40/s for 5s" in search.stderr
    assert search.stderr.count("step 1: ") >= 2
    for line in ("highest rate met", "lowest rate missed", "why it ended", "hardware"):
        assert line in search.stderr


def test_a_page_and_a_document_are_written_without_secrets(search, shop):
    folder = next((shop / "reports").iterdir())
    assert {file.name for file in folder.iterdir()} == {"capacity.json", "capacity.html", "capacity.svg"}
    assert json.loads((folder / "capacity.json").read_text()) == json.loads(search.stdout)
    for text in (search.stdout, search.stderr, *(file.read_text() for file in folder.iterdir())):
        assert KEY not in text


def test_nothing_is_left_running(search, shop):
    mine = str(shop).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if mine in environ and b"slowing.py" not in line:
                found.append(line)
    assert found == []
