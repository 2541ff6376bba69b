"""Specimens of the exposure area: sockets as declared, each way they stray, and what can't be decided."""

from dataclasses import replace

from seatrial.facts.dependency import Dependency
from seatrial.facts.exposure import Door, Exposure
from seatrial.facts.reach import Reach
from seatrial.facts.socket import Address, Handshake, Published, Socket
from seatrial.words import Missing
from tests.specimens import Specimens

HIDDEN = Missing("not permitted to look", "read /proc/PID/fd of other users")
FORWARDED = Published("127.0.0.1", 8080, 80)
SOCKET = Socket("0.0.0.0", 80, pid=412, process="nginx")
ANSWER = Handshake(
    at="127.0.0.1:8080", protocol="http", anonymous=True, seen="HTTP 200 on GET /", inside=80, gives="pages",
    published="127.0.0.1:8080", where="container web-1",
)  # fmt: skip
RESOLVER = Socket("127.0.0.11", 44117)


def addresses(*texts):
    return tuple(Address.parse(text) for text in texts)


def web(
    *,
    forwarded=(FORWARDED,),
    sockets=(SOCKET,),
    doors=None,
    answers=(ANSWER,),
    published=("127.0.0.1:8080",),
    listening=None,
    needed=(),
    anonymous=("127.0.0.1:8080",),
    opaque=False,
):
    """A web server in a container, published on loopback, as declared. The first four are what was seen."""
    return Exposure(
        service="web",
        published=addresses(*published),
        listening=None if listening is None else addresses(*listening),
        needed=addresses(*needed),
        anonymous=addresses(*anonymous),
        opaque=opaque,
        doors=(Door("container web-1", sockets, forwarded, isolated=True),) if doors is None else doors,
        handshakes=answers,
    )


def store(**seen):
    """A Redis that nobody but the other services should reach, with a password."""
    answer = {
        "at": "172.18.0.2:6379",
        "protocol": "redis",
        "anonymous": False,
        "seen": "-NOAUTH to a PING without AUTH",
    }
    answer |= {"inside": 6379, "gives": "data", "where": "container cache-1"} | seen
    return web(
        doors=(Door("container cache-1", (Socket("0.0.0.0", 6379, pid=7, process="redis-server"),), isolated=True),),
        answers=(Handshake(**answer),),
        published=(),
        needed=("6379",),
        anonymous=(),
    )


def program(*sockets, listening=("127.0.0.1:9000",), **declared):
    """A program that runs without a container."""
    return web(doors=(Door("process 812 (api)", sockets),), answers=(), published=(), listening=listening, **declared)


EVERYWHERE = replace(FORWARDED, address="0.0.0.0")
EVERYWHERE_6 = replace(FORWARDED, address="::")
EXTRA = Published("0.0.0.0", 9229, 9229)
DATAGRAM = replace(FORWARDED, protocol="udp")
API = Socket("127.0.0.1", 9000, pid=812, process="api")

SOUND = web()
STOPPED = {"nothing of web runs": web(doors=())}
UNSEEN = {**STOPPED, "not permitted": web(doors=HIDDEN)}
SOCKETS_UNSEEN = {**UNSEEN, "not permitted to look": web(sockets=HIDDEN, listening=("80",))}
UNHEARD = {"not asked": web(answers=Missing("not asked"))}

# what is published

