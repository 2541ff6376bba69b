"""Found by an engine: containers of a compose project, or by name; what they are, where they listen, what they answer."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.draft import NothingFound
from seatrial.draft.found import Found, Machine, decide, fact
from seatrial.draft.guessing import is_name, name_of, secret_values
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_api import Api

__all__ = ["Group", "find", "info", "listed", "machine", "session_of", "there"]

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
ONE_OFF = "com.docker.compose.oneoff"
FILES = f"{PROJECT}.config_files"
FOLDER = f"{PROJECT}.working_dir"
PARALLEL = 8


class Group:
    """The containers of one service, as the engine lists and inspects them."""

    def __init__(self, name: str, listed: list[dict[str, Any]], *, compose: bool) -> None:
        """Nothing is asked yet."""
        self.name = name
        self.listed = listed
        self.compose = compose
        self.inspected: list[dict[str, Any]] = []
        self.image_environment: dict[str, str] = {}

    @property
    def container_names(self) -> tuple[str, ...]:
        """By the engine's own names."""
        return tuple(_name(one) for one in self.listed)

    @property
    def key(self) -> str:
        """The name in a profile."""
        return self.name if is_name(self.name) else name_of(self.name)

    def labels(self) -> dict[str, str]:
        """Those of its first container."""
        labels: dict[str, str] = self.listed[0].get("Labels") or {}
        return labels


def _name(listed: dict[str, Any]) -> str:
    names: list[str] = [name.lstrip("/") for name in listed.get("Names") or [listed["Id"][:12]]]
    return next((name for name in names if "/" not in name), names[0])


@contextmanager
def session_of(target: str, services: str = "") -> Iterator[Session]:
    """A session of the drivers for a profile that says no more than this."""
    import os

    from seatrial.drivers import Session
    from seatrial.profile.loading import load
    from seatrial.profile.references import References

    with tempfile.TemporaryDirectory(prefix="seatrial-") as folder:
        file = Path(folder) / "draft.yaml"
        file.write_text(f"profile: draft\ntarget: {target}\n{services}", encoding="utf-8")
        loaded = load(str(file))
        references = References(dict(os.environ), Path.cwd())
        yield Session(profile=loaded.profile, base=Path.cwd(), resolve=references.resolve)


def _api(session: Session) -> Api:
    from seatrial.drivers import _docker_endpoint
    from seatrial.drivers._docker_api import Api

    return Api(session, _docker_endpoint.find(session))


def info(session: Session) -> dict[str, Any]:
    """What an engine says of itself."""
    api = _api(session)
    try:
        told: dict[str, Any] = api.get("/info")
        return told
    finally:
        api.close()


def listed(session: Session) -> list[dict[str, Any]]:
    """Every container of an engine."""
    api = _api(session)
    try:
        told: list[dict[str, Any]] = api.get("/containers/json", all=1)
        return told
    finally:
        api.close()


def _labelled(listed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Containers by compose project."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in listed:
        if project := (one.get("Labels") or {}).get(PROJECT):
            found.setdefault(project, []).append(one)
    return found


def there(listed: list[dict[str, Any]]) -> str:
    """What an engine has, for somebody who asked for something else."""
    projects = ", ".join(sorted(_labelled(listed))[:20]) or "none"
    names = sorted(_name(one) for one in listed)
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"compose projects: {projects}; containers: {', '.join(names[:20]) or 'none'}{more}"


def _of_project(listed: list[dict[str, Any]], project: str) -> list[Group]:
    mine = _labelled(listed).get(project)
    if not mine:
        near = difflib.get_close_matches(project, _labelled(listed), 1, 0.5)
        hint = f"; did you mean compose:{near[0]}?" if near else ""
        raise NothingFound(f"the engine has no containers of a compose project {project}{hint}\n{there(listed)}")
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in mine:
        labels = one.get("Labels") or {}
        if labels.get(ONE_OFF, "False").lower() != "true":
            groups.setdefault(labels.get(SERVICE) or _name(one), []).append(one)
    return [Group(name, group, compose=True) for name, group in sorted(groups.items())]


def _of_names(
    listed: list[dict[str, Any]], names: Iterable[str], named: Mapping[str, Iterable[str]] | None
) -> list[Group]:
    by_name = {_name(one): one for one in listed}
    if named:
        found = {name: [by_name[each] for each in each_of if each in by_name] for name, each_of in named.items()}
        return [Group(name, group, compose=False) for name, group in found.items() if group]
    groups: dict[str, list[dict[str, Any]]] = {}
    for name in dict.fromkeys(names):
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, 1, 0.5)
            hint = f"; did you mean container:{near[0]}?" if near else ""
            raise NothingFound(f"the engine has no container {name}{hint}\n{there(listed)}")
        labels = by_name[name].get("Labels") or {}
        groups.setdefault(labels.get(SERVICE) or name, []).append(by_name[name])
    return [Group(name, group, compose=False) for name, group in groups.items()]


