"""``loads/NAME.hlog``: the latencies of each load, second by second, in HdrHistogram's log format (V1.3) for any of its readers.

Lines of all requests together have no tag; those of one endpoint have its name. Ramp and warm-up are in them.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.record import LoadTold, Record

__all__ = ["NAME", "write"]

NAME = "loads"


def write(record: Record, folder: Path) -> dict[str, str]:
    """A log of each load; none where none was made."""
    return {f"{load.name.removeprefix('slos.')}.hlog": _log(load) for load in record.loads if load.log}


def _log(load: LoadTold) -> str:
    from seatrial.latency.histograms import write_log

    lines = sorted(load.log, key=lambda line: line[0])
    with tempfile.TemporaryDirectory(prefix="seatrial-log-") as place:
        file = Path(place, "log")
        write_log(file, datetime.fromisoformat(load.began).timestamp(), lines)
        return file.read_text(encoding="ascii")
