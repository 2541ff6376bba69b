"""What driver docker can do to its target, on a real engine: done, shown, told, undone, and the target as it was found."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seatrial.drivers import _docker_kernel, _docker_shaping
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook
from tests.integration.drills.docker_hands import again, hands, paused, proven, read_back, session, undone

KINDS = {
    "hang": ({}, "says nothing|freezer", "paused"),
    "stop": ({}, "accepts no connection", "not running"),
    "terminate": ({"grace": 2.0}, "ended, exit code", "not running"),
    "kill": ({}, "ended", None),
    "restart": ({"grace": 2.0}, "started again", ""),
    "slow": ({"delay": 0.4}, "to answer a hello", "held and let go"),
    "scale": ({"to": 2}, "run beside", "still there"),
    "command": ({"command": ["python", "-c", ""], "back": ["python", "-c", ""]}, "ended with 0", "was not run"),
}


@pytest.fixture(scope="module")
def tiny(lab):
    with lab.single(name="hands", restart="on-failure:9", stop_grace_period="2s", healthcheck={"disable": True}) as one:
        yield one


@pytest.fixture
def grip(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    end = time.monotonic() + 10
    found = hands(tmp_path, {"web": {"containers": [tiny.name], "port": 8080}})
    while not any(act.found["hello"] is not None for act in found.acts("hang", "web")):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def only(acts) -> Act:
    (act,) = acts
    return act


@pytest.mark.parametrize("kind", KINDS)
def test_an_act_is_done_shown_told_and_undone(grip, tmp_path, kind):
    wanted, shown, left = KINDS[kind]
    before = grip.inventory()
    act = only(grip.acts(kind, "web", **wanted))
    try:
        grip.do(act)
        assert any(word in proven(grip, act) for word in shown.split("|"))
        if left is not None:
            assert (left in grip.left(act)) if left else grip.left(act) == ""
    finally:
        assert undone(grip, act) == ""
    grip.undo(act)
    assert (grip.left(act), grip.inventory()) == ("", before)


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_undoes_it_from_the_journal_alone(grip, tiny, tmp_path, kind):
    wanted, _, _ = KINDS[kind]
    before = grip.inventory()
    act = only(grip.acts(kind, "web", **wanted))
    try:
        grip.do(act)
        if kind == "slow":  # the thread went with its process; what it held stays held
            grip.grip.held.pop(act.found["token"])()
        late, told = again(tmp_path, grip.told()), read_back(act)
        assert undone(late, told) == ""
        late.undo(told)
        assert late.left(told) == ""
    finally:
        undone(grip, act)
    assert {name: value for name, value in grip.inventory().items() if "container" not in name} == {
        name: value for name, value in before.items() if "container" not in name
    }


def test_what_a_killed_run_holds_is_let_go_by_another(grip, tiny, tmp_path):
    """A real process, killed in the middle of a slow dependency."""
    program = f"""
import json, sys, time
from pathlib import Path
from tests.integration.drills.docker_hands import hands
found = hands(Path({str(tmp_path)!r}), {{"web": {{"containers": [{tiny.name!r}], "port": 8080}}}})
(act,) = found.acts("slow", "web", delay=5.0)
print(json.dumps([act.told(), found.told()]), flush=True)
found.do(act)
print("done", flush=True)
time.sleep(60)
"""
    root = Path(__file__).parents[3]
    child = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        told, of = json.loads(child.stdout.readline())
        assert child.stdout.readline() == "done\n"
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    late, act = again(tmp_path, of), Act(**told)
    assert late.left(act) == "held by the kernel's freezer"
    assert undone(late, act) == ""


def test_after_it_was_ended_and_undone_its_restart_policy_acts_again(grip, tiny):
    act = only(grip.acts("terminate", "web", grace=2.0))
    grip.do(act)
    assert [(one.running, one.exit_code) for one in grip.replicas("web")] == [(False, 0)]
    assert undone(grip, act) == ""
    killed = only(grip.acts("kill", "web"))
    grip.do(killed)
    end = time.monotonic() + 10
    while not grip.replicas("web")[0].running and time.monotonic() < end:
        time.sleep(0.05)
    assert grip.replicas("web")[0].running
    assert grip.replicas("web")[0].restarts == 1
    assert undone(grip, killed) == ""


def crashed(container) -> int:
    """Crash it, not by our hands, until its policy has started it again; the engine's count then."""
    count, end = container.inspect()["RestartCount"] + 1, time.monotonic() + 20
    os.kill(container.inspect()["State"]["Pid"], signal.SIGKILL)
    while (container.inspect()["RestartCount"], container.inspect()["State"]["Restarting"]) != (count, False):
        assert time.monotonic() < end
        time.sleep(0.05)
    return count


