"""``python -m seatrial.manual`` writes ``docs/requirements.md`` and its pages; with ``--check`` it writes nothing and exits 1 when one is stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import seatrial
from seatrial.manual import entries
from seatrial.manual.document import INDEX, documents

__all__ = ["FOLDER", "main", "written"]

MOST = 5
FOLDER = Path(seatrial.__file__).parent.parent / "docs"


def written() -> dict[str, str]:
    """The pages there are, by their names."""
    files = [FOLDER / INDEX, *sorted((FOLDER / Path(INDEX).stem).glob("*.md"))]
    return {str(file.relative_to(FOLDER)): file.read_text(encoding="utf-8") for file in files if file.is_file()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or tell which are stale."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.manual", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check: bool = parser.parse_args(arguments).check
    made, there = documents(entries()), written()
    stale = sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
    if check and stale:
        sys.stderr.write(f"{', '.join(stale[:MOST])}{' and more' if len(stale) > MOST else ''}: stale, run make docs\n")
    if check:
        return 1 if stale else 0
    for name in stale:
        file = FOLDER / name
        if name not in made:
            file.unlink()
            continue
        file.parent.mkdir(exist_ok=True)
        file.write_text(made[name], encoding="utf-8")
    sys.stdout.write(f"wrote {len(stale)} pages to {FOLDER}\n" if stale else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
