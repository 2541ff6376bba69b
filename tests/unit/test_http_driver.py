"""The http driver against servers that say what real ones say, and against servers that mean harm."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

from seatrial.drivers import AboveTier, Session, http
from seatrial.drivers import _http_wire as wire
from seatrial.drivers._http_secrets import masking
from seatrial.facts.answer import Answer
from seatrial.outcomes import Tier
from seatrial.profile.model import HttpCheck, Service, Tls
from seatrial.profile.references import References
from seatrial.words import CouldNotLook, Missing

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 15\r\n\r\n"
    + b'{"status":"ok"}'
)
SHORT = 0.6
"""Seconds that a hostile server gets."""
SLACK = 3.0
"""Seconds more that a busy machine may take."""
NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@contextlib.contextmanager
def served(talk, family=socket.AF_INET):
    """A server on loopback that lets ``talk(connection, request)`` speak with each caller; gives its port and what it got."""
    listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family, backlog=16)
    got: list[bytes] = []

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            request = b""
            while b"\r\n\r\n" not in request and (more := connection.recv(4096)):
                request += more
                if not request.startswith(b"GET "):
                    break
            got.append(request)
            talk(connection)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield SimpleNamespace(port=listener.getsockname()[1], got=got)
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)


def says(*parts, forever=b"", pause=0.0):
    """A server that sends these bytes, and then the last ones until the caller has had enough."""

    def talk(connection):
        for part in itertools.chain(parts, itertools.repeat(forever) if forever else ()):
            connection.sendall(part)
            time.sleep(pause)

    return talk


def head(*lines, status="200 OK"):
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def session(folder=Path(), environment=None, services=None, **changes):
    references = References(environment or {}, folder)
    profile = SimpleNamespace(services=services or {})
    return Session(
        profile=profile, base=folder, resolve=references.resolve, **{"mask": references.mask, "timeout": 3.0, **changes}
    )


def ask(port, path="/health", *, scheme="http", host="127.0.0.1", by=None, timeout=5.0, **words):
    return http.ask(by or session(), f"{scheme}://{host}:{port}{path}", timeout=timeout, **words)


def heard(talk, **words):
    with served(talk) as server:
        return ask(server.port, **words)


# --- ordinary answers -------------------------------------------------------------------------------------------------


def test_an_answer_is_read_whole():
    by = session()
    with served(says(OK)) as server:
        answer = ask(server.port, "/health?verbose", by=by)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.content_type, answer.body.text) == (200, "application/json", '{"status":"ok"}')
    assert answer.whole
    assert not answer.body.truncated
    assert 0 < answer.seconds < SLACK
    assert abs(answer.at - time.time()) < 60
    assert answer.url == f"http://127.0.0.1:{server.port}/health?verbose"
    assert by.calls == {"http GET": 1}
    lines = server.got[0].decode().split("\r\n")
    assert lines[0] == "GET /health?verbose HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Connection: close" in lines
    assert "Accept-Encoding: identity" in lines


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        pytest.param(head("Transfer-Encoding: chunked") + b"2\r\nok\r\n3;x=y\r\nay!\r\n0\r\nT: 1\r\n\r\n", "okay!", id="chunked"),
        pytest.param(head() + b"until the end", "until the end", id="until-close"),
        pytest.param(b"HTTP/1.0 200 OK\n\nbare", "bare", id="bare-newlines"),
        pytest.param(head("Content-Length: 2") + b"okHTTP/1.1 500 Evil\r\n\r\n", "ok", id="more-than-announced"),
        pytest.param(head(status="204 No Content"), "", id="no-content"),
        pytest.param(head("Content-Length: 4", status="304 Not Modified"), "", id="not-modified"),
        pytest.param(head("Link: </a>", status="103 Early Hints") * 3 + head("Content-Length: 2") + b"ok", "ok", id="hints"),
        pytest.param(head(status="100 Continue") + head() + b"ok", "ok", id="continue"),
        pytest.param(head("Content-Encoding: gzip") + gzip.compress(b"packed"), "packed", id="gzip"),
        pytest.param(head("Content-Encoding: deflate") + zlib.compress(b"packed"), "packed", id="deflate"),
        pytest.param(head("Content-Encoding: deflate") + zlib.compress(b"packed")[2:-4], "packed", id="raw-deflate"),
        pytest.param(head("Content-Type: text/plain; charset=latin-1") + b"caf\xe9", "café", id="latin-1"),
        pytest.param(head("Content-Type: text/plain; charset=punycode") + b"b-a", "b-a", id="a-quadratic-charset"),
        pytest.param(head("Content-Type: text/plain; charset=rot13") + b"ok", "ok", id="a-charset-that-is-none"),
        pytest.param(head("Content-Type: text/plain; charset=unheard-of") + b"ok", "ok", id="an-unknown-charset"),
        pytest.param(head() + b"\xff\xfeok", "\ufffd\ufffdok", id="not-utf-8"),
    ],
)  # fmt: skip
def test_every_way_to_frame_a_body_is_understood(sent, text):
    answer = heard(says(sent))
    assert isinstance(answer, Answer)
    assert answer.failure == ""
    assert answer.body.text == text


@pytest.mark.parametrize(
    ("header", "kind"),
    [("Application/JSON ; charset=x", "application/json"), ("json", "json"), ("", ""), ("a" * 300, "a" * 100)],
)
def test_a_content_type_is_told_as_it_is(header, kind):
    assert heard(says(head(f"Content-Type: {header}"))).content_type == kind


def test_an_answer_over_ipv6():
    with served(says(OK), socket.AF_INET6) as server:
        answer = ask(server.port, host="[::1]")
    assert answer.status == 200
    assert f"Host: [::1]:{server.port}".encode() in server.got[0]


def test_a_name_whose_first_address_refuses_has_another(monkeypatch):
    with served(says(OK)) as server:
        both = [(socket.AF_INET6, ("::1", server.port, 0, 0)), (socket.AF_INET, ("127.0.0.1", server.port))]
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda *_, **__: [(family, 1, 6, "", address) for family, address in both]
        )
        assert ask(server.port, host="localhost").status == 200


# --- redirects --------------------------------------------------------------------------------------------------------


def test_a_redirect_is_an_answer_and_is_not_followed():
    by = session()
    with served(says(head("Location: /health", "Content-Length: 0", status="302 Found"))) as server:
        answer = ask(server.port, by=by)
    assert (answer.status, answer.location) == (302, "/health")
    assert len(server.got) == by.calls["http GET"] == 1


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("https://user:word@sign-on.example/login?state=word#word", "https://sign-on.example/login"),
        ("//user:word@elsewhere/x", "//elsewhere/x"),
        ("http://[broken", "http://[broken"),
        ("/" + "a" * 5000, "/" + "a" * 1023),
    ],
)
def test_where_a_redirect_points_is_kept_without_credentials(location, kept):
    assert heard(says(head(f"Location: {location}", "Content-Length: 0", status="302 Found"))).location == kept


# --- what the other side can do wrong: seen, bounded, told -------------------------------------------------------------


def bounded(talk, timeout=SHORT, **words):
    """The answer of a hostile server, which was had in time."""
    started = time.monotonic()
    answer = heard(talk, timeout=timeout, **words)
    assert time.monotonic() - started < timeout + SLACK
    assert isinstance(answer, Answer)
    assert len(answer.body.text) <= wire.KEPT
    return answer


@pytest.mark.parametrize(
    ("talk", "status", "failure"),
    [
        pytest.param(lambda c: time.sleep(SHORT + 1), 0, "did not answer within 600ms", id="silent"),
        pytest.param(says(forever=b"H", pause=0.05), 0, "did not answer within 600ms", id="status-drips"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\n", forever=b"A: b\r\n", pause=0.05), 0, "did not answer within 600ms", id="head-drips"
        ),
        pytest.param(says(head(), forever=b".", pause=0.05), 200, "did not finish its answer within 600ms", id="drips"),
        pytest.param(
            says(head("Content-Length: 100"), forever=b".", pause=0.05), 200, "did not finish its answer within 600ms",
            id="drips-what-it-announced",
        ),
        pytest.param(
            says(head("Transfer-Encoding: chunked"), forever=b"1\r\n.\r\n", pause=0.05), 200,
            "did not finish its answer within 600ms", id="chunks-drip",
        ),
        pytest.param(
            says(head("Transfer-Encoding: chunked"), b"0\r\n", forever=b"T: x\r\n", pause=0.05), 200,
            "did not finish its answer within 600ms", id="trailers-drip",
        ),
    ],
)  # fmt: skip
def test_who_takes_forever_is_cut(talk, status, failure):
    answer = bounded(talk)
    assert (answer.status, answer.failure) == (status, failure)
    assert answer.seconds >= SHORT


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(says(head(), forever=b"x" * 65536), id="until-close"),
        pytest.param(says(head("Content-Length: 99999999999"), forever=b"x" * 65536), id="announced"),
        pytest.param(says(head("Content-Length: " + "9" * 400), forever=b"x" * 65536), id="announced-beyond-reason"),
        pytest.param(
            says(head("Transfer-Encoding: chunked"), forever=b"8000\r\n" + b"x" * 0x8000 + b"\r\n"), id="chunked"
        ),
        pytest.param(says(head("Transfer-Encoding: chunked"), b"0\r\n", forever=b"T: x\r\n" * 5000), id="trailers"),
        pytest.param(says(head("Content-Encoding: gzip"), gzip.compress(b"x" * 50_000_000)), id="gzip-bomb"),
        pytest.param(says(head("Content-Encoding: deflate"), zlib.compress(b"x" * 50_000_000)), id="deflate-bomb"),
    ],
)
def test_what_has_no_end_is_read_to_a_bound(talk):
    answer = bounded(talk, timeout=20)
    assert (answer.status, answer.failure, answer.endless, answer.body.truncated) == (200, "", True, True) or (
        # of trailers without an end, the body was whole
        (answer.status, answer.endless) == (200, True) and answer.body.text == ""
    )


def test_a_body_of_more_than_is_kept_ends():
    answer = bounded(says(head() + b"y" * 100_000))
    assert (answer.whole, answer.endless, answer.body.truncated, len(answer.body.text)) == (
        True,
        False,
        True,
        wire.KEPT,
    )


def test_a_caller_can_read_less():
    assert len(bounded(says(head(), forever=b"x" * 1000), limit=5000).body.text) == 5000


@pytest.mark.parametrize(
    ("sent", "status", "failure"),
    [
        pytest.param(b"", 0, "closed the connection without an answer", id="nothing"),
        pytest.param(b"-ERR unknown command 'GET'\r\n", 0, "sent something that is no HTTP", id="redis"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", 0, "sent something that is no HTTP", id="ssh"),
        pytest.param(b"\x15\x03\x01\x00\x02\x02\x50", 0, "sent something that is no HTTP", id="tls-alert"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", 0, "sent something that is no HTTP", id="status-no-number"),
        pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", 0, "sent something that is no HTTP", id="status-too-short"),
        pytest.param(b"HTTP/3.0 200 OK\r\n\r\n", 0, "sent something that is no HTTP", id="unknown-version"),
        pytest.param(b"HTTP/1.1 200 " + b"x" * 70_000, 0, "sent more than 64 KiB before its body", id="status-line"),
        pytest.param(head("A: " + "x" * 70_000), 0, "sent more than 64 KiB before its body", id="long-header"),
        pytest.param(head(*[f"A{n}: b" for n in range(150)]), 0, "sent more than 100 headers", id="many-headers"),
        pytest.param(head(status="100 Continue") * 4000, 0, "sent more than 64 KiB before its body", id="continues"),
        pytest.param(
            head("Content-Length: 20") + b"half", 200, "closed the connection before its answer was whole", id="mid-body"
        ),
        pytest.param(
            head("Transfer-Encoding: chunked") + b"9\r\nhalf", 200,
            "closed the connection before its answer was whole", id="mid-chunk",
        ),
        pytest.param(
            head("Transfer-Encoding: chunked") + b"4\r\nhalf\r\n", 200,
            "closed the connection before its answer was whole", id="no-last-chunk",
        ),
        pytest.param(
            head("Transfer-Encoding: chunked") + b"zz\r\n", 200,
            "closed the connection before its answer was whole", id="chunk-without-size",
        ),
        pytest.param(head("Content-Encoding: gzip") + b"plain", 200, "sent a body that is no gzip", id="no-gzip"),
        pytest.param(
            head("Content-Encoding: gzip") + gzip.compress(b"packed")[:-9], 200, "sent a body that is no gzip", id="half-gzip"
        ),
        pytest.param(
            head("Content-Encoding: br") + b"\x0b", 200, "sent its body in an encoding that was not asked for", id="brotli"
        ),
    ],
)  # fmt: skip
def test_what_is_no_whole_answer_is_seen_as_such(sent, status, failure):
    answer = bounded(says(sent), timeout=5)
    assert (answer.status, answer.failure) == (status, failure)
    assert not answer.whole
    assert answer.body.text == ""


def test_headers_without_an_end():
    answer = bounded(says(b"HTTP/1.1 200 OK\r\n", forever=b"X-Filler: " + b"y" * 1000 + b"\r\n"), timeout=5)
    assert answer.failure in ("sent more than 64 KiB before its body", "sent more than 100 headers")


def test_a_reset_is_seen():
    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert bounded(reset).failure == "closed the connection without an answer"


def test_refused_is_what_the_service_does():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        answer = ask(reserved.getsockname()[1])
    assert (answer.status, str(answer)) == (0, "refused the connection")


def test_a_queue_that_is_full_is_what_the_service_does():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(full.getsockname())
        time.sleep(0.1)
        started = time.monotonic()
        answer = ask(full.getsockname()[1], timeout=SHORT)
    assert answer.failure in ("did not accept a connection within 600ms", "did not answer within 600ms")
    assert time.monotonic() - started < SHORT + SLACK


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", head("Transfer-Encoding: chunked"), head("Content-Encoding: gzip"), OK]
    ),
    st.binary(max_size=300) | st.text("0123456789abcdefx-;:,/ \r\n\t", max_size=300).map(str.encode),
)
def test_whatever_is_sent_makes_an_answer_that_can_be_saved(start, rest):
    answer = heard(says(start + rest), timeout=2)
    assert isinstance(answer, Answer)
    json.dumps(to_jsonable_python(answer), ensure_ascii=False).encode()


# --- what keeps us from looking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1",
        "http://",
        "http://[::1",
        "http://h:99999/",
        "http://h:0/",
        "http://h/a b",
        "/health",
        "",
        "http://\udcff/",
    ],
)
def test_what_is_no_url_is_not_asked(url):
    by = session()
    missing = http.ask(by, url)
    assert isinstance(missing, Missing)
    assert "is no http or https URL" in missing.reason
    assert by.calls == {}


def test_a_name_that_does_not_resolve_is_no_verdict():
    missing = ask(80, host="harbor.invalid")
    assert isinstance(missing, Missing)
    assert missing.reason.startswith("harbor.invalid does not resolve: ")
    assert missing.right == "resolve harbor.invalid"


def test_a_resolver_that_hangs_is_left_behind(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(3))
    started = time.monotonic()
    missing = ask(80, host="harbor.example", timeout=0.2)
    assert time.monotonic() - started < 2
    assert missing.reason == "harbor.example does not resolve: the resolver did not answer in time"


@pytest.mark.parametrize("code", ["EHOSTUNREACH", "ENETUNREACH", "EACCES", "EADDRNOTAVAIL"])
def test_no_way_to_it_is_no_verdict(monkeypatch, code):
    import errno

    def fail(*_):
        raise OSError(getattr(errno, code), f"as {code} says")

    monkeypatch.setattr(socket.socket, "connect", fail)
    missing = ask(8080)
    assert isinstance(missing, Missing)
    assert missing == Missing(f"127.0.0.1:8080 can't be reached from here: as {code} says", "a way to 127.0.0.1:8080")


def test_a_host_that_only_a_proxy_reaches_is_no_verdict(monkeypatch):
    def late(*_):
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", late)
    assert ask(80, host="198.51.100.1").failure == "did not accept a connection within 5s"
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert isinstance(ask(80, host="198.51.100.1"), Missing)
    monkeypatch.setenv("no_proxy", "198.51.100.1")
    assert ask(80, host="198.51.100.1").failure == "did not accept a connection within 5s"


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert heard(says(OK)).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"X": "a\r\nHost: evil"}, {"X\r\nY": "a"}, {"X": "a\n"}, {"Content-Length": "5"}, {"X": "snow \u2603"}, {"": "a"}],
)
def test_headers_that_would_be_another_request_are_not_sent(headers):
    with served(says(OK)) as server:
        missing = ask(server.port, headers=headers)
    assert isinstance(missing, Missing)
    assert server.got == []


def test_a_call_above_the_granted_tier_is_refused():
    with pytest.raises(AboveTier):
        ask(80, by=session(granted=Tier.observe - 1))


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return pytest.importorskip("trustme").CA()


def tls_server(authority, name="127.0.0.1", *, client_certificates=False, expires=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=expires).configure_cert(context)
    if client_certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


@contextlib.contextmanager
def secured(context, sent=OK):
    """A server with TLS."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain:
                plain.settimeout(5)
                with context.wrap_socket(plain, server_side=True) as connection:
                    if connection.recv(4096):
                        connection.sendall(sent)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@pytest.fixture
