"""Found in a compose file alone: what it asks for, as compose itself would read it, with nothing running."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial.draft import NothingFound
from seatrial.draft.compose_yaml import Compose, read
from seatrial.draft.found import Dependency, Found, Probe, Service, decide, fact, guess
from seatrial.draft.guessing import HTTP_PROTOCOLS, PORTS, is_name, name_of, protocol_of_image, secret_values
from seatrial.draft.services import IMAGES_OWN, NO_DATA, checked, exact
from seatrial.draft.web import kind_of
from seatrial.words import Duration

__all__ = ["depends_on", "env_files", "find", "readable"]

WEB_PORTS = (80, 443, 3000, 5000, 8000, 8080, 8081, 8443, 8888)


def readable(path: Path) -> bool:
    """Whether this is a file that can be read from here."""
    return path.is_file() and os.access(path, os.R_OK)


def env_files(path: Path) -> list[Path]:
    """The env files that a compose file reads: `.env` beside it, and those of its services."""
    try:
        compose = read(path)
    except NothingFound:
        return []
    found = [path.parent / ".env"] if (path.parent / ".env").is_file() else []
    for service in compose.services.values():
        found += [path.parent / name for name in _env_files(compose, service)]
    return list(dict.fromkeys(Path(os.path.normpath(file)) for file in found))


def depends_on(path: Path) -> dict[str, dict[str, str]]:
    """By service, the services it depends on and the condition of each; nothing where the file can't be read."""
    try:
        compose = read(path)
    except NothingFound:
        return {}
    return {name: _conditions(service) for name, service in compose.services.items()}


def find(path: Path) -> Found:
    """What a compose file asks for.

    Raises:
        NothingFound: it is none, or uses what can't be read here; says what to do.
    """
    compose = read(path)
    compose.refuse_parts()
    file = path.name
    found = Found(
        name=name_of(compose.project),
        what=f"compose file {file}",
        command=f".{os.sep}{path.name}",
        driver="docker",
        project=fact(compose.project, compose.project_source) if compose.project else None,
    )
    found.values |= secret_values(compose.variables.items())
    for beside in (
        "docker-compose.override.yml",
        "docker-compose.override.yaml",
        "compose.override.yaml",
        "compose.override.yml",
    ):
        if (path.parent / beside).exists() and file != beside:
            found.missing.append(f"{beside}, which compose reads too, was not read")
    for name, declared in compose.services.items():
        wanted = compose.listed(declared.get("profiles"))
        if wanted and not set(wanted) & compose.profiles and "*" not in compose.profiles:
            found.missing.append(
                f"service {name} starts only with profile {' or '.join(wanted)} (COMPOSE_PROFILES), and is left out"
            )
            continue
        found.services.append(_service(compose, name, declared, file, found))
    if not found.services:
        raise NothingFound(f"{path} declares no service that starts by default")
    _depend(found, compose, file)
    for service in found.services:
        if "one_shot" in service.values and service.values["restart"].value == "no":
            service.values["restart"] = fact("no", "as a job has it")
    found.files.append(fact(os.path.abspath(path), "this draft's source"))
    for env in env_files(path):
        seen = fact(os.path.abspath(env), f"env file of {file}")
        (found.files if readable(env) else found.unreadable).append(seen)
    found.missing += compose.unset()
    return found


def _service(compose: Compose, name: str, declared: Mapping[str, Any], file: str, found: Found) -> Service:
    service = Service(name if is_name(name) else name_of(name), file)
    if service.name != name:
        service.compose_service = name
    image = compose.text(declared.get("image"))
    if image:
        service.values["image"] = fact(image, file)
    elif "build" in declared:
        service.remarks.append("its image is built here, so that its name says nothing")
    if platform := compose.text(declared.get("platform")):
        service.values["platform"] = fact(platform, file)
    _lifecycle(compose, service, declared, file)
    _limits(compose, service, declared, file)
    _ports(compose, service, declared, file)
    _protocol(service, image, [port for port in compose.listed(declared.get("expose")) if port.isdecimal()])
    _health(compose, service, declared, file)
    _volumes(compose, service, declared, file)
    environment = _environment(compose, declared)
    found.values |= secret_values(environment.items())
    own = [
        each for each in environment if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", each) and each not in IMAGES_OWN
    ]
    service.environment = tuple(each for each in own if environment[each])
    service.environment_source = f"names alone, of {file}"
    if compose.text(declared.get("network_mode")) == "host":
        service.remarks.append("it is on the host's network, so that nothing is published for it")
    return service


def _lifecycle(compose: Compose, service: Service, declared: Mapping[str, Any], file: str) -> None:
    deploy = declared.get("deploy") if isinstance(declared.get("deploy"), Mapping) else {}
    replicas = compose.text(declared.get("scale")) or compose.text((deploy or {}).get("replicas"))
    if replicas.isdecimal() and replicas != "1":
        service.values["replicas"] = fact(replicas, file)
    restart = compose.text(declared.get("restart")).partition(":")[0]
    if restart in ("no", "always", "on-failure", "unless-stopped"):
        service.values["restart"] = fact(restart, file)
    elif not restart:
        service.values["restart"] = decide("no", f"{file} says nothing, which means no")
    if grace := _duration(compose.text(declared.get("stop_grace_period"))):
        service.values["grace_period"] = fact(grace, f"stop_grace_period in {file}")


