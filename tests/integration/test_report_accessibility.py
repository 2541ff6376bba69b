"""The HTML report as people meet it: in a browser, by axe-core's rules, by keyboard, on a phone, on paper."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from seatrial.outcomes import Exit, Outcome, Result
from seatrial.record import Record
from seatrial.writers import html
from tests.integration.test_demo_verdicts import audit
from tests.lab.browser import Browser
from tests.unit.records import BASE, CHECKS, RECORD, broken

pytestmark = pytest.mark.integration

MANY = tuple(replace(BASE, id=f"CTR-{number:03}", subject=f"svc-{number}") for number in range(200, 230))
CLEAN = replace(
    RECORD,
    result=Result.success,
    exit=Exit.success,
    checks=(BASE, *MANY),
    notes=(),
    waivers=(),
    declared_absent=(),
    unchecked=(),
)
RECORDS = {
    "every outcome": RECORD,
    "cut short, and much of everything": replace(
        RECORD,
        complete=False,
        hardware=(("architecture", "arm64"), ("memory", "7.7GiB")),
        checks=(
            *CHECKS,
            *MANY,
            *(broken(subject=f"svc-{number}", seen=tuple(f"process {n}: uid 0" for n in range(9))) for number in range(9)),
            broken(id="CTR-002", seen=("container api-1, process 7 (nginx): uid 0 (expected none)",), subject="redis"),
        ),
    ),
    "all is well": CLEAN,
}  # fmt: skip
LOOKS = {"light": {}, "dark": {"dark": True}, "narrow": {"width": 320}}
UNFOLD = "document.querySelectorAll('details').forEach(each => each.open = true)"
Page = Callable[[Record], Path]


@pytest.fixture(scope="module")
def browser(require: Callable[[str], None]) -> Iterator[Browser]:
    require("chromium")
    with Browser() as running:
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Page:
    def write(record: Record) -> Path:
        file = tmp_path / "report.html"
        file.write_text(html.write(record, tmp_path), encoding="utf-8")
        return file

    return write


def about_text(found: list[str]) -> list[str]:
    """What axe could not decide, but for the signs: of a single character it never says whether it stands out. Nor does it of
    a picture's text, whose colours are those of the page's text on the same ground.
    """
    signs, pictures = (
        r"\.(sign|seal)\b[^>]*$",
        r"(text\[[^>]*|\.(fault|lane|tick|told|noted|end|mid))$|svg\[|\[[xy]=\"[\d.]+\"\]",
    )
    return [line for line in found if not re.search(f"{signs}|{pictures}", line)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", RECORDS)
def test_axe_finds_nothing(name: str, look: str, browser: Browser, page: Page) -> None:
    browser.look(**LOOKS[look])
    browser.open(page(RECORDS[name]))
    browser.run(UNFOLD)
    found = browser.audit()
    assert found["violations"] == []
    assert about_text(found["incomplete"]) == []


def test_axe_finds_nothing_while_lists_are_folded(browser: Browser, page: Page) -> None:
    browser.look()
    browser.open(page(RECORD))
    assert browser.audit()["violations"] == []


BREAKS = {
    "html-has-lang": ('<html lang="en">', "<html>"),
    "color-contrast": ("--quiet: #575e64", "--quiet: #b9bdc0"),
    "landmark-one-main": ("<main ", "<div "),
    "heading-order": ("<h2 id=\"h-tested\">What was tested</h2>", "<h5>What was tested</h5>"),
    "document-title": ("<title>", "<title hidden></title><template>"),
    "list": ('<ul class="counts" aria-label="How many checks ended in each outcome">', '<ul class="counts"><p>So many:</p>'),
    "meta-viewport": ("initial-scale=1", "initial-scale=1, user-scalable=no"),
    "region": ("<footer>", "<div>"),
}  # fmt: skip


@pytest.mark.parametrize("rule", BREAKS)
def test_axe_finds_what_is_broken_on_purpose(rule: str, browser: Browser, page: Page) -> None:
    file = page(RECORD)
    text = file.read_text(encoding="utf-8")
    assert BREAKS[rule][0] in text
    file.write_text(text.replace(*BREAKS[rule]), encoding="utf-8")
    browser.look()
    browser.open(file)
    assert rule in {line.partition(":")[0] for line in browser.audit()["violations"]}


@pytest.mark.parametrize("record", [RECORD, replace(RECORD, checks=(broken(seen=("x" * 100_000,), subject="y" * 500, expected="z " * 5000),))], ids=["short", "long"])  # fmt: skip
def test_nothing_is_wider_than_a_phone(record: Record, browser: Browser, page: Page) -> None:
    browser.look(width=320)
    browser.open(page(record))
    browser.run(UNFOLD)
    assert browser.run("document.documentElement.scrollWidth") <= 320


def test_the_keyboard_reaches_everything_and_can_leave_it(browser: Browser, page: Page) -> None:
    browser.look()
    browser.open(page(RECORD))
    stops = (
        "[...document.querySelectorAll('a[href], summary, .drawing, .table')].filter(each => each.checkVisibility())"
    )
    wanted = browser.run(f"{stops}.map(each => each.textContent.trim())")
    reached = []
    for _ in wanted:
        browser.press("Tab", 9)
        reached.append(browser.run("document.activeElement.textContent.trim()"))
        assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid", reached[-1]
    assert reached == wanted
    assert wanted[0] == "Skip to the report"


def test_the_first_key_skips_to_the_report(browser: Browser, page: Page) -> None:
    browser.look()
    browser.open(page(RECORD))
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.getBoundingClientRect().top") >= 0
    browser.press("Enter", 13, "\r")
    assert browser.run("document.activeElement.id") == "report"


def test_a_key_unfolds_what_is_folded(browser: Browser, page: Page) -> None:
    browser.look()
    browser.open(page(RECORD))
    browser.run("document.querySelector('#kept summary').focus()")
    assert browser.run("document.querySelector('#kept dl').checkVisibility()") is False
    browser.press("Enter", 13, "\r")
    assert browser.run("document.querySelector('#kept dl').checkVisibility()") is True


def test_a_link_to_a_requirement_leads_to_it_even_where_it_is_folded_away(browser: Browser, page: Page) -> None:
    record = replace(CLEAN, checks=MANY)
    browser.look()
    browser.open(page(record), fragment="#CTR-229")
    assert browser.run("document.getElementById('CTR-229').checkVisibility()") is True
    assert 0 <= browser.run("document.getElementById('CTR-229').getBoundingClientRect().top") < 900


def test_paper_shows_what_a_screen_folds_away(browser: Browser, page: Page) -> None:
    file = page(RECORDS["cut short, and much of everything"])
    folded = "[...document.querySelectorAll('details:not([open]) > :not(summary)')]"
    unseen = f"{folded}.filter(each => !each.checkVisibility()).length"
    browser.look()
    browser.open(file)
    assert browser.run(unseen) == browser.run(f"{folded}.length") > 5
    browser.look(media="print", dark=True)
    assert browser.run(unseen) == 0
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("document.querySelector('nav').checkVisibility()") is False
    assert browser.paper().startswith(b"%PDF")


HOSTILE = """<script>document.title = 'taken'</script>"><img src=x onerror="document.title='taken'"></dd></main><h1>Success</h1>"""