def trusting(authority, tmp_path):
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return session(tmp_path)


def secure(port, by, **tls):
    return ask(port, scheme="https", by=by, tls=Tls(**tls) if tls else None)


def test_the_authority_of_the_profile_is_trusted(authority, trusting):
    with secured(tls_server(authority)) as port:
        answer = secure(port, trusting, ca="ca.pem")
    assert (answer.status, answer.body.text) == (200, '{"status":"ok"}')


def test_an_authority_we_do_not_know_is_no_verdict(authority, trusting):
    with secured(tls_server(authority)) as port:
        missing = secure(port, trusting)
    assert isinstance(missing, Missing)
    assert "is not trusted: unable to get local issuer certificate" in missing.reason
    assert "tls.ca" in missing.right


def test_another_name_is_no_verdict_until_the_profile_says_it(authority, trusting):
    with secured(tls_server(authority, "harbor.example")) as port:
        missing = secure(port, trusting, ca="ca.pem")
        assert "not trusted: IP address mismatch" in missing.reason
        assert secure(port, trusting, ca="ca.pem", server_name="harbor.example").status == 200


def test_a_certificate_that_has_expired_is_what_the_service_does(authority, trusting):
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    with secured(tls_server(authority, expires=yesterday)) as port:
        assert secure(port, trusting, ca="ca.pem").failure == "shows a certificate that has expired"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_we_lack_is_no_verdict(authority, trusting, version):
    context = tls_server(authority, client_certificates=True)
    context.maximum_version = context.minimum_version = version
    with secured(context) as port:
        missing = secure(port, trusting, ca="ca.pem")
        assert isinstance(missing, Missing)
        assert "client certificate" in missing.right
        ours = authority.issue_cert("seatrial@harbor.example")
        ours.private_key_and_cert_chain_pem.write_to_path(trusting.base / "our.pem")
        assert secure(port, trusting, ca="ca.pem", cert="our.pem").status == 200