EXP_001 = Specimens(
    passes=[SOUND, web(forwarded=()), web(forwarded=(EVERYWHERE,)), web(sockets=HIDDEN), web(answers=HIDDEN)],
    fails={
        "container web-1: published 0.0.0.0:9229 → 9229 inside (expected 127.0.0.1:8080)": web(
            forwarded=(FORWARDED, EXTRA)
        ),
        "published 127.0.0.1:8080 → 80 inside (expected none)": web(published=()),
        "published 127.0.0.1:8080/udp → 80": web(forwarded=(FORWARDED, DATAGRAM)),
    },
    undecided=UNSEEN,
)
EXP_002 = Specimens(
    passes=[
        SOUND,
        web(forwarded=(EXTRA,)),  # EXP-001 tells it
        web(published=("0.0.0.0:8080",), forwarded=(EVERYWHERE, EVERYWHERE_6)),
        web(published=("[::1]:8080",), forwarded=(replace(FORWARDED, address="::1"),)),
    ],
    fails={
        "published 0.0.0.0:8080 → 80 inside, which is every interface (expected 127.0.0.1:8080)": web(
            forwarded=(EVERYWHERE,)
        ),
        "published [::]:8080": web(forwarded=(FORWARDED, EVERYWHERE_6)),
        "published 10.0.0.5:8080 → 80 inside (expected 127.0.0.1:8080 or [::1]:8080)": web(
            published=("127.0.0.1:8080", "[::1]:8080"), forwarded=(replace(FORWARDED, address="10.0.0.5"),)
        ),
    },
    undecided=UNSEEN,
)
EXP_003 = Specimens(
    passes=[SOUND, web(forwarded=(EVERYWHERE,)), web(published=("[::]:8080",), forwarded=(EVERYWHERE,))],
    fails={
        "web: nothing is published on 127.0.0.1:8080": web(forwarded=()),
        "nothing is published on [::1]:8080": web(published=("127.0.0.1:8080", "[::1]:8080")),
        "nothing is published on 127.0.0.1:8080/udp": web(published=("127.0.0.1:8080", "127.0.0.1:8080/udp")),
    },
    undecided=UNSEEN,
)
SHUT = replace(ANSWER, open=False, protocol="", anonymous=False, seen="closed the connection before a word was said")
EXP_004 = Specimens(
    passes=[
        SOUND,
        web(sockets=HIDDEN),
        web(forwarded=(EVERYWHERE, EVERYWHERE_6), answers=(replace(ANSWER, published="0.0.0.0:8080"),)),
        web(forwarded=(FORWARDED, DATAGRAM), sockets=(SOCKET, replace(SOCKET, protocol="udp"))),
    ],
    fails={
        "container web-1: 127.0.0.1:8080 closed the connection": web(answers=(SHUT,)),
        "no process inside listens on 80": web(sockets=(), answers=(SHUT,)),
        "inside it listens on 127.0.0.1:80 held by process 412 (nginx) only": web(
            sockets=(replace(SOCKET, address="127.0.0.1"),), answers=(SHUT,)
        ),
        "127.0.0.1:8080/udp leads nowhere; no process": web(forwarded=(FORWARDED, DATAGRAM)),
    },
    undecided={
        **UNSEEN,
        **UNHEARD,
        "nothing of web is published": web(forwarded=()),
        "127.0.0.1:8080 of container web-1 can't be dialled from here": web(answers=()),
        "not permitted to look": web(forwarded=(FORWARDED, DATAGRAM), sockets=HIDDEN),
    },
)
WIDE_STORE = replace(ANSWER, protocol="redis", gives="data", anonymous=False, published="0.0.0.0:8080")
EXP_005 = Specimens(
    passes=[
        SOUND,
        web(published=("0.0.0.0:8080",), forwarded=(EVERYWHERE,), answers=(replace(ANSWER, published="0.0.0.0:8080"),)),
        web(answers=(replace(WIDE_STORE, published="127.0.0.1:8080"),)),
        web(forwarded=(EVERYWHERE,), answers=(WIDE_STORE,)),  # EXP-002 tells it
    ],
    fails={
        "container web-1: redis published on 0.0.0.0:8080, which is every interface": web(
            published=("0.0.0.0:8080",), forwarded=(EVERYWHERE,), answers=(WIDE_STORE,)
        ),
        "docker published on 10.0.0.5:8080": web(
            published=("10.0.0.5:8080",),
            forwarded=(replace(FORWARDED, address="10.0.0.5"),),
            answers=(replace(WIDE_STORE, protocol="docker", gives="control", published="10.0.0.5:8080"),),
        ),
    },
    undecided={**UNSEEN, **UNHEARD},
)

# what listens

CLIENT = Socket("0.0.0.0", 41234, "udp", pid=412, process="nginx")
EXP_006 = Specimens(
    passes=[
        SOUND,
        store(),
        program(API),
        replace(program(API, listening=None), published=addresses("127.0.0.1:9000")),
        web(sockets=(SOCKET, RESOLVER, CLIENT, Socket("127.0.0.1", 9229, pid=412, process="node"))),
        web(listening=("80", "9229"), sockets=(SOCKET, Socket("127.0.0.1", 9229))),
        web(listening=("80",), sockets=()),  # EXP-008 tells it
    ],
    fails={
        "container web-1: listens on 0.0.0.0:9229 held by process 412 (node) (expected 80)": web(
            sockets=(SOCKET, Socket("0.0.0.0", 9229, pid=412, process="node"))
        ),
        "listens on 127.0.0.1:9229 held by process 412 (node) (expected 80)": web(
            listening=("80",), sockets=(SOCKET, Socket("127.0.0.1", 9229, pid=412, process="node"))
        ),
        "listens on [::]:53/udp": web(sockets=(SOCKET, Socket("::", 53, "udp", pid=9, process="dns"))),
        "process 812 (api): listens on 127.0.0.1:6060": program(API, Socket("127.0.0.1", 6060, pid=812, process="api")),
        "(expected none)": program(API, listening=None),
    },
    undecided={**UNSEEN, "not permitted to look": web(sockets=HIDDEN)},
)
EXP_007 = Specimens(
    passes=[
        program(API),
        program(replace(API, address="10.0.0.5"), listening=("9000",)),
        program(replace(API, address="::"), listening=("0.0.0.0:9000",)),
        program(Socket("0.0.0.0", 6060)),  # EXP-006 and EXP-008 tell it
    ],
    fails={
        "listens on 0.0.0.0:9000 held by process 812 (api), which is every interface (expected 127.0.0.1:9000)": program(
            replace(API, address="0.0.0.0")
        ),
        "listens on 10.0.0.5:9000": program(API, replace(API, address="10.0.0.5")),
    },
    undecided=SOCKETS_UNSEEN,
)
EXP_008 = Specimens(
    passes=[
        program(API),
        program(replace(API, address="0.0.0.0")),  # EXP-007 tells it
        program(replace(API, address="::1"), listening=("9000",)),
    ],
    fails={
        "process 812 (api): nothing listens on 127.0.0.1:9000": program(),
        "nothing listens on 9000/udp": program(API, listening=("127.0.0.1:9000", "9000/udp")),
        "container web-2: nothing listens on 80": web(
            listening=("80",),
            doors=(Door("container web-1", (SOCKET,), isolated=True), Door("container web-2", (), isolated=True)),
        ),
    },
    undecided=SOCKETS_UNSEEN,
)

