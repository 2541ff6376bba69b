"""What appeared since a profile was written, put into it; what is gone is told, and nothing is ever taken out."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.draft import NothingFound
from seatrial.draft.depending import PASSING
from seatrial.draft.inserting import Text
from seatrial.draft.parts import Part, scalar
from seatrial.draft.writing import sections, sieve_of
from seatrial.facts.socket import Address, Published
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.draft.found import Found, Service
    from seatrial.profile.loading import Loaded

__all__ = ["update"]

WHOLE = frozenset({"liveness", "readiness", "startup", "health", "metrics"})
"""Sections that are a person's as soon as they are there: nothing is added inside."""
COMPARED = ("image", "platform", "version", "replicas", "restart", "grace_period", "protocol", "port")
SOCKETS = ("published", "listening", "anonymous")


@dataclass(frozen=True, slots=True)
class _New:
    """One part that the profile lacks."""

    path: tuple[str, ...]
    part: Part


def update(
    file: Path,
    sources: Sequence[str],
    *,
    refresh_identity: bool = False,
    say: Callable[[str], None] = lambda _: None,
    today: dt.date | None = None,
) -> tuple[str | None, list[str]]:
    """The profile with what appeared since, and what a person should hear.

    Args:
        file: the profile.
        sources: where to look; where the profile itself says when empty.
        refresh_identity: pin the target that is there now.
        say: is told what is done.
        today: for the comments.

    Returns:
        The new text, None when nothing appeared; and lines to tell.

    Raises:
        NothingFound: no sound profile, or not the target that it pins.
        CouldNotLook: the target could not be asked.
    """
    loaded = _load(file)
    found = _find(loaded, sources, say)
    _rename(found, loaded)
    for service in found.services:  # what may be gone at the next look is no news
        service.depends_on = [each for each in service.depends_on if not each.source.source.startswith(PASSING)]
    text = file.read_bytes().decode("utf-8")
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    writing = Text(text.removeprefix(bom))
    told = []
    pinned = loaded.profile.target.identity
    now = found.identity.value if found.identity else ""
    if pinned and now and pinned != now:
        if not refresh_identity:
            raise NothingFound(
                f"this is not the target the profile pins: it is {now}, pinned is {pinned}; nothing was changed. "
                "When the deployment has moved: --refresh-identity"
            )
        if writing.node(("target", "identity")) is None:
            raise NothingFound(f"the identity is pinned in a profile that {file} extends: refresh it there")
        writing.replace(("target", "identity"), scalar(now))
        told.append(f"target.identity is now {now}, was {pinned}")
    changed = bool(told)
    stamp = f"new {today or dt.datetime.now(dt.UTC).date()}"
    for new in _news(found, loaded, file):
        word = new.part.key or new.part.value.strip('"')
        if writing.declined(new.path, new.part):
            continue
        base = loaded.tree.find(new.path)[2] if new.path else loaded.tree.root
        if not new.part.key and base is not None and writing.node(new.path) is None:
            told.append(
                f"{'.'.join(new.path)}: {word} is new; the list is in a file that this one extends, add it there"
            )
            continue
        writing.add(new.path, _stamped(new.part, stamp), apart=new.path in (("services",), ()))
        told.append(
            f"added {'.'.join((*new.path, new.part.key)) if new.part.key else f'{word} to ' + '.'.join(new.path)}"
        )
        changed = True
    told += list(_gone(found, loaded)) + list(_differs(found, loaded))
    if not changed:
        return None, told
    result = bom + writing.result()
    _check(result, loaded, file)
    return result, told


def _load(file: Path) -> Loaded:
    from seatrial.profile.loading import ProfileError, load

    try:
        return load(file)
    except ProfileError as bad:
        raise NothingFound(f"{file} is no sound profile, so that nothing was added:\n{bad}") from None


# --- where to look ----------------------------------------------------------------------------------------------------


