"""The lab itself: what other integration tests stand on must be what it says."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab import Container, Engine, Lab, RecordingProxy, Remote, Stack, projects, sweep
from tests.lab.available import required
from tests.lab.harbor import stack as harbor
from tests.lab.images import tag_of
from tests.lab.relay import RequestReader
from tests.lab.words import create_body, override

pytestmark = pytest.mark.integration

SERVICES = {"redis": 1, "postgres": 1, "migrate": 1, "service": 2, "front": 1}


def get(url: str) -> tuple[int, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.status, json.loads(answer.read())


def docker(*words: str, env: dict[str, str] | None = None, **more: Any) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DOCKER_")} | (env or {})
    return subprocess.run(
        ["docker", *words], env=environment, capture_output=True, text=True, check=False, timeout=60, **more
    )


@pytest.fixture(params=["plain", "compose1", "compose2"])
def any_harbor(request: pytest.FixtureRequest) -> Iterator[Stack]:
    return request.getfixturevalue(f"harbor_{request.param}")


# --- the stack ---


def test_harbor_has_its_replicas_and_is_healthy(any_harbor: Stack) -> None:
    assert {name: len(group) for name, group in any_harbor.containers.items()} == SERVICES
    for name, group in any_harbor.containers.items():
        for container in group:
            state = container.inspect()["State"]
            if name == harbor.JOB:
                assert (state["Status"], state["ExitCode"]) == ("exited", 0)
            else:
                assert state["Health"]["Status"] == "healthy"
                assert state["Health"]["Log"][-1]["ExitCode"] == 0


def test_harbor_answers_through_its_front_and_keeps_notes(any_harbor: Stack) -> None:
    status, health = get(any_harbor.url + "/health")
    assert status == 200
    assert health["status"] == "healthy"
    assert {name: part["status"] for name, part in health["components"].items()} == {"redis": "up", "postgres": "up"}
    note = urllib.request.Request(any_harbor.url + "/notes", data=b'{"text": "ahoy"}', method="POST")
    with urllib.request.urlopen(note, timeout=10) as answer:
        made = json.loads(answer.read())
    assert made in get(any_harbor.url + "/notes")[1]["notes"]


def test_every_replica_is_reached_on_the_private_network(any_harbor: Stack) -> None:
    assert len(any_harbor.urls["service"]) == harbor.REPLICAS
    assert [get(url + "/health/ready")[0] for url in any_harbor.urls["service"]] == [200] * harbor.REPLICAS


def test_harbor_conforms_as_declared(any_harbor: Stack) -> None:
    for group in any_harbor.containers.values():
        for container in group:
            found = container.inspect()
            host = found["HostConfig"]
            uid, _, gid = found["Config"]["User"].partition(":")
            assert int(uid) > 0
            assert int(gid) > 0
            assert host["CapDrop"] == ["ALL"]
            assert not host["CapAdd"]
            assert host["SecurityOpt"] == ["no-new-privileges:true"]
            assert host["ReadonlyRootfs"]
            assert not host["Privileged"]
            assert host["Memory"]
            assert host["NanoCpus"]
            assert host["PidsLimit"]
            assert {u["Name"] for u in host["Ulimits"]} == {"nofile", "core"}
            assert host["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "3"}
            published = {b["HostIp"] for bindings in (host["PortBindings"] or {}).values() for b in bindings}
            assert published == ({"127.0.0.1"} if container.service == harbor.FRONT else set())
            assert found["RestartCount"] == 0


def test_harbor_images_are_pinned(any_harbor: Stack) -> None:
    assert [c.inspect()["Config"]["Image"] for c in any_harbor.containers["service"]] == [
        any_harbor.lab.images["service"]
    ] * 2
    assert all("@sha256:" in ref or ref.startswith("sha256:") for ref in any_harbor.lab.images.values())


def test_one_service_is_broken_in_one_way_and_mended(any_harbor: Stack) -> None:
    before = any_harbor["front"].inspect()
    with any_harbor.broken("front", cap_add=["CAP_NET_ADMIN"]) as container:
        broken = container.inspect()
        assert broken["HostConfig"]["CapAdd"] == ["CAP_NET_ADMIN"]
        assert broken["HostConfig"]["CapDrop"] == before["HostConfig"]["CapDrop"]
        assert broken["HostConfig"]["PortBindings"] == before["HostConfig"]["PortBindings"]
        assert broken["Config"]["User"] == before["Config"]["User"]
    assert not any_harbor["front"].inspect()["HostConfig"]["CapAdd"]
    assert get(any_harbor.url + "/health")[0] == 200


def test_one_replica_is_broken_and_its_twin_is_not(harbor_plain: Stack) -> None:
    twin = harbor_plain["service.1"].id
    with harbor_plain.broken("service.2", user="0:0") as container:
        assert container.name.endswith("-service-2")
        assert container.inspect()["Config"]["User"] == "0:0"
        assert container.inspect()["State"]["Health"]["Status"] == "healthy"
    assert [c.inspect()["Config"]["User"] for c in harbor_plain.containers["service"]] == ["10014:10014"] * 2
    assert harbor_plain["service.1"].id == twin


def test_compose_refuses_to_break_one_replica_and_goes_on(harbor_compose1: Stack) -> None:
    before = harbor_compose1.ids
    with pytest.raises(ValueError, match="alike"), harbor_compose1.broken("service.2", user="0:0"):
        pass
    assert sorted(harbor_compose1.ids) == sorted(before)


def test_a_container_more_can_join_and_leave(any_harbor: Stack) -> None:
    with any_harbor.broken("stranger", image="tiny", volumes=["more:/data"]) as container:
        assert container.service == "stranger"
        assert container.inspect()["State"]["Health"]["Status"] == "healthy"
    assert "stranger" not in any_harbor.containers


def test_overrides_hold_from_the_start_and_teardown_leaves_nothing(lab: Lab, docker_engine: Engine) -> None:
    stack = lab.up("plain", overrides={"redis": {"read_only": False, "+cap_add": ["NET_RAW"]}})
    try:
        host = stack["redis"].inspect()["HostConfig"]
        assert not host["ReadonlyRootfs"]
        assert host["CapAdd"] == ["NET_RAW"]
        assert stack.secret_file.exists()
    finally:
        stack.down()
    label = f"{harbor.PROJECT}={stack.project}"
    assert {kind: docker_engine.labelled(kind, label) for kind in ("containers", "networks", "volumes")} == {
        "containers": [], "networks": [], "volumes": [],
    }  # fmt: skip
    assert not stack.folder.exists()


@pytest.mark.parametrize("kind", ["compose1", "compose2"])
def test_what_compose_made_is_gone_after_teardown(kind: str, lab: Lab, docker_engine: Engine, require: Any) -> None:
    require(kind)
    stack = lab.up(kind, overrides={"service": {"scale": 1}})  # type: ignore[arg-type]
    try:
        assert len(stack.containers["service"]) == 1
    finally:
        stack.down()
    for label in (f"{harbor.PROJECT}={stack.project}", f"com.docker.compose.project={stack.project}"):
        assert [docker_engine.labelled(kind, label) for kind in ("containers", "networks", "volumes")] == [[], [], []]


def test_a_stack_that_does_not_come_up_says_why_and_leaves_nothing(lab: Lab, docker_engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="No such file"):
        lab.up("plain", "harbor-doomed", overrides={"redis": {"command": ["--include", "/no/such file"]}})
    assert "harbor-doomed" not in projects(docker_engine)


def test_the_compose_file_is_the_description(require: Any) -> None:
    assert harbor.COMPOSE_FILE.read_text(encoding="utf-8") == harbor.compose_text()


# --- single containers ---


@pytest.mark.parametrize(
    ("words", "path", "value"),
    [
        ({"user": "0:0"}, "Config.User", "0:0"),
        ({"cap_add": ["SYS_ADMIN"]}, "HostConfig.CapAdd", ["SYS_ADMIN"]),
        ({"cap_drop": None}, "HostConfig.CapDrop", None),
        ({"security_opt": None}, "HostConfig.SecurityOpt", None),
        ({"pid_mode": "host"}, "HostConfig.PidMode", "host"),
        ({"network_mode": "host"}, "HostConfig.NetworkMode", "host"),
        ({"read_only": False}, "HostConfig.ReadonlyRootfs", False),
        ({"mem_limit": None, "memswap_limit": None}, "HostConfig.Memory", 0),
        ({"healthcheck": {"disable": True}}, "Config.Healthcheck.Test", ["NONE"]),
        ({"logging": {"driver": "json-file"}}, "HostConfig.LogConfig.Config", {}),
        ({"env": {"MODE": "x"}}, "Config.Env", ["MODE=x", "PATH=/bin"]),
    ],
)
def test_a_single_container_differs_in_what_was_said(lab: Lab, words: Any, path: str, value: Any) -> None:
    with lab.single(**words) as container:
        found: Any = container.inspect()
        for step in path.split("."):
            found = found[step]
        assert found == value
        assert container.inspect()["State"]["Running"]


def test_a_healthcheck_that_cannot_run_is_seen_not_to(lab: Lab) -> None:
    check = {"test": ["CMD", "curl", "http://127.0.0.1:8080"], "interval": "200ms", "retries": 1}
    with lab.single(healthcheck=check) as container:
        assert "executable file not found" in container.inspect()["State"]["Health"]["Log"][0]["Output"]


def test_images_of_any_age_and_architecture(lab: Lab) -> None:
    old = lab.image(created="2020-01-01T00:00:00Z", architecture="arm64", config={"Healthcheck": None})
    with lab.single(old) as container:
        assert container.inspect()["Image"] == old
    found = lab.engine.image(old)
    assert found is not None
    assert (found["Created"][:4], found["Architecture"]) == ("2020", "arm64")


def test_volumes_of_a_single_container_go_with_it(lab: Lab, docker_engine: Engine) -> None:
    container: Container = lab.single(volumes=["data:/data"])
    (volume,) = container.volumes
    assert docker_engine.call("GET", f"/volumes/{volume}")["Name"] == volume
    container.down()
    assert docker_engine.call("GET", f"/volumes/{volume}", accept=(404,)) is None


def test_what_a_dead_process_left_is_swept_and_what_a_living_one_has_is_not(lab: Lab, docker_engine: Engine) -> None:
    left = Lab(docker_engine)
    namespace, pid, _ = left.owner.split("/")
    left.owner = f"{namespace}/{pid}/1"  # a process with this pid that started at another time
    container = left.single(wait=False)
    with lab.single(wait=False) as living:
        assert left.project in sweep(docker_engine)
        assert docker_engine.call("GET", f"/containers/{container.id}/json", accept=(404,)) is None
        assert living.inspect()["State"]["Running"]


# --- the remote engine ---


def test_the_remote_engine_is_the_same_engine(docker_engine: Engine, remote_engine: Remote) -> None:
    done = docker("info", "--format", "{{.ID}}", env=remote_engine.environment)
    assert done.stdout.strip() == docker_engine.call("GET", "/info")["ID"], done.stderr


def test_the_remote_engine_streams_both_ways(remote_engine: Remote, lab: Lab) -> None:
    with lab.single(wait=False) as container:
        done = docker("exec", "-i", container.id, "cat", env=remote_engine.environment, input="over\nand out\n")
    assert done.stdout == "over\nand out\n"


def test_the_remote_engine_refuses_who_has_no_certificate(remote_engine: Remote) -> None:
    context = ssl.create_default_context(cafile=remote_engine.certs / "ca.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", remote_engine.port, context=context, timeout=10)
    with contextlib.closing(connection), pytest.raises((ssl.SSLError, ConnectionError)):
        _ = connection.request("GET", "/_ping") or connection.getresponse()  # TLS 1.3 refuses at the first read


def test_the_remote_engine_refuses_a_stranger_and_plain_http(remote_engine: Remote) -> None:
    stranger = docker("version", env=remote_engine.environment | {"DOCKER_CERT_PATH": str(remote_engine.stranger)})
    assert stranger.returncode != 0
    with socket.create_connection(("127.0.0.1", remote_engine.port), timeout=10) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
    assert b"HTTP/" not in answer


# --- the recording proxy ---


def test_the_proxy_records_what_was_asked_and_changes_nothing(
    recording_proxy: RecordingProxy, docker_engine: Engine, lab: Lab
) -> None:
    with lab.single() as container:
        proxied = Engine(recording_proxy.path)
        assert proxied.inspect(container.id) == docker_engine.inspect(container.id)
        assert proxied.logs(container.id) == docker_engine.logs(container.id)
        assert docker("exec", container.id, "true", env={"DOCKER_HOST": recording_proxy.host}).returncode == 0
    assert recording_proxy.requests[0] == ("GET", f"/containers/{container.id}/json")
    asked = [path.partition("?")[0] for method, path in recording_proxy.requests if method == "POST"]
    assert any(path.endswith("/exec") for path in asked)
    assert any(path.endswith("/start") for path in asked)


def test_the_proxy_passes_on_a_long_chunked_answer(recording_proxy: RecordingProxy, lab: Lab) -> None:
    export = f"/images/{tag_of('tiny')}/get"
    direct = lab.engine.call("GET", export)
    assert len(direct) > 1_500_000
    assert Engine(recording_proxy.path).call("GET", export) == direct


def test_every_request_of_a_connection_is_found_however_the_bytes_fall() -> None:
    stream = (
        b"GET /one?x=1 HTTP/1.1\r\nHost: d\r\n\r\n"
        b"POST /two HTTP/1.1\r\nContent-Length: 22\r\n\r\nGET /no HTTP/1.1\r\n\r\nxx"
        b"PUT /three HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nDELE\r\n2;a=b\r\n\r\n\r\n0\r\nT: x\r\n\r\n"
        b"POST /four HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"HEAD /five HTTP/1.1\r\n\r\n"
        b"POST /six HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nGET /opaque HTTP/1.1\r\n\r\n"
    )
    expected = [
        ("GET", "/one?x=1"), ("POST", "/two"), ("PUT", "/three"), ("POST", "/four"), ("HEAD", "/five"), ("POST", "/six"),
    ]  # fmt: skip
    for size in (1, 2, 3, 7, 50, len(stream)):
        found: list[tuple[str, str]] = []
        reader = RequestReader(lambda method, path, into=found: into.append((method, path)))  # type: ignore[misc]
        for start in range(0, len(stream), size):
            reader(stream[start : start + size])
        assert found == expected, size


# --- words and requirements ---


def test_overrides_replace_add_take_away_and_compute() -> None:
    base = {"cap_drop": ["ALL"], "user": "1:1", "networks": ["back"], "ulimits": {"core": 0}}
    changed = override(base, {"+cap_drop": ["X"], "user": None, "+ulimits": {"nofile": 9}, "pid_mode": "host"})
    assert changed == {
        "cap_drop": ["ALL", "X"],
        "networks": ["back"],
        "ulimits": {"core": 0, "nofile": 9},
        "pid": "host",
    }
    assert override(base, {"user": lambda user: f"{user}0"})["user"] == "1:10"
    assert "networks" not in override(base, {"network_mode": "host"})
    with pytest.raises(ValueError, match="no such word"):
        override(base, {"privilegd": True})


def test_ports_and_sizes_mean_what_they_mean_to_compose() -> None:
    body = create_body({"ports": ["127.0.0.1:81:80", "82:80/udp", "9", "[::1]::7"], "mem_limit": "2m"}, {})
    assert body["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "81"}],
        "80/udp": [{"HostIp": "", "HostPort": "82"}],
        "9/tcp": [{"HostIp": "", "HostPort": ""}],
        "7/tcp": [{"HostIp": "::1", "HostPort": ""}],
    }
    assert body["HostConfig"]["Memory"] == 2 << 20


def test_a_misspelt_requirement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_REQUIRE", "docker, redsi")
    with pytest.raises(ValueError, match="redsi"):
        required()
