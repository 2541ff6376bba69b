"""Allure results: one a check, by Allure's own model, with the same counts as every other report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from allure_commons import model2

from seatrial.outcomes import Outcome
from seatrial.writers import allure, write_all
from seatrial.writers._sources import link
from tests.unit.records import BASE, CHECKS, RECORD, broken

NASTY = "\x1b[31mred\x1b[0m \x00 ]]> \u202egnp.exe \U0001f525 ü = # !\nx: y\\"


def written(tmp_path, **changes):
    return allure.write(replace(RECORD, **changes), tmp_path)


def results(files):
    return [json.loads(text) for name, text in files.items() if name.endswith("-result.json")]


def named(files, id, subject="api"):
    (found,) = [r for r in results(files) if r["name"].startswith(id) and f"[{subject}]" in r["name"]]
    return found


def labels(result, name):
    return [label["value"] for label in result["labels"] if label["name"] == name]


def test_counts_are_those_of_every_other_report(tmp_path):
    found = results(written(tmp_path))
    expected = Counter(check.outcome.value for check in CHECKS)
    assert Counter(labels(result, "tag")[0] for result in found) == expected
    assert Counter(result["status"] for result in found) == {
        "passed": expected["pass"],
        "failed": expected["violation"],
        "broken": expected["error"],
        "skipped": sum(expected[word] for word in ("advisory", "not applicable", "withheld", "waived")),
    }


def test_every_field_is_one_of_allures_model(tmp_path):
    """Read back by the model's own classes, which refuse what they do not know."""
    files = written(tmp_path)
    for data in results(files):
        model2.TestResult(**data)
        for part, name in (
            ("Label", "labels"),
            ("Link", "links"),
            ("Parameter", "parameters"),
            ("TestStepResult", "steps"),
            ("Attachment", "attachments"),
        ):
            for entry in data.get(name, []):
                getattr(model2, part)(**entry)
        model2.StatusDetails(**data.get("statusDetails", {}))
        assert data["start"] <= data["stop"]
        assert {attachment["source"] for attachment in data.get("attachments", [])} <= set(files)


def test_behaviours_are_spec_area_and_requirement(tmp_path):
    result = named(written(tmp_path), "CTR-001", "redis")
    assert labels(result, "epic") == ["akidb"]
    assert labels(result, "feature") == ["containers"]
    assert labels(result, "story") == ["CTR-001 containers run as non root"]
    assert labels(result, "severity") == ["critical"]
    assert labels(named(written(tmp_path), "CTR-020"), "severity") == ["minor"]
    assert result["parameters"] == [{"name": "subject", "value": "redis"}]
    assert result["fullName"] == "suites.containers.test_users#test_containers_run_as_non_root"
    without = replace(RECORD, profile=replace(RECORD.profile, spec=""))
    assert labels(named(allure.write(without, tmp_path), "CTR-001", "redis"), "epic") == ["arm-single-node"]


def test_a_violation_carries_its_evidence(tmp_path):
    files = written(tmp_path)
    result = named(files, "CTR-001", "redis")
    (attachment,) = result["attachments"]
    for text in (files[attachment["source"]], result["statusDetails"]["trace"]):
        for part in (
            BASE.clause, "redis (p.yaml:7:3)", "none", "process 7 (nginx): uid 0", "api-2", "docker top", "set USER",
        ):  # fmt: skip
            assert part in text
    assert "root in a container is root on the host" in files[attachment["source"]]
    assert result["statusDetails"]["message"].startswith("violation: CTR-001 MUST: containers run as non root\n")
    assert "seen: container api-2, process 9 (nginx): uid 0" in [step["name"] for step in result["steps"]]


def test_what_is_known_is_what_is_waived(tmp_path):
    known = {r["name"] for r in results(written(tmp_path)) if r.get("statusDetails", {}).get("known")}
    assert known == {"CTR-004 containers run as non root [minio]"}
    assert not any(r.get("statusDetails", {}).get("flaky") for r in results(written(tmp_path)))


def test_every_result_that_is_no_pass_falls_into_the_category_of_its_outcome(tmp_path):
    files = written(tmp_path)
    categories = json.loads(files["categories.json"])
    for result in results(files):
        message = result.get("statusDetails", {}).get("message", "")
        fits = [
            c["name"]
            for c in categories
            if result["status"] in c["matchedStatuses"] and re.fullmatch(c["messageRegex"], message, re.DOTALL)
        ]
        outcome = Outcome(labels(result, "tag")[0])
        assert fits == ([] if outcome is Outcome.passed else [allure.CATEGORIES[outcome]])
    # What Allure's own plugin says of the same.
    assert re.fullmatch(categories[2]["messageRegex"], "XFAIL advisory: uid 0\n\nAssertionError: x")


