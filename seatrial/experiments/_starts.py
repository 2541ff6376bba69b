"""What experiments on ends and beginnings share: how long a start may take, where a replica is asked, and how a start is timed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from seatrial.experiments import _probes
from seatrial.experiments._sampling import Asker
from seatrial.facts.experiment import Bound, Sample
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.experiments._bench import Bench, Scene
    from seatrial.experiments._lives import Life
    from seatrial.facts.container import Container
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import HttpCheck
    from seatrial.safety.acts import Replica

__all__ = ["ASKED", "EVERY", "SPARE", "budget", "grace", "place", "requests", "started", "starting", "until_ready"]

EVERY = 0.2
"""Seconds between two samples of a probe: ends and beginnings are short."""
SPARE = 2.0
"""Seconds that are waited beyond a bound, so that what is late is told with its number."""
LEAST, LONGEST = 15.0, 180.0
"""Seconds a start is waited for, whatever its budget is: what is late is told with its number, and is not left half way."""
ASKED = ("liveness", "readiness", "startup", "request")
"""What must be well before anything is done, and is waited for afterwards."""


def _container(runtime: Runtime | Missing, name: str) -> Container | None:
    found = () if isinstance(runtime, Missing) else runtime.containers.get(name, ())
    return None if isinstance(found, Missing) or not found else found[0]


def grace(session: Session, runtime: Runtime | Missing, name: str) -> Bound:
    """How long a service may take to stop, and who says so."""
    declared = session.profile.services[name].grace_period
    if declared is not None:
        return Bound(declared.seconds, f"services.{name}.grace_period")
    container = _container(runtime, name)
    if container is not None:
        return Bound(container.stop_timeout, f"StopTimeout of container {container.name}")
    return Bound(30.0, f"default of Kubernetes, as services.{name}.grace_period is not declared")


def budget(session: Session, runtime: Runtime | Missing, name: str) -> tuple[Bound, str] | None:
    """How long a start may take before whoever asks the probe ends it, and the probe that must be well by then."""
    service = session.profile.services[name]
    container = _container(runtime, name)
    check = container.healthcheck if container else None
    if service.startup is not None:
        return _declared(service.startup, f"services.{name}.startup"), "startup"
    liveness = service.liveness
    if liveness is not None and (liveness.period or liveness.failure_threshold):
        return _declared(liveness, f"services.{name}.liveness"), "liveness"
    if container is not None and check is not None and service.readiness is not None:
        told = f"start_period + interval × retries, of HEALTHCHECK of container {container.name}"
        return Bound(check.start_period + check.interval * check.retries, told), "readiness"
    if liveness is not None:
        return _declared(liveness, f"services.{name}.liveness"), "liveness"
    return None


def _declared(check: HttpCheck, where: str) -> Bound:
    defaults = _probes.KUBERNETES
    period = check.period.seconds if check.period else defaults["period"]
    failures = check.failure_threshold or defaults["failures"]
    lacking = [key for key in ("period", "failure_threshold") if getattr(check, key) is None]
    told = f"period × failure_threshold, of {where}"
    return Bound(period * failures, f"{told}, with Kubernetes' default {' and '.join(lacking)}" if lacking else told)


def starting(bench: Bench, name: str) -> dict[str, Bound]:
    """The bound of a start, for a timeline."""
    found = budget(bench.session, bench.runtime, name)
    return {"startup budget": found[0]} if found else {}


def place(bench: Bench, name: str, replica: Replica) -> tuple[str, str]:
    """Who a replica is among the samples, and where it is asked: its own address, else the service's."""
    places = dict(_probes.places(bench.session, name, bench.hands.replicas(name)))
    if replica.name in places:
        return replica.name, places[replica.name]
    return _probes.FRONT, places.get(_probes.FRONT, "")


def requests(bench: Bench, name: str, every: float) -> tuple[Asker, ...]:
    """The canary at every place, often: what users get while a replica ends. And the startup probe, which is asked only here."""
    session, service = bench.session, bench.service(name)
    found = []
    for who, base in _probes.places(session, name, bench.hands.replicas(name)):
        if service.canary is not None:
            call = _probes.canary(session, name, service.canary, base=base, probe="request")
            found.append(Asker("request", who, call, every, 4))
        if service.startup is not None:
            ask = _probes.sampled(session, service, "startup", service.startup, base)
            found.append(Asker("startup", who, ask, 2 * EVERY, 4))
    return tuple(found)


def until_ready(scene: Scene, since: float, within: float) -> bool:
    """Wait until a service that was started is well again; whether it was before time was up."""
    if not any(asker.probe in ASKED for asker in scene.watch.askers):
        scene.watch.hold(1.0)
        return True
    return scene.settled(within=min(LONGEST, max(LEAST, within)), probes=ASKED, since=since)


def started(scene: Scene, life: Life, who: str, suffix: str = "") -> None:
    """Note how long a life took until each probe was well for the first time."""
    for probe in ("startup", "liveness", "readiness"):
        if first := _first(scene, lambda s, probe=probe: s.probe == probe and s.who == who and s.at >= life.first):  # type: ignore[misc]
            scene.numbers[f"{probe} after start{suffix}"] = round(first.end - life.first, 2)


def _first(scene: Scene, wanted: Callable[[Sample], bool]) -> Sample | None:
    return next((sample for sample in scene.watch.samples() if sample.ok and wanted(sample)), None)
