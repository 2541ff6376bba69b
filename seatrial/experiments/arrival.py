"""A test alert on its way through a real Alertmanager to a listener of ours, and to nobody else.

Whatever the routing tree would also tell, or the receiver, is looked at before anything is sent, and then nothing is. The
alert is journalled before it is posted, is ended however the run goes on, and ends by itself soon after. An alert that was
told of is also told to be over, after the listener has gone if the run is cut short: the Alertmanager logs that nobody heard.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _alert_hands as alert_hands
from seatrial.drivers import _alertmanager_api as api
from seatrial.drivers._alertmanager_seen import labels_of, seen_of
from seatrial.experiments._receiving import Arrived, Receiving, listening
from seatrial.facts.alerts.arrival_routing import certain
from seatrial.facts.alerts.arrival_sending import Way, muted, way
from seatrial.facts.experiment import Bound, Fault, Moment, Sample, Timeline
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.experiments._bench import Bench
    from seatrial.facts.alerts.arrival import Alertmanager, Inhibition
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "TIER", "run", "seconds", "title"]

NOUNS = ("delivery",)
ORDER = 5
TIER = Tier.write
WHO = "alertmanager"
ANNOTATIONS = {
    "summary": "A test alert of Seatrial: nothing is wrong.",
    "description": 'Its way is tested, from "here" to the test receiver; it ends by itself. ☂ <&>',
}
HELD = 2.0
"""Seconds it is waited for a second notification at least."""
LONGEST_HELD = 60.0
LONGEST_LATE = 30.0
"""Seconds beyond its time after which a notification is not waited for any more: what is late is told from what never comes."""
LONGEST_END = 600.0
"""Seconds that the end of the alert is waited for at most."""
LOOKS_EVERY = 1.0


def title(_profile: Profile, _subject: Subject) -> str:
    """``a test alert on its way``."""
    return "a test alert on its way"


def seconds(_profile: Profile, subject: Subject) -> float:
    """What a route for tests takes; how it groups is not known before it is asked."""
    return 30.0 + min(30.0, float(subject.node.test_receiver.within.seconds))


@dataclass(slots=True)
class _Trip:
    """One test alert while it is under way."""

    session: Session
    server: api.Server
    labels: dict[str, str]
    found: Alertmanager
    way: Way
    receiver: str
    began: float = field(default_factory=time.monotonic)
    moments: list[Moment] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    bounds: dict[str, Bound] = field(default_factory=dict)

    def now(self) -> float:
        """Seconds since it began."""
        return round(time.monotonic() - self.began, 3)

    def mark(self, what: str) -> float:
        """Note what happens now."""
        self.moments.append(Moment(self.now(), what))
        return self.moments[-1].at

    def timeline(self, arrived: list[Arrived], faults: tuple[Fault, ...] = ()) -> Timeline:
        """What came of it."""
        return Timeline(
            experiment="a test alert on its way",
            service=WHO,
            seconds=self.now(),
            samples=tuple(self._sample(each) for each in arrived),
            faults=faults,
            moments=tuple(self.moments),
            bounds=self.bounds,
            numbers=self.numbers,
            notes=self.notes,
        )

    def _sample(self, each: Arrived) -> Sample:
        wrong = [*differing("label", self.labels, each.labels), *differing("annotation", ANNOTATIONS, each.annotations)]
        at = round(each.at - self.began, 3)
        return Sample(at, each.status, self.receiver, not wrong, 200, failure="; ".join(wrong))


def differing(what: str, sent: Mapping[str, str], got: Mapping[str, str]) -> list[str]:
    """What of ours is not as it was sent; of what others added, how much."""
    found = [
        f"its {what} {name} is {'missing' if name not in got else 'changed'}"
        for name, text in sent.items()
        if got.get(name) != text
    ]
    more = len(set(got) - set(sent))
    return [*found, f"it has {more} more {what}{'s' if more > 1 else ''} than were sent"] if more else found


def run(bench: Bench, subject: Subject) -> Timeline:
    """One test alert, from its posting to its end."""
    alerts, session = subject.node, bench.session
    test = alerts.test_receiver
    if alerts.alertmanager is None:
        raise CouldNotLook("no Alertmanager is declared to send by", right="alerts.alertmanager.url")
    listen = session.resolve(test.listen)
    found = seen_of(session, alerts)
    labels = labels_of(alerts, secrets.token_hex(6))
    trip = _Trip(
        session,
        api.server(session, alerts.alertmanager),
        labels,
        found,
        way(found, test.receiver, labels, listen),
        test.receiver,
    )
    why = muted(found, trip.way.ends)
    if why:
        trip.notes["muted"] = why
        trip.mark("nothing was sent: the route is mute now")
        return trip.timeline([])
    _bounds(trip, test.within.seconds)
    most = trip.bounds["arrival"].seconds + LONGEST_LATE + LONGEST_HELD
    with listening(listen, test.path, alert_hands.ID, labels[alert_hands.ID]) as receiving:
        acts = bench.hands.acts(
            alert_hands.ALERT, WHO, kept=alert_hands.kept_of(alerts.alertmanager), labels=labels, annotations=ANNOTATIONS,
            seconds=most + 60.0,
        )  # fmt: skip
        with bench.disturber.disturbed(*acts):
            posted = trip.mark("the test alert is posted")
            came = _arrival(trip, receiving)
            ending = trip.mark("the test alert is ended")
        told = Fault("posted", WHO, acts[0].how, "the Alertmanager took it", posted, ending)
        if came:
            _end(trip, receiving)
        if receiving.trouble:
            trip.notes["trouble"] = receiving.trouble[0]
        return trip.timeline(list(receiving.arrived), (told,))


def _bounds(trip: _Trip, within: float) -> None:
    """By when it must arrive, and be told to be over."""
    waits, ends = trip.way.waits, trip.way.ends
    soonest = min(range(len(ends)), key=lambda number: waits[number])
    what = (
        "group_wait" if waits[soonest] == ends[soonest].group_wait else "group_interval, as others may be in its group,"
    )
    rest = "alerts.test_receiver.within"
    trip.bounds["arrival"] = Bound(waits[soonest] + within, f"{what} of {ends[soonest].place} and {rest}")
    trip.bounds["end"] = Bound(
        max(end.group_interval for end in ends) + within, f"group_interval of {ends[soonest].place} and {rest}"
    )
    trip.numbers["group_interval_seconds"] = min(end.group_interval for end in ends)
    trip.numbers["routes"] = float(len(ends))


def _arrival(trip: _Trip, receiving: Receiving) -> bool:
    """Wait until it arrives, and a moment longer; not where it is kept back. Gives whether it came."""
    bound = trip.bounds["arrival"].seconds
    end = time.monotonic() + bound + min(bound, LONGEST_LATE)

    def came(arrived: list[Arrived]) -> bool:
        return any(each.status == "firing" for each in arrived)

    while not receiving.until(came, min(LOOKS_EVERY, max(0.0, end - time.monotonic()))):
        if why := _kept_back(trip):
            trip.notes["kept back"] = why
            receiving.until(came, LOOKS_EVERY)
            return came(receiving.arrived)
        if time.monotonic() >= end:
            return False
    trip.mark("the test alert arrives")
    waits = trip.way.waits
    receiving.until(lambda _: False, min(LONGEST_HELD, max(waits) - min(waits) + HELD))
    return True


def _end(trip: _Trip, receiving: Receiving) -> None:
    """Wait until it is told that it is over, where the receiver tells that."""
    if not trip.way.webhook.resolved:
        trip.notes["end"] = f"receiver {trip.receiver} has send_resolved: false"
        return
    bound = trip.bounds["end"].seconds
    if bound > LONGEST_END:
        trip.notes["end"] = (
            f"its end would be told within {bound:g} s, and is not waited for longer than {LONGEST_END:g} s"
        )
        return
    began = trip.now()
    if receiving.until(lambda arrived: any(each.status == "resolved" for each in arrived), bound):
        trip.numbers["end_seconds"] = round(trip.mark("its end is told") - began, 3)


def _kept_back(trip: _Trip) -> str:
    """By what the Alertmanager keeps it from being told; empty when by nothing."""
    try:
        alert = alert_hands.listed(trip.session, trip.server, trip.labels[alert_hands.ID])
    except CouldNotLook as why:
        trip.notes["not listed"] = why.reason
        return ""
    if alert is None:
        trip.notes["not listed"] = "the Alertmanager took it and does not list it: clocks may differ"
        return ""
    trip.notes.pop("not listed", None)
    status = alert.get("status")
    if not isinstance(status, dict) or status.get("state") != "suppressed":
        return ""
    keep = trip.session.redact
    found = [f"silence {keep(str(each))[:60]}" for each in _listed(status, "silencedBy")]
    found += [_inhibiting(trip, str(each)) for each in _listed(status, "inhibitedBy")]
    found += [f"time interval {keep(str(each))[:60]}" for each in _listed(status, "mutedBy")]
    return "; ".join(dict.fromkeys(found)) or "the Alertmanager, which does not say by what"


def _listed(status: dict[str, Any], key: str) -> list[Any]:
    value = status.get(key)
    return value[:10] if isinstance(value, list) else []


def _inhibiting(trip: _Trip, fingerprint: str) -> str:
    """The rule by which an alert inhibits ours; nothing of that alert is kept."""
    rules = [each for each in trip.found.inhibitions if certain(each.targets, trip.labels, ()) is not False]
    try:
        alerts = api.get(trip.session, trip.server, "/api/v2/alerts")
        others = [each for each in alerts if each.get("fingerprint") == fingerprint]
        labels = {str(name): str(text) for name, text in others[0]["labels"].items()}
        rules = [each for each in rules if _inhibits(each, labels, trip.labels)] or rules
    except (CouldNotLook, LookupError, TypeError, AttributeError):
        pass  # then by one of those whose targets it is
    return " or ".join(map(str, rules)) or "an inhibition"


def _inhibits(rule: Inhibition, source: dict[str, str], target: dict[str, str]) -> bool:
    return certain(rule.sources, source, ()) is not False and all(
        source.get(name, "") == target.get(name, "") for name in rule.equal
    )
