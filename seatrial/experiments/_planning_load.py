"""What a load of the profile comes to: every reference resolved, every request spelled out, before anything is sent."""

from __future__ import annotations

import base64
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import seatrial
from seatrial.drivers import http
from seatrial.drivers._http_calls import method_of, spoken
from seatrial.facts.loads.run import Planned
from seatrial.load.plan import Call, LoadPlan
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Canary, Service
    from seatrial.profile.objectives import ClassNumbers, Slo

__all__ = ["CPUS", "cpus_of", "locustfile_of", "plan_of", "planned_of", "what_of"]

CPUS = "SEATRIAL_LOAD_CPUS"
"""Variable that says which processors the load is made on: ``1``, ``0-3,8``."""
SUCCESS = tuple(range(200, 300))
GONE = (404, 410)


def plan_of(session: Session, slo_name: str, slo: Slo, class_numbers: ClassNumbers | None = None) -> LoadPlan:
    """The load of an objective.

    Args:
        session: of the run; its references are resolved by it.
        slo_name: the objective's name in the profile, without ``slos.``.
        slo: the objective.
        class_numbers: what of it is different on this class of hardware.

    Raises:
        CouldNotLook: something that the load needs can't be had.
    """
    service = session.profile.services[slo.service]
    parts = urlsplit(http.base_of(session, service))
    rate = class_numbers.rate if class_numbers and class_numbers.rate else None
    users = class_numbers.users if class_numbers and class_numbers.users and rate is None else None
    if rate is None and users is None:
        rate, users = slo.rate, slo.users
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    file = locustfile_of(session.base, slo.locustfile) if slo.locustfile is not None else None
    workers = slo.workers
    return LoadPlan(
        name=f"slos.{slo_name}",
        host=f"{parts.scheme}://{parts.netloc}{parts.path}" if file else where,
        calls=() if file else _calls(session, service, slo, parts.path),
        sentinel=(service.canary.sentinel or "") if slo.canary and service.canary else "",
        locustfile=str(file) if file else "",
        environment={name: session.resolve(value) for name, value in slo.environment.items()},
        tls=_tls(session, service),
        rate=rate.per_second if rate else 0.0,
        arrivals=slo.arrivals,
        users=users or 0,
        pause=float(slo.pause.seconds),
        ramp=float(slo.ramp.seconds),
        warm_up=float(slo.warm_up.seconds),
        duration=float(slo.duration.seconds),
        timeout=float(slo.timeout.seconds),
        connections=slo.connections,
        max_requests=slo.max_requests or 0,
        stop_at=slo.stop_at.value,
        processes=workers if isinstance(workers, int) else 1,
        hosts={}
        if isinstance(workers, int)
        else {"expect": workers.expect, "listen": workers.listen, "within": workers.within.seconds},
        seed=zlib.crc32(slo_name.encode()) & 0x7FFFFFFF,
        cpus=cpus_of(os.environ.get(CPUS, "")),
    )


def _tls(session: Session, service: Service) -> dict[str, str]:
    """Absolute paths, and the name that the certificate must carry."""
    tls = service.tls
    if tls is None:
        return {}
    found = {"ca": tls.ca, "cert": tls.cert, "key": tls.key}
    told = {key: str(session.base / path) for key, path in found.items() if path}
    return told | ({"server_name": tls.server_name} if tls.server_name else {})


def _calls(session: Session, service: Service, slo: Slo, folder: str) -> tuple[Call, ...]:
    """The one request that is declared, or the canary with what reads back and takes away what it wrote."""
    if slo.canary:
        if service.canary is None:
            raise CouldNotLook(f"{slo.service} declares no canary", right=f"services.{slo.service}.canary")
        return tuple(_visit(session, service, service.canary, folder))
    method, _, path = (slo.call or "").partition(" ")
    path = path.strip()
    headers = _headers(session, service, slo.headers)
    body = "" if slo.body is None else json.dumps(slo.body)
    _checked(session, service, method, path, headers)
    return (Call(method, folder + path, f"{method} {path}", _typed(headers, body), body, SUCCESS),)


def _visit(session: Session, service: Service, node: Canary, folder: str) -> list[Call]:
    """A canary as a visit. Only what can tell its own writes from those of other visits reads back and takes away."""
    calls = [_call(session, service, node, folder)]
    if node.sentinel is not None:
        back = node.read_back
        while back is not None:
            calls.append(_call(session, service, back, folder))
            back = back.read_back
        if node.remove is not None:
            calls.append(_call(session, service, node.remove, folder, undo=True))
    return calls


