from __future__ import annotations

import re
from dataclasses import replace

import pytest

import seatrial.writers as writers
from seatrial.outcomes import Exit, Outcome, Result
from seatrial.writers import conformance, markdown, sweep
from tests.unit.records import BASE, CHECKS, RECORD, broken

HOSTILE = "a|b `c` ``d`` <script>alert(1)</script> <!-- @maintainer #12 **bold** [x](http://evil.test) www.evil.test ~~no~~ $x$ \x1b[31m \u202e \udc80\n# heading\n- item\n```\nfence"


@pytest.fixture
def write(tmp_path):
    return lambda record=RECORD: markdown.write(record, tmp_path / "2026-demo")


def prose(text):
    """What stands outside of code, where GitHub reads markup, mentions and links."""
    text = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def test_counts_are_those_of_every_other_report(write):
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in write().splitlines() if line.startswith("|")
    ]
    assert [cell.split(" ", 1)[1] for cell in rows[0][1:]] == [outcome.value for outcome in Outcome]
    assert rows[-1][0] == "**all**"
    assert (
        dict(zip((o.value for o in Outcome), map(int, rows[-1][1:]), strict=True))
        == conformance.document(RECORD)["outcomes"]
    )
    for column in range(1, len(rows[0])):
        assert sum(int(row[column]) for row in rows[2:-1]) == int(rows[-1][column])


def test_it_is_told_in_the_order_that_a_reader_needs(write):
    text = write(replace(RECORD, hardware=(("memory", "7.7GiB"),)))
    place = 0
    for part in (
        "## ✕ Failure: arm-single-node", "The deployment breaks what it must keep", "1 requirement is broken", "| area |",
        "Docker Engine 20.10", "ABCD:EFGH`, pinned", "ops on box, uid 0", "memory 7.7GiB", "tier observe, exit code 1", "Next: mend it",
        "### Broken", "#### Containers", "CTR-001 Containers run as non root** (MUST)", "> Every process", "redis (p.yaml:7:3)", "expected  none", "seen      container api-1", "by hand   docker top", "**Fix:** Set USER",
        "### Could not be looked at", "/proc/7/status can't be read", "The run lacks: root", "CTR-007 (api), CTR-008 (api)",
        "### Advice", "CTR-020", "### Not looked at", "**withheld** PRB-003", "**waiver** CTR-004 on minio", "storage, 29 days left: applied", "HLT-002", "nothing to keep", "slos", "--wait-ready",
        "### Kept", "CTR-001 (1 check)", "2026-demo",
    ):  # fmt: skip
        assert part in text[place:], f"{part!r} is not after what stands before it"
        place = text.index(part, place)
    assert text.count("Every process of a container MUST run") == 2, "once for both subjects of a requirement"


def test_a_run_that_was_cut_short_says_so_before_anything_is_counted(write):
    text = write(replace(RECORD, complete=False))
    assert text.index("Failure, cut short") < text.index("This run was cut short") < text.index("| area |")


@pytest.mark.parametrize("result", list(Result))
def test_every_verdict_is_told(write, result):
    assert write(replace(RECORD, result=result, exit=Exit.success, checks=())).startswith("## ")


def test_what_a_target_says_is_no_markup(write):
    hostile = [
        replace(
            check,
            reason=HOSTILE,
            right=HOSTILE,
            subject=HOSTILE,
            title=HOSTILE,
            clause=HOSTILE,
            fix=HOSTILE,
            where=HOSTILE,
        )
        for check in CHECKS
    ]
    record = replace(
        RECORD,
        checks=(*hostile, broken(seen=(HOSTILE,), expected=HOSTILE, see=HOSTILE)),
        notes=(HOSTILE,), unchecked=(HOSTILE,), declared_absent=((HOSTILE, HOSTILE, HOSTILE),), hardware=((HOSTILE, HOSTILE),),
        profile=replace(RECORD.profile, name=HOSTILE, file=HOSTILE), target=replace(RECORD.target, identity=HOSTILE, description=HOSTILE),
        run=replace(RECORD.run, user=HOSTILE, host=HOSTILE, facts_of=HOSTILE),
    )  # fmt: skip
    text = write(record)
    assert not set("\x1b\u202e\udc80") & set(text)
    outside = prose(text)
    assert "script" in outside
    assert not re.search(r"(?<!\\)<", outside)
    assert "@m" not in outside
    assert "#12" not in outside
    assert "://" not in outside
    assert "www." not in outside
    assert not re.search(r"(?<!\\)\[", outside)
    assert "item" in outside
    assert not re.search(r"^#+ heading|^- item|^```$", outside, re.MULTILINE)
    # One table, of as many cells in each row.
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("| ")} == {
        len(Outcome) + 2
    }


