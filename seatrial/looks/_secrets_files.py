"""Files that a profile names, and what they hold: env files, compose files, unit files, configuration."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from seatrial.facts.leak import Place, Rights
from seatrial.facts.leaks_of_files import is_env
from seatrial.looks import _secrets_beneath as beneath
from seatrial.looks._secrets import place
from seatrial.words import CouldNotLook, Missing, Secret

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject
    from seatrial.scan import Hit

__all__ = ["format_of", "holders", "scanned", "secret_file"]

LARGEST = 4 * 1024 * 1024
MOST_LINES = 1000
"""Lines of one file with a known secret; what more there are tells nothing new."""
_FORMATS = {
    ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".ini": "ini", ".cfg": "ini", ".conf": "ini",
    ".cnf": "ini", ".properties": "ini", ".service": "unit", ".env": "env", ".sh": "env", ".xml": "text", ".plist": "plist",
    ".config": "text", ".txt": "text", ".pem": "text", ".key": "text", ".crt": "text", ".acl": "text", ".pgpass": "text",
}  # fmt: skip
_SOUND = re.compile(r"\.(example|sample|template|tmpl|dist)$")


def format_of(path: str) -> str:
    """The format of a configuration file by its name; empty for what is none."""
    name = PurePosixPath(_SOUND.sub("", path))
    if is_env(str(name)):
        return "env"
    return _FORMATS.get(name.suffix.lower(), "text" if name.name in ("authorized_keys", "htpasswd", ".netrc") else "")


# --- what a text holds ------------------------------------------------------------------------------------------------


def scanned(
    data: bytes, format: str, known: Sequence[tuple[str, Secret]], *, deep: bool, effective: bool = True
) -> list[Hit]:
    """The secrets in a file.

    Args:
        data: its content.
        format: of `format_of`.
        known: secrets that exist.
        deep: look for what nobody told us of, too; without it a large file is searched in no time.
        effective: it is in use, so that a placeholder in it is a password, and a weak one.
    """
    from seatrial.scan import scan, scan_pairs

    if not deep:
        forms = [(name, secret, form) for name, secret in known for form in _forms(secret.reveal())]
        there = {name: secret for name, secret, form in forms if form in data}
        if not there:
            return []
        sought = {form for name, _, form in forms if name in there}
        found = _of_several_lines(data, list(there.items()))
        lines = [(n, line) for n, line in enumerate(data.splitlines(), 1) if any(form in line for form in sought)]
        for number, line in lines[:MOST_LINES]:
            hits = scan(line.decode("utf-8", "replace"), format="text", known=list(there.items()))
            found += [replace(hit, line=number) for hit in hits if _is_known(hit)]
        return found
    text = data.decode("utf-8", "replace")
    if format == "unit":
        return scan(_unit(text), format="env", known=known, effective=effective)
    if format == "plist":
        return scan_pairs(_plist(text), known=known)
    found = scan(text, format=format, known=known, effective=effective)
    return found if any(map(_is_known, found)) else found + _of_several_lines(data, known)


def _of_several_lines(data: bytes, known: Sequence[tuple[str, Secret]]) -> list[Hit]:
    """Known secrets that no line holds whole, such as keys, however the file indents them."""
    from seatrial.scan import scan

    several = [(name, secret) for name, secret in known if "\n" in secret.reveal().strip()]
    longest = [max(secret.reveal().splitlines(), key=len).strip().encode() for _, secret in several]
    if not any(line in data for line in longest):
        return []
    text = "\n".join(line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return [hit for hit in scan(text, format="text", known=several) if _is_known(hit)]


def _is_known(hit: Hit) -> bool:
    return hit.kind.startswith("known secret ")


def _forms(value: str) -> set[bytes]:
    # Of several lines, which another file may indent, the longest.
    forms = {
        value,
        max(value.splitlines(), key=len, default=""),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
    }
    found = {form.encode() for form in forms if len(form) >= 4}
    # In base64 a text looks otherwise, by where in it the value begins; what is the same each time is the middle.
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + value.encode())
        middle = coded[-(-lead * 8 // 6) : len(coded) - 4]
        found |= {middle} if len(middle) >= 12 else set()
    return found


def _unit(text: str) -> str:
    """A systemd unit as lines of NAME=value: ``Environment="A=b" C=d`` is two of them."""
    lines = []
    for line in text.splitlines():
        key, _, rest = line.strip().partition("=")
        if key.strip() != "Environment":
            lines.append(line)
            continue
        try:
            lines.append(" ".join(shlex.split(rest)) if rest.count("=") > 1 else (shlex.split(rest) or [""])[0])
        except ValueError:
            lines.append(rest)
    return "\n".join(lines)


def _plist(text: str) -> list[tuple[str, str]]:
    """A launchd property list as names and values."""
    from html import unescape

    found = re.findall(r"<key>([^<]*)</key>\s*<string>([^<]*)</string>", text)
    words = re.findall(r"</?array>|<string>([^<]*)</string>", text)
    return [(unescape(key), unescape(value)) for key, value in found] + [("", unescape(word)) for word in words if word]


# --- files of the profile ---------------------------------------------------------------------------------------------


def holders(session: Session, path: str) -> tuple[str, ...]:
    """Names of the known secrets that are declared to lie in a file: which they are read from, or which may hold them."""
    return tuple(name for name, file in session.once("homes of known secrets", lambda: _homes(session)) if file == path)


def _homes(session: Session) -> list[tuple[str, str]]:
    known = session.profile.secrets.known if session.profile.secrets else {}
    return [
        (name, os.path.realpath(session.base / file)) for name, node in known.items() for file in _files(session, node)
    ]


def _files(session: Session, node: Any) -> Iterator[str]:
    if file := getattr(node.value, "file", ""):
        yield file
    wanted = [*node.files]
    for service in node.held_by:
        environment = getattr(session.profile.services.get(service), "environment", None)
        if environment is not None and environment.file is not None:
            wanted.append(environment.file)
    for each in wanted:
        try:
            yield session.resolve(each)
        except CouldNotLook:
            continue  # what can't be had can't be found, either


def secret_file(session: Session, runtime: Runtime | Missing, subject: Subject) -> Place:
    """One file of the profile: who may read it, what it holds, whether version control keeps it.

    Raises:
        CouldNotLook: it is not there, or can't be looked at.
    """
    from seatrial.looks._secrets_repository import tracked

    path = os.path.realpath(session.base / session.resolve(subject.node))
    session.call("files", "GET")
    try:
        about = os.stat(path)
    except OSError as why:
        raise CouldNotLook(f"{path} can't be looked at: {why.strerror}", right=f"read {path}") from None
    rights = Rights(about.st_mode & 0o7777, about.st_uid, about.st_gid, owners=_owners(runtime, subject.service))
    more: dict[str, Any] = {
        "service": subject.service,
        "rights": rights,
        "holds": holders(session, path),
        "tracked": tracked(session, Path(path)),
    }
    return place("secret file", path, _content(session, path, env=bool(subject.service)), **more)


def _content(session: Session, path: str, *, env: bool) -> list[Hit] | Missing:
    try:
        found = beneath.find("/", path, LARGEST + 1)
    except PermissionError:
        return Missing("it can't be read by this user", f"read {path}")
    except OSError as why:
        return Missing(f"it can't be read: {why.strerror}", f"read {path}")
    if found is None:
        return Missing("it is not a file")
    if found.unread:
        return Missing("it can't be read by this user", f"read {path}")
    if found.size > LARGEST:
        return Missing(f"it is larger than {LARGEST // 1024**2} MiB")
    return scanned(found.data, "env" if env else format_of(path) or "text", session.known, deep=True)


def _owners(runtime: Runtime | Missing, service: str) -> tuple[int, ...]:
    """Root, who runs this, and the users of the service; of every service, where the file is not one service's own."""
    found = {0, os.geteuid()}
    if not isinstance(runtime, Missing):
        groups: list[Any] = []
        for name, containers in runtime.containers.items():
            if service in ("", name) and not isinstance(containers, Missing):
                groups += [container.processes for container in containers]
        for name, seen in runtime.processes.items():
            if service in ("", name) and not isinstance(seen, Missing):
                groups.append(seen.processes)
        found |= {process.uid for group in groups if not isinstance(group, Missing) for process in group}
    return tuple(sorted(found))
