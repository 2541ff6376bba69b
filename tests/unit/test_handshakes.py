"""Hellos to servers that say what the real ones say, and to servers that mean harm. Real programs: tests/integration."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from types import SimpleNamespace

import pytest

from seatrial.facts.container import Container
from seatrial.facts.runtime import Engine, Runtime, ServiceProcesses
from seatrial.facts.socket import Published, Socket
from seatrial.handshakes import Door, dial, doors, protocols, strangers
from seatrial.words import CouldNotLook, Missing


@contextlib.contextmanager
def served(talk):
    """A server on loopback that lets ``talk(connection)`` speak with each caller."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    threads = []

    def serve(connection):
        with connection, contextlib.suppress(OSError, IndexError):
            connection.settimeout(10)
            talk(connection)

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def says(answers, *, first=b""):
    """A server that greets with ``first`` and answers by what a request starts with."""

    def talk(connection):
        connection.sendall(first)
        while request := connection.recv(4096):
            for start, answer in answers.items():
                if request.startswith(start):
                    connection.sendall(answer)
                    break
            else:
                return

    return talk


def web(pages, *, status="404 Not Found", server="test"):
    """A server of HTTP: bodies by path; a body may be (status, body, more headers)."""

    def talk(connection):
        path = connection.recv(65536).split(b" ")[1].decode()
        told, body, *more = pages[path] if isinstance(pages.get(path), tuple) else ("200 OK", pages.get(path))
        if body is None:
            told, body = status, "no"
        body = body if isinstance(body, str) else json.dumps(body)
        lines = [f"HTTP/1.1 {told}", f"Server: {server}", f"Content-Length: {len(body.encode())}", *more, "", body]
        connection.sendall("\r\n".join(lines).encode())

    return talk


def mongo(document):
    def talk(connection):
        request = connection.recv(4096)
        if request.startswith(b"GET"):
            return
        body = struct.pack("<IIII", 16 + 5 + len(document), 9, 1, 2013) + b"\0" * 5 + document
        connection.sendall(body)

    return talk


def pg(message):
    def talk(connection):
        if connection.recv(4096)[4:8] == b"\0\3\0\0":
            connection.sendall(message)
            connection.recv(16)

    return talk


def pg_error(routine, code="28000"):
    fields = b"".join(b"%s%s\0" % (k, v.encode()) for k, v in ((b"S", "FATAL"), (b"C", code), (b"R", routine)))
    return b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0"


def pg_auth(method):
    return b"R" + struct.pack("!II", 8, method)


AMQP = b"\1\0\0\0\0\0\x20\0\x0a\0\x0a\0\x09 mechanisms %s locales en_US\xce"
MYSQL = b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0"
CLOSED = ("401 Unauthorized", "no", "WWW-Authenticate: Basic")