def test_what_a_target_says_is_text(browser: Browser, page: Page) -> None:
    check = broken(seen=(HOSTILE,), subject=HOSTILE, expected=HOSTILE, title=HOSTILE, clause=HOSTILE, fix=f"`{HOSTILE}`", id=HOSTILE, see=HOSTILE)  # fmt: skip
    missing = replace(BASE, outcome=Outcome.error, reason=HOSTILE, right=HOSTILE, trace=(HOSTILE,))
    record = replace(RECORD, checks=(check, missing), notes=(HOSTILE,), hardware=((HOSTILE, HOSTILE),))
    browser.look()
    browser.open(page(record))
    assert browser.run("document.title").startswith("Failure: ")
    assert browser.run("document.querySelectorAll('h1, script, img').length") == 1
    assert HOSTILE in browser.run("document.querySelector('.card.violation .seen').textContent")


def test_the_page_runs_nothing_and_loads_nothing_even_when_it_was_tampered_with(browser: Browser, page: Page) -> None:
    file = page(RECORD)
    other = file.with_name("other.svg")
    other.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>')
    added = f'<img src="{other.as_uri()}" onerror="document.title=1"><script>document.title = "taken"</script>'
    file.write_text(file.read_text(encoding="utf-8").replace("<footer>", added + "<footer>"), encoding="utf-8")
    browser.look()
    browser.open(file)
    assert browser.run("document.title").startswith("Failure: ")
    assert browser.run("document.querySelector('img').naturalWidth") == 0
    assert (
        browser.run("performance.getEntriesByType('resource').filter(each => each.responseStatus === 200).length") == 0
    )


def test_it_is_the_same_page_without_scripts(browser: Browser, page: Page) -> None:
    file = page(RECORD)
    assert "<script" not in file.read_text(encoding="utf-8")
    browser.look(scripts=False)
    browser.open(file)
    assert json.loads(browser.run("JSON.stringify([document.scripts.length, document.querySelectorAll('h2').length > 5])")) == [0, True]  # fmt: skip


def test_a_real_run_is_told_alike_everywhere(tmp_path: Path, browser: Browser, redis_binary: str) -> None:
    report = audit(tmp_path, defect="redirect-off-host")
    folder = report["folder"]
    browser.look()
    browser.open(folder / "report.html")
    assert browser.audit()["violations"] == []
    counts = browser.run("[...document.querySelectorAll('.counts li')].filter(each => each.dataset.count > 0).map(each => each.innerText.split('\\n').slice(1).join(' ')).join(', ')")  # fmt: skip
    (line,) = re.findall(r"^ +counts +(.+)$", report["text"], re.MULTILINE)
    assert counts == line
    assert f"read      {folder / 'report.html'}" in report["text"]
    told = {outcome: number for outcome, number in report["outcomes"].items() if number}
    assert line == ", ".join(f"{number} {plural(outcome, number)}" for outcome, number in told.items())
    sums = (folder / "summary.md").read_text().partition("| **all** |")[2].partition("\n")[0]
    assert [int(cell) for cell in sums.strip(" |").split("|")] == list(report["outcomes"].values())
    cases = ElementTree.parse(folder / "junit.xml").iter("property")
    junit = Counter(case.get("value") for case in cases if case.get("name") == "seatrial.outcome")
    assert dict(junit) == told


def plural(outcome: str, number: int) -> str:
    many = {"violation": "violations", "advisory": "advisories", "error": "errors"}
    return many.get(outcome, outcome) if number != 1 else outcome
