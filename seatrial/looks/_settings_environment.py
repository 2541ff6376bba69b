"""The environment that the main processes of a service really have, from /proc; what their containers were created with beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.settings import Environ, Settings, Stated
from seatrial.looks._settings_values import stated
from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.container import Container
    from seatrial.facts.process import Process
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Environment
    from seatrial.profile.subjects import Subject

__all__ = ["Source", "environment", "sources"]

RIGHT = "root on the engine's own host, to read /proc/PID/environ"


@dataclass(frozen=True, slots=True)
class Source:
    """One main process: its variables, and those of its container's configuration. They are never kept."""

    where: str
    variables: dict[str, str] | Missing
    created: dict[str, str] | Missing


def sources(session: Session, runtime: Runtime | Missing, service: str) -> tuple[Source, ...]:
    """The main processes of a service, each with its environment.

    Raises:
        CouldNotLook: nothing of it can be seen, or nothing of it runs.
    """
    return session.once(("environment", service), lambda: tuple(_sources(session, seen(runtime), service)))


def _sources(session: Session, runtime: Runtime, service: str) -> list[Source]:
    if service in runtime.processes:
        processes = seen(seen(runtime.processes[service]).processes)
        nothing = Missing("it runs in no container")
        return [Source(str(process), _variables(session, process), nothing) for process in processes[:1]]
    containers = seen(runtime.containers.get(service, ()))
    if not containers:
        raise CouldNotLook(f"no container of {service} is there")
    return _contained(session, runtime, containers)


def _contained(session: Session, runtime: Runtime, containers: Iterable[Container]) -> list[Source]:
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api

    api = Api(session, _docker_endpoint.find(session))
    try:
        found = []
        for container in containers:
            try:
                config = api.get(f"/containers/{container.id}/json").get("Config") or {}
                created: dict[str, str] | Missing = _pairs(config.get("Env") or [])
            except CouldNotLook as why:
                created = Missing(why.reason, why.right)
            found.append(Source(str(container), _of_container(session, runtime, container, created), created))
        return found
    finally:
        api.close()


def _of_container(
    session: Session, runtime: Runtime, container: Container, created: dict[str, str] | Missing
) -> dict[str, str] | Missing:
    if not container.running:
        # A job that has ended had what it was created with; nothing else can be known of it.
        return created if container.exit_code == 0 else Missing(f"{container} does not run")
    if not runtime.engine.local:
        return Missing("its processes are another machine's; what it was created with need not be what it has", RIGHT)
    processes = seen(container.processes) if not isinstance(container.processes, Missing) else ()
    main = next((process for process in processes if process.pid == container.pid), None)
    return _variables(session, main) if main else Missing(f"the main process of {container} was not seen", RIGHT)


def _variables(session: Session, process: Process) -> dict[str, str] | Missing:
    from seatrial.looks._secrets_processes import words

    session.call("process", "GET")
    entries = words(process.pid, "environ")
    if entries is None:
        return Missing(f"{process} ended while it was looked at")
    return entries if isinstance(entries, Missing) else _pairs(entries)


def _pairs(entries: Iterable[str]) -> dict[str, str]:
    """By name; of a name that is there twice, getenv(3) gives the first."""
    found: dict[str, str] = {}
    for name, sign, value in (entry.partition("=") for entry in entries):
        if sign:
            found.setdefault(name, value)
    return found


def environment(session: Session, runtime: Runtime | Missing, subject: Subject) -> Settings:
    """The declared variables of a service, as its main processes have them."""
    node: Environment = subject.node
    values = {name: (session.resolve(value), not isinstance(value, str)) for name, value in node.values.items()}
    file = _file(session, node)
    return Settings(
        environs=tuple(_environ(source, node, values, file) for source in sources(session, runtime, subject.service))
    )


def _environ(
    source: Source, node: Environment, values: dict[str, tuple[str, bool]], file: dict[str, str] | Missing
) -> Environ:
    variables = source.variables
    if isinstance(variables, Missing):
        return Environ(source.where, variables)
    names = dict.fromkeys((*node.required, *node.one_of, *node.values, *node.allowed))

    def against(wanted: dict[str, str] | Missing, among: Iterable[str]) -> tuple[Stated, ...] | Missing:
        if isinstance(wanted, Missing):
            return wanted
        return tuple(stated(n, variables.get(n), wanted[n], exact=True) for n in among if n in wanted)

    return Environ(
        where=source.where,
        variables=tuple(stated(name, variables.get(name)) for name in names),
        values=tuple(
            stated(name, variables.get(name), wanted, hidden=hidden, exact=True)
            for name, (wanted, hidden) in values.items()
        ),
        # One that is not set has no value that could be wrong; that it must be set, `required` says.
        allowed=tuple(
            stated(name, variables[name], *allowed, exact=True)
            for name, allowed in node.allowed.items()
            if name in variables
        ),
        file=against(file, file if not isinstance(file, Missing) else ()),
        created=against(source.created, names),
    )


def _file(session: Session, node: Environment) -> dict[str, str] | Missing:
    """The variables of the env file that the profile names."""
    if node.file is None:
        return Missing("no env file is declared")
    from seatrial.looks._settings_files import env, on_host

    try:
        return env(on_host(session, session.resolve(node.file)).text)
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