def _duration(text: str) -> str:
    try:
        return str(Duration.parse(text)) if text else ""
    except ValueError:
        return ""


def _limits(compose: Compose, service: Service, declared: Mapping[str, Any], file: str) -> None:
    deploy = declared.get("deploy") if isinstance(declared.get("deploy"), Mapping) else {}
    limits = compose.mapping(compose.mapping((deploy or {}).get("resources")).get("limits"))
    memory = _bytes(compose.text(declared.get("mem_limit")) or compose.text(limits.get("memory")))
    if memory:
        service.resources["memory"] = fact(exact(memory), file)
    cpus = compose.text(declared.get("cpus")) or compose.text(limits.get("cpus"))
    if re.fullmatch(r"\d+(\.\d+)?", cpus) and float(cpus) > 0:
        service.resources["cpus"] = fact(f"{float(cpus):g}", file)
    pids = compose.text(declared.get("pids_limit")) or compose.text(limits.get("pids"))
    if pids.isdecimal() and int(pids) > 0:
        service.resources["pids"] = fact(pids, file)
    nofile = compose.mapping(declared.get("ulimits")).get("nofile")
    soft = compose.text(nofile.get("soft") if isinstance(nofile, Mapping) else nofile)
    if soft.isdecimal():
        service.resources["nofile"] = fact(soft, file)
    logging = compose.mapping(declared.get("logging"))
    options = compose.mapping(logging.get("options"))
    if compose.text(logging.get("driver")) in ("", "json-file", "local") and (
        size := compose.text(options.get("max-size"))
    ):
        from seatrial.facts.containers.logs import UNITS

        match = re.fullmatch(r"(\d+)([kmg]?)b?", size.lower())
        count = compose.text(options.get("max-file")) or (
            "5" if compose.text(logging.get("driver")) == "local" else "1"
        )
        if match and count.isdecimal():
            service.log_size = fact(exact(int(match[1]) * UNITS[match[2]] * int(count)), f"logging in {file}")


