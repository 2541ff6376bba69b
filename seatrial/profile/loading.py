"""From a name or a path to a profile that can be believed: read, extended, checked, and everything wrong told at once."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import seatrial
from seatrial.profile import backing_rules, objective_rules, reading
from seatrial.profile.model import Profile
from seatrial.profile.problems import Problem, ProfileError, Where, dotted, shown
from seatrial.profile.reading import Mapping, Position, Scalar, Tree
from seatrial.profile.references import References

__all__ = ["LONGEST_WAIVER", "Loaded", "Problem", "ProfileError", "References", "load"]

LONGEST_WAIVER = dt.timedelta(days=90)
VERSIONS = ("1",)
_DEEPEST = 8
_MOST_FILES = 32
_LISTED = 30
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A profile, and where each part of it is written."""

    profile: Profile
    file: Path
    sources: tuple[Path, ...]
    """The file itself, then what it extends, in the order in which it was read."""
    sha256: str
    """Of the file; with ``extends``, of the digests of all sources, one a line."""
    tree: Tree

    @property
    def shown(self) -> str:
        """The file, as it is printed."""
        return shown(self.file)

    def where(self, path: Where) -> str:
        """``profiles/x.yaml:12:3`` of a key, or of its nearest ancestor that is written down."""
        key, value, _ = self.tree.find(path)
        return str(key or value)

    def line(self, path: Where) -> str:
        """The source line of a key, or of its nearest ancestor that is written down."""
        key, value, _ = self.tree.find(path)
        return self.tree.line(key or value)


def load(name_or_path: str | os.PathLike[str], *, search: Sequence[Path] = (), today: dt.date | None = None) -> Loaded:
    """The profile of a name (looked up in ``search``, else among those shipped) or of a path. Nothing is contacted.

    Raises:
        ProfileError: with every problem there is.
    """
    folders = tuple(search) or (seatrial.data("profiles"),)
    file = _find(name_or_path, folders)
    gathering = _Gathering(folders)
    tree = gathering.gather(file)
    profile, found = _validate(tree, file, complete=not gathering.incomplete)
    problems = [*gathering.problems, *found]
    # A rule that spans several keys says nothing new about a value that is wrong by itself.
    told = {(problem.file, problem.line, problem.column) for problem in problems}
    rules = () if gathering.incomplete else _rules(tree, today or dt.datetime.now(dt.UTC).date())
    problems += [problem for problem in rules if (problem.file, problem.line, problem.column) not in told]
    if problems or profile is None:
        raise ProfileError(sorted(problems, key=lambda problem: problem.file != file))
    return Loaded(profile, file, tuple(gathering.digests), _digest(gathering.digests), tree)


def _digest(digests: dict[Path, str]) -> str:
    if len(digests) == 1:
        return next(iter(digests.values()))
    return hashlib.sha256("\n".join(digests.values()).encode()).hexdigest()


# --- finding -------------------------------------------------------------------------------------------------------


def _is_name(text: str) -> bool:
    return os.sep not in text and not text.endswith(_SUFFIXES)


def _find(name_or_path: str | os.PathLike[str], folders: Sequence[Path]) -> Path:
    text = os.fspath(name_or_path)
    if not isinstance(name_or_path, str) or not _is_name(text):
        return Path(text)
    if found := _shipped(folders).get(text):
        return found
    hint = _suggestion(text, folders)
    if text and "\0" not in text and os.path.exists(text):
        hint = f"the file of that name in this directory is ./{text}; {hint}"
    raise ProfileError([Problem(Path(text or "''"), 0, 0, (), f"no profile is called `{text}`", hint)])


def _shipped(folders: Sequence[Path]) -> dict[str, Path]:
    return {file.stem: file for folder in reversed(folders) for file in sorted(folder.glob("*.yaml"))}


def _suggestion(name: str, folders: Sequence[Path]) -> str:
    from seatrial.profile.explaining import nearest

    names = sorted(_shipped(folders))
    listed = f"the profiles are {', '.join(names)}; a file is given with its path" if names else "no profile is shipped"
    return f"{near} {listed}" if (near := nearest(name, names)) else listed


