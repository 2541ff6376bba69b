"""One load from begin to end: refused, attested, calibrated, made and watched, and what was seen of it as one record."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seatrial.drivers._http_calls import spoken
from seatrial.experiments._attesting import attested, class_of, reference, stolen, ticks
from seatrial.experiments._calibrating import ceiling_of
from seatrial.experiments._guarding_load import Guards
from seatrial.experiments._launching import launched
from seatrial.experiments._planning_load import planned_of
from seatrial.experiments._refusing import refuse, refuse_silent
from seatrial.experiments._watching_load import Watching, watched
from seatrial.facts.loads.run import Generator, LoadRun, Second, Stream
from seatrial.outcomes import Tier
from seatrial.profile.nouns.objectives import slos_of
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.loads.run import Attested
    from seatrial.load.plan import LoadPlan
    from seatrial.profile.objectives import Slo

__all__ = ["run_load"]

SECRET = 4
"""Characters from which on a value is told from other text."""


def run_load(
    bench: Bench,
    slo_name: str,
    plan: LoadPlan,
    *,
    say: Callable[[str], None] | None = None,
    ceiling: float | Missing | None = None,
) -> LoadRun:
    """Make one load, and give what was seen.

    Args:
        bench: of the run.
        slo_name: the objective's name in the profile, without ``slos.``; its bounds hold whatever the plan is.
        plan: what is to be done: that of `plan_of`, or one with another rate.
        say: is told how far it is; the bench's own when absent.
        ceiling: what the generator was calibrated to a moment ago, where that need not be done again.

    Raises:
        CouldNotLook: it must not be made, or could not.
        KeyboardInterrupt, Late: what cut it short; what was seen until then is its attribute ``seen``.
    """
    slo = slos_of(bench.profile)[slo_name]
    say = say or bench.say
    bench.session.call("http", f"LOAD {plan.calls[0].method if plan.calls else 'by Locust'}", Tier.load)
    refuse(bench, slo_name, slo, plan)
    refuse_silent(bench, slo, plan)
    hardware = attested(bench)
    before = reference(plan.cpus)
    if ceiling is None:
        say("  the generator is calibrated against a local server that does nothing")
        ceiling = ceiling_of(plan)
    refuse(bench, slo_name, slo, plan)  # the window may have closed meanwhile
    guards = _guards(slo, plan)
    with watched(bench, slo.service, plan.lasts) as watching:
        watching.steady()
        began, processors = dt.datetime.now(dt.UTC), ticks()
        try:
            found = launched(plan, say, guard=guards.second, look=watching.why, mask=_mask(bench, slo, plan))
        except BaseException as cut:
            if seen := getattr(cut, "load", None):
                made = _record(
                    bench, slo, plan, seen, replace(hardware, reference=(before, ())), ceiling, began, watching
                )
                cut.seen = made  # type: ignore[attr-defined]
            raise
        watching.watch.mark("the load is over")
        lost = stolen(processors, ticks())
    hardware = replace(hardware, reference=(before, reference(plan.cpus)), stolen=lost)
    return _record(bench, slo, plan, found, hardware, ceiling, began, watching)


def _guards(slo: Slo, plan: LoadPlan) -> Guards:
    each = sum(1 for call in plan.calls if not call.undo) or 1
    return Guards(
        stop_at=slo.stop_at.value,
        errors=slo.errors.value if slo.errors is not None else None,
        planned=plan.rate * (plan.lasts - plan.ramp / 2) * each,
        max_rate=slo.max_rate.per_second if slo.max_rate and not plan.rate else 0.0,
    )


def _mask(bench: Bench, slo: Slo, plan: LoadPlan) -> Callable[[str], str]:
    """Takes out of a text what the run knows to be secret, and what the load is given by reference besides."""
    declared: list[Any] = [*slo.headers.values(), *slo.environment.values()]
    node = bench.profile.services[slo.service].canary if slo.canary else None
    while node is not None:
        declared += [*(node.headers or {}).values(), *((node.remove.headers or {}).values() if node.remove else ())]
        node = node.read_back
    values = {bench.session.resolve(each) for each in declared if not isinstance(each, str)}
    values |= {value for call in plan.calls for name, value in call.headers.items() if name.lower() == "authorization"}
    long = sorted((value for value in values if len(value) >= SECRET), key=len, reverse=True)

    def masked(text: str) -> str:
        for value in long:
            text = text.replace(value, "<a secret of the load>")
        return bench.session.mask(text)

    return masked


def _record(
    bench: Bench,
    slo: Slo,
    plan: LoadPlan,
    found: dict[str, Any],
    hardware: Attested,
    ceiling: float | Missing,
    began: dt.datetime,
    watching: Watching,
) -> LoadRun:
    """What a load's process gave, beside what was seen of its target."""
    made = found.get("generator") or {}
    zero = float(found["zero"])
    begin = began + dt.timedelta(seconds=max(0.0, zero - _monotonic_at(began)))
    mask = _mask(bench, slo, plan)
    notes = {}
    if left := int(found.get("left") or 0):
        notes["left behind"] = f"{left} of what {_written(bench, slo)} wrote could not be taken away"
    if not hardware.class_ and bench.profile.hardware and bench.profile.hardware.classes:
        notes["class"] = class_of(bench.profile, hardware.machine)[1]
    return LoadRun(
        slo=plan.name,
        service=slo.service,
        began=begin.isoformat(timespec="milliseconds"),
        planned=planned_of(plan, slo, by_locust=bool(found.get("by_locust") or made.get("by_locust"))),
        generator=Generator(
            version=str(made.get("version") or ""),
            busy=tuple(float(each) for each in made.get("busy") or ()),
            ceiling=ceiling,
            lag=str(made.get("lag") or ""),
            waited=int(made.get("waited") or 0),
            connections=int(made.get("connections") or 0),
            repeated=int(made.get("repeated") or 0),
            unread=float(made.get("unread") or 0.0),
            joined=int(made.get("joined") or 1),
            lost=int(made.get("lost") or 0),
        ),
        attested=hardware,
        streams=tuple(_stream(each, mask) for each in sorted(found["streams"], key=lambda one: bool(one["name"]))),
        seconds=float(found["seconds"]),
        stopped=mask(str(found.get("stopped") or "")),
        watched=watching.timeline(zero, f"{slo.service} under load of {plan.name}"),
        memory=watching.residents(zero),
        notes=notes,
    )


def _monotonic_at(moment: dt.datetime) -> float:
    """What the monotonic clock showed then."""
    return time.monotonic() - (dt.datetime.now(dt.UTC) - moment).total_seconds()


def _written(bench: Bench, slo: Slo) -> str:
    node = bench.profile.services[slo.service].canary
    return spoken(node) if slo.canary and node is not None else "the load"


def _stream(told: dict[str, Any], mask: Callable[[str], str]) -> Stream:
    errors: dict[str, int] = {}
    for kind, count in (told.get("errors") or {}).items():
        with suppress(TypeError, ValueError):
            errors[mask(str(kind))] = errors.get(mask(str(kind)), 0) + int(count)
    return Stream(
        name=str(told["name"]),
        seconds=tuple(
            Second(
                int(each["at"]),
                int(each["offered"]),
                int(each["right"]),
                int(each["failed"]),
                str(each.get("latency") or ""),
            )
            for each in told["seconds"]
        ),
        latency=str(told.get("latency") or ""),
        failed=str(told.get("failed") or ""),
        errors=errors,
    )
