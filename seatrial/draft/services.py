"""One service, from what the driver saw of its containers and what its sockets answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seatrial.draft import web
from seatrial.draft.found import Probe, Seen, Service, decide, fact, guess
from seatrial.draft.guessing import HTTP_PROTOCOLS, PORTS, protocol_of_image
from seatrial.facts.socket import Address, is_loopback, is_wildcard
from seatrial.words import CouldNotLook, Duration, Missing, Size

if TYPE_CHECKING:
    from seatrial.draft.project import Group
    from seatrial.drivers import Session
    from seatrial.facts.container import Container
    from seatrial.facts.runtime import Runtime
    from seatrial.facts.socket import Handshake, Published, Socket

__all__ = ["IMAGES_OWN", "NO_DATA", "checked", "describe", "exact", "serves"]

ENGINE_RESOLVER = "127.0.0.11"
EPHEMERAL = range(32768, 61000)
IMAGES_OWN = frozenset({"PATH", "HOME", "HOSTNAME", "TERM", "LANG", "LC_ALL", "TZ"})
"""Variables that images and engines set, and that no deployment promises."""
NO_DATA = ("/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/tmp", "/var/log", "/lib", "/usr", "/bin")
"""Where what is mounted is configuration, a device or a log, and no data."""
_URL = re.compile(
    r"(https?)://(?:[^\s/@]*@)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(\d+))?(/[!-&(-~]*)?", re.IGNORECASE
)


def describe(session: Session, runtime: Runtime, group: Group) -> Service:
    """Everything that can be told of one service without being told."""
    service = Service(group.key, "")
    if not group.compose:
        service.container_names = group.container_names
    elif group.key != group.name:
        service.compose_service = group.name
    containers = runtime.containers.get(group.key, ())
    if isinstance(containers, Missing) or not containers:
        why = containers.reason if isinstance(containers, Missing) else "its containers went away meanwhile"
        service.remarks.append(f"could not be looked at: {why}")
        return service
    first = next((one for one in containers if one.running), containers[0])
    service.source = f"container {first.name}"
    _image(service, first)
    _lifecycle(service, containers, first, group)
    _limits(service, first)
    _mounts(service, first)
    _environment(service, group, first)
    _sockets(session, service, runtime, containers)
    return service


def _image(service: Service, first: Container) -> None:
    name = first.image.partition("@")[0]
    digest = next((each for each in first.image_digests if each.partition("@")[0].rpartition("/")[2] in name), "")
    if re.fullmatch(r"(sha256:)?[0-9a-f]{12,64}", first.image):
        service.values["image"] = decide(first.image, "the image's id; a name and a version say more")
    elif "@" in first.image:
        service.values["image"] = fact(first.image, service.source)
    elif digest:
        service.values["image"] = fact(
            f"{first.image}@{digest.partition('@')[2]}", f"{service.source}, with its digest"
        )
    else:
        service.values["image"] = fact(first.image, f"{service.source}; no digest is known")
    if first.platform:
        service.values["platform"] = fact(first.platform, "of that image")


def _lifecycle(service: Service, containers: tuple[Container, ...], first: Container, group: Group) -> None:
    job = not any(one.running for one in containers) and all(
        (one.state, one.exit_code, one.restart_policy) == ("exited", 0, "no") for one in containers
    )
    if job and not first.published and first.healthcheck is None:
        service.values["one_shot"] = guess("true", f"{first.name} ended with 0 and is not restarted")
    if len(containers) > 1:
        service.values["replicas"] = fact(len(containers), f"containers of {group.name}")
    service.values["restart"] = fact(first.restart_policy, service.source)
    if first.stop_timeout != 10:
        service.values["grace_period"] = fact(Duration(first.stop_timeout), f"stop time-out of {first.name}")


def _limits(service: Service, first: Container) -> None:
    asked = first.configured
    source = f"asked of the engine for {first.name}"
    if asked.memory:
        service.resources["memory"] = fact(exact(asked.memory), source)
    if asked.cpus:
        service.resources["cpus"] = fact(f"{round(asked.cpus, 3):g}", source)
    if asked.pids:
        service.resources["pids"] = fact(asked.pids, source)
    if asked.nofile:
        service.resources["nofile"] = fact(asked.nofile, source)
    from seatrial.facts.containers.logs import kept

    bound = kept(first)
    if isinstance(bound, Size) and bound.bytes:
        service.log_size = fact(exact(bound.bytes), f"log options of {first.name}")


def exact(size: int) -> str:
    """A size without rounding, in the largest unit that allows it."""
    for unit in ("GiB", "MiB", "KiB", "GB", "MB", "kB"):
        if size and size % Size.UNITS[unit] == 0:
            return f"{size // Size.UNITS[unit]}{unit}"
    return f"{size}B"


def _mounts(service: Service, first: Container) -> None:
    for mount in () if isinstance(first.mounts, Missing) else first.mounts:
        place = mount.destination
        if mount.type == "tmpfs" or not mount.writable or place.startswith(NO_DATA) or place.endswith(".sock"):
            continue
        if mount.type == "volume" and mount.anonymous:
            service.unsure_paths.append(decide(place, "a volume nobody named: is what lies there to be kept?"))
        elif mount.type == "volume":
            service.paths.append(fact(place, f"volume {mount.volume}"))
        elif mount.type == "bind" and not Path(mount.source).is_file():
            service.paths.append(guess(place, "a writable folder of the host"))


def _environment(service: Service, group: Group, first: Container) -> None:
    """Names of what the deployment sets; what the image sets by itself is no promise of the deployment's."""
    names: dict[str, str] = {}
    for inspect in group.inspected[:1]:
        for entry in inspect["Config"].get("Env") or ():
            name, _, value = entry.partition("=")
            names[name] = value
    own = [
        name
        for name, value in names.items()
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", name)
        and value
        and name not in IMAGES_OWN
        and group.image_environment.get(name) != value
    ]
    has = _held(first)
    if has is not None and not has & set(names):
        service.environment_hidden = True  # rewritten by the program itself, as a server does that shows a title in ps
    elif own and has is not None and not has.issuperset(own):
        lost = sorted(set(own) - has)
        service.remarks.append(f"its main process does not have {', '.join(lost)}, which {first.name} is given")
        own = [name for name in own if name in has]
    service.environment = tuple(own)
    service.environment_source = f"names alone, of {first.name}"


