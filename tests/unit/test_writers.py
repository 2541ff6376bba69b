from __future__ import annotations

import base64
import importlib
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from _pytest.config import create_terminal_writer

import seatrial.writers as writers
from seatrial.outcomes import Exit, Outcome, Result
from seatrial.writers import conformance, console, junit, manifest
from tests.unit.records import BASE, CHECKS, RECORD, broken

NAMES = {importlib.import_module(f"seatrial.writers.{name}").NAME for name in writers.available()}
SCHEMA = json.loads((Path(writers.__file__).parent / "conformance.schema.json").read_text())


class Reporter:
    """What the console asks of pytest's terminal reporter, over pytest's own terminal writer."""

    def __init__(self, config, *, width=80, markup=False, encoding="utf-8"):
        self.raw = io.BytesIO()
        self.file = io.TextIOWrapper(self.raw, encoding=encoding, errors="strict", write_through=True)
        self._tw = create_terminal_writer(config, self.file)
        self._tw.fullwidth = width
        self._tw.hasmarkup = markup

    def write_line(self, line, **markup):
        self._tw.line(line, **markup)

    @property
    def text(self):
        return self.raw.getvalue().decode(self.file.encoding)


@pytest.fixture
def tell(pytestconfig):
    def render(record, **options):
        reporter = Reporter(pytestconfig, **options)
        console.write(record, reporter, folder=Path("reports/run"))
        return reporter.text

    return render


def test_counts_are_equal_everywhere(tmp_path, tell):
    counts = {outcome: sum(check.outcome is outcome for check in CHECKS) for outcome in Outcome}
    assert min(counts.values()) >= 1
    document = conformance.document(RECORD)
    assert document["outcomes"] == {outcome.value: number for outcome, number in counts.items()}
    by_area = {outcome.value: 0 for outcome in Outcome}
    for levels in document["areas"].values():
        for outcomes in levels.values():
            for outcome, number in outcomes.items():
                by_area[outcome] += number
    assert by_area == document["outcomes"]

    root = ET.fromstring(junit.write(RECORD, tmp_path))
    skipped = sum(counts[o] for o in (Outcome.advisory, Outcome.not_applicable, Outcome.withheld, Outcome.waived))
    assert {name: int(root.get(name)) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": len(CHECKS), "failures": counts[Outcome.violation], "errors": counts[Outcome.error], "skipped": skipped,
    }  # fmt: skip
    told = [p.get("value") for p in root.iter("property") if p.get("name") == "seatrial.outcome"]
    assert {outcome.value: told.count(outcome.value) for outcome in Outcome} == document["outcomes"]

    (line,) = [line for line in tell(RECORD).splitlines() if line.strip().startswith("counts")]
    assert line.split("counts")[1].strip() == (
        "1 pass, 2 violations, 1 advisory, 2 errors, 1 not applicable, 1 withheld, 1 waived"
    )


def test_the_published_schema_accepts_the_report_and_nothing_else():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    document = conformance.document(RECORD)
    assert list(validator.iter_errors(document)) == []
    for wrong in ({"result": "fine"}, {"surprise": 1}, {"results": [{"id": "CTR-001"}]}, {"version": "2"}):
        assert list(validator.iter_errors(document | wrong))


def test_every_field_of_the_record_is_in_the_report():
    text = json.dumps(conformance.document(RECORD))
    for value in (
        "ABCD:EFGH",
        "docker top api-1",
        "until the next image",
        "nothing to keep",
        "slos",
        "--wait-ready",
        "uid 0",
        "ops",
    ):
        assert value in text


def test_a_failure_on_the_console_tells_the_operator(tell):
    text = tell(RECORD)
    start = text.index("VIOLATION  CTR-001")
    block = text[start : text.index("ERROR", start)]
    assert block.count("Every process of a container MUST run") == 1, "subjects of one requirement are told together"
    for part in (
        "redis (p.yaml:7:3)",
        "front (p.yaml:7:3)",
        "expected",
        "api-2, process 9 (nginx): uid 0",
        "docker top api-1",
        "set USER",
    ):
        assert part in block
    assert text.count("could not look: /proc/7/status can't be read") == 1, "errors are told by their cause"
    assert "CTR-007 (api), CTR-008 (api)" in text
    for part in (
        "withheld",
        "@storage",
        "29 days left",
        "not needed",
        "no endpoint declares latency",
        "nothing to keep",
        "slos",
        "reports/run",
    ):
        assert part in text
    assert "FAILURE: the deployment breaks" in text


def test_every_finding_is_printed_whole(tell):
    many = tuple(f"container api-{n}, process {n}: uid 0 {'x' * 300}" for n in range(1000))
    text = tell(replace(RECORD, checks=(broken(seen=many),)))
    for finding in many:
        assert finding in text


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_console_fits_its_width(tell, width):
    assert all(len(line) <= max(width, 60) + 60 for line in tell(RECORD, width=width).splitlines())


def test_colours_only_where_the_terminal_has_them(tell):
    assert "\x1b[" not in tell(RECORD)
    assert "\x1b[" in tell(RECORD, markup=True)