def test_restarts_that_were_found_are_told_the_same_after_our_own(grip, tiny):
    """A start by hand sets the engine's count to 0, and a kill adds one."""
    count = crashed(tiny)
    before = grip.inventory()
    assert f"restarted {count} times" in before[f"container {tiny.name}"]
    for kind in ("kill", "stop", "kill"):
        act = only(grip.acts(kind, "web"))
        grip.do(act)
        assert undone(grip, act) == ""
        assert grip.inventory() == before
    crashed(tiny)
    assert f"restarted {count + 1} times" in grip.inventory()[f"container {tiny.name}"]


# --- what somebody else did -------------------------------------------------------------------------------------------


def test_what_was_paused_before_us_stays_paused(grip, tiny):
    paused(tiny)
    try:
        act = only(grip.acts("hang", "web"))
        grip.do(act)
        assert "freezer" in grip.proof(act)
        assert undone(grip, act) == ""
        assert tiny.inspect()["State"]["Paused"]
        for kind in ("stop", "slow", "kill", "recreate"):
            with pytest.raises(CouldNotLook, match="is paused"):
                grip.acts(kind, "web")
    finally:
        tiny.engine.call("POST", f"/containers/{tiny.id}/unpause")


@pytest.mark.parametrize(("kind", "help"), [("hang", "unpause"), ("stop", "start"), ("terminate", "start")])
def test_what_somebody_brought_back_already_is_left_alone(grip, tiny, kind, help):
    before = grip.inventory()
    act = only(grip.acts(kind, "web"))
    grip.do(act)
    tiny.engine.call("POST", f"/containers/{tiny.id}/{help}")
    started = tiny.inspect()["State"]["StartedAt"]
    assert grip.left(act) == ""
    assert undone(grip, act) == ""
    assert (tiny.inspect()["State"]["StartedAt"], grip.inventory()) == (started, before)


def test_a_container_that_somebody_removed_is_told(lab, tmp_path):
    with lab.single(name="gone", wait=False, restart="no") as one:
        found = hands(tmp_path, {"web": {"containers": [one.name], "port": 8080}})
        acts = [
            only(found.acts(kind, "web", **KINDS.get(kind, ({},))[0])) for kind in ("hang", "stop", "slow", "recreate")
        ]
    for act in acts:
        found.undo(act)
        assert found.left(act) == "the container is gone"


def test_a_container_that_somebody_put_in_its_place_is_not_ours(lab, tmp_path):
    with lab.single(name="place", wait=False, restart="no") as one:
        found = hands(tmp_path, {"web": {"containers": [one.name], "port": 8080}})
        act = only(found.acts("hang", "web"))
        found.do(act)
    with lab.single(name="place", wait=False, restart="no") as other:
        assert other.name == one.name
        paused(other)
        assert undone(found, act) == ""
        assert other.inspect()["State"]["Paused"]


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_must_not_be_disturbed_is_refused(lab, tiny, tmp_path):
    named = {"containers": [tiny.name], "port": 8080}
    found = hands(
        tmp_path, {"kept": {**named, "protected": True}, "far": {"external": True}, "none": {"containers": ["nobody"]}}
    )
    for kind in KINDS:
        for service, said in (
            ("kept", "services.kept.protected is declared"),
            ("far", "services.far.external is declared"),
            ("else", "the profile has no service else"),
            ("none", "no container of none runs"),
        ):
            with pytest.raises(CouldNotLook, match=said):
                found.acts(kind, service, **KINDS[kind][0])
    with pytest.raises(CouldNotLook, match="does not know how to sink"):
        found.acts("sink", "kept")


def test_a_container_of_another_project_is_refused(lab, tmp_path):
    with lab.single(name="theirs", wait=False, labels={"com.docker.compose.project": "theirs"}) as one:
        found = hands(tmp_path, {"web": {"containers": [one.name]}}, compose_project="ours")
        with pytest.raises(CouldNotLook, match="belongs to compose project theirs, not ours"):
            found.acts("stop", "web")


