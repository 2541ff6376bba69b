"""The load client against servers that are wrong in one way each: one word for each, and neither hang nor crash."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from time import perf_counter

import pytest

import seatrial.load
from seatrial.load.wire import Client, encode

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
NULL = Path(seatrial.load.__file__).parent / "null_server.py"


class Server:
    """Answers each connection by a function of socket and number of the connection."""

    def __init__(self, serve, *, family=socket.AF_INET, host="127.0.0.1", tls=None):
        self.serve, self.tls, self.connections = serve, tls, 0
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.one, args=(link, self.connections), daemon=True).start()

    def one(self, link, number):
        with contextlib.suppress(OSError, ValueError), link:
            link.settimeout(5)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                with self.tls.wrap_socket(link, server_side=True) as ciphered:
                    self.serve(ciphered, number)
            else:
                self.serve(link, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Closing alone leaves the thread in accept().
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def heard(link):
    """One request, whole; raises when there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = link.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += link.recv(65536)
    return head + b"\r\n\r\n" + body


def always(answer):
    def serve(link, number):
        while True:
            heard(link)
            link.sendall(answer)

    return serve


def once(answer, *, reset=False):
    """Answer, and hang up."""

    def serve(link, number):
        heard(link)
        link.sendall(answer)
        if reset:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return serve


def collected(client, count, within=8.0):
    found, ends = [], perf_counter() + within
    while len(found) < count and perf_counter() < ends:
        found += client.poll(0.01)
    return found


@contextlib.contextmanager
def client_of(url, **options):
    client = Client(url, **{"connections": 4, "timeout": 4.0, **options})
    try:
        yield client
    finally:
        client.close()


def asked(client, url, count=1, method="GET", body=None, **options):
    """Ask one after the other, and give what came of each."""
    found = []
    for _ in range(count):
        client.send(encode(method, "/", {}, body, url), perf_counter(), "token", **options)
        found += collected(client, 1)
    return found


def told(done):
    return [each.failure or f"{each.status} {each.body.decode()}" for each in done]


def test_answers_split_at_every_byte_are_read_the_same():
    chunked = (
        b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2;a="b"\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n'
    )
    answers = [(answer, cut) for answer in (OK, chunked) for cut in range(1, len(answer))]

    def serve(link, number):
        for answer, cut in answers:
            heard(link)
            link.sendall(answer[:cut])
            time.sleep(0.0005)
            link.sendall(answer[cut:])

    with Server(serve) as server, client_of(server.url) as client:
        done = asked(client, server.url, len(answers))
        assert told(done) == ["200 ok\n" if answer == OK else "201 hello" for answer, _ in answers]
        assert client.opened == 1


def test_an_answer_that_comes_byte_by_byte_is_read():
    def serve(link, number):
        while True:
            heard(link)
            for byte in OK:
                link.sendall(bytes([byte]))

    with Server(serve) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 3)) == ["200 ok\n"] * 3


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "302 "),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204 "),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "304 "),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, "200 ok\n"),
        (b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\nbusy", "503 busy"),
    ],
)
def test_every_kind_of_answer_is_an_answer_and_keeps_the_connection(answer, seen):
    with Server(always(answer)) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 3)) == [seen] * 3
        assert client.opened == 1


