"""A door of ours to a port inside a place: libraries that dial by themselves reach a server that listens only there.

It is a socket in a folder that nobody else may enter, not a port: other users of this machine don't get in by it.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drills.place import Place

__all__ = ["Relay"]

LONGEST_PATH = 90
"""The kernel takes 107 bytes; the name of the socket comes to this."""
MOST = 16
"""Connections at a time."""
LINGER = 2.0


class Relay:
    """Forwards every connection to one port of a place, until it is closed or nobody holds it any more."""

    def __init__(self, place: Place, port: int) -> None:
        self.place, self.port = place, port
        self.refused: CouldNotLook | None = None
        """Why the last connection could not be made."""
        folder = tempfile.mkdtemp(prefix="seatrial-")
        if len(folder) > LONGEST_PATH:
            shutil.rmtree(folder, ignore_errors=True)
            folder = tempfile.mkdtemp(prefix="seatrial-", dir="/tmp")
        self.folder = Path(folder)
        # The name by which libpq finds it.
        self.path = self.folder / f".s.PGSQL.{port}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(MOST)
        self._end = weakref.finalize(self, _close, listener, folder)
        # The thread must not hold the relay, or it would never be given up.
        threading.Thread(target=_accept, args=(listener, weakref.ref(self)), daemon=True, name="relay").start()

    def close(self) -> None:
        """Take no more connections, and leave nothing behind."""
        self._end()


def _close(listener: socket.socket, folder: str) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    shutil.rmtree(folder, ignore_errors=True)


def _accept(listener: socket.socket, held: weakref.ref[Relay]) -> None:
    free = threading.BoundedSemaphore(MOST)
    while True:
        try:
            here, _ = listener.accept()
        except OSError:
            return
        relay = held()
        if relay is None or not free.acquire(blocking=False):
            here.close()
            continue
        threading.Thread(target=_serve, args=(relay, here, free), daemon=True, name="relay").start()
        del relay


def _serve(relay: Relay, here: socket.socket, free: threading.BoundedSemaphore) -> None:
    try:
        try:
            there = relay.place.connect(relay.port)
        except (CouldNotLook, OSError) as why:
            relay.refused = why if isinstance(why, CouldNotLook) else None
            here.close()
            return
        relay.refused = None
        del relay
        there.settimeout(None)
        with contextlib.suppress(OSError):  # not every way into a place is by TCP
            # A question that is sent in parts would wait for an acknowledgement of the first.
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=_pump, args=(there, here), daemon=True, name="relay")
        back.start()
        _pump(here, there)
        # Whoever dialled is gone; a way that can't be half closed would keep the other side waiting for ever.
        back.join(LINGER)
        here.close()
        there.close()
    finally:
        free.release()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Forward until one side ends, and tell the other."""
    try:
        while data := source.recv(256 * 1024):
            sink.sendall(data)
    except OSError:
        pass
    for each, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        with contextlib.suppress(OSError):
            each.shutdown(how)
