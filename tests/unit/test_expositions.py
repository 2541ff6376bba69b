"""Expositions, as they are read: against what Prometheus's own tools say of the same text."""

from __future__ import annotations

import itertools
import random
import re
import shutil
import subprocess
import time

import pytest

from seatrial.facts.exposition import Drop
from seatrial.facts.expositions_judged import ServiceMetrics
from seatrial.facts.expositions_parsing import MOST_FAULTS, parse, standard
from seatrial.facts.expositions_reading import alike, check_sums, drops, families, format_of, looks_like, started, total
from tests.specimens.metrics import OPENMETRICS, TEXT, metrics

LONG = 500_000
GOOD = (
    TEXT,
    "",
    "\n\n  \t\n",
    "a 1\n",
    "a +Inf\na{b=\"c\"} NaN\nb -1.5e-3 -12\n",
    "  a{ b = \"c\" , } 1 1795257829000\n",
    "a{}1\n",
    'a{b="\\\\ \\" \\n {}=,"} .5\n',
    "#TYPE a gauge\n# a comment\n#\na 1\n",
    "# TYPE a COUNTER\na 1\n",
    "# HELP a\n# TYPE a gauge\na 1\n",
    '# TYPE a summary\na{quantile="0.5"} 1\na_sum 1\na_count 1\n',
    '# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n# TYPE b gauge\nb 1\n',
    "a 1\nb 1\na{c=\"d\"} 1\n",
    "# EOF\n",
    "é_ 1\n".replace("é", "e"),
    'a{b="é"} 1\n',
)  # fmt: skip
BAD = (
    "a 1",
    "a\n",
    "a one\n",
    "a 0x10\n",
    "a 1_000\n",
    "a 1e999\n",
    "a 1 12.5\n",
    "a 1 NaN\n",
    "a 1 2 3\n",
    "a 1 \n",
    "a 1\r\n",
    "é 1\n",
    "1a 1\n",
    "<html>\n",
    '{"a": 1}\n',
    'a{b="c" 1\n',
    'a{b="c"d="e"} 1\n',
    'a{b=c} 1\n',
    'a{b="c",b="d"} 1\n',
    'a{__name__="b"} 1\n',
    'a{b="\\q"} 1\n',
    'a{1b="c"} 1\n',
    "# TYPE a number\na 1\n",
    "# TYPE a gauge\n# TYPE a gauge\na 1\n",
    "a 1\n# TYPE a gauge\n",
    "# HELP a b\n# HELP a c\na 1\n",
    "# HELP a C:\\logs\na 1\n",
    "# TYPE a! gauge\n",
    '# TYPE a histogram\na_bucket{le="much"} 1\n',
    '# TYPE a summary\na{quantile="half"} 1\n',
)  # fmt: skip
LINTED = (
    TEXT,
    "a 1\n",
    "# HELP a b\na_total 1\n",
    *(
        f"# HELP {name} Said.\n# TYPE {name} {kind}\n{name} 1\n"
        for name, kind in itertools.product(
            (
                "calls", "calls_total", "wait_ms", "wait_milliseconds", "up_hours_total", "size_kilobytes", "held_bits",
                "temperature_kelvin", "line_megabits", "a_b", "waitTime", "job:calls:rate", "wait_gauge", "counter_wait",
                "my_counter_total", "jobs_count", "wait_sum", "rain_bucket", "a_summary_b",
            ),
            ("counter", "gauge", "untyped"),
        )
    ),
    '# HELP a Said.\n# TYPE a gauge\na{le="1",quantile="1",userName="x"} 1\n',
    '# HELP a Said.\n# TYPE a histogram\na_bucket{le="+Inf",quantile="1"} 1\na_sum 1\na_count 1\n',
)  # fmt: skip


def refused(text: str, format: str = "text") -> list[str]:
    return [f"{fault.line}: {fault.text}" for fault in parse(text, format).told() if fault.kind == "syntax"]


