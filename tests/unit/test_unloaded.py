"""Which requests are measured without load, and where what is measured is kept."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drivers import Session
from seatrial.experiments import _unloaded, _unloaded_store
from seatrial.facts.machine import Emulated, Machine, Memory
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.words import CouldNotLook, Missing

PROFILE = """\
profile: shop
environment: test
target: {driver: http}
hardware: {classes: {small: {cpus: 2}}}
services:
  api:
    url: http://127.0.0.1:8080
    liveness: {path: /live}
    readiness: {path: /ready, headers: {X-Key: {env: SHOP_KEY}}}
    depends_on: {llm: {}}
  llm: {url: "http://127.0.0.1:8081", liveness: {path: /live}, paid: true}
  other: {url: "http://127.0.0.1:8082", liveness: {path: /live}, external: true}
baseline: {endpoints: [api GET /notes, llm HEAD /x]}
"""
MACHINE = Machine("kernel", "6.1", "amd64", 8, Memory(32 * 2**30))


def session(folder, text=PROFILE):
    file = folder / "shop.yaml"
    file.write_text(text)
    profile = load(str(file)).profile
    return Session(profile, folder, lambda value: value if isinstance(value, str) else "s3cr3t", granted=Tier.load)


def test_probes_of_services_that_are_ours_and_declared_endpoints_are_measured(tmp_path):
    names = _unloaded.named(session(tmp_path).profile)
    assert names == ["api.liveness", "api.readiness", "llm.liveness", "api GET /notes", "llm HEAD /x"]


def test_what_costs_money_is_not_asked_again_and_again(tmp_path):
    found, missing = _unloaded.requests(session(tmp_path))
    assert [one["name"] for one in found] == ["api.liveness", "api.readiness"]
    assert sorted(missing) == ["api GET /notes", "llm HEAD /x", "llm.liveness"]
    assert missing["api GET /notes"].right == "services.llm.double"


def test_a_double_is_asked(tmp_path):
    text = PROFILE.replace("paid: true", "paid: true, double: fake") + "  # nothing more\n"
    text = text.replace("  other:", '  fake: {url: "http://127.0.0.1:8083"}\n  other:')
    assert not _unloaded.requests(session(tmp_path, text))[1]


def test_more_than_a_load_is_needed_to_send_anything(tmp_path):
    """The child is told of a request by its standard input alone, and its name holds nothing of it."""
    found, _ = _unloaded.requests(session(tmp_path))
    assert [sorted(one) for one in found] == [
        ["host", "method", "name", "port", "right", "rounds", "server_name", "text", "timeout", "tls"]
    ] * 2
    assert "s3cr3t" not in json.dumps([one["name"] for one in found])


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [
        (MACHINE, "amd64-8cpus-32GiB"),
        (replace(MACHINE, cpus=2), "small"),
        (replace(MACHINE, cpus=2, emulated=(Emulated("container api", "qemu-aarch64-static"),)), "small-emulated"),
        (replace(MACHINE, cpus=Missing("not told")), "unseen"),
        (Missing("driver http sees no machine"), "unseen"),
    ],
)
def test_a_class_is_that_of_the_profile_or_made_of_what_was_seen(tmp_path, machine, wanted):
    assert _unloaded_store.class_of(session(tmp_path).profile, machine) == wanted


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    return _unloaded_store.folder_for(SimpleNamespace(profile="shop"), "engine-1")


def written(median):
    rounds = [{"param": "api.liveness", "stats": {"data": [median, median]}}]
    return json.dumps({"benchmarks": rounds, "datetime": "2026-06-01T03:00:00.123456+00:00"}).encode()


def test_two_deployments_and_two_classes_do_not_mix(kept):
    others = [("shop", "engine-2"), ("other", "engine-1")]
    folders = {kept, *(_unloaded_store.folder_for(SimpleNamespace(profile=name), id) for name, id in others)}
    assert len(folders) == 3
    _unloaded_store.saved(kept, "small", written(1.0))
    assert _unloaded_store.last(kept, "large") is None
    assert os.stat(kept).st_mode & 0o077 == 0


def test_the_last_of_many_runs_is_the_one_that_is_compared_with(kept):
    for number in range(1, 13):
        file = _unloaded_store.saved(kept, "small", written(float(number)))
    assert file.name.startswith("0012_")
    told, rounds = _unloaded_store.last(kept, "small")
    assert told == f"{file.name} of 2026-06-01T03:00:00 UTC"
    assert rounds == {"api.liveness": (12.0, 12.0)}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b'{"benchmarks": [{}]}', b'{"benchmarks": 3, "datetime": 1}', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_file_that_is_no_baseline_is_told_and_not_taken_for_none(kept, text):
    _unloaded_store.saved(kept, "small", text)
    with pytest.raises(CouldNotLook, match="is no file of pytest-benchmark"):
        _unloaded_store.last(kept, "small")


def test_where_nothing_can_be_kept_that_is_told(kept):
    (kept / "small").write_text("a file where a folder belongs")
    with pytest.raises(CouldNotLook, match="the baseline can't be kept in"):
        _unloaded_store.saved(kept, "small", written(1.0))
    assert not list(Path(kept).glob("**/.*.new"))