def test_plain_http_where_tls_is_declared_is_what_the_service_does():
    with served(says(OK)) as server:
        answer = ask(server.port, scheme="https")
    assert (answer.status, answer.failure) == (0, "speaks no TLS that we know (WRONG_VERSION_NUMBER)")


def test_tls_where_plain_http_is_declared_is_what_the_service_does(authority):
    with secured(tls_server(authority)) as port:
        assert ask(port).failure in ("closed the connection without an answer", "sent something that is no HTTP")


def test_a_handshake_that_drips_is_cut():
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(500):
                    connection.sendall(bytes([byte]))
                    time.sleep(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    started = time.monotonic()
    answer = ask(listener.getsockname()[1], scheme="https", timeout=SHORT)
    listener.close()
    assert answer.failure == "did not answer within 600ms"
    assert time.monotonic() - started < SHORT + SLACK


def test_a_body_that_drips_through_tls_is_cut(authority, trusting):
    context = tls_server(authority)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        with contextlib.suppress(OSError):
            plain, _ = listener.accept()
            with plain, context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(4096)
                says(head(), forever=b".", pause=0.05)(connection)

    threading.Thread(target=drip, daemon=True).start()
    url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
    answer = http.ask(trusting, url, timeout=SHORT, tls=Tls(ca="ca.pem"))
    listener.close()
    assert (answer.status, answer.failure) == (200, "did not finish its answer within 600ms")


@pytest.mark.parametrize("tls", [{"ca": "missing.pem"}, {"ca": "empty.pem"}, {"cert": "empty.pem"}])
def test_certificates_that_cannot_be_used_are_no_verdict(tmp_path, tls):
    (tmp_path / "empty.pem").write_text("")
    by = session(tmp_path)
    missing = secure(1, by, **tls)
    assert isinstance(missing, Missing)
    assert missing.reason.startswith("the certificates under tls of the profile can't be used: ")
    assert by.calls == {}


# --- secrets ----------------------------------------------------------------------------------------------------------

WORD = "correct-horse/battery"


@pytest.mark.parametrize(
    "echo",
    [
        "{}",
        "Bearer {}",
        '{{"auth": "Bearer {}"}}',
        "correct-horse%2Fbattery",
        "Y29ycmVjdC1ob3JzZS9iYXR0ZXJ5",
        "postgres://u:{}@db/x",
    ],
)
@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "Cookie"])
def test_what_a_header_carried_is_not_kept_when_it_comes_back(header, echo):
    body = echo.format(WORD).encode()
    value = f"Bearer {WORD}" if header == "Authorization" else f"sid={WORD}; a=b" if header == "Cookie" else WORD
    answer = heard(says(head("Content-Type: text/plain") + body), headers={header: value})
    assert answer.status == 200
    assert WORD not in answer.body.text
    assert not set(answer.body.text.split()) & {"correct-horse%2Fbattery", "Y29ycmVjdC1ob3JzZS9iYXR0ZXJ5"}


