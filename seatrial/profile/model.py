"""The grammar of a profile: one deployment and its hardware, as an operator would declare it.

Every noun of the grammar has its place here from the start, so that later suites add tests and not formats. Scalars
arrive as text (`reading.Scalar`) and are resolved by the type of their field, never by YAML's own guessing. Field
descriptions are the source of `profiles/profile.schema.json` and `docs/profile.md`.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from seatrial.words import Duration, Rate, Ratio, Size

__all__ = ["Profile", "Service", "Target", "Waiver"]

_UNSURE = {"y", "yes", "n", "no", "on", "off"}


def _plain(value: Any) -> bool:
    """Whether a scalar was written without quotes. Values that do not come from YAML count as quoted."""
    return bool(getattr(value, "plain", False))


def _text(value: Any) -> Any:
    """A string. A plain scalar that YAML 1.1 readers take for something else must be quoted."""
    if not isinstance(value, str):
        return value
    if _plain(value):
        lowered = value.lower()
        if lowered in _UNSURE | {"true", "false", "null", "~", ""}:
            raise ValueError(f'{str(value) or "an empty value"} is not text to every YAML reader: write "{value}" in quotes')
        if len(value) > 1 and value[0] == "0" and value.isdigit():
            raise ValueError(f'{value} is an octal number to some YAML readers: write "{value}" in quotes')
        if ":" in value and value.replace(":", "").isdigit():
            raise ValueError(f'{value} is a base-60 number to some YAML readers: write "{value}" in quotes')
    return str(value)


def _boolean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    hint = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}.get(value.lower())
    raise ValueError(f"{value} is not a boolean: write {hint}" if hint else "write true or false")


def _integer(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.removeprefix("-").isdigit():
        raise ValueError("write a whole number")
    if len(value) > 1 and value[0] == "0":
        raise ValueError(f"{value} is an octal number to some YAML readers: write {value.lstrip('0') or '0'}, or 0o… for octal")
    return int(value)


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("write a calendar date as YYYY-MM-DD") from None


def _unit(kind: type[Duration] | type[Size] | type[Rate] | type[Ratio]) -> Any:
    def parse(value: Any) -> Any:
        return kind.parse(value) if isinstance(value, str) else value

    units = "|".join(sorted(kind.UNITS, key=len, reverse=True))
    pattern = {
        Duration: rf"^([0-9]+(\.[0-9]+)?({units}))+$",
        Size: rf"^[0-9]+(\.[0-9]+)? ?({units})$",
        Rate: rf"^[0-9]+(\.[0-9]+)? ?/ ?({units})$",
        Ratio: r"^[0-9]+(\.[0-9]+)? ?%$",
    }[kind]
    return Annotated[
        Any,
        BeforeValidator(parse),
        AfterValidator(_is(kind)),
        WithJsonSchema({"type": "string", "pattern": pattern, "examples": [kind.EXAMPLE]}),
    ]


def _is(kind: type) -> Any:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise ValueError(f"write a {kind.__name__.lower()} such as {kind.EXAMPLE}")  # type: ignore[attr-defined]
        return value

    return check


def _json(value: Any) -> Any:
    """Free-form data, resolved by YAML 1.2's core schema; quoted scalars stay text."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, str) and _plain(value):
        if value in ("true", "false"):
            return value == "true"
        if value in ("null", "~", ""):
            return None
        for number in (int, float):
            try:
                return number(value)
            except ValueError:
                continue
        return _text(value)
    return str(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
Bool = Annotated[bool, BeforeValidator(_boolean)]
Int = Annotated[int, BeforeValidator(_integer)]
Date = Annotated[dt.date, BeforeValidator(_date)]
Json = Annotated[Any, BeforeValidator(_json)]
DurationField = _unit(Duration)
SizeField = _unit(Size)
RateField = _unit(Rate)
RatioField = _unit(Ratio)


class Node(BaseModel):
    """A mapping of the profile: strict, frozen, and closed to unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True, use_attribute_docstrings=True)


class EnvReference(Node):
    """A value taken from the environment of the run, or announced by a stack that the run started."""

    env: Text
    """Name of the variable."""


class FileReference(Node):
    """A value taken from a file, without its trailing newline."""

    file: Text
    """Path of the file, relative to the profile."""


Reference = EnvReference | FileReference
TextOrReference = Text | EnvReference | FileReference


class None_(Node):
    """Declared absent: said on purpose, printed in every report, never silent."""

    none: Text
    """Why the deployment has none."""
    owner: Text
    """Who decided so."""


class Bounds(Node):
    """A minimum that must be met, and what is recommended."""

    min: Int | None = None
    """Below this the deployment is not supported."""
    recommended: Int | None = None
    """Below this it works, but not as intended."""


class SizeBounds(Node):
    """A minimum size that must be met, and what is recommended."""

    min: SizeField | None = None
    """Below this the deployment is not supported."""
    recommended: SizeField | None = None
    """Below this it works, but not as intended."""


class Disk(SizeBounds):
    """Space below a path."""

    path: Text
    """The directory that must have the space."""
    medium: Literal["ssd", "nvme", "hdd"] | None = None
    """What it lies on."""


class Hardware(Node):
    """What the machine must have."""

    arch: Literal["amd64", "arm64", "arm", "riscv64", "ppc64le", "s390x"] | None = None
    """Architecture of the kernel, in OCI's words."""
    cpus: Bounds | None = None
    """Processors."""
    memory: SizeBounds | None = None
    """Main memory."""
    disk: Disk | list[Disk] | None = None
    """Storage."""
    gpu: SizeBounds | None = None
    """Accelerator memory."""


class Tls(Node):
    """Transport security of an endpoint or of the engine's own API."""

    ca: Text | None = None
    """File with the certificate authority that is trusted; the system's when absent."""
    cert: Text | None = None
    """File with our client certificate."""
    key: Text | None = None
    """File with our client key."""
    server_name: Text | None = None
    """Name the server's certificate must carry, when it differs from the URL's host."""
    min_version: Literal["1.2", "1.3"] | None = None
    """Lowest protocol version the server may accept."""
    expires_after: DurationField | None = None
    """How long its certificate must still be valid."""


class Start(Node):
    """A stack that the run itself starts, as a child process, and stops on any exit."""

    command: list[Text]
    """Program and arguments. It prints NAME=value lines (for `{env: NAME}`), then an empty line when it is up, and
    stops when its standard input closes."""
    within: DurationField = Duration(30)
    """How long it may take to come up."""


class Target(Node):
    """The running deployment, and how it is reached."""

    driver: Literal["process", "docker", "http", "python", "host", "kubernetes"]
    """How it is reached."""
    host: TextOrReference | None = None
    """Address of the engine's API (`unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376`); as `docker` finds it when absent."""
    context: Text | None = None
    """Name of a Docker or Kubernetes context."""
    tls: Tls | None = None
    """Certificates for the engine's API."""
    compose_project: Text | None = None
    """Compose project whose containers are the deployment."""
    namespace: Text | None = None
    """Kubernetes namespace."""
    start: Start | None = None
    """For driver process: the stack to start for the run."""
    identity: Text | None = None
    """Engine id, cluster uid or machine id this profile was written for; `seatrial draft` pins it."""


class Expect(Node):
    """What an answer must be."""

    status: Int | list[Int] = 200
    """HTTP status, or several that are right."""
    content_type: Text | None = None
    """Media type of the answer, without parameters."""
    json_schema: Json | None = None
    """JSON Schema (2020-12) the body must satisfy, inline."""
    json_schema_file: Text | None = None
    """File with that JSON Schema, relative to the profile."""
    match: dict[Text, Json] | None = None
    """JMESPath expressions over the body, and the value each must give."""


class HttpCheck(Node):
    """An HTTP endpoint that tells of health. Liveness, readiness and startup have exactly their Kubernetes senses."""

    path: Text
    """Path, from `/`."""
    port: Int | None = None
    """Port, where it differs from the service's URL."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers; a secret belongs in a reference."""
    expect: Expect | None = None
    """What the answer must be; status 200 when absent."""
    latency: DurationField | None = None
    """Each answer must arrive within this time."""
    timeout: DurationField = Duration(5)
    """When a request is given up."""
    period: DurationField | None = None
    """How often the orchestrator asks."""
    failure_threshold: Int | None = None
    """How many failures in a row make it act."""
    polls: Int = 3
    """How many answers in a row must agree."""
    version: Text | None = None
    """JMESPath of the version in the body."""
    status: Text | None = None
    """JMESPath of the overall status in the body."""
    components: Text | None = None
    """JMESPath of the components in the body: an object by name, or a list of objects with name and status."""
    healthy: list[Text] | None = None
    """Words that mean healthy in this body; ok, healthy, up, pass, available, ready and serving when absent."""
    unready_within: DurationField | None = None
    """After a dependency is lost, not ready within this time."""
    ready_within: DurationField | None = None
    """After it is back, ready within this time."""


class Canary(Node):
    """A real call of the service: what its users do, in small."""

    get: Text | None = None
    """Path of a GET."""
    post: Text | None = None
    """Path of a POST."""
    put: Text | None = None
    """Path of a PUT."""
    body: Json | None = None
    """JSON body."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers."""
    expect: Expect | None = None
    """What the answer must be."""
    only_reads: Bool = False
    """True when the call changes nothing, so that observe may make it."""
    read_back: Canary | None = None
    """A second call that must find what the first one wrote."""


class Dependency(Node):
    """Another service that this one needs."""

    optional: Bool = False
    """True when the service stays ready without it."""
    port: Int | None = None
    """Port it is reached on; the dependency's own when absent."""


class Exposure(Node):
    """Sockets: exactly these, on these interfaces, and nothing else."""

    published: list[Text] = []
    """Addresses on the host, as `address:port[/udp]`, that the engine publishes."""
    listening: list[Text] | None = None
    """Ports a container, or address:port pairs a process, listens on; where absent, those that are published or depended on."""
    anonymous: list[Text] = []
    """What may answer a stranger without credentials: `address:port`, or a port inside."""


class Persistence(Node):
    """Where data lies, and what it survives."""

    paths: list[Text] = []
    """Directories inside the service that hold data."""
    survives: list[Literal["restart", "kill", "recreate"]] = []
    """What the data must outlive."""


class Resources(Node):
    """Limits a container must really have."""

    memory: SizeField | None = None
    """Memory limit."""
    cpus: Text | None = None
    """CPU limit, in cores."""
    pids: Int | None = None
    """Number of processes."""
    nofile: Int | None = None
    """Open files (soft limit of the main process)."""


class Limit(Node):
    """A bound the service promises: accepted at it, refused above it."""

    name: Text
    """What is bounded."""
    at: Json
    """The largest value that is accepted."""
    over: Json | None = None
    """A value that is refused."""
    status: Int | None = None
    """Status of the refusal."""


class Logs(Node):
    """What the service's log promises."""

    format: Literal["json", "text"] | None = None
    """Format of a line."""
    max_size: SizeField | None = None
    """Bound on what is kept."""


class Traces(Node):
    """Where the service's traces go."""

    endpoint: TextOrReference | None = None
    """Collector."""


class Access(Node):
    """One call, and what each role gets."""

    call: Text
    """Method and path."""
    expect: dict[Text, Int]
    """Status by role: none, wrong, expired, or a role's name."""


class Metrics(Node):
    """The Prometheus exposition of a service."""

    path: Text = "/metrics"
    """Path."""
    port: Int | None = None
    """Port, where it differs from the service's URL."""
    required: list[Text] = []
    """Names that must exist."""


class Environment(Node):
    """Configuration that the process must really have."""

    required: list[Text] = []
    """Names that must be set and not empty."""
    one_of: list[Text] = []
    """At least one of these must be set."""
    values: dict[Text, TextOrReference] = {}
    """Names and the values they must have."""
    file: Text | None = None
    """Env file, relative to the profile."""


class Process(Node):
    """How the processes of a service are found, for driver process."""

    pid: Int | EnvReference | FileReference | None = None
    """Process id, or where it is written."""
    command: Text | None = None
    """Program name, when there is exactly one such process."""


class Service(Node):
    """One service of the deployment, whatever it runs as."""

    url: TextOrReference | None = None
    """Where it is reached over HTTP."""
    containers: list[Text] | None = None
    """Container names; those of the compose service of the same name when absent."""
    compose_service: Text | None = None
    """Name in compose, when it differs."""
    process: Process | None = None
    """For driver process: how it is found."""
    replicas: Int | None = None
    """How many there must be; 1 when absent."""
    one_shot: Bool = False
    """True for a job that runs once and exits with 0."""
    external: Bool = False
    """True for something we do not run, so that only its network side is looked at."""
    protocol: Literal["http", "redis", "postgres", "s3", "tcp"] | None = None
    """What it speaks; http when it has a URL."""
    port: Int | None = None
    """Port it serves on, inside."""
    image: Text | None = None
    """Image reference that must run; with a digest it must be that very image."""
    image_max_age: DurationField | None = None
    """How old its image may be."""
    platform: Text | None = None
    """OCI platform, `linux/arm64`."""
    version: Text | None = None
    """Version that must run."""
    restart: Literal["no", "always", "on-failure", "unless-stopped"] | None = None
    """Restart policy."""
    max_restarts: Int | None = None
    """How often it may have been restarted."""
    resources: Resources | None = None
    """Limits it must really have."""
    liveness: HttpCheck | None = None
    """Fails when a restart is the cure."""
    readiness: HttpCheck | None = None
    """Fails when it must get no traffic."""
    startup: HttpCheck | None = None
    """Fails until it has started."""
    health: HttpCheck | None = None
    """The detailed health document."""
    canary: Canary | None = None
    """A real call."""
    depends_on: dict[Text, Dependency] | None = None
    """Services it needs."""
    exposure: Exposure | None = None
    """Its sockets."""
    tls: Tls | None = None
    """Its transport security."""
    metrics: Metrics | None = None
    """Its exposition."""
    environment: Environment | None = None
    """Its configuration."""
    persistence: Persistence | None = None
    """Its data."""
    logs: Logs | None = None
    """Its log."""
    traces: Traces | None = None
    """Its traces."""
    limits: list[Limit] | None = None
    """Bounds it promises."""
    access: list[Access] | None = None
    """Who may call what."""
    grace_period: DurationField | None = None
    """How long it may take to stop."""


class Alerts(Node):
    """Alert rules."""

    files: list[Text] = []
    """Rule files, relative to the profile."""
    prometheus: TextOrReference | None = None
    """URL of the Prometheus that loaded them."""
    alertmanager: TextOrReference | None = None
    """URL of the Alertmanager."""
    means: dict[Text, Json] = {}
    """What each alert means, by name."""
    covers: dict[Text, Text] = {}
    """Failures that must be told, and the alert that tells each."""


class Backup(Node):
    """One backup, and how it is restored."""

    service: Text
    """Whose data."""
    command: list[Text]
    """Makes it; `{env: …}` is not read here, the command gets BACKUP_DIR in its environment."""
    restore: list[Text] | None = None
    """Restores it, from BACKUP_DIR."""
    rpo: DurationField | None = None
    """How old the newest may be."""
    rto: DurationField | None = None
    """How long restoring may take."""


class Slo(Node):
    """A latency or error objective under load."""

    service: Text
    """Whose."""
    call: Text
    """Method and path."""
    rate: RateField | None = None
    """Arrivals."""
    duration: DurationField | None = None
    """How long."""
    latency: dict[Text, DurationField] = {}
    """Objective by quantile: p50, p95, p99, p99.9."""
    errors: RatioField | None = None
    """Share of requests that may fail."""
    proposed: Bool = False
    """True when no document states it; it can't fail a gate."""


class Maintenance(Node):
    """A maintenance command and its schedule."""

    command: list[Text]
    """What is run."""
    every: DurationField | None = None
    """How often."""


class Waiver(Node):
    """A dated, owned, reasoned exception. The test still runs."""

    requirement: Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Z]{3}-[0-9]{3}$")]
    """Id of the requirement."""
    subject: Text
    """Subject as printed (`minio`, `api.readiness`), or `*` for all of them."""
    reason: Text
    """Why."""
    owner: Text
    """Who answers for it."""
    expires: Date
    """Last day it holds, a UTC calendar date at most 90 days ahead."""


