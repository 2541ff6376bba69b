"""The grammar of a profile: one deployment and its hardware, as an operator would declare it.

Every noun of the grammar has its place here from the start, so that later suites add tests and not formats. Scalars
arrive as text (`reading.Scalar`) and are resolved by the type of their field, never by YAML's own guessing. Field
descriptions are the source of `profiles/profile.schema.json` and `docs/profile.md`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Tag

from seatrial.profile.alerting import Alerts
from seatrial.profile.backing import Backup, Maintenance, Start
from seatrial.profile.behaviour import (
    Breaker,
    Canary,
    Dependency,
    Expect,
    HttpCheck,
    Lifecycle,
    Limit,
    Persistence,
    RateLimit,
    Rotation,
    Step,
)
from seatrial.profile.nodes import (
    Absent,
    AddressOrReference,
    EnvReference,
    FileReference,
    FromEnv,
    FromFile,
    Node,
    None_,
    PathOrReference,
    PortOrReference,
    SecretReference,
    SocketOrReference,
    TextOrReference,
)
from seatrial.profile.objectives import Baseline, HardwareClass, Slo
from seatrial.profile.scalars import (
    INT_OR_REFERENCE,
    OR_LIST,
    OR_NONE,
    OR_SEVERAL,
    WORD,
    Bool,
    Cores,
    Count,
    Date,
    DurationField,
    ExistingPath,
    Expression,
    Json,
    JsonSchema,
    Name,
    Pattern,
    Port,
    Positive,
    RequirementId,
    SizeField,
    Status,
    Text,
    UrlPath,
)
from seatrial.words import Duration

__all__ = [
    "Breaker", "Canary", "Dependency", "EnvReference", "Expect", "FileReference", "HttpCheck", "Lifecycle", "Limit", "Node",
    "None_", "Persistence", "Profile", "RateLimit", "Rotation", "Service", "Step", "Target", "Waiver",
]  # fmt: skip


class Bounds(Node):
    """A minimum that must be met, and what is recommended."""

    min: Count | None = None
    """Below this the deployment is not supported."""
    recommended: Count | None = None
    """Below this it works, but not as intended."""


class SizeBounds(Node):
    """A minimum size that must be met, and what is recommended."""

    min: SizeField | None = None
    """Below this the deployment is not supported."""
    recommended: SizeField | None = None
    """Below this it works, but not as intended."""


class Disk(SizeBounds):
    """Space below a path."""

    path: PathOrReference
    """The directory that must have the space."""
    service: Name | None = None
    """The service in whose containers the path is; without it, it is the machine's own."""
    free: SizeField | None = None
    """Space that must be free there."""
    free_inodes: Count | None = None
    """Inodes that must be free there."""
    medium: Literal["ssd", "nvme", "hdd"] | None = None
    """What it lies on; an nvme is an ssd too."""


class Hardware(Node):
    """What the machine must have."""

    arch: Literal["amd64", "arm64", "arm", "riscv64", "ppc64le", "s390x"] | None = None
    """Architecture of the kernel, in OCI's words; nothing of the deployment may then run under emulation."""
    cpus: Bounds | None = None
    """Processors."""
    memory: SizeBounds | None = None
    """Main memory."""
    disk: Annotated[Annotated[Disk, Tag("|mapping")] | Annotated[list[Disk], Tag("|list")], OR_LIST] | None = None
    """Storage."""
    gpu: SizeBounds | None = None
    """Memory of the largest accelerator."""
    clock_synchronised: Bool | None = None
    """True when the kernel's clock must be kept by a time service."""
    classes: dict[Name, HardwareClass] = {}
    """Classes of machines, by name: objectives may differ between them. A machine is of the first one that it fits."""