def test_the_password_of_basic_credentials_is_not_kept():
    answer = heard(
        says(head() + b"password: open-sesame-4711"), headers={"Authorization": "Basic dTpvcGVuLXNlc2FtZS00NzEx"}
    )
    assert answer.body.text == "password: <secret>"


def test_a_user_in_the_url_is_sent_and_not_kept():
    with served(says(head() + b"dTpwYSBzcw== pa%20ss pa ss")) as server:
        answer = http.ask(session(), f"http://u:pa%20ss@127.0.0.1:{server.port}/x")
    assert b"Authorization: Basic dTpwYSBzcw==\r\n" in server.got[0]
    assert answer.url == f"http://127.0.0.1:{server.port}/x"
    assert answer.body.text == "<secret> <secret> <secret>"


def test_a_secret_across_the_bound_of_what_is_kept_leaves_no_part():
    body = b"x" * (wire.KEPT - 10) + WORD.encode()
    answer = heard(says(head() + body), headers={"X-Api-Key": WORD})
    assert "correct" not in answer.body.text


def test_ordinary_headers_and_short_values_do_not_tear_bodies():
    mask = masking(str, "http://h/", {"Accept": "application/json", "X-Token": "ok"}, ())
    assert mask('{"status": "ok", "accepts": "application/json"}') == '{"status": "ok", "accepts": "application/json"}'


