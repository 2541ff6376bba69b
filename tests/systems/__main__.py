"""`python -m tests.systems`: make the programs and images of the systems, or hold one up to look at it by hand."""

from __future__ import annotations

import argparse
import sys
import time

from tests.lab import Lab, LabError

from . import programs, stack
from .procedures import images as hosts


def main() -> int:
    """Run one verb; 0 when it went well, 1 when it did not, 3 when this machine has not what it takes."""
    parser = argparse.ArgumentParser(prog="python -m tests.systems", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("programs", help="build MinIO for arm64 into the cache (three minutes on two cores, once)")
    verbs.add_parser("hosts", help="make the machines that backup procedures are written for (two minutes, once)")
    verb = verbs.add_parser("up", help="bring a system up until Enter is pressed")
    verb.add_argument("system", choices=sorted(stack.SYSTEMS))
    given = parser.parse_args()
    try:
        if given.verb == "programs":
            if not programs.go_is_enough():
                print("systems: no Go on PATH that is new enough for MinIO", file=sys.stderr)
                return 3
            try:
                print(programs.minio("arm64"))
            except LabError as why:  # its modules can't be fetched, most often
                print(f"systems: {why}", file=sys.stderr)
                return 3
            return 0
        if given.verb == "hosts":
            try:
                print(*hosts.ensure().values(), sep="\n")
            except LabError as why:  # Debian's mirror or PyPI does not answer, most often
                print(f"systems: {why}", file=sys.stderr)
                return 3
            return 0
        began = time.monotonic()
        with Lab() as lab, stack.up(given.system, lab):
            print(f"{given.system} is up after {time.monotonic() - began:.1f} s; Enter takes it down", flush=True)
            sys.stdin.readline()
    except LabError as error:
        print(f"systems: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
