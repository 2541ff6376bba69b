"""A bucket of an S3-compatible store, over HTTP: what lies in it is listed and read; what a run may write is written and removed.

Each request is signed (AWS signature, version 4), is made on a connection of its own, and is bounded in time and size
whatever comes back. Buckets are a part of the path, as every store understands it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus, urlsplit

from seatrial.drivers import _http_wire as wire
from seatrial.drivers import http as plain_http
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from seatrial.drivers import Session
    from seatrial.profile.backing import Bucket as Node

__all__ = ["Bucket", "Object", "bucket"]

EMPTY = hashlib.sha256().hexdigest()
MOST = 100_000
"""Objects that are listed."""
PAGE = 16 * 1024**2
"""Bytes of one page of a list."""
TOLD = 64 * 1024
"""Bytes of an error that are read."""
_BLOCK = 256 * 1024
_SLOWEST = 64 * 1024
"""Bytes a second below which a large object is given up."""
_TIMES = "%Y%m%dT%H%M%SZ"

Connect = Callable[[int], socket.socket]


@dataclass(frozen=True, slots=True)
class Object:
    """One object."""

    name: str
    """The whole of it, with its prefix."""
    size: int
    modified: float
    """Seconds since the epoch, by the clock of the store."""
    tag: str = ""
    """What the store calls its version; the MD5 of its content only where it was written in one piece."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Its type and the metadata of users, sorted; only where it was asked for by itself."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it is asked. Its key is never shown."""

    session: Session = field(repr=False)
    url: str = field(repr=False)
    name: str
    prefix: str = ""
    """What the names begin with that `list` gives."""
    region: str = "us-east-1"
    access: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    timeout: float = 10.0
    connect: Connect | None = field(default=None, repr=False)
    """Gives a connection to a port, where the store is in a place that can't be reached from here."""

    @property
    def shown(self) -> str:
        """Its address as it may be told."""
        return f"{plain_http.stripped(self.url)}/{self.name}"

    def list(self, prefix: str | None = None, *, most: int = MOST) -> tuple[Object, ...]:
        """Objects whose names begin with that, the bucket's own prefix when absent, sorted by name.

        Raises:
            CouldNotLook: they can't be listed, or there are more.
        """
        query = {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": "1000",
            "prefix": self.prefix if prefix is None else prefix,
        }
        found: dict[str, Object] = {}
        tokens: set[str] = set()
        while True:
            with self._asked("GET", query=query) as answer:
                page = _page(self, _all(answer, PAGE, f"a list of {self.shown}"))
            encoded = page.findtext("EncodingType") == "url"
            for one in page.iterfind("Contents"):
                name = one.findtext("Key") or ""
                name = unquote_plus(name, errors="surrogateescape") if encoded else name
                found[name] = Object(name, _whole(one.findtext("Size")), _moment(one), _tag(one.findtext("ETag")))
            if len(found) > most:
                raise CouldNotLook(f"{self.shown} holds more than {most:,} objects that begin with {query['prefix']!r}")
            token = page.findtext("NextContinuationToken") or ""
            if page.findtext("IsTruncated") != "true" or not token:
                return tuple(found[name] for name in sorted(found))
            if token in tokens:
                raise CouldNotLook(f"{self.shown} gives the same page of its list again and again")
            tokens.add(token)
            query["continuation-token"] = token

    def head(self, name: str) -> Object | None:
        """What it says of one object; None when there is none of that name."""
        with self._asked("HEAD", name, gone=True) as answer:
            return None if answer.status == 404 else _object(name, answer)

    def get(self, name: str, to: Path, *, most: int = 8 * 1024**3) -> Object | None:
        """Write the content of an object to a file that is not there yet; None when there is no such object."""
        with to.open("xb") as file:
            got = self._read(name, file.write, most)
        if got is None:
            to.unlink()
        return got

    def digest(self, name: str, *, most: int = 8 * 1024**3) -> tuple[Object, str] | None:
        """An object and the sha256 of its content, which is not kept."""
        whole = hashlib.sha256()
        got = self._read(name, whole.update, most)
        return (got, whole.hexdigest()) if got else None

    def read(self, name: str, *, most: int = 64 * 1024**2) -> bytes | None:
        """The content of an object; None when there is none of that name."""
        content = bytearray()
        return bytes(content) if self._read(name, content.extend, most) else None

    def _read(self, name: str, give: Callable[[bytes], object], most: int) -> Object | None:
        with self._asked("GET", name, gone=True, most=most) as answer:
            if answer.status == 404:
                return None
            told = _object(name, answer)
            if told.size > most:
                raise CouldNotLook(f"an object of {self.shown} is {Size(told.size)}; at most {Size(most)} are read")
            came, began = 0, time.monotonic()
            while block := self._block(answer):
                came += len(block)
                if came < (time.monotonic() - began - self.timeout) * _SLOWEST:
                    raise CouldNotLook(f"{self.shown} gives less than {Size(_SLOWEST)} of an object a second")
                if came > most:
                    raise CouldNotLook(f"an object of {self.shown} has no end; at most {Size(most)} are read")
                give(block)
            if "content-length" in answer.headers and came != told.size:
                raise CouldNotLook(f"{self.shown} gave {came} of the {told.size} bytes of an object")
            return told

    def _block(self, answer: http.client.HTTPResponse) -> bytes:
        """The next part of a body; each has a time of its own."""
        answer.source._end = time.monotonic() + self.timeout  # type: ignore[attr-defined]
        return answer.read1(_BLOCK) if answer.chunked else answer.read(_BLOCK)

    def put(self, name: str, content: bytes | Path, headers: Mapping[str, str] | None = None) -> None:
        """Write an object; the headers are its type and metadata."""
        if isinstance(content, bytes):
            digest, length = hashlib.sha256(content).hexdigest(), len(content)
        else:
            with content.open("rb") as file:
                digest, length = hashlib.file_digest(file, "sha256").hexdigest(), content.stat().st_size
        with self._asked("PUT", name, headers=headers, body=(content, digest, length)):
            pass

    def delete(self, name: str) -> None:
        """Remove an object; it may be gone already."""
        with self._asked("DELETE", name, gone=True):
            pass

    # --- one request ----------------------------------------------------------------------------------------------

    @contextmanager
    def _asked(
        self,
        method: str,
        name: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: tuple[bytes | Path, str, int] = (b"", EMPTY, 0),
        gone: bool = False,
        most: int = PAGE,
    ) -> Iterator[http.client.HTTPResponse]:
        """One request, and its answer while it is read: 2xx, or 404 where that is an answer."""
        self.session.call("s3", method, Tier.observe if method in ("GET", "HEAD") else Tier.write)
        content, digest, length = body
        lines = _signed(self, method, name, query or {}, headers or {}, digest)
        if method == "PUT":
            lines["content-length"] = str(length)
        end = time.monotonic() + 3 * self.timeout + length / _SLOWEST
        did = "answer"
        try:
            with self._connected(end) as connection:
                connection.settimeout(max(0.001, min(self.timeout, end - time.monotonic())))
                self._send(connection, method, name, query or {}, lines, content)
                source = wire.Source(connection, end)
                answer = wire.head(source)
                did = "finish its answer"
                source.allowed = 2 * most + wire.HEAD  # chunks have a head each
                answer.source = source  # type: ignore[attr-defined]
                if answer.status // 100 == 2 or (answer.status == 404 and gone and not self._lacks(method, answer)):
                    yield answer
                    return
                raise self._refused(method, answer)
        except wire.Unresolved as why:
            raise CouldNotLook(f"{self._host} does not resolve: {why}", right=f"resolve {self._host}") from None
        except TimeoutError:
            raise CouldNotLook(f"{self.shown} did not {did} in time") from None
        except (wire.Unreadable, http.client.HTTPException, ValueError) as why:
            raise CouldNotLook(f"{self.shown} gave no answer of an S3-compatible store: {_told(why)}") from None
        except OSError as why:
            raise CouldNotLook(f"{self.shown} can't be reached: {_told(why)}", right=f"a way to {self._host}") from None

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @contextmanager
    def _connected(self, end: float) -> Iterator[socket.socket]:
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with contextlib.ExitStack() as stack:
            if self.connect is not None:
                connection = stack.enter_context(self.connect(port))
            else:
                found = wire.addresses(parts.hostname or "", port, end)
                connection = stack.enter_context(wire.connect(found, min(end, time.monotonic() + self.timeout)))
            if parts.scheme == "https":
                connection.settimeout(self.timeout)
                trust = wire.context("", "", "")
                connection = stack.enter_context(trust.wrap_socket(connection, server_hostname=parts.hostname))
            yield connection

    def _send(
        self,
        connection: socket.socket,
        method: str,
        name: str,
        query: Mapping[str, str],
        lines: Mapping[str, str],
        content: bytes | Path,
    ) -> None:
        target = _path(self, name) + (f"?{_query(query)}" if query else "")
        head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
        connection.sendall(f"{method} {target} HTTP/1.1\r\n{head}connection: close\r\n\r\n".encode("latin-1"))
        body: IO[bytes] = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        # Who refuses a body early may answer yet.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError), body as file:
            while block := file.read(_BLOCK):
                connection.sendall(block)

    def _lacks(self, method: str, answer: http.client.HTTPResponse) -> bool:
        """Whether the bucket itself is not there, which is another thing than an object that is not."""
        if method == "HEAD":
            return False
        answer.told = _error(_all(answer, TOLD, "an error"))  # type: ignore[attr-defined]
        return bool(answer.told[0] == "NoSuchBucket")  # type: ignore[attr-defined]

    def _refused(self, method: str, answer: http.client.HTTPResponse) -> CouldNotLook:
        code, message = getattr(answer, "told", None) or (
            ("", "") if method == "HEAD" else _error(_all(answer, TOLD, "an error"))
        )
        told = self.session.mask(f"{code}: {message}" if code else "").strip(": ")
        right = f"{method} on {self.shown}" if answer.status in (401, 403) else ""
        return CouldNotLook(f"{self.shown} answers {method} with HTTP {answer.status} {told}".rstrip(), right=right)


