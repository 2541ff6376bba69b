"""What is asked of a service while something is done to it: its probes, at every replica's own address, and its canary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.drivers import http
from seatrial.drivers._http_calls import call, differs, renamed, unique
from seatrial.experiments._sampling import Asker
from seatrial.facts import document
from seatrial.facts.answer import Answer, declared_statuses
from seatrial.facts.experiment import Bound, Sample
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.container import Healthcheck
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Canary, HttpCheck, Service
    from seatrial.safety.acts import Replica

__all__ = [
    "bounds",
    "canary",
    "fresh",
    "healthcheck",
    "interval",
    "probes",
    "sampled",
    "waited_for",
]

FRONT = "front"
KINDS = ("liveness", "readiness", "startup", "health")
LEAST, MOST = 0.05, 1.0
"""Seconds between two samples, whatever the bounds are."""


def places(session: Session, name: str, replicas: tuple[Replica, ...]) -> list[tuple[str, str]]:
    """Who is asked, and where: every replica at its own address; the front too, where it is another place."""
    service = session.profile.services[name]
    own = [(replica.name, replica.url) for replica in replicas if replica.url and replica.running]
    if service.url is None:
        return own
    url = http.base_of(session, service)
    if not own or (len(own) == 1 and urlsplit(own[0][1]).netloc == urlsplit(url).netloc):
        return [(FRONT, url)]
    return [*own, (FRONT, url)]


def sampled(session: Session, service: Service, kind: str, check: HttpCheck, base: str) -> Callable[[], Sample]:
    """Asks one probe once."""
    right = declared_statuses(check)

    def ask() -> Sample:
        _, given = http.asking(session, service, check)
        answer = http.ask(session, _at(base, check) + check.path, **given)
        if isinstance(answer, Missing):  # that it could be asked was shown before anything was done
            return Sample(0.0, kind, "", ok=False, failure=answer.reason)
        ok = answer.whole and answer.status in right
        return Sample(
            0.0, kind, "", ok, answer.status, answer.seconds, "" if ok and not answer.failure else answer.failure,
            **_said(check, answer),
        )  # fmt: skip

    return ask


def _at(base: str, check: HttpCheck) -> str:
    """The place of a check that has a port of its own."""
    if check.port is None:
        return base
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.hostname}:{check.port}{parts.path}"


def _said(check: HttpCheck, answer: Answer) -> dict[str, Any]:
    """What a health document says of the whole and of its parts."""
    body = document.parse(answer.body.text) if check.status or check.components else None
    if body is None:
        return {}
    healthy = frozenset(check.healthy or ()) or document.HEALTHY
    parts = document.components(document.search(check.components, body)) if check.components else {}
    overall = document.word(document.search(check.status, body)) if check.status else None
    neutral = document.NEUTRAL
    ill = tuple(name for name, said in parts.items() if said is not None and said not in healthy | neutral)
    return {"overall": overall or "", "unhealthy": ill}


def fresh(node: Canary) -> Canary:
    """The call with a sentinel of its own, where it declares one."""
    if node.sentinel is None:
        return node
    return renamed(node, node.sentinel, unique(node.sentinel))


def canary(
    session: Session, name: str, node: Canary, *, probe: str = "canary", base: str = "", fast: float | None = None
) -> Callable[[], Sample]:
    """Makes a declared call once, and reads back what it wrote; both must be as declared.

    Args:
        session: of the run.
        name: the service.
        node: the call.
        probe: what its samples are called.
        base: where, when not at the service's URL.
        fast: bound of each part in seconds, when not the declared one.
    """
    service = session.profile.services[name]

    def ask() -> Sample:
        own = fresh(node)
        answer = call(session, service, own, base=base, timeout=fast)
        if isinstance(answer, Missing):
            return Sample(0.0, probe, "", ok=False, failure=answer.reason)
        why, seconds, status = differs(own, answer), answer.seconds, answer.status
        if not why and own.read_back is not None:
            back = call(session, service, own.read_back, base=base, timeout=fast)
            differ = back.reason if isinstance(back, Missing) else differs(own.read_back, back)
            why = f"what it wrote is not read back: {differ}" if differ else ""
            seconds += 0.0 if isinstance(back, Missing) else back.seconds
        if not why and own.remove is not None:
            call(session, service, own.remove, base=base, timeout=fast)
        return Sample(0.0, probe, "", not why, status, seconds, why)

    return ask


def probes(session: Session, name: str, replicas: tuple[Replica, ...], every: float) -> Iterator[Asker]:
    """An asker for each declared probe of a service at each place."""
    service = session.profile.services[name]
    for who, base in places(session, name, replicas):
        for kind in KINDS:
            check: HttpCheck | None = getattr(service, kind)
            if check is not None and kind != "startup":
                waiting = min(32, math.ceil(check.timeout.seconds / every) + 1)
                yield Asker(kind, who, sampled(session, service, kind, check, base), every, waiting)


def interval(bounds: dict[str, Bound]) -> float:
    """Seconds between two samples: a quarter of the tightest bound, so that even a late one is within the half.

    How often an orchestrator asks is no bound: nothing must happen within it.
    """
    tightest = min((bound.seconds for name, bound in bounds.items() if not name.startswith(PERIOD)), default=4.0)
    return min(MOST, max(LEAST, tightest / 4))


PERIOD = "period of "
KUBERNETES = {"period": 10.0, "timeout": 1.0, "failures": 3}
"""Defaults of a probe: Kubernetes, Configure Liveness, Readiness and Startup Probes."""


def healthcheck(runtime: Runtime | Missing, name: str) -> tuple[Healthcheck, str] | None:
    """The HEALTHCHECK really configured in a container of a service, the one that asks most often; and the container's name."""
    containers = Missing("") if isinstance(runtime, Missing) else runtime.containers.get(name, ())
    if isinstance(containers, Missing):
        return None
    found = [(one.healthcheck, one.name) for one in containers if one.healthcheck is not None]
    return min(found, key=lambda one: one[0].interval, default=None)