def _find(loaded: Loaded, sources: Sequence[str], say: Callable[[str], None]) -> Found:
    from seatrial.draft import project
    from seatrial.draft.source import find

    if sources:
        return find(sources, say=say)
    target, services = loaded.profile.target, loaded.profile.services
    if target.driver == "docker":
        more = _engine(loaded)
        if target.compose_project:
            return project.find(project=target.compose_project, target=more, say=say)
        named = {name: list(service.containers) for name, service in services.items() if service.containers}
        if named:
            return project.find(named=named, target=more, say=say)
    if target.driver == "http":
        url = next((service.url for service in services.values() if isinstance(service.url, str)), None)
        if url:
            return find([url], say=say)
    raise NothingFound(
        "this profile does not say where to look: name the source too, `seatrial draft --update FILE SOURCE`"
    )


def _engine(loaded: Loaded) -> str:
    """The rest of ``target:`` by which its engine is reached."""
    from seatrial.draft.parts import quoted
    from seatrial.profile.references import References

    target = loaded.profile.target
    more = ""
    if target.host is not None:
        more += f", host: {quoted(References(dict(os.environ), loaded.file.parent).resolve(target.host))}"
    if target.context:
        more += f", context: {quoted(target.context)}"
    if target.tls:
        files = {key: getattr(target.tls, key) for key in ("ca", "cert", "key") if getattr(target.tls, key)}
        inside = [f"{key}: {quoted(os.path.abspath(loaded.file.parent / path))}" for key, path in files.items()]
        inside += [f"server_name: {quoted(target.tls.server_name)}"] if target.tls.server_name else []
        more += f", tls: {{{', '.join(inside)}}}"
    return more


def _rename(found: Found, loaded: Loaded) -> None:
    """Call services as the profile calls them."""
    names: dict[str, str] = {}
    for service in found.services:
        wanted = service.compose_service or service.name
        for name, declared in loaded.profile.services.items():
            same = declared.compose_service == wanted or (declared.compose_service is None and name == wanted)
            if same or set(declared.containers or ()) & set(service.container_names):
                names[service.name] = name
                break
        else:
            continue
        service.name, service.container_names, service.compose_service = names[service.name], (), ""
    for service in found.services:
        service.depends_on = [replace(each, name=names.get(each.name, each.name)) for each in service.depends_on]


# --- what is new ------------------------------------------------------------------------------------------------------


def _news(found: Found, loaded: Loaded, file: Path) -> Iterator[_New]:
    groups = sections(found, Path(os.path.abspath(file.parent)), sieve_of(found))
    tree = loaded.tree.root
    external = {name for name, service in loaded.profile.services.items() if service.external}
    for indent, parts in groups:
        for part in parts:
            if indent:
                yield from _of_services((part,), tree, external)
            elif part.key == "services":
                yield from _of_services(part.parts, tree, external)
            else:
                yield from _missing(part, tree, ())


def _of_services(parts: tuple[Part, ...], tree: Any, external: set[str]) -> Iterator[_New]:
    declared = tree.get("services") or {}
    for part in parts:
        name = part.key.strip('"')
        if name in external:
            continue
        if name not in declared:
            yield _New(("services",), part)
            continue
        paths = {str(probe.get("path")) for kind in WHOLE if isinstance(probe := declared[name].get(kind), dict)}
        for each in part.parts:
            inner = {inside.key: inside.value for inside in each.parts}
            if each.key in WHOLE and inner.get("path") in paths:
                continue  # a person has called the same path another kind of probe
            yield from _missing(each, declared[name], ("services", name))


def _missing(part: Part, tree: Any, path: tuple[str, ...]) -> Iterator[_New]:
    """What a part has and the profile's tree has not."""
    if part.off or part.key == "#":
        return
    if part.key not in tree:
        yield _New(path, part)
        return
    here, path = tree[part.key], (*path, part.key)
    if part.key in WHOLE:
        return
    entries = _entries(part)
    if isinstance(here, list):
        for entry in entries:
            if not entry.key and not entry.off and not any(_same(path, entry.value, one) for one in here):
                yield _New(path, entry)
    elif isinstance(here, dict) and not {"env", "file", "none"} & set(here) - {"file"}:
        for entry in entries:
            if entry.key:
                yield from _missing(entry, here, path)


def _entries(part: Part) -> list[Part]:
    """The parts of a part, also where they are written on one line."""
    if part.parts:
        return list(part.parts)
    if not part.value.startswith(("{", "[")):
        return []
    import yaml

    value = yaml.load(part.value, Loader=yaml.BaseLoader)
    if isinstance(value, dict):
        return [Part(key, scalar(text), note=part.note) for key, text in value.items() if isinstance(text, str)]
    return [Part("", scalar(text), note=part.note) for text in value if isinstance(text, str)]


