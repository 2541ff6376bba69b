"""The HTML report as text; `tests/integration/test_report_accessibility.py` looks at it in a browser."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seatrial.outcomes import Exit, Level, Outcome, Result, Tier
from seatrial.writers import conformance, html, sweep
from seatrial.writers._timeline import drawing
from tests.unit.records import BASE, CHECKS, RECORD, WAIVER, broken

HOSTILE = (
    "<script>alert(1)</script>\"><img src=x onerror=alert(1)> ' & \x1b[31m \x00 \u202eexe.gpj \udc80 {{ 7*7 }} </style>"
)
VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Page(HTMLParser):
    """What a page is made of: elements in order, ids, links, and the text of each element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.unclosed: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        # Each end closes the element that was opened last: nothing is nested wrongly.
        if self.open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data

    def attributes(self, name):
        return [values[name] for _, values in self.elements if name in values]


@pytest.fixture
def render(tmp_path):
    return lambda record=RECORD: html.write(record, tmp_path)


@pytest.fixture
def page(render):
    return lambda record=RECORD: Page(render(record))


ROOT = (
    broken(id="HLT-001", area="health", subject="api", expected="HTTP 200", seen=("GET /live: HTTP 302 (expected HTTP 200)",)),
    broken(id="HLT-001", area="health", subject="web", expected="HTTP 200", seen=("GET /live: HTTP 500 (expected HTTP 200)",)),
    broken(id="HLT-012", area="health", subject="api", seen=("GET /live: HTTP 302",)),
    broken(id="HLT-013", area="health", subject="web", seen=("GET /live: HTTP 302",)),
)  # fmt: skip
VARIANTS = {
    "every outcome": RECORD,
    "hostile": replace(
        RECORD,
        checks=(
            broken(id=HOSTILE, area=HOSTILE, title=HOSTILE, clause=HOSTILE, subject=HOSTILE, expected=HOSTILE, seen=(HOSTILE,), see=HOSTILE, fix=f"`{HOSTILE}`", why=HOSTILE, refs=(HOSTILE,), where=HOSTILE),
            *(replace(check, reason=HOSTILE, right=HOSTILE, subject=HOSTILE, title=HOSTILE, clause=HOSTILE, trace=(HOSTILE,)) for check in CHECKS),
        ),
        profile=replace(RECORD.profile, name=HOSTILE, summary=HOSTILE, file=HOSTILE, spec=HOSTILE, environment=HOSTILE),
        target=replace(RECORD.target, identity=HOSTILE, description=HOSTILE, address=HOSTILE),
        run=replace(RECORD.run, started=HOSTILE, user=HOSTILE, host=HOSTILE, command=HOSTILE, rights=(HOSTILE,), versions=(("seatrial", HOSTILE),), facts_of=HOSTILE),
        notes=(HOSTILE,), hardware=((HOSTILE, HOSTILE),), unchecked=(HOSTILE,), declared_absent=((HOSTILE, HOSTILE, HOSTILE),),
        waivers=(replace(WAIVER, reason=HOSTILE, owner=HOSTILE, subject=HOSTILE, requirement=HOSTILE, state=HOSTILE, where=HOSTILE),),
        calls={HOSTILE: 1},
    ),
    "two causes": replace(RECORD, checks=tuple(replace(BASE, outcome=Outcome.error, reason=reason) for reason in ("no", "nor"))),
    "cut short": replace(RECORD, complete=False),
    "one cause": replace(RECORD, checks=ROOT),
    "nothing": replace(RECORD, checks=(), notes=(), waivers=(), declared_absent=(), unchecked=(), result=Result.nothing, exit=Exit.nothing),
    "success": replace(RECORD, checks=(BASE,), result=Result.success, exit=Exit.success),
}  # fmt: skip


@pytest.fixture(params=VARIANTS, name="any_record")
def each_record(request):
    return VARIANTS[request.param]


# --- what it says -------------------------------------------------------------------------------------------------


def test_counts_are_those_of_every_other_report(page):
    found = page()
    told = {
        values["data-outcome"]: int(values["data-count"]) for _, values in found.elements if "data-outcome" in values
    }
    assert told == conformance.document(RECORD)["outcomes"]
    for said in ("1 pass", "2 violations", "1 advisory", "2 errors", "1 not applicable", "1 withheld", "1 waived"):
        assert re.search(said.replace(" ", r"\s*"), found.text.replace("\n", " "))


