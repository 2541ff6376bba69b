"""``seatrial explain``: the manual at the command line."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys

from seatrial.manual import Entry, entries, find, nearest
from seatrial.manual.page import WIDTH, as_json, coloured, listing, page

__all__ = ["explain"]


def explain(words: str, *, as_data: bool = False) -> int:
    """Tell one requirement, or the list of all, of an area, or of those that the words fit; give an exit code."""
    known = entries()
    chosen = list(known) if not words else find(words, known)
    if not chosen:
        sys.stderr.write(f"seatrial explain: no requirement is called `{words}`; the nearest are\n")
        sys.stderr.writelines(f"  {e.requirement.id}  {e.requirement.title}\n" for e in nearest(words, known))
        return 4
    if as_data:
        _say(json.dumps(as_json(chosen), indent=2, ensure_ascii=False))
    elif len(chosen) == 1:
        _say(*_page(chosen[0]))
    else:
        _say(*listing(chosen, colour=coloured()))
    return 0


def _page(entry: Entry) -> list[str]:
    expires = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return list(page(entry, expires=expires.isoformat(), colour=coloured(), width=min(max(columns, 60), WIDTH)))


def _say(*lines: str) -> None:
    """Lines on standard output, whatever it can hold."""
    text = "\n".join(lines) + "\n"
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
