"""What a rule's own texts say: numbers with their units, and a meaning where they leave no doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.meanings.documented import OF_TARGETS, Documents
from seatrial.meanings.times import ranges
from seatrial.words import Duration

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Rule
    from seatrial.profile.alerting import Meaning
    from seatrial.promql.reading import Selector

__all__ = ["Claim", "Doubtful", "claims", "read"]

LONGEST = 4_000
"""Characters of a text that are read."""
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_MORE = r"above|over|more than|greater than|higher than|longer than|exceeds|exceeded|exceeding|exceed|>=?"
_LESS = r"below|under|less than|lower than|fewer than|<=?"
_UNIT = r"%|percent\b|per cent\b|milliseconds?\b|ms\b|seconds?\b|secs?\b|s\b|minutes?\b|mins?\b|m\b|hours?\b|h\b|days?\b|d\b"
_OTHER = (
    r"\s*(?:[kmgtp]i?b\b|[kgt]\b|b\b|bytes?\b|kilo|mega|giga|thousand|million|billion|/(?!\s*s(?:ec|econd)?\b)|,[0-9])"
)
"""What makes another number of it: `5 GB` is no 5."""
_THRESHOLD = re.compile(
    rf"(?<![\w-])({_MORE}|{_LESS})\s*([0-9]+(?:\.[0-9]+)?)\s*({_UNIT})?(?![\w.]*[0-9])(?!{_OTHER})(\s*(?:times|x)\b)?",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\bfor\s+(?:the\s+(?:last|past)\s+|more\s+than\s+|over\s+|at\s+least\s+|longer\s+than\s+)?([0-9]+(?:\.[0-9]+)?)\s*"
    r"(seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)\b",
    re.IGNORECASE,
)
_QUANTILE = re.compile(
    r"\b([0-9]{2}(?:\.[0-9]+)?)(?:th|st|nd|rd)[\s-]+(?:percentile|quantile)|\bp(50|75|90|95|99|99\.9|999)\b",
    re.IGNORECASE,
)
_SECONDS = {"ms": 0.001, "mi": 60.0, "m": 60.0, "s": 1.0, "h": 3600.0, "d": 86400.0}
_DOWN = re.compile(
    r"\b(unavailable|not available|is down|are down|unreachable|not reachable|offline|not healthy|unhealthy)\b",
    re.IGNORECASE,
)
_STATE = re.compile(r"(^|_)(up|available|availability|healthy|health|online|reachable)($|_)")
_FAILS = re.compile(r"\b(errors?|fail(s|ed|ure|ures|ing)?)\b", re.IGNORECASE)
_ERROR_VALUE = re.compile(r"5\d\d|5xx|.*(err|fail).*", re.IGNORECASE)


class Doubtful(ValueError):
    """Texts that leave a doubt: which shape it may be, and what is not said."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that a text says."""

    role: str
    """``above``, ``below``, ``for`` or ``quantile``."""
    value: float
    unit: str
    """``ratio``, ``duration`` or ``number``."""
    text: str
    """As it is written."""


def _unit(text: str) -> tuple[str, float]:
    """Kind and factor of a unit."""
    low = text.lower()
    if not low:
        return "number", 1.0
    if low == "%" or low.startswith("per"):
        return "ratio", 0.01
    if low in ("ms",) or low.startswith("milli"):
        return "duration", 0.001
    return "duration", _SECONDS[low[0]]


def _texts(rule: Rule) -> Iterator[str]:
    for name, text in rule.annotations.items():
        if not re.search(r"url|link|dashboard|runbook", name, re.IGNORECASE):
            yield _TEMPLATE.sub(" ", text[:LONGEST])


def claims(rule: Rule) -> tuple[Claim, ...]:
    """Every number of its annotations that says a boundary, a time or a quantile."""
    found: list[Claim] = []
    for text in _texts(rule):
        taken: list[tuple[int, int]] = []
        for match in _QUANTILE.finditer(text):
            number = match[1] or match[2].replace("999", "99.9")
            found.append(Claim("quantile", float(number) / 100, "ratio", match[0]))
        for match in _FOR.finditer(text):
            taken.append(match.span())
            found.append(Claim("for", float(match[1]) * _unit(match[2])[1], "duration", match[0]))
        for match in _THRESHOLD.finditer(text):
            if match[4] or any(a <= match.start() < b for a, b in taken):
                continue
            kind, factor = _unit(match[3] or "")
            role = "below" if re.fullmatch(_LESS, match[1], re.IGNORECASE) else "above"
            found.append(Claim(role, round(float(match[2]) * factor, 12), kind, match[0].strip()))
    return tuple(dict.fromkeys(found))