class Tls(Node):
    """Transport security of an endpoint or of the engine's own API."""

    ca: ExistingPath | None = None
    """File with the certificate authority that is trusted; the system's when absent."""
    cert: ExistingPath | None = None
    """File with our client certificate."""
    key: ExistingPath | None = None
    """File with our client key."""
    server_name: Text | None = None
    """Name the server's certificate must carry, when it differs from the URL's host."""
    min_version: Literal["1.2", "1.3"] | None = None
    """Lowest protocol version the server may accept."""
    expires_after: DurationField | None = None
    """How long its certificate must still be valid."""


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


class Exposure(Node):
    """Sockets: exactly these, on these interfaces, and nothing else."""

    published: list[AddressOrReference] = []
    """Addresses on the host, as `address:port[/udp]`, that the engine publishes."""
    listening: list[SocketOrReference] | None = None
    """Ports a container, or address:port pairs a process, listens on; where absent, those that are published or depended on."""
    anonymous: list[SocketOrReference] = []
    """What may answer a stranger without credentials: `address:port`, or a port inside."""


class Resources(Node):
    """Limits a container must really have."""

    memory: SizeField | None = None
    """Memory limit."""
    cpus: Cores | None = None
    """CPU limit, in cores."""
    pids: Positive | None = None
    """Number of processes."""
    nofile: Positive | None = None
    """Open files (soft limit of the main process)."""


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
    expect: dict[Text, Status]
    """Status by role: none, wrong, expired, or a role's name."""


class MetricFamily(Node):
    """What one metric must be."""

    type: Literal["counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram"] | None = None
    """Type that the exposition states."""
    labels: list[Text] = []
    """Names of labels that its samples must have."""


class Counted(Node):
    """A counter that counts calls: after that many of them it has grown by just as much."""

    metric: Text
    """Name of the counter's sample, with `_total` where it has it."""
    labels: dict[Text, Text] = {}
    """Labels of the series that count this call; several are added up."""
    get: UrlPath
    """The call."""
    times: Positive = 3
    """How many calls are made. Others are not to call meanwhile: a counter that also moves by itself is undecided."""


class Metrics(Node):
    """The Prometheus exposition of a service."""

    path: UrlPath = "/metrics"
    """Path."""
    port: Port | None = None
    """Port, where it differs from the service's URL."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers; a secret belongs in a reference."""
    timeout: DurationField = Duration(10)
    """When a scrape is given up; Prometheus's own bound when absent."""
    required: Annotated[
        Annotated[list[Text], Tag("|list")] | Annotated[dict[Text, MetricFamily], Tag("|mapping")], OR_LIST
    ] = []
    """Names that must exist, or a mapping of names to what each must be."""
    counts: list[Counted] = []
    """Counters and the calls they count."""
    max_label_values: Positive | None = None
    """How many values one label of one metric may have."""
    max_series: Positive | None = None
    """How many series one metric may have; each bucket of a histogram is one."""


class Environment(Node):
    """Configuration that the process must really have."""

    required: list[Text] = []
    """Names that must be set and not empty."""
    one_of: list[Text] = []
    """At least one of these must be set."""
    values: dict[Text, TextOrReference] = {}
    """Names and the values they must have."""
    allowed: dict[Text, list[Text]] = {}
    """Names and the values they may have."""
    file: PathOrReference | None = None
    """Env file, relative to the profile."""


class ConfigFile(Node):
    """A configuration file."""

    path: PathOrReference
    """Where it lies: relative to the profile, or, with `inside`, absolute in the service's container."""
    inside: Bool = False
    """True for a path inside the container."""
    format: Literal["json", "yaml", "toml", "ini", "env"] | None = None
    """Its format; by its name when absent."""
    json_schema: JsonSchema | None = None
    """JSON Schema (2020-12) it must satisfy, inline."""
    json_schema_file: ExistingPath | None = None
    """File with that JSON Schema, relative to the profile."""
    values: dict[Expression, Json] = {}
    """JMESPath expressions over it, and the value each must give."""