REAL = [
    ("redis", says({b"PING": b"+PONG\r\n", b"GET": b"-ERR wrong number of arguments\r\n"}), True, "+PONG"),
    ("redis", says({b"PING": b"-NOAUTH Authentication required.\r\n", b"GET": b"-NOAUTH no\r\n"}), False, "-NOAUTH"),
    ("redis", says({b"": b"-DENIED Redis is running in protected mode\r\n"}), False, "-DENIED"),
    ("memcached", says({b"version": b"VERSION 1.6.18\r\n", b"GET": b"ERROR\r\n"}), True, "VERSION"),
    ("memcached", says({b"version": b"CLIENT_ERROR unauthenticated\r\n", b"GET": b"ERROR\r\n"}), False, "CLIENT_ERROR"),
    ("postgres", pg(pg_auth(0)), True, "for no password"),
    ("postgres", pg(pg_auth(10)), False, "asks for SASL"),
    ("postgres", pg(pg_error("InitializeSessionUserId")), True, "let a stranger in"),
    ("postgres", pg(pg_error("ClientAuthentication")), False, "refused user postgres (SQLSTATE 28000)"),
    ("postgres", pg(pg_error("ProcessStartupPacket", "57P03")), False, "SQLSTATE 57P03"),
    ("mysql", says({}, first=MYSQL), False, "greeted"),
    ("mysql", says({}, first=b"\x20\0\0\0\xff\x6a\x04Host is not allowed"), False, "refused this host"),
    ("nats", says({}, first=b'INFO {"server_id":"x"}\r\n'), True, "asks for no credentials"),
    ("nats", says({}, first=b'INFO {"auth_required":true}\r\n'), False, "asks for credentials"),
    ("amqp", says({b"AMQP": AMQP % b"PLAIN AMQPLAIN", b"GET": b"AMQP\0\0\x09\1"}), False, "name and a password"),
    ("amqp", says({b"AMQP": AMQP % b"ANONYMOUS PLAIN", b"GET": b"AMQP\0\0\x09\1"}), True, "ANONYMOUS"),
    ("mongodb", mongo(b"\x20\0\0\0\x04databases\0\5\0\0\0\0\0"), True, "listed"),
    ("mongodb", mongo(b"\x20\0\0\0\x10code\0\x0d\0\0\0\0"), False, "code 13"),
    ("ssh", says({}, first=b"SSH-2.0-OpenSSH_9.2\r\n"), False, "greeted"),
    ("docker", web({"/version": {"ApiVersion": "1.41"}, "/": ("404 Not Found", {"message": "page not found"})}), True, "engine"),
    ("prometheus", web({"/": ("302 Found", "", "Location: /graph"),
                        "/api/v1/status/buildinfo": {"status": "success", "data": {"version": "2.42"}}}), True, "query API"),
    ("alertmanager", web({"/": "<title>Alertmanager</title>", "/api/v2/status": {"versionInfo": {}}}), True, "its API"),
    ("ollama", web({"/": "Ollama is running", "/api/tags": {"models": []}}), True, "its models"),
    ("ollama", web({"/": "Ollama is running", "/api/tags": CLOSED}), False, "HTTP 401"),
    ("elasticsearch", web({"/": {"cluster_name": "x"}}), True, "its cluster"),
    ("elasticsearch", web({"/": ("401 Unauthorized", {"error": {"type": "security_exception"}})}), False, "HTTP 401"),
    ("kubernetes", web({"/": ("403 Forbidden", {"kind": "Status"}), "/api/v1/namespaces": ("403 Forbidden", {"kind": "Status"})}), False, "HTTP 403"),
    ("kubernetes", web({"/": {"paths": ["/api/v1"]}, "/api/v1/namespaces": {"kind": "NamespaceList"}}), True, "its namespaces"),
    ("jaeger", web({"/": "<title>Jaeger UI</title>", "/api/services": {"data": [], "total": 0}}), True, "its services"),
    ("s3", web({"/": "<?xml?><ListAllMyBucketsResult/>"}), True, "a list of buckets"),
    ("s3", web({"/": ("403 Forbidden", "<?xml?><Error><Code>AccessDenied</Code></Error>")}), False, "HTTP 403 on GET /: AccessDenied"),
    ("http", web({"/": "welcome"}), True, "HTTP 200 on GET /"),
    ("http", web({"/": CLOSED}), False, "asked for credentials"),
    ("http", web({}), False, "HTTP 404"),
    ("http", web({"/": ("302 Found", "", "Location: /login")}), False, "redirected to a log-in"),
    ("http", web({"/": ("302 Found", "", "Location: https://elsewhere.example/")}), False, "redirected elsewhere"),
    ("http", web({"/": ("302 Found", "", "Location: /ui/"), "/ui/": "hello"}), True, "HTTP 200 on GET /ui/"),
    ("http", web({"/": ("302 Found", "", "Location: /")}), False, "HTTP 302"),
    ("http", web({"/": ("200 OK", "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked")}), True, "HTTP 200"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("protocol", "talk", "anonymous", "seen"), REAL, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(REAL)]
)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "found"])
def test_protocols_are_recognized(protocol, talk, anonymous, seen, declared):
    with served(talk) as port:
        told = dial(Door("127.0.0.1", port), protocol if declared else None, timeout=1.0)
    assert (told.protocol, told.anonymous, told.open) == (protocol, anonymous, True)
    assert seen in told.seen
    assert told.gives == protocols()[protocol].GIVES


