"""What a service says and does while a dependency is stopped, hung or slow, and after it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.profile.nouns.probes import FAULTS, fault_of

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.experiment import Timeline
    from seatrial.profile.model import Profile
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "ORDER", "run", "seconds", "title"]

NOUNS = ("outage", "optional_outage")
ORDER = 10
HELD = 2.0
"""Seconds a fault is held at least after the service said that it is not ready, so that what it says then is heard."""
POLLS_AFTER = 3.0
"""Seconds readiness is watched after it came back."""


def title(_profile: Profile, subject: Subject) -> str:
    """``api while redis is hung``."""
    fault, other = fault_of(subject)
    return f"{subject.service} while {other} is {fault}"


def seconds(profile: Profile, subject: Subject) -> float:
    """Steady state, fault, return: seldom as long as their bounds allow."""
    check = profile.services[subject.service].readiness
    unready = check.unready_within.seconds if check and check.unready_within else 10.0
    ready = check.ready_within.seconds if check and check.ready_within else 10.0
    return 4.0 + unready / 2 + HELD + ready / 2 + POLLS_AFTER


def run(bench: Bench, subject: Subject) -> Timeline:
    """One fault of one dependency, from a steady state to the next."""
    kind, other = fault_of(subject)
    with bench.scene(subject.service, title(bench.profile, subject)) as scene:
        scene.steady()
        wanted = {}
        if kind == "slow":
            wanted["delay"] = 2 * max(
                (bound.seconds for name, bound in scene.bounds.items() if name.startswith("timeout")), default=1.0
            )
        bound = scene.bounds.get("unready_within")
        within = bound.seconds if bound else 10.0
        with scene.fault(FAULTS[kind], other, kind, **wanted):
            began = scene.watch.now
            if subject.noun == "outage":
                asked = {who for probe, who in ((a.probe, a.who) for a in scene.watch.askers) if probe == "readiness"}
                scene.watch.until(
                    lambda samples: (
                        asked <= {s.who for s in samples if s.probe == "readiness" and s.at >= began and not s.ok}
                    ),
                    within + 1.0,
                )
            else:
                scene.watch.hold(within)
            scene.watch.hold(max(HELD, 3 * scene.interval))
        back = scene.bounds.get("ready_within")
        scene.settled(within=(back.seconds if back else 10.0) + 1.0)
        scene.watch.hold(POLLS_AFTER)
    return scene.timeline()
