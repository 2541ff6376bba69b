"""``seatrial explain`` tells every requirement from the code that asserts and observes it; ``seatrial schema`` the grammar."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import seatrial
from seatrial.manual import command, entries, find
from seatrial.manual.declaring import EVERYTHING, declared, waiver
from seatrial.manual.observing import observed
from seatrial.manual.page import listing, page
from seatrial.profile.loading import load
from seatrial.profile.subjects import NOUNS, subjects

ALL = entries()
IDS = [entry.requirement.id for entry in ALL]


def one(id):
    (entry,) = [entry for entry in ALL if entry.requirement.id == id]
    return entry


def ids(words):
    return [entry.requirement.id for entry in find(words, ALL)]


def run(*words, **environ):
    return subprocess.run(
        [sys.executable, "-m", "seatrial", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environ,
    )


@pytest.mark.parametrize(
    "words",
    [
        "CTR-001", "ctr-001", "CTR_001", "ctr 001", "test_processes_run_as_non_root", "processes run as non root",
        "suites/containers/test_users.py::test_processes_run_as_non_root[api]", "run as non",
    ],
)  # fmt: skip
def test_a_requirement_is_found_by_what_a_person_has_at_hand(words):
    assert ids(words) == ["CTR-001"]


def test_an_area_is_found_by_its_name_and_by_its_letters():
    containers = [entry.requirement.id for entry in ALL if entry.requirement.area == "containers"]
    assert ids("containers") == ids("CTR") == ids("ctr") == containers
    assert len(containers) > 40


def test_a_part_that_fits_several_gives_them_all():
    assert {"CTR-001", "CTR-002"} <= set(ids("processes"))
    assert ids("") == ids("   ") == []


@pytest.mark.parametrize(("words", "near"), [("CTR-991", "CTR-0"), ("proceses rnu as non rot", "CTR-001")])
def test_what_is_not_known_is_exit_4_with_what_is_near(words, near):
    done = run("explain", *words.split())
    assert (done.returncode, done.stdout) == (4, "")
    assert f"no requirement is called `{words}`" in done.stderr
    assert near in done.stderr


def test_the_list_holds_every_requirement_once():
    lines = list(listing(ALL))
    told = [line.split()[0] for line in lines if line.startswith("  ")]
    assert told == IDS
    assert len(set(IDS)) == len(IDS)
    assert lines[-1].startswith(f"{len(IDS)} requirements in ")


@pytest.mark.parametrize("entry", ALL, ids=IDS)
def test_a_page_tells_all_that_is_known(entry):
    requirement = entry.requirement
    text = "\n".join(page(entry, expires="2027-01-31", width=10_000))
    for part in (
        requirement.id,
        requirement.title,
        requirement.clause,
        requirement.why,
        requirement.see,
        requirement.fix,
    ):
        assert part in text
    assert all(reference in text for reference in requirement.refs)
    assert f"level     {requirement.level}" in text
    assert f"tier      {requirement.tier}" in text
    assert f"requirement: {requirement.id}" in text


@pytest.mark.parametrize("entry", ALL, ids=IDS)
def test_how_it_is_observed_is_read_from_the_code(entry):
    how = observed(entry.requirement, entry.function)
    assert how.noun, f"the fixture {entry.requirement.noun} has no docstring"
    assert how.fact, f"what the fixture {entry.requirement.noun} returns has no type"
    assert how.finds, f"{how.fact} has no docstring"
    assert how.looks, "nothing is said to look"
    assert all(about for _, about in how.looks)
    assert how.rights, "no driver says what it must be allowed to do"


@pytest.mark.parametrize("entry", ALL, ids=IDS)
def test_what_must_be_declared_is_asked_of_the_grammar(entry):
    where = declared(entry.requirement)
    assert where.drivers, f"{EVERYTHING.name} declares nothing that {entry.requirement.id} is about"
    assert where.keys
    assert all("OTHER" not in key.split(".")[:2] for key, _ in where.keys)


def test_everything_is_declared_that_a_noun_can_be_about():
    profile = load(EVERYTHING).profile
    assert [noun for noun in NOUNS if not subjects(profile, noun)[0]] == []


def test_facts_by_example():
    how, where = observed(one("HLT-002").requirement, one("HLT-002").function), declared(one("HLT-002").requirement)
    assert (how.comparison, how.fact) == ("endpoint.slow_answers == []", "Endpoint.slow_answers")
    assert [name for name, _ in how.looks] == ["looks.answers", "drivers.http"]
    assert [key for key, _ in where.keys] == [
        f"services.NAME.{probe}.latency" for probe in ("liveness", "readiness", "startup", "health")
    ]
    containers = one("CTR-001")
    assert declared(containers.requirement).drivers == ("docker",)
    assert [name for name, _ in observed(containers.requirement, containers.function).looks] == ["drivers.docker"]


def test_the_exceptions_that_are_shown_are_some(tmp_path):
    """They stand in a profile that declares everything, and each names a subject of its requirement."""
    made = [yaml.safe_load(waiver(entry.requirement, "2026-11-30"))["waivers"][0] for entry in ALL]
    for entry, one in zip(ALL, made, strict=True):
        assert one["subject"] in declared(entry.requirement).subjects, entry.requirement.id
    lines = [f"  - {json.dumps(one, default=str)}" for one in made]
    text = EVERYTHING.read_text() + "max_waivers: 1000\nwaivers:\n" + "\n".join(lines) + "\n"
    (tmp_path / EVERYTHING.name).write_text("a file that it declares")
    (tmp_path / "mine.yaml").write_text(text.replace('"2026-11-30"', "2026-11-30"))
    (tmp_path / "one.yaml").write_text(EVERYTHING.read_text() + waiver(ALL[0].requirement, "2026-11-30"))
    today = dt.date(2026, 11, 21)
    assert [one.requirement for one in load(tmp_path / "mine.yaml", today=today).profile.waivers] == IDS
    assert [one.requirement for one in load(tmp_path / "one.yaml", today=today).profile.waivers] == IDS[:1]


def test_a_real_failure_is_shown_as_it_is_printed():
    text = "\n".join(page(one("CTR-001"), expires="2027-01-31"))
    start = text.index("VIOLATION  CTR-001  processes run as non root")
    for part in (
        "expected  none of these",
        "seen      container harbor-api-1, process 412 (api): uid 0",
        "docker top harbor-api-1",
    ):
        assert part in text[start:]


@pytest.mark.parametrize("words", [["explain", "CTR-001"], ["explain"], ["schema"]])
def test_a_reader_that_goes_away_is_no_trouble(words):
    pipe = subprocess.Popen([sys.executable, "-m", "seatrial", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.close()
    with pipe.stderr as stream:
        assert stream.read() == b""
    assert pipe.wait(30) == 0


def test_a_terminal_without_unicode_is_no_crash():
    done = run("explain", "CTR-001", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "--reuid=?" in done.stdout


def on_a_terminal(**environ):
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seatrial", "explain", "CTR-001"],
        stdout=terminal,
        env=os.environ | {"TERM": "xterm"} | environ,
    )
    os.close(terminal)
    text = b""
    try:
        while part := os.read(reader, 65536):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(reader)
    assert process.wait(30) == 0
    return text


def test_colours_only_where_they_are_wanted(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert b"\x1b[1mCTR-001" in on_a_terminal()
    assert b"\x1b" not in on_a_terminal(NO_COLOR="1")
    assert b"\x1b" not in on_a_terminal(TERM="dumb")
    assert "\x1b" not in run("explain", "CTR-001").stdout


def test_programs_get_json(capsys):
    assert command.explain("CTR-001", as_data=True) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["clause"] == one("CTR-001").requirement.clause
    assert told["failure"][0].startswith("VIOLATION  CTR-001")
    assert command.explain("", as_data=True) == 0
    assert [entry["id"] for entry in json.loads(capsys.readouterr().out)] == IDS


def test_the_schema_is_printed_as_it_is_shipped():
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (seatrial.data("profiles") / "profile.schema.json").read_text()
    assert json.loads(done.stdout)["title"] == "Seatrial profile"


def test_the_errors_that_the_readme_shows_are_those_of_a_run(tmp_path):
    readme = (Path(seatrial.__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ seatrial audit \./shop\.yaml\n(.*?)```", readme, re.DOTALL)[1]
    (tmp_path / "shop.yaml").write_text(
        "profile: shop\nenvironment: staging\ntarget: {driver: docker, compose_project: shop}\nservices:\n  api:\n"
        "    url: http://127.0.0.1:8080\n    liveness: {path: /health/live}\n    readyness: {path: /health/ready}\n"
        "    depends_on: {rediss: {}}\n  redis: {protocol: redis, port: 6379}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "audit", "./shop.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.strip() == shown.strip()


def test_an_editor_has_something_to_offer_for_every_key():
    """A type, words, or a node to go on with, and an example wherever a unit is asked for."""
    schema = json.loads((seatrial.data("profiles") / "profile.schema.json").read_text())
    for name, node in {"Profile": schema, **schema["$defs"]}.items():
        for key, value in node.get("properties", {}).items():
            assert value["description"], f"{name}.{key}"
            assert {"type", "enum", "$ref", "anyOf", "const"} & set(value) or value.keys() <= {"description", "default"}
            if re.search("dhms|GiB|%|/ ", value.get("pattern", "")):
                assert value["examples"], f"{name}.{key}"
    check = schema["$defs"]["HttpCheck"]["properties"]
    assert all(check[key]["examples"] for key in ("latency", "timeout", "period", "unready_within", "ready_within"))
    assert schema["$defs"]["Service"]["properties"]["restart"]["enum"] == [
        "no",
        "always",
        "on-failure",
        "unless-stopped",
    ]
    assert "docker" in schema["$defs"]["Target"]["properties"]["driver"]["enum"]