@pytest.mark.parametrize(
    ("serve", "seen"),
    {
        "until it closes": (once(b"HTTP/1.1 200 OK\r\n\r\nall"), "200 all"),
        "no answer": (once(b""), "connection closed"),
        "half a head": (once(b"HTTP/1.1 200 O"), "connection closed in the middle of the answer"),
        "half a body": (once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), "connection closed in the middle of the answer"),
        "half the chunks": (
            once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "connection closed in the middle of the answer",
        ),
        "reset": (once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", reset=True), "connection reset"),
        "another protocol": (once(b"SSH-2.0-OpenSSH_9.2\r\n"), "no HTTP"),
        "two lengths": (once(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), "no HTTP: two lengths"),
        "a lie about chunks": (
            once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n"), "no HTTP: a chunk is not as long as it says",
        ),
        "a bomb, announced": (once(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n"), "body too long"),
    }.values(),
)  # fmt: skip
def test_what_is_wrong_with_an_answer_is_said_in_a_word(serve, seen):
    with Server(serve) as server, client_of(server.url) as client:
        (word,) = told(asked(client, server.url))
        assert word in (seen, "connection reset" if seen.startswith("connection closed") else seen)
        assert told(asked(client, server.url)) == [word]


def poured(begin, piece):
    """Begin, and go on for ever."""

    def serve(link, number):
        heard(link)
        link.sendall(begin)
        while True:
            link.sendall(piece * 200)

    return serve


@pytest.mark.parametrize(
    ("serve", "seen"),
    {
        "head": (poured(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), "head too long"),
        "line": (poured(b"HTTP/1.1 200 OK\r\nX: ", b"b" * 99), "head too long"),
        "body": (poured(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 99), "body too long"),
        "chunks": (poured(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "body too long"),
        "extension": (
            poured(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x" * 99), "no HTTP: a line between chunks is too long",
        ),
        "trailers": (poured(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"), "head too long"),
        "waiting": (poured(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "no HTTP: nothing but answers that say to wait"),
    }.values(),
)  # fmt: skip
def test_what_does_not_end_is_given_up(serve, seen):
    with Server(serve) as server, client_of(server.url, most_body=100_000) as client:
        assert told(asked(client, server.url)) == [seen]
        assert client.open_connections == 0


def test_an_answer_that_drips_is_given_up_in_time():
    def serve(link, number):
        heard(link)
        link.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            time.sleep(0.05)
            link.sendall(b"X")

    with Server(serve) as server, client_of(server.url) as client:
        began = perf_counter()
        (done,) = asked(client, server.url, timeout=0.4)
        assert done.failure == "timed out"
        assert 0.4 <= done.ended - done.intended < 2.0
        assert perf_counter() - began < 3.0


def test_what_waits_for_a_connection_counts_from_when_it_was_meant():
    def serve(link, number):
        while True:
            heard(link)
            time.sleep(0.2)
            link.sendall(OK)

    with Server(serve) as server, client_of(server.url, connections=1) as client:
        now = perf_counter()
        for number in range(4):
            client.send(encode("GET", "/", {}, None, server.url), now, number, 0.5 if number == 3 else None)
        assert (client.waiting, client.in_flight, client.waited) == (3, 4, 3)
        done = {each.token: each for each in collected(client, 4)}
        assert [done[n].ended - now > 0.2 * (n + 1) - 0.01 for n in range(3)] == [True] * 3
        assert [done[n].failure for n in range(4)] == ["", "", "", "timed out"]
        assert done[3].sent == 0.0
        assert (client.waiting, client.in_flight, client.open_connections) == (0, 0, 1)


def test_a_connection_closed_while_idle_costs_no_answer():
    def serve(link, number):
        heard(link)
        link.sendall(OK)
        time.sleep(0.02)

    with Server(serve) as server, client_of(server.url) as client:
        seen = []
        for _ in range(5):
            seen += told(asked(client, server.url))
            time.sleep(0.15)  # Nobody polls meanwhile: it is not known to be closed.
        assert seen == ["200 ok\n"] * 5
        seen = []
        for _ in range(5):
            seen += told(asked(client, server.url, method="POST", body=b"x"))
            time.sleep(0.15)
        assert seen == ["200 ok\n"] * 5


def closes_when_asked_again(link, number):
    heard(link)
    link.sendall(OK)
    if number == 1:
        heard(link)
        return
    always(OK)(link, number)


def test_what_may_be_asked_twice_is_when_a_kept_connection_ends_without_a_byte():
    with Server(closes_when_asked_again) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 3)) == ["200 ok\n"] * 3
        assert (client.repeated, server.connections) == (1, 2)


def test_what_must_not_be_asked_twice_is_not():
    with Server(closes_when_asked_again) as server, client_of(server.url) as client:
        seen = told(asked(client, server.url, 3, method="POST", body=b"x"))
        assert seen[1] in ("connection closed", "connection reset")
        assert [seen[0], seen[2]] == ["200 ok\n"] * 2
        assert client.repeated == 0


def test_a_first_answer_that_never_comes_is_not_asked_for_again():
    with Server(once(b"")) as server, client_of(server.url) as client:
        assert told(asked(client, server.url))[0] in ("connection closed", "connection reset")
        assert server.connections == 1


def test_connection_close_is_kept_to():
    closing = OK.replace(b"Content-Length", b"Connection: close\r\nContent-Length")
    with Server(always(closing)) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 3)) == ["200 ok\n"] * 3
        assert (client.opened, client.open_connections) == (3, 0)


def test_what_comes_unasked_is_never_taken_for_an_answer():
    def serve(link, number):
        while True:
            heard(link)
            link.sendall(OK + OK.replace(b"ok", b"no"))

    def later(link, number):
        while True:
            heard(link)
            link.sendall(OK)
            time.sleep(0.05)
            link.sendall(OK.replace(b"ok", b"no"))

    with Server(serve) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 3)) == ["200 ok\n"] * 3
    with Server(later) as server, client_of(server.url) as client:
        seen = []
        for _ in range(3):
            seen += told(asked(client, server.url))
            time.sleep(0.15)
        assert seen == ["200 ok\n"] * 3


def test_a_large_request_and_a_large_answer_arrive_whole():
    body = os.urandom(1 << 20) * 6

    def serve(link, number):
        while True:
            request = heard(link)
            echoed = request.partition(b"\r\n\r\n")[2]
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(echoed) + echoed)

    with Server(serve) as server, client_of(server.url) as client:
        done = asked(client, server.url, 2, method="POST", body=body)
        assert [each.body == body for each in done] == [True, True]
        assert client.opened == 1


