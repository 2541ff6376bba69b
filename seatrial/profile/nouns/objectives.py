"""Objectives as subjects: each load, each number that is promised under it, and what is compared from run to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Profile, Service
    from seatrial.profile.objectives import ClassNumbers, Numbers, Slo

__all__ = ["NOUNS", "load_of", "slos_of"]


def slos_of(profile: Profile) -> dict[str, Slo]:
    """The objectives a profile declares; none where it says that there are none."""
    return profile.slos if isinstance(profile.slos, dict) else {}


def load_of(subject: Subject) -> str:
    """The id of the load that an objective is judged by: ``slos.read``."""
    return f"slos.{subject.path[1]}"


def _loads(
    noun: str, such: Callable[[Profile, Slo], object] = lambda *_: True
) -> Callable[[Profile], Iterator[Subject]]:
    """Every load, or those of a kind."""

    def find(profile: Profile) -> Iterator[Subject]:
        for name, node in slos_of(profile).items():
            if such(profile, node):
                yield Subject(f"slos.{name}", noun, ("slos", name), node, node.service, proposed=node.proposed)

    return find


def _numbers(noun: str, key: str) -> Callable[[Profile], Iterator[Subject]]:
    """Each number of a kind: of a load as a whole, and of each of its endpoints; those of its classes are the same subjects."""

    def find(profile: Profile) -> Iterator[Subject]:
        for name, slo in slos_of(profile).items():
            for number in _declared(slo, "", key):
                path = ("slos", name, key, *((number,) if number else ()))
                id = ".".join(path)
                yield Subject(id, noun, path, slo, slo.service, proposed=slo.proposed)
            for endpoint, of in slo.endpoints.items():
                for number in _declared(slo, endpoint, key):
                    path = ("slos", name, "endpoints", endpoint, key, *((number,) if number else ()))
                    yield Subject(".".join(path), noun, path, slo, slo.service, proposed=slo.proposed or of.proposed)

    return find


def _declared(slo: Slo, endpoint: str, key: str) -> list[str]:
    """Quantiles that are promised, of whatever class; for what has no quantiles one empty name, where it is promised."""
    of: tuple[Slo | ClassNumbers, ...] = (slo, *slo.classes.values())
    numbers: list[Numbers] = (
        [each.endpoints[endpoint] for each in of if endpoint in each.endpoints] if endpoint else list(of)
    )
    if key == "latency":
        return list(dict.fromkeys(quantile for each in numbers for quantile in each.latency))
    return [""] if any(getattr(each, key) is not None for each in numbers) else []


def _quick(_profile: Profile, slo: Slo) -> bool:
    """Whether latency is promised of anything."""
    of: tuple[Slo | ClassNumbers, ...] = (slo, *slo.classes.values())
    return any(each.latency or any(one.latency for one in each.endpoints.values()) for each in of)


def _service(profile: Profile, slo: Slo) -> Service | None:
    return profile.services.get(slo.service)


def _seen(profile: Profile, slo: Slo) -> bool:
    """Whether its replicas can be seen, and not only what they answer."""
    service = _service(profile, slo)
    return profile.target.driver != "http" and service is not None and not service.external


def _paying(profile: Profile, slo: Slo) -> bool:
    """Whether something that costs money is needed for its answers, directly or not."""
    todo = [slo.service]
    for name in todo:
        node = profile.services.get(name)
        if node is not None and node.paid:
            return True
        todo += [other for other in (node.depends_on or {} if node is not None else ()) if other not in todo]
    return False


def _written(profile: Profile, slo: Slo) -> bool:
    """Whether its visits read back what they wrote."""
    canary = getattr(_service(profile, slo), "canary", None)
    own = canary is not None and canary.sentinel is not None and canary.read_back is not None
    return slo.locustfile is not None or (slo.canary and own)


def _baselines(profile: Profile) -> Iterator[Subject]:
    """The comparison of unloaded latencies."""
    if profile.baseline is not None:
        yield Subject("baseline", "baseline", ("baseline",), profile.baseline)


SECTIONS = ("slos",)
NOUNS = {
    "load": Noun(_loads("load"), "slos is not declared", SECTIONS, "objective"),
    "latency_objective": Noun(
        _numbers("latency_objective", "latency"), "no objective declares latency", (), "objective"
    ),
    "error_objective": Noun(_numbers("error_objective", "errors"), "no objective declares errors", (), "objective"),
    "throughput_objective": Noun(
        _numbers("throughput_objective", "throughput"), "no objective declares throughput", (), "objective"
    ),
    "growth_objective": Noun(
        _loads("growth_objective", lambda _, slo: slo.growth is not None),
        "no objective declares growth",
        (),
        "objective",
    ),
    "stated_load": Noun(_loads("stated_load"), "slos is not declared", (), "objective"),
    "quick_load": Noun(_loads("quick_load", _quick), "no objective declares latency", (), "objective"),
    "classed_load": Noun(
        _loads("classed_load", lambda _, slo: bool(slo.classes)), "no objective declares classes", (), "objective"
    ),
    "paying_load": Noun(_loads("paying_load", _paying), "no load reaches a paid service", (), "objective"),
    "written_load": Noun(_loads("written_load", _written), "no load reads back what it writes", (), "objective"),
    "live_load": Noun(
        _loads("live_load", lambda profile, slo: getattr(_service(profile, slo), "liveness", None)),
        "no service under load declares liveness",
        (),
        "objective",
    ),
    "ready_load": Noun(
        _loads("ready_load", lambda profile, slo: getattr(_service(profile, slo), "readiness", None)),
        "no service under load declares readiness",
        (),
        "objective",
    ),
    "seen_load": Noun(_loads("seen_load", _seen), "no replica of a service under load can be seen", (), "objective"),
    "unbounded_load": Noun(
        _loads("unbounded_load", lambda profile, slo: slo.growth is None and _seen(profile, slo)),
        "every load whose replicas can be seen declares growth",
        (),
        "objective",
    ),
    "baseline": Noun(_baselines, "baseline is not declared", ("baseline",), "profile"),
}
