"""What the conventions say of names: those that ``promtool check metrics`` tells, which a test compares this with.

For series without a TYPE nothing is known of what they may be called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.facts.exposition import Family

__all__ = ["odd_names", "odd_units", "reserved", "wrong_totals"]

_BASE = {
    **dict.fromkeys(("minutes", "hours", "days", "weeks"), "seconds"),
    **dict.fromkeys(("fahrenheit", "rankine"), "celsius"),
    **dict.fromkeys(("inches", "yards", "miles"), "meters"),
    **dict.fromkeys(("pounds", "ounces"), "grams"),
    "kelvins": "kelvin",
    "bits": "bytes",
    "calories": "joules",
}
_UNITS = ("amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "seconds", "volts")
_PREFIXES = (
    "pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto",
    "kilo", "kibi", "mega", "mibi", "mebi", "giga", "gibi", "tera", "tebi", "peta", "pebi",
)  # fmt: skip
_SHORT = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
_TYPES = ("counter", "gauge", "summary", "histogram", "gauge_histogram")
_UNTYPED = ("untyped", "unknown")


def _unit(name: str) -> tuple[str, str]:
    """The first unit in a name, and its base unit; both empty where there is none."""
    for word in name.split("_"):
        for prefix in ("", *_PREFIXES):
            unit = word.removeprefix(prefix) if word.startswith(prefix) else ""
            base = unit if unit in _UNITS else _BASE.get(unit, "")
            if base:
                return word, base
    return "", ""


def _holds(name: str, word: str) -> bool:
    return f"_{word}_" in name or name.endswith(f"_{word}")


def wrong_totals(family: Family) -> Iterator[str]:
    """``_total`` is how a counter ends, and nothing else."""
    total = family.name.endswith("_total")
    if family.type == "counter" and not total:
        yield "is a counter, and does not end in _total"
    if family.type not in ("counter", *_UNTYPED) and total:
        yield f"ends in _total, and is a {family.type}"


def odd_units(family: Family) -> Iterator[str]:
    """Base units, written out."""
    unit, base = _unit(family.name)
    if unit != base:
        yield f"is in {unit}, not in {base}"
    for short in _SHORT:
        if _holds(family.name.lower(), short):
            yield f"abbreviates a unit: {short}"


def odd_names(family: Family) -> Iterator[str]:
    """Snake case, no colon, no type in the name."""
    if ":" in family.name:
        yield "has a colon, which is for recording rules"
    if re.search("[a-z][A-Z]", family.name):
        yield "is written in camelCase"
    for word in _TYPES:
        if _holds(family.name.lower(), word):
            yield f"names its type: {word}"
    for label in family.labels:
        if re.search("[a-z][A-Z]", label.name):
            yield f"has a label in camelCase: {label.name}"


def reserved(family: Family) -> Iterator[str]:
    """Endings and labels that mean a part of a histogram or of a summary."""
    if family.type in _UNTYPED:
        return
    histogram, summary = family.type in ("histogram", "gaugehistogram"), family.type == "summary"
    if not histogram and family.name.endswith("_bucket"):
        yield f"ends in _bucket, and is a {family.type}"
    for ending in ("_count", "_sum"):
        if not histogram and not summary and family.name.endswith(ending):
            yield f"ends in {ending}, and is a {family.type}"
    for label in family.labels:
        if (label.name == "le" and not histogram) or (label.name == "quantile" and not summary):
            yield f"has a label {label.name}, and is a {family.type}"