# --- extending -----------------------------------------------------------------------------------------------------


class _Gathering:
    """A file and all that it extends, merged."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.digests: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.incomplete = False
        """True when something that is extended could not be had, so that what is missing may be there."""
        self._merged: dict[str, Tree] = {}

    def gather(self, file: Path, chain: tuple[Path, ...] = ()) -> Tree:
        """The tree of a file over those of what it extends; the later of these over the earlier."""
        real = os.path.realpath(file) if "\0" not in str(file) else str(file)
        if real not in self._merged:
            own = reading.read(file)
            self.digests[file] = own.sha256
            self.problems += own.problems
            _check_version(own)
            root, lines = None, dict(own.lines)
            for extended in _extended(own):
                if base := self._base(own, extended, (*chain, file)):
                    root = base.root if root is None else _merge(root, base.root)
                    lines |= base.lines
            self._merged[real] = replace(own, root=own.root if root is None else _merge(root, own.root), lines=lines)
        return self._merged[real]

    def _base(self, own: Tree, extended: Scalar, chain: tuple[Path, ...]) -> Tree | None:
        """What one entry of ``extends`` stands for; None when a problem is told instead."""
        try:
            file, wrong, hint = self._locate(own, extended, chain)
            if not wrong:
                return self.gather(file, chain)
        except ProfileError as error:
            first = error.problems[0]
            if (first.line, first.column, first.source_line) != (1, 1, "") or len(error.problems) > 1:
                self.problems += error.problems
                self.incomplete = True
                return None
            # It was not even a file: the place to mend is here.
            wrong, hint = f"{shown(first.file)}: {first.message}", first.hint
        self.problems.append(own.problem(extended.position, ("extends",), f"extends: {wrong}", hint))
        self.incomplete = True
        return None

    def _locate(self, own: Tree, extended: Scalar, chain: tuple[Path, ...]) -> tuple[Path, str, str]:
        """The file that is meant, or what is wrong with it and a hint."""
        file = own.file.parent / extended
        if _is_name(extended):
            if not (shipped := _shipped(self.folders).get(str(extended))):
                return file, f"no profile is called `{extended}`", _suggestion(extended, self.folders)
            file = shipped
        elif "\0" in extended:
            return file, "not a path", ""
        for at, link in enumerate(chain):
            if os.path.realpath(link) == os.path.realpath(file):
                return file, f"a circle: {' → '.join(shown(link) for link in (*chain[at:], file))}", ""
        if len(chain) >= _DEEPEST:
            return file, f"a chain of more than {_DEEPEST} files", ""
        if len(self.digests) >= _MOST_FILES:
            return file, f"more than {_MOST_FILES} files", ""
        return file, "", ""


def _check_version(tree: Tree) -> None:
    """A file of another version is not judged by this grammar."""
    version = tree.root.get("version")
    if isinstance(version, Scalar) and version not in VERSIONS and not version.broken:
        message = f"version {version} of the grammar of profiles is unknown"
        hint = f"this Seatrial reads version {', '.join(VERSIONS)}"
        raise ProfileError([tree.problem(version.position, ("version",), message, hint)])


def _extended(tree: Tree) -> list[Scalar]:
    given = tree.root.get("extends")
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, Scalar) and one]


def _merge(base: Any, over: Any) -> Any:
    """Mappings key by key; anything else is replaced. Neither side is changed."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping) or _form(base) != _form(over):
        return over
    if _form(over) == "reference":
        return over
    merged = Mapping(over.position)
    merged.update(base)
    merged.written |= base.written
    for key, value in over.items():
        merged.pop(key, None)
        merged[key] = _merge(base[key], value) if key in base else value
    merged.written |= over.written
    return merged


def _form(node: Mapping) -> str:
    """Which form of a key a mapping is: two forms are not merged into one that is neither."""
    if isinstance(node.get("none"), Scalar):
        return "none"
    if len(node) == 1 and any(isinstance(node.get(key), Scalar) for key in ("env", "file")):
        return "reference"
    return ""