# what answers a stranger

UNKNOWN = {"protocol": "", "gives": "", "seen": "accepts connections and says nothing"}
NOBODY = {
    **UNHEARD,
    "nothing of web runs": web(doors=(), answers=()),
    "not permitted": web(doors=HIDDEN, answers=()),
    "no socket of web could be dialled": web(answers=()),
}
NOTHING_TO_DIAL = web(forwarded=(), sockets=(RESOLVER,), answers=(), published=(), anonymous=())
EXP_009 = Specimens(
    passes=[
        SOUND,
        store(),
        web(anonymous=()),  # EXP-010 tells it
        replace(store(anonymous=True), anonymous=addresses("6379")),
        replace(store(anonymous=True), anonymous=addresses("172.18.0.2:6379")),
        replace(store(**UNKNOWN), opaque=True),
        store(open=False, **UNKNOWN),
        store(**UNKNOWN | {"inside": 4369, "at": "172.18.0.2:4369"}),
        NOTHING_TO_DIAL,
    ],
    fails={
        "container cache-1: redis on 172.18.0.2:6379: +PONG": store(
            anonymous=True, seen="+PONG to a PING without AUTH"
        ),
        "docker on 172.18.0.2:2375": store(
            anonymous=True, protocol="docker", gives="control", at="172.18.0.2:2375", inside=2375
        ),
        "redis on 127.0.0.1:8080 (published as 0.0.0.0:8080), port 6379 inside": replace(
            store(anonymous=True, at="127.0.0.1:8080", published="0.0.0.0:8080"), anonymous=addresses("8080")
        ),
    },
    undecided=NOBODY | {"172.18.0.2:6379 accepts connections and says nothing; whether it serves": store(**UNKNOWN)},
)
EXP_010 = Specimens(
    passes=[
        SOUND,
        store(anonymous=True),  # EXP-009 tells it
        store(**UNKNOWN),
        web(anonymous=(), published=()),  # EXP-001 tells it
        web(anonymous=(), forwarded=(EVERYWHERE,), answers=(replace(ANSWER, published="0.0.0.0:8080"),)),  # EXP-002
        web(anonymous=(), listening=("81",)),  # EXP-006 tells it
        web(anonymous=(), listening=("127.0.0.1:80",)),  # EXP-007 tells it
        web(anonymous=("80",)),
        web(anonymous=(), answers=(replace(ANSWER, anonymous=False, seen="HTTP 401 on GET /"),)),
        web(anonymous=("0.0.0.0:8080",), answers=(replace(ANSWER, published="0.0.0.0:8080"),)),
        NOTHING_TO_DIAL,
    ],
    fails={
        "container web-1: http on 127.0.0.1:8080, port 80 inside: HTTP 200 on GET /": web(anonymous=()),
        "http on 127.0.0.1:8080": web(anonymous=("8080",)),
        "web: http on 10.0.0.5:80": web(
            doors=HIDDEN, anonymous=(), answers=(replace(ANSWER, at="10.0.0.5:80", where="web"),)
        ),
    },
    undecided=NOBODY,
)

# what is reached

REACHED = Reach("container api-1", "redis (redis, 172.18.0.2:6379)", True, "TCP connect from its network namespace")
REFUSED = replace(REACHED, source="container api-2", connected=False, seen="connection refused")


def dependency(*reach, optional=False):
    return Dependency(id="api.redis", declared={"optional": optional}, reach=reach)


EXP_011 = Specimens(
    passes=[dependency(REACHED), dependency(REACHED, replace(REACHED, how="established connection in its table"))],
    fails={
        "container api-2: redis (redis, 172.18.0.2:6379): connection refused": dependency(REACHED, REFUSED),
        "redis does not resolve": dependency(replace(REFUSED, seen="redis does not resolve")),
    },
    undecided={"nothing of api runs": dependency()},
)
EXP_012 = Specimens(
    passes=[dependency(REACHED, optional=True)],
    fails={"container api-2: redis": dependency(REFUSED, optional=True)},
    undecided={"nothing of api runs": dependency(optional=True)},
)
