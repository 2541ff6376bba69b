"""Many expressions asked of a Prometheus in few requests: how many series each gives, and between which values, over a time.

Twenty or more are one query: `or` of a `count`, a `min` and a `max` of each, under a label of ours that tells whose it is. One
that is refused is found by asking halves. What there is no time left for is not asked, and counted.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _prometheus_api
from seatrial.facts.alerts.operands import Given
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.alerting import Monitor

__all__ = ["MOMENTS", "Asking", "span"]

MOMENTS = 30
"""Steps into which the time looked back is divided."""
HOUR = 3600.0
LONGEST = 6000
"""Characters of one query, which is sent in an address."""
MOST_PARTS = 60
"""Aggregations in one query."""
FEW_PARTS = 6
"""The same of metrics that have very many series."""
PARALLEL = 4
LARGEST = 4 * 1024 * 1024
"""Bytes of one answer."""
ODD = "what answers as Prometheus answers a query with something else than series"
_ODD = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
FORMS = {"c": "count", "l": "min", "h": "max"}
LABEL = "seatrial"
MOST_REFUSED = 40
"""Expressions that a server may refuse before it has answered any: then it is not for what they are."""
_REFUSED = re.compile(r"answered HTTP (?:400|413|414|422|431|503)\b|answered more than")
"""What is said of a query, and not of the server or of who asks."""


def span(session: Session, monitor: Monitor, now: float) -> tuple[float, float]:
    """How far back there is anything to ask about, at most an hour, and the step at which it is asked: seconds."""
    step = HOUR / MOMENTS
    result = _matrix(session, monitor, 'count({__name__=~"up|scrape_samples_scraped"})', now, HOUR, step)
    try:
        first = min((float(at) for series in result for at, _ in series["values"][:1]), default=now - HOUR)
        if now - first < step:  # it has just been started, and what it knows lies between two steps
            query = "min(min_over_time(timestamp(up)[5m:1s]))"
            asked = {"query": query, "time": f"{now:.3f}"}
            found = _prometheus_api.get(session, monitor, "/api/v1/query", asked)["result"]
            first = now - max([10.0, *(now - float(each["value"][1]) for each in found)])
    except _ODD:
        raise CouldNotLook(ODD) from None
    over = min(HOUR, max(now - first, 10.0))
    return over, max(1.0, over / MOMENTS)


def _matrix(session: Session, monitor: Monitor, query: str, now: float, over: float, step: float) -> list[Any]:
    """Series over a time, the last moment of which is now."""
    steps = math.floor(over / step)
    data = _prometheus_api.get(
        session,
        monitor,
        "/api/v1/query_range",
        {
            "query": query,
            "start": f"{now - steps * step:.3f}",
            "end": f"{now:.3f}",
            "step": f"{step:.3f}",
            "timeout": f"{max(1, int(monitor.timeout.seconds))}s",
        },
        limit=LARGEST,
    )
    result = data.get("result") if isinstance(data, dict) else None
    if not isinstance(result, list) or not all(isinstance(one, dict) and "values" in one for one in result):
        raise CouldNotLook(ODD)
    return result


class Asking:
    """What is asked of one server in one look."""

    def __init__(self, session: Session, monitor: Monitor, *, now: float, over: float, step: float, end: float) -> None:
        """Ask about the time from ``now - over`` to ``now``; until ``end``, by the monotonic clock, and no longer."""
        self.session, self.monitor = session, monitor
        self.now, self.over, self.step, self.end = now, over, step, end
        self.given: dict[str, Given] = {}
        self.unasked = 0
        self.heard = False
        """Whether it has answered any query."""
        self.refused = 0
        """How many expressions it refused."""

    def ask(self, expressions: Mapping[str, str], *, once: bool = False) -> None:
        """Ask what was not asked yet.

        Args:
            expressions: and which forms of each: ``c`` how many series, ``l`` and ``h`` between which values.
            once: at one moment only, as evaluating a rule does, where there is too much for more.
        """
        new = {each: forms for each, forms in expressions.items() if each not in self.given}
        batches = list(_batches(new, FEW_PARTS if once else MOST_PARTS))
        with ThreadPoolExecutor(1 if once else PARALLEL) as pool:
            for found in pool.map(lambda batch: self._some(batch, 0.0 if once else self.over), batches):
                self.given.update(found)

    def shape(self, expression: str) -> tuple[tuple[str, ...], ...] | None:
        """Which labels the series of an expression have together now; None when it gave none, or no answer."""
        try:
            data = _prometheus_api.get(
                self.session,
                self.monitor,
                "/api/v1/query",
                {"query": expression, "time": f"{self.now:.3f}"},
                limit=LARGEST,
            )
            result = data["result"] if data["resultType"] == "vector" else []
            found = {tuple(sorted(set(one["metric"]) - {"__name__"})) for one in result[:10_000]}
        except (CouldNotLook, KeyError, TypeError):
            return None
        return tuple(sorted(found)[:20]) or None

    # --- one query ------------------------------------------------------------------------------------------------

    def _some(self, batch: Sequence[tuple[str, str]], over: float) -> dict[str, Given]:
        """Answers to one batch; of halves where it is refused as a whole."""
        if time.monotonic() > self.end:
            self.unasked += len(batch)
            return {}
        try:
            return self._query(batch, over)
        except CouldNotLook as why:
            if not self.heard and (not _REFUSED.search(why.reason) or self.refused >= MOST_REFUSED):
                raise
            if len(batch) == 1:
                self.refused += 1
                return {batch[0][0]: self._alone(batch[0], why.reason)}
        half = len(batch) // 2
        return self._some(batch[:half], over) | self._some(batch[half:], over)

    def _alone(self, one: tuple[str, str], reason: str) -> Given:
        """One expression that was refused over the time: what it gives now, where it was too much."""
        if "too many samples" in reason or "timed out" in reason:
            try:
                return self._query([one], 0.0)[one[0]]
            except CouldNotLook as why:
                reason = why.reason
        return Given(error=self.session.redact(reason)[:300])

    def _query(self, batch: Sequence[tuple[str, str]], over: float) -> dict[str, Given]:
        parts = [
            f'label_replace({FORMS[form]}({_ended(each)}),"{LABEL}","{number}{form}","","")'
            for number, (each, forms) in enumerate(batch)
            for form in forms
        ]
        result = _matrix(self.session, self.monitor, " or ".join(parts), self.now, over, self.step)
        steps = math.floor(over / self.step)
        try:
            seen = {one["metric"].get(LABEL, ""): one["values"] for one in result}
            found = {each: self._given(seen, number, steps) for number, (each, _) in enumerate(batch)}
        except _ODD:
            raise CouldNotLook(ODD) from None
        self.heard = True
        return found

    def _given(self, seen: Mapping[str, Sequence[tuple[float, str]]], number: int, steps: int) -> Given:
        series = [0] * (steps + 1)
        for at, count in seen.get(f"{number}c", ()):
            series[min(steps, max(0, steps - round((self.now - float(at)) / self.step)))] = int(float(count))
        lowest = [value for _, text in seen.get(f"{number}l", ()) if not math.isnan(value := float(text))]
        highest = [value for _, text in seen.get(f"{number}h", ()) if not math.isnan(value := float(text))]
        return Given(tuple(series), min(lowest, default=None), max(highest, default=None))


def _ended(expression: str) -> str:
    """An expression that something may follow: a comment would take it in."""
    return f"{expression}\n" if "#" in expression else expression


def _batches(expressions: Mapping[str, str], most: int) -> Iterator[list[tuple[str, str]]]:
    """Expressions that are asked together: few enough for one query, and enough of them to be few queries."""
    batch: list[tuple[str, str]] = []
    length = parts = 0
    for each, forms in expressions.items():
        cost = (len(each) + 50) * len(forms)
        if batch and (length + cost > LONGEST or parts + len(forms) > most):
            yield batch
            batch, length, parts = [], 0, 0
        batch.append((each, forms))
        length, parts = length + cost, parts + len(forms)
    if batch:
        yield batch
