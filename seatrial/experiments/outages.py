"""What a service says and does while a dependency is stopped, hung or slow, and after it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.experiments import _probes
from seatrial.facts.outage import LONGEST_GRACE
from seatrial.profile.nouns.probes import FAULTS, OUTAGES, fault_of

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.facts.experiment import Sample, Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = tuple(OUTAGES)
ORDER = 10
HELD = 2.0
"""Seconds a fault is held at least after the service said that it is not ready, so that what it says then is heard."""
POLLS_AFTER = 3.0
"""Seconds readiness is watched at least after it came back."""
LONGEST_CHECK = 30.0
"""Seconds between two runs of a HEALTHCHECK up to which a fault is held until it has run: the engine's own default."""
UNDECLARED = 10.0
"""Bound in seconds where a service declares no readiness."""


def title(_profile: Profile, subject: Subject) -> str:
    """``api while redis is hung``."""
    fault, other = fault_of(subject)
    return f"{subject.service} while {other} is {fault}"


def seconds(profile: Profile, subject: Subject) -> float:
    """Steady state, fault, return: seldom as long as their bounds allow."""
    service = profile.services[subject.service]
    check, node = service.readiness, (service.depends_on or {})[fault_of(subject)[1]]
    unready = check.unready_within.seconds if check and check.unready_within else UNDECLARED
    ready = check.ready_within.seconds if check and check.ready_within else UNDECLARED
    after = min(LONGEST_GRACE, check.period.seconds if check and check.period else LONGEST_GRACE) + 1.0
    return 4.0 + (unready if node.optional else unready / 2) + HELD + ready / 2 + max(POLLS_AFTER, after)


def _held(scene: Scene, *, required: bool) -> None:
    """Wait while the fault is there, for as long as it takes to see what a service makes of it."""
    began = scene.watch.now
    bound = scene.bounds.get("unready_within")
    within = bound.seconds if bound else UNDECLARED
    asked = {asker.who for asker in scene.watch.askers if asker.probe == "readiness"}

    def turned(samples: tuple[Sample, ...]) -> bool:
        return asked <= {s.who for s in samples if s.probe == "readiness" and s.at >= began and not s.ok}

    if required and asked:
        scene.watch.until(turned, within + 1.0)
    else:
        scene.watch.hold(within)
    scene.watch.hold(max(HELD, 3 * scene.interval))
    check = _probes.healthcheck(scene.bench.runtime, scene.service)
    if check is not None and check[0].interval <= LONGEST_CHECK:
        left = began + check[0].interval + check[0].timeout + 2.0 - scene.watch.now
        scene.watch.until(
            lambda samples: any(s.probe == "HEALTHCHECK" and s.at >= began for s in samples), max(0.0, left)
        )


def _noted(scene: Scene) -> None:
    """Whether there is a HEALTHCHECK, and what it stands for."""
    runtime, name = scene.bench.runtime, scene.service
    containers = getattr(runtime, "containers", {}).get(name)
    if isinstance(containers, tuple) and containers:
        check = _probes.healthcheck(runtime, name)
        scene.notes["HEALTHCHECK"] = f"every {check[0].interval:g} s, given {check[0].timeout:g} s" if check else "none"
        if waits := _probes.waited_for(runtime, name):
            scene.notes["HEALTHCHECK stands for readiness"] = waits


def run(bench: Bench, subject: Subject) -> Timeline:
    """One fault of one dependency, from a steady state to the next."""
    kind, other = fault_of(subject)
    node = (bench.service(subject.service).depends_on or {})[other]
    with bench.scene(subject.service, title(bench.profile, subject)) as scene:
        _noted(scene)
        scene.steady()
        wanted = {}
        if kind == "slow":
            wanted["delay"] = 2 * max(
                (bound.seconds for name, bound in scene.bounds.items() if name.startswith("timeout")), default=1.0
            )
        with scene.fault(FAULTS[kind], other, kind, **wanted):
            _held(scene, required=not node.optional)
        back = scene.bounds.get("ready_within")
        within = back.seconds if back else UNDECLARED
        # Twice the time: what comes late is told from what never comes.
        scene.settled(within=2 * within + 1.0)
        period = scene.bounds.get("period of readiness")
        scene.watch.hold(max(POLLS_AFTER, min(LONGEST_GRACE, period.seconds) + 1.0 if period else 0.0))
    return scene.timeline()