class Reports(Node):
    """What the server itself says of its configuration: Redis by CONFIG GET, PostgreSQL by pg_settings, others by HTTP."""

    path: UrlPath | None = None
    """Path of an HTTP endpoint that reports the configuration as JSON; its values are JMESPath expressions."""
    version: Expression = "version"
    """For an HTTP endpoint: JMESPath of the server's version in that document."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers; a secret belongs in a reference."""
    user: TextOrReference | None = None
    """Who asks; needs no more than to read settings."""
    password: SecretReference | None = None
    """Password, by reference."""
    database: Text | None = None
    """For PostgreSQL: the database to connect to; `postgres` when absent."""
    values: dict[Text, Json] = {}
    """Settings and the value each must have; sizes and times may carry a unit."""


class Configuration(Node):
    """Configuration beyond the environment: files, and what the server reports."""

    files: list[ConfigFile] = []
    """Configuration files."""
    reports: Reports | None = None
    """What the server itself says."""
    min_version: Text | None = None
    """The lowest version the server may say it has."""


class Place(Node):
    """A place that states a value; exactly one of its forms."""

    service: Name | None = None
    """The service that states it."""
    environment: Text | None = None
    """Variable of the service's environment."""
    reports: Text | None = None
    """Setting that the service's server reports."""
    file: PathOrReference | None = None
    """Configuration file, relative to the profile; with `service` and `inside`, in its container."""
    inside: Bool = False
    """True for a path inside the container."""
    at: Expression | None = None
    """JMESPath in that file; its whole text when absent."""
    format: Literal["json", "yaml", "toml", "ini", "env"] | None = None
    """The file's format; by its name when absent."""
    match: Pattern | None = None
    """Regular expression with one group that is the value, where only a part of the text is meant."""


class KnownSecret(Node):
    """A secret that exists: its very value is looked for everywhere."""

    value: SecretReference
    """Where the value lies."""
    held_by: list[Name] = []
    """Services that may have it: in the environment of their processes, in their `environment.file`, below /run/secrets."""
    files: list[PathOrReference] = []
    """Other files that may hold it, relative to the profile; the file that `value` names need not be repeated."""


class Secrets(Node):
    """Where secrets may be, and where to look for those that must not be there."""

    known: dict[Name, KnownSecret] = {}
    """Secrets by name; each value is looked for raw, base64 and URL-encoded."""
    files: list[PathOrReference] = []
    """Env files, compose files, unit files and configuration on this host that are searched."""
    repository: PathOrReference | None = None
    """Checked-out repository that is searched."""
    examples: list[Text] = []
    """Paths in it that hold examples and no secrets, as patterns in which `*` matches any text: `tests/*`, `*.md`."""
    log_lines: Positive = 1000
    """How many of the last lines of each log are searched."""
    max_files: Positive = 10000
    """How many files below one path, or of the repository, are searched: those nearest to the top first."""


