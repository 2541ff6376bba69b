"""Specimens of the health area: answers of an endpoint, right and wrong."""

from __future__ import annotations

import json
from dataclasses import replace

from seatrial.facts.answer import Answer, Answers
from seatrial.facts.endpoint import Endpoint
from seatrial.profile.model import HttpCheck
from seatrial.words import Body, Missing
from tests.specimens import Specimens

URL = "http://127.0.0.1:8080/health"
DOCUMENT = {
    "status": "ok",
    "version": "1.4.2",
    "components": {"store": {"status": "ok"}, "cache": {"status": "ok"}},
}
NOT_FOUND = Answer(
    "http://127.0.0.1:8080/1f", 404, 0.002, "application/json", Body('{"error": "not found"}', "application/json")
)
DARK = Missing("api does not resolve: Name or service not known", "resolve api")


def answer(document=None, *, status=200, text=None, kind="application/json", **changes):
    """One answer, with a healthy document unless told otherwise."""
    body = text if text is not None else json.dumps(DOCUMENT if document is None else document)
    cut = changes.pop("truncated", False)
    return Answer(
        **{
            "url": URL,
            "status": status,
            "seconds": 0.01,
            "content_type": kind,
            "body": Body(body, kind, cut),
            **changes,
        }
    )


def refused():
    return answer(status=0, text="", kind="", failure="refused the connection")


def endpoint(*answers, probe="health", beside=NOT_FOUND, schema=None, **declared):
    """An endpoint that was polled three times; a single answer stands for all of them."""
    polls = (answers or (answer(),)) * 3 if len(answers) < 2 else answers
    check = HttpCheck.model_validate({"path": "/health", **declared})
    return Endpoint(f"api.{probe}", "api", probe, check, "1.4.2", Answers(URL, tuple(polls), beside), schema)


def changed(**parts):
    return answer({**DOCUMENT, **parts})


LISTED = {"status": "status", "components": "components"}
NEVER = {"never answered with its declared status": endpoint(answer(status=500))}