def _bytes(text: str) -> int:
    """A size as compose has it: ``512m``, ``1.5gb``; always powers of 1024."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?", text.lower())
    return int(float(match[1]) * 1024 ** " kmgtp".index(match[2] or " ")) if match else 0


def _ports(compose: Compose, service: Service, declared: Mapping[str, Any], file: str) -> None:
    for entry in declared.get("ports") or ():
        for address, outside, inside, protocol in _port(compose, entry):
            if not outside:
                service.remarks.append(f"port {inside} is published on a port that the engine chooses anew each time")
                continue
            host = f"[{address}]" if ":" in address else address
            text = f"{host or '0.0.0.0'}:{outside}" + ("" if protocol == "tcp" else f"/{protocol}")
            service.inside[text] = int(inside)
            wide = address in ("", "0.0.0.0", "::")
            told = f"{inside} inside, on every interface: should it be?" if wide else f"{inside} inside, in {file}"
            service.published.append(decide(text, told) if wide else fact(text, told))


def _port(compose: Compose, entry: Any) -> Iterator[tuple[str, str, str, str]]:
    """Address, port outside, port inside and protocol of each port that an entry stands for."""
    if isinstance(entry, Mapping):
        address, outside = compose.text(entry.get("host_ip")), compose.text(entry.get("published"))
        inside, protocol = compose.text(entry.get("target")), compose.text(entry.get("protocol")) or "tcp"
    else:
        text, _, protocol = compose.text(entry).partition("/")
        match = re.fullmatch(r"(?:(\[[0-9A-Fa-f:.]+\]|\d+(?:\.\d+){3}):)?(?:([\d-]*):)?([\d-]+)", text)
        if not match:
            return
        address, outside, inside = (match[1] or "").strip("[]"), match[2] or "", match[3]
    if protocol not in ("tcp", "udp", ""):
        return
    within, without = list(_range(inside)), list(_range(outside))
    if len(within) != len(without):
        without = without[:1] * len(within) if len(within) == 1 else []
    for at, port in enumerate(within):
        yield address, without[at] if at < len(without) else "", port, protocol or "tcp"


def _range(text: str) -> Iterable[str]:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if not match:
        return []
    first, last = int(match[1]), int(match[2] or match[1])
    return [str(port) for port in range(first, min(last, first + 200) + 1) if 0 < port < 65536]


def _protocol(service: Service, image: str, exposed: list[str]) -> None:
    inside = [port for text, port in service.inside.items() if "/udp" not in text] or [int(port) for port in exposed]
    protocol = protocol_of_image(image)
    if protocol:
        service.values["protocol"] = guess(protocol, f"by the name of image {image.partition('@')[0]}")
        usual = PORTS.get(protocol)
        if len(inside) == 1:
            service.values["port"] = fact(inside[0], "the only one that is named")
        elif usual:
            service.values["port"] = guess(usual, f"the usual one of {protocol}")
    elif inside:
        web = next((port for port in inside if port in WEB_PORTS), None)
        if web:
            service.values["protocol"] = guess("http", f"by port {web}")
        service.values["port"] = (
            fact(inside[0], "the only one that is named")
            if len(inside) == 1
            else guess(web or inside[0], "one of several")
        )
    port = service.values.get("port")
    spoken = service.values.get("protocol")
    for text, within in service.inside.items():
        if (
            spoken
            and spoken.value in HTTP_PROTOCOLS
            and port
            and str(within) == port.value
            and "url" not in service.values
        ):
            host, _, outside = text.partition("/")[0].rpartition(":")
            here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
            scheme = "https" if within in (443, 8443) else "http"
            service.values["url"] = guess(f"{scheme}://{here}:{outside}", f"published as {text}")


def _health(compose: Compose, service: Service, declared: Mapping[str, Any], file: str) -> None:
    check = compose.mapping(declared.get("healthcheck"))
    test = " ".join(compose.listed(check.get("test")))
    for port, path in checked(test):
        outside = next((text for text, inside in service.inside.items() if inside == port), "")
        if not outside:
            service.remarks.append(f"healthcheck asks {path} on port {port} inside, which is not published")
        elif "url" in service.values and path != "/":
            number = int(outside.partition("/")[0].rpartition(":")[2])
            other = None if service.values["url"].value.endswith(f":{number}") else number
            service.probes.setdefault(kind_of(path), Probe(guess(path, f"healthcheck in {file}"), other))


def _volumes(compose: Compose, service: Service, declared: Mapping[str, Any], file: str) -> None:
    for entry in declared.get("volumes") or ():
        kind, source, place, writable = _volume(compose, entry)
        if not place.startswith("/") or not writable or place.startswith(NO_DATA) or place.endswith(".sock"):
            continue
        if kind == "volume" and source:
            service.paths.append(fact(place, f"volume {source} in {file}"))
        elif kind == "volume":
            service.unsure_paths.append(decide(place, "a volume nobody named: is what lies there to be kept?"))
        elif kind == "bind" and not Path(compose.folder / source).is_file():
            service.paths.append(guess(place, "a writable folder of the host"))


def _volume(compose: Compose, entry: Any) -> tuple[str, str, str, bool]:
    """Kind, source, place inside, and whether it can be written to."""
    if isinstance(entry, Mapping):
        only = compose.text(entry.get("read_only")).lower() == "true"
        return (
            compose.text(entry.get("type")) or "volume",
            compose.text(entry.get("source")),
            compose.text(entry.get("target")),
            not only,
        )
    source, _, rest = compose.text(entry).partition(":")
    place, _, mode = rest.partition(":")
    if not rest:
        return "volume", "", source, True
    return "bind" if source.startswith(("/", ".", "~")) else "volume", source, place, "ro" not in mode.split(",")


def _env_files(compose: Compose, declared: Mapping[str, Any]) -> list[str]:
    given = declared.get("env_file")
    entries = given if isinstance(given, list) else [given] if given else []
    return [
        name for entry in entries if (name := compose.text(entry.get("path") if isinstance(entry, Mapping) else entry))
    ]


def _environment(compose: Compose, declared: Mapping[str, Any]) -> dict[str, str]:
    """Names and values that the service is given; a value is used to know secrets by, and written nowhere."""
    from seatrial.draft.compose_yaml import variables_of

    found: dict[str, str] = {}
    for name in _env_files(compose, declared):
        found |= variables_of(compose.folder / name)
    given = declared.get("environment")
    pairs = (
        given.items()
        if isinstance(given, Mapping)
        else (compose.raw(entry).partition("=")[::2] for entry in given or ())
    )
    for name, value in pairs:
        text = compose.text(value)
        found[str(name)] = text or compose.variables.get(str(name), "")
    return found


def _conditions(declared: Mapping[str, Any]) -> dict[str, str]:
    given = declared.get("depends_on")
    if isinstance(given, Mapping):
        return {
            str(name): str((how or {}).get("condition", "")) if isinstance(how, Mapping) else ""
            for name, how in given.items()
        }
    return {str(name): "" for name in given or ()} | {
        str(link).partition(":")[0]: "" for link in declared.get("links") or ()
    }


def _depend(found: Found, compose: Compose, file: str) -> None:
    from seatrial.draft.depending import told_by_variables, wire

    names = {each.compose_service or each.name: each.name for each in found.services}
    for service in found.services:
        declared = compose.services[service.compose_service or service.name]
        said = {
            name_of(other): (condition, f"depends_on in {file}") for other, condition in _conditions(declared).items()
        }
        wire(found, service, said)
        given = declared.get("depends_on")
        for at, each in enumerate(service.depends_on):
            how = given.get(each.name) if isinstance(given, Mapping) else None
            if isinstance(how, Mapping) and str(how.get("required")).lower() == "false":
                service.depends_on[at] = Dependency(each.name, each.source, each.port, optional=True)
        told_by_variables(found, service, _environment(compose, declared), names)