# --- checking ------------------------------------------------------------------------------------------------------


def _validate(tree: Tree, file: Path, *, complete: bool) -> tuple[Profile | None, list[Problem]]:
    from pydantic import ValidationError

    context: dict[str, Any] = {"folder": str(file.parent), "files": []}
    profile, problems = None, []
    try:
        profile = Profile.model_validate(tree.root, context=context)
    except ValidationError as wrong:
        from seatrial.profile.explaining import explain

        errors = [error for error in wrong.errors(include_url=False) if complete or error["type"] != "missing"]
        problems = list(explain(tree, errors))
    problems += [problem for path in context["files"] if isinstance(path, Scalar) for problem in _file(tree, path)]
    return profile, problems


def _file(tree: Tree, path: Scalar) -> Iterator[Problem]:
    """What is wrong with a file that a profile names."""
    if not path:
        return
    file = path.position.file.parent / path
    try:
        if file.is_file():
            return
        message = "is not a file" if file.exists() else "does not exist"
    except (OSError, ValueError):
        message = "is not a path"
    yield tree.problem(path.position, (), f"the file `{path}` {message}", f"looked for {shown(file)}")


def _rules(tree: Tree, today: dt.date) -> Iterator[Problem]:
    """What spans several keys. It is read off the tree, so that it is told also when other parts are wrong."""
    services = tree.root.get("services")
    names = dict.fromkeys(services) if isinstance(services, Mapping) else {}
    for name, service in services.items() if isinstance(services, Mapping) else ():
        depends_on = service.get("depends_on") if isinstance(service, Mapping) else None
        for other in depends_on.written.values() if isinstance(depends_on, Mapping) else ():
            path = ("services", str(name), "depends_on", str(other))
            if other not in names:
                yield _no_service(tree, other.position, path, other, names)
            elif other == name:
                yield tree.problem(other.position, path, f"{dotted(path[:-1])}: `{other}` depends on itself")
        yield from _schemas(tree, service, ("services", str(name)))
        yield from _calls(tree, service, ("services", str(name)))
    for section in ("backups", "slos"):
        entries = tree.root.get(section)
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            service = entry.get("service") if isinstance(entry, Mapping) else None
            if isinstance(service, Scalar) and service and service not in names:
                yield _no_service(tree, service.position, (section, str(name), "service"), service, names)
    hardware = tree.root.get("hardware")
    disk = hardware.get("disk") if isinstance(hardware, Mapping) else None
    for entry in disk if isinstance(disk, reading.Sequence) else (disk,):
        service = entry.get("service") if isinstance(entry, Mapping) else None
        if isinstance(service, Scalar) and service and service not in names:
            yield _no_service(tree, service.position, ("hardware", "disk", "service"), service, names)
    yield from _agreements(tree, names)
    for rules in (backing_rules.rules, objective_rules.rules):
        yield from rules(tree, names, lambda position, path, name: _no_service(tree, position, path, name, names))
    yield from _waivers(tree, today)


def _agreements(tree: Tree, names: Collection[str]) -> Iterator[Problem]:
    """Values that several places state: two places at least, each in exactly one form, of services that there are."""
    same = tree.root.get("same")
    for name, places in same.items() if isinstance(same, Mapping) else ():
        path: Where = ("same", str(name))
        if isinstance(places, reading.Sequence) and len(places) < 2:
            yield tree.problem(places.position, path, f"{dotted(path)} names {len(places)} place: nothing could differ")
        for index, place in enumerate(places) if isinstance(places, reading.Sequence) else ():
            if isinstance(place, Mapping):
                yield from _place(tree, place, (*path, index), names)