def test_it_is_told_in_the_order_that_a_reader_needs(page):
    text = page().text
    order = [
        "Failure", "The deployment breaks what it must keep", "1 requirement is broken, on 2 subjects; 2 checks could not be looked at.",
        "Docker Engine 20.10, linux/arm64", "ABCD:EFGH", "the one the profile pins", "ops on box", "uid 0", "it only looked", "Hardware",
        "Not looked at, and why", "needs tier disrupt", "@storage", "29 days left", "no endpoint declares latency".capitalize(), "nothing to keep", "slos", "--wait-ready",
        "Every process of a container MUST run", "redis", "p.yaml:7:3", "Expected", "none", "Seen", "container api-1, process 7 (nginx): uid 0", "docker top api-1", "Set USER in the image.", "CIS Docker 4.1",
        "/proc/7/status can't be read", "The run lacks root", "CTR-007", "CTR-008",
        "Root is read only",
        "1 check passed", "Containers run as non root",
        "seven outcomes", "pytest --profile=p.yaml", "11 docker GET", "8 http GET", "seatrial 0.1.0", "0" * 64,
    ]  # fmt: skip
    flat = re.sub(r"\s+", " ", text)
    place = flat.index("Failure", flat.index("Sea trial of"))
    for part in order:
        assert part in flat[place:], f"{part!r} is not after what stands before it"
        place = flat.index(part, place)


def test_every_finding_is_there_whole(page):
    many = tuple(f"container api-{n}, process {n}: uid 0 {'x' * 300}" for n in range(1000))
    everywhere = tuple(broken(subject=f"svc-{n}", seen=(f"only here {n}.",)) for n in range(50))
    text = page(replace(RECORD, checks=(broken(seen=many), *everywhere))).text
    for finding in (*many, *(seen for check in everywhere for seen in check.seen)):
        assert finding in text


def test_a_hundred_kilobytes_in_one_line_are_not_cut(page):
    assert "x" * 100_000 in page(replace(RECORD, checks=(broken(seen=("x" * 100_000,)),))).text


def test_findings_with_one_cause_stand_together(render):
    text = render(VARIANTS["one cause"])
    (root,) = re.findall(r'<div class="root">.*?</div>\s*\n(?=<article|</section)', text, re.DOTALL)
    assert "One cause, 2 requirements" in root
    assert re.findall(r'<article class="card violation" id="([^"]+)"', root) == ["HLT-001", "HLT-012"]
    assert 'id="HLT-013"' not in root, "the same was seen, but of another subject"


def test_an_error_beside_a_violation_says_where_to_begin(page):
    hidden = replace(BASE, id="HLT-003", subject="api", outcome=Outcome.error, reason="api gave no answer")
    found = page(replace(RECORD, checks=(*ROOT, hidden)))
    assert "Begin with what is broken on the same subject: HLT-001, HLT-012" in re.sub(r"\s+", " ", found.text)
    assert "#cause-1" not in found.attributes("href"), (
        "it follows from what is broken, so that one does not begin with it"
    )


def test_the_first_page_names_a_few_things_and_says_how_many_more_there_are(page):
    checks = tuple(broken(id=f"CTR-{n:03}", title=f"virtue {n}", seen=(f"seen {n}",)) for n in range(20))
    text = re.sub(r"\s+", " ", page(replace(RECORD, checks=checks)).text)
    start = text[text.index("Where to begin") : text.index("What was tested", text.index("Where to begin"))]
    assert start.count("Virtue") == 7
    assert "and 13 more, further down" in start


def test_a_run_that_was_cut_short_says_so_first(page):
    text = page(VARIANTS["cut short"]).text
    assert "This run was cut short" in text[: text.index("Failure, cut short", text.index("Sea trial"))]
    assert "cut short" not in page().text


def check(outcome, **changes):
    return replace(BASE, outcome=outcome, raw=outcome, **changes)