def _plain(value: str) -> str:
    import yaml

    return str(yaml.load(value, Loader=yaml.BaseLoader)) if value[:1] in "\"'" else value


def _same(path: tuple[str, ...], new: str, old: Any) -> bool:
    """Whether an item of a list is there already; where the old one is a reference nobody can tell, so that nothing is added."""
    if not isinstance(old, str):
        return True
    text = _plain(new)
    if text == old:
        return True
    if path[-1] in SOCKETS:
        one, other = Address.parse(old), Address.parse(text)
        if one.address and other.address:
            return one.allows(Published(other.address, other.port, 0, other.protocol))
        return one.same_port(other)
    if path == ("secrets", "files"):
        folder = old.folder if hasattr(old, "folder") else "."
        return os.path.realpath(os.path.join(folder, old)) == os.path.realpath(os.path.join(folder, text))
    return False


def _stamped(part: Part, stamp: str) -> Part:
    """A part with the day it was added."""
    return replace(
        part,
        note=f"{stamp} # {part.note}"
        if part.note.startswith(("guess", "decide"))
        else f"{stamp}: {part.note}"
        if part.note
        else stamp,
    )


# --- what is gone, and what differs -----------------------------------------------------------------------------------


def _gone(found: Found, loaded: Loaded) -> Iterator[str]:
    """What is declared and was not found."""
    services = {service.name: service for service in found.services}
    for name, declared in loaded.profile.services.items():
        if declared.external or declared.process:
            continue
        if name not in services:
            yield f"{loaded.where(('services', name))}: service {name} is declared, and nothing of it was found"
            continue
        seen = services[name]
        for path, old, new in _lists(declared, seen):
            for at, entry in enumerate(old):
                if isinstance(entry, str) and not any(_same(path, scalar(one), entry) for one in new):
                    where = loaded.where(("services", name, *path, at))
                    yield f"{where}: {entry} is declared in {name}.{'.'.join(path)}, and was not found"


def _lists(declared: Any, seen: Service) -> Iterator[tuple[tuple[str, ...], list[Any], list[str]]]:
    if declared.exposure:
        yield ("exposure", "published"), declared.exposure.published, [one.value for one in seen.published]
        if seen.listening is not None:
            yield ("exposure", "listening"), declared.exposure.listening or [], [one.value for one in seen.listening]
    if declared.environment and seen.environment_source:
        yield ("environment", "required"), declared.environment.required, list(seen.environment)


def _differs(found: Found, loaded: Loaded) -> Iterator[str]:
    """What is declared in other words than it is now; a run says whether that is a breach."""
    for service in found.services:
        tree = (loaded.tree.root.get("services") or {}).get(service.name)
        for key in COMPARED:
            seen, said = service.values.get(key), (tree or {}).get(key)
            if seen is None or not isinstance(said, str) or said == seen.value or _names(key, said, seen.value):
                continue
            yield f"{loaded.where(('services', service.name, key))}: {service.name}.{key} is {seen.value}, declared is {said}"


def _names(key: str, said: str, seen: str) -> bool:
    return key == "image" and "@" not in said and said == seen.partition("@")[0]


# --- making sure ------------------------------------------------------------------------------------------------------


def _check(result: str, loaded: Loaded, file: Path) -> None:
    """Nothing that was there may be another now, and the whole must load.

    Raises:
        CouldNotLook: it does not, which is trouble of ours; the file is as it was.
    """
    import yaml

    from seatrial.draft.cli import loads

    loads(result, Path(os.path.abspath(file.parent)))
    before = yaml.load(file.read_bytes(), Loader=yaml.BaseLoader)
    lost = list(_lost(before, yaml.load(result, Loader=yaml.BaseLoader), ()))
    if [path for path in lost if path != ("target", "identity")]:
        raise CouldNotLook(
            f"{'.'.join(map(str, lost[0]))} would have changed, which is a fault of Seatrial's; {loaded.shown} is as it was"
        )


def _lost(old: Any, new: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in old.items():
            yield from _lost(value, new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        if new[: len(old)] != old:
            yield path
    elif old != new:
        yield path
