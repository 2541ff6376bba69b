"""What is asked of a service while something is done to it: its probes, at every replica's own address, and its canary."""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.drivers import http
from seatrial.drivers._http_calls import call, differs, renamed
from seatrial.experiments._sampling import Asker
from seatrial.facts import document
from seatrial.facts.answer import Answer, declared_statuses
from seatrial.facts.experiment import Bound, Sample
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Canary, HttpCheck, Service
    from seatrial.safety.acts import Replica

__all__ = ["bounds", "canary", "fresh", "front", "interval", "probes", "sampled"]

FRONT = "front"
KINDS = ("liveness", "readiness", "startup", "health")
LEAST, MOST = 0.05, 1.0
"""Seconds between two samples, whatever the bounds are."""
_RUN = secrets.token_hex(3)
_NUMBERS = itertools.count(1)


def front(session: Session, service: Service) -> str:
    """The service's own URL."""
    return http.base_of(session, service)


def places(session: Session, name: str, replicas: tuple[Replica, ...]) -> list[tuple[str, str]]:
    """Who is asked, and where: every replica at its own address; the front too, where it is another place."""
    service = session.profile.services[name]
    own = [(replica.name, replica.url) for replica in replicas if replica.url and replica.running]
    if service.url is None:
        return own
    url = front(session, service)
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
    return renamed(node, node.sentinel, f"{node.sentinel}-{_RUN}-{next(_NUMBERS)}")


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
    """Seconds between two samples: a quarter of the tightest bound, so that even a late one is within the half."""
    tightest = min((bound.seconds for bound in bounds.values()), default=4.0)
    return min(MOST, max(LEAST, tightest / 4))


KUBERNETES = {"period": 10.0, "timeout": 1.0, "failures": 3}
"""Defaults of a probe: Kubernetes, Configure Liveness, Readiness and Startup Probes."""


def bounds(session: Session, runtime: Runtime | Missing, name: str) -> dict[str, Bound]:
    """What is asked of a service in time, each with who says so: the profile, else its HEALTHCHECK, else Kubernetes."""
    service = session.profile.services[name]
    checks = () if isinstance(runtime, Missing) else runtime.containers.get(name, ())
    healthcheck = next(
        ((c.healthcheck, c.name) for c in (() if isinstance(checks, Missing) else checks) if c.healthcheck), None
    )
    found: dict[str, Bound] = {}
    for kind in ("liveness", "readiness"):
        check: HttpCheck | None = getattr(service, kind)
        if check is None:
            continue
        where = f"services.{name}.{kind}"
        period, failures, timeout, source = (
            KUBERNETES["period"],
            KUBERNETES["failures"],
            KUBERNETES["timeout"],
            "defaults of Kubernetes",
        )
        if healthcheck:
            period, failures, timeout = healthcheck[0].interval, healthcheck[0].retries, healthcheck[0].timeout
            source = f"HEALTHCHECK of container {healthcheck[1]}"
        if "timeout" in check.model_fields_set:
            found[f"timeout of {kind}"] = Bound(check.timeout.seconds, f"{where}.timeout")
        else:
            found[f"timeout of {kind}"] = Bound(timeout, source)
        declared = [key for key in ("period", "failure_threshold") if getattr(check, key) is not None]
        period = check.period.seconds if check.period else period
        failures = check.failure_threshold or failures
        timeout = found[f"timeout of {kind}"].seconds
        worked = (
            f"period × failure_threshold + timeout, of {where}"
            if declared
            else f"interval × retries + timeout, of {source}"
        )
        if kind == "readiness":
            if check.unready_within:
                found["unready_within"] = Bound(check.unready_within.seconds, f"{where}.unready_within")
            else:
                found["unready_within"] = Bound(period * failures + timeout, worked)
            if check.ready_within:
                found["ready_within"] = Bound(check.ready_within.seconds, f"{where}.ready_within")
            else:
                found["ready_within"] = Bound(period * failures + timeout, worked)
    return found
