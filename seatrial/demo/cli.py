"""`seatrial demo`: the demo deployment by hand, whole or with a defect, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from seatrial.demo import defects
from seatrial.demo.launch import Launched, NotLaunched


class _Parser(argparse.ArgumentParser):
    """Bad usage is 4, as behind every other door."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def _list() -> None:
    width = max(map(len, defects.DEFECTS))
    area = ""
    for one in sorted(defects.DEFECTS.values(), key=lambda one: (one.area, one.name)):
        if one.area != area:
            area = one.area
            print(f"{area}:")
        red = f"  [{', '.join(one.turns_red)}]" if one.turns_red else ""
        red += f"  [drill: {', '.join(one.drilled)}]" if one.drilled else ""
        red += f"  [load: {', '.join(one.loaded)}]" if one.loaded else ""
        print(f"  {one.name:<{width}}  {one.summary}{red}")
    print("\nseatrial demo --defect NAME starts the demo deployment with one of them.")


def _tell(demo: Launched, defect: str) -> None:
    names = demo.names
    wrong = f", with the defect {defect}: {defects.DEFECTS[defect].summary}" if defect else ""
    audit = f"SEATRIAL_DEMO_ATTACH={names['DEMO_DATA_DIR']} seatrial audit demo"
    print(
        f"The demo deployment runs{wrong}.\n\n"
        f"  api        {names['DEMO_API_URL']}  (pid {names['DEMO_API_PID']})\n"
        f"  health     {names['DEMO_API_URL']}/health\n"
        f"  redis      {names['DEMO_REDIS_ADDRESS']}  (pid {names['DEMO_REDIS_PID']})\n"
        f"  data       {names['DEMO_DATA_DIR']}\n"
        f"  env file   {names['DEMO_ENV_FILE']}\n\n"
        f"Audit it, in another terminal:\n\n  {audit}\n\n"
        "Ctrl-C stops it.",
        flush=True,
    )


def run(argv: list[str]) -> int:
    """Start the demo deployment, say what runs and how to audit it, and wait until Ctrl-C or its end."""
    parser = _Parser(prog="seatrial demo", description="Start the demo deployment; Ctrl-C stops it.")
    parser.add_argument("--defect", metavar="NAME", default="", help="start it with this defect; `list` shows them")
    parser.add_argument("--keep", action="store_true", help="keep its data directory when it stops")
    options = parser.parse_args(argv)
    if options.defect == "list":
        _list()
        return 0
    if options.defect and options.defect not in defects.DEFECTS:
        print(f"seatrial demo: {defects.unknown(options.defect)}", file=sys.stderr)
        return 4
    demo = None
    try:
        demo = Launched(options.defect, keep=options.keep)
        with demo:
            _tell(demo, options.defect)
            return demo.wait()
    except NotLaunched as error:
        return error.status
    except KeyboardInterrupt:
        # The block has ended, and with it the stack.
        kept = f" Its data is in {demo.names['DEMO_DATA_DIR']}" if options.keep and demo and demo.names else ""
        print(f"\nStopped.{kept}")
    return 0
