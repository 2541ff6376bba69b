"""Driver docker's hands without an engine: declarations, names, addresses, and what a rule looks like."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from seatrial.drivers import Session, _docker_declared, _docker_kernel, _faults
from seatrial.drivers._docker_api import NotThere
from seatrial.drivers._docker_endpoint import Endpoint
from seatrial.drivers._docker_grip import Grip
from seatrial.drivers._docker_inventory import normal
from seatrial.profile.model import Profile
from seatrial.words import CouldNotLook

ID = "0123456789ab" + "c" * 52
IMAGE = "sha256:" + "1" * 64


class Engine:
    """Knows images by name."""

    def __init__(self, images=None):
        self.images = {"app:1": IMAGE, IMAGE: IMAGE} if images is None else images
        self.sent = []

    def get(self, path):
        name = path.removeprefix("/images/").removesuffix("/json")
        if name not in self.images:
            raise NotThere(path)
        return {"Id": self.images[name]}

    def send(self, method, path, /, body=None, **words):
        self.sent.append((method, path, body))
        return {"Id": "new"}


def inspected(mode="back", networks=None, config=None, host=None):
    endpoint = {
        "NetworkID": "n1",
        "IPAMConfig": None,
        "Aliases": ["web", ID[:12]],
        "Links": None,
        "IPAddress": "10.0.0.2",
    }
    return {
        "Id": ID,
        "Name": "/stack-web-1",
        "Image": IMAGE,
        "State": {"Pid": 7},
        "Config": {"Hostname": ID[:12], "Image": "app:1", "Env": ["TOKEN=correct-horse"], "Labels": {"a": "b"}, **(config or {})},
        "HostConfig": {"NetworkMode": mode, **(host or {})},
        "NetworkSettings": {"Networks": {"back": endpoint} if networks is None else networks, "Ports": {}},
    }  # fmt: skip


def test_a_declaration_leaves_to_the_engine_what_the_engine_chose():
    one = inspected(
        networks={
            "back": {"NetworkID": "n1", "Aliases": ["web", ID[:12]], "IPAMConfig": {"IPv4Address": "10.0.0.9"}, "IPAddress": "10.0.0.9"},
            "door": {"NetworkID": "n2", "Aliases": None, "IPAMConfig": {}, "IPAddress": "10.1.0.2"},
        },
        host={"Links": ["/db:/stack-web-1/store"]},
        config={"Labels": {"a": "b", "com.docker.compose.replace": "old"}},
    )  # fmt: skip
    found = _docker_declared.declaration(Engine(), one)
    assert "Hostname" not in found.body
    assert found.body["Labels"] == {"a": "b"}
    assert found.body["HostConfig"]["Links"] == ["db:store"]
    assert found.body["NetworkingConfig"]["EndpointsConfig"] == {
        "back": {"IPAMConfig": {"IPv4Address": "10.0.0.9"}, "Aliases": ["web"]}
    }
    assert found.networks == {"door": {"IPAMConfig": {}}}
    assert "correct-horse" not in repr(found)
    engine = Engine()
    assert _docker_declared.make(engine, found, "stack-web-1-seatrial-new") == "new"
    assert [(method, path) for method, path, _ in engine.sent] == [
        ("POST", "/containers/create"),
        ("POST", "/networks/door/connect"),
    ]


@pytest.mark.parametrize(
    ("images", "said"), [({"app:1": IMAGE}, "app:1"), ({"app:1": "sha256:newer", IMAGE: IMAGE}, IMAGE), ({IMAGE: IMAGE}, IMAGE)]
)  # fmt: skip
def test_a_name_that_means_another_image_by_now_upgrades_nothing(images, said):
    assert _docker_declared.declaration(Engine(images), inspected()).body["Image"] == said


def test_what_can_not_be_made_anew_is_told():
    with pytest.raises(CouldNotLook, match="image of container stack-web-1 is gone"):
        _docker_declared.declaration(Engine({}), inspected())
    with pytest.raises(CouldNotLook, match="was taken off network back"):
        _docker_declared.declaration(Engine(), inspected(networks={}))


@pytest.mark.parametrize("mode", ["host", "none", "container:abc"])
def test_a_network_of_another_is_taken_as_it_is(mode):
    found = _docker_declared.declaration(Engine(), inspected(mode, config={"ExposedPorts": {"80/tcp": {}}}))
    assert ("NetworkingConfig" in found.body, found.networks) == (False, {})
    assert ("ExposedPorts" in found.body) == (not mode.startswith("container:"))


@pytest.mark.parametrize(
    ("name", "further"),
    [("p-web-1", "p-web-3"), ("p_web_1", "p_web_3"), ("web", "web-3"), ("web2", "web2-3"), ("p.12", "p.3")],
)
def test_names_of_replicas(name, further):
    assert _docker_declared.renumbered(name, 3) == further


# --- addresses --------------------------------------------------------------------------------------------------------


def grip(service, host="unix:///x.sock"):
    profile = Profile.model_validate({"profile": "p", "target": {"driver": "docker"}, "services": {"web": service}})
    session = Session(profile=profile, base=Path(), resolve=lambda value: "" if value is None else str(value))
    return Grip(session, Endpoint(host))


PUBLISHED = {"8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "18080"}], "9090/tcp": None, "53/udp": [{"HostIp": "", "HostPort": "53"}]}  # fmt: skip
CASES = [
    # service, engine, here, mode, ports, exposed, address
    ({"port": 9000}, "unix:///x", True, "back", {}, [], ("10.0.0.2", 9000)),
    ({"url": "http://127.0.0.1:18080"}, "unix:///x", True, "back", PUBLISHED, [], ("10.0.0.2", 8080)),
    ({"url": "http://127.0.0.1:80"}, "unix:///x", True, "back", {"8080/tcp": None}, [], ("10.0.0.2", 8080)),
    ({"url": "http://127.0.0.1:80"}, "unix:///x", True, "back", {}, ["8080/tcp"], ("10.0.0.2", 8080)),
    ({"url": "http://10.0.0.2:9090"}, "unix:///x", True, "back", PUBLISHED, [], ("10.0.0.2", 9090)),
    ({"url": "http://127.0.0.1:80"}, "unix:///x", True, "back", {}, ["1/tcp", "2/tcp"], None),
    ({}, "unix:///x", True, "back", {}, [], None),
    ({"url": "http://box:7000"}, "unix:///x", True, "host", {}, [], ("127.0.0.1", 7000)),
    ({"url": "http://box:7000"}, "tcp://box:2376", False, "host", {}, [], ("box", 7000)),
    ({"port": 8080}, "tcp://box:2376", False, "back", PUBLISHED, [], ("box", 18080)),
    ({"port": 9090}, "tcp://box:2376", False, "back", PUBLISHED, [], None),
    ({"port": 8080}, "unix:///tunnel", False, "back", PUBLISHED, [], None),
    (
        {"port": 8080}, "tcp://box:2376", False, "back", {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "1"}]}, [], None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("service", "engine", "here", "mode", "ports", "exposed", "address"), CASES)
def test_a_replica_is_reached_at_its_own_address(monkeypatch, service, engine, here, mode, ports, exposed, address):
    monkeypatch.setattr(_docker_kernel, "near", lambda one: here)
    one = inspected(mode, config={"ExposedPorts": {key: {} for key in exposed}})
    one["NetworkSettings"]["Ports"] = ports
    assert grip(service, engine).address("web", one) == address


def test_an_address_of_ipv6_serves_where_there_is_no_other(monkeypatch):
    monkeypatch.setattr(_docker_kernel, "near", lambda one: True)
    one = inspected(networks={"back": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}})
    assert grip({"port": 80}).address("web", one) == ("fd00::2", 80)


def test_what_could_not_be_undone_is_not_begun():
    hold = grip({"port": 80})
    one = inspected(host={"AutoRemove": True})
    with pytest.raises(CouldNotLook, match="was started with --rm"):
        hold.refuse_end("stop", one)
    one["State"]["Paused"] = True
    with pytest.raises(CouldNotLook, match="is paused: the engine can't kill it"):
        hold.refuse_end("kill", one)


def test_a_number_that_another_process_has_by_now_is_not_killed():
    child = subprocess.Popen(["sleep", "30"])
    try:
        started = _docker_kernel._started(child.pid)
        with pytest.raises(CouldNotLook, match="is another process by now"):
            _docker_kernel.kill(child.pid, started + 1)
        assert not _docker_kernel.ended(child.pid, started)
        _docker_kernel.kill(child.pid, started)
        assert child.wait(10) == -9
    finally:
        child.kill()
        child.wait()
    with pytest.raises(CouldNotLook, match="has ended"):
        _docker_kernel.kill(child.pid, started)


@pytest.mark.parametrize(("name", "on", "off"), [("freezer.state", "FROZEN", "THAWED"), ("cgroup.freeze", "1", "0")])
def test_both_freezers_are_spoken_to(tmp_path, name, on, off):
    file = tmp_path / name
    file.write_text("")
    for state, said in ((True, on), (False, off)):
        file.write_text("")
        _docker_kernel.freeze(str(file), on=state)
        assert (file.read_text(), _docker_kernel.frozen(str(file), 0.0)) == (said, state)
    with pytest.raises(CouldNotLook, match="could not be written"):
        _docker_kernel.freeze(str(tmp_path / "gone" / name), on=True)
    assert not _docker_kernel.frozen(str(tmp_path / "gone"))


# --- what is compared, and proofs -------------------------------------------------------------------------------------


def test_rules_are_compared_without_what_changes_at_each_start():
    text = """# Generated by iptables-save
