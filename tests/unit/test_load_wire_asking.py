"""Requests as bytes, and what can't be one."""

from __future__ import annotations

import pytest

from seatrial.load.wire import Origin, encode
from seatrial.load.wire.asking import is_bodiless, may_be_repeated
from seatrial.load.wire.unread import Unread

HERE = "http://127.0.0.1:8080"


def test_a_request_is_written_whole():
    assert encode("GET", "/notes?a=1", {}, None, HERE) == (
        b"GET /notes?a=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: seatrial\r\nAccept: */*\r\n\r\n"
    )
    assert encode("POST", "/notes", {"X-A": "b"}, b"{}", HERE) == (
        b"POST /notes HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: seatrial\r\nAccept: */*\r\nX-A: b\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ("http://a.example", b"a.example"), ("http://a.example:80", b"a.example"), ("https://a.example:443/x", b"a.example"),
        ("https://a.example:80", b"a.example:80"), ("http://[::1]:81", b"[::1]:81"), ("http://bücher.example", b"xn--bcher-kva.example"),
    ],
)  # fmt: skip
def test_the_host_is_named_as_browsers_name_it(origin, named):
    assert b"\r\nHost: " + named + b"\r\n" in encode("GET", "/", {}, None, origin)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("notes", b"/notes"), ("/a b", b"/a%20b"), ("/a%20b", b"/a%20b"), ("/ü", b"/%C3%BC"), ("/a\r\nX: y", b"/a%0D%0AX:%20y"),
        ("http://other:9/x?y=z", b"/x?y=z"), ("https://other", b"/"), ("/a#b", b"/a"), ("/go?to=http://x/", b"/go?to=http://x/"),
    ],
)  # fmt: skip
def test_a_path_is_sent_so_that_it_is_one(path, sent):
    assert encode("GET", path, {}, None, HERE).split(b" ")[1] == sent


def test_headers_that_are_given_take_the_place_of_ours():
    request = encode("GET", "/", {"host": "x", "USER-AGENT": "y", "accept": "z"}, None, HERE)
    assert request == b"GET / HTTP/1.1\r\nhost: x\r\nUSER-AGENT: y\r\naccept: z\r\n\r\n"


def test_a_length_is_told_where_a_body_is_expected():
    assert b"Content-Length: 0\r\n" in encode("POST", "/", {}, None, HERE)
    assert b"Content-Length: 0\r\n" in encode("DELETE", "/", {}, b"", HERE)
    assert b"Content-Length" not in encode("DELETE", "/", {}, None, HERE)
    assert encode("POST", "/", {"Content-Length": "9"}, b"x", HERE).count(b"Content-Length") == 1


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GE T", {}),
        ("", {}),
        ("GET", {"X A": "b"}),
        ("GET", {"": "b"}),
        ("GET", {"X": "a\r\nY: b"}),
        ("GET", {"X": "a\0"}),
    ],
)
def test_what_would_break_a_head_is_refused(method, headers):
    with pytest.raises(ValueError):
        encode(method, "/", headers, None, HERE)


def test_a_secret_is_not_told_when_it_can_not_be_sent():
    with pytest.raises(ValueError, match="Authorization") as refused:
        encode("GET", "/", {"Authorization": "hunter22\n"}, None, HERE)
    assert "hunter22" not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8080", "ftp://x", "http://", "http://x:99999", "http://x:y", "http://[::1", "http://a b", ""]
)
def test_what_is_no_address_is_told(address):
    with pytest.raises(ValueError, match=r"no address|no host name"):
        Origin.read(address)


def test_a_password_in_an_address_is_refused_and_not_told():
    with pytest.raises(ValueError, match="header") as refused:
        Origin.read("http://me:hunter22@x")
    assert "hunter22" not in str(refused.value)


def test_the_same_request_again_is_the_same_bytes():
    assert [encode("GET", f"/{n}", {}, None, HERE) for n in range(2000)][7] == encode("GET", "/7", {}, None, HERE)


def test_what_may_be_sent_twice_is_known_by_its_method():
    methods = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "POST", "PATCH", "LOCK")
    repeated = [method for method in methods if may_be_repeated(encode(method, "/", {}, None, HERE))]
    assert repeated == ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]
    assert [method for method in methods if is_bodiless(encode(method, "/", {}, None, HERE))] == ["HEAD"]


def test_how_long_answers_lay_unread_is_told_from_above():
    unread = Unread()
    assert unread.quantile(0.99) == 0.0
    unread.add(-1e-6, 1)
    for _ in range(98):
        unread.add(100e-6, 1)
    unread.add(900e-6, 1)
    assert 100e-6 <= unread.quantile(0.5) <= 113e-6
    assert unread.quantile(1.0) == unread.most == pytest.approx(900e-6)
    assert sum(unread.counts.values()) == 100
