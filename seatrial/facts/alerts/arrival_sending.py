"""Whether a test alert may be sent, and by when it must arrive: what an Alertmanager's own configuration makes of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from seatrial.facts.alerts.arrival import Alertmanager, Inhibition, Integration, Receiver, Route
from seatrial.facts.alerts.arrival_routing import certain, isolated, walk, within
from seatrial.words import CouldNotLook, Missing, seen

__all__ = ["Way", "muted", "way"]

ID = "seatrial_id"


@dataclass(frozen=True, slots=True)
class Way:
    """The way of a test alert to the test receiver."""

    ends: tuple[Route, ...]
    webhook: Integration

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds after which each of its ends tells at the latest: a group that others are in too may just have been told of."""
        return tuple(
            end.group_wait if isolated(end, ID) else max(end.group_wait, end.group_interval) for end in self.ends
        )


def way(found: Alertmanager, receiver: str, labels: Mapping[str, str], listen: str) -> Way:
    """How an alert with these labels comes to the test receiver, and to nobody else.

    Args:
        found: the Alertmanager.
        receiver: name of the test receiver.
        labels: of the alert.
        listen: host and port where this run listens.

    Raises:
        CouldNotLook: it would not, or that can't be told; nothing may be sent then.
    """
    ends = walk(seen(found.route), labels)
    names = list(dict.fromkeys(end.receiver for end in ends))
    if receiver not in names:
        raise CouldNotLook(f"nothing was sent: the routing tree leads the test alert to {_named(names)}")
    if len(names) > 1:
        raise CouldNotLook(
            f"nothing was sent: the routing tree would lead the test alert to {_named(names)}, and only {receiver} is for tests",
            right="a route for the test alert that stands before all others and does not continue",
        )
    if rule := _inhibiting(found, labels):
        raise CouldNotLook(
            f"nothing was sent: the test alert would keep others from being told, by {rule}",
            right="labels under alerts.test_receiver.labels that are no source of an inhibition",
        )
    return Way(tuple(ends), _webhook(found.receiver(receiver), receiver, listen))


def _inhibiting(found: Alertmanager, labels: Mapping[str, str]) -> Inhibition | None:
    """The rule by which an alert with these labels might inhibit others; those with the same name would be ours."""
    return next(
        (
            rule
            for rule in found.inhibitions
            if not {"alertname", ID} & set(rule.equal) and certain(rule.sources, labels, ()) is not False
        ),
        None,
    )


def _named(names: list[str]) -> str:
    return " and ".join(f"receiver {name}" for name in names) or "nobody"


def _webhook(receiver: Receiver | None, name: str, listen: str) -> Integration:
    """The one integration of the test receiver.

    Raises:
        CouldNotLook: it has others, or sends somewhere else.
    """
    kinds = [each.kind for each in receiver.integrations] if receiver else []
    if receiver is None or kinds != ["webhook"]:
        raise CouldNotLook(
            f"nothing was sent: receiver {name} has {', '.join(kinds) or 'no integration'}, and a test alert goes to one "
            "webhook alone",
            right="a receiver of its own for tests, with one webhook_configs entry",
        )
    webhook = receiver.integrations[0]
    if webhook.host and not _ours(webhook.host, listen):
        raise CouldNotLook(
            f"nothing was sent: the webhook of receiver {name} sends to {webhook.host}, and this run listens on {listen}",
            right="alerts.test_receiver.listen as the webhook's address",
        )
    if webhook.path == "-":
        raise CouldNotLook(
            f"nothing was sent: the webhook of receiver {name} has another path than alerts.test_receiver.path",
            right="alerts.test_receiver.path as the webhook's",
        )
    return webhook


def _ours(host: str, listen: str) -> bool:
    """Whether what is sent there may come to us: the same port, and no address that is surely another machine's."""
    name, _, port = host.rpartition(":")
    own, _, ours = listen.rpartition(":")
    if port != ours:
        return False
    try:
        there, here = ipaddress.ip_address(name.strip("[]")), ipaddress.ip_address(own.strip("[]"))
    except ValueError:
        return True  # a name may be that of this machine, as a container knows it
    return there.is_loopback or not here.is_loopback


def muted(found: Alertmanager, ends: tuple[Route, ...]) -> str:
    """The times for which every one of these routes tells nobody now; empty when one does.

    Raises:
        CouldNotLook: that can't be told.
    """
    told = []
    for end in ends:
        why = _muted(found, end)
        if not why:
            return ""
        told.append(why)
    return "; ".join(dict.fromkeys(told))


def _muted(found: Alertmanager, route: Route) -> str:
    unknown = Missing("a route names a time interval that is not there")
    for name in route.mute:
        if within(found.intervals.get(name, unknown), found.at):
            return f"{route.place} is mute in the time interval {name}, which is now"
    if route.active and not any(within(found.intervals.get(name, unknown), found.at) for name in route.active):
        return f"{route.place} tells anybody in the time interval {' or '.join(route.active)} alone, which is not now"
    return ""
