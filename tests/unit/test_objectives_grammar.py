"""What objectives declare in several keys must fit together; what does not is told with its place before any load is made."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from seatrial.profile.loading import ProfileError, load

TODAY = dt.date(2026, 11, 22)
HEAD = """profile: x
target: {driver: http}
services: {api: {url: "http://127.0.0.1:1", canary: {post: /notes, read_back: {get: /notes/1}}}, llm: {}}
hardware: {classes: {small: {cpus: 2}, large: {cpus: 8}}}
"""


@pytest.fixture
def loaded(tmp_path):
    """A profile of a text; `load.py` is beside it."""
    Path(tmp_path, "load.py").write_text("")

    def read(text: str, head: str = HEAD):
        file = Path(tmp_path, "x.yaml")
        file.write_text(head + text)
        return load(str(file), today=TODAY).profile

    return read


@pytest.fixture
def told(loaded):
    """What is wrong with it: the line, what of it is meant, sentence, hint."""

    def tell(text: str, head: str = HEAD) -> list[str]:
        with pytest.raises(ProfileError) as error:
            loaded(text, head)
        return [
            f"{each.line} {each.source_line[each.column - 1 :][: each.width]}: {each.message} | {each.hint}"
            for each in error.value.problems
        ]

    return tell


def test_a_whole_declaration_is_taken(loaded):
    profile = loaded(
        """slos:
  read:
    service: api
    call: POST /search
    headers: {Authorization: {env: TOKEN}}
    body: {query: sea}
    rate: 600/m
    max_rate: 10/s
    max_requests: 700
    ramp: 5s
    warm_up: 5s
    duration: 1m
    latency: {p50: 20ms, p95: 100ms, p99.9: 1s}
    throughput: 9.9/s
    endpoints: {POST /search: {latency: {p99: 500ms}, errors: 0.1%}}
    classes:
      small: {rate: 5/s, latency: {p95: 200ms}, throughput: 5/s, endpoints: {POST /search: {latency: {p99: 1s}}}}
    window: {days: [mon, fri], opens: "22:00", closes: "06:00", zone: Europe/Berlin}
    workers: {expect: 2, listen: "127.0.0.1:5557"}
    growth: 10%
  visit: {service: api, canary: true, users: 4, pause: 1s, max_rate: 4/s, endpoints: {POST /notes: {}}}
  mix: {service: api, locustfile: ./load.py, environment: {NAME: x}, users: 3, endpoints: {whatever it says: {}}}
