"""The docker driver without an engine: which one it would ask, what an inspect becomes, and engines that misbehave."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from types import SimpleNamespace

import pytest

from seatrial.drivers import Session, _container, _docker_endpoint
from seatrial.drivers._docker_api import Api
from seatrial.profile.model import Profile
from seatrial.words import CouldNotLook


def session(tmp_path, target=None, **changes):
    profile = Profile.model_validate({"profile": "p", "target": {"driver": "docker", **(target or {})}, "services": {}})
    return Session(
        profile=profile, base=tmp_path, resolve=lambda value: str(value or ""), timeout=changes.get("timeout", 1.0)
    )


def context(folder, name, host, *, tls=False):
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / f"contexts/meta/{digest}/meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}))
    if tls:
        certs = folder / f"contexts/tls/{digest}/docker"
        certs.mkdir(parents=True)
        for file in ("ca", "cert", "key"):
            (certs / f"{file}.pem").write_text("")


@pytest.mark.parametrize(
    ("target", "environ", "host", "tls"),
    [
        ({}, {}, "unix:///var/run/docker.sock", False),
        ({}, {"DOCKER_HOST": "unix:///x.sock"}, "unix:///x.sock", False),
        ({}, {"DOCKER_HOST": "tcp://10.0.0.5:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}, "tcp://10.0.0.5:2376", True),
        ({"host": "tcp://10.0.0.6:2375"}, {"DOCKER_HOST": "unix:///x.sock"}, "tcp://10.0.0.6:2375", False),
        ({"host": "tcp://10.0.0.6:2376", "tls": {"ca": "ca.pem"}}, {}, "tcp://10.0.0.6:2376", True),
        ({"context": "far"}, {"DOCKER_HOST": "unix:///x.sock"}, "tcp://far:2376", True),
        ({}, {"DOCKER_CONTEXT": "near"}, "unix:///near.sock", False),
        ({"context": "default"}, {}, "unix:///var/run/docker.sock", False),
    ],
    ids=["socket", "host", "host-tls", "profile", "profile-tls", "context-tls", "context-env", "default"],
)  # fmt: skip
def test_the_engine_is_found_as_dockers_command_would(tmp_path, target, environ, host, tls):
    context(tmp_path, "far", "tcp://far:2376", tls=True)
    context(tmp_path, "near", "unix:///near.sock")
    found = _docker_endpoint.find(session(tmp_path, target), {"DOCKER_CONFIG": str(tmp_path), **environ})
    assert (found.host, found.tls) == (host, tls)


def test_the_current_context_counts(tmp_path):
    context(tmp_path, "near", "unix:///near.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "near"}')
    assert _docker_endpoint.find(session(tmp_path), {"DOCKER_CONFIG": str(tmp_path)}).host == "unix:///near.sock"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"host": "ssh://box"}, "tunnel"),
        ({"host": "box:2375"}, "no address"),
        ({"context": "gone"}, "no Docker context gone"),
    ],
)
def test_an_engine_that_can_not_be_asked_is_told(tmp_path, target, said):
    with pytest.raises(CouldNotLook, match=said):
        _docker_endpoint.find(session(tmp_path, target), {"DOCKER_CONFIG": str(tmp_path)})


@pytest.fixture
def engine(tmp_path):
    """A unix socket that answers every connection with the bytes it is given."""
    listener = socket.socket(socket.AF_UNIX)
    path = tmp_path / "e.sock"
    listener.bind(str(path))
    listener.listen()
    stop = threading.Event()

    def serve(answer):
        def run():
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    if answer is None:
                        stop.wait(5)
                    else:
                        connection.sendall(answer)

        threading.Thread(target=run, daemon=True).start()
        return f"unix://{path}"

    yield serve
    stop.set()
    listener.close()


@pytest.mark.parametrize(
    ("answer", "said", "right"),
    [
        (b"HTTP/1.1 403 No\r\nContent-Length: 17\r\n\r\n{\"message\": \"no\"}", "answered 403", "authorisation"),
        (b"HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\nboom", "answered 500", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"ID\": \"a", "no JSON", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"ID\": \"a", "no JSON", ""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", "nothing at /info", ""),
        (b"220 ready\r\n", "can't be reached", ""),
        (b"", "hung up", ""),
        (None, "did not answer within", ""),
    ],
    ids=["403", "500", "cut-json", "cut-body", "404", "smtp", "hang-up", "silence"],
)  # fmt: skip
def test_engines_that_misbehave_are_told_and_bounded(tmp_path, engine, answer, said, right):
    asked = session(tmp_path)
    api = Api(asked, _docker_endpoint.Endpoint(engine(answer)))
    with pytest.raises(CouldNotLook, match=said) as raised:
        api.get("/info")
    api.close()
    assert right in raised.value.right
    assert set(asked.calls) == {"docker GET"}


@pytest.mark.parametrize(
    ("host", "said"), [("unix:///nonexistent.sock", "no engine answers"), ("tcp://127.0.0.1:1", "no engine answers")]
)
def test_no_engine(tmp_path, host, said):
    with pytest.raises(CouldNotLook, match=said) as raised:
        Api(session(tmp_path), _docker_endpoint.Endpoint(host)).get("/info")
    assert "DOCKER_HOST" in raised.value.right


@pytest.mark.parametrize(
    ("code", "output", "executed", "reason"),
    [
        (0, "ok", True, ""),
        (1, "HTTP/1.1 503", True, ""),
        (1, "/bin/sh: 1: curl: not found", False, "not found"),
        (-1, "Health check exceeded timeout (1s)", True, "timed out"),
        (
            -1,
            'OCI runtime exec failed: exec: "curl": executable file not found in $PATH: unknown',
            False,
            "OCI runtime",
        ),
        (126, "", False, "exit code 126"),
        (127, "", False, "exit code 127"),
        (0, "warning: not found, but fine", True, ""),
    ],
)
def test_a_health_log_tells_whether_the_check_was_executed(code, output, executed, reason):
    log = _container._log({"ExitCode": code, "Output": output, "Start": "2026-01-01T00:00:00Z"})
    assert (log.executed, log.exit_code) == (executed, code)
    assert reason.lower() in log.reason.lower()


@pytest.mark.parametrize(
    "command",
    [
        ("CMD", "redis-cli", "-a", "hunter2hunter2", "ping"),
        ("CMD-SHELL", "redis-cli -a hunter2hunter2 ping"),
        ("CMD-SHELL", "PGPASSWORD=hunter2hunter2 psql -c 'select 1'"),
        ("CMD", "mysqladmin", "--password=hunter2hunter2", "ping"),
        ("CMD", "curl", "http://user:hunter2hunter2@localhost/"),
        ("CMD", "curl", "-H", "Authorization:hunter2hunter2", "http://localhost/"),
    ],
)
def test_a_healthchecks_secret_is_not_kept(command):
    assert "hunter2" not in " ".join(_container._without_secrets(command))


def test_a_healthcheck_that_takes_its_secret_from_the_environment_is_shown():
    command = ("CMD-SHELL", "redis-cli -a $REDIS_PASSWORD ping")
    assert _container._without_secrets(command) == command


def test_healthcheck_none_is_none_and_zeros_are_the_engines_defaults():
    assert _container._healthcheck({"Test": ["NONE"]}, None) is None
    assert _container._healthcheck(None, None) is None
    check = _container._healthcheck({"Test": ["CMD", "true"]}, None)
    assert (check.interval, check.timeout, check.retries) == (30, 30, 3)


def test_platforms_are_told_in_oci_words():
    assert _container.platform_of({"OSType": "linux", "Architecture": "aarch64"}) == "linux/arm64"
    assert SimpleNamespace(x=_container.platform_of({"OSType": "linux", "Architecture": "x86_64"})).x == "linux/amd64"