# --- endpoints of a profile ---------------------------------------------------------------------------------------------


def service(port, base="", **words):
    return Service.model_validate({"url": f"http://127.0.0.1:{port}{base}", **words})


def check(**words):
    return HttpCheck.model_validate({"path": "/health/ready", "timeout": "1s", **words})


def test_a_poll_is_so_many_answers_and_a_random_path_beside_it():
    by = session()
    with served(says(OK)) as server:
        found = http.poll(by, service(server.port, "/base/"), check(polls=4, path="/health/ready?verbose=a/b"))
    paths = [request.split(b" ")[1].decode() for request in server.got]
    assert paths[:4] == ["/base/health/ready?verbose=a/b"] * 4
    assert len(paths[4]) == len("/base/health/") + 24
    assert paths[4].startswith("/base/health/")
    assert {request.split(b" ")[0] for request in server.got} == {b"GET"}
    assert [answer.status for answer in found.answers] == [200] * 4
    assert isinstance(found.random_path, Answer)
    assert found.url == f"http://127.0.0.1:{server.port}/base/health/ready?verbose=a/b"
    assert by.calls == {"http GET": 5}


def test_two_polls_ask_two_random_paths():
    with served(says(OK)) as server:
        for path in ("/", "/health"):
            http.poll(session(), service(server.port), check(polls=1, path=path))
    paths = [request.split(b" ")[1].decode() for request in server.got]
    assert [len(path) for path in paths] == [1, 25, 7, 25]
    assert len(set(paths)) == 4