baseline: {endpoints: [api GET /notes, api HEAD /notes]}
"""
    )
    assert list(profile.slos) == ["read", "visit", "mix"]


def test_none_at_all_is_taken(loaded):
    assert loaded("slos: {none: nobody waits for it, owner: me}\n").slos.none == "nobody waits for it"


CALL = "call: GET /notes, rate: 10/s"
WRONG = {
    "nothing is asked": (
        "{rate: 1/s}",
        [
            "6 {: slos.read has none of `call`, `canary` and `locustfile` | a load is made of one of these",
        ],
    ),
    "two loads": (
        "{rate: 1/s, call: GET /, canary: true}",
        [
            "6 {: slos.read has `call` and `canary` | a load is made of one of these",
        ],
    ),
    "no loop": (
        "{call: GET /}",
        [
            "6 {: slos.read has neither `rate` nor `users` | an open loop has a `rate` of arrivals, a closed one has `users` that wait for answers",
        ],
    ),
    "two loops": (
        "{call: GET /, rate: 1/s, users: 2}",
        [
            "6 {: slos.read has `rate` and `users` | an open loop has a `rate` of arrivals, a closed one has `users` that wait for answers",
        ],
    ),
    "a pause in an open loop": (
        f"{{{CALL}, pause: 1s}}",
        [
            "6 pause: slos.read.pause is of `users` | arrivals of an open loop wait for nobody",
        ],
    ),
    "arrivals of users": (
        "{call: GET /, users: 2, arrivals: poisson}",
        [
            "6 arrivals: slos.read.arrivals are of a `rate` | users ask again when they were answered",
        ],
    ),
    "no call": (
        "{call: /notes, rate: 1/s}",
        [
            "6 /notes: slos.read.call is no call: `/notes` | a method and a path: `GET /notes`, `POST /search`",
        ],
    ),
    "a body of a GET": (
        f"{{{CALL}, body: {{a: 1}}}}",
        [
            "6 body: slos.read.body is sent with a GET, which has none | ",
        ],
    ),
    "headers of a canary": (
        "{canary: true, rate: 1/s, headers: {a: b}}",
        [
            "6 headers: slos.read.headers is of a `call` | `canary` says itself what is sent",
        ],
    ),
    "environment of a call": (
        f"{{{CALL}, environment: {{A: b}}}}",
        [
            "6 environment: slos.read.environment is of a `locustfile` | nothing else reads it",
        ],
    ),
    "no such file": (
        "{locustfile: ./laod.py, rate: 1/s}",
        [
            "6 ./laod.py: slos.read.locustfile names a file that does not exist: `./laod.py` | relative to the profile",
        ],
    ),
    "nothing at max": (
        f"{{{CALL}, max_rate: 0/s}}",
        [
            "6 0/s: slos.read.max_rate is no request at all | ",
        ],
    ),
    "faster than may be": (
        f"{{{CALL}, max_rate: 300/m}}",
        [
            "6 max_rate: slos.read.max_rate is 5/s, and `rate` is 10/s | no load could be made",
        ],
    ),
    "users without a bound": (
        "{call: GET /, users: 2, max_rate: 5/s}",
        [
            "6 max_rate: slos.read.max_rate is 5/s, and 2 users with a pause of 0s ask as fast as they are answered | a longer `pause`, or a `rate`",
        ],
    ),
    "users that are too many": (
        "{call: GET /, users: 20, pause: 2s, max_rate: 5/s}",
        [
            "6 max_rate: slos.read.max_rate is 5/s, and 20 users with a pause of 2s ask up to 10/s | a longer `pause`, or a `rate`",
        ],
    ),
    "more than may be": (
        f"{{{CALL}, duration: 30s, warm_up: 10s, max_requests: 300}}",
        [
            "6 max_requests: slos.read.max_requests is 300, and 400 would be made | a lower `rate`, or a shorter `duration`",
        ],
    ),
    "no time": (
        f"{{{CALL}, duration: 0s, timeout: 0s}}",
        [
            "6 0s: slos.read.duration is no time at all | ",
            "6 0s: slos.read.timeout is no time at all | ",
        ],
    ),
    "ends at once": (
        f"{{{CALL}, stop_at: 0%}}",
        [
            "6 0%: slos.read.stop_at would end every load at once | a share above 0%",
        ],
    ),
    "quantiles that are none": (
        f"{{{CALL}, latency: {{p49: 1s, 95: 1s, p999: 1s, p99.95: 1s}}}}",
        [
            "6 p49: slos.read.latency.p49 is no quantile from p50 to p99.9 | did you mean `p99`? such as: p50, p75, p90, p95, p99, p99.5, p99.9",
            "6 95: slos.read.latency.95 is no quantile from p50 to p99.9 | did you mean `p95`? such as: p50, p75, p90, p95, p99, p99.5, p99.9",
            "6 p999: slos.read.latency.p999 is no quantile from p50 to p99.9 | did you mean `p99.9`? such as: p50, p75, p90, p95, p99, p99.5, p99.9",
            '6 p99.95: slos.read.latency."p99.95" is no quantile from p50 to p99.9 | did you mean `p99.9`? such as: p50, p75, p90, p95, p99, p99.5, p99.9',
        ],
    ),
    "no latency": (
        f"{{{CALL}, latency: {{p50: 0s}}}}",
        [
            "6 0s: slos.read.latency.p50 is no time at all | ",
        ],
    ),
    "slower than the time-out": (
        f"{{{CALL}, timeout: 2s, latency: {{p99: 3s}}}}",
        [
            "6 3s: slos.read.latency.p99 is 3s, and requests are given up after 2s | a `timeout` that is longer: what takes so long is an error, and no latency",
        ],
    ),
    "quantiles the wrong way round": (
        f"{{{CALL}, latency: {{p99: 1s, p95: 2s}}}}",
        [
            "6 p99: slos.read.latency.p99 is 1s, and p95 is 2s | a higher quantile is never lower",
        ],
    ),
    "more answers than requests": (
        f"{{{CALL}, throughput: 11/s}}",
        [
            "6 throughput: slos.read.throughput is 11/s, and only 10/s are asked | at most the `rate` can be answered",
        ],
    ),
    "another endpoint": (
        f"{{{CALL}, endpoints: {{GET /note: {{errors: 1%}}}}}}",
        [
            '6 GET /note: slos.read.endpoints."GET /note" is no request of this load | did you mean `GET /notes`? it makes: GET /notes',
        ],
    ),
    "an endpoint of the canary that nobody reads back": (
        "{canary: true, rate: 1/s, endpoints: {GET /notes/1: {errors: 1%}}}",
        [
            '6 GET /notes/1: slos.read.endpoints."GET /notes/1" is no request of this load | did you mean `POST /notes`? it makes: POST /notes',
        ],
    ),
    "an endpoint without a name": (
        '{locustfile: ./load.py, rate: 1/s, endpoints: {" ": {errors: 1%}}}',
        [
            '6 " ": slos.read.endpoints." " has no name | as the load names it: `POST /notes`',
        ],
    ),
    "an endpoint's numbers": (
        f"{{{CALL}, endpoints: {{GET /notes: {{throughput: 1000/m, latency: {{p9: 1s}}}}}}}}",
        [
            '6 throughput: slos.read.endpoints."GET /notes".throughput is 16.667/s, and only 10/s are asked | at most the `rate` can be answered',
            '6 p9: slos.read.endpoints."GET /notes".latency.p9 is no quantile from p50 to p99.9 | did you mean `p99`? such as: p50, p75, p90, p95, p99, p99.5, p99.9',
        ],
    ),
    "no such class": (
        f"{{{CALL}, classes: {{smal: {{}}}}}}",
        [
            "6 smal: slos.read.classes.smal is no class of hardware.classes: `smal` | did you mean `small`? classes: small, large",
        ],
    ),
    "numbers of a class": (
        f"{{{CALL}, max_rate: 20/s, classes: {{small: {{rate: 30/s, users: 2}}, large: {{rate: 5/s, throughput: 6/s}}}}}}",
        [
            "6 {: slos.read.classes.small has `rate` and `users` | a loop is open or closed",
            "6 rate: slos.read.classes.small.rate is 30/s, and `max_rate` is 20/s | no load could be made",
            "6 throughput: slos.read.classes.large.throughput is 6/s, and only 5/s are asked | at most the `rate` can be answered",
        ],
    ),
    "an endpoint that only a class has": (
        f"{{{CALL}, endpoints: {{GET /notes: {{}}}}, classes: {{small: {{endpoints: {{GET /note: {{errors: 1%}}}}}}}}}}",
        [
            '6 GET /note: slos.read.classes.small.endpoints."GET /note" is none of the load\'s own `endpoints`, and would not be judged | did you mean `GET /notes`? endpoints: GET /notes',
        ],
    ),
    "no window": (
        f'{{{CALL}, window: {{days: [mon, mon], opens: "7:00", closes: "24:30", zone: Europe/Berln}}}}',
        [
            "6 [: slos.read.window.days names a day twice | ",
            '6 "7:00": slos.read.window.opens is no time of day: `7:00` | hours and minutes in quotes: "22:00"',
            '6 "24:30": slos.read.window.closes is no time of day: `24:30` | hours and minutes in quotes: "22:00"',
            "6 Europe/Berln: slos.read.window.zone is no time zone: `Europe/Berln` | did you mean `Europe/Berlin`? a name of the tz database: UTC, Europe/Berlin",
        ],
    ),
    "a window that never opens": (
        f'{{{CALL}, window: {{opens: "07:00", closes: "07:00"}}}}',
        [
            "6 {: slos.read.window is never open: from 07:00 to 07:00 | the whole day is 00:00 to 24:00",
        ],
    ),
    "nowhere to listen": (
        f"{{{CALL}, workers: {{expect: 2, listen: localhost}}}}",
        [
            "6 localhost: slos.read.workers.listen is no address and port: `localhost` | `127.0.0.1:5557`",
        ],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_told_where_it_is(told, name):
    text, expected = WRONG[name]
    assert told(f"slos:\n  read: {{service: api, {text[1:]}\n") == expected


PAID = """profile: x
target: {driver: http}
services:
  api: {url: "http://127.0.0.1:1", depends_on: {llm: {}}}
  web: {}
  fake: {}
  free: {paid: true}
