"""Specimens of the configuration area: environments, files and reports, taken apart as a look takes them apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from seatrial.facts.settings import Environ, Place, Settings
from seatrial.facts.settings_judged import Agreement, Configuration, ServiceEnvironment
from seatrial.looks._settings_environment import Source, _environ
from seatrial.looks._settings_files import Text, _file
from seatrial.looks._settings_servers import Report, _server
from seatrial.looks._settings_values import stated
from seatrial.profile import model
from seatrial.words import Missing
from tests.specimens import Specimens

WHERE = "container harbor-api-1"
DARK = Missing("/proc/412/environ can't be read", "root")
VARIABLES = {"LOG_LEVEL": "info", "DB_HOST": "db", "DB_PASSWORD": "c4Ptq-71hz-Wm02", "MODE": ""}
HIDDEN = "a value of 8 to 15 characters, fingerprint"


def environment(
    variables: Any = None, *, file: Any = None, created: Any = None, hidden: tuple[str, ...] = (), **declared: Any
) -> ServiceEnvironment:
    """A service that declares something of its environment, and the one process it has."""
    node = model.Environment.model_validate(declared)
    variables = VARIABLES if variables is None else variables
    source = Source(WHERE, variables, variables if created is None else created)
    values = {name: (str(value), name in hidden) for name, value in node.values.items()}
    environ = _environ(source, node, values, Missing("no env file is declared") if file is None else file)
    return ServiceEnvironment("api", node, Settings(environs=(environ,)))


def nothing(**declared: Any) -> ServiceEnvironment:
    return ServiceEnvironment("api", model.Environment.model_validate(declared), Settings())


def undecided(**declared: Any) -> dict[str, ServiceEnvironment]:
    """What hides an environment, whatever is declared of it."""
    dark = Settings(environs=(Environ(WHERE, DARK),))
    return {
        "can't be read": ServiceEnvironment("api", model.Environment.model_validate(declared), dark),
        "nothing of api runs": nothing(**declared),
    }


CFG_001 = Specimens(
    passes=[environment(required=["LOG_LEVEL", "DB_HOST"]), environment(required=["MODE"])],  # empty is CFG-002's
    fails={f"{WHERE}: SECRET_KEY is not set": environment(required=["LOG_LEVEL", "SECRET_KEY"])},
    undecided=undecided(required=["LOG_LEVEL"]),
)
CFG_002 = Specimens(
    passes=[environment(required=["LOG_LEVEL"]), environment(required=["SECRET_KEY"])],  # unset is CFG-001's
    fails={f"{WHERE}: MODE is empty": environment(required=["LOG_LEVEL", "MODE"])},
    undecided=undecided(required=["LOG_LEVEL"]),
)
CFG_003 = Specimens(
    passes=[environment(one_of=["DB_URL", "DB_HOST"]), environment(one_of=["LOG_LEVEL"])],
    fails={
        "DB_URL is not set, DB_DSN is not set (expected one of them": environment(one_of=["DB_URL", "DB_DSN"]),
        "MODE is empty, DB_URL is not set": environment(one_of=["MODE", "DB_URL"]),
    },
    undecided=undecided(one_of=["DB_URL"]),
)
CFG_004 = Specimens(
    passes=[
        environment(values={"LOG_LEVEL": "info", "DB_HOST": "db"}),
        environment(values={"DB_PASSWORD": VARIABLES["DB_PASSWORD"]}),
        environment(values={"MODE": '""'.strip('"')}),
    ],
    fails={
        'LOG_LEVEL is "info" (expected "debug")': environment(values={"LOG_LEVEL": "debug"}),
        'LOG_LEVEL is "info" (expected "INFO")': environment(values={"LOG_LEVEL": "INFO"}),
        'DB_NAME is not set (expected "notes")': environment(values={"DB_NAME": "notes"}),
        'MODE is empty (expected "fast")': environment(values={"MODE": "fast"}),
        f"DB_PASSWORD is {HIDDEN}": environment(values={"DB_PASSWORD": "another"}),
        "DB_HOST is a value of 1 to 7 characters": environment(values={"DB_HOST": "store"}, hidden=("DB_HOST",)),
    },
    undecided=undecided(values={"LOG_LEVEL": "info"}),
)
CFG_005 = Specimens(
    passes=[
        environment(allowed={"LOG_LEVEL": ["debug", "info"]}),
        environment(allowed={"COLOUR": ["red"]}),  # not set: `required` would say that it must be
    ],
    fails={
        'LOG_LEVEL is "info" (expected "DEBUG" or "INFO")': environment(allowed={"LOG_LEVEL": ["DEBUG", "INFO"]}),
        'MODE is empty (expected "fast")': environment(allowed={"MODE": ["fast"]}),
    },
    undecided=undecided(allowed={"LOG_LEVEL": ["info"]}),
)
CFG_006 = Specimens(
    passes=[environment(file={"LOG_LEVEL": "info", "MODE": ""}), environment(file={})],
    fails={
        'LOG_LEVEL is "info" (expected "debug")': environment(file={"LOG_LEVEL": "debug"}),
        'DB_NAME is not set (expected "notes")': environment(file={"DB_NAME": "notes"}),
        f"DB_PASSWORD is {HIDDEN}": environment(file={"DB_PASSWORD": "Zz81-another"}),
    },
    undecided={**undecided(), "app.env can't be read": environment(file=Missing("app.env can't be read"))},
)
CFG_007 = Specimens(
    passes=[
        environment(required=["LOG_LEVEL", "DB_PASSWORD"]),
        environment(created={"LOG_LEVEL": "x"}, required=["DB_HOST"]),
    ],
    fails={
        'LOG_LEVEL is "info" (expected "debug")': environment(created={"LOG_LEVEL": "debug"}, required=["LOG_LEVEL"]),
        'DB_URL is not set (expected "x")': environment(created={"DB_URL": "x"}, one_of=["DB_URL", "DB_HOST"]),
    },
    undecided={
        **undecided(required=["LOG_LEVEL"]),
        "went away": environment(created=Missing("it went away"), required=["LOG_LEVEL"]),
    },
)
SCHEMA = {"type": "object", "properties": {"depth": {"type": "integer"}}, "additionalProperties": False}
YAML = "query:\n  depth: 32\n  parallel: true\n"


def configuration(
    text: str = "",
    *,
    path: str = "app.yaml",
    files: Any = None,
    servers: Any = (),
    least: str | None = None,
    **declared: Any,
) -> Configuration:
    """A service with one configuration file, or with servers that report."""
    session = SimpleNamespace(base=Path("/nowhere"))
    node: dict[str, Any] = {"min_version": least} if least else {}
    if text or declared:
        node["files"] = [{"path": path, **declared}]
    whole = model.Configuration.model_validate(node)
    if files is None:
        files = tuple(_file(session, Text(path, text), one) for one in whole.files)  # type: ignore[arg-type]
    return Configuration("api", whole, Settings(files=files, servers=servers))


HIDES = {"app.yaml can't be read": configuration("x: 1", files=(Missing("app.yaml can't be read"),))}
CFG_008 = Specimens(
    passes=[
        configuration(YAML),
        configuration('{"depth": 3}', path="app.json"),
        configuration("depth = 3\n[query]\nfast = true\n", path="app.toml"),
        configuration("[query]\ndepth = 3\n", path="app.ini"),
        configuration("DEPTH=3\n# a comment\nexport MODE='fast'\n", path=".env"),
    ],
    fails={
        "app.yaml: is no YAML at line 2, column": configuration("query: [1,\ndepth: }\n"),
        "app.json: is no JSON: Expecting": configuration('{"depth": }', path="app.json"),
        "app.toml: is no TOML": configuration("depth = \n", path="app.toml"),
        "app.ini: is no INI": configuration("[query]\n= 3\n", path="app.ini"),
        "app.yaml: is nested too deep": configuration("[" * 200_000),
        "has aliases, and is too large": configuration("a: &a 1\nb: *a\n" + "#" * 70_000),
    },
    undecided={
        **HIDES,
        "format of app.txt is not known": configuration("x", files=(Missing("the format of app.txt is not known"),)),
    },
)
CFG_009 = Specimens(
    passes=[configuration("depth: 3\n", json_schema=SCHEMA)],
    fails={
        "app.yaml: /depth is string, not integer": configuration("depth: deep\n", json_schema=SCHEMA),
        "has what the schema does not know: detph": configuration("detph: 3\n", json_schema=SCHEMA),
    },
    undecided={**HIDES, "nothing in it can be compared": configuration("a: [", json_schema=SCHEMA)},
)
CFG_010 = Specimens(
    passes=[
        configuration(YAML, values={"query.depth": 32, "query.parallel": True}),
        configuration("[redis]\nmaxmemory = 1gb\n", path="app.ini", values={"redis.maxmemory": 1073741824}),
    ],
    fails={
        'query.depth is "32" (expected "64")': configuration(YAML, values={"query.depth": 64}),
        'query.fast is not set (expected "true")': configuration(YAML, values={"query.fast": True}),
        f"db.password is {HIDDEN}": configuration("db: {password: c4Ptq-71hz-Wm02}\n", values={"db.password": "x"}),
    },
    undecided={**HIDES, "nothing in it can be compared": configuration("a: [", values={"a": 1})},
)
REDIS = Report(
    "container harbor-redis-1",
    "7.0.15",
    {"maxmemory": "1073741824", "appendonly": "yes", "requirepass": "Zq81-mT_0pw4"},
)
UNITS = Report(
    "process 88 (postgres)",
    "15.14",
    {"shared_buffers": "16384", "work_mem": "4096"},
    {"shared_buffers": "8kB", "work_mem": "kB"},
)


def server(report: Report = REDIS, least: str | None = None, **wanted: Any) -> Configuration:
    """A server that reports, and what is declared of it."""
    node = model.Configuration.model_validate({"reports": {"values": wanted}, "min_version": least})
    return Configuration("redis", node, Settings(servers=(_server(report, wanted, node),)))


def waiting(*names: str) -> Configuration:
    return server(Report("process 88 (postgres)", "15.14", {}, pending=names))


MUTE = {
    "asks for credentials": configuration(servers=Missing("redis does not tell its settings: it asks for credentials")),
    "could be asked": configuration(servers=()),
}
CFG_011 = Specimens(
    passes=[
        server(maxmemory="1gb", appendonly="yes"),
        server(appendonly="on"),
        server(UNITS, shared_buffers="128MB", work_mem="4MB"),
        server(REDIS, requirepass="Zq81-mT_0pw4"),
    ],
    fails={
        'container harbor-redis-1: maxmemory is "1073741824" (expected "2gb")': server(maxmemory="2gb"),
        'appendonly is "yes" (expected "no")': server(appendonly="no"),
        'save is not set (expected "60 1")': server(save="60 1"),
        'shared_buffers is "16384" (expected "1GB")': server(UNITS, shared_buffers="1GB"),
        f"requirepass is {HIDDEN}": server(requirepass="word"),
    },
    undecided=MUTE,
)
CFG_012 = Specimens(
    passes=[waiting()],
    fails={"process 88 (postgres): max_connections was changed and waits for a restart": waiting("max_connections")},
    undecided=MUTE,
)
CFG_013 = Specimens(
    passes=[server(least="7.0"), server(least="7.0.15"), server(UNITS, least="9.6")],
    fails={
        "container harbor-redis-1: reports version 7.0.15 (expected 7.2 or later)": server(least="7.2"),
        "reports version 15.14 (expected 16 or later)": server(UNITS, least="16"),
    },
    undecided={
        **MUTE,
        "reports no version": server(Report("GET http://127.0.0.1:1/info", "", {}), least="1"),
        "reports version latest, which is no version": server(
            Report("GET http://127.0.0.1:1/info", "latest", {}), least="1"
        ),
    },
)


def agreement(*values: Any) -> Agreement:
    """Places, each with what it states."""
    names = ("MINIO_ROOT_USER", "S3_ACCESS", "store.user")
    places = tuple(
        Place(f"place {number}", value if isinstance(value, Missing) else stated(names[number % 3], value))
        for number, value in enumerate(values, 1)
    )
    return Agreement("same.user", Settings(places=places))


CFG_014 = Specimens(
    passes=[agreement("harbor", "harbor"), agreement("1gb", "1073741824", "1024mb"), agreement("on", "true")],
    fails={
        'place 1: S3_ACCESS is "harbor"': agreement("harbor", "Harbor"),
        "place 2: store.user is not set": agreement("harbor", None),
        "place 3: MINIO_ROOT_USER is empty": agreement("harbor", "harbor", ""),
        "place 1: S3_ACCESS is not set (expected a value)": agreement(None, None),
        "place 2: store.user is a value of 8 to 15 characters, fingerprint": Agreement(
            "same.key",
            Settings(
                places=(
                    Place("place 1", stated("SECRET", "c4Ptq-71hz-Wm02")),
                    Place("place 2", stated("store.user", "c4Ptq-71hz-Wm03", hidden=True)),
                )
            ),
        ),
    },
    undecided={"can't be read": agreement("harbor", DARK), "only 1 place": agreement("harbor")},
)
