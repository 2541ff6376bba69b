"""Which engine: as the profile says, else as Docker's own command would find it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def find(session: Session, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The engine of a profile.

    Order: ``target.host`` with ``target.tls``; ``target.context``; ``DOCKER_HOST`` with ``DOCKER_TLS_VERIFY`` and
    ``DOCKER_CERT_PATH``; ``DOCKER_CONTEXT``; the current context of ``~/.docker/config.json``; the default socket. (Source:
    docs.docker.com, "Docker contexts" and "Use the Docker CLI: environment variables".)

    Raises:
        CouldNotLook: the address or the context is of no use.
    """
    target = session.profile.target
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    if target.host is not None:
        tls = target.tls
        at: dict[str, Any] = {
            name: str(session.base / path) for name in ("ca", "cert", "key") if tls and (path := getattr(tls, name))
        }
        return _checked(Endpoint(session.resolve(target.host), tls=tls is not None, **at))
    if target.context is not None:
        return _context(target.context, folder)
    if host := environ.get("DOCKER_HOST"):
        if not environ.get("DOCKER_TLS_VERIFY") and not environ.get("DOCKER_TLS"):
            return _checked(Endpoint(host))
        certs = Path(environ.get("DOCKER_CERT_PATH") or folder)
        files: dict[str, Any] = {
            "ca": str(certs / "ca.pem"),
            "cert": str(certs / "cert.pem"),
            "key": str(certs / "key.pem"),
        }
        return _checked(Endpoint(host, tls=True, verify=bool(environ.get("DOCKER_TLS_VERIFY")), **files))
    try:
        current = json.loads((folder / "config.json").read_text()).get("currentContext", "")
    except (OSError, ValueError, AttributeError):
        current = ""
    name = environ.get("DOCKER_CONTEXT") or current
    return _context(name, folder) if name and name != "default" else Endpoint(DEFAULT)


def _context(name: str, folder: Path) -> Endpoint:
    """A context, from the files that Docker's command keeps it in."""
    if name == "default":
        return Endpoint(DEFAULT)
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        meta = json.loads((folder / f"contexts/meta/{digest}/meta.json").read_text())["Endpoints"]["docker"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CouldNotLook(f"there is no Docker context {name}", right="one of `docker context ls`") from None
    certs = folder / f"contexts/tls/{digest}/docker"
    files: dict[str, Any] = {n: str(certs / f"{n}.pem") for n in ("ca", "cert", "key") if (certs / f"{n}.pem").exists()}
    verify = not meta.get("SkipTLSVerify", False)
    return _checked(Endpoint(meta.get("Host", DEFAULT), tls=bool(files), verify=verify, **files))


def _checked(endpoint: Endpoint) -> Endpoint:
    scheme = endpoint.host.partition("://")[0]
    if scheme == "ssh":
        raise CouldNotLook(
            f"an engine over ssh ({endpoint.host}) is not reached directly",
            right="a tunnel: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, and target.host: unix:///tmp/docker.sock",
        )
    if scheme not in ("unix", "tcp", "http", "https"):
        raise CouldNotLook(f"{endpoint.host} is no address of an engine", right="unix:///path or tcp://host:port")
    return endpoint
