"""A catalog of what the services of a profile expose themselves, where no Prometheus is declared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.exposition import Scrape
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.answer import Answer
    from seatrial.facts.expositions_parsing import Parsed, Series
    from seatrial.looks._catalog_making import Making
    from seatrial.profile.model import Service

__all__ = ["canaries", "catalog", "exposing"]

_SUFFIXES = {"counter": "_total", "info": "_info"}
"""What OpenMetrics adds to the name of such a metric, and queries have to add as well."""


def exposing(session: Session) -> dict[str, Service]:
    """The services with declared metrics."""
    return {name: service for name, service in session.profile.services.items() if service.metrics is not None}


def canaries(session: Session) -> str | Missing:
    """Make the real call of each service with metrics once, where this run may; what they were answered."""
    from seatrial.drivers._http_calls import call

    told: list[str] = []
    kept: Missing | None = None
    for name, service in exposing(session).items():
        if service.canary is None:
            continue
        try:
            answer: Answer | Missing = call(session, service, service.canary)
        except CouldNotLook as why:
            answer = Missing(why.reason, why.right or "the tier it needs, or `only_reads: true`")
        if isinstance(answer, Missing):
            kept = kept or Missing(f"the canary of {name} was not run: {answer.reason}", answer.right)
        else:
            told.append(f"{name}: {answer}")
    return kept or ", ".join(told)


def catalog(session: Session) -> Catalog:
    """The metrics of every exposition that can be read.

    Raises:
        CouldNotLook: there is none.
    """
    from seatrial.looks._catalog_making import Making

    services = exposing(session)
    if not services:
        raise CouldNotLook(
            "no metrics are known: neither alerts.prometheus nor metrics of a service is declared",
            right="alerts.prometheus, or metrics of the services, in the profile",
        )
    canary = canaries(session)
    making, unseen, why = Making(), [], ""
    for name, service in services.items():
        parsed = _scraped(session, service)
        if isinstance(parsed, Missing):
            unseen.append(name)
            why = why or f"{name}: {parsed.reason}"
        else:
            for series in parsed.series:
                _add(making, series, name)
    if len(unseen) == len(services):
        raise CouldNotLook(f"no exposition of a service could be read; {why}")
    return Catalog(
        origin=f"the expositions of {', '.join(name for name in services if name not in unseen)}",
        metrics=making.made(session),
        canary=canary,
        unseen=tuple(unseen),
    )


def _scraped(session: Session, service: Service) -> Parsed | Missing:
    """One exposition, read; it has to be one."""
    from seatrial.drivers import http
    from seatrial.looks.expositions import ANY, LARGEST, _read, _told

    try:
        base, given = http.asking(session, service, service.metrics)  # type: ignore[arg-type]
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    headers = {name: text for name, text in given.pop("headers").items() if name.lower() != "accept"}
    answer = http.ask(
        replace(session, redact=str),
        base + service.metrics.path,  # type: ignore[union-attr]
        headers={**headers, "Accept": ANY},
        limit=LARGEST,
        kept=LARGEST,
        **given,
    )
    if isinstance(answer, Missing):
        return answer
    parsed = _read(answer)
    if parsed is None:
        return Missing(_instead(_told(answer, "any", None)))
    return parsed


def _instead(scrape: Scrape) -> str:
    """What there was in place of an exposition."""
    if scrape.endless:
        return "its exposition had not ended after 16 MiB"
    if scrape.failure or scrape.status != 200:
        return "its metrics were answered " + ", but ".join(
            filter(None, (f"HTTP {scrape.status}" if scrape.status else "", scrape.failure))
        )
    return f"its metrics are {scrape.looks or 'no exposition'}"


def _add(making: Making, series: Series, source: str) -> None:
    suffix = _SUFFIXES.get(series.type, "")
    whole = f"{series.name}{suffix}"
    name = whole if suffix and any(sample.name == whole for sample in series.samples) else series.name
    metric = making.metric(name)
    if metric.type == "untyped" and series.type not in ("", "unknown"):
        metric.type = series.type
    metric.help, metric.unit = metric.help or series.help or "", metric.unit or series.unit
    for sample in series.samples:
        metric.add(sample.name, dict(sample.labels), source)
    if not series.samples:
        metric.sources.setdefault(source)