def bucket(
    session: Session, node: Node, *, resolve: Callable[[Any], str] | None = None, connect: Connect | None = None
) -> Bucket:
    """The bucket that a profile declares.

    Args:
        session: counts its calls, and refuses what was not granted.
        node: of the profile.
        resolve: gives the text of its references, when not the session's.
        connect: gives a connection to a port, when it can't be reached from here.

    Raises:
        CouldNotLook: a reference of it can't be resolved, or its address is none.
    """
    text = resolve or session.resolve
    url = text(node.url).strip().rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search("[?#\\s]", url) or "@" in parts.netloc:
        raise CouldNotLook(f"{plain_http.stripped(url)} is no address of a store: http:// or https://, host and port")
    name = text(node.bucket)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", name):
        raise CouldNotLook("a bucket's name has letters, digits, dots and dashes only")
    access, secret = text(node.access_key).strip(), text(node.secret_key).strip()
    if bool(access) != bool(secret):
        raise CouldNotLook(f"bucket {name} declares only one of access_key and secret_key")
    return Bucket(session, url, name, node.prefix, node.region, access, secret, session.timeout, connect)


# --- the signature -------------------------------------------------------------------------------------------------


def _path(of: Bucket, name: str) -> str:
    base = urlsplit(of.url).path
    return quote(f"{base}/{of.name}" + (f"/{name}" if name else ""), safe="/-_.~", errors="surrogateescape")


