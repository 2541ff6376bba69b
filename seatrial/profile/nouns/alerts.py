"""Alerting as subjects: each rule file, the servers, each alert that is meant to tell something, and what it covers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.profile.nodes import None_
from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.alerting import Alerts
    from seatrial.profile.model import Profile

__all__ = ["NOUNS", "RUNNING", "alerts_of"]

RUNNING = "alerts.prometheus"
"""Id of the rules that a running Prometheus has beyond the declared files."""


def alerts_of(profile: Profile) -> Alerts | None:
    """What a profile declares of alerts, if it declares any."""
    return None if isinstance(profile.alerts, None_) else profile.alerts


def _rules(profile: Profile) -> Iterator[Subject]:
    """Rule files; where none is declared, the rules that the running Prometheus reports."""
    alerts = alerts_of(profile)
    if alerts is None:
        return
    for index, path in enumerate(alerts.files):
        yield Subject(str(path), "rules", ("alerts", "files", index), alerts)
    if not alerts.files and alerts.prometheus is not None:
        yield Subject(RUNNING, "rules", ("alerts", "prometheus"), alerts)


def _references(profile: Profile) -> Iterator[Subject]:
    """Rule files, for what their rules refer to."""
    for subject in _rules(profile):
        yield Subject(subject.id, "references", subject.path, subject.node)


def _expressions(profile: Profile) -> Iterator[Subject]:
    """Rule files once more: what their expressions say."""
    for subject in _rules(profile):
        yield Subject(subject.id, "expressions", subject.path, subject.node)


def _evaluated(profile: Profile) -> Iterator[Subject]:
    """Rule files whose rules are evaluated."""
    for subject in _rules(profile):
        if not isinstance(subject.node.promtool, None_):
            yield Subject(subject.id, "evaluated_rules", subject.path, subject.node)


def _alert(profile: Profile) -> Iterator[Subject]:
    """Alerts whose meaning is declared, where rules are evaluated."""
    alerts = alerts_of(profile)
    if alerts is None or isinstance(alerts.promtool, None_):
        return
    for name, node in alerts.means.items():
        yield Subject(f"alerts.{name}", "alert", ("alerts", "means", name), node)


def _server(noun: str, key: str) -> Callable[[Profile], Iterator[Subject]]:
    def find(profile: Profile) -> Iterator[Subject]:
        alerts = alerts_of(profile)
        if alerts is not None and getattr(alerts, key) is not None:
            yield Subject(f"alerts.{key}", noun, ("alerts", key), alerts)

    return find


def _covers(profile: Profile) -> Iterator[Subject]:
    alerts = alerts_of(profile)
    for failure, names in (alerts.covers if alerts else {}).items():
        yield Subject(f"covers.{'-'.join(failure.split())}", "covered_failure", ("alerts", "covers", failure), names)


def _objectives(profile: Profile) -> Iterator[Subject]:
    """Declared objectives, where there are alerts at all."""
    if alerts_of(profile) is None or profile.slos is None or isinstance(profile.slos, None_):
        return
    for name, node in profile.slos.items():
        yield Subject(f"slos.{name}", "objective_alert", ("slos", name), node)


def _alert_texts(profile: Profile) -> Iterator[Subject]:
    """Rule files, whose alerts somebody reads."""
    for subject in _rules(profile):
        yield replace(subject, noun="alert_texts")


def _burn_alerts(profile: Profile) -> Iterator[Subject]:
    alerts = alerts_of(profile)
    for name, names in (alerts.objectives if alerts else {}).items():
        yield Subject(f"objectives.{name}", "burn_alert", ("alerts", "objectives", name), names)


def _watched_jobs(profile: Profile) -> Iterator[Subject]:
    """The running Prometheus, whose targets may go down, where rules are evaluated."""
    alerts = alerts_of(profile)
    if alerts is not None and alerts.prometheus is not None and not isinstance(alerts.promtool, None_):
        yield Subject(RUNNING, "watched_jobs", ("alerts", "prometheus"), alerts)


def _measured_services(profile: Profile) -> Iterator[Subject]:
    """Services with metrics, where there are alerts that could be about them."""
    alerts = alerts_of(profile)
    if alerts is None or not (alerts.files or alerts.prometheus):
        return
    for name, service in profile.services.items():
        if service.metrics is not None:
            yield Subject(f"{name}.metrics", "measured_service", ("services", name, "metrics"), service.metrics, name)


def _scraped(profile: Profile) -> Iterator[Subject]:
    """Services with metrics, where there is a Prometheus that should scrape them."""
    alerts = alerts_of(profile)
    for name, service in profile.services.items() if alerts and alerts.prometheus else ():
        if service.metrics is not None:
            yield Subject(f"{name}.metrics", "scraped_service", ("services", name, "metrics"), service.metrics, name)


def _dashboards(profile: Profile) -> Iterator[Subject]:
    alerts = alerts_of(profile)
    for index, path in enumerate(alerts.dashboards if alerts else ()):
        yield Subject(str(path), "dashboard", ("alerts", "dashboards", index), path)


SECTIONS = ("alerts",)
NOUNS = {
    "rules": Noun(_rules, "neither alerts.files nor alerts.prometheus is declared", SECTIONS, "alerts section"),
    "references": Noun(
        _references, "neither alerts.files nor alerts.prometheus is declared", SECTIONS, "alerts section"
    ),
    "expressions": Noun(
        _expressions,
        "neither alerts.files nor alerts.prometheus is declared",
        (),
        "alerts section",
        beside=("prometheus",),
    ),
    "evaluated_rules": Noun(
        _evaluated, "no rules are declared, or alerts.promtool says that none are evaluated", (), "alerts section"
    ),
    "alert": Noun(
        _alert, "alerts.means is not declared, or alerts.promtool says that no rule is evaluated", (), "alert"
    ),
    "prometheus": Noun(
        _server("prometheus", "prometheus"),
        "alerts.prometheus is not declared",
        (),
        "alerts section",
        beside=("rules",),
    ),
    "scraped_service": Noun(
        _scraped, "alerts.prometheus and metrics of a service are not both declared", (), beside=("prometheus",)
    ),
    "alertmanager": Noun(
        _server("alertmanager", "alertmanager"),
        "alerts.alertmanager is not declared",
        SECTIONS,
        "alerts section",
        beside=("rules",),
    ),
    "routing": Noun(
        _server("routing", "test_receiver"), "alerts.test_receiver is not declared", SECTIONS, "alerts section"
    ),
    "delivery": Noun(
        _server("delivery", "test_receiver"), "alerts.test_receiver is not declared", SECTIONS, "alerts section"
    ),
    "covered_failure": Noun(
        _covers, "alerts.covers is not declared", (), "covers entry", beside=("rules", "prometheus")
    ),
    "objective_alert": Noun(
        _objectives, "slos and alerts are not both declared", (), "objective", beside=("rules", "prometheus")
    ),
    "burn_alert": Noun(
        _burn_alerts, "alerts.objectives is not declared", (), "objectives entry", beside=("rules", "prometheus")
    ),
    "alert_texts": Noun(
        _alert_texts,
        "neither alerts.files nor alerts.prometheus is declared",
        (),
        "alerts section",
        beside=("rules", "prometheus"),
    ),
    "watched_jobs": Noun(
        _watched_jobs, "alerts.prometheus is not declared, or alerts.promtool says that no rule is evaluated", ()
    ),
    "measured_service": Noun(
        _measured_services,
        "no service declares metrics where alerts are declared",
        (),
        beside=("rules", "prometheus", "metrics"),
    ),
    "dashboard": Noun(_dashboards, "alerts.dashboards is not declared", (), "dashboard"),
}