def test_an_answer_to_head_has_no_body_and_the_next_one_has():
    with Server(always(OK[:-3])) as server, client_of(server.url) as client:
        assert told(asked(client, server.url, 2, method="HEAD")) == ["200 "] * 2
        client.send(encode("GET", "/", {}, None, server.url), perf_counter(), None, 0.3)
        assert told(collected(client, 1)) == ["timed out"]


def test_bodies_that_differ_are_told_apart():
    def serve(link, number):
        while True:
            request = heard(link)
            body = request.partition(b"\r\n\r\n")[2]
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with Server(serve) as server, client_of(server.url, connections=8) as client:
        for number in range(200):
            client.send(
                encode("POST", "/", {}, b"%03d" % (number % 50), server.url), perf_counter(), b"%03d" % (number % 50)
            )
        done = collected(client, 200)
        assert [each.body == each.token for each in done] == [True] * 200
        assert client.most_open == 8


def test_where_nobody_listens_and_who_is_nobody():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        with client_of(url) as client:
            assert told(asked(client, url, 2)) == ["refused"] * 2
    with client_of("http://no-such-host.invalid") as client:
        assert told(asked(client, "http://no-such-host.invalid", 2)) == ["unknown host"] * 2
        assert client.in_flight == 0


def test_who_takes_no_connection_is_given_up():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # What fills the queue of those who wait to be taken.
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.1)
        with client_of(url, timeout=0.5) as client:
            assert told(asked(client, url)) == ["timed out while connecting"]
        for filler in fillers:
            filler.close()


def test_every_address_of_a_name_is_tried(monkeypatch):
    with Server(always(OK)) as server:
        url = f"http://localhost:{server.port}"
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", server.port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port)),
        ]
        calls = []
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: calls.append(a) or found)
        closing = Client(url, connections=2, timeout=3)
        assert told(asked(closing, url, 3)) == ["200 ok\n"] * 3
        assert len(calls) == 1
        closing.close()


def test_a_server_of_ipv6_is_reached():
    try:
        server = Server(always(OK), family=socket.AF_INET6, host="::1")
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server, client_of(server.url) as client:
        assert told(asked(client, server.url, 2)) == ["200 ok\n"] * 2


def test_it_waits_less_than_a_millisecond_where_that_is_asked():
    with Server(always(OK)) as server, client_of(server.url) as client:
        asked(client, server.url)
        took = []
        for _ in range(50):
            began = perf_counter()
            client.poll(0.0002)
            took.append(perf_counter() - began)
        assert min(took) >= 0.0001
        assert sorted(took)[5] < 0.001


