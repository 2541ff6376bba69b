"""The grammar of behaviour: what a service answers, what it needs, what it keeps, and what it promises when things go wrong."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Tag

from seatrial.profile.nodes import Node, None_, TextOrReference
from seatrial.profile.scalars import (
    OR_SEVERAL,
    Bool,
    Count,
    DurationField,
    ExistingPath,
    Expression,
    Json,
    JsonSchema,
    Name,
    Port,
    Positive,
    RatioField,
    Status,
    Text,
    UrlPath,
)
from seatrial.words import Duration

__all__ = [
    "Breaker", "Canary", "Dependency", "Expect", "HttpCheck", "Lifecycle", "Limit", "Persistence", "RateLimit", "Rotation",
    "Step",
]  # fmt: skip


class Expect(Node):
    """What an answer must be."""

    status: Annotated[Annotated[Status, Tag("|one")] | Annotated[list[Status], Tag("|list")], OR_SEVERAL] = 200
    """HTTP status, or several that are right."""
    content_type: Text | None = None
    """Media type of the answer, without parameters."""
    json_schema: JsonSchema | None = None
    """JSON Schema (2020-12) the body must satisfy, inline."""
    json_schema_file: ExistingPath | None = None
    """File with that JSON Schema, relative to the profile."""
    match: dict[Expression, Json] | None = None
    """JMESPath expressions over the body, and the value each must give."""


class HttpCheck(Node):
    """An HTTP endpoint that tells of health. Liveness, readiness and startup have exactly their Kubernetes senses."""

    path: UrlPath
    """Path, from `/`."""
    port: Port | None = None
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
    failure_threshold: Positive | None = None
    """How many failures in a row make it act."""
    polls: Positive = 3
    """How many answers in a row must agree."""
    version: Expression | None = None
    """JMESPath of the version in the body."""
    status: Expression | None = None
    """JMESPath of the overall status in the body."""
    components: Expression | None = None
    """JMESPath of the components in the body: an object by name, or a list of objects with name and status."""
    healthy: list[Text] | None = None
    """Words that mean healthy in this body; ok, healthy, up, pass, available, ready and serving when absent."""
    unready_within: DurationField | None = None
    """After a dependency is lost, not ready within this time."""
    ready_within: DurationField | None = None
    """After it is back, ready within this time."""


class Canary(Node):
    """A real call of the service: what its users do, in small."""

    get: UrlPath | None = None
    """Path of a GET."""
    post: UrlPath | None = None
    """Path of a POST."""
    put: UrlPath | None = None
    """Path of a PUT."""
    delete: UrlPath | None = None
    """Path of a DELETE."""
    body: Json | None = None
    """JSON body."""
    headers: dict[Text, TextOrReference] | None = None
    """Request headers."""
    expect: Expect | None = None
    """What the answer must be."""
    only_reads: Bool = False
    """True when the call changes nothing, so that observe may make it."""
    timeout: DurationField = Duration(10)
    """When the call is given up."""
    sentinel: Text | None = None
    """A text in the path, the body or the expectation of this call, of `read_back` and of `remove`. Experiments replace it
    by one of their own in each call, so that what was written is told from what was there before."""
    read_back: Canary | None = None
    """A second call that must find what the first one wrote."""
    remove: Canary | None = None
    """A call that takes away what the first one wrote; made when an experiment is over."""


class Breaker(Node):
    """A circuit breaker between a service and a dependency, with the numbers it promises."""

    failures: Positive
    """Failures in a row that open it."""
    open_for: DurationField
    """How long it stays open before it lets one call through."""
    fails_within: DurationField = Duration(1)
    """While it is open, a call fails within this time."""


class Dependency(Node):
    """Another service that this one needs."""

    optional: Bool = False
    """True when the service stays ready without it."""
    port: Port | None = None
    """Port it is reached on; the dependency's own when absent."""
    timeout: DurationField | None = None
    """While it hangs, a call that needs it still ends within this time, if only with an error."""
    retries: Count | None = None
    """How often a call is tried again at most, when it fails."""
    breaker: Breaker | None = None
    """The circuit breaker in front of it."""
    call: Canary | None = None
    """A call of this service that needs it, for `timeout`, `retries` and `breaker`; the service's canary when absent."""


class Persistence(Node):
    """Where data lies, and what it survives."""

    paths: list[TextOrReference] = []
    """Directories inside the service that hold data."""
    survives: list[Literal["restart", "kill", "recreate"]] = []
    """What the data must outlive."""
    backup: None_ | None = None
    """Why it is in no backup, where that is on purpose."""


class Limit(Canary):
    """A bound the service promises: accepted at it, refused above it."""

    name: Text
    """What is bounded."""
    field: Text | None = None
    """Key of the body that takes the value, dotted for one further down (`query.top_k`); for a call without a body, the
    parameter of its query. When absent, what is bounded is the size of the whole JSON body in bytes, and its longest text is
    made longer."""
    at: Json = None
    """The largest value that is accepted: for a number its value, for a text its length in characters, for a list the number
    of its entries."""
    over: Json = None
    """A value that is refused; one above `at` when absent. Ten times `at` is tried too."""
    status: Status | None = None
    """Status of the refusal; any of 400 to 499 when absent."""


class RateLimit(Canary):
    """A bound on how often a call may be made."""

    name: Text
    """What is bounded."""
    allowed: Positive
    """How many calls are accepted..."""
    per: DurationField
    """...within this time."""
    status: Status = 429
    """Status of the refusal, which says by Retry-After when to come back."""


class Step(Node):
    """A command of the operators, run where Seatrial runs."""

    command: list[Text]
    """Program and arguments, in the profile's folder."""
    within: DurationField = Duration(120)
    """How long it may take."""
    version: Text | None = None
    """Version that the service says it has afterwards."""


class Rotation(Node):
    """A key that is replaced while the service runs."""

    command: list[Text]
    """Program and arguments that put the new key in force, in the profile's folder."""
    back: list[Text]
    """Program and arguments that put the old one back."""
    within: DurationField = Duration(120)
    """How long either may take."""
    call: Canary
    """A call with the key that is in force before."""
    renewed: Canary
    """The same call with the new key."""
    refused: Status = 401
    """What a key that is not in force gets."""


class Lifecycle(Node):
    """What operators do to the service while clients use it, and how many requests may fail meanwhile."""

    errors: RatioField
    """Share of the canary's calls that may fail, of ten a second."""
    replace: Bool = False
    """True when its containers may be recreated one by one."""
    scale: Positive | None = None
    """How many replicas it is scaled to, and back."""
    upgrade: Step | None = None
    """The declared upgrade."""
    rollback: Step | None = None
    """The declared way back, made after the upgrade."""
    rotate: dict[Name, Rotation] = {}
    """Keys that are rotated, by name."""
