"""The grammar of objectives: what users are promised under load, how that load is made, and how far it may go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from seatrial.profile.nodes import Node, TextOrReference
from seatrial.profile.scalars import (
    OR_MAPPING,
    Bool,
    DurationField,
    Json,
    Name,
    Positive,
    RateField,
    RatioField,
    SizeField,
    Text,
)
from seatrial.words import Duration, Ratio

__all__ = ["Baseline", "HardwareClass", "Hosts", "Numbers", "Objective", "Slo", "Window"]


class Numbers(Node):
    """What is promised of an endpoint, or of all together."""

    latency: dict[Text, DurationField] = {}
    """Objective by quantile, p50 to p99.9: so much of what was answered as declared took no longer."""
    errors: RatioField | None = None
    """Share of requests that may fail."""
    throughput: RateField | None = None
    """Requests a second that are answered as declared, at least."""


class Objective(Numbers):
    """What is promised of one endpoint."""

    proposed: Bool = False
    """True when no document states it; it can't fail a gate."""


class ClassNumbers(Numbers):
    """Other numbers on one class of hardware; what is absent is as for all."""

    rate: RateField | None = None
    """Arrivals."""
    users: Positive | None = None
    """Users of a closed loop."""
    endpoints: dict[Text, Objective] = {}
    """By endpoint."""


class HardwareClass(Node):
    """A class of machines, told by what the kernel says of this one."""

    arch: Literal["amd64", "arm64", "arm", "riscv64", "ppc64le", "s390x"] | None = None
    """Architecture of the kernel, in OCI's words."""
    cpus: Positive | None = None
    """Processors, exactly."""
    memory: SizeField | None = None
    """Main memory, to an eighth."""
    model: Text | None = None
    """Part of the processor's name, upper or lower case."""


class Window(Node):
    """When a load may be made; every day of the week, and at all times, when absent."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = []
    """Days on which it opens; one over midnight lasts into the next."""
    opens: Text = "00:00"
    """Time of day from which on it may run, in quotes: `"22:00"`."""
    closes: Text = "24:00"
    """Time of day at which it has ended; earlier than `opens` for one over midnight."""
    zone: Text = "UTC"
    """Time zone of these, as the tz database names it: `Europe/Berlin`."""


class Hosts(Node):
    """Workers on other machines, which come to a Locust master here by Locust's own protocol."""

    expect: Positive
    """How many are waited for."""
    listen: Text = "127.0.0.1:5557"
    """Address and port the master listens on for them. The protocol knows no password: never one that others reach."""
    within: DurationField = Duration(60)
    """How long they are waited for."""


class Slo(Numbers):
    """Objectives under one load: what is asked, how often, for how long, and how fast and how well it is to be answered."""

    service: Text
    """Whose."""
    call: Text | None = None
    """Method and path of the one request that is made."""
    headers: dict[Text, TextOrReference] = {}
    """Its request headers."""
    body: Json | None = None
    """Its JSON body."""
    canary: Bool = False
    """True when the load is the service's canary: with its sentinel, what is written is read back and taken away."""
    locustfile: Text | None = None
    """The load is a Locust file: a path relative to the profile, or the name of one that is shipped: `openviking`."""
    environment: dict[Text, TextOrReference] = {}
    """Variables that the Locust file is given."""
    rate: RateField | None = None
    """Arrivals: an open loop, in which requests are begun whether or not earlier ones were answered."""
    arrivals: Literal["constant", "poisson"] = "constant"
    """How they are spread in time."""
    users: Positive | None = None
    """Users: a closed loop, in which each waits for its answer before it asks again. Stalls hide in it; it is labelled so."""
    pause: DurationField = Duration(0)
    """Time that a user of a closed loop thinks between two calls."""
    ramp: DurationField = Duration(0)
    """Time in which the load grows to its rate; not judged."""
    warm_up: DurationField = Duration(0)
    """Time under full load that is not judged."""
    duration: DurationField = Duration(60)
    """Time that is judged."""
    timeout: DurationField = Duration(10)
    """When a request is given up, which is an error."""
    connections: Positive = 256
    """How many connections are open at once at most; a request that has to wait for one waits as its user would."""
    endpoints: dict[Text, Objective] = {}
    """By endpoint, as the load names them (`POST /notes`): what is promised of each."""
    classes: dict[Name, ClassNumbers] = {}
    """By class of `hardware.classes`: numbers of its own. On a machine of no such class nothing is decided."""
    max_rate: RateField | None = None
    """Never more than this, whatever is asked for."""
    max_requests: Positive | None = None
    """Never more requests than this in one run."""
    window: Window | None = None
    """When it may be made."""
    workers: Annotated[Annotated[Positive, Tag("|one")] | Annotated[Hosts, Tag("|mapping")], OR_MAPPING] = 1
    """Local processes that make the load, or workers on other machines."""
    stop_at: RatioField = Ratio(0.5)
    """Share of failed requests over ten seconds at which the target is left alone."""
    growth: RatioField | None = None
    """How much the memory of its service may grow from the end of the warm-up to the end."""
    proposed: Bool = False
    """True when no document states these numbers; they can't fail a gate."""


class Baseline(Node):
    """Unloaded latency of single requests, compared with the last run on the same class of hardware."""

    rounds: Positive = 50
    """How many requests are made to each endpoint, one after the other."""
    slower: RatioField = Ratio(0.25)
    """How much slower the median may have become."""
    endpoints: list[Text] = Field(default=[])
    """Requests beside all probes: `api GET /notes`."""
