"""What must not be loaded, not now, or not so much: refused before anything is sent, with the key of the profile that says so."""

from __future__ import annotations

import datetime as dt
import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seatrial.drivers import http
from seatrial.words import CouldNotLook, Duration, Missing, Rate

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.load.plan import LoadPlan
    from seatrial.profile.model import Profile
    from seatrial.profile.objectives import Slo, Window

__all__ = ["closed", "needed_by", "refuse", "refuse_silent", "unpaid"]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ASKED_WITHIN = 10.0
"""Seconds that the first question may take."""


def refuse(bench: Bench, name: str, slo: Slo, plan: LoadPlan, *, now: dt.datetime | None = None) -> None:
    """Refuse a load that must not be made. Nothing is sent.

    Args:
        bench: of the run.
        name: the objective's, without ``slos.``.
        slo: the objective.
        plan: what would be done.
        now: the time, when it is not that of the clock.

    Raises:
        CouldNotLook: with the reason, and the key that says so.
    """
    where = f"slos.{name}"
    if any(importlib.util.find_spec(name) is None for name in ("locust", "hdrh", "numpy")):
        raise CouldNotLook("loads are made by Locust, which is not installed", right="pip install 'seatrial[load]'")
    if slo.window is not None and (why := closed(slo.window, now or dt.datetime.now(dt.UTC), plan.lasts)):
        raise CouldNotLook(f"no load is made: {why}", right=f"{where}.window")
    for service, why in unpaid(bench.profile, slo.service):
        raise CouldNotLook(f"no load is made on {slo.service}: {why}", right=f"services.{service}.double")
    for service in (slo.service, *needed_by(bench.profile, slo.service)):
        if why := _absent_double(bench, service):
            raise CouldNotLook(f"no load is made on {slo.service}: {why}", right=f"services.{service}.double")
    _refuse_too_much(where, slo, plan)
    _refuse_unknown(where, slo, plan)


def _refuse_too_much(where: str, slo: Slo, plan: LoadPlan) -> None:
    most = slo.max_rate.per_second if slo.max_rate else 0.0
    fastest = plan.rate or (plan.users / plan.pause if plan.users and plan.pause else 0.0)
    if most and fastest > most * (1 + 1e-9):
        raise CouldNotLook(
            f"{Rate(round(fastest, 3))} would be made, and no more than {slo.max_rate} may be",
            right=f"{where}.max_rate",
        )
    if plan.max_requests and plan.rate:
        each = sum(1 for call in plan.calls if not call.undo) or 1
        wanted = round(plan.rate * (plan.lasts - plan.ramp / 2) * each)
        if wanted > plan.max_requests:
            raise CouldNotLook(
                f"{wanted} requests would be made in {Duration(round(plan.lasts, 3))}, and no more than {plan.max_requests} "
                "may be",
                right=f"{where}.max_requests",
            )


def _refuse_unknown(where: str, slo: Slo, plan: LoadPlan) -> None:
    """Numbers of endpoints that this load never asks; what a Locust file asks is known when it has run."""
    asked = [call.name for call in plan.calls if not call.undo]
    for endpoint in slo.endpoints if asked else ():
        if endpoint not in asked:
            raise CouldNotLook(
                f"{endpoint} is no request of this load; it makes {', '.join(asked)}", right=f"{where}.endpoints"
            )


# --- what costs money -------------------------------------------------------------------------------------------------


def needed_by(profile: Profile, service: str) -> list[str]:
    """Every service that one needs, directly or not, whether it is ready without them or not."""
    found: list[str] = []
    todo = [service]
    for name in todo:
        node = profile.services.get(name)
        if node is None:
            continue
        # Where a double stands in for a service, what that one needs is not asked, but what the double needs.
        needed = [node.double] if node.double is not None and name != service else list(node.depends_on or {})
        for other in needed:
            if other not in found and other != service:
                found.append(other)
                todo.append(other)
    return found


def unpaid(profile: Profile, service: str) -> Iterator[tuple[str, str]]:
    """Services that cost money when they are asked, that a service needs, and that nothing stands in for."""
    for name in (service, *needed_by(profile, service)):
        node = profile.services.get(name)
        if node is not None and node.paid and node.double is None:
            needs = "it" if name == service else f"{name}, which it needs,"
            yield name, f"{needs} is paid, and no double is named"