HLT_001 = Specimens(
    passes=[
        endpoint(),
        endpoint(answer(status=204, text="", kind=""), expect={"status": [200, 204]}),
        endpoint(answer(status=401), expect={"status": 401}),
    ],
    fails={
        "HTTP 500": endpoint(answer(status=500)),
        "refused the connection": endpoint(refused()),
        "did not answer within 5s": endpoint(answer(status=0, text="", kind="", failure="did not answer within 5s")),
        "HTTP 200, but closed the connection": endpoint(
            answer(failure="closed the connection before the answer was whole")
        ),
        "HTTP 503 (1 of 3 polls)": endpoint(answer(), answer(status=503), answer()),
        "HTTP 302 to http://sign-on.example/login": endpoint(
            answer(status=302, location="http://sign-on.example/login")
        ),
        "expected HTTP 200 or 204": endpoint(answer(status=404), expect={"status": [200, 204]}),
    },
    undecided={
        "does not resolve": endpoint(DARK),
        "it was not asked": replace(endpoint(), answers=Answers(URL, ())),
    },
)
HLT_002 = Specimens(
    passes=[endpoint(latency="500ms"), endpoint(answer(seconds=0.5), latency="500ms")],
    fails={
        "answered in 800 ms (expected at most 500ms)": endpoint(
            answer(), answer(seconds=0.8), answer(), latency="500ms"
        )
    },
    undecided={"gave no answer": endpoint(refused(), latency="500ms")},
)
HLT_003 = Specimens(
    passes=[
        endpoint(expect={"content_type": "application/json"}),
        endpoint(answer(text="OK", kind="text/plain"), expect={"content_type": "text/plain"}),
    ],
    fails={
        "text/html": endpoint(answer(kind="text/html"), expect={"content_type": "application/json"}),
        "no content type": endpoint(answer(kind=""), expect={"content_type": "application/json"}),
    },
    undecided=NEVER,
)
SCHEMA = {"type": "object", "required": ["status", "uptime"], "properties": {"uptime": {"type": "integer"}}}
COMPONENTS = {"properties": {"components": {"additionalProperties": {"properties": {"status": {"enum": ["ok"]}}}}}}
HLT_004 = Specimens(
    passes=[endpoint(changed(uptime=3), schema=SCHEMA), endpoint(schema=True)],
    fails={
        "the document lacks uptime": endpoint(schema=SCHEMA),
        "the document lacks size, uptime (1 of 3 polls)": endpoint(
            answer(), changed(size=1, uptime=1), changed(size=1, uptime=1), schema={"required": ["size", "uptime"]}
        ),
        "/uptime is string, not integer": endpoint(changed(uptime="hunter2"), schema=SCHEMA),
        '/components/cache/status is none of what the schema allows: ["ok"]': endpoint(
            changed(components={"cache": {"status": "sour"}}), schema=COMPONENTS
        ),
        "/components has what the schema does not know: a/b": endpoint(
            changed(components={"a/b": {}}), schema={"properties": {"components": {"additionalProperties": False}}}
        ),
        "the document has what the schema does not know: version": endpoint(
            schema={
                "properties": {"status": {}},
                "patternProperties": {"^comp": {}},
                "additionalProperties": False,
            }
        ),
        "/status is string, not integer or null": endpoint(
            schema={"properties": {"status": {"type": ["integer", "null"]}}}
        ),
        "/status breaks not of the schema": endpoint(schema={"properties": {"status": {"not": {"minLength": 1}}}}),
        "/status breaks minLength 3 of the schema": endpoint(schema={"properties": {"status": {"minLength": 3}}}),
        "/components/a~1b is object, not null": endpoint(
            changed(components={"a/b": {}}),
            schema={"properties": {"components": {"additionalProperties": {"type": "null"}}}},
        ),
        "and 50 more errors": endpoint(
            changed(all=[0] * 100), schema={"properties": {"all": {"items": {"minimum": 1}}}}
        ),
        "no JSON": endpoint(answer(text="OK", kind="text/plain"), schema=SCHEMA),
    },
    undecided={
        **NEVER,
        "too large to be kept whole": endpoint(answer(truncated=True), schema=SCHEMA),
        "refers to https://schema.example/health, which it does not hold": endpoint(
            schema={"$ref": "https://schema.example/health"}
        ),
        "refers to file:///etc/hostname, which": endpoint(schema={"$ref": "file:///etc/hostname"}),
        "too deep for its schema": endpoint(schema={"$ref": "#"}),
        "a pattern that can't be read": endpoint(schema={"properties": {"status": {"pattern": "("}}}),
        "a type that can't be read": endpoint(schema={"type": "strange"}),
        "a number that its schema can't be applied to": endpoint(
            answer(text='{"size": 1e400}'), schema={"properties": {"size": {"multipleOf": 0.1}}}
        ),
    },
)
HLT_005 = Specimens(
    passes=[
        endpoint(expect={"match": {"status": "ok", "components.cache.status": "ok"}}),
        endpoint(expect={"match": {"components": DOCUMENT["components"], "keys(components)": ["store", "cache"]}}),
    ],
    fails={
        'status is "starting"': endpoint(changed(status="starting"), expect={"match": {"status": "ok"}}),
        'role is null, declared is "primary"': endpoint(expect={"match": {"role": "primary"}}),
        "replicas is true, declared is 1": endpoint(changed(replicas=True), expect={"match": {"replicas": 1}}),
        "token is a text of 13 characters": endpoint(changed(token="hunter2/hunte"), expect={"match": {"token": "x"}}),
        "components is an object of 2, declared is {": endpoint(
            expect={"match": {"components": {**DOCUMENT["components"], "cache": {"status": "down"}}}}
        ),
        'components is an object of 2, declared is {"store"': endpoint(
            expect={"match": {"components": {"store": {"status": "ok"}}}}
        ),
        "shards is a list of 2, declared is [1, 2]": endpoint(
            changed(shards=[1, True]), expect={"match": {"shards": [1, 2]}}
        ),
        "shards is a list of 1, declared is [1, 2]": endpoint(
            changed(shards=[1]), expect={"match": {"shards": [1, 2]}}
        ),
        "build is a text of 70 characters": endpoint(changed(build="x" * 70), expect={"match": {"build": "y"}}),
        'build is "v1.4.2-rc.1"': endpoint(changed(build="v1.4.2-rc.1"), expect={"match": {"build": "y"}}),
        "components is an object of 2": endpoint(expect={"match": {"components": "x"}}),
        "sum(status) is null": endpoint(expect={"match": {"sum(status)": 1}}),
        "no JSON": endpoint(answer(text="OK"), expect={"match": {"status": "ok"}}),
        "no JSON, declared is null": endpoint(answer(text="OK"), expect={"match": {"error": None}}),
    },
    undecided=NEVER,
)