def find(
    *,
    project: str = "",
    containers: Iterable[str] = (),
    named: Mapping[str, Iterable[str]] | None = None,
    target: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Found:
    """What an engine has of a compose project, or of containers given by name.

    Args:
        project: name of a compose project.
        containers: names of containers, instead.
        named: names of containers by service, instead.
        target: more of ``target:``, such as ``, host: tcp://…``.
        say: is told what is done.

    Raises:
        NothingFound: the engine has no such thing; says what there is.
        CouldNotLook: the engine can't be asked, with the right that is missing.
    """
    from seatrial.draft.services import describe

    containers = list(containers) or [name for names in (named or {}).values() for name in names]
    with session_of(f"{{driver: docker{target}}}") as session:
        api = _api(session)
        try:
            about = api.get("/info")
            every = sorted(api.get("/containers/json", all=1), key=_name)
            groups = _of_project(every, project) if project else _of_names(every, containers, named)
            say(f"looking at {sum(len(group.listed) for group in groups)} containers of {project or 'the engine'}")
            for group in groups:
                _inspect(api, group)
        finally:
            api.close()
    source = f"compose project {project}" if project else "the engine"
    found = Found(
        name=name_of(project or groups[0].key),
        what=source if project else f"container {', '.join(containers)}",
        command=f"compose:{project}" if project else " ".join(f"container:{name}" for name in containers),
        driver="docker",
        project=fact(project, f"label {PROJECT}") if project else None,
        identity=fact(about["ID"], "the engine's id, GET /info") if about.get("ID") else None,
        machine=machine(about),
    )
    _files(found, groups)
    for group in groups:
        for inspect in group.inspected:
            found.values |= secret_values(_pairs(inspect))
    look = _bootstrap(groups, project)
    with session_of(f"{{driver: docker{target}{look[0]}}}", look[1]) as session:
        from seatrial.drivers import docker

        runtime = docker.observe(session)
        say("asking what answers a stranger, and where health is told")
        with ThreadPoolExecutor(PARALLEL) as pool:
            found.services = list(pool.map(lambda group: describe(session, runtime, group), groups))
        from seatrial.draft.depending import behind_proxies, dependencies

        dependencies(found, runtime, groups)
        behind_proxies(found)
    _common(found)
    return found


def _common(found: Found) -> None:
    """What could be seen of no service at all is told once, at the head."""
    for remark in dict.fromkeys(remark for service in found.services for remark in service.remarks):
        having = [service for service in found.services if remark in service.remarks]
        if len(having) > 1:
            found.missing.append(remark)
            for service in having:
                service.remarks.remove(remark)


def _inspect(api: Api, group: Group) -> None:
    from seatrial.drivers._docker_api import NotThere

    for one in group.listed:
        try:
            group.inspected.append(api.get(f"/containers/{one['Id']}/json"))
        except NotThere:
            continue  # gone meanwhile
    try:
        image = api.get(f"/images/{group.listed[0]['ImageID']}/json")
        group.image_environment = dict(_variables((image.get("Config") or {}).get("Env")))
    except CouldNotLook:
        group.image_environment = {}


def _variables(entries: Iterable[str] | None) -> Iterator[tuple[str, str]]:
    for entry in entries or ():
        name, _, value = entry.partition("=")
        yield name, value


def _pairs(inspect: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values of a container, wherever a secret may be among them."""
    config = inspect["Config"]
    yield from _variables(config.get("Env"))
    yield from (config.get("Labels") or {}).items()
    words = [str(word) for part in ("Entrypoint", "Cmd") for word in config.get(part) or ()]
    for at, word in enumerate(words):
        name, equals, value = word.lstrip("-").partition("=")
        if equals:
            yield name, value
        elif word.startswith("-") and at + 1 < len(words):
            yield name, words[at + 1]
        else:
            yield "", word


def _bootstrap(groups: list[Group], project: str) -> tuple[str, str]:
    """The least of a profile that makes the driver look at these containers."""
    from seatrial.draft.parts import quoted

    lines = []
    for group in groups:
        if group.compose:
            lines.append(f"  {quoted(group.key)}: {{compose_service: {quoted(group.name)}}}")
        else:
            names = ", ".join(quoted(name) for name in group.container_names)
            lines.append(f"  {quoted(group.key)}: {{containers: [{names}]}}")
    target = f", compose_project: {quoted(project)}" if project else ""
    return target, "services:\n" + "\n".join(lines) + "\n"


def machine(info: dict[str, Any]) -> Machine:
    """The hardware, as an engine tells it."""
    from seatrial.drivers._container import platform_of

    return Machine(
        arch=platform_of(info).partition("/")[2],
        cpus=int(info.get("NCPU") or 0),
        memory=int(info.get("MemTotal") or 0),
        data=str(info.get("DockerRootDir") or ""),
    )


def _files(found: Found, groups: list[Group]) -> None:
    """Compose files that the labels name, and the env files beside them and in them."""
    from seatrial.draft import composing

    seen: dict[str, str] = {}
    for group in groups:
        labels = group.labels()
        folder = Path(labels.get(FOLDER) or ".")
        for name in filter(None, labels.get(FILES, "").split(",")):
            if folder.is_absolute() or Path(name).is_absolute():
                seen.setdefault(str(folder / name), f"label {FILES}")
    for name in list(seen):
        for env in composing.env_files(Path(name)):
            seen.setdefault(str(env), f"env file of {Path(name).name}")
    for name, source in seen.items():
        if composing.readable(Path(name)):
            found.files.append(fact(name, source))
        else:
            found.unreadable.append(decide(name, f"{source}; can't be read from here"))
