"""The two text formats of an exposition, read as Prometheus reads them, with the line of everything that is wrong.

Why no library: prometheus_client's parser of the text format takes almost anything, its parser of OpenMetrics stops at the
first thing that is not as the standard says, and neither tells a line. What Prometheus refuses is told here for both; what
the standard says beyond that is left to the library (`standard`). For the text format the measure is ``promtool check
metrics``, with which a test compares this.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from seatrial.facts.exposition import Fault

__all__ = ["Parsed", "Sample", "Series", "parse", "standard"]

Labels = tuple[tuple[str, str], ...]
TYPES = {
    "text": ("counter", "gauge", "histogram", "summary", "untyped"),
    "openmetrics": ("counter", "gauge", "histogram", "summary", "unknown", "info", "stateset", "gaugehistogram"),
}
SUFFIXES = {
    "counter": ("total", "created"),
    "histogram": ("bucket", "sum", "count", "created"),
    "summary": ("sum", "count", "created"),
    "gaugehistogram": ("bucket", "gsum", "gcount"),
    "info": ("info",),
}
TEXT_SUFFIXES = {"histogram": ("bucket", "sum", "count"), "summary": ("sum", "count")}
"""In the text format only these have series of other names than their own."""
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_PAIR = {
    "text": re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\\n]++|\\[\\n"])*+)"[ \t]*(,|(?=\}))'),
    "openmetrics": re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]++|\\.)*+)"(,|(?=\}))'),
}
_FLOAT = re.compile(r"[+-]?(?:(?:\d++(?:\.\d*+)?|\.\d++)(?:e[+-]?\d++)?|inf(?:inity)?)|nan", re.IGNORECASE | re.ASCII)
_COMMENT = {
    "text": re.compile(r"#[ \t]*(HELP|TYPE)[ \t]+([^ \t]+)(?:[ \t]+(.*))?"),
    "openmetrics": re.compile(r"# (HELP|TYPE|UNIT) ([^ ]*) (.*)"),
}
_END = re.compile(r"[ \t]*\}")
_ESCAPED = re.compile(r"\\(.)")
_BRACE = {"text": re.compile(r"[ \t]*\{"), "openmetrics": re.compile(r"\{")}
_REST = {
    "text": re.compile(r"[ \t]*([^ \t]+)(?:[ \t]+(.*))?"),
    "openmetrics": re.compile(r" ([^ ]+)(?: ([^ #]+))?(?: # (\{.*))?"),
}
_STAMP = {
    "text": re.compile(r"[+-]?\d+", re.ASCII),
    "openmetrics": re.compile(r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII),
}
_EXEMPLAR = re.compile(rf" (?:{_FLOAT.pattern})(?: {_STAMP['openmetrics'].pattern})?", re.IGNORECASE | re.ASCII)
MOST_FAULTS = 20
"""Faults of one kind that are kept; a broken exporter breaks every line."""


class _Wrong(Exception):
    """A line that can't be read."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line."""

    name: str
    labels: Labels
    value: float
    line: int


@dataclass(slots=True)
class Series:
    """The lines of one metric, and what is said of it."""

    name: str
    type: str = ""
    help: str | None = None
    unit: str = ""
    samples: list[Sample] = field(default_factory=list)


@dataclass(slots=True)
class Parsed:
    """An exposition."""

    format: str
    series: list[Series] = field(default_factory=list)
    """In the order of the exposition; those without a line too."""
    faults: list[Fault] = field(default_factory=list)
    named: dict[str, Series] = field(default_factory=dict)
    """By the name that TYPE gives, the latest."""
    _counts: dict[str, int] = field(default_factory=dict)

    def fault(self, kind: str, line: int, text: str) -> None:
        """Keep a fault, or only count it when there are many of its kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        if self._counts[kind] <= MOST_FAULTS:
            self.faults.append(Fault(kind, line, text))

    def told(self) -> tuple[Fault, ...]:
        """The faults that were kept, and how many were not."""
        more = [(kind, count - MOST_FAULTS) for kind, count in self._counts.items() if count > MOST_FAULTS]
        return (*self.faults, *(Fault(kind, 0, f"and {count} more") for kind, count in more))

    def samples(self) -> Iterator[Sample]:
        """Every line, by metric."""
        for series in self.series:
            yield from series.samples

    def begin(self, name: str) -> Series:
        """A metric that was not there before."""
        made = self.named[name] = Series(name)
        self.series.append(made)
        return made


def parse(text: str, format: str) -> Parsed:
    """Read an exposition; what can't be read is a fault, and reading goes on with the next line."""
    parsed = Parsed(format)
    lines = text.split("\n")
    if format == "openmetrics":
        _end_of_openmetrics(parsed, lines)
    elif lines[-1].strip():
        parsed.fault("syntax", len(lines), "the last line does not end in a line feed")
    seen: dict[tuple[str, Labels, str], int] = {}
    for number, line in enumerate(lines, 1):
        try:
            if line.lstrip(" \t").startswith("#"):
                _comment(parsed, line if format == "openmetrics" else line.lstrip(" \t"))
            elif line.strip(" \t"):
                _sample(parsed, line, number, seen)
        except _Wrong as why:
            parsed.fault("syntax", number, str(why))
    return parsed