def _absent_double(bench: Bench, service: str) -> str:
    """Why the double of a paid service does not stand in for it: it does not run, as far as that can be seen."""
    node = bench.profile.services.get(service)
    if node is None or not node.paid or node.double is None:
        return ""
    double = bench.profile.services.get(node.double)
    if double is None:
        return f"{service} is paid, and its double {node.double} is no service of the profile"
    if double.external:
        return ""
    try:
        replicas = bench.hands.replicas(node.double)
    except CouldNotLook:
        return ""
    if replicas and not any(one.running for one in replicas):
        return f"{service} is paid, and its double {node.double} does not run"
    return ""


# --- when ---------------------------------------------------------------------------------------------------------------


def closed(window: Window, now: dt.datetime, lasts: float) -> str:
    """Why a load of so many seconds must not begin now; empty when it may.

    A window over midnight belongs to the day on which it opens. Where clocks are put forward or back in it, the later
    opening and the earlier closing count.
    """
    try:
        zone = ZoneInfo(window.zone)
        opens, closes = _time(window.opens), _time(window.closes)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"its window can't be read: {window.opens} to {window.closes} in {window.zone}"
    here = now.astimezone(zone)
    told = f"it may run {'on ' + ', '.join(window.days) + ' ' if window.days else ''}from {window.opens} to {window.closes} ({window.zone})"
    for back in (1, 0):  # one that opened yesterday may still be open
        day = here.date() - dt.timedelta(days=back)
        if window.days and DAYS[day.weekday()] not in window.days:
            continue
        begin = max(_at(day, opens, zone, fold) for fold in (0, 1))
        last = day if closes > opens else day + dt.timedelta(days=1)
        end = min(_at(last, closes, zone, fold) for fold in (0, 1))
        if begin <= now < end:
            late = now + dt.timedelta(seconds=lasts) - end
            if late <= dt.timedelta(0):
                return ""
            return f"it would last {Duration(round(lasts))}, and its window closes at {window.closes} ({window.zone})"
    return f"{told}, and it is {here:%a %H:%M}".replace(here.strftime("%a"), DAYS[here.weekday()])


def _time(text: str) -> int:
    """Minutes after midnight of ``22:00``; 24:00 is a whole day.

    Raises:
        ValueError: it is no time of day.
    """
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == 2 and len(minutes) == 2 and hours.isdigit() and minutes.isdigit()):
        raise ValueError(text)
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > 24 * 60:
        raise ValueError(text)
    return found


def _at(day: dt.date, minutes: int, zone: ZoneInfo, fold: int) -> dt.datetime:
    """When a clock on the wall of that zone shows that time of a day; in UTC, as seconds are counted in it."""
    day += dt.timedelta(days=minutes // (24 * 60))
    shown = dt.datetime.combine(day, dt.time(minutes // 60 % 24, minutes % 60), zone).replace(fold=fold)
    return shown.astimezone(dt.UTC)


# --- what does not answer -------------------------------------------------------------------------------------------------


def refuse_silent(bench: Bench, slo: Slo, plan: LoadPlan) -> None:
    """Ask once, so that a wrong address, a certificate or a server that hangs is told in one line, and not as many failures.

    Raises:
        CouldNotLook: no answer came, whatever its status.
    """
    service = bench.profile.services[slo.service]
    check = service.liveness or service.readiness
    path, headers = "/", {}
    if check is not None and check.port is None:
        path, headers = check.path, {key: bench.session.resolve(value) for key, value in (check.headers or {}).items()}
    elif plan.calls and plan.calls[0].method == "GET" and not slo.canary:
        path, headers = (slo.call or "GET /").split()[-1], plan.calls[0].headers
    answer = http.ask(
        bench.session, http.base_of(bench.session, service) + path, headers=headers, secret=list(headers),
        timeout=min(ASKED_WITHIN, plan.timeout), tls=service.tls,
    )  # fmt: skip
    if isinstance(answer, Missing):
        raise CouldNotLook(f"the load was not begun: {answer.reason}", right=answer.right)
    if not answer.status:
        raise CouldNotLook(f"the load was not begun: {slo.service} {answer.failure or 'gave no answer'} (GET {path})")
