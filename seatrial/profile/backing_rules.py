"""What backups and maintenance say in several keys must fit together, before anything is run by it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from seatrial.profile.problems import Problem, Where, dotted
from seatrial.profile.reading import Mapping, Position, Scalar, Sequence, Tree

__all__ = ["NoService", "rules"]

NoService = Callable[[Position, Where, str], Problem]
"""Tells that a profile has no service of a name."""

_PROCEDURES = ("command", "restore", "verify")
_OF_IMAGES = ("init", "command")
_OF_FILES = ("service", "mode", "owner")
_MODE = frozenset("01234567")


def rules(tree: Tree, services: Collection[str], no_service: NoService) -> Iterator[Problem]:
    """Everything of `backups` and `maintenance` that no single key shows to be wrong."""
    checking = _Checking(tree, services, no_service)
    backups, maintenance = tree.root.get("backups"), tree.root.get("maintenance")
    known = backups if isinstance(backups, Mapping) and not _absent(backups) else {}
    for name, node in known.items():
        if isinstance(node, Mapping):
            yield from checking.backup(node, ("backups", str(name)))
    if isinstance(maintenance, Mapping) and not _absent(maintenance):
        for name, node in maintenance.items():
            if isinstance(node, Mapping):
                yield from checking.maintenance(node, ("maintenance", str(name)), known)


def _absent(node: Mapping) -> bool:
    """Whether it is `{none: reason, …}`."""
    return isinstance(node.get("none"), Scalar)


def _count(node: Any) -> int | None:
    return int(node[:12]) if isinstance(node, Scalar) and node.isascii() and node.isdigit() else None


def _joined(keys: Collection[str], word: str = "and") -> str:
    *first, last = (f"`{key}`" for key in keys)
    return f"{', '.join(first)} {word} {last}" if first else last


def _texts(node: Any) -> Iterator[str]:
    """All text below a node, keys too."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key)
            yield from _texts(value)
    elif isinstance(node, Sequence):
        for value in node:
            yield from _texts(value)


