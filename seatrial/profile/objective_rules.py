"""What objectives say in several keys must fit together, before any load is made by them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import seatrial
from seatrial.profile.problems import Problem, Where, dotted
from seatrial.profile.reading import Mapping, Position, Scalar, Sequence, Tree
from seatrial.words import Duration, Rate, Ratio

__all__ = ["NoService", "rules"]

NoService = Callable[[Position, Where, str], Problem]
"""Tells that a profile has no service of a name."""
U = TypeVar("U", Duration, Rate, Ratio)

_LOADS = ("call", "canary", "locustfile")
_QUANTILES = ("p50", "p75", "p90", "p95", "p99", "p99.5", "p99.9")
_QUANTILE = re.compile(r"p(\d{2}(?:\.\d)?)")
_CALL = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) +(/[!-~]*)")
_ASKED = re.compile(r"(\S+) +(GET|HEAD) +/[!-~]*")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
_ZONES = "a name of the tz database: UTC, Europe/Berlin"
_LISTED = 30
_MORE = 1 + 1e-9
"""Rates of different units are compared as numbers that were divided."""


def rules(tree: Tree, services: Collection[str], no_service: NoService) -> Iterator[Problem]:
    """Everything of `slos`, `baseline`, `hardware.classes` and of what is paid that no single key shows to be wrong."""
    checking = _Checking(tree, services, no_service)
    nodes = tree.root.get("services")
    for name, node in nodes.items() if isinstance(nodes, Mapping) else ():
        if isinstance(node, Mapping):
            yield from checking.service(node, ("services", str(name)))
    slos = tree.root.get("slos")
    if isinstance(slos, Mapping) and not isinstance(slos.get("none"), Scalar):
        for name, node in slos.items():
            if isinstance(node, Mapping):
                yield from checking.slo(node, ("slos", str(name)))
    baseline = tree.root.get("baseline")
    if isinstance(baseline, Mapping):
        yield from checking.baseline(baseline)


def _read(kind: type[U], node: Any) -> U | None:
    """A number with its unit; None when there is none, or what is there is told elsewhere."""
    if isinstance(node, Scalar) and len(node) <= 64:
        with suppress(ValueError):
            return kind.parse(node)
    return None


def _count(node: Any) -> int | None:
    return int(node[:12]) if isinstance(node, Scalar) and node.isascii() and node.isdigit() else None


def _seconds(node: Any, default: float) -> float:
    read = _read(Duration, node)
    return default if read is None else read.seconds


def _mapping(node: Any) -> Mapping:
    """A mapping, or an empty one in place of what is none."""
    return node if isinstance(node, Mapping) else Mapping(Position(Path(), 0, 0))


def _nearest(word: str, known: Collection[str], what: str) -> str:
    from seatrial.profile.explaining import nearest

    listed = f"{what}: {', '.join(list(known)[:_LISTED])}" if known else ""
    return " ".join(filter(None, (nearest(word, list(known)), listed)))


def _joined(keys: Collection[str], word: str = "and") -> str:
    *first, last = (f"`{key}`" for key in keys)
    return f"{', '.join(first)} {word} {last}" if first else last


class _Checking:
    """One profile while its objectives are checked."""

    def __init__(self, tree: Tree, services: Collection[str], no_service: NoService) -> None:
        self.tree, self.services, self.no_service = tree, services, no_service

    def told(self, node: Any, path: Where, said: str, hint: str = "") -> Problem:
        """A problem where a node begins."""
        return self.tree.problem(node.position, path, f"{dotted(path)} {said}", hint)

    def at(self, node: Mapping, key: str, path: Where, said: str, hint: str = "") -> Problem:
        """A problem where a key of a mapping is written."""
        return self.tree.problem(node.written[key].position, (*path, key), f"{dotted((*path, key))} {said}", hint)

    # --- what costs money ---------------------------------------------------------------------------------------------

    def service(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """What stands in for a paid service is another one, that is not paid itself."""
        double = node.get("double")
        if not isinstance(double, Scalar) or not double:
            return
        if double not in self.services:
            yield self.no_service(double.position, (*path, "double"), double)
        elif double == path[1]:
            yield self.told(double, (*path, "double"), "is the service itself", "a double is another service")
        elif node.get("paid") != "true":
            yield self.at(node, "double", path, "stands in for what is not `paid`", "`paid: true` beside it")
        else:
            other = self._service(double)
            if other.get("paid") == "true":
                yield self.told(double, (*path, "double"), f"is paid too: `{double}`")

    def _service(self, name: Any) -> Mapping:
        nodes = self.tree.root.get("services")
        found = nodes.get(str(name)) if isinstance(nodes, Mapping) else None
        return found if isinstance(found, Mapping) else Mapping(self.tree.root.position)

    # --- a load ---------------------------------------------------------------------------------------------------------

    def slo(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """One entry of `slos`."""
        loads = [key for key in _LOADS if key in node and not (key == "canary" and node[key] == "false")]
        if len(loads) != 1:
            said = f"has {_joined(loads)}" if loads else f"has none of {_joined(_LOADS)}"
            yield self.told(node, path, said, "a load is made of one of these")
        load = loads[0] if len(loads) == 1 else ""
        yield from self.asked(node, path, load)
        yield from self.loop(node, path, load)
        yield from self.times(node, path)
        yield from self.numbers(node, path, node, node)
        if isinstance(window := node.get("window"), Mapping):
            yield from self.window(window, (*path, "window"))
        yield from self.endpoints(node, path, load)
        yield from self.classes(node, path)
        if isinstance(workers := node.get("workers"), Mapping):
            yield from self.hosts(workers, (*path, "workers"))

    def asked(self, node: Mapping, path: Where, load: str) -> Iterator[Problem]:
        """What the load is made of."""
        call = node.get("call")
        if isinstance(call, Scalar) and call:
            found = _CALL.fullmatch(call)
            if not found:
                hint = "a method and a path: `GET /notes`, `POST /search`"
                yield self.told(call, (*path, "call"), f"is no call: `{call}`", hint)
            elif found[1] in ("GET", "HEAD") and "body" in node:
                yield self.at(node, "body", path, f"is sent with a {found[1]}, which has none")
        for key in ("headers", "body"):
            if load and load != "call" and key in node:
                yield self.at(node, key, path, "is of a `call`", f"`{load}` says itself what is sent")
        if load and load != "locustfile" and "environment" in node:
            yield self.at(node, "environment", path, "is of a `locustfile`", "nothing else reads it")
        file = node.get("locustfile")
        if isinstance(file, Scalar) and file:
            yield from self.locustfile(file, (*path, "locustfile"))
        name = node.get("service")
        if isinstance(name, Scalar) and name in self.services:
            service = self._service(name)
            if "url" not in service:
                yield self.told(name, (*path, "service"), f"names a service without a `url`: `{name}`")
            if load == "canary" and "canary" not in service:
                yield self.at(node, "canary", path, f"is not declared: services.{name}.canary is missing")

    def locustfile(self, file: Scalar, path: Where) -> Iterator[Problem]:
        """A path, or the name of one that is shipped."""
        if os.sep not in file and not file.endswith(".py"):
            known = sorted(one.stem for one in seatrial.data("loadtests").glob("*.py") if not one.stem.startswith("_"))
            if str(file) not in known:
                hint = _nearest(file, known, "shipped") or "a file is given with its path: `./load.py`"
                yield self.told(file, path, f"names no Locust file that is shipped: `{file}`", hint)
            return
        try:
            there = (file.position.file.parent / file).is_file()
        except (OSError, ValueError):
            there = False
        if not there:
            yield self.told(file, path, f"names a file that does not exist: `{file}`", "relative to the profile")

    def loop(self, node: Mapping, path: Where, load: str) -> Iterator[Problem]:
        """Arrivals of an open loop, or users of a closed one."""
        loops = [key for key in ("rate", "users") if key in node]
        if len(loops) != 1:
            said = "has `rate` and `users`" if loops else "has neither `rate` nor `users`"
            yield self.told(
                node,
                path,
                said,
                "an open loop has a `rate` of arrivals, a closed one has `users` that wait for answers",
            )
        if loops == ["rate"] and "pause" in node:
            yield self.at(node, "pause", path, "is of `users`", "arrivals of an open loop wait for nobody")
        if loops == ["users"] and "arrivals" in node:
            yield self.at(node, "arrivals", path, "are of a `rate`", "users ask again when they were answered")
        most, rate = _read(Rate, node.get("max_rate")), _read(Rate, node.get("rate"))
        for key, read in (("max_rate", most), ("rate", rate)):
            if read is not None and read.per_second <= 0:
                yield self.told(node[key], (*path, key), "is no request at all")
        if most and most.per_second and rate and rate.per_second > most.per_second * _MORE:
            yield self.at(node, "max_rate", path, f"is {most}, and `rate` is {rate}", "no load could be made")
        users, pause = _count(node.get("users")), _seconds(node.get("pause"), 0.0)
        if most and users and load in ("call", "canary") and (not pause or users / pause > most.per_second * _MORE):
            fastest = f"up to {Rate(round(users / pause, 3))}" if pause else "as fast as they are answered"
            yield self.at(
                node, "max_rate", path, f"is {most}, and {users} users with a pause of {Duration(pause)} ask {fastest}",
                "a longer `pause`, or a `rate`",
            )  # fmt: skip
        bound = _count(node.get("max_requests"))
        lasts = (
            _seconds(node.get("ramp"), 0.0) / 2
            + _seconds(node.get("warm_up"), 0.0)
            + _seconds(node.get("duration"), 60.0)
        )
        if bound and rate and rate.per_second * lasts > bound * _MORE:
            yield self.at(
                node, "max_requests", path, f"is {bound}, and {rate.per_second * lasts:.0f} would be made",
                "a lower `rate`, or a shorter `duration`",
            )  # fmt: skip

    def times(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """Times and shares that are something at all."""
        for key in ("duration", "timeout"):
            read = _read(Duration, node.get(key))
            if read is not None and read.seconds <= 0:
                yield self.told(node[key], (*path, key), "is no time at all")
        stop_at = _read(Ratio, node.get("stop_at"))
        if stop_at is not None and stop_at.value <= 0:
            yield self.told(node["stop_at"], (*path, "stop_at"), "would end every load at once", "a share above 0%")

    # --- what is promised ---------------------------------------------------------------------------------------------

    def numbers(self, node: Mapping, path: Where, slo: Mapping, rated: Mapping) -> Iterator[Problem]:
        """Quantiles and throughput, of a load, an endpoint or a class.

        Args:
            node: what they are written in.
            path: of that.
            slo: the load.
            rated: the load, or the class whose rate holds for them.
        """
        latency = node.get("latency")
        if isinstance(latency, Mapping):
            yield from self.quantiles(latency, (*path, "latency"), _read(Duration, slo.get("timeout")) or Duration(10))
        promised = _read(Rate, node.get("throughput"))
        rate = _read(Rate, rated.get("rate")) or (None if "users" in rated else _read(Rate, slo.get("rate")))
        if promised and rate and promised.per_second > rate.per_second * _MORE:
            yield self.at(
                node,
                "throughput",
                path,
                f"is {promised}, and only {rate} are asked",
                "at most the `rate` can be answered",
            )

    def quantiles(self, latency: Mapping, path: Where, timeout: Duration) -> Iterator[Problem]:
        """From p50 to p99.9, none lower than a lower one's, and none that no answer could miss."""
        read: list[tuple[float, Duration, str]] = []
        for name, value in latency.items():
            found = _QUANTILE.fullmatch(name)
            if not found or not 50 <= float(found[1]) <= 99.9:
                yield self.at(
                    latency, name, path, "is no quantile from p50 to p99.9", _nearest(name, _QUANTILES, "such as")
                )
                continue
            bound = _read(Duration, value)
            if bound is None:
                continue
            if bound.seconds <= 0:
                yield self.told(value, (*path, name), "is no time at all")
            elif bound.seconds > timeout.seconds:
                hint = "a `timeout` that is longer: what takes so long is an error, and no latency"
                yield self.told(value, (*path, name), f"is {bound}, and requests are given up after {timeout}", hint)
            read.append((float(found[1]), bound, name))
        read.sort(key=lambda one: one[0])
        for (_, low, lower), (_, high, higher) in pairwise(read):
            if high < low:
                yield self.at(
                    latency, higher, path, f"is {high}, and {lower} is {low}", "a higher quantile is never lower"
                )

    def endpoints(self, node: Mapping, path: Where, load: str) -> Iterator[Problem]:
        """Numbers of requests that the load makes."""
        endpoints = _mapping(node.get("endpoints"))
        known = self.made(node, load)
        for name, numbers in endpoints.items():
            where = (*path, "endpoints", str(name))
            if not str(name).strip():
                yield self.at(endpoints, name, where[:-1], "has no name", "as the load names it: `POST /notes`")
            elif known and name not in known:
                yield self.at(
                    endpoints, name, where[:-1], "is no request of this load", _nearest(name, known, "it makes")
                )
            if isinstance(numbers, Mapping):
                yield from self.numbers(numbers, where, node, node)

    def made(self, node: Mapping, load: str) -> list[str]:
        """Names of the requests that a load makes, where the profile alone tells."""
        call = node.get("call")
        if load == "call" and isinstance(call, Scalar) and (found := _CALL.fullmatch(call)):
            return [f"{found[1]} {found[2]}"]
        if load != "canary":
            return []
        names: list[str] = []
        canary = self._service(node.get("service")).get("canary")
        sentinel = isinstance(canary, Mapping) and "sentinel" in canary
        while isinstance(canary, Mapping):
            names += [f"{method.upper()} {canary[method]}" for method in ("get", "post", "put") if method in canary]
            canary = canary.get("read_back") if sentinel else None
        return names

    def classes(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """Numbers of classes of hardware that there are."""
        classes = _mapping(node.get("classes"))
        hardware = self.tree.root.get("hardware")
        declared = hardware.get("classes") if isinstance(hardware, Mapping) else None
        known = list(declared) if isinstance(declared, Mapping) else []
        for name, numbers in classes.items():
            where = (*path, "classes", str(name))
            if name not in known:
                hint = _nearest(name, known, "classes") or "hardware.classes says what they are"
                yield self.at(classes, name, where[:-1], f"is no class of hardware.classes: `{name}`", hint)
            if not isinstance(numbers, Mapping):
                continue
            if "rate" in numbers and "users" in numbers:
                yield self.told(numbers, where, "has `rate` and `users`", "a loop is open or closed")
            rate, most = _read(Rate, numbers.get("rate")), _read(Rate, node.get("max_rate"))
            if rate and most and rate.per_second > most.per_second * _MORE:
                yield self.at(numbers, "rate", where, f"is {rate}, and `max_rate` is {most}", "no load could be made")
            yield from self.numbers(numbers, where, node, numbers)
            yield from self.of_class(numbers, where, node)

    def of_class(self, numbers: Mapping, path: Where, slo: Mapping) -> Iterator[Problem]:
        """Endpoints of a class: those that the load has numbers for."""
        endpoints, known = _mapping(numbers.get("endpoints")), slo.get("endpoints")
        names = list(known) if isinstance(known, Mapping) else []
        for name, inner in endpoints.items():
            if name not in names:
                hint = _nearest(name, names, "endpoints") or f"`{dotted(path[:2])}.endpoints` names them"
                yield self.at(
                    endpoints, name, (*path, "endpoints"), "is none of the load's own `endpoints`, and would not be judged", hint
                )  # fmt: skip
            if isinstance(inner, Mapping):
                yield from self.numbers(inner, (*path, "endpoints", str(name)), slo, numbers)

    # --- when and from where ----------------------------------------------------------------------------------------------

    def window(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """Times of day and a time zone."""
        sound = True
        for key in ("opens", "closes"):
            time = node.get(key)
            if isinstance(time, Scalar) and time and not _TIME.fullmatch(time):
                sound = False
                yield self.told(
                    time, (*path, key), f"is no time of day: `{time}`", 'hours and minutes in quotes: "22:00"'
                )
        opens, closes = str(node.get("opens", "00:00")), str(node.get("closes", "24:00"))
        if sound and (opens == closes or opens == "24:00"):
            yield self.told(node, path, f"is never open: from {opens} to {closes}", "the whole day is 00:00 to 24:00")
        zone = node.get("zone")
        if isinstance(zone, Scalar) and zone and not _is_zone(zone):
            yield self.told(zone, (*path, "zone"), f"is no time zone: `{zone}`", _zone_hint(zone))
        days = node.get("days")
        if isinstance(days, Sequence) and len(set(map(str, days))) < len(days):
            yield self.told(days, (*path, "days"), "names a day twice")

    def hosts(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """Workers on other machines."""
        listen = node.get("listen")
        found = _LISTEN.fullmatch(listen) if isinstance(listen, Scalar) and listen else None
        if isinstance(listen, Scalar) and listen and not (found and 1 <= int(found[2]) <= 65535):
            yield self.told(listen, (*path, "listen"), f"is no address and port: `{listen}`", "`127.0.0.1:5557`")

    def baseline(self, node: Mapping) -> Iterator[Problem]:
        """Requests that are made without load, which change nothing."""
        endpoints = node.get("endpoints")
        for number, each in enumerate(endpoints if isinstance(endpoints, Sequence) else ()):
            path = ("baseline", "endpoints", number)
            if not isinstance(each, Scalar) or not each:
                continue
            found = _ASKED.fullmatch(each)
            if not found:
                hint = "a service, GET or HEAD, and a path: `api GET /notes`"
                yield self.told(each, path, f"is no request that only reads: `{each}`", hint)
            elif found[1] not in self.services:
                yield self.no_service(each.position, path, found[1])
            elif "url" not in self._service(found[1]):
                yield self.told(each, path, f"names a service without a `url`: `{found[1]}`")


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True


def _zone_hint(name: str) -> str:
    """The nearest zone; all of them are looked through only when one is wrong."""
    from zoneinfo import available_timezones

    from seatrial.profile.explaining import nearest

    zones = sorted(zone for zone in available_timezones() if zone[:2].lower() == name[:2].lower())
    return " ".join(filter(None, (nearest(name, zones), _ZONES)))