# TLS


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A key and a certificate for localhost and 127.0.0.1, one that has expired, and one for another name."""
    folder = tmp_path_factory.mktemp("keys")

    def made(name, subject, *more):
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]
        files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-subj", f"/CN={name}"]
        subprocess.run(
            [*command, *files, "-addext", f"subjectAltName={subject}", *more], check=True, capture_output=True
        )

    try:
        made("here", "DNS:localhost,IP:127.0.0.1")
        made("other", "DNS:other.example")
    except FileNotFoundError:
        pytest.skip("no openssl on PATH")
    return folder


def secured(keys, name="here", **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / f"{name}.crt", keys / f"{name}.key")
    for option, value in options.items():
        setattr(context, option, value)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_spoken_and_the_connection_kept(keys, version):
    body = os.urandom(300_000)
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def serve(link, number):
        for answer in (OK, large, OK, OK):
            heard(link)
            link.sendall(answer)

    context = secured(keys, maximum_version=version)
    with Server(serve, tls=context) as server, client_of(server.url, tls={"ca": str(keys / "here.crt")}) as client:
        done = asked(client, server.url, 4)
        assert [each.body for each in done] == [b"ok\n", body, b"ok\n", b"ok\n"]
        assert client.opened == 1


def test_a_certificate_that_is_not_to_be_trusted_is_not(keys):
    with Server(always(OK), tls=secured(keys)) as server:
        with client_of(server.url) as client:
            assert told(asked(client, server.url)) == ["TLS: self-signed certificate"]
        with client_of(server.url, tls={"ca": str(keys / "other.crt")}) as client:
            assert told(asked(client, server.url, 2)) == ["TLS: self-signed certificate"] * 2
    with Server(always(OK), tls=secured(keys, "other")) as server:
        with client_of(server.url, tls={"ca": str(keys / "other.crt")}) as client:
            assert told(asked(client, server.url)) == ["TLS: ip address mismatch"]
        with client_of(server.url, tls={"ca": str(keys / "other.crt"), "server_name": "other.example"}) as client:
            assert told(asked(client, server.url)) == ["200 ok\n"]


def test_a_client_certificate_is_shown(keys):
    context = secured(keys, verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(keys / "other.crt")
    tls = {"ca": str(keys / "here.crt")}
    mine = {"cert": str(keys / "other.crt"), "key": str(keys / "other.key")}
    with Server(always(OK), tls=context) as server:
        with client_of(server.url, tls=tls | mine) as client:
            assert told(asked(client, server.url, 2)) == ["200 ok\n"] * 2
        with client_of(server.url, tls=tls) as client:
            (word,) = told(asked(client, server.url))
            assert "certificate required" in word or word.startswith("connection")


def test_no_tls_where_tls_should_be_and_the_other_way_round(keys):
    def plain(link, number):
        link.recv(1000)
        link.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")

    with Server(plain) as server:
        url = server.url.replace("http:", "https:")
        with client_of(url) as client:
            (word,) = told(asked(client, url))
            assert word in ("TLS: wrong version number", "TLS: record layer failure")
    with Server(lambda link, number: time.sleep(1)) as server:
        url = server.url.replace("http:", "https:")
        with client_of(url, timeout=0.3) as client:
            assert told(asked(client, url)) == ["timed out while connecting"]
    with Server(always(OK), tls=secured(keys)) as server:
        url = server.url.replace("https:", "http:")
        with client_of(url) as client:
            assert told(asked(client, url))[0] in ("no HTTP", "connection closed", "connection reset")


def test_tls_that_is_cut_off_is_no_whole_answer(keys):
    def serve(link, number):
        heard(link)
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\nnot all of it")
        link.shutdown(socket.SHUT_RDWR)

    with (
        Server(serve, tls=secured(keys)) as server,
        client_of(server.url, tls={"ca": str(keys / "here.crt")}) as client,
    ):
        assert told(asked(client, server.url)) == ["connection closed in the middle of the answer"]


def test_files_of_tls_that_can_not_be_used_are_told(keys, tmp_path):
    broken = tmp_path / "x.pem"
    broken.write_text("no certificate")
    here = "https://127.0.0.1:1"
    with pytest.raises(ValueError, match="No such file"):
        Client(here, tls={"ca": str(tmp_path / "none.pem")})
    with pytest.raises(ValueError, match="can't be used"):
        Client(here, tls={"ca": str(broken)})
    with pytest.raises(ValueError, match="without a certificate"):
        Client(here, tls={"key": str(broken)})
    with pytest.raises(ValueError, match="TLS has no verify"):
        Client(here, tls={"verify": "no"})


# In Locust's process, and the server that does nothing


def test_it_runs_where_gevent_has_put_its_own_sockets(keys):
    pytest.importorskip("gevent")
    program = """
from gevent import monkey
monkey.patch_all()
import sys, time, gevent
from time import perf_counter
from seatrial.load.wire import Client, encode
url, ca = sys.argv[1:]
turns = 0
def other():
    global turns
    while True:
        turns += 1
        gevent.sleep(0)
