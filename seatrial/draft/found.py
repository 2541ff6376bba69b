"""What was found of a deployment, before anything is written: one model for every source, each value with where it is from."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Dependency", "Found", "Machine", "Probe", "Seen", "Service", "decide", "fact", "guess"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A value, where it was seen, and how sure that is."""

    value: str
    source: str
    """``container akidb-api-1``, ``docker-compose.yml``, ``GET /metrics``."""
    mark: str = ""
    """``guess`` when it was concluded and not read, ``decide`` when only a person can know; empty for a fact."""

    @property
    def note(self) -> str:
        """The comment behind the value."""
        return f"{self.mark}: {self.source}" if self.mark else self.source


def fact(value: object, source: str) -> Seen:
    """Something that was read."""
    return Seen(str(value), source)


def guess(value: object, source: str) -> Seen:
    """Something that was concluded."""
    return Seen(str(value), source, "guess")


def decide(value: object, source: str) -> Seen:
    """Something that a person has to decide."""
    return Seen(str(value), source, "decide")


@dataclass(frozen=True, slots=True)
class Probe:
    """A health endpoint that answered."""

    path: Seen
    port: int | None = None
    """Where it differs from that of the service's URL."""
    content_type: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    """Keys of the grammar (``status``, ``components``, ``version``) and the expression that gives each."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another service that one needs."""

    name: str
    source: Seen
    port: int | None = None
    """Where it is not the other's own."""
    optional: bool = False


@dataclass(slots=True)
class Service:
    """One service, as far as its source tells."""

    name: str
    source: str
    """What its facts are from."""
    container_names: tuple[str, ...] = ()
    """Where containers are not found by their compose service."""
    compose_service: str = ""
    """Where it differs from the name, which a profile restricts."""
    values: dict[str, Seen] = field(default_factory=dict)
    """Scalar keys of the grammar: image, platform, restart, replicas, one_shot, url, protocol, port, version, grace_period."""
    resources: dict[str, Seen] = field(default_factory=dict)
    log_size: Seen | None = None
    probes: dict[str, Probe] = field(default_factory=dict)
    metrics: Probe | None = None
    published: list[Seen] = field(default_factory=list)
    inside: dict[str, int] = field(default_factory=dict)
    """By published address, the port inside."""
    listening: list[Seen] | None = None
    """None when nobody could see what listens."""
    strangers: list[Seen] = field(default_factory=list)
    """Sockets that served a stranger, by the address a profile would permit."""
    pages: list[str] = field(default_factory=list)
    """Those of them that are plain web pages, which need no credentials more often than not."""
    depends_on: list[Dependency] = field(default_factory=list)
    environment: tuple[str, ...] = ()
    """Names of variables, and never a value."""
    environment_source: str = ""
    environment_hidden: bool = False
    """True when its main process does not show what it was given, so that nobody can see whether it has it."""
    paths: list[Seen] = field(default_factory=list)
    unsure_paths: list[Seen] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """What a person should know, and no key tells."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The engine's host."""

    arch: str = ""
    cpus: int = 0
    memory: int = 0
    """Bytes."""
    data: str = ""
    """Where the engine keeps its data."""


@dataclass(slots=True)
class Found:
    """A deployment, as far as its source tells."""

    name: str
    what: str
    """``compose project akidb``, ``docker-compose.yml``."""
    command: str
    """What was typed."""
    driver: str
    project: Seen | None = None
    identity: Seen | None = None
    machine: Machine | None = None
    services: list[Service] = field(default_factory=list)
    files: list[Seen] = field(default_factory=list)
    """Compose and env files, by absolute path, that can be read."""
    unreadable: list[Seen] = field(default_factory=list)
    """Such files that are known and can't be read."""
    values: set[str] = field(default_factory=set, repr=False)
    """Values that are secret, so that the last sweep finds them wherever they stand."""
    missing: list[str] = field(default_factory=list)
    """What could not be seen, and the right that would show it."""
