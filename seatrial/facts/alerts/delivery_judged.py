"""What is not as it should be about a test alert on its way, and about the Alertmanager that all alerts go through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from seatrial.facts.alerts.arrival import Alertmanager, Route, Silence
from seatrial.facts.alerts.arrival_routing import certain, possible, reach, routes, walk
from seatrial.facts.alerts.rules import Rule, RuleFile, located
from seatrial.facts.experiment import Sample, Timeline
from seatrial.words import CouldNotLook, Duration, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.profile.alerting import Alerts, TestReceiver

__all__ = ["FOREVER", "Delivering", "Delivery", "Told"]

MOST = 5_000_000
"""Routes or silences that are held against alerts: beyond that nothing is decided, as it would take minutes."""
FOREVER = 90 * 86400.0
"""Seconds after which nobody remembers why there is a silence: as long as a waiver may last."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The way of a test alert to the test receiver."""

    id: str
    declared: TestReceiver
    alertmanager: Alertmanager
    timeline: Timeline | Missing

    @property
    def astray(self) -> list[Finding]:
        """Where the routing tree leads the test alert instead; nothing is sent for that."""
        wanted, found = self.declared.receiver, self.alertmanager
        ends = walk(seen(found.route), found.labels)
        where = f"the routing tree of {found.url}"
        if found.receiver(wanted) is None:
            return [Finding(where, f"there is no receiver {wanted}", "the one of alerts.test_receiver.receiver")]
        if any(end.receiver == wanted for end in ends):
            return []
        labels = ", ".join(f'{name}="{value}"' for name, value in found.labels.items() if name != "seatrial_id")
        led = " and ".join(f"receiver {end.receiver} by {end}" for end in ends) or "nobody"
        return [Finding(where, f"an alert with {labels} comes to {led}", f"receiver {wanted}")]

    # --- what was sent --------------------------------------------------------------------------------------------

    def _sent(self) -> tuple[Timeline, float]:
        """The journey of an alert that was sent and not kept back, and when that was."""
        timeline = seen(self.timeline)
        for name in ("muted", "kept back"):
            if name in timeline.notes:
                raise CouldNotLook(f"the test alert could not arrive: {_by(name, timeline.notes[name])}")
        return timeline, seen(timeline.fault).began

    def _came(self) -> tuple[Timeline, float, tuple[Sample, ...]]:
        """The same, of one that arrived, with the notifications of it."""
        timeline, began = self._sent()
        firing = timeline.of("firing")
        if not firing:
            raise CouldNotLook("the test alert did not arrive")
        return timeline, began, firing

    @property
    def late(self) -> list[Finding]:
        """That it never came to our listener, or after its time."""
        timeline, began = self._sent()
        bound = timeline.bounds["arrival"]
        firing = timeline.of("firing")
        if not firing:
            hint = "; ".join(timeline.notes[name] for name in ("not listed", "trouble") if name in timeline.notes)
            told = f"it did not arrive within {Duration(round(timeline.seconds - began, 1))}"
            return [Finding(self._where, f"{told}{f': {hint}' if hint else ''}", f"within {bound}")]
        took = firing[0].at - began
        if took <= bound.seconds:
            return []
        return [Finding(self._where, f"it arrived after {Duration(round(took, 1))}", f"within {bound}")]

    @property
    def repeated(self) -> list[Finding]:
        """That it was told more than once in one go."""
        timeline, began, firing = self._came()
        again = 0.9 * timeline.numbers["group_interval_seconds"]
        close = [sample for sample in firing if sample.at - firing[0].at < again]
        if len(close) < 2:
            return []
        after = ", ".join(str(Duration(round(sample.at - began, 1))) for sample in close[:10])
        routes = int(timeline.numbers["routes"])
        why = f"; {routes} routes lead it there" if routes > 1 else ""
        return [Finding(self._where, f"it arrived {len(close)} times, after {after}{why}", "once")]

    @property
    def altered(self) -> list[Finding]:
        """What of it was not as it was sent."""
        timeline, _, _ = self._came()
        told = [sample for sample in timeline.samples if not sample.ok]
        return [
            Finding(f"{self._where}, {sample.probe}", sample.failure, "as it was sent")
            for sample in {sample.failure: sample for sample in told}.values()
        ]

    @property
    def unended(self) -> list[Finding]:
        """That its end was not told."""
        timeline, _, _ = self._came()
        if "end" in timeline.notes:
            raise CouldNotLook(
                timeline.notes["end"],
                right="send_resolved: true and a group_interval of some seconds for the test receiver and its route",
            )
        if timeline.of("resolved"):
            return []
        return [Finding(self._where, "its end was not told", f"within {timeline.bounds['end']}")]

    @property
    def kept_back(self) -> list[Finding]:
        """By what it was kept from being told."""
        timeline = seen(self.timeline)
        if not timeline.faults and "muted" not in timeline.notes:
            raise CouldNotLook("nothing was sent")
        return [
            Finding(self._where, _by(name, timeline.notes[name]), "told to the test receiver")
            for name in ("muted", "kept back")
            if name in timeline.notes
        ]

    @property
    def _where(self) -> str:
        return f"the test alert to receiver {self.declared.receiver}"


