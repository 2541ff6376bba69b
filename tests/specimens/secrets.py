"""Specimens of the secrets area: places that were searched, and what was found in them, right and wrong."""

from __future__ import annotations

from seatrial.facts.leak import PRIVATE_KEY, Leak, Leaks, Place, Rights
from seatrial.facts.leaks_of_files import KnownSecret, Repository, SecretFile
from seatrial.facts.leaks_of_services import DEBUGGER, TRACE, Inspection, Pages, Processes, Stored
from seatrial.words import Missing
from tests.specimens import Specimens

DARK = Missing("/proc/7/environ can't be read", "root, or CAP_SYS_PTRACE")
NAMED = "value of a secret's name"


def leak(kind=NAMED, key="DB_PASSWORD", **more):
    return Leak(kind, key, **{"length": "16 to 31", "fingerprint": "3f9ac1d20b44", **more})


def known(name="db", **more):
    return leak(f"known secret {name}", known=name, **more)


def weak():
    return leak(weak="default of MinIO", length="8 to 15")


def place(surface, *leaks, where="container web-1, environment", **more):
    return Place(surface, where, leaks, "web", **more)


def unseen(surface):
    return Place(surface, "container web-1", DARK, "web")


def on(noun, surface):
    """How a noun with one place on one surface is made."""

    def make(*leaks, **more):
        return noun("web", Leaks((place(surface, *leaks, **more),)))

    return make


def undecided(noun, surface):
    return {
        "can't be read": noun("web", Leaks((place(surface), unseen(surface)))),
        "nothing of web was there": noun("web", Leaks((place("other", leak()),))),
    }


image, labels = on(Inspection, "image"), on(Inspection, "labels")
environment, log = on(Inspection, "environment"), on(Inspection, "log")

SEC_001 = Specimens(
    passes=[image(), Inspection("web", Leaks((place("image"), place("labels", leak()))))],
    fails={
        "image web:1, history, step 3 from the bottom, NPM_TOKEN: npm token, 32 or more characters": image(
            leak("npm token", "NPM_TOKEN", length="32 or more"), where="image web:1, history, step 3 from the bottom"
        ),
        "fingerprint 3f9ac1d20b44": image(leak()),
        "known secret db": image(known()),
    },
    undecided=undecided(Inspection, "image"),
)
SEC_002 = Specimens(
    passes=[labels(), Inspection("web", Leaks((place("labels"), place("image", leak()))))],
    fails={"traefik.users": labels(leak(key="traefik.users"), where="container web-1, labels")},
    undecided=undecided(Inspection, "labels"),
)
SEC_003 = Specimens(
    passes=[environment(), environment(known(), holds=("db",))],
    fails={
        "container web-1, environment, DB_PASSWORD: value of a secret's name": environment(leak()),
        "known secret db": environment(known(), holds=("api",)),
        "weak: default of MinIO": environment(weak()),
        "3f9ac1d20b44": Inspection("web", Leaks((place("environment", leak()), unseen("environment")))),
    },
    undecided=undecided(Inspection, "environment"),
)
SEC_004 = Specimens(
    passes=[log()],
    fails={
        "last 1000 lines of the log, line 7: password in a URL, 8 to 15 characters, fingerprint 3f9ac1d20b44, on 12 lines": log(
            leak("password in a URL", "", line=7, length="8 to 15", times=12),
            where="container web-1, last 1000 lines of the log",
        ),
    },
    undecided=undecided(Inspection, "log"),
)
arguments = on(Processes, "arguments")
SEC_005 = Specimens(
    passes=[arguments()],
    fails={
        "process 7 (mysqld), arguments, --password": arguments(
            leak(key="--password"), where="container web-1, process 7 (mysqld), arguments"
        )
    },
    undecided=undecided(Processes, "arguments"),
)
SEC_006 = Specimens(
    passes=[
        on(Processes, "process environment")(leak(), known()),
        Processes("web", Leaks((place("environment"), place("arguments", weak())))),
    ],
    fails={
        "weak: default of MinIO": on(Processes, "process environment")(weak()),
        "DB_PASSWORD": Processes("web", Leaks((place("environment", weak()), unseen("process environment")))),
    },
    undecided=undecided(Processes, "process environment"),
)
page = on(Pages, "page")
URL = "GET http://127.0.0.1:8080/health"
SEC_007 = Specimens(
    passes=[page(), page(leak(TRACE, "Python"), leak(DEBUGGER, "Django's debug page"))],
    fails={f"{URL}, line 3, dsn: password in a URL": page(leak("password in a URL", "dsn", line=3), where=URL)},
    undecided=undecided(Pages, "page"),
)
SEC_008 = Specimens(
    passes=[page(), page(leak(), leak(DEBUGGER, "Django's debug page"))],
    fails={f"{URL}, Python: stack trace": page(Leak(TRACE, "Python"), where=URL)},
    undecided=undecided(Pages, "page"),
)
SEC_009 = Specimens(
    passes=[page(), page(leak(), leak(TRACE, "Python"))],
    fails={"Django's debug page: debugger": page(Leak(DEBUGGER, "Django's debug page"), where=URL)},
    undecided=undecided(Pages, "page"),
)
file = on(Stored, "file")
CLOSED, GROUP, OPEN = Rights(0o600, 10001, 10001), Rights(0o640, 0, 10001), Rights(0o644, 10001, 10001)
SHUT = Rights(0o644, 10001, 10001, shut=True)
KEY = leak(PRIVATE_KEY, "")