def _query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(key, safe='-_.~')}={quote(query[key], safe='-_.~')}" for key in sorted(query))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _signed(
    of: Bucket, method: str, name: str, query: Mapping[str, str], given: Mapping[str, str], digest: str
) -> dict[str, str]:
    """The headers of a request, its signature among them; none for a bucket that anyone may ask."""
    now = datetime.now(UTC).strftime(_TIMES)
    lines = {key.lower(): " ".join(value.split()) for key, value in given.items()}
    lines |= {"host": of._host, "x-amz-content-sha256": digest, "x-amz-date": now}
    for key, value in lines.items():
        if not re.fullmatch(r"[a-z0-9-]+", key) or not re.fullmatch(r"[ -~]*", value):
            raise CouldNotLook(f"{key} of an object holds characters that no header may")
    if of.access:
        names = ";".join(sorted(lines))
        head = "".join(f"{key}:{lines[key]}\n" for key in sorted(lines))
        request = f"{method}\n{_path(of, name)}\n{_query(query)}\n{head}\n{names}\n{digest}"
        scope = f"{now[:8]}/{of.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        own = f"AWS4{of.secret}".encode()
        for part in scope.split("/"):
            own = _hmac(own, part)
        lines["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={of.access}/{scope}, SignedHeaders={names}, Signature={_hmac(own, text).hex()}"
        )
    return lines


