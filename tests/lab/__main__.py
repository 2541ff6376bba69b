"""`python -m tests.lab`: make the images, start and stop the harbor stack by hand, see what is there."""

from __future__ import annotations

import argparse
import sys
import time

from . import arm64, available, compose, images
from .engine import LABEL, Engine, EngineError
from .harbor import stack as harbor
from .images import LabError
from .stacks import KINDS, Lab, projects, sweep, tear_down


def main(argv: list[str] | None = None) -> int:
    """Run one verb; 0 when it went well, 1 when it did not, 2 for usage, 3 when this machine has not what it takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("images", help="make the images that are missing (the base is cached)")
    verb.add_argument("--rebuild", action="store_true", help="build them again, from the cached base")
    verb = verbs.add_parser("compose2", help="build compose 2 into the cache, if Go is new enough")
    verbs.add_parser("arm64", help="let this kernel run programs of arm64 in qemu, and make the service for it")
    verb = verbs.add_parser("compose-file", help="write harbor/compose.yaml from its description")
    verb.add_argument("--check", action="store_true", help="only say whether it is current")
    verb = verbs.add_parser("up", help="start harbor and leave it running")
    verb.add_argument("--kind", choices=KINDS, default="plain", help="how (default: plain containers)")
    verb.add_argument("--project", default="harbor", help="its name (default: harbor)")
    verb = verbs.add_parser("down", help="remove a project's containers, networks and volumes")
    verb.add_argument("--project", default="harbor", help="its name (default: harbor)")
    verb.add_argument("--all", action="store_true", help="every project of the lab, those of running tests too")
    verb.add_argument("--orphans", action="store_true", help="only projects whose maker has died")
    verbs.add_parser("status", help="what the lab has on this engine")
    args = parser.parse_args(argv)
    try:
        return VERBS[args.verb](args)
    except (LabError, EngineError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _images(args: argparse.Namespace) -> int:
    began = time.monotonic()
    for name, pinned in images.ensure(rebuild=args.rebuild).items():
        print(f"{name:9} {pinned}")
    print(f"images ready in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 0


def _compose2(args: argparse.Namespace) -> int:
    if not compose.built().exists() and not compose.go_is_enough():
        print("lab: no Go on PATH that is new enough for compose 2", file=sys.stderr)
        return 3
    print(compose.build())
    return 0


def _arm64(args: argparse.Namespace) -> int:
    if reason := available.missing("arm64"):
        print(f"lab: {reason}", file=sys.stderr)
        return 3
    print(arm64.service(Engine()))
    return 0


def _compose_file(args: argparse.Namespace) -> int:
    text = harbor.compose_text()
    if args.check:
        current = harbor.COMPOSE_FILE.exists() and harbor.COMPOSE_FILE.read_text(encoding="utf-8") == text
        print("current" if current else "stale: run `python -m tests.lab compose-file`")
        return 0 if current else 1
    harbor.COMPOSE_FILE.write_text(text, encoding="utf-8")
    print(harbor.COMPOSE_FILE)
    return 0


def _up(args: argparse.Namespace) -> int:
    began = time.monotonic()
    stack = Lab(keep=True).up(args.kind, args.project)
    print(f"{stack.project} is up in {time.monotonic() - began:.1f} s: {stack.url}")
    for service, containers in stack.containers.items():
        print(f"  {service:9} " + " ".join(container.name for container in containers))
    print(f"  password in {stack.secret_file}")
    return 0


def _down(args: argparse.Namespace) -> int:
    engine = Engine()
    if args.orphans:
        gone = sweep(engine)
    else:
        known = projects(engine)
        gone = sorted(known) if args.all else [p for p in known if p == args.project]
        for project in gone:
            tear_down(engine, project)
    print("removed: " + (", ".join(gone) or "nothing"))
    return 0


def _status(args: argparse.Namespace) -> int:
    engine = Engine()
    for name in images.NAMES:
        print(f"image    {name:9} " + ("ready" if engine.image(images.tag_of(name)) else "missing"))
    for kind in ("compose1", "compose2"):
        print(f"compose  {kind:9} " + (" ".join(compose.find(kind) or ()) or "missing"))
    for project, owner in projects(engine).items():
        print(f"project  {project} (made by {owner or 'hand'})")
        listed = engine.call("GET", "/containers/json", all=True, filters={"label": [f"{harbor.PROJECT}={project}"]})
        for entry in listed:
            print(f"           {entry['Names'][0].lstrip('/'):28} {entry['Status']}")
    print(f"label    {LABEL}")
    return 0


VERBS = {
    "images": _images,
    "compose2": _compose2,
    "arm64": _arm64,
    "compose-file": _compose_file,
    "up": _up,
    "down": _down,
    "status": _status,
}


if __name__ == "__main__":
    sys.exit(main())