def promtool(text: str) -> subprocess.CompletedProcess[str]:
    """What the reference says: 0 nothing, 1 it can't be read, 3 names that break conventions."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool on PATH")
    return subprocess.run(
        [tool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("text", GOOD)
def test_what_promtool_reads_is_read(text):
    assert refused(text) == []
    assert promtool(text).returncode in (0, 3)


@pytest.mark.parametrize("text", BAD)
def test_what_promtool_refuses_is_refused_in_the_same_line(text):
    (first, *_) = refused(text)
    said = promtool(text)
    assert said.returncode == 1
    assert re.search(rf"in line {first.partition(':')[0]}\b", said.stderr), said.stderr


def test_texts_changed_at_random_are_refused_as_promtool_refuses_them():
    """Some of many that were tried. Judged otherwise was a backslash in a TYPE alone, which promtool swallows."""
    chance = random.Random(4711)
    for _ in range(60):
        text = changed(chance, TEXT)
        assert bool(refused(text)) == (promtool(text).returncode == 1), text


def changed(chance: random.Random, text: str) -> str:
    """A text with a character more, less, or other."""
    at, cut = chance.randrange(len(text)), chance.choice((0, 1, 1))
    return text[:at] + chance.choice(["", *'{}="\\, \t\n#_:aZ019.-+e']) + text[at + cut :]


@pytest.mark.parametrize("text", LINTED)
def test_names_are_what_promtool_takes_them_for(text):
    ours = metrics(text)
    told = {finding.where for rule in RULES for finding in rule.fget(ours)}
    said = promtool(text)
    assert told == {line.split()[0] for line in said.stderr.splitlines()}
    assert bool(told) == (said.returncode == 3)


RULES = (
    ServiceMetrics.unexplained,
    ServiceMetrics.wrong_totals,
    ServiceMetrics.odd_units,
    ServiceMetrics.odd_names,
    ServiceMetrics.reserved_names,
)


def test_a_broken_exporter_is_not_told_line_by_line():
    told = refused("?\n" * 1000)
    assert len(told) == MOST_FAULTS + 1
    assert told[-1] == f"0: and {1000 - MOST_FAULTS} more"


def test_what_is_told_of_a_line_is_never_a_label_value():
    word = "correct-horse"
    lines = (f'a{{b="{word}',
             f'a{{b="{word}"}} {word}', f'a{{b="{word}"}} 1 {word}', f'a{{b="{word}"}} 1', f'a{{b="{word}"}} 1',
             f"# TYPE a {word}", f"# HELP {word} x", f'a_bucket{{le="{word}"}} 1', f"{word}")  # fmt: skip
    for format in ("text", "openmetrics"):
        parsed = parse("# TYPE a histogram\n" + "\n".join(lines) + "\n# EOF\n", format)
        check_sums(parsed)
        assert len(parsed.faults) >= 6
        assert word not in str(parsed.told())
    assert word not in str(standard(f'# TYPE a counter\na_total{{b="{word}"}} {word}\n# EOF\n'))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OPENMETRICS, ()),
        ("# TYPE a counter\na_total 1\n", ("Missing # EOF at end",)),
        ("# TYPE a counter\n# HELP a b\na 1\n# EOF\n", ("Clashing name: a",)),
        ("# TYPE a stateset\na 1\n# EOF\n", ("Stateset missing label",)),
        ("a{b=\"c\x00\u2028d\"} 1\n# EOF\n", ()),
        ("\n", ("Received blank line",)),
    ],
)  # fmt: skip
def test_the_standard_of_openmetrics_is_told_by_its_own_parser(text, said):
    assert tuple(fault.text for fault in standard(text)) == said


def test_both_formats_tell_the_same_metrics():
    old = {family.name: family.type for family in families(parse(TEXT, "text"))}
    new = {family.name: family.type for family in families(parse(OPENMETRICS, "openmetrics"))}
    assert new == {"calls_total": "counter", "build_info": "info"}
    assert old == {"calls_total": "counter", "call_seconds": "histogram", "build_info": "gauge"}


def test_two_metrics_of_one_name_in_openmetrics_are_two():
    text = "# HELP a Now.\n# TYPE a gauge\na 1\n# HELP a Ever.\n# TYPE a counter\na_total 5\n# EOF\n"
    parsed = parse(text, "openmetrics")
    assert parsed.told() == ()
    assert [(family.name, family.type, family.help) for family in families(parsed)] == [
        ("a", "gauge", True),
        ("a_total", "counter", True),
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!doctype html><p>", "an HTML page"),
        ("\n<HTML lang=en>", "an HTML page"),
        ("<?xml version='1.0'?>", "XML"),
        (' {"a": 1}', "JSON"),
        ("[]", "JSON"),
        ("[" * 100_000, ""),
        ("\n \n", "an empty page"),
        ("a 1\n", ""),
        ("# <html>\n", ""),
        ('{"a.b"} 1\n', ""),
    ],
)
def test_what_is_no_exposition(text, kind):
    assert looks_like(text) == kind


@pytest.mark.parametrize(
    ("media", "text", "format"),
    [
        ("application/openmetrics-text", "a 1\n", "openmetrics"),
        ("text/plain", OPENMETRICS, "text"),
        ("text/html", OPENMETRICS, "openmetrics"),
        ("", TEXT, "text"),
    ],
)
def test_a_format_is_what_is_stated_or_what_the_end_tells(media, text, format):
    assert format_of(media, text) == format


def test_values_of_which_there_is_no_end():
    values = ("8f14e45fceea167a", "/notes/1042", "/v1/notes", "GET", "2xx", "eth0", "443", "sda1", "jo@harbor.example",
              "1.4.2", "10.0.0.1:9090", "/var/lib/harbor", "user@host", "2026-11-21T10:00:00Z")  # fmt: skip
    assert alike(values) == (("a mail address", 1), ("a path with an id", 1), ("a time", 1), ("an id", 1))


def test_a_counter_that_falls_is_told_of_one_process_alone():
    start = "process_start_time_seconds {}\n"
    before = parse(TEXT + start.format(10), "text")
    after = TEXT.replace("} 3", "} 2").replace('le="0.1"} 6', 'le="0.1"} 5')
    assert drops(before, parse(after + start.format(10), "text")) == (
        Drop("call_seconds_bucket", 1, known=True),
        Drop("calls_total", 1, known=True),
    )
    assert drops(before, parse(after + start.format(20), "text")) == ()
    assert [drop.known for drop in drops(parse(TEXT, "text"), parse(after, "text"))] == [False, False]
    assert started(before) == 10


def test_series_with_the_labels_that_are_asked_for_are_added_up():
    parsed = parse(TEXT, "text")
    assert total(parsed, "calls_total", {"status": "200"}) == 7
    assert total(parsed, "calls_total", {"status": "200", "route": "/notes"}) == 3
    assert total(parsed, "calls_total", {"status": "500"}) is None


def test_a_large_exposition_is_read_in_a_moment():
    text = "".join(
        f'calls_total{{route="/notes/{{id}}",worker="{number}",status="200"}} {number}\n' for number in range(100_000)
    )
    began = time.monotonic()
    parsed = parse(text, "text")
    check_sums(parsed)
    (family,) = families(parsed)
    assert family.series == 100_000
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "text",
    [
        "a " + "1" * LONG + "x\n",
        "# HELP a x" + " " * LONG + "x\n",
        'a{b="' + "x" * LONG + "\n",
        'a{b="' + "\\\\" * (LONG // 2) + "\n",
        "a{" + 'b="c",' * (LONG // 6) + "}\n",
        'a{b="/?' + "=" * LONG + '"} 1\n',
        'a{b="x@' + "a." * (LONG // 2) + '"} 1\n',
    ],
    ids=["digits", "blanks", "label", "escapes", "labels", "query", "address"],
)  # fmt: skip
def test_a_hostile_exposition_takes_no_time_to_speak_of(text):
    began = time.monotonic()
    for format in ("text", "openmetrics"):
        families(parse(text, format))
    assert time.monotonic() - began < 20