# --- answers -------------------------------------------------------------------------------------------------------


def _told(why: Exception) -> str:
    if isinstance(why, ssl.SSLError):
        return getattr(why, "verify_message", "") or why.reason or "no TLS"
    return getattr(why, "strerror", None) or str(why) or type(why).__name__


def _all(answer: http.client.HTTPResponse, most: int, what: str) -> bytes:
    content, cut = wire.body(answer, most)
    if cut:
        raise CouldNotLook(f"{what} is larger than {Size(most)}")
    return content


def _tree(content: bytes) -> Element:
    """An XML document without namespaces; one that defines entities is none that a store sends."""
    from xml.etree import ElementTree

    if b"<!" in content[:1024] and b"<!DOCTYPE" in content:
        raise ValueError("a document type")
    try:
        tree = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        raise ValueError("no XML") from None
    for one in tree.iter():
        one.tag = one.tag.rpartition("}")[2]
    return tree


def _page(of: Bucket, content: bytes) -> Element:
    tree = _tree(content)
    if tree.tag != "ListBucketResult":
        raise ValueError(f"{of.shown} does not list")
    return tree


def _error(content: bytes) -> tuple[str, str]:
    """Code and message; empty when it says neither."""
    try:
        tree = _tree(content)
    except ValueError:
        return "", ""
    return (tree.findtext("Code") or "")[:100], (tree.findtext("Message") or "")[:300]


def _whole(text: str | None) -> int:
    if not text or not re.fullmatch("[0-9]{1,18}", text):
        raise ValueError("a size that is no number")
    return int(text)


def _moment(one: Element) -> float:
    return datetime.fromisoformat((one.findtext("LastModified") or "").strip()).timestamp()


def _tag(text: str | None) -> str:
    return (text or "").strip().strip('"')[:100]


def _object(name: str, answer: http.client.HTTPResponse) -> Object:
    """What the head of an answer says of an object."""
    headers = {key.lower(): value for key, value in answer.headers.items()}
    attributes = {key: value for key, value in headers.items() if key.startswith("x-amz-meta-")}
    attributes |= {
        key: headers[key]
        for key in ("content-type", "content-encoding", "cache-control", "content-disposition", "content-language")
        if headers.get(key)
    }
    try:
        modified = parsedate_to_datetime(headers.get("last-modified", "")).timestamp()
    except (TypeError, ValueError):
        modified = 0.0
    size = _whole(headers["content-length"]) if "content-length" in headers else 0
    return Object(name, size, modified, _tag(headers.get("etag")), tuple(sorted(attributes.items())))
