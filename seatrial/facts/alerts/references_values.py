"""Values that matchers ask for or leave out, and that nobody has seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from seatrial.facts.alerts.references_asked import Matcher, empty_matches, made, reversed_matcher, selector_text
from seatrial.words import Finding

if TYPE_CHECKING:
    from seatrial.facts.alerts.references_judged import Reading, References, Selected

__all__ = ["unseen_configured", "unseen_values"]

_STATUS = re.compile(r"[1-5]\d\d")
_STATUSES = tuple(str(status) for status in range(100, 600))
_SIMPLE = re.compile(r"[\w.*+?|()\[\]^$/:@ ,-]{0,200}")
"""Regular expressions that are run here: short, and of what both kinds of them agree on."""
LARGEST_NESTING = re.compile(r"[*+?]\)?[*+]|\([^)]*[*+][^)]*\)[*+]")


def unseen_configured(references: References, reading: Reading) -> Iterator[Finding]:
    """Jobs, buckets and quantiles that a selector asks for, and that there are not."""
    for each, number, matcher in _unseen(references, reading):
        if _configured(each, matcher):
            yield _told(references, each, number, matcher)


def unseen_values(references: References, reading: Reading) -> Iterator[Finding]:
    """Other values that were never seen, and values left out that nobody has."""
    for each, number, matcher in _unseen(references, reading):
        if not _configured(each, matcher):
            yield _told(references, each, number, matcher)
    for each in reading.selected:
        for number, matcher in enumerate(each.matchers):
            if references.known(each) and _leaves_out_nothing(references, each, matcher):
                label = matcher[0]
                has = references.has(each, label)
                if has and not _misspelt(references, each, matcher):
                    continue  # nobody has such a one now: `fstype!~"tmpfs|overlay"` is right on every machine
                why = f"no series of `{each.metric}` has " + (f"such a value of {label}" if has else f"a label {label}")
                wanted = _near(references, each, matcher) if has else references.near_label(each.metric, label)
                yield Finding(
                    references.where(reading.rule, each.node.matchers[number].start),
                    f"`{_text(matcher)}` leaves nothing out: {why}",
                    wanted,
                )


def _configured(each: Selected, matcher: Matcher) -> bool:
    """Whether a label's values are set by configuration or code, so that no event brings a new one."""
    return (
        matcher[0] == "job"
        or (matcher[0] == "le" and each.metric.endswith("_bucket"))
        or (matcher[0] == "quantile" and not each.metric.endswith("_bucket"))
    )


def _unseen(references: References, reading: Reading) -> Iterator[tuple[Selected, int, Matcher]]:
    """Matchers for which a selector is empty, though its metric has the label."""
    for each in reading.selected:
        if each.guarded or not each.matchers or not references.known(each):
            continue
        given = references.asked(reading.rule, made(each.node))
        if (given is None and references.live) or (given is not None and given.ever):
            continue
        for number, matcher in enumerate(each.matchers):
            if matcher[1] in ("=", "=~") and not empty_matches(matcher) and _never(references, each, matcher):
                yield each, number, matcher


def _never(references: References, each: Selected, matcher: Matcher) -> bool:
    """Whether no series of the metric ever had such a value. A status of HTTP that nobody has been given yet is none of these."""
    if not references.has(each, matcher[0]):
        return False
    values, complete = _values(references, each, matcher[0])
    if references.live:
        given = references.given(selector_text(each.metric, (matcher,)))
        never = given is not None and not given.ever
    else:
        never = complete and bool(values) and _matches(matcher, values) is False
    return never and not (_statuses(values) and _matches(matcher, _STATUSES))


def _statuses(values: Sequence[str]) -> bool:
    return bool(values) and all(_STATUS.fullmatch(value) for value in values)


def _leaves_out_nothing(references: References, each: Selected, matcher: Matcher) -> bool:
    """Whether a ``!=`` or ``!~`` makes no difference, by what was seen."""
    name, op, value = matcher
    out = reversed_matcher(matcher)
    if op not in ("!=", "!~") or not value or empty_matches(out):
        return False
    has = references.has(each, name)
    if has is None:
        return False
    values, complete = _values(references, each, name)
    if has and _statuses(values) and _matches(out, _STATUSES):
        return False
    if references.live:
        given = references.given(selector_text(each.metric, (out,)))
        return given is not None and not given.ever
    return not has or (complete and _matches(out, values) is False)


def _misspelt(references: References, each: Selected, matcher: Matcher) -> bool:
    """Whether what is left out looks like a value that was seen, and is not the beginning of what lies below one."""
    values, _ = _values(references, each, matcher[0])
    for part in matcher[2].split("|") if matcher[1] == "!~" else (matcher[2],):
        plain = re.split(r"[.*+?()\[\]^$\\]", part)[0] if matcher[1] == "!~" else part
        below = any(plain.startswith((f"{value}/", f"{value}-", f"{value}_", f"{value}.")) for value in values if value)
        if plain and not below and references.near(plain, values, 0.65 if matcher[1] == "!=" else 0.75):
            return True
    return False


def _values(references: References, each: Selected, label: str) -> tuple[tuple[str, ...], bool]:
    """Values that a label has, as far as they are known, and whether they are all."""
    known = references.metric(each.metric)
    found = known.label(label) if known is not None else None
    return (found.values, found.complete) if found is not None else ((), False)


def _matches(matcher: Matcher, values: Sequence[str]) -> bool | None:
    """Whether a matcher takes any of these values; None where its regular expression is not run here."""
    _, op, wanted = matcher
    if op == "=":
        return wanted in values
    if not _SIMPLE.fullmatch(wanted) or LARGEST_NESTING.search(wanted):
        return None
    try:
        pattern = re.compile(wanted, re.ASCII)
    except (re.error, RecursionError, OverflowError):
        return None
    return any(len(value) <= 200 and pattern.fullmatch(value) for value in values)


def _told(references: References, each: Selected, number: int, matcher: Matcher) -> Finding:
    label = matcher[0]
    return Finding(
        references.where(each.rule, each.node.matchers[number].start),
        f"`{_text(matcher)}`: no series of `{each.metric}` has had such a value of {label} in {references.whence}",
        _near(references, each, matcher),
    )


def _near(references: References, each: Selected, matcher: Matcher) -> str:
    """A value that was seen, in place of one that was not."""
    values, _ = _values(references, each, matcher[0])
    plain = re.sub(r"[^\w/.:-]", "", matcher[2])
    if near := references.near(plain, values, 0.5):
        return f'"{near}", which was seen'
    listed = ", ".join(f'"{value}"' for value in values[:6])
    return f"one of {listed}{' …' if len(values) > 6 else ''}" if values else "a value that was seen"


def _text(matcher: Matcher) -> str:
    name, op, value = matcher
    return f'{name}{op}"{value}"'