gevent.spawn(other)
client = Client(url, connections=4, timeout=4, tls={"ca": ca})
found = []
for n in range(200):
    client.send(encode("POST", "/", {}, b"x", url), perf_counter(), n)
while len(found) < 200:
    found += client.poll(0.002)
    gevent.sleep(0)
print(sum(done.status == 200 for done in found), turns > 5, type(next(iter(client._links.values())).socket).__module__)
"""
    with Server(always(OK), tls=secured(keys)) as server:
        command = [sys.executable, "-c", program, server.url, str(keys / "here.crt")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout == "200 True socket\n", done.stderr[-2000:]


@pytest.fixture
def null():
    """The server that does nothing."""
    command = [sys.executable, "-I", str(NULL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()
        assert process.wait(timeout=10) == 0


def test_the_server_that_does_nothing_answers_whatever_is_asked(null):
    _, url = null
    with client_of(url, connections=8) as client:
        done = asked(client, url, 20)
        for number in range(200):
            body = b"x" * (number * 40)
            client.send(encode("POST", f"/{number}", {"X-N": str(number)}, body, url), perf_counter())
        done += collected(client, 200)
        assert told(done) == ["200 ok\n"] * 220
        assert client.opened <= 9


def test_the_server_that_does_nothing_is_not_to_be_filled(null):
    process, url = null
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as link, contextlib.suppress(OSError):
        link.settimeout(5)
        for _ in range(100):
            link.sendall(b"x" * 65536)
        select.select([link], [], [], 1)
    with client_of(url) as client:
        assert told(asked(client, url)) == ["200 ok\n"]
    assert process.poll() is None


def test_how_long_answers_lay_unread_is_known_under_load(null):
    _, url = null
    request = encode("GET", "/", {}, None, url)
    with client_of(url, connections=16) as client:
        for _ in range(16):
            client.send(request, perf_counter())
        count, ends = 0, perf_counter() + 0.7
        while perf_counter() < ends:
            for done in client.poll(0.002):
                assert (done.status, done.body, done.failure) == (200, b"ok\n", "")
                assert done.intended <= done.sent <= done.ended
                count += 1
                client.send(request, perf_counter())
        noted = sum(client.unread.counts.values())
        assert count > 50
        assert 10 < noted <= count + 16
        assert 0 < client.unread.quantile(0.5) <= client.unread.most


def test_an_answer_that_lies_unread_is_told_from_one_that_was_slow(null):
    _, url = null
    with client_of(url) as client:
        asked(client, url)
        for _ in range(3):
            client.send(encode("GET", "/", {}, None, url), perf_counter())
            time.sleep(0.1)  # It was answered long ago, and nobody looks.
            collected(client, 1)
        assert client.unread.most > 0.05
        # Only the kernel knows that it did not lie there for the time before it was asked for, too.
        assert client.unread.most < (1.0 if client.unread.by_kernel else 2.0)


def test_an_answer_before_the_request_is_sent_ends_the_connection():
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno\n"

    def serve(link, number):
        if number == 1:
            heard(link)
            link.sendall(refused)
        link.recv(1000)
        link.sendall(refused)
        time.sleep(0.3)

    with Server(serve) as server, client_of(server.url, connections=1) as client:
        assert told(asked(client, server.url)) == ["413 no\n"]
        done = asked(client, server.url, 2, method="POST", body=b"x" * (8 << 20))
        assert [each.status or each.failure.split()[0] for each in done] in ([413, 413], ["connection", 413])
        assert client.open_connections == 0


def test_half_answers_of_all_connections_together_are_bounded(monkeypatch):
    from seatrial.load.wire import client as module

    monkeypatch.setattr(module, "MOST_HELD", 300_000)

    def serve(link, number):
        heard(link)
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200001\r\n\r\n" + b"x" * 200_000)
        time.sleep(0.5)
        link.sendall(b"x")
        time.sleep(0.5)

    with Server(serve) as server, client_of(server.url) as client:
        for _ in range(3):
            client.send(encode("GET", "/", {}, None, server.url), perf_counter())
        seen = sorted(each.failure or str(each.status) for each in collected(client, 3))
        assert seen[:1] + seen[-1:] == ["200", "answers too long to be kept all at once"]
        assert client._held == 0