class Profile(Node):
    """One deployment and its hardware: what is declared is what is tested."""

    version: Literal["1"] = "1"
    """Version of this grammar."""
    profile: Text
    """Name of the profile."""
    summary: Text = ""
    """One sentence on what is deployed."""
    spec: Text | None = None
    """Clause catalogue under specs/ that this deployment follows."""
    environment: Literal["production", "staging", "development", "test"] = "production"
    """production refuses more than observe unless the command line grants and confirms it."""
    hardening: Literal["baseline", "restricted"] = "baseline"
    """restricted makes every hardening SHOULD binding."""
    hardware: Hardware | None = None
    """What the machine must have."""
    target: Target
    """The running deployment, and how it is reached."""
    services: dict[Text, Service] = {}
    """The services, by name."""
    alerts: Alerts | None_ | None = None
    """Alert rules."""
    backups: dict[Text, Backup] | None_ | None = None
    """Backups, by name."""
    slos: dict[Text, Slo] | None_ | None = None
    """Objectives, by name."""
    maintenance: dict[Text, Maintenance] | None_ | None = None
    """Maintenance, by name."""
    waivers: list[Waiver] = []
    """Exceptions."""
    max_waivers: Int = 10
    """How many exceptions there may be."""

    @model_validator(mode="after")
    def _dependencies_exist(self) -> Profile:
        for name, service in self.services.items():
            for dependency in service.depends_on or {}:
                if dependency not in self.services:
                    raise ValueError(f"services.{name}.depends_on names {dependency}, which is no service of this profile")
        return self
