"""`python -m seatrial.demo [--defect NAME]`, and the stack's own parts: `api`, `backup`, `restore`, `verify`, `stop`, `start`."""

from __future__ import annotations

import sys


def main(argv: list[str]) -> int:
    """Run the part that the first word names; without one, the supervisor. Each part imports only what it needs."""
    part = argv[0] if argv else ""
    if part == "api":
        from seatrial.demo import api

        return api.main()
    if part in ("backup", "restore", "verify"):
        from seatrial.demo import backup

        return backup.main(part, argv[1:])
    if part in ("stop", "start"):
        from seatrial.demo import control

        return control.main(part, argv[1:])
    from seatrial.demo import supervisor

    return supervisor.main(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