def test_a_test_keeps_its_identity_from_run_to_run_and_a_result_does_not(tmp_path):
    later = replace(RECORD, run=replace(RECORD.run, started="2026-06-02T03:00:00+00:00"))
    first, same, second = written(tmp_path), written(tmp_path), allure.write(later, tmp_path)
    assert first == same
    assert [r["historyId"] for r in results(first)] == [r["historyId"] for r in results(second)]
    assert not {r["uuid"] for r in results(first)} & {r["uuid"] for r in results(second)}
    assert len({r["historyId"] for r in results(first)}) == len(CHECKS)
    assert named(first, "CTR-001", "redis")["testCaseId"] == named(first, "CTR-001", "front")["testCaseId"]


def test_one_check_twice_is_two_results(tmp_path):
    files = written(tmp_path, checks=(BASE, BASE))
    assert len({result["historyId"] for result in results(files)}) == 2


def test_checks_are_placed_one_after_the_other_at_the_end_of_the_run(tmp_path):
    """When all has been observed. The run began at 03:00:00 and took 1234 ms."""
    found = results(written(tmp_path, checks=tuple(replace(check, seconds=0.1) for check in CHECKS)))
    ends = [(result["start"] - 1780282800000, result["stop"] - 1780282800000) for result in found]
    assert ends[-1] == (1134, 1234)
    assert ends[0] == (334, 434)


def test_the_environment_says_what_was_tested(tmp_path):
    text = written(tmp_path, notes=("not ready ü",))["environment.properties"]
    for line in (
        "Result = failure",
        "Target.identity = ABCD:EFGH (pinned)",
        "Mode = audit, tier observe",
        "Version.pytest = 9.2.0",
        "Note.1 = not ready \\u00fc",
    ):
        assert line in text.splitlines()
    assert "Hardware.memory = 7.7GiB" in written(tmp_path, hardware=(("memory", "7.7GiB"),))["environment.properties"]
    executor = json.loads(written(tmp_path)["executor.json"])
    assert executor["reportName"] == "Sea trial of arm-single-node: failure"
    assert isinstance(executor["buildOrder"], int)


def test_hostile_text_is_harmless_and_whole(tmp_path):
    files = written(tmp_path, checks=(broken(seen=(NASTY,), subject=NASTY),), notes=(NASTY,))
    for text in files.values():
        assert not set("\x1b\x00\u202e") & set(text)
    assert files["environment.properties"].isascii()
    note = [line for line in files["environment.properties"].splitlines() if line.startswith("Note.1")]
    assert len(note) == 1
    assert note[0].endswith("\\nx: y\\\\")
    assert "\\ud83d\\udd25" in note[0]


def test_thousands_of_findings_are_in_the_evidence_and_some_are_steps(tmp_path):
    files = written(tmp_path, checks=(broken(seen=tuple(f"process {n}" for n in range(1000))),))
    (result,) = results(files)
    assert len(result["steps"]) == 103
    assert all(f"process {n}\n" in files[result["attachments"][0]["source"]] for n in range(1000))


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("RFC 9110 section 15.4", "https://www.rfc-editor.org/rfc/rfc9110#section-15.4"),
        ("RFC 8259", "https://www.rfc-editor.org/rfc/rfc8259"),
        ("CWE-400", "https://cwe.mitre.org/data/definitions/400.html"),
        ("Redis (https://redis.io/docs/x).", "https://redis.io/docs/x"),
        ("CIS Docker 4.1", ""),
    ],
)
def test_sources_with_an_address_are_links(reference, url, tmp_path):
    assert link(reference) == url
    (result,) = results(written(tmp_path, checks=(broken(refs=(reference,)),)))
    assert result.get("links", []) == ([{"type": "link", "url": url, "name": reference}] if url else [])


def test_nobody_elses_allure_hears_of_ours(tmp_path):
    """An ``--alluredir`` of the same session has its logger in Allure's one plugin manager."""
    import allure_commons
    from allure_commons.logger import AllureMemoryLogger

    theirs = AllureMemoryLogger()
    allure_commons.plugin_manager.register(theirs, "theirs")
    try:
        assert write_all(RECORD, tmp_path) == []
    finally:
        allure_commons.plugin_manager.unregister(theirs)
    assert (theirs.test_cases, theirs.attachments) == ([], {})
    assert len(list((tmp_path / "allure").glob("*-result.json"))) == len(CHECKS)


def test_allure_is_not_imported_before_it_writes():
    code = "import sys, seatrial.trial, seatrial.writers.allure; print([m for m in sys.modules if 'allure_' in m])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
