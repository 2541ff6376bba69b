"""A small HTTP/1.1 server on asyncio, in which everything a client can stretch has a bound: time, size, connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from seatrial.demo.messages import Refused, Request, Response, body_size, error, read_head

Handler = Callable[[Request], Awaitable[Response]]
_HEAD_LIMIT = 16 * 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may take."""

    body: int = 64 * 1024
    request: float = 5.0
    idle: float = 30.0
    connections: int = 256


def _date() -> str:
    # Not strftime: the names of days and months in a header are English whatever the locale.
    t = time.gmtime()
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year} {t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"


class Server:
    """Serves one handler on listening sockets, keep-alive, until it is drained."""

    def __init__(self, handler: Handler, bounds: Bounds) -> None:
        self._handler, self._bounds = handler, bounds
        self._server: asyncio.Server | None = None
        self._idle: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self._closing = False

    async def listen(self, listener: socket.socket) -> None:
        """Start to serve a bound socket."""
        self._server = await asyncio.start_server(self._serve, sock=listener, limit=_HEAD_LIMIT, backlog=128)

    async def drain(self, grace: float) -> None:
        """Stop to listen, let go idle connections at once, and wait for the requests in flight."""
        self._closing = True
        if self._server:
            self._server.close()
        for writer in list(self._idle):
            writer.close()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a stream callback always runs in a task
        self._connections.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            if len(self._connections) > self._bounds.connections:
                await self._send(writer, Request("GET", "/"), error(Refused(503, "too many connections")), last=True)
            else:
                while await self._exchange(reader, writer):
                    pass
        self._connections.discard(task)
        self._idle.discard(writer)
        with contextlib.suppress(OSError):
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read one request and answer it; True when the connection stays."""
        self._idle.add(writer)
        async with asyncio.timeout(self._bounds.idle):
            first = await reader.readexactly(1)
        self._idle.discard(writer)
        request = Request("GET", "/")
        read_whole = False
        try:
            # One deadline over reading and handling: a byte a second holds a connection no longer than anything else.
            async with asyncio.timeout(self._bounds.request):
                request = read_head(first + await reader.readuntil(b"\r\n\r\n"))
                size = body_size(request, self._bounds.body)
                if size and request.headers.get("expect", "").lower() == "100-continue":
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.body = await reader.readexactly(size)
                read_whole = True
                response = await self._handler(request)
        except Refused as refusal:
            response = error(refusal)
        except asyncio.LimitOverrunError:
            response = error(Refused(431, f"the head of a request has at most {_HEAD_LIMIT} bytes"))
        except TimeoutError:
            response = error(
                Refused(503, "the request took too long") if read_whole else Refused(408, "send a request faster")
            )
        keep = read_whole and request.keep_alive and not self._closing
        await self._send(writer, request, response, last=not keep)
        if not read_whole:
            await self._linger(reader, writer)
        return keep

    async def _send(self, writer: asyncio.StreamWriter, request: Request, response: Response, *, last: bool) -> None:
        stream = response.stream
        length = "Transfer-Encoding: chunked" if stream else f"Content-Length: {len(response.body)}"
        lines = [
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            f"Date: {_date()}",
            f"Content-Type: {response.content_type}",
            length,
            *(f"{name}: {value}" for name, value in response.headers.items()),
            f"Connection: {'close' if last else 'keep-alive'}",
        ]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        writer.write(head if request.method == "HEAD" or stream else head + response.body)
        async with asyncio.timeout(self._bounds.request):
            await writer.drain()
        if stream and request.method != "HEAD":
            async for chunk in stream:
                writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                async with asyncio.timeout(self._bounds.request):
                    await writer.drain()
            writer.write(b"0\r\n\r\n")

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a little of what was refused unread: closing on it would reset the connection and lose our answer."""
        writer.write_eof()
        async with asyncio.timeout(1.0):
            for _ in range(16):
                if not await reader.read(_HEAD_LIMIT):
                    return
