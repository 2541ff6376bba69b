"""The running Prometheus, and what is not as it should be about it.

A Prometheus is often shared. What is judged of its rules are those of the declared files; that it has others is told by a
requirement of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seatrial.facts.alerts.monitoring import LoadedRule, Monitoring, ScrapeTarget
from seatrial.facts.alerts.monitoring_places import elsewhere, same_place, targets_of
from seatrial.facts.alerts.monitoring_same import Undecided, differences, same_expression
from seatrial.facts.alerts.rules import located
from seatrial.words import CouldNotLook, Duration, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.facts.alerts.rules import Group, Rule, RuleFile
    from seatrial.profile.alerting import Alerts

__all__ = ["PrometheusServer", "ScrapedService"]

Named = dict[tuple[str, str], list[LoadedRule]]
"""Rules by kind and name."""
GRACE = 5.0
"""Seconds by which an evaluation or a scrape may be late: a busy machine, and the time between two of our questions."""
BEGINNING = 30.0
"""Seconds after it loaded its configuration within which not everything has been done for the first time."""
NEARLY = 0.8
"""Share of its timeout beyond which a scrape will fail one day."""
MOST = 50
"""Findings that are told one by one."""


def _span(seconds: float) -> str:
    return str(Duration(round(seconds, 3 if seconds < 10 else 0)))


def _told(findings: Sequence[Finding], undecided: Collection[str] = (), of: str = "them") -> list[Finding]:
    """The findings; where there are none, all that could not be decided.

    Raises:
        CouldNotLook: nothing is wrong as far as it could be told, and it could not be told of everything.
    """
    if findings:
        rest = len(findings) - MOST
        more = [Finding(findings[0].where.partition(":")[0], f"and {rest} more")] if rest > 0 else []
        return [*findings[:MOST], *more]
    if undecided:
        first = next(iter(undecided))
        raise CouldNotLook(first if len(undecided) == 1 else f"{len(undecided)} of {of} can't be decided; {first}")
    return []


def _where(path: str, place: tuple[int, int], rule: str) -> str:
    return located(path, *place, rule)


@dataclass(frozen=True, slots=True)
class PrometheusServer:
    """A running Prometheus, as it is declared and as it tells of itself."""

    id: str
    declared: Alerts
    told: Monitoring
    files: Mapping[str, RuleFile | Missing] = field(default_factory=dict)
    """The declared rule files, by path."""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By service, what it is called in its own network: names and addresses of its containers."""

    # --- its rules ------------------------------------------------------------------------------------------------

    def _groups(self) -> dict[str, list[tuple[str, Group]]]:
        """The declared groups by name, each with its file."""
        found: dict[str, list[tuple[str, Group]]] = defaultdict(list)
        for path, file in self.files.items():
            for group in () if isinstance(file, Missing) else file.groups:
                found[group.name].append((path, group))
        return found

    def _unread(self) -> list[str]:
        """Declared files of which not every rule is known, and why."""
        told = [f"{path} was not read: {file.reason}" for path, file in self.files.items() if isinstance(file, Missing)]
        for path, file in self.files.items():
            if not isinstance(file, Missing) and (bad := next((p for p in file.problems if p.refused), None)):
                told.append(f"{path} is not read to its end: {bad.text}")
        return told

    def _ours(self) -> list[LoadedRule]:
        """The loaded rules of declared groups; all where no file is declared.

        Raises:
            CouldNotLook: there is none.
        """
        belongs = self._belonging()
        ours = [rule for rule in seen(self.told.rules) if not self.files or belongs(rule)]
        if not ours:
            raise CouldNotLook(
                f"{self.told.url} has none of the declared rules loaded"
                if self.files
                else f"{self.told.url} has no rules loaded"
            )
        return ours

    def _belonging(self) -> Callable[[LoadedRule], bool]:
        """Whether a loaded rule is of a declared group.

        Groups of other files may have the same name: there, none of the declared rules is loaded from that file.
        """
        groups = self._groups()
        named = {name: {(r.kind, r.name) for _, group in each for r in group.rules} for name, each in groups.items()}
        files: dict[str, set[str]] = defaultdict(set)
        for rule in seen(self.told.rules):
            if (rule.kind, rule.name) in named.get(rule.group, ()):
                files[rule.group].add(rule.file)
        return lambda rule: rule.group in groups and (rule.group not in files or rule.file in files[rule.group])

    def _places(self) -> dict[tuple[str, str], str]:
        """Where a rule of a group stands."""
        return {
            (rule.group, rule.name): _where(path, (rule.line, 0), rule.id)
            for entries in self._groups().values()
            for path, group in entries
            for rule in group.rules
        }

    @property
    def wrongly_loaded(self) -> list[Finding]:
        """Declared rules that are not loaded, or not as declared, and rules that are loaded beside them in their groups."""
        loaded: dict[str, list[LoadedRule]] = defaultdict(list)
        for rule in seen(self.told.rules):
            loaded[rule.group].append(rule)
        found: list[Finding] = []
        undecided = self._unread()
        absent: dict[str, list[Finding]] = defaultdict(list)
        belongs = self._belonging()
        for name, entries in self._groups().items():
            left = _by_name(filter(belongs, loaded.get(name, ())))
            for path, group in entries:
                lost, told, open = self._compared(path, group, left, loaded)
                absent[path] += lost
                found += told
                undecided += open
            if not self._unread():
                found += [
                    Finding(f"{rule.group}/{rule.name}", f"is loaded from {rule.file}, and not in the declared file")
                    for rules in left.values()
                    for rule in rules
                ]
        for path, lost in absent.items():
            file = self.files[path]
            every = () if isinstance(file, Missing) else file.rules
            none = len(lost) == len(every) > 2
            found += [Finding(path, f"none of its {len(every)} rules is loaded")] if none else lost
        return _told(found, undecided, "the declared rules")

    def _compared(
        self, path: str, group: Group, left: Named, loaded: Mapping[str, list[LoadedRule]]
    ) -> tuple[list[Finding], list[Finding], list[str]]:
        """What is missing of a group, what differs, and what can't be told; what was found goes out of ``left``."""
        missing: list[Finding] = []
        found: list[Finding] = []
        undecided: list[str] = []
        pairs: list[tuple[Rule, LoadedRule]] = []
        waiting: list[Rule] = []
        for rule in group.rules:  # the same first: a name may be there several times, with other labels
            named = left.get((rule.kind, rule.name), [])
            match = next((one for one in named if _equal(rule, one)), None)
            if match is not None:
                named.remove(match)
                pairs.append((rule, match))
            else:
                waiting.append(rule)
        for rule in waiting:
            named = left.get((rule.kind, rule.name), [])
            if not named:
                missing.append(Finding(_where(path, (rule.line, 0), rule.id), _absence(rule, loaded), "loaded"))
                continue
            match = named.pop(0)
            pairs.append((rule, match))
            try:
                found += [Finding(_where(path, place, rule.id), told) for place, told in differences(rule, match)]
            except Undecided as why:
                undecided.append(f"{rule.id}: {why}")
        every = pairs[0][1].interval if pairs else 0.0
        if group.interval and every and group.interval != every:
            seen_ = f"its group is evaluated every {_span(every)}, not every {_span(group.interval)}"
            found.append(Finding(_where(path, (group.line, 0), group.name), seen_))
        return missing, found, undecided

    @property
    def undeclared_groups(self) -> list[Finding]:
        """Groups that are loaded, and that no declared file has."""
        belongs = self._belonging()
        beside: dict[tuple[str, str], int] = defaultdict(int)
        for rule in seen(self.told.rules):
            if not belongs(rule):
                beside[rule.group, rule.file] += 1
        if unread := self._unread():
            raise CouldNotLook(f"which groups are declared is not known: {unread[0]}")
        return _told(
            [
                Finding(f"{file} {name}", f"{count} rule{'s' if count > 1 else ''} that no declared file has")
                for (name, file), count in sorted(beside.items())
            ]
        )

    @property
    def unhealthy_rules(self) -> list[Finding]:
        """Rules whose last evaluation failed, with what the server says of it."""
        ours = self._ours()
        new = [f"{rule.group}/{rule.name} was not evaluated yet" for rule in ours if rule.health == "unknown"]
        wrong = [rule for rule in ours if rule.health == "err"]
        places = self._places()
        return _told([Finding(_place(places, rule), rule.error or "fails", "ok") for rule in wrong], new, "the rules")

    @property
    def late_evaluations(self) -> list[Finding]:
        """Groups that were not evaluated within two of their intervals, or whose evaluation takes longer than one."""
        groups: dict[tuple[str, str], list[LoadedRule]] = defaultdict(list)
        for rule in self._ours():
            groups[rule.file, rule.group].append(rule)
        found: list[Finding] = []
        new: list[str] = []
        places = self._places()
        for (_, name), rules in groups.items():
            every, took = rules[0].interval, rules[0].group_took or sum(rule.took for rule in rules)
            if not every:
                new.append(f"{self.told.url} does not tell how often {name} is evaluated")
                continue
            where = _place(places, rules[0])
            ages = [rule.evaluated for rule in rules]
            known = [age for age in ages if age is not None]
            if took > every:
                found.append(Finding(where, f"evaluating its group takes {_span(took)}", f"less than {_span(every)}"))
            elif known and max(known) > 2 * every + GRACE:
                found.append(
                    Finding(where, f"was last evaluated {_span(max(known))} ago", f"at most {_span(2 * every)}")
                )
            elif None in ages and self._beginning(every):
                new.append(f"{name} was not evaluated yet: the configuration was loaded a moment ago")
            elif None in ages:
                found.append(Finding(where, "was never evaluated", f"every {_span(every)}"))
        return _told(found, new, "the groups")

    def _beginning(self, every: float) -> bool:
        """Whether it loaded its configuration so lately that it can't have done everything yet."""
        return self.told.loaded is not None and self.told.loaded < every + BEGINNING

    def _finding(self, what: str) -> bool:
        """Whether it may still come to know something that its configuration makes it look for."""
        awaits = self.told.awaits
        return self._beginning(0) and (isinstance(awaits, Missing) or what in awaits)

    @property
    def failed_reloads(self) -> list[Finding]:
        """The last reload of its configuration, when it failed."""
        if seen(self.told.config_ok):
            return []
        ago = f" for {_span(self.told.loaded)}" if self.told.loaded is not None else ""
        return [Finding(self.told.url, f"its last reload failed; it has run on the configuration before it{ago}")]

    # --- its targets ----------------------------------------------------------------------------------------------

    def _targets(self) -> tuple[ScrapeTarget, ...]:
        targets = seen(self.told.targets)
        if not targets:
            early = self._finding("targets")
            raise CouldNotLook(f"{self.told.url} has no targets{' yet' if early else ''}, so there is none to look at")
        return targets

    @property
    def targets_down(self) -> list[Finding]:
        """Targets that are not up, or were not scraped within two of their intervals."""
        found: list[Finding] = []
        new: list[str] = []
        for target in self._targets():
            where = f"{target.job} {target.url}"
            late = target.scraped is not None and target.interval > 0 and target.scraped > 2 * target.interval + GRACE
            if target.health == "down":
                found.append(Finding(where, f"down: {target.error or 'it does not say why'}", "up"))
            elif late:
                found.append(
                    Finding(
                        where, f"was last scraped {_span(target.scraped or 0)} ago", f"every {_span(target.interval)}"
                    )
                )
            elif target.health != "up" and self._beginning(target.interval):
                new.append(f"{where} was not scraped yet: the configuration was loaded a moment ago")
            elif target.health != "up":
                found.append(Finding(where, "was never scraped", f"every {_span(target.interval)}"))
        return _told(found, new, "the targets")

    @property
    def slow_scrapes(self) -> list[Finding]:
        """Targets whose scrape takes nearly as long as it may."""
        up = [target for target in self._targets() if target.health == "up"]
        if not up:
            raise CouldNotLook(f"no target of {self.told.url} is up, so that no scrape took its time")
        return _told(
            [
                Finding(
                    f"{target.job} {target.url}",
                    f"a scrape takes {_span(target.took)} of the {_span(target.timeout)} that it may",
                    f"at most {_span(target.timeout * NEARLY)}",
                )
                for target in up
                if target.timeout and target.took > target.timeout * NEARLY
            ]
        )

    @property
    def other_intervals(self) -> list[Finding]:
        """Jobs that are scraped at another interval than declared: those of the services, or all where none is known."""
        declared = self.declared.scrape_interval
        wanted = declared.seconds if declared else 0.0
        targets = [t for t in seen(self.told.targets) if t.interval]
        of_services = [t for service in self.told.exposed for t in self._targets_of(service) if t.interval]
        looked = of_services or targets
        if not looked:
            every = seen(self.told.interval)
            return [] if every == wanted else [self._interval("global", every, wanted)]
        jobs = {(target.job, target.interval): None for target in looked if target.interval != wanted}
        return _told([self._interval(f"job {job}", every, wanted) for job, every in jobs])

    def _interval(self, where: str, every: float, wanted: float) -> Finding:
        return Finding(f"{self.told.url} {where}", f"scrape_interval {_span(every)}", _span(wanted))

    def _targets_of(self, service: str) -> list[ScrapeTarget]:
        url = self.told.exposed.get(service, "")
        others = {name for other, names in self.names.items() if other != service for name in names}
        return [] if isinstance(url, Missing) else targets_of(self.told, url, self.names.get(service, ()), others)

    # --- whom it tells --------------------------------------------------------------------------------------------

    @property
    def untold_alertmanagers(self) -> list[Finding]:
        """The declared Alertmanager, when alerts are not sent there; or any, when they are sent to nobody."""
        active = seen(self.told.alertmanagers)
        if not active:
            if self._finding("alertmanagers"):
                raise CouldNotLook(
                    f"{self.told.url} knows no Alertmanager yet: it loaded its configuration a moment ago"
                )
            return [Finding(self.told.url, "sends alerts to nobody", "an Alertmanager")]
        receiver = seen(self.told.receiver)
        if not receiver or any(same_place(self.told, receiver, url) for url in active):
            return []
        if far := elsewhere(self.told, active):
            raise CouldNotLook(
                f"{self.told.url} sends alerts to {', '.join(active[:3])}, and {far[0]} is a name of another network"
            )
        return [Finding(self.told.url, f"sends alerts to {', '.join(active[:10])}", receiver)]