def versioned(*answers, release="1.4.2"):
    """An endpoint that tells a version, of a service whose profile declares one."""
    polls = answers * 3 if len(answers) == 1 else answers
    check = HttpCheck.model_validate({"path": "/health", "version": "version"})
    return Endpoint("api.health", "api", "health", check, release, Answers(URL, tuple(polls), NOT_FOUND))


HLT_006 = Specimens(
    passes=[versioned(answer()), versioned(changed(version="2.0.0"), release=None)],
    fails={
        "version 1.3.0 (expected version 1.4.2)": versioned(changed(version="1.3.0")),
        "no version at version": versioned(answer({"status": "ok"})),
        "no version at version (expected version 1.4.2)": versioned(answer(text="1.4.2", kind="text/plain")),
        "no version at version (expected one and the same": versioned(changed(version={"major": 1}), release=None),
        "no version at version (expected one": versioned(changed(version=True), release=None),
        "version 2.0.0 (2 of 3 polls)": versioned(
            changed(version="2.0.0"), changed(version="2.0.0"), changed(version="2.0.1"), release=None
        ),
    },
    undecided={"gave no answer": versioned(refused())},
)
HLT_007 = Specimens(
    passes=[
        endpoint(),
        endpoint(beside=answer({"error": "nothing here"}, url="http://127.0.0.1:8080/1f")),
        endpoint(answer(text="OK", kind="text/plain")),
        endpoint(beside=answer({**DOCUMENT, "status": "down"}, url="http://127.0.0.1:8080/1f")),
        endpoint(beside=answer(status=401, url="http://127.0.0.1:8080/1f")),
        endpoint(beside=answer({"status": "ok", "hint": "see /help"}, url="http://127.0.0.1:8080/1f")),
        endpoint(
            answer(text="<p>Harbor", kind="text/html"),
            beside=answer(text="<p>Lost?", kind="text/html", url="http://127.0.0.1:8080/1f"),
        ),
    ],
    fails={
        "HTTP 200 with the same kind of body (expected another answer)": endpoint(
            changed(uptime=1), beside=answer({**DOCUMENT, "uptime": 2}, url="http://127.0.0.1:8080/1f")
        ),
        "GET http://127.0.0.1:8080/0123456789abcdef": endpoint(
            answer(text="GET /health, request 17", kind="text/plain"),
            beside=answer(
                text="GET /0123456789abcdef, request 18",
                kind="text/plain",
                url="http://127.0.0.1:8080/0123456789abcdef",
            ),
        ),
        "same kind of body": endpoint(beside=answer(url="http://127.0.0.1:8080/1f")),
        "GET http://127.0.0.1:8080/1f": endpoint(
            answer(text="<html>", kind="text/html"),
            beside=answer(text="<html>", kind="text/html", url="http://127.0.0.1:8080/1f"),
        ),
    },
    undecided={
        **NEVER,
        "could not be asked": endpoint(beside=DARK),
        "no answer to compare with": endpoint(beside=refused()),
    },
)
LOST = {"store": {"status": "ok"}, "cache": {"status": "down"}}
HLT_008 = Specimens(
    passes=[
        endpoint(**LISTED),
        endpoint(answer({"status": "down", "components": LOST}, status=503), expect={"status": [200, 503]}, **LISTED),
        endpoint(changed(components=[{"name": "store", "status": "ok"}]), **LISTED),
        endpoint(changed(components={"store": True, "cache": "UP", "gpu": "DISABLED", "queue": "warn"}), **LISTED),
        endpoint(changed(components={"redis:latency": [{"status": "pass"}, {"status": "pass"}]}), **LISTED),
        endpoint(changed(status="warn", components=LOST), **LISTED),
        endpoint(changed(status="down", components={"store": "ok", "queue": "unknown"}), **LISTED),
        endpoint(changed(status="fine", components={"store": "fine"}), healthy=["fine"], **LISTED),
    ],
    fails={
        "overall ok, but cache is down": endpoint(changed(components=LOST), **LISTED),
        "overall ok, but store is false": endpoint(changed(components={"store": False}), **LISTED),
        "overall pass, but redis:latency is fail": endpoint(
            changed(status="pass", components={"redis:latency": [{"status": "pass"}, {"status": "fail"}]}), **LISTED
        ),
        "overall up, but disk is out of service": endpoint(
            changed(status="UP", components={"disk": {"status": "OUT_OF_SERVICE"}}), **LISTED
        ),
        "overall ok, but 2 is red": endpoint(changed(components=[{"status": "ok"}, {"state": "red"}]), **LISTED),
        "overall ok, but store is up": endpoint(changed(components={"store": "up"}), healthy=["ok"], **LISTED),
        "overall down, but cache is ok, store is ok": endpoint(changed(status="down"), **LISTED),
        "no components at components": endpoint(answer({"status": "ok"}), **LISTED),
        "no overall status at status": endpoint(answer({"components": DOCUMENT["components"]}), **LISTED),
        "no overall status at state": endpoint(status="state", components="components"),
    },
    undecided={
        **{reason: endpoint(answer(status=500), **LISTED) for reason in NEVER},
        '"purple" means healthy is not known': endpoint(changed(status="purple"), **LISTED),
        '"sour" means healthy is not known': endpoint(changed(components={"store": "ok", "cache": "sour"}), **LISTED),
        "says a word of health": endpoint(changed(components={"store": {"latency_ms": 2}}), **LISTED),
        "too large to be kept whole": endpoint(answer(truncated=True), **LISTED),
    },
)
HLT_009 = Specimens(
    passes=[
        endpoint(),
        endpoint(changed(status="starting"), probe="liveness"),
        endpoint(answer(text="OK", kind="text/plain")),
        endpoint(answer({"status": "down"}, status=503), expect={"status": 503}),
        endpoint(answer({"version": "1"})),
        endpoint(changed(status="purple")),
        endpoint(changed(status="degraded"), probe="readiness"),
        endpoint(changed(status="degraded"), probe="liveness", status="status", healthy=["ok"]),
        endpoint(changed(status="red"), status="status", healthy=["Red"]),
        endpoint(answer(text="# HELP up\n", kind="text/plain", truncated=True)),
        endpoint(answer(status=302, location="/", text="", kind=""), expect={"status": 302}),
    ],
    fails={
        "the body says unhealthy": endpoint(answer(text="Unhealthy", kind="text/plain")),
        "the body says false": endpoint(changed(ok=False), status="ok"),
        "the body says degraded": endpoint(changed(status="degraded"), status="status", healthy=["ok"]),
        "HTTP 200, and the body says down": endpoint(changed(status="down")),
        "the body says failed": endpoint(changed(status="failed"), probe="liveness"),
        "the body says not ready": endpoint(changed(status="not ready"), probe="readiness"),
        "the body says fine": endpoint(changed(status="fine"), status="status", healthy=["ok"]),
    },
    undecided={
        **NEVER,
        "no word of health at status": endpoint(answer({"version": "1"}), status="status"),
        '"purple" means healthy is not known': endpoint(changed(status="purple"), status="status"),
        "too large to be kept whole": endpoint(answer(truncated=True)),
    },
)
HLT_010 = Specimens(
    passes=[
        endpoint(),
        endpoint(changed(uptime=1), changed(uptime=2), changed(uptime=3)),
        endpoint(answer(), answer(status=503), answer()),  # HLT-001 tells it
    ],
    fails={
        "says warn (1 of 3 polls)": endpoint(answer(), changed(status="warn"), refused()),
        "says down (1 of 3 polls)": endpoint(answer(), changed(status="down"), answer()),
        "HTTP 204 and says ok (1 of 3 polls)": endpoint(
            answer(text="OK"), answer(status=204, text="OK"), answer(text="OK"), expect={"status": [200, 204]}
        ),
    },
    undecided={**NEVER, "has nothing to agree with": endpoint(answer(), answer(status=503), refused())},
)
HLT_011 = Specimens(
    passes=[endpoint(), endpoint(answer(truncated=True))],
    fails={"more than 1 MiB": endpoint(answer(truncated=True, endless=True))},
    undecided={"gave no answer": endpoint(refused())},
)
HLT_012 = Specimens(
    passes=[
        endpoint(),
        endpoint(answer(status=302, location="/health/")),
        endpoint(answer(status=302)),
        endpoint(answer(status=201, location="http://elsewhere.example/"), expect={"status": 201}),
        endpoint(answer(status=400, location="http://elsewhere.example/")),
    ],
    fails={
        "http://sign-on.example/login": endpoint(answer(status=302, location="http://sign-on.example/login")),
        "HTTP 302 to http://[broken": endpoint(answer(status=302, location="http://[broken")),
        "HTTP 300": endpoint(answer(status=300, location="http://elsewhere.example/")),
        "HTTP 307": endpoint(answer(status=307, location="//elsewhere.example/")),
    },
    undecided={"gave no answer": endpoint(refused())},
)
HLT_013 = Specimens(
    passes=[
        endpoint(),
        endpoint(answer(status=302, location="http://sign-on.example/login")),
        endpoint(answer(status=302)),
        endpoint(answer(status=201, location="/health/1"), expect={"status": 201}),
    ],
    fails={
        "HTTP 301 to /health/": endpoint(answer(status=301, location="/health/")),
        "HTTP 308 to https://127.0.0.1/health": endpoint(answer(status=308, location="https://127.0.0.1/health")),
    },
    undecided={"gave no answer": endpoint(refused())},
)
HLT_014 = Specimens(
    passes=[
        endpoint(),
        endpoint(changed(status="degraded"), probe="liveness"),
        endpoint(answer({"status": "degraded"}, status=503), expect={"status": 503}),
        endpoint(changed(status="degraded"), healthy=["ok", "degraded"]),
        endpoint(changed(status="degraded"), healthy=["ok"]),  # HLT-009 tells it
    ],
    fails={
        "the body says degraded": endpoint(changed(status="degraded"), probe="readiness"),
        "and the body says degraded": endpoint(answer(text="Degraded", kind="text/plain"), probe="startup"),
        "HTTP 200, and the body says yellow": endpoint(changed(status="yellow")),
    },
    undecided=NEVER,
)
HLT_015 = Specimens(
    passes=[endpoint(), endpoint(answer(truncated=True, endless=True))],
    fails={"more than 64 KiB": endpoint(answer(truncated=True))},
    undecided={"gave no answer": endpoint(refused())},
)