def waited_for(runtime: Runtime | Missing, name: str) -> str:
    """Who waits for the HEALTHCHECK of a service before it starts, as compose tells; empty when nobody is known to."""
    if isinstance(runtime, Missing):
        return ""
    own = runtime.containers.get(name, ())
    known = {dict(one.labels).get(f"{COMPOSE}.service", name) for one in (() if isinstance(own, Missing) else own)}
    for containers in runtime.containers.values():
        for one in () if isinstance(containers, Missing) else containers:
            labels = dict(one.labels)
            for waits in labels.get(f"{COMPOSE}.depends_on", "").split(","):
                other, _, condition = waits.partition(":")
                if other in known and condition.startswith("service_healthy"):
                    return f"{labels.get(f'{COMPOSE}.service', one.name)} waits for it to be healthy"
    return ""


COMPOSE = "com.docker.compose"


def bounds(session: Session, runtime: Runtime | Missing, name: str) -> dict[str, Bound]:
    """What is asked of a service in time, each with who says so: the profile, else its HEALTHCHECK, else Kubernetes.

    Gives, for liveness and readiness where declared, ``timeout of …`` and ``period of …``; and ``unready_within`` and
    ``ready_within``, which are as long as a probe takes to notice where the profile does not say.
    """
    service = session.profile.services[name]
    found: dict[str, Bound] = {}
    configured = healthcheck(runtime, name)
    for kind in ("liveness", "readiness"):
        check: HttpCheck | None = getattr(service, kind)
        if check is None:
            continue
        where = f"services.{name}.{kind}"
        if configured:
            own, source = configured[0], f"HEALTHCHECK of container {configured[1]}"
            period, timeout, failures = own.interval, own.timeout, own.retries
            worked = "interval × retries + timeout"
        else:
            source = "default of Kubernetes"
            period, timeout, failures = KUBERNETES["period"], KUBERNETES["timeout"], int(KUBERNETES["failures"])
            worked = "period × failureThreshold + timeout"
        asked = Bound(timeout, source)
        if "timeout" in check.model_fields_set:
            asked = Bound(check.timeout.seconds, f"{where}.timeout")
        every = Bound(check.period.seconds, f"{where}.period") if check.period else Bound(period, source)
        found[f"timeout of {kind}"], found[f"{PERIOD}{kind}"] = asked, every
        if kind == "readiness":
            declared = [key for key in ("period", "failure_threshold", "timeout") if key in check.model_fields_set]
            noticed = every.seconds * (check.failure_threshold or failures) + asked.seconds
            if declared:
                source = f"{source}, with {', '.join(declared)} of {where}"
            for key in ("unready_within", "ready_within"):
                own_bound = getattr(check, key)
                found[key] = (
                    Bound(own_bound.seconds, f"{where}.{key}") if own_bound else Bound(noticed, f"{worked}, {source}")
                )
    return found