def _held(container: Container) -> set[str] | None:
    """The names of variables that its main process has; None when that can't be seen."""
    try:
        data = Path(f"/proc/{container.pid}/environ").read_bytes() if container.pid else b""
    except OSError:
        return None
    if not data:
        return None
    return {entry.partition(b"=")[0].decode("utf-8", "replace") for entry in data.split(b"\0")}


def _sockets(session: Session, service: Service, runtime: Runtime, containers: tuple[Container, ...]) -> None:
    from seatrial import handshakes

    running = [one for one in containers if one.running]
    if not running:
        if "one_shot" not in service.values:
            service.remarks.append("nothing of it runs, so that its sockets and answers are not known")
        return
    shakes: tuple[Handshake, ...] = ()
    try:
        shakes = handshakes.strangers(session, service.name, runtime)
    except CouldNotLook as why:
        service.remarks.append(f"what answers a stranger could not be seen: {why.reason}")
    _listening(service, running)
    for one in running:
        for port in one.published:
            known = [Address.parse(each.value) for each in service.published]
            if not any(each.allows(port) for each in known):  # 0.0.0.0 stands for [::] too
                service.published.append(_published(port, one))
    _protocol(service, running[0], shakes)
    _opaque(service, shakes)
    _strangers(service, shakes)
    _ask(session, service, running[0], shakes)


def _published(port: Published, container: Container) -> Seen:
    if is_loopback(port.address):
        return fact(str(port), f"{port.inside} of {container.name}")
    wide = "every interface" if is_wildcard(port.address) else "beyond this machine"
    return decide(str(port), f"{port.inside} of {container.name} on {wide}: should it be?")


def _listening(service: Service, running: list[Container]) -> None:
    sockets: list[dict[str, Socket]] = []
    for one in running:
        if isinstance(one.listening, Missing):
            service.remarks.append(f"what listens could not be seen: {one.listening.reason}")
            return
        shared = one.network_mode == "host"
        sockets.append({_socket(socket, shared=shared): socket for socket in one.listening if _serves(socket)})
    everywhere = sorted(set.intersection(*map(set, sockets)), key=_number)
    service.listening = []
    for name in everywhere:
        socket = sockets[0][name]
        told = f"{socket.process or 'a process'} in {running[0].name}" + (" and the others" if running[1:] else "")
        random = socket.port in EPHEMERAL and not any(port.inside == socket.port for port in running[0].published)
        service.listening.append(guess(name, f"{told}; is it this port every time?") if random else fact(name, told))
    for name in sorted(set().union(*sockets) - set(everywhere), key=_number):
        service.remarks.append(f"port {name} listens in some of its containers only")


def _serves(socket: Socket) -> bool:
    """Whether a socket is the service's own: neither the engine's resolver nor one by which a client waits for answers."""
    resolver = socket.address == ENGINE_RESOLVER and socket.pid is None
    return not resolver and not (socket.protocol == "udp" and socket.port in EPHEMERAL)


def _socket(socket: Socket, *, shared: bool) -> str:
    """As a profile writes it; on the host's network the interface matters."""
    return str(Address(socket.address if shared else "", socket.port, socket.protocol))


def _number(name: str) -> int:
    return Address.parse(name).port


def _tcp(service: Service) -> list[int]:
    found = (Address.parse(one.value) for one in service.listening or ())
    return list(dict.fromkeys(address.port for address in found if address.protocol == "tcp"))