def test_what_ending_would_lose_for_good_is_refused(lab, tiny, grip, tmp_path):
    with lab.single(
        name="borrower", wait=False, network_mode=f"container:{tiny.id}", restart="no", command=["sleep", "60"]
    ):
        for kind in ("stop", "kill", "recreate"):
            with pytest.raises(CouldNotLook, match="lends its network to"):
                grip.acts(kind, "web")
        assert grip.acts("hang", "web")


def test_an_engine_elsewhere_has_no_kernel_of_ours(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(_docker_kernel, "near", lambda one: False)
    found = hands(tmp_path, {"web": {"containers": [tiny.name], "port": 8080}})
    with pytest.raises(CouldNotLook, match="is not among this machine's") as raised:
        found.acts("kill", "web")
    assert raised.value.right == "to run on the engine's host"
    assert [one.url for one in found.replicas("web")] == [""]
    slow = only(found.acts("slow", "web", delay=0.3))
    assert "by the engine's pause" in slow.how
    found.do(slow)
    with pytest.raises(CouldNotLook, match="did not answer before"):
        found.proof(slow)
    assert undone(found, slow) == ""
    stop = only(found.acts("stop", "web"))
    with pytest.raises(CouldNotLook, match="is not heard from here"):
        found.proof(stop)


# --- addresses and proofs ---------------------------------------------------------------------------------------------


def test_without_a_network_the_kernel_shows_it(lab, tmp_path):
    with lab.single(name="alone", network_mode="none", wait=False, stop_grace_period="1s") as one:
        found = hands(tmp_path, {"job": {"containers": [one.name]}})
        assert found.replicas("job")[0].url == ""
        for kind, shown in (("hang", "freezer"), ("stop", "has ended")):
            act = only(found.acts(kind, "job"))
            with pytest.raises(CouldNotLook):
                found.proof(act)
            found.do(act)
            assert shown in found.proof(act)
            assert undone(found, act) == ""


def test_on_the_hosts_network_it_is_reached_here_and_only_held(lab, tmp_path):
    from tests.lab.ports import free_port

    port = free_port()
    words = {"command": ["httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", "/www"], "healthcheck": {"disable": True}}
    with lab.single(name="hosted", network_mode="host", wait=False, **words) as one:
        found = hands(tmp_path, {"web": {"containers": [one.name], "url": f"http://localhost:{port}"}})
        end = time.monotonic() + 10
        while only(found.acts("hang", "web")).found["hello"] is None and time.monotonic() < end:
            time.sleep(0.1)
        assert found.replicas("web")[0].url == f"http://127.0.0.1:{port}"
        act = only(found.acts("slow", "web", delay=0.3))
        assert (act.found["way"], act.found["devices"]) == ("freezer", [])
        found.do(act)
        assert "to answer a hello" in proven(found, act)
        assert undone(found, act) == ""


def test_a_replica_behind_a_front_is_asked_on_the_port_its_image_exposes(lab, tmp_path):
    with lab.single(name="behind", wait=False, expose=["8080"]) as one:
        found = hands(tmp_path, {"web": {"containers": [one.name], "url": "http://127.0.0.1:1"}})
        assert found.replicas("web")[0].url == f"http://{one.address}:8080"


def test_a_redis_is_made_slow(lab, tmp_path):
    words = {"entrypoint": ["redis-server", "--protected-mode", "no", "--save", ""], "healthcheck": {"disable": True}}
    with lab.single("redis", name="slow-redis", wait=False, **words) as one:
        found = hands(tmp_path, {"redis": {"containers": [one.name], "protocol": "redis", "port": 6379}})
        end = time.monotonic() + 15
        while only(found.acts("hang", "redis")).found["hello"] is None and time.monotonic() < end:
            time.sleep(0.1)
        before = found.inventory()
        act = only(found.acts("slow", "redis", delay=0.5))
        found.do(act)
        assert "to answer a hello" in found.proof(act)
        assert undone(found, act) == ""
        with pytest.raises(CouldNotLook, match="though it was made slow"):
            found.proof(act)
        assert found.inventory() == before


def test_two_replicas_are_both_shown_to_be_slow_though_they_are_let_go_at_one_time(lab, tmp_path):
    """The hello that waits for the one comes back in the moment in which the other runs, too."""
    words = {"wait": False, "healthcheck": {"disable": True}}
    with lab.single(name="twin-1", **words) as one, lab.single(name="twin-2", **words) as two:
        found = hands(tmp_path, {"web": {"containers": [one.name, two.name], "port": 8080}})
        end = time.monotonic() + 15
        while not all(act.found["hello"] is not None for act in found.acts("hang", "web")) and time.monotonic() < end:
            time.sleep(0.1)
        acts = found.acts("slow", "web", delay=1.0)
        for act in acts:
            found.do(act)
        said = [found.proof(act) for act in acts]
        assert [undone(found, act) for act in acts] == ["", ""]
        assert all("to answer a hello" in each for each in said)


def test_packets_are_delayed_by_a_discipline_of_our_own(grip, tiny, tmp_path, monkeypatch):
    """With the kernel's bucket filter where it has no netem: what is added and taken away is the same."""
    if not _docker_shaping.possible():
        rate = ["tbf", "rate", "8kbit", "burst", "1600", "latency", "5s"]
        monkeypatch.setattr(_docker_shaping, "_words", lambda seconds: rate)
    assert _docker_shaping.possible()
    before = grip.inventory()
    act = only(grip.acts("slow", "web", delay=0.3))
    assert (act.found["way"], act.found["devices"]) == ("netem", ["eth0"])
    grip.do(act)
    assert grip.left(act) == "packets of eth0 are still delayed"
    assert grip.inventory() != before
    assert grip.acts("slow", "web", delay=0.3)[0].found["way"] == "freezer"  # what is there already is not replaced
    late = again(tmp_path, grip.told())
    assert undone(late, read_back(act)) == ""
    late.undo(read_back(act))
    assert grip.inventory() == before


# --- commands, and an engine that goes away ---------------------------------------------------------------------------


def test_commands_are_bounded_and_undone_once(grip, tmp_path):
    mark = tmp_path / "mark"
    back = ["sh", "-c", f"echo back >> {mark}"]
    act = only(grip.acts("command", "web", command=["sh", "-c", "sleep 30"], back=back, within=0.5))
    with pytest.raises(CouldNotLook, match="sh was not done within"):
        grip.do(act)
    assert grip.left(act) == "sh, the declared way back, was not run to its end"
    grip.undo(act)
    grip.undo(act)
    assert (grip.left(act), mark.read_text()) == ("", "back\n")
    bad = only(grip.acts("command", "web", command=["false"], back=["false"]))
    for step in (grip.do, grip.undo):
        with pytest.raises(CouldNotLook, match="false ended with status 1"):
            step(bad)
    assert grip.left(bad) != ""
    assert grip.left(only(grip.acts("command", "web", command=["true"], back=None))) == ""


def test_an_engine_that_goes_away_is_told_and_the_rest_is_undone_when_it_is_back(tiny, tmp_path):
    door = tmp_path / "engine.sock"
    door.symlink_to(tiny.engine.path)
    found = hands(tmp_path, {"web": {"containers": [tiny.name], "port": 8080}}, host=f"unix://{door}")
    before = found.inventory()
    for kind in ("hang", "stop"):
        act = only(found.acts(kind, "web"))
        found.do(act)
        door.unlink()
        for step in (found.undo, found.left):
            with pytest.raises(CouldNotLook, match="no engine answers"):
                step(act)
        door.symlink_to(tiny.engine.path)
        assert undone(found, act) == ""
    assert found.inventory() == before


def test_nothing_is_sent_that_was_not_granted(tiny, tmp_path):
    from seatrial.drivers import AboveTier, docker
    from seatrial.outcomes import Tier

    run = session(tmp_path, {"web": {"containers": [tiny.name], "port": 8080}})
    run.granted, started = Tier.load, tiny.inspect()["State"]["StartedAt"]
    found = docker.hands(run)
    for kind in (*KINDS, "recreate"):
        with pytest.raises(AboveTier):
            found.do(only(found.acts(kind, "web", **KINDS.get(kind, ({},))[0])))
    assert tiny.inspect()["State"]["StartedAt"] == started
    assert set(run.calls) == {"docker GET"}
