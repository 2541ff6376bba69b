"""Containers made anew and replicas added by driver docker, plain and by both composes, cut short at every step, too."""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import tarfile

import pytest

from seatrial.drivers import docker
from seatrial.drivers._docker_api import Api
from seatrial.words import CouldNotLook
from tests.integration.drills.docker_hands import again, hands, read_back, undone
from tests.lab import LABEL, compose
from tests.lab.harbor.stack import OWNER, PROJECT
from tests.lab.stacks import tear_down

UNLIKE = {
    "Id", "Created", "State", "ExecIDs", "GraphDriver", "LogPath", "HostnamePath", "HostsPath", "ResolvConfPath", "Mounts", "RestartCount",
}  # fmt: skip
"""What is another container's own."""


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))


def only(acts):
    (act,) = acts
    return act


def alike(one: dict) -> dict:
    """An inspection without what is a container's own, and what the engine chooses at each start."""
    found = {key: value for key, value in one.items() if key not in UNLIKE}
    short = one["Id"][:12]
    found["Config"] = {k: None if (k, v) == ("Hostname", short) else v for k, v in one["Config"].items()}
    found["NetworkSettings"] = {
        name: {
            "static": network["IPAMConfig"],
            "aliases": sorted(alias for alias in network["Aliases"] or () if alias != short),
        }
        for name, network in one["NetworkSettings"]["Networks"].items()
    }
    found["Mounts"] = sorted((m["Destination"], m["Type"], m["RW"]) for m in one["Mounts"])
    return found


