"""``python -m seatrial.manual`` writes ``docs/requirements.md``; with ``--check`` it writes nothing and exits 1 when it is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import seatrial
from seatrial.manual import entries
from seatrial.manual.document import document

__all__ = ["FILE", "main"]

FILE = Path(seatrial.__file__).parent.parent / "docs" / "requirements.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or tell that it is stale."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.manual", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    check: bool = parser.parse_args(arguments).check
    made = document(entries())
    if FILE.is_file() and FILE.read_text(encoding="utf-8") == made:
        return 0
    if check:
        sys.stderr.write(f"{FILE} is stale: run make docs\n")
        return 1
    FILE.write_text(made, encoding="utf-8")
    sys.stdout.write(f"wrote {FILE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