"""


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("{paid: true, double: fake}", []),
        (
            "{paid: true, double: fke}",
            [
                "8 fke: services.llm.double: this profile has no service `fke` | did you mean `fake`? services: api, web, fake, free, llm"
            ],
        ),
        (
            "{paid: true, double: llm}",
            ["8 llm: services.llm.double is the service itself | a double is another service"],
        ),
        ("{double: fake}", ["8 double: services.llm.double stands in for what is not `paid` | `paid: true` beside it"]),
        ("{paid: true, double: free}", ["8 free: services.llm.double is paid too: `free` | "]),
    ],
)
def test_what_stands_in_for_a_paid_service_is_another_one(loaded, told, service, expected):
    head = f"{PAID}  llm: {service}\n"
    assert (told("", head) if expected else loaded("", head) and []) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            "api POST /notes",
            "is no request that only reads: `api POST /notes` | a service, GET or HEAD, and a path: `api GET /notes`",
        ),
        (
            "GET /notes",
            "is no request that only reads: `GET /notes` | a service, GET or HEAD, and a path: `api GET /notes`",
        ),
        (
            "api GET notes",
            "is no request that only reads: `api GET notes` | a service, GET or HEAD, and a path: `api GET /notes`",
        ),
        ("llm GET /", "names a service without a `url`: `llm` | "),
    ],
)
def test_baselines_only_read(told, asked, expected):
    assert told(f"baseline:\n  endpoints:\n    - {asked}\n") == [f"7 {asked}: baseline.endpoints[0] {expected}"]


def test_baselines_are_of_services(told):
    assert told("baseline: {endpoints: [apo GET /]}\n") == [
        "5 apo GET /: baseline.endpoints[0]: this profile has no service `apo` | did you mean `api`? services: api, llm"
    ]


def test_a_load_is_of_something_that_can_be_asked(told):
    assert told("slos: {x: {service: llm, call: GET /, rate: 1/s}}\n") == [
        "5 llm: slos.x.service names a service without a `url`: `llm` | "
    ]


def test_a_canary_that_is_none(told):
    head = HEAD.replace("canary:", "slowest:")
    assert told("slos: {x: {service: api, canary: true, rate: 1/s}}\n", head) == [
        "5 canary: slos.x.canary is not declared: services.api.canary is missing | "
    ]


def test_a_locust_file_by_a_name_that_is_not_shipped(told):
    (line,) = told("slos: {x: {service: api, locustfile: zzz, rate: 1/s}}\n")
    assert line.startswith("5 zzz: slos.x.locustfile names no Locust file that is shipped: `zzz` | ")


def test_rules_say_nothing_of_what_is_no_such_thing(told):
    """Values of the wrong shape are told once, by their field, and nothing is made of them."""
    lines = told(
        "slos: {x: [], y: {service: api, call: [], rate: {}, latency: [], endpoints: 1, classes: [], window: 7}}\n"
    )
    assert len(lines) == 8