def read(rule: Rule, documents: Documents) -> Meaning:
    """The meaning that its texts leave no doubt about.

    Raises:
        Doubtful: they leave one.
    """
    from seatrial.profile.alerting import Meaning
    from seatrial.promql.reading import Unreadable, parse, selectors

    try:
        found = selectors(parse(rule.expr))
    except Unreadable as why:
        raise Doubtful(f"its expression can't be read: {why}") from None
    told = claims(rule)
    text = " ".join(_texts(rule))
    bounds = [claim for claim in told if claim.role in ("above", "below")]
    waits = {claim.value for claim in told if claim.role == "for"}
    quantiles = {claim.value for claim in told if claim.role == "quantile"}
    if len({(claim.role, claim.value) for claim in bounds}) > 1 or len(waits) > 1 or len(quantiles) > 1:
        raise Doubtful("its texts say several boundaries")
    meaning: dict[str, Any]
    if quantiles:
        meaning = _quantile(found, documents, bounds, quantiles.pop())
    elif bounds and bounds[0].unit == "ratio" and _FAILS.search(text) and bounds[0].role == "above":
        meaning = _ratio(found, documents) | {"above": _percent(bounds[0].value)}
    elif not bounds and _DOWN.search(text):
        meaning = _down(found, documents)
    elif not bounds:
        raise Doubtful("its texts say no boundary")
    elif bounds[0].unit in ("number", "duration") and bounds[0].value > 1:
        meaning = _value(found, documents, bounds[0])
    else:
        raise Doubtful(f"shape {_shape(found)} with {bounds[0].text!r}")
    windows = ranges([rule])
    # "for the last 5 minutes" may well be the range, or the range and `for` together.
    if waits and not waits & {*windows, *(rule.lasting + window for window in windows)} - {rule.lasting}:
        meaning["for"] = str(Duration(waits.pop()))
    return Meaning.model_validate(meaning)


def _percent(value: float) -> str:
    return f"{round(value * 100, 9):g}%"


def _shape(found: tuple[Selector, ...]) -> str:
    calls = [call for each in found for call in each.calls if call not in ("sum", "avg", "max", "min", "by")]
    return calls[0] if calls else "value"


def _quantile(found: tuple[Selector, ...], documents: Documents, bounds: list[Claim], q: float) -> dict[str, Any]:
    names = {each.metric for each in found}
    if len(names) != 1 or not (name := next(iter(names))).endswith("_bucket"):
        raise Doubtful("shape quantile of more than one histogram")
    if not bounds or bounds[0].role != "above" or bounds[0].unit == "ratio":
        raise Doubtful("shape quantile without a boundary")
    if bounds[0].unit == "number":
        raise Doubtful("shape quantile with a boundary without a unit")
    of = {"metric": name.removesuffix("_bucket"), "labels": _targets(found, documents)}
    return {
        "quantile": {"quantile": _percent(q), "of": of},
        "above": f"{bounds[0].value:.9f}".rstrip("0").rstrip(".") + "s",
    }


def _value(found: tuple[Selector, ...], documents: Documents, bound: Claim) -> dict[str, Any]:
    """One gauge as it is, against one number."""
    metric = documents.metric(found[0].metric if len(found) == 1 else "")
    if metric.type != "gauge" or found[0].calls or found[0].range is not None:
        raise Doubtful(f"shape {_shape(found)} with {bound.text!r}")
    if (bound.unit == "duration") != metric.name.endswith("_seconds"):
        raise Doubtful(f"shape value of {metric.name}, of which {bound.text!r} is no boundary")
    of = {"metric": metric.name, "labels": _targets(found, documents)}
    return {"value": of, bound.role: f"{bound.value:g}" + ("s" if bound.unit == "duration" else "")}


def _down(found: tuple[Selector, ...], documents: Documents) -> dict[str, Any]:
    names = {each.metric for each in found}
    if len(names) != 1:
        raise Doubtful("shape state of several metrics")
    (name,) = names
    if any(each.calls for each in found) or not _STATE.search(name):
        raise Doubtful(f"shape state of {name}, of which it is not known what 0 means")
    if documents.metric(name).type not in ("", "gauge"):
        raise Doubtful(f"shape state of {name}, which is a {documents.metric(name).type}")
    return {"value": {"metric": name, "labels": _targets(found, documents)}, "is": "0"}


def _ratio(found: tuple[Selector, ...], documents: Documents) -> dict[str, Any]:
    counted = [
        each for each in found if each.range is not None and documents.metric(each.metric).type in ("", "counter")
    ]
    names = list(dict.fromkeys(each.metric for each in counted))
    if len(counted) != len(found) or not 1 <= len(names) <= 2:
        raise Doubtful("shape ratio of what are not two counters")
    if len(names) == 2:
        failed = [name for name in names if re.search(r"err|fail", name)]
        if len(failed) != 1:
            raise Doubtful("shape ratio of two counters, neither of which is known to count failures")
        whole = next(name for name in names if name != failed[0])
        shared = _targets(found, documents)
        return {"ratio": {"of": {"metric": failed[0], "labels": shared}, "to": {"metric": whole, "labels": shared}}}
    labels: list[set[str]] = [{label for label, _, _ in each.matchers} for each in counted]
    own = {label for each in labels for label in each if not all(label in others for others in labels)}
    if len(own) != 1:
        raise Doubtful(f"shape ratio of {names[0]} to something that it does not name")
    (label,) = own
    metric = documents.metric(names[0])
    values = [value for value in metric.values.get(label, ()) if _ERROR_VALUE.fullmatch(value)]
    if metric.labels is not None and label not in metric.labels:
        values = ["error"]  # it has no such label, so that nothing can be told by it
    if not values:
        raise Doubtful(f"shape ratio, and it is not known which values of {label} of {names[0]} are failures")
    shared = _targets(found, documents)
    of = {"metric": names[0], "labels": {**shared, label: values}}
    return {"ratio": {"of": of, "to": {"metric": names[0], "labels": shared}}}


def _targets(found: tuple[Selector, ...], documents: Documents) -> dict[str, str]:
    """Which target it is about: what every selector asks for, and the metrics were seen to have. No text says that."""
    asked = [{(n, v) for n, op, v in each.matchers if op == "=" and n in OF_TARGETS} for each in found]
    known = [documents.metric(each.metric).values for each in found]
    return {n: v for n, v in sorted(set.intersection(*asked)) if all(v in values.get(n, ()) for values in known)}