def _place(tree: Tree, place: Mapping, path: Where, names: Collection[str]) -> Iterator[Problem]:
    forms = [key for key in ("environment", "reports", "file") if key in place]
    if len(forms) != 1:
        said = f"both `{forms[0]}` and `{forms[1]}`" if forms else "none of `environment`, `reports` and `file`"
        yield tree.problem(place.position, path, f"{dotted(path)} has {said}", "a place states a value in one way")
    service = place.get("service")
    if isinstance(service, Scalar) and service and service not in names:
        yield _no_service(tree, service.position, (*path, "service"), service, names)
    if service is None and (forms[:1] in (["environment"], ["reports"]) or place.get("inside") == "true"):
        yield tree.problem(place.position, path, f"{dotted(path)} says not whose: `service` is missing")


def _no_service(tree: Tree, position: Position, path: Where, name: str, names: Collection[str]) -> Problem:
    from seatrial.profile.explaining import nearest

    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    known = f"services: {', '.join(list(names)[:_LISTED])}{more}" if names else "it declares no services"
    return tree.problem(
        position,
        path,
        f"{dotted(path)}: this profile has no service `{name}`",
        " ".join(filter(None, (nearest(name, list(names)), known))),
    )


def _schemas(tree: Tree, node: Any, path: Where) -> Iterator[Problem]:
    """Files that must hold a JSON Schema, wherever an expectation names one."""
    for key, value in node.items() if isinstance(node, Mapping) else ():
        if key == "json_schema_file" and isinstance(value, Scalar) and "\0" not in value:
            file = value.position.file.parent / value
            if file.is_file() and (wrong := _schema_problem(file)):
                yield tree.problem(value.position, (*path, str(key)), f"the file `{value}` {wrong}")
        elif key not in ("json_schema", "body", "match", "values"):
            yield from _schemas(tree, value, (*path, str(key)))


def _schema_problem(file: Path) -> str:
    import json

    from seatrial.profile.scalars import json_schema_problem

    try:
        if file.stat().st_size > reading.LARGEST:
            return "is larger than 1 MB"
        wrong = json_schema_problem(json.loads(file.read_bytes()))
    except OSError as failure:
        return f"cannot be read: {failure.strerror}"
    except (ValueError, RecursionError):
        return "is not JSON"
    return f"{wrong[1]}{f' (at {dotted(wrong[0])})' if wrong[0] else ''}" if wrong else ""


def _calls(tree: Tree, service: Any, path: Where) -> Iterator[Problem]:
    """A canary is one call, and so is the one that reads back what it wrote."""
    canary, path = service.get("canary") if isinstance(service, Mapping) else None, (*path, "canary")
    while isinstance(canary, Mapping):
        methods = [key for key in ("get", "post", "put") if key in canary]
        if len(methods) != 1:
            said = f"both `{methods[0]}` and `{methods[1]}`" if methods else "none of `get`, `post` and `put`"
            yield tree.problem(canary.position, path, f"{dotted(path)} has {said}", "a canary is one call")
        canary, path = canary.get("read_back"), (*path, "read_back")


def _waivers(tree: Tree, today: dt.date) -> Iterator[Problem]:
    waivers = tree.root.get("waivers")
    if not isinstance(waivers, reading.Sequence):
        return
    latest = today + LONGEST_WAIVER
    for index, waiver in enumerate(waivers):
        expires = waiver.get("expires") if isinstance(waiver, Mapping) else None
        try:
            day = dt.date.fromisoformat(expires) if isinstance(expires, Scalar) else today
        except ValueError:
            continue
        if day > latest and expires is not None:
            path = ("waivers", index, "expires")
            message = f"{dotted(path)}: {day} is {(day - today).days} days ahead: a waiver holds for {LONGEST_WAIVER.days} days at most"
            yield tree.problem(expires.position, path, message, f"{latest} or earlier")
    ceiling = tree.root.get("max_waivers", "10")
    if isinstance(ceiling, str) and ceiling.isascii() and ceiling.isdigit() and len(waivers) > int(ceiling[:9]):
        extra = waivers[int(ceiling[:9])]
        said = f"{len(waivers)} waivers, and this profile may have {ceiling}"
        yield tree.problem(
            extra.position, ("waivers", int(ceiling[:9])), said, "fix what they cover, or raise `max_waivers`"
        )
