"""What a running Prometheus tells of itself: its rules, its targets, whom it tells, and how often it looks.

Of its configuration, which may hold passwords, two intervals are kept and nothing else. A server that was started or
reloaded a moment ago has no targets yet (it looks for them every five seconds), and is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.monitoring import Monitoring
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.alerting import Alerts, Monitor
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "look", "monitoring"]

PART = "monitoring"
NOUNS = ("prometheus",)
SETTLED = 20.0
"""Seconds after it loaded its configuration from which on it is as it is."""
FOUND = 7.0
"""Seconds after it by which it knows its targets and its Alertmanagers, if there are any."""
PAUSE = 0.5
T = TypeVar("T")


def look(session: Session, _runtime: Runtime | Missing, _subject: Subject) -> Monitoring:
    """The one server there is."""
    return seen(monitoring(session))


def monitoring(session: Session) -> Monitoring | Missing:
    """What the declared Prometheus tells of itself, asked for once."""

    def make() -> Monitoring | Missing:
        from seatrial.profile.nouns.alerts import alerts_of

        alerts = alerts_of(session.profile)
        if alerts is None or alerts.prometheus is None:
            return Missing("alerts.prometheus is not declared", "alerts.prometheus in the profile")
        try:
            return _settled(_Server(session, alerts.prometheus, alerts))
        except CouldNotLook as why:
            return Missing(why.reason, why.right)

    return session.once("monitoring", make)


def _settled(server: _Server) -> Monitoring:
    """What it tells, once it has had the time to begin."""
    end = time.monotonic() + SETTLED
    while True:
        told = server.told()
        if told.loaded is None or told.loaded > SETTLED or time.monotonic() > end or not _beginning(told):
            return server.placed(told)
        time.sleep(PAUSE)


def _beginning(told: Monitoring) -> bool:
    """Whether something has not been looked at by the server itself for the first time."""
    awaits = () if isinstance(told.awaits, Missing) else told.awaits
    empty = (told.targets == () and "targets" in awaits) or (told.alertmanagers == () and "alertmanagers" in awaits)
    if empty and (told.loaded or 0.0) < FOUND:
        return True
    rules = () if isinstance(told.rules, Missing) else told.rules
    targets = () if isinstance(told.targets, Missing) else told.targets
    return any(rule.evaluated is None and rule.interval < SETTLED for rule in rules) or any(
        target.scraped is None and target.interval < SETTLED for target in targets
    )


class _Server:
    """One look at one Prometheus."""

    def __init__(self, session: Session, monitor: Monitor, alerts: Alerts) -> None:
        from seatrial.drivers import _prometheus_api as api

        self.session, self.monitor, self.alerts = session, monitor, alerts
        self.url = api.shown(session, monitor)

    def get(self, path: str, **params: str) -> Any:
        """The data at a path of its API."""
        from seatrial.drivers import _prometheus_api as api

        return api.get(self.session, self.monitor, f"/api/v1/{path}", params)

    def told(self) -> Monitoring:
        """Everything.

        Raises:
            CouldNotLook: it is not to be asked at all.
        """
        from seatrial.drivers._prometheus_api import NoServer
        from seatrial.facts.alerts.monitoring import Monitoring
        from seatrial.looks import _monitoring_parts as parts

        try:
            version: str | Missing = str(self.get("status/buildinfo").get("version"))[:100]
        except NoServer:
            raise
        except (CouldNotLook, AttributeError) as why:
            version = Missing(str(why) if isinstance(why, CouldNotLook) else "it tells no version")
        rules, targets = _try(lambda: self.get("rules")), _try(lambda: self.get("targets", state="active"))
        now = self._now() or parts.newest(rules, targets)
        ran = _try(lambda: self.get("status/runtimeinfo"))
        who = _try(lambda: self.get("alertmanagers"))
        config = _try(lambda: self.get("status/config"))
        every = _of(config, parts.intervals)
        return Monitoring(
            url=self.url,
            version=version,
            rules=_of(rules, lambda data: parts.rules(self.session, data, now)),
            targets=_of(targets, lambda data: parts.targets(self.session, data, now)),
            alertmanagers=_of(who, lambda data: parts.alertmanagers(self.session, data)),
            interval=every if isinstance(every, Missing) else every[0],
            evaluation=every if isinstance(every, Missing) else every[1],
            awaits=_of(config, parts.awaited),
            started=_stated(ran, "startTime"),
            config_ok=_of(ran, _reloaded),
            loaded=_since(parts.when(_stated(ran, "lastConfigTime")), now),
        )

    def _now(self) -> float:
        """The server's clock; 0 where it does not tell."""
        try:
            return float(self.get("query", query="time()")["result"][0])
        except (CouldNotLook, LookupError, TypeError, ValueError):
            return 0.0

    def placed(self, told: Monitoring) -> Monitoring:
        """With the places at which we know what it should scrape and tell, and what all their names stand for."""
        from dataclasses import replace

        from seatrial.drivers import http
        from seatrial.looks._hosts import hosts

        def url_of(node: Any) -> str:
            return self.session.mask(http.stripped(self.session.resolve(node).strip()))

        exposed: dict[str, str | Missing] = {}
        for name, service in self.session.profile.services.items():
            if (declared := service.metrics) is not None:
                exposed[name] = _try(
                    lambda service=service, declared=declared: (  # type: ignore[misc]
                        self.session.mask(http.stripped(http.base_of(self.session, service, declared.port)))
                        + declared.path
                    )
                )
        receiver: str | Missing = ""
        if self.alerts.alertmanager is not None:
            node = self.alerts.alertmanager.url
            receiver = _try(lambda: url_of(node))
        urls = [told.url, *_plainly(told.alertmanagers)]
        urls += [target.url for target in _plainly(told.targets)]
        urls += [url for url in (*exposed.values(), receiver) if isinstance(url, str) and url]
        return replace(told, exposed=exposed, receiver=receiver, hosts=hosts(urls))


def _try(make: Callable[[], T]) -> T | Missing:
    try:
        return make()
    except CouldNotLook as why:
        return Missing(why.reason, why.right)


def _of(data: Any, make: Callable[[Any], T]) -> T | Missing:
    """What is made of an answer, when there was one."""
    return data if isinstance(data, Missing) else _try(lambda: make(data))


def _plainly(found: tuple[T, ...] | Missing) -> tuple[T, ...]:
    return () if isinstance(found, Missing) else found


def _stated(data: Any, key: str) -> str:
    said = data.get(key) if isinstance(data, dict) else ""
    return said[:100] if isinstance(said, str) else ""


def _since(at: float | None, now: float) -> float | None:
    return None if at is None or not now else round(max(0.0, now - at), 3)


def _reloaded(data: Any) -> bool:
    said = data.get("reloadConfigSuccess") if isinstance(data, dict) else None
    if not isinstance(said, bool):
        raise CouldNotLook("GET /api/v1/status/runtimeinfo does not tell how its last reload went")
    return said
