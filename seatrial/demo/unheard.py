"""Defects of what the service exposes, for which its alerts fall silent: each is a small change to a metric, as a release makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.demo.defect import build_defect

if TYPE_CHECKING:
    from seatrial.demo.service import Service

__all__: list[str] = []


@build_defect(
    "label-renamed",
    turns_red=("ALR-021", "MET-009", "MET-010"),
    summary="requests are counted by code, where alerts ask for status",
)
def label_renamed(service: Service) -> None:
    """Alerts: a library was changed, and calls the label by its own name."""
    service.requests.labels = ("method", "route", "code")


@build_defect(
    "buckets-too-small",
    turns_red=("ALR-036",),
    summary="the buckets of durations end at 100 ms, and the alert waits for 250 ms",
)
def buckets_too_small(service: Service) -> None:
    """Alerts: series were to be saved, and the buckets that are mostly empty were left out."""
    large = ('le="0.25"', 'le="0.5"', 'le="1.0"', 'le="2.5"', 'le="5.0"')
    exposed = service.durations.lines

    def fewer() -> list[str]:
        return [line for line in exposed() if not any(bound in line for bound in large)]

    service.durations.lines = fewer  # type: ignore[method-assign]


@build_defect(
    "bounds-renamed",
    turns_red=("ALR-024", "MET-005"),
    summary="the bounds of buckets stand in a label upper, of which no quantile can be made",
)
def bounds_renamed(service: Service) -> None:
    """Alerts: the exposition was written by hand, from memory."""
    exposed = service.durations.lines

    def from_memory() -> list[str]:
        return [line.replace('le="', 'upper="') for line in exposed()]

    service.durations.lines = from_memory  # type: ignore[method-assign]
