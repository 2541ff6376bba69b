"""Relays in front of the engine's socket: one that ends TLS, one that writes down what is asked.

Bytes pass unchanged in both directions, chunked answers, streams and upgraded connections included, so what a client
sees is the engine itself.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from .engine import default_socket

CHUNK = 65536
Tap = Callable[[bytes], None]


class Relay:
    """Accepts connections on a listening socket and joins each to the engine's socket, one thread a connection."""

    def __init__(
        self,
        listener: socket.socket,
        upstream: str,
        *,
        tls: ssl.SSLContext | None = None,
        tap: Callable[[], Tap] | None = None,
    ) -> None:
        self._listener, self._upstream, self._tls, self._tap = listener, upstream, tls, tap
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._pairs: set[threading.Thread] = set()

    def start(self) -> None:
        """Begin to accept."""
        self._listener.settimeout(0.2)
        self._thread.start()

    def stop(self) -> None:
        """Close the listener and every connection, and wait for their threads."""
        self._closing.set()
        self._thread.join(5)
        self._listener.close()
        for thread in list(self._pairs):
            thread.join(5)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._pairs.add(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        # A peer that goes away in the middle is no news to a relay.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(self._pairs.discard, threading.current_thread())
            stack.enter_context(client)
            client.settimeout(10)
            if self._tls:
                client = stack.enter_context(self._tls.wrap_socket(client, server_side=True))
                # TLS 1.3 tells a client that its certificate is refused only when it reads; so does this.
            engine = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            engine.connect(self._upstream)
            _join(client, engine, self._tap() if self._tap else None, self._closing)


def _join(client: socket.socket, engine: socket.socket, tap: Tap | None, closing: threading.Event) -> None:
    """Carry bytes both ways in this one thread: an SSL object must not be used by two at a time."""
    client.setblocking(False)
    engine.setblocking(False)
    to_engine, to_client = bytearray(), bytearray()
    client_open = engine_open = True
    told = False
    want_write = False
    while not closing.is_set():
        reads = [s for s, is_open, full in (
            (client, client_open, len(to_engine) > 16 * CHUNK),
            (engine, engine_open, len(to_client) > 16 * CHUNK),
        ) if is_open and not full]  # fmt: skip
        writes = ([engine] if to_engine else []) + ([client] if to_client or want_write else [])
        if not reads and not writes:
            break
        # Bytes that TLS has decrypted already make no socket readable.
        pending = isinstance(client, ssl.SSLSocket) and client in reads and client.pending() > 0
        readable, _, _ = select.select(reads, writes, [], 0 if pending else 0.2)
        want_write = False
        if client in readable or pending:
            try:
                data = client.recv(CHUNK)
                if data and tap:
                    tap(data)  # before it is passed on, so that the record is never behind the engine
                to_engine += data
                client_open = bool(data)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                want_write = True
        if engine in readable:
            with contextlib.suppress(BlockingIOError):
                data = engine.recv(CHUNK)
                to_client += data
                engine_open = bool(data)
        if to_engine:
            with contextlib.suppress(BlockingIOError):
                del to_engine[: engine.send(to_engine)]
        if to_client:
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                del to_client[: client.send(to_client)]
        if not client_open and not to_engine and not told:
            told = True
            engine.shutdown(socket.SHUT_WR)  # a client that has said all may still be listening
        if not engine_open and not to_client:
            break


# --- the recording proxy ----------------------------------------------------------------------------------------------


class RequestReader:
    """Finds the request lines in a client's bytes: heads, bodies by length or in chunks, pipelining, upgrades."""

    def __init__(self, found: Callable[[str, str], None]) -> None:
        self._found, self._buffer = found, bytearray()
        self._skip = 0
        self._state = "head"

    def __call__(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        while self._buffer and self._step():
            pass

    def _step(self) -> bool:
        """Consume something; False when more bytes are needed first."""
        if self._state == "opaque":  # after an upgrade it is no longer HTTP
            self._buffer.clear()
            return False
        if self._state == "head":
            return self._head()
        if self._state == "body":
            taken = min(self._skip, len(self._buffer))
            del self._buffer[:taken]
            self._skip -= taken
            if not self._skip:
                self._state = "head"
            return taken > 0
        return self._chunk()

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").lstrip("\r\n").split("\r\n")
        del self._buffer[: end + 4]
        method, _, rest = lines[0].partition(" ")
        self._found(method, rest.rpartition(" ")[0])
        fields = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
        if "upgrade" in fields.get("connection", "").lower():
            self._state = "opaque"
        elif "chunked" in fields.get("transfer-encoding", "").lower():
            self._state, self._skip = "chunk", 0
        elif int(fields.get("content-length") or 0):
            self._state, self._skip = "body", int(fields["content-length"])
        return True

    def _chunk(self) -> bool:
        if self._skip:
            taken = min(self._skip, len(self._buffer))
            del self._buffer[:taken]
            self._skip -= taken
            return taken > 0
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        size = int(bytes(self._buffer[:end]).partition(b";")[0] or b"0", 16)
        if size:
            del self._buffer[: end + 2]
            self._skip = size + 2  # the data and the line break after it
            return True
        # The last chunk: its line, then trailer lines, then an empty one.
        closing = self._buffer.find(b"\r\n\r\n")
        if closing < 0:
            return False
        del self._buffer[: closing + 4]
        self._state = "head"
        return True


@dataclass
class RecordingProxy:
    """A socket in front of the engine's that writes down every request that passes.

    with RecordingProxy() as proxy:
        subprocess.run(["docker", "-H", proxy.host, "ps"])
    proxy.requests == [("HEAD", "/_ping"), ("GET", "/v1.41/containers/json")]
    """

    upstream: str = field(default_factory=default_socket)
    requests: list[tuple[str, str]] = field(default_factory=list)
    """(method, path with query), in the order in which they came."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="lab-")
        self.path = f"{self._folder.name}/docker.sock"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.path)
        listener.listen(64)
        self._relay = Relay(listener, self.upstream, tap=lambda: RequestReader(self._record))
        self._relay.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay.stop()
        self._folder.cleanup()

    def _record(self, method: str, path: str) -> None:
        self.requests.append((method, path))

    @property
    def host(self) -> str:
        """The value of DOCKER_HOST that leads here."""
        return f"unix://{self.path}"

    @property
    def methods(self) -> set[str]:
        """Every method that was used."""
        return {method for method, _ in self.requests}

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self.requests.clear()


# --- the remote engine ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Remote:
    """An engine over TCP with mutual TLS on loopback."""

    host: str
    """`tcp://127.0.0.1:PORT`, for DOCKER_HOST."""
    port: int
    certs: Path
    """For DOCKER_CERT_PATH: ca.pem, cert.pem, key.pem."""
    stranger: Path
    """The same three files, but the client's certificate was signed by an authority that the engine doesn't know."""

    @property
    def environment(self) -> dict[str, str]:
        """What makes the docker command use it."""
        return {"DOCKER_HOST": self.host, "DOCKER_CERT_PATH": str(self.certs), "DOCKER_TLS_VERIFY": "1"}


@contextlib.contextmanager
def remote_engine(upstream: str | None = None) -> Iterator[Remote]:
    """The local engine once more, as a remote one: TCP on loopback, a server certificate, a client certificate demanded."""
    with tempfile.TemporaryDirectory(prefix="lab-") as name:
        folder = Path(name)
        make_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server" / "cert.pem", folder / "server" / "key.pem")
        context.load_verify_locations(folder / "client" / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        port = int(listener.getsockname()[1])
        relay = Relay(listener, upstream or default_socket(), tls=context)
        relay.start()
        try:
            yield Remote(f"tcp://127.0.0.1:{port}", port, folder / "client", folder / "stranger")
        finally:
            relay.stop()


def make_certificates(folder: Path) -> None:
    """An authority, a server's and a client's certificate, and those of a stranger, made with openssl for one day."""
    for authority in ("authority", "elsewhere"):
        _openssl(
            folder, "req", "-x509", *_new_key(f"{authority}.key"), "-out", f"{authority}.pem", "-days", "1",
            "-subj", f"/CN=seatrial lab {authority}", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )  # fmt: skip
    for name, authority, usage in (
        ("server", "authority", "serverAuth"), ("client", "authority", "clientAuth"),
        ("stranger", "elsewhere", "clientAuth"),
    ):  # fmt: skip
        target = folder / name
        target.mkdir()
        extensions = f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n"
        (folder / "extensions").write_text(extensions, encoding="ascii")
        _openssl(folder, "req", *_new_key(f"{name}/key.pem"), "-out", "request", "-subj", f"/CN={name}")
        _openssl(
            folder, "x509", "-req", "-in", "request", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-out", f"{name}/cert.pem", "-days", "1", "-extfile", "extensions",
        )  # fmt: skip
        # A stranger does know whom to trust; it is the engine that does not know the stranger.
        (target / "ca.pem").write_bytes((folder / "authority.pem").read_bytes())


def _new_key(path: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path]


def _openssl(folder: Path, *words: str) -> None:
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]} failed: {done.stderr[-500:]}")
