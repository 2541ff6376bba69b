"""Which source was named: a compose project, containers, a URL, or a compose file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.draft import NothingFound
from seatrial.draft.found import guess
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.draft.found import Found

__all__ = ["COMPOSE", "find"]

COMPOSE = "compose:"
CONTAINER = "container:"
FORMS = "compose:PROJECT, container:NAME, a compose file, or a URL"
DEFAULT_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")


def find(sources: Sequence[str], *, say: Callable[[str], None] = lambda _: None) -> Found:
    """What there is of what was named.

    Raises:
        NothingFound: nothing, or what was named is of no known form.
        CouldNotLook: it could not be asked.
    """
    from seatrial.draft import project

    containers = [text.removeprefix(CONTAINER) for text in sources if text.startswith(CONTAINER)]
    if containers and len(containers) == len(sources) and all(containers):
        return project.find(containers=containers, say=say)
    if len(sources) != 1:
        raise NothingFound(f"{' '.join(sources)}: one source, or several container:NAME; a source is {FORMS}")
    (text,) = sources
    if text.startswith(COMPOSE) and text != COMPOSE:
        return project.find(project=text.removeprefix(COMPOSE), say=say)
    if text.startswith(("http://", "https://")):
        from seatrial.draft import site

        return site.find(text, say=say)
    path = Path(text)
    if path.is_dir():
        path = next((path / name for name in DEFAULT_FILES if (path / name).is_file()), path / DEFAULT_FILES[0])
    if path.is_file() or os.sep in text or text.endswith((".yml", ".yaml")):
        return _of_file(path)
    raise NothingFound(f"`{text}` is no source: {FORMS}\n{_there()}")


def _there() -> str:
    """What could have been meant, when the engine says so quickly."""
    from seatrial.draft import project

    try:
        with project.session_of("{driver: docker}") as session:
            session.timeout = 3.0
            return project.there(project.listed(session))
    except CouldNotLook as why:
        return f"what the engine has could not be asked: {why.reason}"


def _of_file(path: Path) -> Found:
    """A compose file; the engine that is here is only asked who it is."""
    from seatrial.draft import composing, project

    found = composing.find(path)
    try:
        with project.session_of("{driver: docker}") as session:
            session.timeout = 3.0
            info = project.info(session)
    except CouldNotLook as why:
        found.missing.append(f"the engine that runs this, to pin it: {why.reason}")
        return found
    found.identity = guess(info["ID"], "the engine that is here: is it the right one?") if info.get("ID") else None
    found.machine = project.machine(info)
    return found
