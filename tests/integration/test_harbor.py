"""A stack of real programs, audited as its operator would: whole runs of the command, on a live engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.integration.harbor_profile import write

pytestmark = pytest.mark.integration


def audit(profile, folder, *options, code=0, before=(), **env):
    """Run an audit and give its conformance report."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))} | {"NO_COLOR": "1"} | env
    reports = folder / f"reports{len(list(folder.iterdir()))}"
    done = subprocess.run(
        [*before, sys.executable, "-m", "seatrial", "audit", str(profile), f"--report-dir={reports}", *options],
        cwd=folder, capture_output=True, text=True, timeout=120, env=environ, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    (run,) = reports.iterdir()
    report = json.loads((run / "conformance.json").read_text())
    report["folder"], report["text"] = run, done.stdout
    return report


def red(report):
    """What is not green, as (id, subject)."""
    return {(r["id"], r["subject"]) for r in report["results"] if r["outcome"] in ("violation", "error", "advisory")}


def told(report):
    return [
        (r["id"], r["subject"], r["outcome"], r["seen"] or r["reason"])
        for r in report["results"]
        if r["outcome"] in ("violation", "error", "advisory")
    ]


@pytest.fixture(params=["harbor_plain", "harbor_compose1", "harbor_compose2"])
def harbor(request):
    return request.getfixturevalue(request.param)


def test_a_conforming_stack_is_all_green_however_it_was_started(harbor, tmp_path):
    report = audit(write(harbor, tmp_path), tmp_path)
    assert told(report) == []
    # An audit withholds what only a drill may do, and nothing else.
    withheld = {r["tier"] for r in report["results"] if r["outcome"] == "withheld"}
    assert (report["result"], report["exit_code"], "observe" in withheld) == ("partial", 0, False)
    counts = (
        {area: sum(levels.values()) if isinstance(levels, dict) else 0 for area, levels in report["counts"].items()}
        if "counts" in report
        else {}
    )
    assert len(report["results"]) > 150, counts


def test_a_remote_engine_over_tls(harbor_plain, remote_engine, tmp_path):
    certs = remote_engine.environment["DOCKER_CERT_PATH"]
    target = (
        f", host: '{remote_engine.host}', tls: {{ca: {certs}/ca.pem, cert: {certs}/cert.pem, key: {certs}/key.pem}}"
    )
    report = audit(write(harbor_plain, tmp_path, target=target), tmp_path)
    assert told(report) == []
    assert report["target"]["address"] == remote_engine.host


def test_a_remote_engine_by_dockers_own_variables(harbor_plain, remote_engine, tmp_path):
    report = audit(write(harbor_plain, tmp_path), tmp_path, **remote_engine.environment)
    assert told(report) == []
    assert report["target"]["address"] == remote_engine.host


def test_without_a_client_certificate_nothing_passes(harbor_plain, remote_engine, tmp_path):
    env = {"DOCKER_HOST": remote_engine.host, "DOCKER_TLS_VERIFY": ""}
    report = audit(write(harbor_plain, tmp_path), tmp_path, code=3, **env)
    assert not [r for r in report["results"] if r["outcome"] == "pass" and r["area"] == "containers"]
    assert report["result"] == "undecided"


def test_an_engine_whose_kernel_is_not_ours_passes_nothing_that_only_proc_tells(harbor_plain, tmp_path):
    """From a pid namespace of our own the containers' processes can't be seen, as from another machine."""
    if subprocess.run(
        ["unshare", "--fork", "--pid", "--mount-proc", "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("no right to make a pid namespace")
    apart = ("unshare", "--fork", "--pid", "--mount-proc")
    report = audit(write(harbor_plain, tmp_path), tmp_path, code=3, before=apart)
    assert report["target"]["description"]
    outcomes = {}
    for result in report["results"]:
        outcomes.setdefault(result["id"], set()).add(result["outcome"])
    for id in ("CTR-004", "CTR-008", "CTR-014", "CTR-024", "CTR-038", "EXP-006", "EXP-011"):
        assert "pass" not in {r["outcome"] for r in report["results"] if r["id"] == id and r["subject"] != "migrate"}, (
            id
        )
    assert outcomes["CTR-001"] == {"pass"}, "the engine lists processes and their users itself"
    assert "violation" not in set().union(*outcomes.values())
    with harbor_plain.broken("service", user="0:0"):
        report = audit(write(harbor_plain, tmp_path), tmp_path, code=1, before=apart)
    assert ("CTR-001", "service") in {(r["id"], r["subject"]) for r in report["results"] if r["outcome"] == "violation"}


def test_no_engine_is_an_error_never_a_violation(harbor_plain, tmp_path):
    report = audit(
        write(harbor_plain, tmp_path), tmp_path, "-k", "containers", code=3, DOCKER_HOST="unix:///nonexistent.sock"
    )
    assert {r["outcome"] for r in report["results"]} <= {"error", "not applicable", "pass"}
    assert {r["outcome"] for r in report["results"] if r["area"] == "containers"} <= {"error", "not applicable"}


def test_observe_sends_get_and_head_alone(harbor_plain, recording_proxy, tmp_path):
    audit(write(harbor_plain, tmp_path), tmp_path, DOCKER_HOST=recording_proxy.host)
    assert recording_proxy.requests
    assert recording_proxy.methods <= {"GET", "HEAD"}


def test_calls_are_counted_and_shown(harbor_plain, recording_proxy, tmp_path):
    report = audit(write(harbor_plain, tmp_path), tmp_path, DOCKER_HOST=recording_proxy.host)
    assert sum(n for what, n in report["calls"].items() if what.startswith("docker")) == len(recording_proxy.requests)
    assert "docker GET" in report["text"]


def test_editing_one_uid_in_the_facts_turns_exactly_that_id_red(harbor_plain, tmp_path):
    profile = write(harbor_plain, tmp_path)
    first = audit(profile, tmp_path)
    facts = json.loads((first["folder"] / "facts.json").read_text())
    facts["observations"]["runtime"]["containers"]["service"][0]["processes"][0]["uid"] = 0
    (first["folder"] / "facts.json").write_text(json.dumps(facts))
    report = audit(profile, tmp_path, f"--facts={first['folder']}", code=1, DOCKER_HOST="unix:///nonexistent.sock")
    assert red(report) == {("CTR-001", "service")}


def test_a_replay_gives_the_same_verdicts(harbor_plain, tmp_path):
    with harbor_plain.broken("service", user="0:0"):
        profile = write(harbor_plain, tmp_path)
        first = audit(profile, tmp_path, code=1)
    again = audit(profile, tmp_path, f"--facts={first['folder']}", code=1, DOCKER_HOST="unix:///nonexistent.sock")
    verdicts = [[(r["id"], r["subject"], r["outcome"], r["seen"]) for r in each["results"]] for each in (first, again)]
    assert verdicts[0] == verdicts[1]


def test_a_failure_tells_the_operator(harbor_plain, tmp_path):
    with harbor_plain.broken("service", user="0:0"):
        report = audit(write(harbor_plain, tmp_path), tmp_path, code=1)
    (found,) = [r for r in report["results"] if r["id"] == "CTR-001" and r["outcome"] == "violation"]
    assert found["subject"] == "service"
    assert "harbor.yaml:" in found["where"]
    assert "python3" in " ".join(found["seen"])
    for part in (
        "CTR-001",
        "python3",
        "harbor.yaml:",
        "docker top",
        "expected",
        found["clause"][:30],
        found["fix"][:20],
    ):
        assert part in report["text"]
    assert "Traceback" not in report["text"]


def test_a_service_the_engine_does_not_have_is_told(harbor_plain, tmp_path):
    change = (harbor_plain.containers["redis"][0].name, "no-such-container")
    report = audit(write(harbor_plain, tmp_path, change=change), tmp_path, code=1)
    mine = {r["outcome"] for r in report["results"] if r["subject"] == "redis" and r["area"] == "containers"}
    assert "pass" not in mine
    assert "violation" in mine


def test_the_identity_of_the_target_holds(harbor_plain, docker_engine, tmp_path):
    pinned = audit(write(harbor_plain, tmp_path), tmp_path)["target"]["identity"]
    assert pinned == docker_engine.call("GET", "/info")["ID"]
    right = audit(write(harbor_plain, tmp_path, target=f", identity: '{pinned}'"), tmp_path)
    assert right["target"]["pinned"] is True
    wrong = audit(write(harbor_plain, tmp_path, target=", identity: 'AAAA:BBBB'"), tmp_path, code=3)
    assert {r["outcome"] for r in wrong["results"]} <= {"error", "not applicable", "withheld"}


def test_above_observe_a_wrong_target_is_refused(harbor_plain, tmp_path):
    profile = write(harbor_plain, tmp_path, target=", identity: 'AAAA:BBBB'")
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "gate", str(profile)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "AAAA:BBBB" in done.stdout + done.stderr


def test_what_is_replaced_while_we_look_is_no_verdict(harbor_plain, tmp_path):
    """A container that is recreated between the first and the second look is *could not look*."""
    profile = write(harbor_plain, tmp_path)
    service = "front"
    code = (
        "import sys, subprocess, seatrial.looks.answers as o\n"
        "real = o.look\n"
        f"def late(*a):\n    subprocess.run(['docker', 'restart', '-t', '1', {harbor_plain[service].name!r}], check=True, stdout=2)\n"
        "    return real(*a)\n"
        "o.look = late\n"
        "from seatrial.cli import main\n"
        f"sys.exit(main(['audit', {str(profile)!r}, '--report-dir={tmp_path}/r']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    harbor_plain.wait_healthy()
    assert done.returncode == 3, done.stdout + done.stderr
    (run,) = (tmp_path / "r").iterdir()
    results = json.loads((run / "conformance.json").read_text())["results"]
    assert {r["outcome"] for r in results if r["subject"] == service} <= {"error", "not applicable"}
    assert "changed while" in done.stdout
