"""A profile for a run without one: what needs no declaration, and nothing that would be compared with itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import seatrial
from seatrial.draft.found import Found, Probe, Service
from seatrial.draft.parts import Part, lines, quoted, scalar
from seatrial.draft.project import find
from seatrial.draft.writing import clean, sections, sieve_of
from seatrial.words import CouldNotLook

__all__ = ["effective"]

KEPT = ("replicas", "one_shot", "url", "protocol", "port")
"""What tells the suites where to look. An image or a limit, declared as it is found, would only agree with itself."""


def effective(project: str) -> str:
    """The text of a profile for a running compose project.

    Raises:
        NothingFound: the engine has no such project; says what there is.
        CouldNotLook: the engine can't be asked, with the right that is missing.
    """
    found = find(project=project)
    for service in found.services:
        _bare(service)
    found.machine = None
    return _text(found, project)


def _bare(service: Service) -> None:
    service.values = {key: seen for key, seen in service.values.items() if key in KEPT}
    service.resources, service.log_size, service.metrics = {}, None, None
    service.environment, service.paths, service.unsure_paths = (), [], []
    service.depends_on = [each for each in service.depends_on if not each.source.mark]
    service.probes = {
        kind: Probe(probe.path, probe.port, fields=tuple(pair for pair in probe.fields if pair[0] != "version"))
        for kind, probe in service.probes.items()
    }


def _text(found: Found, project: str) -> str:
    sieve = sieve_of(found)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    head = [
        f"# Made by Seatrial {seatrial.__version__} at {now} for a run without a profile: compose:{project}.",
        "# It declares where to look, and sockets as they were found. What a deployment promises, only a profile can say:",
        f"# seatrial draft compose:{project} > {found.name}.yaml",
    ]
    top = [
        Part("profile", scalar(found.name)),
        Part("summary", quoted(f"Compose project {project}, without a profile: what needs no declaration.")),
        Part("environment", "production"),
    ]
    # Folders of a run move; files on the host are named as they are.
    groups = sections(found, Path("/nonexistent/a/b/c"), sieve, pages=True)
    body = [row for indent, group in groups for row in ("", *lines(group, indent))]
    written = "\n".join([*head, *lines(clean(top, sieve)), *body]) + "\n"
    if sieve.holds_known(written):
        raise CouldNotLook("the profile would have held a secret; please report this, without the secret")
    return written