def _by(name: str, what: str) -> str:
    return f"it was kept back by {what}" if name == "kept back" else what


# --- every other alert ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the routing tree is to lead to somebody: an alert of a rule, or a severity."""

    name: str
    where: str
    labels: Mapping[str, str]
    rule: Rule | None = None
    added: tuple[str, ...] | Missing = Missing("")
    """Labels that the Prometheus adds; where they are not known, it may be any."""

    def open(self, names: frozenset[str], carried: tuple[str, ...] | Missing | None = None) -> tuple[str, ...]:
        """Of the labels that somebody asks for, those whose value is not known.

        Args:
            names: of the labels.
            carried: all that series have now, where that is enough to go by.
        """
        unknown = sorted(names - set(self.labels))
        if self.rule is None or isinstance(self.added, Missing):
            return tuple(unknown)
        # One that is written as a template is among its labels, and may be anything.
        sure = {*self.added, *self.rule.labels}
        series = frozenset(carried) if isinstance(carried, tuple) else None
        return tuple(name for name in unknown if name in sure or _carries(self.rule.expr, name, series))


@lru_cache(maxsize=20_000)
def _carries(expr: str, name: str, series: frozenset[str] | None = None) -> bool:
    """Whether what an expression gives may have a label: one that it makes, or that series have, where these are known."""
    from seatrial.promql.labels import label_flow
    from seatrial.promql.reading import Unreadable, parse

    try:
        flow = label_flow(parse(expr).root)
        return flow.can(name) and (series is None or name in series or name in flow.may)
    except Unreadable:
        return True


