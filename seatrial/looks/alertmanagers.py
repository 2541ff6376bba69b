"""The running Alertmanager, looked at once for all that is asked of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seatrial.outcomes import Tier
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.arrival import Alertmanager
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.alerting import Alerts
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "RIGHTS", "look"]

PART = "alertmanagers"
NOUNS = ("alertmanager", "delivery", "routing")
RIGHTS = {
    Tier.observe: "GET on the API of the declared Alertmanager, with the headers that the profile gives",
    Tier.write: "POST of one test alert to the declared Alertmanager, and to listen where the test receiver sends",
}
MOST = 5000
"""Names of labels that are kept."""


def look(session: Session, _runtime: Runtime | Missing, subject: Subject) -> Alertmanager:
    """The Alertmanager, the same for every subject."""
    from seatrial.drivers._alertmanager_seen import seen_of

    def make() -> Alertmanager:
        return replace(seen_of(session, subject.node), carried=_carried(session, subject.node))

    return session.once("alertmanager", make)


def _carried(session: Session, alerts: Alerts) -> tuple[str, ...] | Missing:
    """Labels that series have, where a Prometheus can be asked for all of them."""
    from seatrial.looks.catalogs import catalog

    if alerts.prometheus is None:
        return Missing("no Prometheus is declared")
    found = catalog(session)
    if isinstance(found, Missing):
        return found
    if found.unseen or not found.scraped:
        return Missing("not every metric could be seen")
    names = sorted({*found.target_labels, *(label.name for metric in found.metrics for label in metric.labels)})
    return tuple(names) if len(names) <= MOST else Missing(f"series have more than {MOST} labels")