def test_where_nothing_answers_no_random_path_is_waited_for():
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        found = http.poll(session(), service(reserved.getsockname()[1]), check())
    assert [str(answer) for answer in found.answers] == ["refused the connection"] * 3
    assert isinstance(found.random_path, Missing)


def test_what_keeps_us_from_asking_is_found_out_once():
    by = session()
    found = http.poll(by, Service.model_validate({"url": "http://harbor.invalid"}), check(polls=50))
    assert len(found.answers) == 1
    assert isinstance(found.answers[0], Missing)
    assert by.calls == {"http GET": 1}


def test_a_port_of_its_own_and_a_header_from_the_environment(tmp_path):
    by = session(tmp_path, {"HARBOR_URL": "http://user:wording@127.0.0.1:1\n", "HARBOR_KEY": "sesame-4711"})
    what = check(headers={"X-Harbor": {"env": "HARBOR_KEY"}, "Accept": "text/plain"}, polls=1)
    with served(says(head("Content-Type: text/plain") + b"sesame-4711 text/plain")) as server:
        found = http.poll(
            by, Service.model_validate({"url": {"env": "HARBOR_URL"}}), what.model_copy(update={"port": server.port})
        )
    assert b"X-Harbor: sesame-4711\r\n" in server.got[0]
    assert server.got[0].count(b"Accept:") == 1
    assert found.answers[0].body.text == "<secret> text/plain"
    assert "wording" not in json.dumps(to_jsonable_python(found))


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({}, "the profile gives this service no url"),
        ({"url": {"env": "NOT_SET"}}, "NOT_SET is not set"),
        ({"url": "http://[::1"}, "is no http or https URL"),
    ],
)
def test_without_a_url_there_is_nothing_to_ask(declared, reason):
    with pytest.raises(CouldNotLook, match=reason.replace("[", r"\[")):
        http.poll(session(), Service.model_validate(declared), check(port=8080))


