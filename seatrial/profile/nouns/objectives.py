"""Objectives as subjects: each load, each number that is promised under it, and what is compared from run to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from seatrial.profile.subject import Noun, Subject

if TYPE_CHECKING:
    from seatrial.profile.model import Profile
    from seatrial.profile.objectives import ClassNumbers, Numbers, Slo

__all__ = ["NOUNS", "load_of", "slos_of"]


def slos_of(profile: Profile) -> dict[str, Slo]:
    """The objectives a profile declares; none where it says that there are none."""
    return profile.slos if isinstance(profile.slos, dict) else {}


def load_of(subject: Subject) -> str:
    """The id of the load that an objective is judged by: ``slos.read``."""
    return f"slos.{subject.path[1]}"


def _loads(noun: str, key: str = "") -> Callable[[Profile], Iterator[Subject]]:
    """Every load, or those that declare a key."""

    def find(profile: Profile) -> Iterator[Subject]:
        for name, node in slos_of(profile).items():
            if not key or getattr(node, key) is not None:
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
    "growth_objective": Noun(_loads("growth_objective", "growth"), "no objective declares growth", (), "objective"),
    "baseline": Noun(_baselines, "baseline is not declared", ("baseline",), "profile"),
}
