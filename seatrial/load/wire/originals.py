"""Sockets and epoll as they are, also where gevent has put its own in their place.

gevent's sockets yield to its hub at each call: four system calls and a switch for each request, where one needs two.
"""

from __future__ import annotations

import select as _select
import socket as _socket
import sys
from typing import Any

__all__ = ["POLL_ERROR", "POLL_HANGUP", "POLL_IN", "POLL_OUT", "POLL_RDHUP", "epoll", "select", "sharpen", "socket"]


def _original(module: Any, name: str) -> Any:
    monkey: Any = sys.modules.get("gevent.monkey")
    return getattr(module, name) if monkey is None else monkey.get_original(module.__name__, name)


# The constants of epoll stay in the module also where gevent has taken the class out of it.
POLL_IN: int = getattr(_select, "EPOLLIN", 0x1)
POLL_OUT: int = getattr(_select, "EPOLLOUT", 0x4)
POLL_ERROR: int = getattr(_select, "EPOLLERR", 0x8)
POLL_HANGUP: int = getattr(_select, "EPOLLHUP", 0x10)
POLL_RDHUP: int = getattr(_select, "EPOLLRDHUP", 0x2000)


def socket() -> type[_socket.socket]:
    """The class of sockets."""
    made: type[_socket.socket] = _original(_socket, "socket")
    return made


def epoll() -> Any:
    """A new epoll."""
    return _original(_select, "epoll")()


def select() -> Any:
    """The function `select`."""
    return _original(_select, "select")


def sharpen() -> None:
    """Let this thread be woken when it asked to be: the kernel may be 50 µs late unless told otherwise."""
    import ctypes

    set_timer_slack = 29
    try:
        ctypes.CDLL(None).prctl(set_timer_slack, 1, 0, 0, 0)
    except (OSError, AttributeError):  # pragma: no cover
        return
