"""`python -m tests.systems.standins.apis NAME…`: stand-ins until standard input ends; one line each says where."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import threading

from .keeping import DEFECTS, Api, serve

NAMES = ("akidb", "openviking", "opossum", "victor", "open_webui")


def main() -> int:
    """Serve, and end with who started this."""
    told = "; ".join(f"{name}: {what}" for name, what in DEFECTS.items())
    parser = argparse.ArgumentParser(prog="python -m tests.systems.standins.apis", description=__doc__)
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help=f"{', '.join(NAMES)}; akidb:loses=3 has a defect of its own"
    )
    parser.add_argument("--defect", default="", help=told)
    parser.add_argument("--key", default="", help="what must be sent to be let in")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    given = parser.parse_args()
    for each in given.names:
        name, _, defect = each.partition(":")
        module = importlib.import_module(f"{__package__}.{name}")
        kind = next(
            one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Api) and one is not Api
        )
        server = serve(kind(defect or given.defect, given.key), given.port, given.address)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(
            json.dumps({"name": name, "defect": defect, "url": f"http://{given.address}:{server.server_port}"}),
            flush=True,
        )
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