@pytest.mark.parametrize(("sent", "ready"), [(OK, True), (head(status="503 No"), False), (b"", False)])
def test_ready_is_what_the_profile_says(sent, ready):
    with served(says(sent)) as server:
        assert http.ready(session(), service(server.port), check()) is ready
    assert http.ready(session(), Service(), check()) is False


# --- identity ---------------------------------------------------------------------------------------------------------


def test_a_target_is_known_by_its_urls(authority, trusting):
    urls = ["http://b.example/path", "http://user:word@a.example:8080", "http://b.example:80/", "http://[::1]:1/"]
    services = {str(n): Service.model_validate({"url": url}) for n, url in enumerate(urls)}
    by = session(services={**services, "none": Service()})
    assert http.identity(by) == "http://[::1]:1 http://a.example:8080 http://b.example:80"
    assert by.calls == {}
    runtime = http.observe(by)
    assert (runtime.engine.identity, runtime.engine.local, runtime.containers) == (http.identity(by), False, {})
    assert http.generations(by) == {}


def test_a_target_with_tls_is_known_by_its_certificate_too(authority):
    context = tls_server(authority)
    with secured(context) as port:
        by = session(services={"api": Service.model_validate({"url": f"https://127.0.0.1:{port}"})})
        der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))
        assert http.identity(by) == f"https://127.0.0.1:{port} sha256:{hashlib.sha256(der).hexdigest()}"
        assert by.calls == {"http HELLO": 1}
    with pytest.raises(CouldNotLook, match="shows no certificate"):
        http.identity(by)


def test_a_target_without_urls_is_not_known():
    with pytest.raises(CouldNotLook, match="no service has a url"):
        http.identity(session(services={"a": Service()}))