*nat
:OUTPUT ACCEPT [12:840]
:FORWARD DROP [3:4]
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 127.0.0.11:{port}
-A OUTPUT -p tcp --dport 6379 -j DROP
COMMIT
"""
    assert normal(text.format(port=40001)) == normal(text.format(port=33333).replace("840", "1"))
    assert "--dport 6379 -j DROP" in normal(text)
    assert ":FORWARD DROP" in normal(text)
    assert normal("qdisc noqueue 0: dev eth0 root refcnt 2 \n") == "qdisc noqueue 0: dev eth0 root"


@pytest.fixture
def server():
    """Answers each connection after as long as is said."""
    listener = socket.create_server(("127.0.0.1", 0))
    waits: list[float] = []

    def serve():
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                line.recv(100)
                time.sleep(waits.pop(0) if waits else 0.0)
                line.sendall(b"+PONG\r\n")

    threading.Thread(target=serve, daemon=True).start()
    yield (*listener.getsockname(), waits)
    listener.close()


def test_slow_is_measured(server):
    host, port, waits = server
    waits += [0.0, 0.3]  # the first falls into a moment in which it runs
    assert "to answer a hello; 0.00 s before" in _faults.is_slow(host, port, "redis", 0.3)
    with pytest.raises(CouldNotLook, match=r"though it was made slow by 0\.3 s"):
        _faults.is_slow(host, port, "redis", 0.3)
    waits += [0.2] * 4
    with pytest.raises(CouldNotLook, match="though it was made slow"):  # it was as slow before
        _faults.is_slow(host, port, "redis", 0.3, before=0.2)
    waits += [9.0]
    with pytest.raises(CouldNotLook, match="it is not slow, it hangs"):
        _faults.is_slow(host, port, "redis", 0.05)
