"""TLS between two buffers in memory, so that no socket but ours is ever waited for."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from seatrial.load.wire.failures import Broken, of_tls

__all__ = ["Pipe", "context"]


def context(tls: Mapping[str, str]) -> ssl.SSLContext:
    """What TLS is to be like: ``ca``, ``cert``, ``key`` are paths. Certificates are always verified.

    Raises:
        ValueError: a file is missing, or is not what it should be.
    """
    if unknown := set(tls) - {"ca", "cert", "key", "server_name"}:
        raise ValueError(f"TLS has no {', '.join(sorted(unknown))}; it has ca, cert, key, server_name")
    if tls.get("key") and not tls.get("cert"):
        raise ValueError("TLS: a key without a certificate")
    asked: list[str] = []

    def password() -> str:
        asked.append("")
        return ""  # Asked for a password, OpenSSL would read it from the terminal, and wait.

    try:
        made = ssl.create_default_context(cafile=tls.get("ca") or None)
        if tls.get("cert"):
            made.load_cert_chain(tls["cert"], tls.get("key") or None, password=password)
    except OSError as error:
        if isinstance(error, ssl.SSLError):
            what = "the key is encrypted" if asked else "the files of ca, cert or key can't be used"
            raise ValueError(f"TLS: {what}: {of_tls(error).removeprefix('TLS: ')}") from None
        raise ValueError(f"TLS: ca, cert or key: {error.strerror or error}") from None
    made.set_alpn_protocols(["http/1.1"])
    return made


class Pipe:
    """One connection's TLS."""

    __slots__ = ("_in", "_out", "_tls", "ready")

    def __init__(self, made: ssl.SSLContext, server_name: str) -> None:
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = made.wrap_bio(self._in, self._out, server_hostname=server_name)
        self.ready = False

    def shake(self) -> None:
        """Go on with the handshake; `ready` afterwards tells whether it is over.

        Raises:
            Broken: it failed.
        """
        try:
            self._tls.do_handshake()
            self.ready = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLError, ValueError) as error:
            raise Broken(of_tls(error)) from None

    def outgoing(self) -> bytes:
        """What is to be sent."""
        return self._out.read()

    def write(self, data: bytes) -> bytes:
        """What is to be sent for `data`."""
        try:
            self._tls.write(data)
        except (ssl.SSLError, ValueError) as error:
            raise Broken(of_tls(error)) from None
        return self._out.read()

    def incoming(self, data: bytes) -> None:
        """What was received."""
        self._in.write(data)

    def read(self) -> tuple[bytes, bool]:
        """What it says in plain, and whether the other side ended it as TLS is ended.

        Raises:
            Broken: it is no TLS, or not from who it was from.
        """
        pieces = []
        try:
            while piece := self._tls.read(65536):
                pieces.append(piece)
            return b"".join(pieces), True
        except ssl.SSLWantReadError:
            return b"".join(pieces), False
        except ssl.SSLZeroReturnError:
            return b"".join(pieces), True
        except (ssl.SSLError, ValueError) as error:
            if pieces:
                return b"".join(pieces), False
            raise Broken(of_tls(error)) from None