class _Checking:
    """One profile while its backups are checked."""

    def __init__(self, tree: Tree, services: Collection[str], no_service: NoService) -> None:
        self.tree, self.services, self.no_service = tree, services, no_service

    def told(self, node: Any, path: Where, said: str, hint: str = "") -> Problem:
        """A problem where a node begins."""
        return self.tree.problem(node.position, path, f"{dotted(path)} {said}", hint)

    def at(self, node: Mapping, key: str, path: Where, said: str, hint: str = "") -> Problem:
        """A problem where a key of a mapping is written."""
        return self.tree.problem(node.written[key].position, (*path, key), f"{dotted((*path, key))} {said}", hint)

    def backup(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """One entry of `backups`."""
        for key in _PROCEDURES:
            yield from self.procedure(node.get(key), (*path, key))
        yield from self.files(node.get("files"), (*path, "files"))
        yield from self.schedule(node.get("schedule"), (*path, "schedule"))
        yield from self.store(node.get("store"), (*path, "store"))
        drill = node.get("drill")
        if isinstance(drill, Mapping) and not _absent(drill):
            yield from self.drill(node, drill, (*path, "drill"))

    def procedure(self, node: Any, path: Where, *, staged: bool = False) -> Iterator[Problem]:
        """A script, or a program with arguments."""
        if isinstance(node, Sequence) and not node:
            yield self.told(node, path, "is an empty list", "its first entry is the program")
        if isinstance(node, Mapping):
            if staged and "service" in node:
                yield self.at(
                    node, "service", path, "is not of a stage: it is run in the stage itself",
                    "`service` is where a procedure is run on the deployment",
                )  # fmt: skip
            else:
                yield from self.of_service(node, path)

    def of_service(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """A `service` that must be one of the profile."""
        service = node.get("service")
        if isinstance(service, Scalar) and service and service not in self.services:
            yield self.no_service(service.position, (*path, "service"), service)

    def files(self, node: Any, path: Where) -> Iterator[Problem]:
        """What a backup leaves."""
        if not isinstance(node, Mapping):
            return
        yield from self.of_service(node, path)
        for key in _OF_FILES if "bucket" in node else ():
            if key in node:
                yield self.at(node, key, path, "is said of files, and these are objects of a `bucket`")
        mode = node.get("mode")
        if isinstance(mode, Scalar) and mode and not (set(mode) <= _MODE and 3 <= len(mode) <= 4):
            yield self.told(mode, (*path, "mode"), f"is no mode: `{mode}`", 'three or four octal digits: "0600"')
        checksum = node.get("checksum")
        if isinstance(checksum, Scalar) and (checksum.startswith("/") or ".." in checksum.split("/")):
            yield self.told(checksum, (*path, "checksum"), "leads out of the folder of the backups", "`{name}.sha256`")
        keep = node.get("keep")
        if isinstance(keep, Mapping):
            yield from self.keep(keep, (*path, "keep"))
        copies = node.get("copies")
        for number, copy in enumerate(copies if isinstance(copies, Sequence) else ()):
            if isinstance(copy, Mapping):
                yield from self.one_of(copy, (*path, "copies", number), ("path", "bucket"), "a copy is at one place")

    def keep(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """How long they are kept."""
        if not node:
            yield self.told(node, path, "says neither `for` nor `count` nor `at_most`")
        count, most = _count(node.get("count")), _count(node.get("at_most"))
        if count is not None and most is not None and most < count:
            yield self.at(
                node, "at_most", path, f"is {most}, and `count` keeps {count}", "no number of backups fits both"
            )

    def one_of(self, node: Mapping, path: Where, keys: Collection[str], hint: str) -> Iterator[Problem]:
        """Exactly one of some keys."""
        given = [key for key in keys if key in node]
        if len(given) != 1:
            said = f"has {_joined(given)}" if given else f"has none of {_joined(keys)}"
            yield self.told(node, path, said, hint)

    def schedule(self, node: Any, path: Where) -> Iterator[Problem]:
        """When it is made by itself."""
        if not isinstance(node, Mapping) or _absent(node):
            return
        yield from self.of_service(node, path)
        for key in ("success", "failure"):
            if key in node and "log" not in node:
                yield self.at(node, key, path, "is a line of no `log`", "`log` is the file that each run writes to")

    def store(self, node: Any, path: Where) -> Iterator[Problem]:
        """What is saved: one kind, whose calls are calls and whose commands are commands."""
        if not isinstance(node, Mapping):
            return
        kinds = ("redis", "postgres", "sqlite", "files", "bucket", "http", "python", "command")
        yield from self.one_of(node, path, kinds, "what is saved is one of these")
        if isinstance(http := node.get("http"), Mapping):
            yield from self.http(http, (*path, "http"))
        if isinstance(command := node.get("command"), Mapping):
            for key in ("write", "read", "names", "remove"):
                yield from self.procedure(command.get(key), (*path, "command", key))

    def http(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """A service, through calls of its own."""
        sentinel = node.get("sentinel", "seatrial")
        for key in ("write", "read", "remove", "listing"):
            if not isinstance(call := node.get(key), Mapping):
                continue
            hint = "`listing` lists all objects at once" if key == "listing" else "it is one call"
            yield from self.one_of(call, (*path, key), ("get", "post", "put", "delete"), hint)
            if key != "listing" and isinstance(sentinel, str) and not any(sentinel in text for text in _texts(call)):
                hint = f"`{sentinel}` stands for an object's name; another text is said by `sentinel`"
                yield self.told(call, (*path, key), f"says nowhere which object: `{sentinel}` is not in it", hint)
        for key, other in (("listing", "names"), ("names", "listing")):
            if key in node and other not in node:
                yield self.at(node, key, path, f"needs `{other}`", "`names` finds the names in what `listing` answers")

    def drill(self, backup: Mapping, node: Mapping, path: Where) -> Iterator[Problem]:
        """The round trip."""
        source, target = node.get("source"), node.get("target")
        if "restore" not in backup:
            yield self.at(
                backup, "drill", path[:-1], "has nothing to try: `restore` is missing",
                "how it is restored, as it is documented",
            )  # fmt: skip
        stages = [stage for stage in (source, target) if isinstance(stage, Mapping) and "store" in stage]
        if "store" not in backup and len(stages) < 2:
            yield self.at(
                backup, "drill", path[:-1], "can't compare: `store` is missing",
                f"beside `drill`: what {dotted(path[:-1])} saves, and how it is read",
            )  # fmt: skip
        for key, stage in (("source", source), ("target", target)):
            if isinstance(stage, Mapping):
                yield from self.stage(stage, (*path, key))
        yield from self.procedure(node.get("gone"), (*path, "gone"), staged=True)
        if "gone" in node and "source" not in node:
            yield self.at(
                node, "gone", path, "would be run on the deployment: `source` is missing",
                "what makes data unreachable is run in a stage of its own",
            )  # fmt: skip

    def stage(self, node: Mapping, path: Where) -> Iterator[Problem]:
        """A scratch place: a container of an image, or a folder."""
        for key in _OF_IMAGES if "image" not in node else ():
            if key in node:
                yield self.at(
                    node, key, path, "is of a container: `image` is missing", "without it, the stage is a folder"
                )
        start = node.get("start")
        if isinstance(start, Mapping):
            if "image" in node:
                said = "is a stack of the run itself, and `image` makes this stage a container"
                yield self.at(node, "start", path, said, "one of both; what a container starts with is its `command`")
            yield from self.procedure(start.get("command"), (*path, "start", "command"))
        if "command" in node:
            yield from self.procedure(node["command"], (*path, "command"))
        for key in ("prepare", "ready"):
            yield from self.procedure(node.get(key), (*path, key), staged=True)
        files = node.get("files")
        if isinstance(files, Mapping):
            for place in files:
                if ".." in str(place).split("/"):
                    yield self.at(files, str(place), (*path, "files"), "leads out of the stage")
        yield from self.store(node.get("store"), (*path, "store"))

    def maintenance(self, node: Mapping, path: Where, backups: Mapping | dict[str, Any]) -> Iterator[Problem]:
        """One entry of `maintenance`."""
        from seatrial.profile.explaining import nearest

        yield from self.procedure(node.get("command"), (*path, "command"))
        over = node.get("over")
        if not isinstance(over, Scalar) or not over:
            return
        where = (*path, "over")
        backup = backups.get(over)
        if over not in backups:
            known = f"backups: {', '.join(list(backups)[:30])}" if backups else "it declares no backups"
            hint = " ".join(filter(None, (nearest(over, list(backups)), known)))
            yield self.tree.problem(over.position, where, f"{dotted(where)}: this profile has no backup `{over}`", hint)
        elif isinstance(backup, Mapping) and "drill" not in backup:
            hint = f"it is tried in the drill of a backup; declare backups.{over}.drill, or leave `over` out"
            yield self.told(over, where, f"names a backup without a drill: `{over}`", hint)
