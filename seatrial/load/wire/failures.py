"""Why a request failed, in words that are the same each time, as failures are counted by them."""

from __future__ import annotations

import errno
import ssl

__all__ = [
    "CLOSED",
    "CUT_OFF",
    "HEAD_TOO_LONG",
    "NO_HTTP",
    "NO_PORTS",
    "REFUSED",
    "RESET",
    "TIMED_OUT",
    "TIMED_OUT_CONNECTING",
    "TOO_LONG",
    "TOO_MANY_FILES",
    "TOO_MUCH",
    "UNKNOWN_HOST",
    "UNREACHABLE",
    "Broken",
    "of_socket",
    "of_tls",
]

REFUSED = "refused"
UNKNOWN_HOST = "unknown host"
UNREACHABLE = "unreachable"
TIMED_OUT = "timed out"
TIMED_OUT_CONNECTING = "timed out while connecting"
CLOSED = "connection closed"
CUT_OFF = "connection closed in the middle of the answer"
RESET = "connection reset"
NO_HTTP = "no HTTP"
HEAD_TOO_LONG = "head too long"
TOO_LONG = "body too long"
TOO_MUCH = "answers too long to be kept all at once"
NO_PORTS = "no local port is free"
TOO_MANY_FILES = "too many open files"

_BY_NUMBER = {
    errno.ECONNREFUSED: REFUSED,
    errno.ETIMEDOUT: TIMED_OUT_CONNECTING,
    errno.EHOSTUNREACH: UNREACHABLE,
    errno.ENETUNREACH: UNREACHABLE,
    errno.EADDRNOTAVAIL: NO_PORTS,
    errno.EMFILE: TOO_MANY_FILES,
    errno.ENFILE: TOO_MANY_FILES,
    errno.ECONNRESET: RESET,
    errno.EPIPE: CLOSED,
    errno.ENOTCONN: CLOSED,
    errno.ECONNABORTED: CLOSED,
}


class Broken(Exception):
    """The connection can't be used any more, and the request on it has failed.

    Args:
        kind: one of the words of this module.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def of_socket(number: int) -> str:
    """In words, what the kernel says."""
    import os

    return _BY_NUMBER.get(number) or os.strerror(number).lower()


def of_tls(error: Exception) -> str:
    """In words, what TLS says: ``TLS: certificate has expired``."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # Names and addresses differ from one request to the next; the rest is the same words.
        return f"TLS: {error.verify_message.split(',')[0].split(' for ')[0].strip().rstrip('.').lower()}"
    if isinstance(error, ssl.SSLEOFError):
        return CUT_OFF
    reason = getattr(error, "reason", None)
    return f"TLS: {str(reason).lower().replace('_', ' ')}" if reason else "TLS: failed"
