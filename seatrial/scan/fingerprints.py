"""Fingerprints of values: the same for the same value on this installation, and worth nothing without its key.

A plain hash of a weak password is a crib for everyone who reads the report, so the hash is keyed. The key lies beside the
operator's other settings, is made at first use, and no report holds it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import stat
from functools import cache
from pathlib import Path

__all__ = ["fingerprint"]

_LENGTH = 32


def fingerprint(value: str) -> str:
    """Twelve hexadecimal digits that stand for a value."""
    return hmac.new(_key(), value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]


@cache
def _key() -> bytes:
    """The installation's key; one for this run alone where none can be kept."""
    try:
        return _kept(_folder() / "fingerprint.key")
    except (OSError, RuntimeError, ValueError):
        return secrets.token_bytes(_LENGTH)


def _folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path is not valid and is ignored.
    return (Path(base) if os.path.isabs(base) else Path.home() / ".config") / "seatrial"


def _kept(file: Path) -> bytes:
    for _ in range(2):
        try:
            return _read(file)
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(file)
    return _read(file)


def _read(file: Path) -> bytes:
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
            raise ValueError("the key of the fingerprints is not a file that only its owner reads")
        key = os.read(handle, _LENGTH)
    finally:
        os.close(handle)
    if len(key) < _LENGTH:
        raise ValueError("the key of the fingerprints is cut short")
    return key


def _make(file: Path) -> None:
    """Put a new key there whole or not at all; when another run was faster, its key stays."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_bytes(_LENGTH))
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        os.unlink(draft)