def _protocol(service: Service, first: Container, shakes: tuple[Handshake, ...]) -> None:
    """What it speaks and on which port: the socket that told most, published ones first."""
    told = sorted(
        (shake for shake in shakes if shake.open and shake.protocol),
        key=lambda shake: (shake.protocol == "tls", shake.protocol == "http", not shake.published, shake.inside or 0),
    )
    tcp = _tcp(service)
    by_image = protocol_of_image(first.image)
    if told and told[0].protocol != "tls":
        best = told[0]
        service.values["protocol"] = fact(best.protocol, f"answered so on {best.at}")
        port = best.inside or int(best.at.rpartition(":")[2])
        service.values["port"] = fact(port, "where it answered")
    elif by_image and (not tcp or PORTS.get(by_image, tcp[0]) in tcp):
        service.values["protocol"] = guess(by_image, f"by the name of image {first.image.partition('@')[0]}")
        if len(tcp) == 1:
            service.values["port"] = fact(tcp[0], "all that listens")
        elif by_image in PORTS:
            service.values["port"] = guess(PORTS[by_image], f"the usual one of {by_image}")
    elif tcp:
        published = [port.inside for port in first.published if port.protocol == "tcp" and port.inside in tcp]
        service.values["port"] = (
            fact(tcp[0], "all that listens") if len(tcp) == 1 else guess((published or tcp)[0], "one of several")
        )


def _opaque(service: Service, shakes: tuple[Handshake, ...]) -> None:
    """A socket that says nothing known can be judged only where the profile says that it speaks a protocol of its own."""
    main = service.values["port"].value if "port" in service.values else ""
    silent = sorted(
        {
            str(shake.inside or shake.at.rpartition(":")[2])
            for shake in shakes
            if shake.open and not shake.protocol and (shake.published or str(shake.inside) == main)
        },
        key=int,
    )
    if silent:
        also = f"; {service.values['protocol'].value} on {main}" if "protocol" in service.values else ""
        service.values["protocol"] = guess("tcp", f"{', '.join(silent)} says nothing that is known{also}")


def serves(service: Service) -> list[int]:
    """The TCP ports that it listens on, its own first."""
    own = [int(service.values["port"].value)] if "port" in service.values else []
    return [*own, *(port for port in _tcp(service) if port not in own)]


def _strangers(service: Service, shakes: tuple[Handshake, ...]) -> None:
    for shake in shakes:
        if shake.open and shake.anonymous:
            place = shake.published or (str(shake.inside) if shake.inside else shake.at)
            entry = decide(place, f"may it? a stranger got {shake.seen}")
            if place not in {one.value for one in service.strangers}:
                service.strangers.append(entry)
                if shake.protocol == "http":
                    service.pages.append(place)


def _ask(session: Session, service: Service, first: Container, shakes: tuple[Handshake, ...]) -> None:
    """Health and metrics on every published socket that speaks HTTP; the first of them is the service's URL."""
    checks = list(checked(" ".join(first.healthcheck.test) if first.healthcheck else ""))
    doors = [shake for shake in shakes if shake.open and shake.published and shake.protocol in HTTP_PROTOCOLS]
    doors.sort(key=lambda shake: (shake.inside not in {port for port, *_ in checks}, int(shake.at.rpartition(":")[2])))
    for shake in doors:
        own = tuple(
            (path, f"HEALTHCHECK of {first.name}") for port, path in checks if port == shake.inside and path != "/"
        )
        for scheme in ("http", "https"):
            told = web.ask(session, f"{scheme}://{shake.at}", own=own)
            if told.answers:
                break
        if told.remark:
            service.remarks.append(f"{shake.at}: {told.remark}")
        if not told.answers:
            continue
        outside = int(shake.at.rpartition(":")[2])
        base = urlsplit(service.values["url"].value).port if "url" in service.values else outside
        if "url" not in service.values:
            service.values["url"] = fact(f"{scheme}://{shake.at}", f"published as {shake.published}")
        port = outside if outside != base else None
        for kind, probe in told.probes.items():
            service.probes.setdefault(kind, Probe(probe.path, port, probe.content_type, probe.fields))
        if told.metrics and service.metrics is None:
            service.metrics = Probe(told.metrics.path, port)
        if told.version and "version" not in service.values:
            service.values["version"] = told.version
    if not doors:
        published = {port.inside for port in first.published}
        for port, path in checks:
            why = "which could not be asked from here" if port in published else "which is not published"
            service.remarks.append(f"HEALTHCHECK asks {path} on port {port} inside, {why}")


def checked(test: str) -> Iterator[tuple[int, str]]:
    """Ports and paths that the command of a HEALTHCHECK asks for."""
    for match in _URL.finditer(test):
        scheme, port, path = match.groups()
        path = (path or "/").partition("?")[0].partition("#")[0].rstrip(";|)\"'")
        yield int(port or (443 if scheme.lower() == "https" else 80)), path or "/"
