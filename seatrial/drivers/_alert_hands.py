"""Hands that can post a test alert beside all that a driver's own hands can do: it ends when it is undone, or by itself.

What an act keeps is enough to end the alert from another process: where it was posted, as the profile writes it, so that a
secret stays where it lies. An Alertmanager keeps alerts in memory alone and ends each at the time it was told, so that after
that time nothing is left, whether it can be asked or not.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _alertmanager_api as api
from seatrial.safety.acts import Act, Checked, Hands, Replica
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.alerting import Monitor
    from seatrial.profile.model import Profile

__all__ = ["ALERT", "ID", "AlertHands", "kept_of", "listed", "posts", "stamp"]

ALERT = "alert"
"""The kind of act."""
ID = "seatrial_id"
"""The label by which one test alert is told from every other."""
LONG_AGO = 3600.0
SKEW = 120.0
"""Seconds by which clocks may differ before an alert that has ended by itself is said to have."""


def posts(profile: Profile) -> bool:
    """Whether a run of this profile may post test alerts."""
    return getattr(getattr(profile, "alerts", None), "test_receiver", None) is not None


def kept_of(monitor: Monitor) -> dict[str, Any]:
    """How a server is reached, as JSON types, with references in place of what they stand for.

    Raises:
        CouldNotLook: its address holds a password, which is written nowhere.
    """

    def told(value: Any) -> Any:
        return value if isinstance(value, str) else value.model_dump()

    if isinstance(monitor.url, str) and "@" in monitor.url.partition("//")[2].partition("/")[0]:
        raise CouldNotLook(
            "the address of the Alertmanager holds a password, which a journal must not",
            right="alerts.alertmanager.url as a reference: {env: NAME} or {file: PATH}",
        )
    headers = {name: told(value) for name, value in (monitor.headers or {}).items()}
    return {"url": told(monitor.url), "headers": headers, "timeout": monitor.timeout.seconds}


def _monitor(kept: dict[str, Any]) -> Monitor:
    """The same as the profile has it."""
    from seatrial.profile.alerting import Monitor
    from seatrial.profile.nodes import EnvReference, FileReference
    from seatrial.words import Duration

    def value(told: Any) -> Any:
        if isinstance(told, str):
            return told
        return EnvReference(env=told["env"]) if "env" in told else FileReference(file=told["file"])

    headers = {name: value(told) for name, told in kept["headers"].items()}
    return Monitor.model_construct(url=value(kept["url"]), headers=headers, timeout=Duration(float(kept["timeout"])))


def listed(session: Session, server: api.Server, id: str) -> dict[str, Any] | None:
    """A test alert as the server has it; None when it has none that goes on."""
    alerts = api.get(session, server, "/api/v2/alerts", {"filter": f'{ID}="{id}"'}, limit=1024 * 1024)
    for alert in alerts if isinstance(alerts, list) else ():
        labels = alert.get("labels") if isinstance(alert, dict) else None
        if isinstance(labels, dict) and labels.get(ID) == id:
            return dict(alert)
    return None


def stamp(at: float) -> str:
    """A moment as the API has it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _alert(act: Act, began: float, ends: float) -> dict[str, Any]:
    """A test alert as it is posted."""
    told = {"labels": act.found["labels"], "annotations": act.found["annotations"]}
    return {**told, "startsAt": stamp(began), "endsAt": stamp(ends)}


class AlertHands:
    """Hands of a driver, and the one act that is done to an Alertmanager."""

    def __init__(self, session: Session, inner: Hands) -> None:
        self.session = session
        self.inner = inner

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Of a service."""
        return self.inner.replicas(service)

    def checks(self, service: str) -> tuple[Checked, ...]:
        """Of a service."""
        return self.inner.checks(service)

    def inventory(self) -> dict[str, str]:
        """Of the target; a test alert is none of it."""
        return self.inner.inventory()

    def told(self) -> dict[str, Any]:
        """For a journal, from which these are had again."""
        return {**self.inner.told(), "alerts": True}

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to; a test alert is given its labels, annotations, and seconds after which it ends by itself."""
        if kind != ALERT:
            return self.inner.acts(kind, service, **wanted)
        labels, now = wanted["labels"], time.time()
        ends = now + wanted["seconds"]
        found = {**wanted["kept"], "labels": labels, "annotations": wanted["annotations"], "began": now, "ends": ends}
        how = f"posted to the Alertmanager, to end by itself at {stamp(ends)}"
        return (Act(ALERT, service, f"test alert {labels[ID]}", labels[ID], how, found, {}),)

    def _server(self, act: Act) -> api.Server:
        return api.server(self.session, _monitor(act.found))

    def do(self, act: Act) -> None:
        """Do it."""
        if act.kind != ALERT:
            self.inner.do(act)
            return
        alert = _alert(act, act.found["began"], act.found["ends"])
        api.post(self.session, self._server(act), alert)

    def undo(self, act: Act) -> None:
        """Undo it."""
        if act.kind != ALERT:
            self.inner.undo(act)
            return
        if self._over(act):
            return
        server = self._server(act)
        if listed(self.session, server, act.object) is not None:
            # Long ago by our clock, so that it is over by the server's, which may be another.
            past = act.found["began"] - LONG_AGO
            api.post(self.session, server, _alert(act, past, past))

    def left(self, act: Act) -> str:
        """What of it is still there."""
        if act.kind != ALERT:
            return self.inner.left(act)
        if self._over(act):
            return ""
        return "it still fires" if listed(self.session, self._server(act), act.object) is not None else ""

    @staticmethod
    def _over(act: Act) -> bool:
        """Whether it has ended by itself for long."""
        return time.time() > float(act.found["ends"]) + SKEW

    def proof(self, act: Act) -> str:
        """What shows that it is there."""
        if act.kind != ALERT:
            return self.inner.proof(act)
        if listed(self.session, self._server(act), act.object) is None:
            raise CouldNotLook("the Alertmanager took the test alert and does not list it: clocks may differ")
        return "the Alertmanager lists it"