@pytest.mark.parametrize(
    ("result", "checks", "said"),
    [
        (Result.success, [BASE], "1 check passed, and nothing that must be kept is broken."),
        (Result.success, [BASE, BASE, check(Outcome.advisory)], "2 checks passed, and nothing that must be kept is broken; beside that, 1 advisory."),
        (Result.partial, [BASE, check(Outcome.waived)], "What was looked at is kept, but 1 violation is waived for now."),
        (Result.partial, [check(Outcome.withheld, tier=Tier.load), check(Outcome.withheld, tier=Tier.disrupt), check(Outcome.withheld, level=Level.SHOULD, tier=Tier.write)],
         "What was looked at is kept, but 2 checks need tier load or disrupt, and this run was granted observe."),
        (Result.undecided, [BASE, check(Outcome.error, reason="no engine answers")], "1 check could not be looked at: no engine answers."),
        (Result.undecided, [check(Outcome.error, reason=f"no {n}") for n in range(3)], "3 checks could not be looked at: no 0, and 2 more reasons."),
        (Result.undecided, [BASE], "Something kept the run from looking at everything: see the notes."),
        (Result.nothing, [check(Outcome.not_applicable)], "No check looked at anything, so this says nothing about the deployment."),
    ],
)  # fmt: skip
def test_a_verdict_explains_itself_in_a_sentence(page, result, checks, said):
    assert said in page(replace(RECORD, result=result, checks=tuple(checks))).text


def test_a_link_by_requirement_leads_to_what_is_most_telling(render):
    record = replace(
        RECORD,
        checks=(BASE, check(Outcome.not_applicable, id="CTR-001"), broken(), check(Outcome.waived, waiver=WAIVER)),
    )
    (place,) = re.findall(r'<article class="([^"]+)" id="CTR-001"', render(record))
    assert place == "card violation"


def test_a_waiver_shows_what_it_covers_in_a_run_over_midnight_too(page):
    record = replace(RECORD, waivers=(replace(WAIVER, days_left=28),))
    text = re.sub(r"\s+", " ", page(record).text)
    assert "2026-06-30, 28 days left" in text
    assert "What it covers MUST Every process of a container" in text
    assert "Waivers without effect" not in text


def test_a_replay_and_an_unpinned_target_are_told(page):
    record = replace(
        RECORD, run=replace(RECORD.run, facts_of="reports/old"), target=replace(RECORD.target, pinned=False)
    )
    text = page(record).text
    assert "a replay of the facts of reports/old; the target was not contacted" in text
    assert "not pinned in the profile" in text
    assert "nothing says which deployment" in page(replace(RECORD, target=replace(RECORD.target, identity=""))).text


def test_hardware_is_told_and_so_is_why_it_is_not_known(page):
    assert "memory 7.7GiB" in page(replace(RECORD, hardware=(("memory", "7.7GiB"),))).text
    assert "not known: no /proc" in page(replace(RECORD, hardware=(("unknown", "no /proc"),))).text


# --- how it is made -----------------------------------------------------------------------------------------------


def test_it_needs_nothing_but_itself(any_record, render):
    text = render(any_record)
    found = Page(text)
    tags = {tag for tag, _ in found.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not [
        name for _, values in found.elements for name in values if name.startswith("on") or name in ("src", "style")
    ]
    assert all(link.startswith("#") for link in found.attributes("href"))
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|expression", style)
    assert (
        found.attributes("content")[0]
        == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )


def test_its_links_lead_somewhere_and_its_ids_are_unique(any_record, page):
    found = page(any_record)
    ids = found.attributes("id")
    assert sorted(ids) == sorted(set(ids))
    assert {link[1:] for link in found.attributes("href")} <= set(ids)
    assert set(found.attributes("aria-labelledby")) <= set(ids)


def test_it_is_well_formed(any_record, page):
    found = page(any_record)
    assert found.unclosed == []
    assert found.open == []


def test_headings_are_in_order(any_record, page):
    levels = [int(tag[1]) for tag, _ in page(any_record).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_what_a_target_says_is_text_and_harmless(render):
    text = render(VARIANTS["hostile"])
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7*7 }}" in text
    assert text.count("</style>") == 1
    assert not set("\x1b\x00\u202e\udc80") & set(text)