def written(container: str, path: str, text: str | None = None) -> str:
    """Write a file in a container by hand, or read it; empty when there is none."""
    script = f"echo {text} > {path}" if text else f"cat {path} 2>/dev/null || true"
    done = subprocess.run(
        ["docker", "exec", "--user", "0", container, "sh", "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def loose(lab, name: str) -> str:
    """Its anonymous volume."""
    return next(m["Name"] for m in lab.engine.inspect(name)["Mounts"] if m["Destination"] == "/loose")


@pytest.fixture
def rich(lab, tmp_path):
    """A container with two networks, aliases, a static address, a named, a bound and an anonymous volume, and secrets."""
    name = f"rich-{secrets.token_hex(2)}"
    labels = lab.labels(lab.project)
    for network, subnet in ((f"{name}-a", "10.231.7.0/24"), (f"{name}-b", None)):
        ipam = {"Config": [{"Subnet": subnet}]} if subnet else {}
        lab.engine.call("POST", "/networks/create", {"Name": network, "Labels": labels, "IPAM": ipam})
    (tmp_path / "bound").mkdir()
    lab._count += 1  # so that the lab takes down what carries its label
    volume = lab.volume(f"{name}-data", labels)
    body = {
        "Image": lab.images["tiny"],
        "User": "0",
        "Labels": {**labels, "says": "a: b"},
        "Env": ["TOKEN=correct-horse", "EMPTY="],
        "Volumes": {"/loose": {}},
        "StopTimeout": 2,
        "HostConfig": {
            "NetworkMode": f"{name}-a",
            "Binds": [f"{volume}:/data", f"{tmp_path / 'bound'}:/bound:ro"],
            "Tmpfs": {"/tmp": "size=1m"},
            "Memory": 16 << 20,
            "CapDrop": ["NET_RAW"],
            "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 4},
            "ExtraHosts": ["box:10.0.0.9"],
            "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "80"},
        },
        "NetworkingConfig": {
            "EndpointsConfig": {f"{name}-a": {"Aliases": ["web"], "IPAMConfig": {"IPv4Address": "10.231.7.77"}}}
        },
    }
    made = lab.engine.call("POST", "/containers/create", body, name=name)["Id"]
    lab.engine.call(
        "POST", f"/networks/{name}-b/connect", {"Container": made, "EndpointConfig": {"Aliases": ["web", "b"]}}
    )
    lab.engine.call("POST", f"/containers/{made}/start")
    kept = [loose(lab, name)]  # what is made anew leaves it with the engine
    try:
        yield name
    finally:
        found = [one["Id"] for one in lab.engine.call("GET", "/containers/json", all=True) if name in one["Names"][0]]
        lab.engine.remove("containers", found)
        lab.engine.remove("networks", [f"{name}-a", f"{name}-b"])
        lab.engine.remove("volumes", [volume, *kept])


def test_a_container_is_made_anew_from_its_declaration(lab, rich, tmp_path):
    found = hands(tmp_path, {"web": {"containers": [rich], "port": 8080}})
    before, was = found.inventory(), lab.engine.inspect(rich)
    for path in ("/data/kept", "/loose/lost", "/lost"):
        written(rich, path, "here")
    act = only(found.acts("recreate", "web", replica=rich))
    assert "correct-horse" not in json.dumps([act.told(), found.told()]) + repr(act)
    found.do(act)
    now = lab.engine.inspect(rich)
    assert alike(now) == alike(was)
    assert now["Id"] != was["Id"]
    assert f"was replaced by {now['Id'][:12]}" in found.proof(act)
    assert [written(rich, path) for path in ("/data/kept", "/loose/lost", "/lost")] == ["here", "", ""]
    assert found.left(act) == ""
    assert undone(found, act) == ""
    assert lab.engine.inspect(rich)["Id"] == now["Id"]
    assert found.inventory() == before
    late = again(tmp_path, found.told())
    assert undone(late, read_back(act)) == ""
    with pytest.raises(CouldNotLook, match="has no running container other"):
        found.acts("recreate", "web", replica="other")


STEPS = ["create", "connect", "stop", "rename", "rename", "start", "remove"]


@pytest.mark.parametrize(
    ("cut", "after"),
    [(0, False), *((n, True) for n in range(len(STEPS)))],
    ids=["before-all", *(f"after-{n}-{step}" for n, step in enumerate(STEPS))],
)
def test_cut_short_at_any_step_it_comes_back(lab, rich, tmp_path, monkeypatch, cut, after):
    """The engine goes away before a step, or does it and is not heard any more; another process undoes it later."""
    door = tmp_path / "engine.sock"
    door.symlink_to(lab.engine.path)
    found = hands(tmp_path, {"web": {"containers": [rich], "port": 8080}}, host=f"unix://{door}")
    before, was = found.inventory(), lab.engine.inspect(rich)
    act = only(found.acts("recreate", "web", grace=1.0))
    send, sent = Api.send, []

    def cutting(self, method, path, /, **words):
        sent.append(path)
        if len(sent) <= cut:
            return send(self, method, path, **words)
        if after and len(sent) == cut + 1:
            send(self, method, path, **words)
        door.unlink(missing_ok=True)
        self.close()
        return send(self, method, path, **words)

    with monkeypatch.context() as patched:
        patched.setattr(Api, "send", cutting)
        with pytest.raises(CouldNotLook, match="no engine answers"):
            found.do(act)
    with pytest.raises(CouldNotLook, match="no engine answers"):
        found.undo(act)
    door.symlink_to(lab.engine.path)
    assert len(sent) == cut + 1
    late = again(tmp_path, found.told())
    assert undone(late, read_back(act)) == ""
    now = lab.engine.inspect(rich)
    assert now["State"]["Running"]
    assert alike(now) == alike(was)
    late.undo(read_back(act))
    assert lab.engine.inspect(rich)["State"]["StartedAt"] == now["State"]["StartedAt"]
    assert undone(found, act) == ""
    assert found.inventory() == before


def test_one_that_does_not_run_anew_gives_way_to_the_one_before(lab, tmp_path):
    """What it needs lay on its writable layer."""
    lab._count += 1
    name = f"needy-{secrets.token_hex(2)}"
    command = ["sh", "-c", "[ -e /needed ] && exec httpd -f -p 8080 -h /www"]
    body = {"Image": lab.images["tiny"], "Labels": lab.labels(lab.project), "Cmd": command, "StopTimeout": 1}
    made = lab.engine.call("POST", "/containers/create", body, name=name)["Id"]
    try:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("needed"))
        lab.engine.call("PUT", f"/containers/{made}/archive?path=/", packed.getvalue())
        lab.engine.call("POST", f"/containers/{made}/start")
        found = hands(tmp_path, {"web": {"containers": [name], "port": 8080}})
        before = found.inventory()
        act = only(found.acts("recreate", "web"))
        with pytest.raises(CouldNotLook, match=f"container {name} ended with 1 as soon as it was started anew"):
            found.do(act)
        assert found.left(act) == f"container {name}-seatrial-old is still there"
        assert undone(found, act) == ""
        assert (lab.engine.inspect(name)["Id"], found.inventory()) == (made, before)
    finally:
        lab.engine.remove("containers", [made])


def test_a_leftover_of_an_earlier_run_is_told(lab, rich, tmp_path):
    body = {"Image": lab.images["tiny"], "Labels": lab.labels(lab.project)}
    made = lab.engine.call("POST", "/containers/create", body, name=f"{rich}-seatrial-old")["Id"]
    try:
        found = hands(tmp_path, {"web": {"containers": [rich], "port": 8080}})
        with pytest.raises(CouldNotLook, match="say `seatrial recover`"):
            found.acts("recreate", "web")
        assert [one.name for one in found.replicas("web")] == [rich]
    finally:
        lab.engine.remove("containers", [made])


# --- both composes ----------------------------------------------------------------------------------------------------


class Composed:
    """A small project, as compose made it."""

    def __init__(self, lab, kind, folder) -> None:
        self.lab, self.project = lab, f"hands{secrets.token_hex(3)}"
        self.command = [*compose.find(kind), "-p", self.project, "-f", str(folder / "compose.yaml")]
        labels = {LABEL: "1", PROJECT: self.project, OWNER: lab.owner}
        document = {
            "services": {
                "web": {
                    "image": lab.images["tiny"],
                    "healthcheck": {"disable": True},
                    "environment": {"TOKEN": "correct-horse"},
                    "volumes": ["data:/data"],
                    "networks": {"back": {"aliases": ["site"]}},
                    "restart": "unless-stopped",
                    "stop_grace_period": "2s",
                    "labels": labels,
                }
            },
            "networks": {"back": {"labels": labels}},
            "volumes": {"data": {"labels": labels}},
        }
        if kind == "compose1":
            document["version"] = "3.8"
        (folder / "compose.yaml").write_text(json.dumps(document))

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [*self.command, *words], env={**os.environ, "DOCKER_HOST": f"unix://{self.lab.engine.path}"},
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.mark.parametrize("kind", ["compose1", "compose2"])
def test_compose_still_knows_what_was_made_anew_and_what_was_scaled_is_gone(lab, require, tmp_path, kind):
    require(kind)
    project = Composed(lab, kind, tmp_path)
    try:
        project("up", "-d")
        found = hands(tmp_path, {"web": {"port": 8080}}, compose_project=project.project)
        before, was = found.inventory(), lab.engine.inspect(only(found.replicas("web")).id)
        act = only(found.acts("recreate", "web"))
        found.do(act)
        assert undone(found, act) == ""
        now = lab.engine.inspect(only(found.replicas("web")).id)
        assert (now["Id"] != was["Id"], alike(now)) == (True, alike(was))
        project("up", "-d")
        assert project("ps", "-q").split() == [now["Id"]]
        assert found.inventory() == before

        scaled = only(found.acts("scale", "web", to=3))
        found.do(scaled)
        assert "run beside" in found.proof(scaled)
        first, *more = sorted(found.replicas("web"), key=lambda one: one.name)
        joint = "_" if kind == "compose1" else "-"
        names = [f"{project.project}{joint}web{joint}{number}" for number in (1, 2, 3)]
        assert [first.name, *(one.name for one in more)] == names
        assert len({one.url for one in (first, *more)}) == 3
        assert sorted(project("ps", "-q").split()) == sorted(one.id for one in (first, *more))
        numbers = [lab.engine.inspect(n)["Config"]["Labels"]["com.docker.compose.container-number"] for n in names]
        assert numbers == ["1", "2", "3"]
        addresses = subprocess.run(
            ["docker", "exec", names[0], "nslookup", "site", "127.0.0.11"], capture_output=True, text=True, check=False
        ).stdout
        assert all(one.url.removeprefix("http://").removesuffix(":8080") in addresses for one in more)
        late = again(tmp_path, found.told())
        assert "still there" in late.left(read_back(scaled))
        assert undone(late, read_back(scaled)) == ""
        assert [one.id for one in found.replicas("web")] == [now["Id"]]
        assert found.inventory() == before
    finally:
        tear_down(lab.engine, project.project)


def test_what_can_not_be_scaled_is_refused(lab, tmp_path):
    from tests.lab.ports import free_port

    with lab.single(name="fixed", wait=False, ports=[f"127.0.0.1:{free_port()}:8080"]) as one:
        found = hands(tmp_path, {"web": {"containers": [one.name]}})
        with pytest.raises(CouldNotLook, match="as a fixed one, which only one replica can have"):
            found.acts("scale", "web", to=2)
        for to in (1, 0, 500):
            with pytest.raises(CouldNotLook, match="it can be scaled to 2 to 20"):
                found.acts("scale", "web", to=to)


def test_a_scale_cut_short_leaves_nothing(lab, tmp_path, monkeypatch):
    with lab.single(name="part", wait=False, restart="no") as one:
        found = hands(tmp_path, {"web": {"containers": [one.name], "port": 8080}})
        before = found.inventory()
        act = only(found.acts("scale", "web", to=4))
        send, sent = Api.send, []

        def cutting(self, method, path, /, **words):
            sent.append(path)
            if len(sent) > 4:
                raise CouldNotLook("the engine is gone")
            return send(self, method, path, **words)

        with monkeypatch.context() as patched:
            patched.setattr(Api, "send", cutting)
            with pytest.raises(CouldNotLook, match="the engine is gone"):
                found.do(act)
        assert "still there" in found.left(act)
        assert undone(again(tmp_path, found.told()), read_back(act)) == ""
        assert found.inventory() == before


def test_a_run_knows_what_it_made_anew_when_it_disturbs_again(lab, rich, tmp_path):
    """The same replica, one act after the other: ids and counts of the first look stay what is compared."""
    found = hands(tmp_path, {"web": {"containers": [rich], "port": 8080}})
    before = found.inventory()
    between = ""
    for kind in ("recreate", "kill", "recreate", "stop"):
        between = between or ("" if kind == "recreate" else loose(lab, rich))
        act = only(found.acts(kind, "web"))
        found.do(act)
        assert undone(found, act) == ""
        assert found.inventory() == before
    assert docker.generations(found.session)["web"]
    lab.engine.remove("volumes", [between])