def _end_of_openmetrics(parsed: Parsed, lines: list[str]) -> None:
    """`# EOF` is how a scrape that was cut off is told from a whole one: nothing comes after it, and no line is empty."""
    if lines[-1] == "":
        lines.pop()
    ends = [number for number, line in enumerate(lines, 1) if line == "# EOF"]
    if not ends:
        parsed.fault("syntax", len(lines), "it does not end in # EOF")
    elif ends[0] < len(lines):
        parsed.fault("syntax", ends[0] + 1, "something comes after # EOF")
    if "" in lines:
        parsed.fault("syntax", lines.index("") + 1, "the line is empty")


def _comment(parsed: Parsed, line: str) -> None:
    """HELP, TYPE and UNIT; any other comment is passed over in the text format, and refused by OpenMetrics."""
    openmetrics = parsed.format == "openmetrics"
    match = _COMMENT[parsed.format].fullmatch(line)
    if not match:
        if openmetrics and line != "# EOF":
            raise _Wrong("a comment that is neither HELP, TYPE, UNIT nor EOF, or that says nothing")
        return
    word, name, said = match[1], match[2], match[3] or ""
    said = said if openmetrics else said.strip(" \t")
    if not _NAME.fullmatch(name):
        raise _Wrong(f"{word} of what is no metric name")
    series = _described(parsed, name)
    if word == "HELP":
        if series.help is not None and parsed.format == "text":
            raise _Wrong(f"a second HELP of {name}")
        if parsed.format == "text" and re.search(r"\\[^\\n]", said.replace("\\\\", "")):
            raise _Wrong(f"HELP of {name} has a backslash that is not escaped")
        series.help = said.strip()
    elif word == "TYPE" and said:
        if (series.type or series.samples) and parsed.format == "text":
            raise _Wrong(f"a second TYPE of {name}, or a TYPE after its samples")
        said = said.lower() if parsed.format == "text" else said
        if said not in TYPES[parsed.format]:
            raise _Wrong(f"the type of {name} is none of {', '.join(TYPES[parsed.format])}")
        series.type = said
    elif word == "UNIT":
        series.unit = said
        if said and not name.endswith(f"_{said}"):
            raise _Wrong(f"the unit of {name} is not how its name ends")


def _described(parsed: Parsed, name: str) -> Series:
    """The metric that a comment is about.

    Names that differ by _total alone become one name in OpenMetrics, as with Go's memory statistics. Prometheus reads both
    metrics; that the standard does not allow it is told by `standard`.
    """
    if parsed.format == "text":
        return _owner(parsed, name)
    series = parsed.named.get(name)
    return parsed.begin(name) if series is None or series.samples else series


def _owner(parsed: Parsed, name: str) -> Series:
    """The metric that a sample belongs to: its own name's, or that of a histogram whose bucket it is."""
    openmetrics = parsed.format == "openmetrics"
    exact = parsed.named.get(name)
    if exact is not None and (not openmetrics or exact.type not in ("counter", "info")):
        return exact
    stem, _, suffix = name.rpartition("_")
    base = parsed.named.get(stem)
    if base is not None and suffix in (SUFFIXES if openmetrics else TEXT_SUFFIXES).get(base.type, ()):
        return base
    return exact or parsed.begin(name)


