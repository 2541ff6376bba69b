"""What was found, as a profile: in the order in which a person thinks of it, with where each line came from."""

from __future__ import annotations

import datetime as dt
import os
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import seatrial
from seatrial.draft.found import Found, Machine, Probe, Seen, Service
from seatrial.draft.guessing import Sieve
from seatrial.draft.parts import Part, flow, item, lines, mapping, off, quoted, scalar
from seatrial.words import CouldNotLook

__all__ = ["sections", "service_part", "sieve_of", "text"]

ORDER = ("image", "platform", "version", "replicas", "one_shot", "restart", "grace_period")
NETWORK = ("url", "protocol", "port")
PROBES = ("liveness", "readiness", "startup", "health")
SCHEMA = "profile.schema.json"


def text(found: Found, folder: Path, *, name: str = "", today: dt.date | None = None) -> str:
    """The whole text of a drafted profile.

    Args:
        found: the deployment.
        folder: where the profile will lie; paths in it are relative to that.
        name: of the profile, when it is to have another.
        today: for the comment at its head.
    """
    sieve = sieve_of(found)
    head = _head(found, today or dt.datetime.now(dt.UTC).date())
    named = lines(_top(found, name or found.name, sieve))
    body = [row for indent, group in sections(found, folder, sieve) for row in ("", *lines(group, indent))]
    written = "\n".join([*head, *named, *body, "", *_stubs(found)]) + "\n"
    if sieve.holds_known(written):
        raise CouldNotLook(
            "the draft would have held a secret of the deployment; please report this, without the secret"
        )
    return written


def sieve_of(found: Found) -> Sieve:
    """What keeps secrets out of the text."""
    ordinary = [found.name, found.what, *([found.project.value] if found.project else [])]
    for service in found.services:
        ordinary += [service.name, *service.container_names, *(one.value for one in service.values.values())]
    return Sieve(found.values, ordinary)


def _head(found: Found, today: dt.date) -> list[str]:
    head = [
        f"# yaml-language-server: $schema=./{SCHEMA}",
        f"# Drafted by Seatrial {seatrial.__version__} on {today} from {found.what}: seatrial draft {found.command}",
        "# It describes what was there, which need not be what should be. `# guess` was concluded: check it. `# decide` is",
        "# for a person: what is commented out there promises nothing until somebody turns it on. An editor checks and completes",
        f"# this file with `seatrial schema > {SCHEMA}` beside it.",
    ]
    for told in found.missing:
        head += [f"# {row}" for row in textwrap.wrap(f"Note: {told}", 116, break_long_words=False)]
    return head


def _top(found: Found, name: str, sieve: Sieve) -> Iterator[Part]:
    yield from clean(
        [Part("profile", scalar(name)), Part("summary", quoted(_summary(found)), note="decide: say what it is for")],
        sieve,
    )
    yield Part("environment", "production", note="decide: production, staging, development or test")
    yield Part("hardening", "baseline", note="decide: restricted makes every advice on hardening binding")


def _summary(found: Found) -> str:
    names = [service.name for service in found.services]
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    what = f"what answers at {found.what}" if "://" in found.what else found.what
    return f"{what[0].upper()}{what[1:]}: {listed}."


def sections(found: Found, folder: Path, sieve: Sieve, *, pages: bool = False) -> list[tuple[int, list[Part]]]:
    """The parts of a profile below its head, each group with its indent, to be set apart by an empty line.

    Args:
        found: the deployment.
        folder: which paths are relative to.
        sieve: against secrets.
        pages: True to take it for meant that plain web pages are served to anybody, where nobody can be asked.
    """
    groups = [(0, clean([part], sieve)) for part in (_hardware(found.machine), _target(found)) if part]
    services = clean((service_part(service, found, pages=pages) for service in found.services), sieve)
    if services:
        first, *rest = services
        groups.append((0, [Part("services", parts=(first,))]))
        groups += [(2, [part]) for part in rest]
    if secrets := _secrets(found, folder):
        groups.append((0, clean([secrets], sieve)))
    return groups