class Process(Node):
    """How the processes of a service are found, for driver process."""

    pid: Annotated[Annotated[Positive, Tag("|one")] | FromEnv | FromFile, INT_OR_REFERENCE] | None = None
    """Process id, or where it is written: in a pid file (`{file: PATH}`, read anew each time), or in a variable, as the id or as
    the absolute path of a pid file."""
    command: Text | None = None
    """Program name, when there is exactly one such process."""
    stop: list[Text] | None = None
    """Program and arguments that stop it and keep it stopped, in the profile's folder; what restarts it by itself must know. A
    leading `python` is the interpreter that runs Seatrial."""
    start: list[Text] | None = None
    """Program and arguments that start it again."""


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
    replicas: Count | None = None
    """How many there must be; 1 when absent."""
    one_shot: Bool = False
    """True for a job that runs once and exits with 0."""
    external: Bool = False
    """True for something we do not run, so that only its network side is looked at."""
    protocol: (
        Literal[
            "http", "redis", "postgres", "mysql", "mongodb", "memcached", "s3", "elasticsearch", "etcd", "amqp", "nats",
            "prometheus", "alertmanager", "jaeger", "ollama", "docker", "kubernetes", "kubelet", "ssh", "tcp",
        ]
        | None
    ) = None  # fmt: skip
    """What it speaks; http when it has a URL, tcp for a protocol of its own."""
    port: PortOrReference | None = None
    """Port it serves on, inside."""
    image: Text | None = None
    """Image reference that must run; with a digest it must be that very image."""
    image_max_age: DurationField | None = None
    """How old its image may be."""
    platform: Text | None = None
    """OCI platform, `linux/arm64`."""
    version: Text | None = None
    """Version that must run."""
    restart: Annotated[Literal["no", "always", "on-failure", "unless-stopped"], WORD] | None = None
    """Restart policy."""
    max_restarts: Count | None = None
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
    slowest: Canary | None = None
    """The slowest call there is: its first run must not look like death."""
    work: Canary | None = None
    """A call that hands in work to be done later; its `read_back` finds it done."""
    depends_on: dict[Name, Dependency] | None = None
    """Services it needs."""
    exposure: Exposure | None = None
    """Its sockets."""
    tls: Tls | None = None
    """Its transport security."""
    metrics: Metrics | None = None
    """Its exposition."""
    environment: Environment | None = None
    """Its environment."""
    configuration: Configuration | None = None
    """Its configuration beyond the environment."""
    persistence: Persistence | None = None
    """Its data."""
    logs: Logs | None = None
    """Its log."""
    traces: Traces | None = None
    """Its traces."""
    limits: list[Limit] | None = None
    """Bounds it promises."""
    rate_limits: list[RateLimit] | None = None
    """Bounds on how often it may be called."""
    lifecycle: Lifecycle | None = None
    """What may be done to it while clients use it."""
    access: list[Access] | None = None
    """Who may call what."""
    grace_period: DurationField | None = None
    """How long it may take to stop; the engine's own bound when absent."""
    restart_within: DurationField | None = None
    """After it crashed, it runs again within this time."""
    cold_start_within: DurationField | None = None
    """After the whole stack was started from nothing, it is ready within this time."""
    protected: Bool = False
    """True when no experiment may disturb it."""
    paid: Bool = False
    """True when what is asked of it costs money: no load is made on what needs it, unless `double` is there."""
    double: Name | None = None
    """The service that stands in for it in this deployment."""


class Waiver(Node):
    """A dated, owned, reasoned exception. The test still runs."""

    requirement: RequirementId
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
    extends: Annotated[Annotated[Text, Tag("|one")] | Annotated[list[Text], Tag("|list")], OR_SEVERAL] | None = None
    """Profile, or several, this one starts from: a shipped name, or a path relative to this file. Mappings are merged
    key by key, everything else is replaced; later ones win over earlier ones, this file over all."""
    profile: Name
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
    services: dict[Name, Service] = {}
    """The services, by name."""
    secrets: Secrets | None = None
    """Secrets, and where they are looked for."""
    same: dict[Name, list[Place]] = {}
    """Values that several places state, by name: every place must state the same."""
    alerts: Annotated[Annotated[Alerts, Tag("|mapping")] | Absent, OR_NONE] | None = None
    """Alert rules."""
    backups: Annotated[Annotated[dict[Name, Backup], Tag("|mapping")] | Absent, OR_NONE] | None = None
    """Backups, by name."""
    slos: Annotated[Annotated[dict[Name, Slo], Tag("|mapping")] | Absent, OR_NONE] | None = None
    """Objectives, by name."""
    baseline: Baseline | None = None
    """Latency of single requests without load, compared from run to run."""
    maintenance: Annotated[Annotated[dict[Name, Maintenance], Tag("|mapping")] | Absent, OR_NONE] | None = None
    """Maintenance, by name."""
    waivers: list[Waiver] = []
    """Exceptions."""
    max_waivers: Count = 10
    """How many exceptions there may be."""
