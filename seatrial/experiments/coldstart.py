"""A cold start: everything that we run is stopped, and started again as after a power cut, without anybody's help.

The first time all at once, as an engine does after a reboot; the second time what depends on others first, and what it
depends on a while later: the worst order that there is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.drivers import http
from seatrial.experiments import _probes, _starts
from seatrial.experiments._sampling import Asker, Watch
from seatrial.facts.experiment import Bound, Fault, Sample, Timeline
from seatrial.profile.nouns.termination import needed, ours
from seatrial.safety.acts import NotRecovered
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.profile.model import Canary, HttpCheck, Profile, Service
    from seatrial.profile.subjects import Subject
    from seatrial.safety.acts import Act

__all__ = ["NOUNS", "ORDER", "TIMES", "run", "seconds", "title"]

NOUNS = ("cold_start",)
ORDER = 90
TIMES = 2
LATER = 2.0
"""Seconds by which dependencies come later than what needs them, the second time."""
BEYOND = 8.0
"""Seconds that are waited beyond the longest bound."""
IN_A_ROW = 3


def title(_profile: Profile, _subject: Subject) -> str:
    """``the whole stack is started from nothing, twice``."""
    return "the whole stack is started from nothing, twice"


def seconds(profile: Profile, _subject: Subject) -> float:
    """A stop and a start of everything, twice."""
    return 4.0 + TIMES * (4.0 + 2.0 * len(list(ours(profile))))


def run(bench: Bench, _subject: Subject) -> Timeline:
    """Stop everything and start everything, twice."""
    if bench.disturber.broken:
        raise NotRecovered(f"nothing more is disturbed in this run: {bench.disturber.broken.reason}")
    services = dict(ours(bench.profile))
    bounds = {
        name: Bound(node.cold_start_within.seconds, f"services.{name}.cold_start_within")
        for name, node in services.items()
        if node.cold_start_within is not None
    }
    watch = Watch(tuple(_askers(bench, tuple(services))))
    numbers: dict[str, float] = {}
    notes: dict[str, str] = {}
    faults: list[Fault] = []
    with watch.open():
        _steady(watch)
        for number in range(1, TIMES + 1):
            _round(bench, watch, number, _order(bench.profile), bounds, numbers, notes, faults)
            if not _well(watch, watch.now, 5.0):
                break
    return Timeline(
        experiment=title(bench.profile, _subject),
        service="target",
        seconds=round(watch.now, 3),
        samples=watch.samples(),
        faults=tuple(faults),
        moments=tuple(watch.moments),
        bounds=bounds,
        numbers=numbers,
        notes=notes,
        interval=_starts.EVERY,
    )


def _askers(bench: Bench, names: tuple[str, ...]) -> list[Asker]:
    """Readiness and canary of every service; ``who`` is the service."""
    found = []
    for name in names:
        service, base = bench.service(name), _Place(bench, name)
        if not base.now():
            continue
        if service.readiness is not None:
            found.append(
                Asker("readiness", name, partial(_ready, bench, service, service.readiness, base), _starts.EVERY, 16)
            )
        if service.canary is not None:
            found.append(Asker("canary", name, partial(_call, bench, name, service.canary, base), 0.5, 8))
    if not any(asker.probe == "readiness" for asker in found):
        raise CouldNotLook(
            "no service has a URL and a readiness that could tell when it is ready", right="services.X.readiness"
        )
    return found


def _ready(bench: Bench, service: Service, check: HttpCheck, base: _Place) -> Sample:
    return _probes.sampled(bench.session, service, "readiness", check, base.now())()


def _call(bench: Bench, name: str, node: Canary, base: _Place) -> Sample:
    return _probes.canary(bench.session, name, node, base=base.now())()


class _Place:
    """Where a service is reached: at its URL; where that is a container's own address, at the one it has now, as an engine gives
    addresses anew in the order of starts.
    """

    KNOWN = 0.5
    """Seconds an address is taken for known."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench, self.name = bench, name
        service = bench.service(name)
        self.url = http.base_of(bench.session, service) if service.url is not None else ""
        own = {urlsplit(one.url).netloc for one in bench.hands.replicas(name) if one.url}
        self.moves = len(own) == 1 and (not self.url or urlsplit(self.url).netloc in own)
        self.looked = 0.0

    def now(self) -> str:
        if self.moves and time.monotonic() - self.looked > self.KNOWN:
            self.looked = time.monotonic()
            with contextlib.suppress(CouldNotLook):
                self.url = next(
                    (one.url for one in self.bench.hands.replicas(self.name) if one.url and one.running), self.url
                )
        return self.url


def _order(profile: Profile) -> list[str]:
    """Services, each after all that it depends on."""
    found: list[str] = []

    def add(name: str, below: tuple[str, ...]) -> None:
        for other in needed(profile, name):
            if other not in below:
                add(other, (*below, name))
        if name not in found:
            found.append(name)

    for name, _ in ours(profile):
        add(name, ())
    return found


