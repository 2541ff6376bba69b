"""What is told of an exposition that was parsed: its metrics, whether they add up, and what changed from one to the next."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from seatrial.facts.exposition import Drop, Family, Label
from seatrial.facts.expositions_parsing import Parsed, Sample, Series

__all__ = ["alike", "check_sums", "drops", "families", "format_of", "looks_like", "started", "total"]

_BOUNDS = {"histogram": ("le",), "gaugehistogram": ("le",), "summary": ("quantile",)}
_HEX = "[0-9a-f]"
_ID = re.compile(
    rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}|(?=[a-f]*\d){_HEX}{{16,}}|\d{{6,}}", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\s/:]+@[^@\s/:]+\.[a-z]{2,}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_PATH = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/\s]+)?(/[^\s?]*)(\?.*=.*)?", re.IGNORECASE)
LONGEST = 500
"""Characters of a value that is looked at so."""
MOST_SAMPLED = 10_000
"""Values of one label that are looked at for what they resemble."""


# --- what it is -------------------------------------------------------------------------------------------------------


def looks_like(text: str) -> str:
    """What a body is when it is no exposition; empty when it may be one."""
    head = text.lstrip()[:1]
    if not head:
        return "an empty page"
    if head == "<":
        return "an HTML page" if re.search(r"<(!doctype html|html|head|body)", text[:4096], re.IGNORECASE) else "XML"
    if head in "{[":
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return ""
        return "JSON"
    return ""


def format_of(media: str, text: str) -> str:
    """The format that the content type states; where it states none, the one that the end tells."""
    if media == "application/openmetrics-text":
        return "openmetrics"
    if media == "text/plain":
        return "text"
    return "openmetrics" if text.rstrip("\n").endswith("# EOF") else "text"


def started(parsed: Parsed) -> float | None:
    """When the process was started that answered, where it tells."""
    return next((s.value for s in parsed.samples() if s.name == "process_start_time_seconds" and not s.labels), None)


# --- its metrics ------------------------------------------------------------------------------------------------------


def families(parsed: Parsed) -> tuple[Family, ...]:
    """The metrics, in their order."""
    return tuple(_family(series) for series in parsed.series)


def _family(series: Series) -> Family:
    names = tuple(dict.fromkeys(sample.name for sample in series.samples))
    suffix = {"counter": "_total", "info": "_info"}.get(series.type, "")
    having: Counter[str] = Counter()
    values: defaultdict[str, set[str]] = defaultdict(set)
    for sample in series.samples:
        for label, value in sample.labels:
            if label not in _BOUNDS.get(series.type, ()):
                having[label] += 1
                values[label].add(value)
    return Family(
        name=next((name for name in names if suffix and name == f"{series.name}{suffix}"), series.name),
        type=series.type or "untyped",
        help=bool(series.help),
        series=len(series.samples),
        labels=tuple(Label(name, having[name], len(values[name]), alike(values[name])) for name in sorted(having)),
        samples=names,
        unit=series.unit,
    )


def alike(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """How many values look like something of which there is no end."""
    found: Counter[str] = Counter()
    for value, _ in zip(values, range(MOST_SAMPLED), strict=False):
        if len(value) <= LONGEST and (kind := _kind(value)):
            found[kind] += 1
    return tuple(sorted(found.items()))


def _kind(value: str) -> str:
    if _ADDRESS.fullmatch(value):
        return "a mail address"
    if _ID.fullmatch(value):
        return "an id"
    if _TIME.fullmatch(value):
        return "a time"
    path = _PATH.fullmatch(value)
    if path and (path[2] or any(_ID.fullmatch(part) or re.fullmatch(r"\d{3,}", part) for part in path[1].split("/"))):
        return "a path with an id"
    return ""


# --- whether they add up ----------------------------------------------------------------------------------------------


def check_sums(parsed: Parsed) -> None:
    """Add to its faults what does not add up: histograms, quantiles, counters below zero."""
    for series in parsed.series:
        if series.type == "histogram":
            for line, text in dict.fromkeys(_histogram(series, parsed.format)):
                parsed.fault("sums", line, text)
        if series.type == "summary":
            for sample in series.samples:
                bound = dict(sample.labels).get("quantile")
                if bound is not None and not 0 <= _number(bound) <= 1:
                    parsed.fault("sums", sample.line, f"{series.name} has a quantile that is not from 0 to 1")
        for sample in series.samples:
            if sample.value < 0 and _counts_up(series, sample):
                parsed.fault("negative", sample.line, f"{sample.name} is less than zero")


def _histogram(series: Series, format: str) -> Iterator[tuple[int, str]]:
    groups: defaultdict[tuple[tuple[str, str], ...], dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in series.samples:
        labels = tuple(pair for pair in sample.labels if pair[0] != "le")
        groups[labels][sample.name.removeprefix(series.name)].append(sample)
    for parts in groups.values():
        line = next(iter(parts.values()))[0].line
        bounded = [(dict(sample.labels).get("le"), sample) for sample in parts["_bucket"]]
        if any(bound is None or math.isnan(_number(bound)) for bound, _ in bounded):
            yield line, f"{series.name} has a bucket without a number as le"
            continue
        buckets = sorted(((_number(bound or ""), sample) for bound, sample in bounded), key=lambda pair: pair[0])
        if not buckets or buckets[-1][0] != math.inf:
            yield line, f'{series.name} has no bucket le="+Inf"'
            continue
        for (low, below), (high, above) in pairwise(buckets):
            if above.value < below.value:
                yield above.line, f"{series.name}: bucket le={high:g} holds less than le={low:g}"
        if not parts["_count"] or parts["_count"][0].value != buckets[-1][1].value:
            yield (
                line,
                f'{series.name}: _count is {"not" if parts["_count"] else "missing beside"} the bucket le="+Inf"',
            )
        if not parts["_sum"] and format == "text":
            yield line, f"{series.name} has no _sum"


def _number(text: str) -> float:
    """A bound; not a number where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _counts_up(series: Series, sample: Sample) -> bool:
    """Whether a series can only grow."""
    suffix = sample.name.removeprefix(series.name)
    if series.type == "counter":
        return suffix != "_created"
    return suffix in {"histogram": ("_bucket", "_count"), "summary": ("_count",)}.get(series.type, ())


# --- what changed -----------------------------------------------------------------------------------------------------


def drops(before: Parsed, after: Parsed) -> tuple[Drop, ...]:
    """Counters that went down. Whether it is the same process is told by its start, where both tell one."""
    if started(before) != started(after):
        return ()
    earlier = {(s.name, s.labels): s.value for series in before.series for s in series.samples if _counts_up(series, s)}
    fallen: Counter[str] = Counter()
    for series in after.series:
        for sample in series.samples:
            if _counts_up(series, sample) and sample.value < earlier.get((sample.name, sample.labels), -math.inf):
                fallen[sample.name] += 1
    return tuple(Drop(name, count, started(after) is not None) for name, count in sorted(fallen.items()))


def total(parsed: Parsed, metric: str, labels: Mapping[str, str]) -> float | None:
    """The sum of the series with these labels; None when there is none."""
    wanted = set(labels.items())
    found = [s.value for s in parsed.samples() if s.name == metric and wanted <= set(s.labels)]
    return math.fsum(found) if found else None
