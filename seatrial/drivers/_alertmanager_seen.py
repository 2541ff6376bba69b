"""What a running Alertmanager says of itself: whether it is ready, its routing tree, its receivers' kinds, its silences."""

from __future__ import annotations

import re
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _alertmanager_api as api
from seatrial.drivers._alertmanager_config import added, configuration
from seatrial.facts.alerts.arrival import Alertmanager, Matcher, Silence
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.drivers import Session
    from seatrial.drivers._alertmanager_api import Server
    from seatrial.profile.alerting import Alerts

__all__ = ["labels_of", "seen_of"]

MOST_SILENCES = 2000
"""Silences that are kept."""
SETTLES_WITHIN = 10.0
"""Seconds that a cluster is waited for: by default it takes six."""
RELOADED = re.compile(r"^alertmanager_config_last_reload_successful(?:\{[^}]*\})? ([01])(?:\.0*)?\s*$", re.MULTILINE)


def labels_of(alerts: Alerts, id: str) -> dict[str, str]:
    """Labels of a test alert: that it is one, those that lead it to the test receiver, and its own name."""
    declared = alerts.test_receiver.labels if alerts.test_receiver else {}
    return {"alertname": "SeatrialTest", "seatrial": "test", **declared, "seatrial_id": id}


def seen_of(session: Session, alerts: Alerts) -> Alertmanager:
    """What the declared Alertmanager says now.

    Raises:
        CouldNotLook: it says nothing.
    """
    if alerts.alertmanager is None:
        raise CouldNotLook("no Alertmanager is declared", right="alerts.alertmanager.url")
    server = api.server(session, alerts.alertmanager)
    status, cluster = _settled(session, server)
    now = time.time()
    original = _of(status, "config").get("original")
    if not isinstance(original, str):
        raise CouldNotLook("what answers is no Alertmanager: its status holds no configuration", right="its address")
    test = alerts.test_receiver
    keep = _keeping(session)
    return Alertmanager(
        url=session.mask(server.shown),
        version=keep(str(_of(status, "versionInfo").get("version", "")))[:60],
        ready=_ready(session, server),
        cluster=keep(str(cluster.get("status", "")))[:60],
        peers=len(peers) if isinstance(peers := cluster.get("peers"), list) else 0,
        reloaded=_reloaded(session, server),
        at=round(now, 3),
        added=_added(session, alerts, keep),
        silences=_silences(session, server, now, keep),
        labels=labels_of(alerts, secrets.token_hex(6)) if test else {},
        **configuration(original, keep, test.receiver if test else "", test.path if test else ""),
    )


def _added(session: Session, alerts: Alerts, keep: Callable[[str], str]) -> tuple[str, ...] | Missing:
    """Labels that the running Prometheus adds to every alert."""
    from seatrial.drivers import _prometheus_api as prometheus

    if alerts.prometheus is None:
        return Missing("no Prometheus is declared")
    try:
        told = prometheus.get(session, alerts.prometheus, "/api/v1/status/config", limit=api.LARGEST)
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    text = told.get("yaml") if isinstance(told, dict) else None
    return added(text, keep) if isinstance(text, str) else Missing("the Prometheus does not tell its configuration")


def _settled(session: Session, server: Server) -> tuple[Any, dict[str, Any]]:
    """Its status, and of its cluster; one that was just started is given a moment to find its peers."""
    end = time.monotonic() + SETTLES_WITHIN
    while True:
        status = api.get(session, server, "/api/v2/status")
        cluster = _of(status, "cluster")
        if cluster.get("status") != "settling" or time.monotonic() > end:
            return status, cluster
        time.sleep(1.0)


def _of(value: Any, key: str) -> dict[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _keeping(session: Session) -> Callable[[str], str]:
    """Takes out secrets that are known, and what looks like one."""

    def keep(text: str) -> str:
        return session.redact(session.mask(text))

    return keep


def _ready(session: Session, server: Server) -> str | Missing:
    """What it says to whether it is ready; what stands before it may not let us ask."""
    answer = api.page(session, server, "/-/ready", limit=64 * 1024)
    if answer.status == 200:
        return "ready"
    if answer.status >= 500:
        return f"HTTP {answer.status}"
    return Missing(f"whether it is ready is not told: /-/ready answered HTTP {answer.status}", "GET /-/ready")


def _reloaded(session: Session, server: Server) -> bool | Missing:
    """What it counts of its own reloads."""
    try:
        answer = api.page(session, server, "/metrics")
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    found = RELOADED.search(answer.body.text)
    if answer.status != 200 or found is None:
        return Missing(
            "its /metrics do not tell whether its last reload was a success", "GET /metrics of the Alertmanager"
        )
    return found[1] == "1"


def _silences(
    session: Session, server: Server, now: float, keep: Callable[[str], str]
) -> tuple[Silence, ...] | Missing:
    """Those that are in force or will be; who made them and why is not kept."""
    try:
        told = api.get(session, server, "/api/v2/silences")
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    found: list[Silence] = []
    for each in told if isinstance(told, list) else ():
        state = _of(each, "status").get("state")
        if state not in ("active", "pending"):
            continue
        if len(found) >= MOST_SILENCES:
            return Missing(f"it has more than {MOST_SILENCES} silences, and they were not read")
        try:
            ends = datetime.fromisoformat(str(each["endsAt"]).replace("Z", "+00:00")).timestamp()
            matchers = tuple(_matcher(one, keep) for one in each["matchers"])
            found.append(Silence(keep(str(each["id"]))[:60], matchers, round(ends - now), state == "pending"))
        except (KeyError, TypeError, ValueError, OverflowError):
            return Missing("a silence of it can't be read")
    return tuple(found)


def _matcher(told: dict[str, Any], keep: Callable[[str], str]) -> Matcher:
    """One matcher of a silence; old servers know no negative ones."""
    equal, regex = told.get("isEqual", True), told["isRegex"]
    op = ("=~" if regex else "=") if equal else ("!~" if regex else "!=")
    value = str(told["value"])
    return (
        Matcher(keep(str(told["name"])), op, value) if keep(value) == value else Matcher(keep(str(told["name"])), "?")
    )