def test_a_terminal_without_unicode_is_no_crash(tell):
    strange = broken(seen=("container ü→漢",))
    assert "FAILURE" in tell(replace(RECORD, checks=(strange,)), encoding="ascii")


NASTY = "\x1b[31mred\x1b[0m \x00\x08 ]]> <b>&amp; \u202egnp.exe \U0001f525 \x9b2J"


def test_hostile_text_is_harmless(tell, tmp_path):
    record = replace(RECORD, checks=(broken(seen=(NASTY,), subject=NASTY, expected=NASTY),))
    text = tell(record)
    assert not set("\x1b\x00\x08\x9b\u202e") & set(text)
    root = ET.fromstring(junit.write(record, tmp_path))
    assert "]]>" in "".join(node.text or "" for node in root.iter("failure"))
    assert json.loads(conformance.write(record, tmp_path))["results"][0]["seen"] == [NASTY]


@pytest.mark.parametrize(
    ("result", "code", "said"),
    [
        (Result.success, Exit.success, "--enforce-should"),
        (Result.undecided, Exit.undecided, "what it lacks"),
        (Result.nothing, Exit.nothing, "--plan"),
        (Result.failure, Exit.failure, "-k"),
        (Result.partial, Exit.success, "seatrial"),
    ],
)
def test_the_next_command_follows_from_the_result(tell, result, code, said):
    (line,) = [
        line for line in tell(replace(RECORD, result=result, exit=code)).splitlines() if line.strip().startswith("next")
    ]
    assert said in line


def test_files_are_written_whole_and_the_manifest_holds(tmp_path):
    (tmp_path / "facts.json").write_text("{}\n")
    assert writers.write_all(RECORD, tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {"facts.json", *NAMES}
    assert manifest.verify(tmp_path) == []
    (tmp_path / "facts.json").write_text("{ }\n")
    (tmp_path / "junit.xml").unlink()
    (tmp_path / "more.txt").write_text("")
    assert sorted(manifest.verify(tmp_path)) == ["facts.json was changed", "junit.xml is missing", "more.txt was added"]


def test_a_crash_leaves_the_old_file_and_no_half_one(tmp_path, monkeypatch):
    file = tmp_path / "conformance.json"
    writers.put(file, "old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        writers.put(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["conformance.json"]
    assert file.read_text() == "old"


def test_one_writers_trouble_is_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(junit, "write", lambda *_: 1 / 0)
    (problem,) = writers.write_all(RECORD, tmp_path)
    assert "junit could not be written: ZeroDivisionError" in problem
    assert (tmp_path / "conformance.json").exists()


@pytest.mark.parametrize(
    "form", [str, lambda s: base64.b64encode(s.encode()).decode(), lambda s: s.replace("/", "%2F").replace("<", "%3C")],
    ids=["raw", "base64", "url"],
)  # fmt: skip
def test_a_secret_that_would_be_written_is_cut_out_and_told(tmp_path, form):
    secret = "hunter2/hunter2<x"
    (tmp_path / "facts.json").write_text(json.dumps({"body": form(secret)}))
    record = replace(RECORD, checks=(broken(seen=(f"the password is {form(secret)}",)),))
    problems = writers.write_all(record, tmp_path, secrets=[secret])
    assert {problem.partition(" ")[0] for problem in problems} == {"facts.json", *NAMES} - {"manifest.json", "loads"}
    for file in [path for path in tmp_path.rglob("*") if path.is_file()]:
        assert form(secret) not in file.read_text()
        assert "hunter2" not in file.read_text()


def test_a_passing_check_says_its_clause_alone(tmp_path):
    root = ET.fromstring(junit.write(replace(RECORD, checks=(BASE,)), tmp_path))
    (case,) = root.iter("testcase")
    assert [child.tag for child in case] == ["properties"]


def test_a_writer_may_fill_a_folder(tmp_path, monkeypatch):
    secret = "hunter2/hunter2<x"
    monkeypatch.setattr(junit, "NAME", "many")
    monkeypatch.setattr(junit, "write", lambda *_: {"one.txt": secret, "two.txt": "whole"})
    for _ in range(2):
        problems = writers.write_all(RECORD, tmp_path, secrets=[secret])
        assert [problem.partition(" it was")[0] for problem in problems] == ["many held a secret 1 times;"]
        assert {path.name: path.read_text() for path in (tmp_path / "many").iterdir()} == {
            "one.txt": "***",
            "two.txt": "whole",
        }
    assert {"many/one.txt", "many/two.txt"} <= set(json.loads((tmp_path / "manifest.json").read_text())["files"])
    assert manifest.verify(tmp_path) == []
    (tmp_path / "many" / "two.txt").unlink()
    assert manifest.verify(tmp_path) == ["many/two.txt is missing"]


def test_a_folder_that_can_not_be_filled_leaves_nothing_half(tmp_path):
    with pytest.raises(TypeError):
        writers.put_folder(tmp_path / "many", {"one.txt": "x", "two.txt": None})
    assert list(tmp_path.iterdir()) == []
