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
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"ID\": \"a", "hung up before", ""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", "nothing at /info", ""),
        (b"220 ready\r\n", "no HTTP", ""),
        (b"", "hung up", ""),
        (None, "did not answer GET /info within", ""),
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


def test_platforms_are_told_in_oci_words():
    assert _container.platform_of({"OSType": "linux", "Architecture": "aarch64"}) == "linux/arm64"
    assert SimpleNamespace(x=_container.platform_of({"OSType": "linux", "Architecture": "x86_64"})).x == "linux/amd64"
