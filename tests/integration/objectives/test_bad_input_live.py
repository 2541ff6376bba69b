"""Loads that can't be made: one clear line, nothing sent, and nothing left running."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from seatrial.experiments import _launching, _loading, _watching_load
from seatrial.words import CouldNotLook
from tests.integration.objectives.load_bench import group_of, made, target

SLO = "call: GET /x, rate: 5/s, duration: 2s, timeout: 1s"


@pytest.fixture(autouse=True)
def started(monkeypatch, tmp_path_factory):
    """The processes that were started for loads, none of which is left."""
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr(_loading, "ceiling_of", lambda _: 10_000.0)
    pids: list[int] = []

    class Started(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, **more)  # type: ignore[call-overload]
            pids.append(self.pid)

    class Module:
        """Of subprocess, what launching uses."""

        Popen, PIPE, TimeoutExpired = Started, subprocess.PIPE, subprocess.TimeoutExpired

    monkeypatch.setattr(_launching, "subprocess", Module)
    yield pids
    assert [left for pid in pids for left in group_of(pid)] == []


def refused(file: Path) -> str:
    with pytest.raises(CouldNotLook) as why:
        made(file)
    return why.value.reason


def test_an_unknown_host(tmp_path, started):
    with target(tmp_path) as service:
        said = refused(service.profile(SLO, url="http://no-such-host.invalid:81"))
    assert said.startswith("the load was not begun: no-such-host.invalid does not resolve")
    assert started == []


def test_a_port_that_refuses(tmp_path, started):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with target(tmp_path) as service:
        said = refused(service.profile(SLO, url=f"http://127.0.0.1:{port}"))
    assert said == "the load was not begun: api refused the connection (GET /live)"
    assert started == []


def test_a_host_that_hangs(tmp_path, started):
    with socket.create_server(("127.0.0.1", 0)) as silent, target(tmp_path) as service:
        said = refused(service.profile(SLO, url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert said == "the load was not begun: api did not answer within 1s (GET /live)"
    assert started == []


def test_a_service_that_is_not_ready_before_anything_is_done(tmp_path, started, monkeypatch):
    monkeypatch.setattr(_watching_load, "STEADY_WITHIN", 2.0)
    with target(tmp_path) as service:
        more = f"process: {{pid: {service.child.pid}}}\n    readiness: {{path: /notes/none}}"
        said = refused(service.profile(SLO, more=more))
    assert said.startswith(
        "the load was not begun: api is not as declared before anything is done: readiness of front at "
    )
    assert said.endswith(": HTTP 404")
    assert started == []


def test_a_server_that_speaks_no_tls(tmp_path, started):
    with target(tmp_path) as service:
        said = refused(service.profile(SLO, url=f"https://127.0.0.1:{service.port}"))
    assert said.startswith("the load was not begun: api speaks no TLS that we know")
    assert started == []


def test_a_certificate_that_is_not_trusted_and_one_that_is(tmp_path, started):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
         cert, "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    with target(tmp_path, "tls", str(cert), str(key)) as service:
        url = f"https://127.0.0.1:{service.port}"
        process = f"process: {{pid: {service.child.pid}}}"
        said = refused(service.profile(SLO, url=url, more=process))
        assert said.startswith(f"the load was not begun: the certificate of 127.0.0.1:{service.port} is not trusted")
        said = refused(service.profile(SLO, url=url, more=f"{process}\n    tls: {{ca: cert.pem}}"))
        assert said.startswith(f"the load was not begun: the certificate of 127.0.0.1:{service.port} is not trusted")
        assert started == []
        sound = f"{process}\n    tls: {{ca: cert.pem, server_name: localhost}}"
        run = made(service.profile(SLO, url=url, more=sound))
    assert (run.streams[0].errors, sum(second.right for second in run.streams[0].seconds)) == ({}, 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def broken(:\n", "own.py:1: syntax error: invalid syntax"),
        (
            "from locust import HttpUser\nclass Idle(HttpUser):\n    host = 'http://127.0.0.1:1'\n",
            "own.py: the user class Idle has no task",
        ),
        ("import os\nos._exit(7)\n", "the load generator ended with code 7 and gave no result"),
        (
            "import sys\nsys.exit('wrong: ' + __import__('os').environ['WORD'])\n",
            "own.py:2: SystemExit: wrong: <a secret of the load>",
        ),
    ],
    ids=["syntax error", "no task", "ends", "tells a secret"],
)
def test_a_locust_file_that_is_wrong(tmp_path, started, monkeypatch, text, said):
    monkeypatch.setenv("OWN_WORD", "of-a-secret")
    (tmp_path / "own.py").write_text(text)
    slo = "locustfile: ./own.py, users: 2, duration: 2s, environment: {WORD: {env: OWN_WORD}}"
    with target(tmp_path) as service:
        found = refused(service.profile(slo))
        assert service.count()["asked"] == 0
    assert said in found
    assert "of-a-secret" not in found
    assert len(started) == 1