@pytest.mark.parametrize(
    ("process", "pages", "anonymous", "seen"),
    [
        ("etcd", {"/version": {"etcdserver": "3.4.23"}}, False, "can't be told by a GET"),
        ("etcd", {"/version": {"etcdserver": "2.3.8"}, "/v2/keys": {"action": "get"}}, True, "its keys"),
        ("kubelet", {"/pods": {"kind": "PodList"}}, True, "its pods"),
        ("kubelet", {"/pods": CLOSED}, False, "HTTP 401"),
    ],
)
def test_some_are_known_by_their_program_alone(process, pages, anonymous, seen):
    with served(web(pages)) as port:
        told = dial(Door("127.0.0.1", port, process=process), None)
    assert (told.protocol, told.anonymous) == (process, anonymous)
    assert seen in told.seen


def test_a_wrong_guess_does_not_hide_what_it_is():
    with served(web({"/": "welcome"})) as port:
        told = dial(Door("127.0.0.1", port, inside=9090, process="redis-server"), "postgres", timeout=0.5)
    assert (told.protocol, told.anonymous) == ("http", True)


def test_tls_is_tried_where_plain_text_is_not_spoken(tmp_path):
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            web({"/": "welcome"})(secure)

    with served(talk) as port:
        told = dial(Door("127.0.0.1", port), None)
    assert (told.protocol, told.anonymous) == ("http", True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_asks_for_a_client_certificate_is_closed(version):
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    authority.configure_trust(context)
    authority.issue_cert("localhost").configure_cert(context)

    def talk(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(100)

    with served(talk) as port:
        told = dial(Door("127.0.0.1", port, inside=2376), None)
    assert (told.protocol, told.anonymous, told.open) == ("tls", False, True)


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    told = dial(Door("127.0.0.1", port), None)
    assert (told.open, told.seen) == (False, "refused the connection")


def test_a_proxy_that_accepts_for_nobody_is_shut():
    with served(lambda connection: None) as port:
        told = dial(Door("127.0.0.1", port), None)
    assert not told.open
    assert "before a word was said" in told.seen


def _silent(connection):
    connection.recv(4096)
    time.sleep(8)


def _drip(connection):
    for _ in range(80):
        connection.sendall(b"a")
        time.sleep(0.1)


def _drip_http(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(connection)


def _endless(connection):
    while True:
        connection.sendall(b"220 welcome " * 5000)


def _endless_body(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    _endless(connection)


def _garbage(connection):
    connection.recv(4096)
    connection.sendall(bytes(range(256)) * 3)


def _deep(connection):
    body = b"[" * 60000
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _short_chunks(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nno")


HOSTILE = [_silent, _drip, _drip_http, _endless, _endless_body, _garbage, _deep, _short_chunks]


@pytest.mark.parametrize("talk", HOSTILE, ids=[talk.__name__.strip("_") for talk in HOSTILE])
@pytest.mark.parametrize("declared", [None, "http", "postgres", "mongodb"])
def test_whatever_a_server_says_the_hello_ends(talk, declared):
    with served(talk) as port:
        began = time.monotonic()
        told = dial(Door("127.0.0.1", port), declared, timeout=0.2, within=0.6)
        taken = time.monotonic() - began
    assert taken < 3
    assert told.open
    assert len(told.seen) < 200


@pytest.mark.parametrize("name", sorted(protocols()))
def test_every_module_survives_what_is_not_its_protocol(name):
    with served(_garbage) as port:
        told = dial(Door("127.0.0.1", port), name, timeout=0.5, within=3)
    assert not told.anonymous


def test_nothing_that_writes_is_ever_said():
    """Everything a hello sends is one of these, whatever is declared."""
    sent = []

    def talk(connection):
        sent.append(connection.recv(4096))

    with served(talk) as port:
        for name in [*protocols(), None]:
            dial(Door("127.0.0.1", port), name, timeout=0.2, within=1)
    harmless = (b"GET /", b"PING\r\n", b"version\r\n", b"AMQP\0\0\x09\1", b"\x16\3")
    others = [words for words in sent if words and not words.startswith(harmless)]
    assert all(b"listDatabases" in words or b"user\0postgres" in words for words in others)
    assert any(others)


def test_the_profile_can_name_every_protocol():
    from typing import get_args

    from seatrial.profile.model import Service

    named = set(get_args(get_args(Service.model_fields["protocol"].annotation)[0]))
    assert named == {*protocols(), "tcp"}


# --- what is dialled ---------------------------------------------------------------------------------------------------


def session(**service):
    node = SimpleNamespace(**{"url": None, "protocol": None, "external": False, "exposure": None} | service)
    calls = {}

    def call(driver, method):
        calls[f"{driver} {method}"] = calls.get(f"{driver} {method}", 0) + 1

    return SimpleNamespace(
        profile=SimpleNamespace(services={"web": node}),
        resolve=lambda value: value,
        call=call,
        calls=calls,
        timeout=5.0,
    )


def runtime(*, local=True, address="", **containers):
    engine = Engine("docker", "id", "Docker", local, address)
    return Runtime(engine, containers={name: (found,) for name, found in containers.items()})


def container(**facts):
    facts = {
        "networks": (("back", "172.18.0.2"),),
        "published": (Published("0.0.0.0", 8080, 80), Published("::", 8080, 80), Published("127.0.0.1", 53, 53, "udp")),
        "listening": (
            Socket("0.0.0.0", 80, pid=1, process="nginx"), Socket("::", 6379, pid=2, process="redis-server"),
            Socket("127.0.0.1", 9000, pid=3, process="x"), Socket("127.0.0.11", 41111), Socket("0.0.0.0", 53, "udp"),
        ),
    } | facts  # fmt: skip
    return Container(id="c", name="web-1", **facts)


def dialled(session_, runtime_):
    return [(door.address, door.port, door.inside, door.process) for door in doors(session_, "web", runtime_)]


def test_published_addresses_and_what_else_listens_are_dialled_once():
    assert dialled(session(), runtime(web=container())) == [
        ("127.0.0.1", 8080, 80, "nginx"),
        ("172.18.0.2", 6379, 6379, "redis-server"),
    ]


def test_of_a_remote_engine_only_what_others_reach():
    far = {"local": False, "address": "tcp://10.0.0.5:2376"}
    assert dialled(session(), runtime(web=container(), **far)) == [("10.0.0.5", 8080, 80, "nginx")]
    near = container(published=(Published("127.0.0.1", 8080, 80),))
    assert dialled(session(), runtime(web=near, **far)) == []


def test_in_the_hosts_network_what_listens_is_dialled():
    found = dialled(session(), runtime(web=container(network_mode="host", published=())))
    assert ("127.0.0.1", 80, None, "nginx") in found
    assert ("127.0.0.1", 9000, None, "x") in found


def test_a_stopped_container_is_not_dialled():
    assert dialled(session(), runtime(web=container(state="exited"))) == []


def test_processes_are_dialled_where_they_listen():
    listening = (Socket("0.0.0.0", 80), Socket("::", 80), Socket("::1", 81), Socket("10.0.0.5", 82))
    observed = Runtime(Engine("process", "", "", True), processes={"web": ServiceProcesses((), listening)})
    assert [(a, p) for a, p, *_ in dialled(session(), observed)] == [("127.0.0.1", 80), ("10.0.0.5", 82), ("::1", 81)]


def test_what_we_do_not_run_is_dialled_where_the_profile_says():
    exposure = SimpleNamespace(published=["10.0.0.5:9000", "10.0.0.5:53/udp"])
    there = session(url="https://example.test", external=True, exposure=exposure)
    assert [(a, p) for a, p, *_ in dialled(there, Missing("no engine"))] == [("10.0.0.5", 9000), ("example.test", 443)]


@pytest.mark.parametrize(
    "unseen",
    [
        Missing("hidden"),
        Runtime(Engine("docker", "", "", True), containers={"web": Missing("hidden")}),
        Runtime(Engine("process", "", "", True), processes={"web": Missing("hidden")}),
        Runtime(Engine("process", "", "", True), processes={"web": ServiceProcesses((), Missing("hidden"))}),
    ],
)
def test_sockets_that_could_not_be_seen_are_not_taken_for_none(unseen):
    with pytest.raises(CouldNotLook, match="hidden"):
        list(doors(session(), "web", unseen))


def test_every_hello_is_counted():
    with served(web({"/": "welcome"})) as port:
        observed = Runtime(
            Engine("process", "", "", True), processes={"web": ServiceProcesses((), (Socket("127.0.0.1", port),))}
        )
        asked = session()
        (told,) = strangers(asked, "web", observed)
    assert told.anonymous
    assert asked.calls == {"stranger HELLO": 1}