def clean(parts: Iterable[Part], sieve: Sieve) -> list[Part]:
    """The parts without any that holds a secret; that something is left out is told, and not what."""
    kept = []
    for part in parts:
        inner = clean(part.parts, sieve)
        lost = bool(part.parts) and not part.off and all(each.off or each.key == "#" for each in inner)
        if part.key == "#" and sieve.holds(part.note):
            continue
        if lost or sieve.holds(f"{part.key}: {part.value}"):
            what = part.key if part.key and not sieve.holds(part.key) else "an entry"
            kept.append(Part("#", note=f"{what} is left out: what was found there looks like a secret"))
            continue
        kept.append(replace(part, parts=tuple(inner), note="" if sieve.holds(part.note) else part.note))
    return kept


def _hardware(machine: Machine | None) -> Part | None:
    if machine is None or not machine.arch:
        return None
    memory = f"{machine.memory // 2**30}GiB" if machine.memory >= 2**30 else f"{machine.memory // 2**20}MiB"
    arch = machine.arch in ("amd64", "arm64", "arm", "riscv64", "ppc64le", "s390x")
    disk = f"{{path: {scalar(machine.data)}, min: 20GiB}}"
    return mapping(
        "hardware",
        [
            Part("arch", machine.arch, note="of the engine's host") if arch else None,
            _needs("cpus", f"{{min: {machine.cpus}}}", f"it has {machine.cpus}; how many are needed?"),
            _needs("memory", f"{{min: {memory}}}", f"it has {memory}; how much is needed?"),
            _needs("disk", disk, "where does data lie, and how much space must there be?") if machine.data else None,
        ],
    )


def _needs(key: str, value: str, question: str) -> Part:
    return Part(key, value, note=f"decide: {question}", off=True)


def _target(found: Found) -> Part | None:
    return mapping(
        "target",
        [
            Part("driver", found.driver),
            _value("compose_project", found.project),
            _value("identity", found.identity),
        ],
    )


def _value(key: str, seen: Seen | None) -> Part | None:
    return None if seen is None else Part(key, _scalar(key, seen.value), note=seen.note)


def _flow(key: str, values: dict[str, Seen]) -> Part | None:
    """A short mapping on one line; all of it is from one place."""
    if not values:
        return None
    inside = ", ".join(f"{name}: {_scalar(name, seen.value)}" for name, seen in values.items())
    return Part(key, f"{{{inside}}}", note=next(iter(values.values())).note)


def _scalar(key: str, value: str) -> str:
    if key == "version":
        return quoted(value)
    if key in ("cpus",):
        return f'"{value}"' if not value.isdecimal() else value
    return value if key == "one_shot" else scalar(value)


def service_part(service: Service, found: Found, *, pages: bool = False) -> Part:
    """One service."""
    jobs = {each.name for each in found.services if "one_shot" in each.values}
    parts: list[Part | None] = [
        Part("containers", flow(service.container_names, 6), note="by name") if service.container_names else None,
        _value("compose_service", Seen(service.compose_service, "its name in compose"))
        if service.compose_service
        else None,
        *(_value(key, service.values.get(key)) for key in ORDER),
        _flow("resources", service.resources),
        *(_value(key, service.values.get(key)) for key in NETWORK),
        *(_probe(kind, service.probes[kind]) for kind in PROBES if kind in service.probes),
        _metrics(service.metrics),
        _depends_on(service, jobs),
        _exposure(service, pages=pages),
        _environment(service),
        _persistence(service),
        _flow("logs", {"max_size": service.log_size} if service.log_size else {}),
    ]
    present = [part for part in parts if part is not None]
    remarks = [Part("#", note=remark) for remark in service.remarks]
    if all(part.off for part in present):
        present.append(Part("one_shot", "false", note="guess: nothing else is known of it"))
    return Part(scalar(service.name), parts=(*remarks, *present))


def _probe(kind: str, probe: Probe) -> Part | None:
    expect = (
        Part("expect", f"{{content_type: {scalar(probe.content_type)}}}", note="guess: as it answered")
        if probe.content_type
        else None
    )
    return mapping(
        kind,
        [
            _value("path", probe.path),
            Part("port", str(probe.port), note="another than the url's") if probe.port else None,
            expect,
            *(Part(key, scalar(value), note="guess: by its name in the answer") for key, value in probe.fields),
            Part("latency", "1s", note="decide: how slow is too slow?", off=True),
        ],
    )  # fmt: skip