def test_code_is_what_it_was():
    assert markdown.code("a `b` c") == "``a `b` c``"
    assert markdown.code("`") == "`` ` ``"
    assert markdown.code("") == ""


def test_a_long_run_is_cut_below_the_limit_and_says_so(write):
    checks = tuple(
        broken(id=f"CTR-{n:03}", seen=tuple(f"process {p} {'ü' * 90}" for p in range(300))) for n in range(40)
    )
    text = write(replace(RECORD, checks=(*checks, *CHECKS)))
    assert 900_000 < len(text.encode()) <= 1 << 20
    (said,) = re.findall(r"so that (\d+) parts of it were cut or left out", text)
    assert text.count(", cut here") == int(said) > 5
    for check in checks:
        assert f"**✕ {check.id} " in text
    assert "300 lines seen on 1 subject" in text
    assert "### Not looked at" in text, "what was not looked at is told however much was seen"


def test_what_is_much_too_long_even_in_short_is_left_out_and_counted(write):
    checks = tuple(broken(id=f"CTR-{n:05}") for n in range(12_000))
    text = write(replace(RECORD, checks=checks, notes=("n" * 100_000,) * 20))
    assert len(text.encode()) <= 1 << 20
    assert re.search(r"so that \d+ parts of it were cut or left out", text)
    assert text.startswith("## ✕ Failure")


def test_it_is_appended_where_github_asks_for_it(tmp_path, monkeypatch):
    shown = tmp_path / "step-summary"
    shown.write_text("from another step\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shown))
    folder = tmp_path / "run"
    folder.mkdir()
    assert writers.write_all(RECORD, folder) == []
    assert shown.read_text() == "from another step\n" + (folder / "summary.md").read_text()


def test_what_is_appended_has_no_secret_either(tmp_path, monkeypatch):
    shown = tmp_path / "step-summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shown))
    folder = tmp_path / "run"
    folder.mkdir()
    writers.write_all(replace(RECORD, notes=("it is hunter2*_hunter2",)), folder, secrets=["hunter2*_hunter2"])
    assert "it is \\*\\*\\*" in shown.read_text() or "it is ***" in shown.read_text()
    assert "hunter2" not in shown.read_text()


def test_a_summary_that_is_nearly_full_gets_the_verdict_alone_and_a_full_one_nothing(tmp_path, monkeypatch):
    shown = tmp_path / "step-summary"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shown))
    file = tmp_path / "summary.md"
    file.write_text(markdown.write(RECORD, tmp_path))
    shown.write_text("x" * ((1 << 20) - 1500))
    markdown.deliver(file)
    told = shown.read_text().lstrip("x")
    assert told.startswith("## ✕ Failure")
    assert "The findings had no room here" in told
    assert shown.stat().st_size <= 1 << 20
    shown.write_text("x" * (1 << 20))
    markdown.deliver(file)
    assert shown.stat().st_size == 1 << 20


def test_a_summary_that_can_not_be_appended_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary"))
    folder = tmp_path / "run"
    folder.mkdir()
    (problem,) = writers.write_all(RECORD, folder)
    assert problem.startswith("markdown could not be written: FileNotFoundError")
    assert (folder / "summary.md").exists()


@pytest.mark.parametrize("secret", ["p*ss_w|rd<x>", "@user#12://www.x", "two\nlines_of it"])
def test_a_secret_is_found_as_prose_and_code_hold_it(secret, write):
    record = replace(RECORD, checks=(broken(seen=(f"seen {secret}",)), replace(BASE, outcome=Outcome.error, reason=f"why {secret}")), run=replace(RECORD.run, facts_of=f"run {secret}"))  # fmt: skip
    text, found = sweep(write(record), [secret])
    assert found >= 3
    assert secret.split("\n")[0] not in text