def _settled(watch: Watch, since: float, who: str = "") -> bool:
    """Whether everything that is asked (of one service) was well several times in a row."""
    for asker in watch.askers:
        if who and asker.who != who:
            continue
        last = [s.ok for s in watch.samples() if (s.probe, s.who) == (asker.probe, asker.who) and s.at >= since]
        if len(last) < IN_A_ROW or not all(last[-IN_A_ROW:]):
            return False
    return True


def _well(watch: Watch, since: float, within: float) -> bool:
    return watch.until(lambda _: _settled(watch, since), within)


def _steady(watch: Watch) -> None:
    """Nothing is stopped unless everything is well.

    Raises:
        CouldNotLook: it is not.
    """
    if not _well(watch, 0.0, 30.0):
        last = {(sample.probe, sample.who): sample for sample in watch.samples()}
        wrong = "; ".join(str(sample) for sample in last.values() if not sample.ok) or "answers change"
        raise CouldNotLook(f"the experiment was not begun: not all is as declared before anything is done: {wrong}")


def _round(
    bench: Bench,
    watch: Watch,
    number: int,
    order: list[str],
    bounds: dict[str, Bound],
    numbers: dict[str, float],
    notes: dict[str, str],
    faults: list[Fault],
) -> None:
    """One cold start."""
    # What depends on others is stopped first, and started first, too: undoing begins with what was stopped last.
    acts = [act for name in reversed(order) for act in bench.hands.acts("stop", name)]
    watch.mark(f"everything is about to be stopped ({number})")
    with bench.disturber.disturbed(*acts):
        began = watch.mark(f"everything is stopped ({number})")
        running = [name for name in order if any(one.running for one in bench.hands.replicas(name))]
        if running:
            raise CouldNotLook(f"not everything could be stopped: {', '.join(running)} still runs")
        proof = f"nothing of {', '.join(order)} runs"
        numbers[f"stopped ({number})"] = round(began, 3)
        started = watch.mark(f"everything is started ({number})")
        numbers[f"started ({number})"] = round(started, 3)
        _start(bench, watch, acts, order, number, numbers, notes)
        longest = max(bound.seconds for bound in bounds.values()) + BEYOND
        _well(watch, started, max(1.0, longest - (watch.now - started)))
        for name in bounds:
            first = next(
                (s for s in watch.samples() if (s.probe, s.who) == ("readiness", name) and s.ok and s.at >= started),
                None,
            )
            if first is not None and _settled(watch, started, name):
                numbers[f"{name} ready ({number})"] = round(first.end - started, 2)
        numbers[f"watched ({number})"] = round(watch.now - started, 1)
    faults.append(
        Fault(
            "stopped",
            "target",
            "; ".join(dict.fromkeys(act.how for act in acts)),
            proof,
            round(began, 3),
            round(started, 3),
        )
    )
    if not _well(watch, watch.now, 5.0):
        _help(bench, watch, bounds, notes)


def _start(
    bench: Bench,
    watch: Watch,
    acts: list[Act],
    order: list[str],
    number: int,
    numbers: dict[str, float],
    notes: dict[str, str],
) -> None:
    """Start what was stopped, beside the watch; the journal goes on saying that it must be, and undoing twice does no harm."""
    leaves = {name for name in order if not needed(bench.profile, name)}

    def start(act: Act) -> None:
        try:
            bench.hands.undo(act)
        except CouldNotLook as why:
            notes[f"start of {act.service} ({number})"] = why.reason

    threads = [threading.Thread(target=start, args=(act,), daemon=True) for act in acts]
    try:
        for act, thread in zip(acts, threads, strict=True):
            if number == 1 or act.service not in leaves:
                thread.start()
        if number > 1:
            watch.hold(LATER)
        numbers[f"dependencies started ({number})"] = round(watch.now, 3)
        for act, thread in zip(acts, threads, strict=True):
            if number > 1 and act.service in leaves:
                thread.start()
    finally:
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _help(bench: Bench, watch: Watch, bounds: dict[str, Bound], notes: dict[str, str]) -> None:
    """What did not come by itself is restarted, so that the target is as it was found."""
    for name in bounds:
        last = [s.ok for s in watch.samples() if s.who == name][-IN_A_ROW:]
        if last and all(last):
            continue
        watch.mark(f"{name} is restarted, as it did not turn ready by itself")
        with bench.disturber.disturbed(*bench.hands.acts("restart", name, grace=10.0)):
            since = watch.now
            well = watch.until(lambda _, since=since, name=name: _settled(watch, since, name), 30.0)  # type: ignore[misc]
        notes[f"helped {name}"] = "ready after it was restarted" if well else "not ready after it was restarted, either"