def unread(rights):
    hidden = Place(
        "file", "/data/tls.key", Missing("it can't be read by this user", "read /data/tls.key"), "web", rights
    )
    return Stored("web", Leaks((place("file"), hidden)))


UNREADABLE = unread(OPEN)
SEC_010 = Specimens(
    passes=[
        file(),
        file(KEY, rights=CLOSED),
        file(KEY, rights=GROUP),
        file(KEY, rights=SHUT),
        unread(CLOSED),
        unread(SHUT),
        file(leak(), rights=OPEN),
    ],
    fails={
        "container web-1: /data/tls.key: private key, 16 to 31 characters, fingerprint 3f9ac1d20b44 (mode 0644, owner 10001:10001)": file(
            KEY, rights=OPEN, where="container web-1: /data/tls.key"
        )
    },
    undecided={**undecided(Stored, "file"), "it can't be read": UNREADABLE},
)
SEC_011 = Specimens(
    passes=[file(), file(leak(), rights=CLOSED), file(leak(), rights=SHUT), file(KEY, rights=OPEN)],
    fails={
        "/etc/web/web.yaml, line 2, db.password: value of a secret's name": file(
            leak(key="db.password", line=2), rights=OPEN, where="/etc/web/web.yaml"
        ),
        "known secret db": file(known(), rights=OPEN),
    },
    undecided=undecided(Stored, "file"),
)
ENV = "/srv/web/web.env"


def secret_file(*leaks, mode=0o600, uid=0, owners=(0, 10001), where=ENV, service="web", content=None, **more):
    rights = Rights(mode, uid, 0, owners=owners)
    found = leaks if content is None else content
    return SecretFile(
        "web.environment.file", Leaks((Place("secret file", where, found, service, rights, **more),)), service
    )


