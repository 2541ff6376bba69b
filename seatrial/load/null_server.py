"""A server that does nothing but answer: what a generator gets out of it is the generator's own ceiling.

```
python -I null_server.py [PORT]
```

It prints its port as a line, answers every request on loopback with three bytes, and ends when its standard input closes.
One process, one thread, no import of the package, so that it costs as little as a server in Python can.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
from collections.abc import Iterator

__all__ = ["serve"]

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n"
END = b"\r\n\r\n"
MOST = 1 << 20
"""Bytes of one request that it keeps; whoever sends more is hung up on."""


def _requests(data: bytes) -> tuple[int, bytes]:
    """How many whole requests there are, and what is left over. Bodies count by their Content-Length."""
    found = 0
    while True:
        end = data.find(END)
        if end < 0:
            return found, data
        end += 4
        length = 0
        for line in data[:end].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        if len(data) < end + length:
            return found, data
        data = data[end + length :]
        found += 1


def _looped(listener: socket.socket, stop: int) -> None:
    epoll = select.epoll()
    epoll.register(listener.fileno(), select.EPOLLIN)
    epoll.register(stop, select.EPOLLIN | select.EPOLLHUP)
    links: dict[int, socket.socket] = {}
    partial: dict[int, bytes] = {}
    known: set[bytes] = set()
    while True:
        for fd, _ in epoll.poll():
            link = links.get(fd)
            if link is None:
                if fd == stop:
                    if not os.read(stop, 4096):
                        return
                    continue
                with contextlib.suppress(OSError):
                    link, _ = listener.accept()
                    link.setblocking(False)
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    links[link.fileno()] = link
                    epoll.register(link.fileno(), select.EPOLLIN)
                continue
            try:
                data = link.recv(8192)
                # What a load sends nearly always: the same whole request again.
                if data in known and fd not in partial:
                    link.send(ANSWER)
                    continue
                if data:
                    if fd not in partial and len(known) < 64 and _requests(data) == (1, b""):
                        known.add(data)
                    found, rest = _requests(partial.pop(fd, b"") + data)
                    if rest:
                        partial[fd] = rest
                    if len(rest) <= MOST and (not found or link.send(ANSWER * found) == len(ANSWER) * found):
                        continue
            except BlockingIOError:
                pass
            except OSError:
                pass
            partial.pop(fd, None)
            del links[fd]
            link.close()


def serve(port: int = 0, stop: int = 0) -> Iterator[int]:
    """Listen, give the port, then answer until `stop`, a file descriptor, ends."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listener:
        listener.setblocking(False)
        yield listener.getsockname()[1]
        _looped(listener, stop)


if __name__ == "__main__":
    for listening in serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0):
        sys.stdout.write(f"{listening}\n")
        sys.stdout.flush()