@dataclass(frozen=True, slots=True)
class Delivering:
    """A running Alertmanager, and the alerts that are to be told by it."""

    id: str
    declared: Alerts
    alertmanager: Alertmanager
    rules: Mapping[str, RuleFile | Missing] = field(default_factory=dict)
    """By rule file."""

    @property
    def unready(self) -> list[Finding]:
        """Of what it is not ready, and of what it did not load."""
        found = self.alertmanager
        findings = []
        if isinstance(found.ready, str) and found.ready != "ready":
            findings.append(Finding(found.url, f"/-/ready answered {found.ready}", "HTTP 200"))
        if found.cluster not in ("ready", "disabled"):
            findings.append(
                Finding(found.url, f"its cluster is {found.cluster or 'in no state that it tells'}", "ready")
            )
        if found.reloaded is False:
            told = "its configuration was not loaded when it last was to: it runs with an older one"
            findings.append(Finding(found.url, told, "the configuration that is there"))
        if not findings:
            seen(found.ready)
            seen(found.reloaded)
        return findings

    # --- who is told ----------------------------------------------------------------------------------------------

    def _alerts(self) -> Iterator[Told]:
        """Every alert that the rule files can raise."""
        for file in (each for each in self.rules.values() if isinstance(each, RuleFile)):
            for rule in file.alerts:
                fixed = {name: text for name, text in rule.labels.items() if "{{" not in text}
                yield Told(
                    rule.name,
                    located(file.path, rule.line, name=rule.id),
                    {**fixed, "alertname": rule.name},
                    rule,
                    self.alertmanager.added,
                )

    def _told(self) -> list[Told]:
        """Those, and every severity; not what nobody is to be told of."""
        where = "alerts.severities"
        severities = [Told(each, f"{where} {each}", {"severity": each}) for each in self.declared.severities]
        alerts = self._wanted()
        # By custom, what has this severity is there to be there.
        silent = {*self.declared.undelivered, "none"}
        return [each for each in (*severities, *alerts) if each.labels.get("severity") not in silent]

    def _wanted(self) -> list[Told]:
        """Alerts, but for those that nobody is to be told of."""
        silent = set(self.declared.undelivered)
        return [each for each in self._alerts() if not silent & {each.name, each.labels.get("severity")}]

    def _kinds(
        self, told: list[Told], carried: tuple[str, ...] | Missing | None = None
    ) -> dict[object, tuple[tuple[str, ...], list[Told]]]:
        """Those that the tree can't tell from each other, together, with the labels of theirs that are not known.

        Raises:
            CouldNotLook: there are too many of them for a tree of this size.
        """
        tree, names = seen(self.alertmanager.route), self._names
        found: dict[object, tuple[tuple[str, ...], list[Told]]] = {}
        for each in told:
            open = each.open(names, carried)
            key = (tuple(sorted((n, v) for n, v in each.labels.items() if n in names)), open)
            found.setdefault(key, (open, []))[1].append(each)
        _bounded(len(found), sum(1 for _ in routes(tree)), "routes")
        return found

    def _sure(self, findings: list[Finding]) -> list[Finding]:
        """Findings, where every rule file was read."""
        if not findings:
            for file in self.rules.values():
                seen(file)
        return findings

    @property
    def _names(self) -> frozenset[str]:
        """Labels that the tree asks for."""
        tree = seen(self.alertmanager.route)
        return frozenset(matcher.name for route in routes(tree) for matcher in route.matchers)

    @property
    def untold(self) -> list[Finding]:
        """Alerts and severities that come to receivers without any integration, whatever else they carry."""
        tree = seen(self.alertmanager.route)
        silent = {each.name for each in self.alertmanager.receivers if not each.integrations}
        # What comes to the test receiver comes to a run of ours, and to nobody when there is none.
        tests = {self.declared.test_receiver.receiver} if self.declared.test_receiver else set()
        found: list[Finding] = []
        for open, alike in self._kinds(self._told()).values():
            ends = possible(tree, alike[0].labels, open)
            if ends and all(end.receiver in silent | tests for end in ends):
                ends = [end for end in ends if end.receiver in silent] or ends
                by = " or ".join(dict.fromkeys(f"receiver {end.receiver} by {end}" for end in ends[:4]))
                said = f"comes to {by}, which tells nobody"
                found += [Finding(told.where, said, "a receiver with an integration") for told in alike]
        return self._sure(found)

    @property
    def idle_routes(self) -> list[Finding]:
        """Routes that no alert of the rule files comes by."""
        tree = seen(self.alertmanager.route)
        alerts = list(self._alerts())
        if not alerts:
            return self._sure([])
        for file in self.rules.values():  # what could not be read may come by any of them
            seen(file)
        test = self.alertmanager.labels
        used = reach(tree, test, ()) if test else set()
        for open, alike in self._kinds(alerts, self.alertmanager.carried).values():
            used |= reach(tree, alike[0].labels, open)
        return list(self._idle(tree, used))

    def _idle(self, tree: Route, used: set[str]) -> Iterator[Finding]:
        """The topmost of those that are not used: those below them can't be."""
        for child in tree.routes:
            if child.place in used:
                yield from self._idle(child, used)
            else:
                yield Finding(
                    f"{self.alertmanager.url} {child.place}",
                    f"no alert of the declared rules comes by {{{', '.join(map(str, child.matchers))}}}",
                    "an alert with these labels, or no such route",
                )

    @property
    def lasting_silences(self) -> list[Finding]:
        """Silences that keep a declared alert from being told for longer than anybody remembers why."""
        found = []
        alerts = self._wanted()
        lasting = [each for each in seen(self.alertmanager.silences) if each.lasts >= FOREVER and not each.pending]
        _bounded(len(lasting), len(alerts), "alerts")
        for silence in lasting:
            covered = list(dict.fromkeys(each.name for each in alerts if _covers(silence, each)))
            if covered:
                rest = f" and {len(covered) - 5} more" if len(covered) > 5 else ""
                found.append(
                    Finding(
                        f"silence {silence.id}",
                        f"keeps {', '.join(covered[:5])}{rest} from being told for another {_days(silence.lasts)}",
                        f"an end within {_days(FOREVER)}",
                    )
                )
        return self._sure(found)


def _bounded(number: int, each: int, what: str) -> None:
    if number * each > MOST:
        raise CouldNotLook(f"{number:,} times {each:,} {what} of the Alertmanager are more than are compared")


def _covers(silence: Silence, told: Told) -> bool:
    """Whether a silence surely covers every alert of a rule."""
    names = frozenset(matcher.name for matcher in silence.matchers)
    return bool(silence.matchers) and certain(silence.matchers, told.labels, told.open(names)) is True


def _days(seconds: float) -> str:
    return f"{round(seconds / 86400)} days"