COMPOSE = {"where": "/srv/web/compose.yaml", "service": ""}
CLOSED_TO_US = Missing("it can't be read by this user", f"read {ENV}")
UNREAD = {"can't be read by this user": secret_file(content=CLOSED_TO_US, mode=0o604)}
SEC_012 = Specimens(
    passes=[
        secret_file(leak()),
        secret_file(leak(), mode=0o640),
        secret_file(mode=0o644),
        secret_file(content=CLOSED_TO_US),
    ],
    fails={
        "/srv/web/web.env: holds secrets, mode 0644, owner 0:0 (expected no rights of others)": secret_file(
            leak(), mode=0o644
        ),
        "mode 0602": secret_file(leak(), mode=0o602),
    },
    undecided=UNREAD,
)
SEC_013 = Specimens(
    passes=[secret_file(leak()), secret_file(uid=10001), secret_file(content=CLOSED_TO_US)],
    fails={"owner 1000:0 (expected owner 0 or 10001)": secret_file(leak(), uid=1000)},
    undecided={"who owns web.environment.file was not seen": SecretFile("web.environment.file", Leaks(()), "web")},
)
SEC_014 = Specimens(
    passes=[secret_file(leak()), secret_file(known())],
    fails={"/srv/web/web.env, DB_PASSWORD: value of a secret's name, 8 to 15": secret_file(weak())},
    undecided=UNREAD,
)
SEC_015 = Specimens(
    passes=[
        secret_file(**COMPOSE),
        secret_file(leak()),
        secret_file(leak(), where="/srv/web/.env", service=""),
        secret_file(content=CLOSED_TO_US),
        secret_file(leak(), where="/srv/web/.env.local", service=""),
        secret_file(known(), holds=("db",), **COMPOSE),
    ],
    fails={
        "/srv/web/compose.yaml, line 9, services.db.environment.DB_PASSWORD": secret_file(
            leak(key="services.db.environment.DB_PASSWORD", line=9), **COMPOSE
        ),
        "known secret db": secret_file(known(), **COMPOSE),
    },
    undecided={"can't be read by this user": secret_file(content=CLOSED_TO_US, **COMPOSE)},
)
repository = on(Repository, "repository")
SEC_016 = Specimens(
    passes=[repository()],
    fails={
        "/srv/src/deploy.sh, line 4, TOKEN: GitHub token": repository(
            leak("GitHub token", "TOKEN", line=4), where="/srv/src/deploy.sh"
        )
    },
    undecided=undecided(Repository, "repository"),
)
SEC_017 = Specimens(
    passes=[
        secret_file(leak()),
        secret_file(tracked=True),
        secret_file(content=CLOSED_TO_US),
        secret_file(tracked=Missing("there is no git", "git on PATH")),
    ],
    fails={"/srv/web/web.env: holds secrets, and is tracked by git": secret_file(leak(), tracked=True)},
    undecided={
        "can't be read by this user": secret_file(content=CLOSED_TO_US, tracked=True),
        "there is no git": secret_file(leak(), tracked=Missing("there is no git", "git on PATH")),
    },
)


def secret(*places, name="db"):
    return KnownSecret(f"secrets.{name}", Leaks((Place("value", name), *places)), name)


SEC_018 = Specimens(
    passes=[
        secret(Place("all", "every surface of this run")),
        secret(place("process environment", known(), holds=("db",)), place("secret file", known(), holds=("db", "x"))),
    ],
    fails={
        "container web-1, environment, DB_PASSWORD: known secret db": secret(place("environment", known())),
        "last 1000 lines of the log": secret(
            place("environment", known(), holds=("db",)),
            place("log", known(), where="container web-1, last 1000 lines of the log"),
            unseen("page"),
        ),
        "holds it": secret(place("file", known(), where="/data/holds it", holds=("api",))),
    },
    undecided={
        "can't be read": secret(place("log", known(), holds=("db",)), unseen("page")),
        "nothing of secrets.db was there": secret(),
    },
)
SEC_019 = Specimens(
    passes=[secret()],
    fails={
        "db, PASSWORD: value of a secret's name": KnownSecret(
            "secrets.db",
            Leaks((Place("value", "db", (leak(key="PASSWORD", weak="one of the most used passwords"),)),)),
            "db",
        )
    },
    undecided={"nothing of secrets.db was there": KnownSecret("secrets.db", Leaks((place("log"),)), "db")},
)
