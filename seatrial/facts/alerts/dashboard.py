"""A dashboard as its file holds it: what it asks a Prometheus, where each question stands, and what is wrong with the file."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["Dashboard", "DashboardFault", "DashboardPanel", "DashboardQuery", "DashboardVariable"]


@dataclass(frozen=True, slots=True)
class DashboardFault:
    """Something for which Grafana does not load the file, or drops a part of it."""

    path: str
    """Where in the JSON: ``panels[2].title``; ``line 3`` where it is no JSON."""
    text: str


@dataclass(frozen=True, slots=True)
class DashboardQuery:
    """One question to a Prometheus."""

    path: str
    """``panels[2].targets[0].expr``."""
    expr: str
    legend: str = ""
    sure: bool = True
    """Whether its data source is known to be a Prometheus; else the expression alone says what it is."""


@dataclass(frozen=True, slots=True)
class DashboardPanel:
    """One panel, or the annotations of one name."""

    title: str
    path: str
    kind: str
    """``timeseries``, ``stat``, ``annotation``."""
    queries: tuple[DashboardQuery, ...] = ()
    empty: bool = False
    """Whether it shows data, and asks nobody for any."""


@dataclass(frozen=True, slots=True)
class DashboardVariable:
    """One variable."""

    name: str
    kind: str
    """``query``, ``custom``, ``interval``, ``datasource``, …"""
    path: str
    query: str = ""
    """What it asks a Prometheus; empty when it asks nobody, or something else."""
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    file: str
    title: str = ""
    faults: tuple[DashboardFault, ...] = ()
    panels: tuple[DashboardPanel, ...] = ()
    variables: tuple[DashboardVariable, ...] = ()
    left_out: int = 0
    """Queries to data sources that are no Prometheus, and panels that lie in Grafana's library."""
    recorded: tuple[str, ...] | Missing = ()
    """Metrics that the declared rule files record."""