def _call(session: Session, service: Service, node: Canary, folder: str, *, undo: bool = False) -> Call:
    method, path = method_of(node)
    headers = _headers(session, service, node.headers or {})
    body = json.dumps(node.body) if node.body is not None and method != "GET" else ""
    _checked(session, service, method, path, headers)
    expect = node.expect
    status = expect.status if expect else SUCCESS if undo else 200
    right = (status,) if isinstance(status, int) else tuple(status)
    if undo:  # what was never written, or is gone already, is as it should be
        right = tuple(dict.fromkeys((*right, *GONE)))
    needs = json.dumps(expect.match) if expect and expect.match and not undo else ""
    return Call(method, folder + path, spoken(node), _typed(headers, body), body, right, undo, needs)


def _headers(session: Session, service: Service, declared: dict[str, Any]) -> dict[str, str]:
    """Request headers, and what a user and password in the service's URL come to."""
    headers = {name: session.resolve(value) for name, value in declared.items()}
    parts = urlsplit(http.base_of(session, service))
    if parts.username is not None and not any(name.lower() == "authorization" for name in headers):
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
    return headers


def _typed(headers: dict[str, str], body: str) -> dict[str, str]:
    """Headers, with the type of a body where there is one and they do not say it."""
    if body and not any(name.lower() == "content-type" for name in headers):
        return {"Content-Type": "application/json", **headers}
    return headers


def _checked(session: Session, service: Service, method: str, path: str, headers: dict[str, str]) -> None:
    """Refuse what could not be sent: a URL that is none, a header with a line break, certificates that can't be read.

    Raises:
        CouldNotLook: with what is wrong.
    """
    try:
        http._request(session, http.base_of(session, service) + path, headers, service.tls, session.mask)
    except http._NotAsked as why:
        raise CouldNotLook(f"{method} can't be sent: {why.missing.reason}", right=why.missing.right) from None


def locustfile_of(base: Path, named: str) -> Path:
    """A Locust file by its path, relative to the profile, or by the name of one that is shipped.

    Raises:
        CouldNotLook: there is none.
    """
    shipped = os.sep not in named and not named.endswith(".py")
    file = seatrial.data("loadtests") / f"{named}.py" if shipped else base / named
    if not file.is_file():
        known = ", ".join(sorted(one.stem for one in seatrial.data("loadtests").glob("*.py") if one.stem[0] != "_"))
        hint = f"no load test of that name is shipped; there are {known or 'none'}" if shipped else f"looked for {file}"
        raise CouldNotLook(f"there is no Locust file {named}: {hint}", right="slos.NAME.locustfile")
    return file.resolve()


def cpus_of(told: str) -> tuple[int, ...]:
    """The processors of ``0-3,8``; none for an empty text.

    Raises:
        CouldNotLook: it is no such list, or this process may not run on one of them.
    """
    found: list[int] = []
    try:
        for part in filter(None, (part.strip() for part in told.split(","))):
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
    except ValueError:
        raise CouldNotLook(f"{CPUS}={told} is no list of processors such as 0-3,8") from None
    if hasattr(os, "sched_getaffinity") and (far := sorted(set(found) - os.sched_getaffinity(0))):
        raise CouldNotLook(f"{CPUS}={told}: this run may not use processor {far[0]}")
    return tuple(dict.fromkeys(found))


def what_of(plan: LoadPlan, slo: Slo) -> str:
    """What is asked, in words: ``GET /notes/welcome``, ``the canary of api``, ``loadtests/openviking.py``."""
    if plan.locustfile:
        file = Path(plan.locustfile)
        return f"{file.parent.name}/{file.name}"
    return f"the canary of {slo.service}" if slo.canary else (slo.call or "")


def planned_of(plan: LoadPlan, slo: Slo, *, by_locust: bool = False) -> Planned:
    """What was to be done, as it is recorded."""
    return Planned(
        loop="open" if plan.rate else "closed",
        rate=plan.rate,
        arrivals=plan.arrivals,
        users=plan.users,
        ramp=plan.ramp,
        warm_up=plan.warm_up,
        duration=plan.duration,
        timeout=plan.timeout,
        processes=plan.hosts.get("expect", plan.processes) if plan.hosts else plan.processes,
        what=what_of(plan, slo),
        by_locust=by_locust,
    )