def _sample(parsed: Parsed, line: str, number: int, seen: dict[tuple[str, Labels, str], int]) -> None:
    """One line with a value."""
    text = line.lstrip(" \t") if parsed.format == "text" else line
    match = _NAME.match(text)
    if not match:
        raise _Wrong("no metric name at its beginning")
    name, at = match[0], match.end()
    brace = _BRACE[parsed.format].match(text, at)
    labels, at = _labels(text, brace.end(), name, _PAIR[parsed.format]) if brace else ((), at)
    rest = _REST[parsed.format].fullmatch(text, at)
    if not rest:
        raise _Wrong(f"no value after {name}, or more than a value and a time")
    value, stamp = rest[1], rest[2]
    if not _FLOAT.fullmatch(value) or (math.isinf(float(value)) and "inf" not in value.lower()):
        raise _Wrong(f"the value of {name} is no number")
    if stamp is not None and not _STAMP[parsed.format].fullmatch(stamp):
        what = "a whole number of milliseconds" if parsed.format == "text" else "a number of seconds"
        raise _Wrong(f"the time of {name} is not {what}")
    if parsed.format == "openmetrics" and rest[3] is not None:
        _check_exemplar(rest[3], name)
    series = _owner(parsed, name)
    series.type = series.type or ("untyped" if parsed.format == "text" else "unknown")
    if parsed.format == "text":
        _check_bounds(series, name, labels)
    key = (name, tuple(sorted(labels)), stamp or "")
    if key in seen:
        parsed.fault("twice", number, f"the same series of {name} as in line {seen[key]}")
        return
    seen[key] = number
    series.samples.append(Sample(name, key[1], float(value), number))


def _labels(text: str, at: int, name: str, shape: re.Pattern[str]) -> tuple[Labels, int]:
    """Labels between braces, and where they end."""
    pairs: list[tuple[str, str]] = []
    while True:
        if end := _END.match(text, at):
            break
        match = shape.match(text, at)
        if not match:
            raise _Wrong(f"the labels of {name} can't be read")
        value = match[2]
        pairs.append((match[1], _ESCAPED.sub(_plain, value) if "\\" in value else value))
        at = match.end()
    names = [label for label, _ in pairs]
    if len(names) != len(set(names)):
        raise _Wrong(f"a label of {name} is there twice")
    if "__name__" in names:
        raise _Wrong(f"{name} has a label __name__, which is reserved")
    return tuple(pairs), end.end()


def _check_exemplar(text: str, name: str) -> None:
    """An example of what was counted, which only counters and buckets may have."""
    _, at = _labels(text, 1, name, _PAIR["openmetrics"])
    if not name.endswith(("_total", "_bucket")) or not _EXEMPLAR.fullmatch(text, at):
        raise _Wrong(f"the exemplar of {name} can't be read, or is not for a metric of its type")


def _plain(escaped: re.Match[str]) -> str:
    return "\n" if escaped[1] == "n" else escaped[1]


def _check_bounds(series: Series, name: str, labels: Labels) -> None:
    """A bucket's bound and a quantile are numbers."""
    wanted = {"histogram": "le", "gaugehistogram": "le", "summary": "quantile"}.get(series.type)
    for label, value in labels:
        if label == wanted and not _FLOAT.fullmatch(value):
            raise _Wrong(f"{label} of {name} is no number")


def standard(text: str) -> tuple[Fault, ...]:
    """The first thing that the OpenMetrics standard does not allow, as its reference parser in Python tells it.

    That parser quotes the line it stumbles over, which may hold anything: its first words are kept, and a metric's name.
    """
    from prometheus_client.openmetrics.parser import text_fd_to_metric_families

    at = 0

    def lines() -> Iterator[str]:
        nonlocal at
        for line in text.removesuffix("\n").split("\n"):
            at += 1
            yield f"{line}\n"

    try:
        for _ in text_fd_to_metric_families(lines()):  # type: ignore[no-untyped-call]
            pass
    except Exception as why:  # noqa: BLE001 - it raises whatever its own code does on what it does not expect
        said, _, name = (str(why) if isinstance(why, ValueError) else "").partition(":")
        told = f"{said}: {name.strip()}" if _NAME.fullmatch(name.strip()) else said
        plain = re.fullmatch(r"[\w #+/:.-]{1,120}", told, re.ASCII)
        return (Fault("standard", at, told if plain else "what the parser of the standard can't read"),)
    return ()