def _metrics(probe: Probe | None) -> Part | None:
    if probe is None:
        return None
    part = mapping(
        "metrics",
        [
            _value("path", probe.path),
            Part("port", str(probe.port), note="another than the url's") if probe.port else None,
            Part("required", "[]", note="decide: which metrics do dashboards and alerts need?", off=True),
        ],
    )
    return off(part) if probe.path.mark == "decide" else part


def _depends_on(service: Service, jobs: set[str]) -> Part | None:
    parts = []
    for each in service.depends_on:
        options = ["optional: true"] if each.optional else []
        options += [f"port: {each.port}"] if each.port else []
        if each.name in jobs or service.name in jobs:
            ended = each.name if each.name in jobs else service.name
            parts.append(Part(each.name, "{}", note=f"{each.source.note}; {ended} is a job that has ended", off=True))
        else:
            parts.append(Part(each.name, f"{{{', '.join(options)}}}", note=each.source.note))
    return mapping("depends_on", parts)


def _exposure(service: Service, *, pages: bool) -> Part | None:
    published = mapping("published", [item(one.value, one.note) for one in service.published])
    anonymous = mapping("anonymous", [item(one.value, one.note) for one in service.strangers])
    listening = None
    if service.listening is not None:
        listening = mapping("listening", [item(one.value, one.note) for one in service.listening]) or Part(
            "listening", "[]", note="nothing listens"
        )
    parts = [part for part in (published, listening) if part]
    if not parts:
        return None
    if pages:
        plain = [item(place, "plain web pages, taken for meant") for place in service.pages]
        return mapping("exposure", [*parts, mapping("anonymous", plain)])
    return mapping("exposure", [*parts, off(anonymous)])


def _environment(service: Service) -> Part | None:
    if not service.environment:
        return None
    note = service.environment_source
    if service.environment_hidden:
        note = f"decide: {note}; its process overwrites them, so that a run could not look"
    part = mapping("environment", [Part("required", flow(service.environment, 8), note=note)])
    return off(part) if service.environment_hidden else part


def _persistence(service: Service) -> Part | None:
    sure = [item(one.value, one.note) for one in service.paths]
    unsure = [replace(item(one.value, one.note), off=True) for one in service.unsure_paths]
    paths = mapping("paths", [*sure, *unsure])
    if paths is None:
        return None
    survives = Part("survives", "[restart, kill, recreate]", note="decide: what must the data outlive?", off=True)
    return mapping("persistence", [paths, survives]) if sure else off(mapping("persistence", [paths]))


def _secrets(found: Found, folder: Path) -> Part | None:
    files = [item(_relative(one.value, folder), one.note) for one in found.files]
    lost = [item(_relative(one.value, folder), one.note, off=True) for one in found.unreadable]
    listed = mapping("files", [*files, *lost])
    return mapping("secrets", [listed]) if files else off(mapping("secrets", [listed])) if lost else None


def _relative(path: str, folder: Path) -> str:
    """Relative to the profile where that is short, else as it is."""
    near = os.path.relpath(path, folder)
    return path if near.startswith("../../") else near


def _stubs(found: Found) -> list[str]:
    name = next((service.name for service in found.services if service.paths), "") or (
        found.services[0].name if found.services else "api"
    )
    web = next((service.name for service in found.services if "url" in service.values), name)
    return [
        "# decide: how is data saved and brought back? `backups: {none: why, owner: who}` when it is not.",
        "# backups:",
        "#   nightly:",
        f"#     service: {name}",
        '#     command: ["…"]',
        "#     rpo: 1d",
        "",
        "# decide: what have users been promised?",
        "# slos:",
        "#   read:",
        f"#     service: {web}",
        "#     call: GET /",
        "#     rate: 10/s",
        "#     duration: 30s",
        "#     latency: {p99: 500ms}",
        "#     errors: 0.1%",
        "",
        "# decide: who is woken, by what?",
        "# alerts:",
        "#   files: [alerts.yaml]",
    ]