@dataclass(frozen=True, slots=True)
class ScrapedService:
    """A service with metrics, and whether the Prometheus scrapes them."""

    id: str
    service: str
    server: PrometheusServer

    @property
    def unscraped(self) -> list[Finding]:
        """Its metrics, when no target is there."""
        told = self.server.told
        url, targets = (
            seen(told.exposed.get(self.service, Missing(f"{self.id} was not looked for"))),
            seen(told.targets),
        )
        if self.server._targets_of(self.service):
            return []
        if not targets and self.server._finding("targets"):
            raise CouldNotLook(f"{told.url} has no targets yet: it loaded its configuration a moment ago")
        if far := elsewhere(told, [target.url for target in targets]):
            raise CouldNotLook(
                f"no target is at {url}, and {far[0]} is a name of another network, which may be the same",
                right="a profile's url that the Prometheus uses as well",
            )
        near = sorted({target.url for target in targets if _close(target.url, url)})
        beside = f"; the nearest is {near[0]}" if near else ""
        return [Finding(url, f"is no target of {told.url}, which scrapes {len(targets)}{beside}", "scraped")]


def _by_name(rules: Iterable[LoadedRule]) -> Named:
    found: Named = defaultdict(list)
    for rule in rules:
        found[rule.kind, rule.name].append(rule)
    return found