def test_names_between_backticks_are_code_and_nothing_more(render):
    text = render(replace(RECORD, checks=(broken(fix="set `exposure.<b>` in it."),)))
    assert "Set <code>exposure.&lt;b&gt;</code> in it." in text


@pytest.mark.parametrize("secret", ["hunter2\"<'&>`*_", "two\nlines of <it>"])
def test_a_secret_is_found_as_the_page_holds_it(secret, render):
    text, found = sweep(render(replace(RECORD, checks=(broken(seen=(f"the password is {secret}",)),))), [secret])
    assert found == 1
    assert "the password is ***" in text


def test_a_large_run_is_a_small_page_and_quick(render):
    names = ("containers", "exposure", "health", "secrets", "metrics")
    checks = tuple(
        (broken if number % 5 == 0 else lambda **changes: replace(BASE, **changes))(
            id=f"{names[number % 5][:3].upper()}-{number % 90:03}", area=names[number % 5], subject=f"service-{number}.readiness"
        )
        for number in range(5000)
    )  # fmt: skip
    record = replace(RECORD, checks=checks)
    render(record)
    began = time.process_time()
    text = render(record)
    assert time.process_time() - began < 1.0
    assert len(text.encode()) < 3_000_000
    assert text.count("service-") >= 5000


def _luminance(colour: str) -> float:
    if len(colour) == 4:
        colour = "#" + "".join(2 * digit for digit in colour[1:])
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_stand_out(scheme):
    style = (Path(html.__file__).parent / "templates" / "report.css").read_text()
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z_]+): (#[0-9a-f]{3,6})", block))
    inks = set(colours) - {"page", "sheet", "wash", "line"}
    assert {outcome.name for outcome in Outcome} <= inks
    for ground in ("page", "sheet", "wash"):
        for ink in inks:
            bright, dim = sorted((_luminance(colours[ground]), _luminance(colours[ink])), reverse=True)
            assert (bright + 0.05) / (dim + 0.05) >= 4.5, f"{ink} on {ground}"


def test_an_experiment_is_drawn_and_told(page):
    page = page(replace(RECORD, loads=()))
    (lane, _) = RECORD.experiments[0].lanes
    assert "api while redis is hung".capitalize() in page.text
    assert "paused by the engine" in page.text
    assert "172.18.0.2:6379 accepts a connection and says nothing for 0.5 s" in page.text
    assert (
        f"readiness of api-1: {len(lane.samples)} answers, 1 not as declared, the first at 2.0 s, the last at 2.0 s"
        in page.text
    )
    assert "asked: unready_within 10s (services.api.readiness.unready_within)" in page.text
    assert "measured: capacity 120" in page.text
    classes = page.attributes("class")
    assert classes.count("band") == 1
    assert classes.count("ill") == len(RECORD.experiments[0].lanes)


def test_moments_that_stand_too_close_share_a_mark():
    assert drawing(RECORD.experiments[0]).moments[0][1] == "1\N{EN DASH}2"
    assert [text for _, text in drawing(RECORD.experiments[0]).moments] == ["1\N{EN DASH}2", "3"]


def test_nothing_is_drawn_where_nothing_was_done(render):
    assert "<svg" not in render(replace(RECORD, experiments=(), loads=()))


@pytest.mark.parametrize("spoil", ["file", "open", "full"])
def test_what_is_compiled_is_kept_where_that_can_be_trusted(tmp_path, monkeypatch, spoil):
    """Without a folder of this user's own nothing is kept, and the page is the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    html._environment.cache_clear()
    first = html.write(RECORD, tmp_path)
    kept = tmp_path / "seatrial" / "templates"
    assert [entry.suffix for entry in kept.iterdir()] == [".cache"]
    html._environment.cache_clear()
    assert html.write(RECORD, tmp_path) == first
    if spoil == "file":
        monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    elif spoil == "open":
        kept.chmod(0o777)
        next(kept.iterdir()).write_bytes(b"nonsense of somebody else")
    else:
        next(kept.iterdir()).unlink()
        monkeypatch.setattr("tempfile.NamedTemporaryFile", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
    html._environment.cache_clear()
    assert html.write(RECORD, tmp_path) == first
    html._environment.cache_clear()
