"""Seatrial: the sea trial of a deployment. The engine; the assertions are in `seatrial.suites`."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"

# A wheel holds suites/, profiles/, specs/ and loadtests/ inside the package; in a checkout they lie beside it, where a
# newcomer looks for them. Extending __path__ makes `seatrial.suites` and the rest resolve in both.
_checkout = Path(__file__).parent.parent
if not (Path(__file__).parent / "suites").is_dir() and (_checkout / "suites").is_dir():
    __path__.append(str(_checkout))


def data(folder: str) -> Path:
    """The directory of what is shipped beside the code: ``suites``, ``profiles``, ``specs`` or ``loadtests``."""
    inside = Path(__file__).parent / folder
    return inside if inside.is_dir() else _checkout / folder