def _place(places: Mapping[tuple[str, str], str], rule: LoadedRule) -> str:
    return places.get((rule.group, rule.name), f"{rule.group}/{rule.name}")


def _close(theirs: str, ours: str) -> bool:
    """Whether two URLs differ in their path alone."""
    return theirs.split("/")[:3] == ours.split("/")[:3]


def _alike(rule: Rule, loaded: LoadedRule) -> bool:
    return (rule.kind, rule.name) == (loaded.kind, loaded.name)


def _equal(rule: Rule, loaded: LoadedRule) -> bool:
    """Whether nothing differs; False where that can't be told."""
    try:
        return next(differences(rule, loaded), None) is None
    except Undecided:
        return False


def _absence(rule: Rule, loaded: Mapping[str, Iterable[LoadedRule]]) -> str:
    """That a rule is not loaded, and where one is that may be meant."""
    for group, others in loaded.items():
        for other in others:
            if group != rule.group and _alike(rule, other):
                return f"not loaded; one of that name is in group {group}"
    for other in loaded.get(rule.group, ()):
        if other.kind == rule.kind and _asks_the_same(rule, other):
            return f"not loaded; its expression is loaded as {other.name}"
    return "not loaded"


def _asks_the_same(rule: Rule, other: LoadedRule) -> bool:
    try:
        return same_expression(rule.expr, other.query)
    except Undecided:
        return False
