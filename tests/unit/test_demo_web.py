"""The demo service's HTTP server keeps its bounds, whatever a client sends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from seatrial.demo.messages import Refused, Request, Response, answer, body_size, read_head
from seatrial.demo.web import Bounds, Server

BOUNDS = Bounds(body=100, request=0.3, idle=0.5, connections=3)
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Client]]


async def echo(request: Request) -> Response:
    if request.path == "/slow":
        await asyncio.sleep(0.1)
    if request.path == "/stuck":
        await asyncio.sleep(10)
    if request.path == "/stream":
        return Response(stream=letters())
    return answer({"method": request.method, "path": request.path, "body": request.body.decode()})


async def letters() -> AsyncIterator[bytes]:
    yield b"abc"
    yield b"de"


def serving(scenario: Callable[[Server, Dial], Awaitable[None]]) -> None:
    """Run a scenario against a server that is up."""

    async def run() -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = Server(echo, BOUNDS)
        await server.listen(listener)
        opened: list[asyncio.StreamWriter] = []

        async def dial() -> Client:
            client = await asyncio.open_connection(*listener.getsockname())
            opened.append(client[1])
            return client

        async with asyncio.timeout(5):
            await scenario(server, dial)
        for writer in opened:
            writer.close()
        await server.drain(1)

    asyncio.run(run())


async def read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer: status, headers, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head[0].split(" ")[1]), headers, body


def status_of(sent: bytes) -> int:
    """The status of the answer to what was sent, and that the connection ends after an answer that must end it."""
    seen = []

    async def scenario(_server: Server, dial: Dial) -> None:
        reader, writer = await dial()
        writer.write(sent)
        seen.append((await read(reader))[0])
        assert await reader.read() == b""

    serving(scenario)
    return seen[0]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        (b"GET / HTTP/1.0\r\n\r\n", 200),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
        (b"GET / HTT", 408),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", 408),
        (b"GET /stuck HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 503),
    ],
)
def test_status(sent: bytes, status: int) -> None:
    assert status_of(sent) == status


def test_a_large_refused_body_does_not_lose_the_answer() -> None:
    assert status_of(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n" + b"x" * 200_000) == 413


def test_a_connection_serves_many_requests_also_sent_at_once() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        reader, writer = await dial()
        one = b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
        writer.write(one % 1 + one % 2)
        for path in ("/1", "/2"):
            status, headers, body = await read(reader)
            assert (status, headers["connection"], headers["content-type"]) == (200, "keep-alive", "application/json")
            assert json.loads(body) == {"method": "POST", "path": path, "body": "hi"}

    serving(scenario)


def test_head_has_the_length_and_not_the_body() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        reader, writer = await dial()
        writer.write(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = await reader.read()
        assert head.endswith(b"\r\n\r\n")
        assert b"Content-Length: 0" not in head

    serving(scenario)


def test_a_client_that_waits_for_100_is_told_to_go_on() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        reader, writer = await dial()
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await read(reader))[0] == 200

    serving(scenario)


def test_a_stream_is_sent_in_chunks() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        reader, writer = await dial()
        writer.write(b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    serving(scenario)


def test_more_connections_than_the_bound_are_refused() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        for _ in range(BOUNDS.connections):
            await dial()
        await asyncio.sleep(0.05)
        reader, _writer = await dial()
        assert (await read(reader))[0] == 503

    serving(scenario)


def test_an_idle_connection_is_closed() -> None:
    async def scenario(_server: Server, dial: Dial) -> None:
        reader, _writer = await dial()
        assert await reader.read() == b""

    serving(scenario)


def test_draining_finishes_what_is_in_flight_and_lets_go_of_the_rest() -> None:
    async def scenario(server: Server, dial: Dial) -> None:
        idle, _ = await dial()
        busy, writer = await dial()
        writer.write(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.03)
        await server.drain(2)
        status, headers, _ = await read(busy)
        assert (status, headers["connection"]) == (200, "close")
        assert await idle.read() == b""
        with pytest.raises(OSError):
            await dial()

    serving(scenario)


def test_a_target_is_decoded_and_its_query_left_out() -> None:
    assert read_head(b"GET /a%20b?x=1 HTTP/1.1\r\nHost: a\r\n\r\n").path == "/a b"


def test_a_length_of_many_zeros_is_a_length() -> None:
    request = Request("POST", "/", headers={"content-length": "0" * 300 + "7"})
    assert body_size(request, 100) == 7


@pytest.mark.parametrize("length", ["", "+1", "1_0", "²", "0x1"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(Refused, match="not a number"):
        body_size(Request("POST", "/", headers={"content-length": length}), 100)
