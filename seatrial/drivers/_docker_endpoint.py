"""Which engine: as the profile says, else as Docker's own command would find it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session

__all__ = ["Endpoint", "find"]

DEFAULT = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of an engine, and the certificates for it."""

    host: str
    tls: bool = False
    verify: bool = True
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    server_name: str = ""
    min_version: str = ""
    prefix: str = ""
    """What stands before every path of the API, behind a proxy."""


def find(session: Session, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine of a profile.

    Order: ``target.host``; ``target.context``; ``DOCKER_HOST``; ``DOCKER_CONTEXT``; the current context of
    ``~/.docker/config.json``; the default socket. Certificates: ``target.tls``, else those of the context, or those that
    ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH`` name for a host. (Source: docs.docker.com, "Docker contexts" and "Use the Docker CLI: environment variables".)

    Raises:
        CouldNotLook: the address or the context is of no use.
    """
    target = session.profile.target
    folder = Path(environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"))
    declared = _declared(session)
    if target.host is not None:
        return _checked(session.resolve(target.host).strip(), declared or _variables(environ, folder))
    if target.context is not None:
        return _context(target.context, folder, declared)
    if host := environ.get("DOCKER_HOST", "").strip():
        return _checked(host, declared or _variables(environ, folder))
    try:
        current = json.loads((folder / "config.json").read_text()).get("currentContext", "")
    except (OSError, ValueError, AttributeError):
        current = ""
    return _context(environ.get("DOCKER_CONTEXT") or current or "default", folder, declared)


def _declared(session: Session) -> dict[str, Any]:
    """``target.tls``; its files are relative to the profile."""
    tls = session.profile.target.tls
    if tls is None:
        return {}
    files = {name: str(session.base / path) for name in ("ca", "cert", "key") if (path := getattr(tls, name))}
    return {"tls": True, **files, "server_name": tls.server_name or "", "min_version": tls.min_version or ""}


def _variables(environ: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """The certificates that Docker's variables name, for whatever host."""
    if not environ.get("DOCKER_TLS_VERIFY") and not environ.get("DOCKER_TLS"):
        return {}
    certs = Path(environ.get("DOCKER_CERT_PATH") or folder)
    files = {name: str(certs / f"{name}.pem") for name in ("ca", "cert", "key")}
    return {"tls": True, "verify": bool(environ.get("DOCKER_TLS_VERIFY")), **files}


def _context(name: str, folder: Path, declared: dict[str, Any]) -> Endpoint:
    """A context, from the files that Docker's command keeps it in."""
    if name == "default":
        return Endpoint(DEFAULT)
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = folder / f"contexts/meta/{digest}/meta.json"
    try:
        meta = json.loads(file.read_text())["Endpoints"]["docker"]
        host, skip = str(meta.get("Host") or DEFAULT), bool(meta.get("SkipTLSVerify"))
    except PermissionError:
        raise CouldNotLook(f"Docker context {name} can't be read", right=f"read {file}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CouldNotLook(f"there is no Docker context {name}", right="one of `docker context ls`") from None
    certs = folder / f"contexts/tls/{digest}/docker"
    files = {n: str(certs / f"{n}.pem") for n in ("ca", "cert", "key") if (certs / f"{n}.pem").exists()}
    return _checked(host, declared or {"tls": bool(files) or skip, "verify": not skip, **files})


def _checked(host: str, tls: dict[str, Any]) -> Endpoint:
    """An address that can be asked. What it holds of credentials is nobody's business and of no use."""
    scheme, _, rest = host.partition("://")
    if scheme == "ssh":
        host = rest.partition("/")[0].rpartition("@")[2]
        raise CouldNotLook(
            f"an engine over ssh ({host}) is not reached directly",
            right="a tunnel: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, and target.host: unix:///tmp/docker.sock",
        )
    if scheme == "unix":
        return Endpoint(host if rest else DEFAULT)
    try:
        parts = urlsplit(host)
        usable = scheme in ("tcp", "http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = host.rpartition("@")[2]
        raise CouldNotLook(f"{shown} is no address of an engine", right="unix:///path or tcp://host:port")
    if scheme == "https":
        tls = {"tls": True, **tls}
    elif scheme == "http":
        tls = {}
    return Endpoint(f"{scheme}://{parts.netloc.rpartition('@')[2]}", **tls, prefix=parts.path.rstrip("/"))
